"""Each brake at its limit, and what it tells whoever it stops: the numbers, the limit, the way on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from marketo_dynamics_sync.errors import ConfigurationError, PlanRefusedError
from marketo_dynamics_sync.plan import Brake, Brakes, Canary

USUAL = Brakes()
CAPPED = Brakes(max_deletes=5)
WATCHED = Brakes(canary=Canary("lead", "row-1"))
ADDRESS = "if not, look at the filter, the sync user's role and the address of the environment"


@pytest.mark.parametrize(
    ("brakes", "brake", "passes", "stops", "text"),
    [
        (
            USUAL,
            Brake.DELETES,
            [("lead", 19, 19), ("lead", 25, 100), ("lead", 20, 80), ("lead", 50, 0)],
            ("lead", 20, 79),
            "20 of 79 linked records of 'lead' (25%) look deleted, and 25% is the limit (max_delete_share). Nothing "
            f"was written. If that is meant, run once with release=[Brake.DELETES]; {ADDRESS}.",
        ),
        (
            CAPPED,
            Brake.DELETES,
            [("lead", 5, 10), ("lead", 6, 0)],
            ("lead", 6, 1000),
            "6 of 1000 linked records of 'lead' (1%) look deleted, and 5 is the limit (max_deletes). Nothing was "
            f"written. If that is meant, run once with release=[Brake.DELETES]; {ADDRESS}.",
        ),
    ],
)
def test_deletions(
    brakes: Brakes, brake: Brake, passes: list[tuple[str, int, int]], stops: tuple[str, int, int], text: str
) -> None:
    for numbers in passes:
        brakes.allow_deletes(*numbers)
    stopped(lambda its: its.allow_deletes(*stops), brakes, brake, text)


def stopped(look: Callable[[Brakes], None], brakes: Brakes, brake: Brake, text: str) -> None:
    """Assert that a brake stops with this text, and that it doesn't when it is released."""
    with pytest.raises(PlanRefusedError, match=f"^{re.escape(text)}$") as caught:
        look(brakes)
    assert caught.value.brake == brake.value
    look(brakes.release([brake]))
    with pytest.raises(PlanRefusedError):
        look(brakes.release([other for other in Brake if other not in (brake, Brake.EMPTY)]))


def test_changes() -> None:
    USUAL.allow_changes("lead", 999, 999, why="x")
    USUAL.allow_changes("lead", 1000, 2000, why="x")
    USUAL.allow_changes("lead", 5000, 0, why="x")
    assert not USUAL.looks_many(1000, 2000)
    assert USUAL.looks_many(1000, 1999)
    assert not USUAL.looks_many(999, 999)
    assert not USUAL.release([Brake.CHANGES]).looks_many(1000, 1000)
    stopped(
        lambda its: its.allow_changes("lead", 1000, 1999, why="a new mapping"),
        USUAL,
        Brake.CHANGES,
        "1000 of 1999 linked records of 'lead' (50%) would be written (a new mapping), and 50% is the limit "
        "(max_change_share). Nothing was written. If that is meant, run once with release=[Brake.CHANGES]; if not, "
        "look at engine.plan() with the same switch, which writes nothing.",
    )


def test_merges() -> None:
    USUAL.allow_merges("lead", 19, 19)
    USUAL.allow_merges("lead", 20, 80)
    USUAL.allow_merges("lead", 20, 0)
    stopped(
        lambda its: its.allow_merges("lead", 20, 79),
        USUAL,
        Brake.MERGES,
        "persons of 20 of 79 linked records of 'lead' (25%) would be merged into others, which can't be undone, and "
        "25% is the limit (max_merge_share). Nothing was written. If that is meant, run once with "
        "release=[Brake.MERGES]; if not, give on_merge=OnMerge.HOLD.",
    )


