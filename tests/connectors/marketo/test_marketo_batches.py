"""Laws of how writes become calls, whatever is written."""

from __future__ import annotations

from unittest.mock import Mock

from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors import Write, WriteKind
from marketo_dynamics_sync.connectors.marketo.batches import BODY_BYTES, WRITE_SIZE, batches
from marketo_dynamics_sync.connectors.marketo.encoding import Item
from marketo_dynamics_sync.connectors.marketo.targets import target_of
from marketo_dynamics_sync.entities import MarketoObject

NAMES = ("salesperson", "company", "person", "opportunity", "opportunityRole", "parent_c", "child_c")
DEPTH = {"child_c": 1}
RANK = {name: rank for rank, name in enumerate(NAMES)}


@st.composite
def many_items(draw):
    """Return items of a few records each written a few times, some so large that few fit in a call."""
    count = draw(st.integers(0, 60))
    items = []
    for index in range(count):
        name, kind = draw(st.sampled_from(NAMES)), draw(st.sampled_from(list(WriteKind)))
        keys = draw(st.sampled_from([("id", 1), ("key", 1)]))
        same = draw(st.integers(1, 4))
        both = draw(st.booleans())
        held = ((keys[0], same),) if not both else (("id", same), ("key", same))
        write = Write(Mock(), kind, None)
        lookup = draw(st.sampled_from(["dedupeFields", "idField"]))
        size = draw(st.sampled_from([1, 1, 1, 400_000]))
        items.append(Item(index, write, target_of(MarketoObject(name)), lookup, held, {}, size))
    return items


def _calls(items):
    return list(batches(items, lambda name: DEPTH.get(name, 0)))


@given(many_items())
def test_everything_is_sent_once_and_like_goes_with_like(items):
    calls = _calls(items)
    assert sorted(item.index for call in calls for item in call) == list(range(len(items)))
    for call in calls:
        assert len({(item.target.name, item.write.kind, item.lookup) for item in call}) == 1
        assert len(call) <= WRITE_SIZE
        assert len(call) == 1 or sum(item.size for item in call) <= BODY_BYTES


@given(many_items())
def test_no_call_holds_a_record_twice_and_its_writes_keep_their_order(items):
    last: dict[object, int] = {}
    for call in _calls(items):
        keys = [(item.target.name, key) for item in call for key in item.keys]
        assert len(keys) == len(set(keys))
        for item in call:
            for key in item.keys:
                assert last.get((item.target.name, key), -1) < item.index
                last[item.target.name, key] = item.index


@given(many_items())
def test_records_that_come_once_are_written_parents_first_and_deleted_children_first(items):
    seen: set[object] = set()
    once = []
    for item in items:
        keys = {(item.target.name, key) for key in item.keys}
        if not keys & seen:
            once.append(item)
        seen |= keys
    places = [
        (1, -RANK[item.target.name]) if item.write.kind is WriteKind.DELETE else (0, RANK[item.target.name])
        for call in _calls(once)
        for item in call
    ]
    assert places == sorted(places)
