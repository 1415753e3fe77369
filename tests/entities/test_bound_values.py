"""Records between both services' JSON, Python values and the state store."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.entities import (
    UNREADABLE,
    BoundEntity,
    Codec,
    Entity,
    FieldInfo,
    Invalid,
    Lead,
    Money,
    Record,
    Ref,
    Side,
    bind,
    entity,
    mapped,
    person,
)
from marketo_dynamics_sync.entities.values import JSON
from marketo_dynamics_sync.errors import ValueRejectedError
from marketo_dynamics_sync.testing import described_person, described_table

from ..bound import LEAD, bound

GUID = "6b1f8d0e-0c7a-ee11-8179-000d3a123456"


class Fragile(Codec[str]):
    """A user's codec that fails on what it doesn't expect, and is never shown nothing by the store."""

    def from_marketo(self, raw: JSON) -> str | None:
        return {"a": "A"}[str(raw)]

    def from_dynamics(self, raw: JSON) -> str | None:
        return self.from_marketo(raw)

    def to_marketo(self, value: str | None) -> JSON:
        return {"A": "a"}[str(value)]

    def to_dynamics(self, value: str | None) -> JSON:
        return self.to_marketo(value)

    def dump(self, value: str | None) -> JSON:
        assert value is not None
        return value.lower()

    def load(self, raw: JSON) -> str | None:
        assert isinstance(raw, str)
        return raw.upper()


@entity(name="thing", marketo=person(), dynamics="new_things")
class Thing(Entity):
    text: str | None = mapped(marketo="text", dynamics="new_text")
    count: int | None = mapped(marketo="count", dynamics="new_count")
    amount: Money | None = mapped(marketo="amount", dynamics="new_amount")
    sure: bool | None = mapped(marketo="sure", dynamics="new_sure")
    at: datetime | None = mapped(marketo="at", dynamics="new_at")
    owner: Ref[object] | None = mapped(marketo="owner", dynamics="ownerid")
    own: str | None = mapped(marketo="own", dynamics="new_own", codec=Fragile())


def thing() -> BoundEntity:
    table = described_table(Thing)
    owner = FieldInfo("ownerid", "Owner", targets=("systemuser", "team"))
    return bind(Thing.__entity__, described_person(Thing), evolve(table, fields={**table.fields, "ownerid": owner}))


THING = thing()
AT = datetime(2024, 2, 1, 9, 30, 12, tzinfo=UTC)
VALUES = {
    "text": "Ünï 😀",
    "count": 3,
    "amount": Decimal("1.5"),
    "sure": True,
    "at": AT,
    "owner": Ref("team", GUID),
    "own": "A",
}
PERSON = {
    "text": "Ünï 😀",
    "count": 3,
    "amount": 1.5,
    "sure": True,
    "at": "2024-02-01T09:30:12Z",
    "owner": GUID,
    "own": "a",
}


def test_values_are_written_to_both_services() -> None:
    assert THING.encode_marketo(VALUES) == PERSON
    assert THING.encode_dynamics(VALUES) == {
        "new_text": "Ünï 😀",
        "new_count": 3,
        "new_amount": 1.5,
        "new_sure": True,
        "new_at": "2024-02-01T09:30:12Z",
        "ownerid@odata.bind": f"/teams({GUID})",
        "new_own": "a",
    }


def test_values_are_read_from_both_services() -> None:
    assert THING.decode_marketo(PERSON) == VALUES
    row = {
        "new_text": "Ünï 😀",
        "new_count": 3,
        "new_amount": 1.5000,
        "new_sure": True,
        "new_at": "2024-02-01T09:30:12Z",
        "_ownerid_value": GUID.upper(),
        "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "team",
        "new_own": "a",
        "new_unasked": 1,
    }
    read = THING.decode_dynamics(row)
    assert read == VALUES
    assert isinstance(read["owner"], Ref)
    assert read["owner"].table == "team"


def test_one_bad_value_leaves_the_others_alone() -> None:
    read = THING.decode_marketo(PERSON | {"count": "three", "own": "?"})
    assert read == VALUES | {
        "count": Invalid("not-a-number", "a number was expected"),
        "own": Invalid("codec-failed", "the codec Fragile raised KeyError"),
    }
    row = THING.decode_dynamics({"new_text": 1, "new_sure": "yes", "_ownerid_value": "?", "new_own": "?"})
    assert row["text"] == "1"
    assert row["sure"] == Invalid("not-boolean", "true or false was expected")
    assert row["owner"] == Invalid("bad-guid", "not a GUID")
    assert row["own"] == Invalid("codec-failed", "the codec Fragile raised KeyError")


def test_an_invalid_value_never_quotes_what_was_read() -> None:
    secret = "ada@secret.example"
    everything = dict.fromkeys(PERSON, secret)
    for value in THING.decode_marketo(everything).values():
        assert value == secret or secret not in repr(value)


def test_a_member_that_didnt_come_is_read_as_empty() -> None:
    read = THING.decode_marketo({})
    assert (read["text"], read["sure"], read["at"]) == (None, False, None)


def test_a_value_that_a_side_cant_hold_is_found_out_beforehand() -> None:
    name = LEAD.fields["mobile_phone"]
    assert name.problem(Side.MARKETO, "1" * 21) is None
    assert name.problem(Side.DYNAMICS, "1" * 21) == Invalid("too-long", "21 characters where Dynamics takes 20")
    assert THING.fields["owner"].problem(Side.DYNAMICS, Ref("", GUID)) is not None
    assert THING.fields["own"].problem(Side.MARKETO, "?") == Invalid(
        "codec-failed", "the codec Fragile raised KeyError"
    )
    assert THING.fields["count"].problem(Side.DYNAMICS, "five") == Invalid("not-a-number", "a number was expected")
    with pytest.raises(ValueRejectedError):
        LEAD.encode_dynamics({"mobile_phone": "1" * 21})


def test_the_flag_for_deleted_rows_is_written_under_its_own_name() -> None:
    assert LEAD.encode_marketo({"is_deleted": True, "first_name": "Ada"}) == {
        "microsoftIsDeleted": True,
        "firstName": "Ada",
    }


def test_the_store_keeps_what_was_read_and_leaves_out_what_was_not() -> None:
    kept = THING.dump({**VALUES, "text": UNREADABLE, "count": Invalid("x", "y"), "gone": 1, "at": None, "own": None})
    assert set(kept) == {"amount", "sure", "at", "owner", "own"}
    assert THING.load(json.loads(json.dumps(kept))) == {
        "amount": Decimal("1.5"),
        "sure": True,
        "at": None,
        "owner": Ref("team", GUID),
        "own": None,
    }


def test_a_kept_value_that_means_nothing_any_more_is_compared_afresh() -> None:
    class Before(Lead):
        code: str | None = mapped(marketo="code", dynamics="new_code")

    class After(Lead):
        code: date | None = mapped(marketo="code", dynamics="new_code", codec=None)

    kept = bound(Before).dump({"code": "A-7", "first_name": "Ada"})
    person_info, table = described_person(After), described_table(After)
    after = bind(
        After.__entity__,
        evolve(person_info, fields={**person_info.fields, "code": FieldInfo("code", "date")}),
        evolve(table, fields={**table.fields, "new_code": FieldInfo("new_code", "DateTime", behavior="DateOnly")}),
    )
    assert after.load({**kept, "dropped": 1}) == {"first_name": "Ada"}
    assert after.fingerprint != bound(Before).fingerprint


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "text": st.none() | st.text(min_size=1),
            "count": st.none() | st.integers(),
            "amount": st.none() | st.decimals("-99999", "99999", places=2),
            "sure": st.booleans(),
            "at": st.none() | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
            "owner": st.none() | st.uuids().map(lambda guid: Ref("team", str(guid))),
            "own": st.none() | st.sampled_from(["A", "B"]),
        },
    )
)
def test_any_record_survives_the_store(values: dict[str, object]) -> None:
    assert THING.load(json.loads(json.dumps(THING.dump(values)))) == values


def test_a_record_of_which_a_side_says_little_is_active_and_nobodys_successor() -> None:
    record = Record("1001", {})
    assert record.active
    assert (record.version, record.merged_into, record.converted_to, record.converted_from) == (None,) * 4
