"""Match keys of a user's own that fail, several key values at once, and keys that nobody has."""

from __future__ import annotations

from typing import Any

import pytest

from marketo_dynamics_sync.entities import Record
from marketo_dynamics_sync.errors import PolicyError
from marketo_dynamics_sync.identity import Candidates, Matching, MatchKey, Nothing, group_by_key, key_values, pair
from tests.bound import LEAD, bound

KEYLESS = bound(without=("dynamicsId",))


def test_a_normalise_that_raises_is_named_and_the_value_is_not() -> None:
    def broken(value: object) -> str:
        raise LookupError(value)

    with pytest.raises(PolicyError, match=r"^match key 'phone': normalise raised LookupError$") as caught:
        MatchKey("phone", broken).of({"phone": "0891234"})
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_normalise_that_returns_no_text_is_told_what_it_returned() -> None:
    number: Any = int
    with pytest.raises(PolicyError, match=r"^match key 'phone': normalise returned int, not text or None$"):
        MatchKey("phone", number).of({"phone": "0891234"})


def test_every_distinct_value_is_looked_up_once_in_the_order_of_the_records() -> None:
    records = [Record(str(n), {"email": email}) for n, email in enumerate(["b@x.org", "a@x.org", "B@x.org", "c@x.org"])]
    assert key_values(MatchKey("email"), records) == ["b@x.org", "a@x.org", "c@x.org"]
    assert {
        value: [record.id for record in found] for value, found in group_by_key(MatchKey("email"), records).items()
    } == {
        "b@x.org": ["0", "2"],
        "a@x.org": ["1"],
        "c@x.org": ["3"],
    }


def test_a_key_by_which_nothing_was_looked_up_finds_nobody() -> None:
    row = Record("row-1", {"email": "ada@x.org"})
    for entity, lookup in ((LEAD, "crm_id"), (KEYLESS, "email")):
        answer = pair(row, entity=entity, keys=Matching().order(entity), among=Candidates())
        assert answer == Nothing(lookup)