def test_what_is_found_when_others_were_written_is_told_so() -> None:
    untouched = r"None of these was touched\. If that is meant"
    for look in (
        lambda: USUAL.allow_deletes("lead", 20, 79, late=True),
        lambda: USUAL.allow_changes("lead", 1000, 1999, why="x", late=True),
        lambda: USUAL.allow_leaving("lead", 20, 79, late=True),
        lambda: USUAL.allow_empty("lead", "Dynamics", 1, late=True),
    ):
        with pytest.raises(PlanRefusedError, match=untouched):
            look()
    for done in (0, 7):
        with pytest.raises(PlanRefusedError, match=rf"\. {done} of them may be merged by now, and no other is\. If"):
            USUAL.allow_merges("lead", 20, 79, done=done)


def test_what_is_worth_a_closer_look() -> None:
    assert not USUAL.looks_many_merges(19, 19)
    assert not USUAL.looks_many_merges(20, 80)
    assert not USUAL.looks_many_merges(20, 0)
    assert USUAL.looks_many_merges(20, 79)
    assert Brakes(min_merges=0).looks_many_merges(1, 1)
    assert not USUAL.release([Brake.MERGES]).looks_many_merges(20, 79)


def test_rows_that_leave_the_filter() -> None:
    USUAL.allow_leaving("lead", 19, 19)
    USUAL.allow_leaving("lead", 20, 80)
    stopped(
        lambda its: its.allow_leaving("lead", 20, 79),
        USUAL,
        Brake.FILTER,
        "20 of 79 linked records of 'lead' (25%) would leave the filter, and 25% is the limit (max_delete_share). "
        "Nothing was written. If that is meant, run once with release=[Brake.FILTER]; if not, look at the filter.",
    )


def test_an_empty_side() -> None:
    USUAL.allow_empty("lead", "Dynamics", 0)
    stopped(
        lambda its: its.allow_empty("lead", "a full reading of Dynamics", 1),
        USUAL,
        Brake.EMPTY,
        "a full reading of Dynamics shows no record of 'lead', and 1 are linked. Nothing was written. If that is "
        "meant, run once with release=[Brake.EMPTY]; if not, look at the sync user's role and at the address of the "
        "environment.",
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_clocks(sign: int) -> None:
    USUAL.allow_skew("Marketo", sign * timedelta(minutes=15))
    with pytest.raises(PlanRefusedError, match=r"are 16 minutes apart, and 15 are the limit"):
        USUAL.allow_skew("Marketo", sign * timedelta(minutes=16))
    stopped(
        lambda its: its.allow_skew("Marketo", sign * timedelta(hours=3)),
        Brakes(max_clock_skew=timedelta(hours=2)),
        Brake.CLOCK,
        "this machine's clock and Marketo's are 180 minutes apart, and 120 are the limit (max_clock_skew). Nothing was "
        "written. If that is meant, run once with release=[Brake.CLOCK]; if not, set this machine's clock.",
    )


def test_the_canary() -> None:
    USUAL.allow_canary("in Marketo")
    stopped(
        lambda its: its.allow_canary("in Marketo"),
        WATCHED,
        Brake.CANARY,
        "the canary, lead row-1, is not there: in Marketo. Nothing was written. If that is meant, run once with "
        "release=[Brake.CANARY]; if not, look at the sync user's role, the filter, and the address of the instances.",
    )


def test_what_is_released() -> None:
    one: Any = Brake.CLOCK
    assert USUAL.release(one).released == {Brake.CLOCK}
    assert USUAL.release([Brake.CLOCK]).release([Brake.MERGES]).released == {Brake.CLOCK, Brake.MERGES}
    assert USUAL.release([Brake.EMPTY]).released == {Brake.EMPTY, Brake.DELETES}
    assert USUAL.release([]) is USUAL
    wrong: Any = ["deletes"]
    with pytest.raises(ConfigurationError, match=r"^release: give members of Brake, such as \[Brake\.DELETES\]$"):
        USUAL.release(wrong)
