from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors.dynamics.scrub import LONGEST, named, row_ids, scrub

NAMES = {"firstname", "lead", "leads", "emailaddress1", "numberofemployees"}


@pytest.mark.parametrize(
    ("text", "values", "kept"),
    [
        (
            "The length of the 'firstname' attribute of the 'lead' entity exceeded the maximum allowed length of '50'.",
            ["Ada" * 30],
            "The length of the 'firstname' attribute of the 'lead' entity exceeded the maximum allowed length of '50'.",
        ),
        (
            "The value 9999 of 'numberofemployees' on record of type 'lead' is out of range. Accepted: 0:1000",
            [9999],
            "The value … of 'numberofemployees' on record of type 'lead' is out of range. Accepted: 0:1000",
        ),
        ("A lead called 'Ada Lovelace' exists", [], "A lead called '…' exists"),
        ("Cannot insert. The duplicate key value is (ada, 7).", [], "Cannot insert. The duplicate key value is (…)."),
        ("Write to ada.l+x@example.com now", [], "Write to … now"),
        ("Call +49 (30) 1234-567 today", [], "Call … today"),
        (
            "Entity 'lead' With Id = 6f0d1111-2222-3333-4444-555566667777 Does Not Exist",
            [],
            "Entity 'lead' With Id = 6f0d1111-2222-3333-4444-555566667777 Does Not Exist",
        ),
        ("Principal is missing prvReadLead privilege", [], "Principal is missing prvReadLead privilege"),
        ("Could not find a property named 'faks' on type", [], "Could not find a property named 'faks' on type"),
        ("Could not find a property named 'a b' on type", [], "Could not find a property named '…' on type"),
        ("Ada can't be saved", ["Ada"], "… can't be saved"),
    ],
)
def test_names_stay_and_values_go(text: str, values: list[object], kept: str) -> None:
    assert scrub(text, names=NAMES, values=values) == kept


def test_a_long_text_is_cut() -> None:
    assert len(scrub("stack trace " * 100)) == LONGEST + 1


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=2, max_size=20))
def test_a_value_that_was_sent_never_comes_through(value: str) -> None:
    text = scrub(f"the value '{value}' of 'firstname' is bad: {value}", names=NAMES, values=[value])
    shown = text.replace("the value", "").replace("of 'firstname' is bad", "")
    assert value.casefold() in {name.casefold() for name in NAMES} or value not in shown


def test_the_column_that_a_text_speaks_of() -> None:
    text = "A validation error occurred. The length of the 'firstname' attribute of the 'lead' entity is too long."
    assert named(text, ["name", "firstname", "lead"]) == "firstname"
    assert named("column emailaddress1 is locked", ["emailaddress1"]) == "emailaddress1"
    assert named("nothing here", ["firstname"]) is None


def test_row_ids_in_a_text() -> None:
    assert row_ids("x 6F0D1111-2222-3333-4444-555566667777 y") == {"6f0d1111-2222-3333-4444-555566667777"}
