"""Where a read goes on, and which streams it reads: pure, so checked as laws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors.marketo.checkpoint import (
    MOST_SEEN,
    Checkpoint,
    Cursor,
    Mark,
    Mode,
    dump,
    load,
)
from marketo_dynamics_sync.connectors.marketo.cost import avoidable_calls, next_mode

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
moments = st.integers(0, 10**6).map(lambda seconds: START + timedelta(seconds=seconds))
marks = st.lists(st.builds(Mark, moments, st.text(max_size=20)), min_size=1, max_size=60).map(
    lambda found: tuple(sorted(found, key=lambda mark: mark.at))
)
cursors = st.builds(Cursor, marks, st.lists(st.text(max_size=10), max_size=30).map(tuple))
checkpoints = st.builds(
    Checkpoint,
    moments,
    st.sampled_from(Mode),
    st.dictionaries(st.sampled_from(["one", "changes", "others"]), cursors),
    st.lists(st.integers(0, 50), max_size=8).map(tuple),
    st.integers(0, 64),
    st.integers(4, 64),
)


@given(checkpoints)
def test_a_checkpoint_comes_back_as_it_was(checkpoint):
    assert load(dump(checkpoint)) == checkpoint


@given(cursors, moments, st.integers(0, 3600))
def test_a_read_starts_the_overlap_back_or_as_far_back_as_it_can(cursor, read_at, seconds):
    overlap = timedelta(seconds=seconds)
    start = cursor.start(read_at, overlap)
    if cursor.marks[0].at <= read_at - overlap:
        assert start.at <= read_at - overlap
        assert not any(start.at < mark.at <= read_at - overlap for mark in cursor.marks)
    else:
        assert start == cursor.marks[0]


@given(cursors, moments, st.integers(1, 3600), st.integers(0, 10**5))
def test_trimming_changes_no_start_now_and_makes_no_later_start_too_late(cursor, read_at, seconds, later):
    overlap = timedelta(seconds=seconds)
    trimmed = cursor.trimmed(read_at, overlap)
    assert trimmed.start(read_at, overlap) == cursor.start(read_at, overlap)
    assert set(trimmed.marks) <= set(cursor.marks)
    assert len(trimmed.marks) <= 14
    then = read_at + timedelta(seconds=later)
    assert trimmed.start(then, overlap).at <= cursor.start(then, overlap).at


def test_seen_guids_are_bounded():
    cursor = Cursor((Mark(START, "t"),), tuple(map(str, range(MOST_SEEN + 10))))
    trimmed = cursor.trimmed(START, timedelta(minutes=5))
    assert len(trimmed.seen) == MOST_SEEN
    assert trimmed.seen[-1] == str(MOST_SEEN + 9)


def test_a_checkpoint_without_a_time_zone_is_not_taken():
    from marketo_dynamics_sync.errors import CheckpointExpiredError

    with pytest.raises(CheckpointExpiredError):
        load(dump(Checkpoint(START.replace(tzinfo=None))))


@pytest.mark.parametrize(
    ("activities", "persons", "mapped", "mapped_persons", "saved"),
    [(0, 0, 0, 0, 0), (300, 300, 0, 0, 1), (301, 1, 300, 1, 1), (3000, 300, 10, 10, 9), (900, 900, 900, 900, 0)],
)
def test_what_two_streams_would_have_saved(activities, persons, mapped, mapped_persons, saved):
    assert avoidable_calls(activities, persons, mapped, mapped_persons) == saved


def play(costs, reads):
    """Let reads happen whose cost in one stream is known; return the mode of each and what all of them cost."""
    checkpoint = Checkpoint(START)
    modes = []
    total = 0
    for saved in costs(reads):
        modes.append(checkpoint.mode)
        before = checkpoint.mode
        total += saved if before is Mode.ONE_STREAM else 1
        checkpoint = next_mode(checkpoint, saved if before is Mode.ONE_STREAM else None)
        total += checkpoint.mode is not before
    return modes, total


def test_quiet_instances_stay_in_one_stream():
    modes, total = play(lambda n: [0] * n, 500)
    assert set(modes) == {Mode.ONE_STREAM}
    assert total == 0


def test_noisy_instances_read_two_streams_nearly_always():
    modes, total = play(lambda n: [10] * n, 500)
    assert modes.count(Mode.TWO_STREAMS) > 480
    assert total < 500 * 2


def test_a_single_mass_update_costs_little():
    _, total = play(lambda n: [30, *[0] * n], 500)
    assert total <= 30 + 6


@given(st.lists(st.integers(0, 12), max_size=200))
def test_choosing_never_costs_much_more_than_the_better_of_both(costs):
    _, total = play(lambda _: costs, 0)
    best = sum(min(saved, 1) for saved in costs)
    assert total <= 8 * best + 8 + max(costs, default=0) * (1 + len(costs) // 5)


def test_stays_grow_and_start_small_again_after_a_quiet_time():
    checkpoint = next_mode(Checkpoint(START), 100)
    assert (checkpoint.mode, checkpoint.left, checkpoint.stay) == (Mode.TWO_STREAMS, 4, 8)
    for _ in range(4):
        assert checkpoint.mode is Mode.TWO_STREAMS
        checkpoint = next_mode(checkpoint, None)
    assert checkpoint.mode is Mode.ONE_STREAM
    again = next_mode(checkpoint, 100)
    assert (again.left, again.stay) == (8, 16)
    for _ in range(8):
        checkpoint = next_mode(checkpoint, 0)
    assert checkpoint.stay == 4
    longest = next_mode(evolve(Checkpoint(START), stay=64), 100)
    assert (longest.left, longest.stay) == (64, 64)
