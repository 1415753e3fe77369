"""One, Nothing or Many: never a guess."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.entities import UNREADABLE, BoundEntity, Invalid, Record
from marketo_dynamics_sync.identity import (
    AMBIGUOUS,
    NO_KEY,
    SHARED_KEY,
    Candidates,
    Many,
    Matching,
    MatchKey,
    Nothing,
    One,
    fold_text,
    group_by_key,
    key_values,
    pair,
)
from tests.bound import LEAD, bound

KEYLESS = bound(without=("dynamicsId",))
EMAIL = MatchKey("email")
CRM_ID = MatchKey("crm_id")


def row(row_id: str, email: str | None = None, **values: object) -> Record:
    return Record(row_id, {"email": email, **values})


def person(person_id: str, email: str | None = None, crm_id: str | None = None, **values: object) -> Record:
    return Record(person_id, {"email": email, "crm_id": crm_id, **values})


def who(
    wanted: Record,
    persons: Sequence[Record],
    *,
    entity: BoundEntity = LEAD,
    taken: dict[str, str] | None = None,
    rows: dict[str, frozenset[str]] | None = None,
    matching: Matching | None = None,
) -> One | Nothing | Many:
    keys = (matching or Matching()).order(entity)
    among = Candidates({key.field: group_by_key(key, persons) for key in keys}, {"email": rows or {}}, taken or {})
    return pair(wanted, entity=entity, keys=keys, among=among)


def test_the_crm_id_comes_before_the_email() -> None:
    by_id, by_email = person("1", "other@example.com", "row-1"), person("2", "ada@example.com")
    assert who(row("row-1", "ada@example.com"), [by_id, by_email]) == One(by_id, "crm_id")


def test_the_email_is_compared_without_letter_case_and_blanks() -> None:
    found = person("2", " ADA@Example.com ")
    assert who(row("row-1", "ada@example.com"), [found]) == One(found, "email")


def test_a_person_with_another_rows_crm_id_is_nobodys_candidate() -> None:
    assert who(row("row-1", "ada@example.com"), [person("2", "ada@example.com", "row-9")]) == Nothing("crm_id")


def test_a_person_linked_to_another_row_is_nobodys_candidate() -> None:
    found = person("2", "ada@example.com")
    assert who(row("row-1", "ada@example.com"), [found], taken={"2": "row-9"}) == Nothing("crm_id")
    assert who(row("row-1", "ada@example.com"), [found], taken={"2": "row-1"}) == One(found, "email")


def test_several_persons_are_many() -> None:
    answer = who(row("row-1", "ada@example.com"), [person("1", "ada@example.com"), person("2", "ada@example.com")])
    assert answer == Many(AMBIGUOUS, "email", ("1", "2"))


def test_several_rows_that_claim_one_person_are_many() -> None:
    answer = who(
        row("row-1", "ada@example.com"),
        [person("1", "ada@example.com")],
        rows={"ada@example.com": frozenset({"row-1", "row-2"})},
    )
    assert answer == Many(AMBIGUOUS, "email", ("1",), ("row-2",))


def test_nobody_is_nothing_and_says_under_which_key_to_create() -> None:
    assert who(row("row-1", None), []) == Nothing("crm_id")
    assert who(row("row-1", "ada@example.com"), [], entity=KEYLESS) == Nothing("email")


def test_without_a_crm_id_field_a_missing_or_shared_email_parks() -> None:
    assert who(row("row-1"), [], entity=KEYLESS) == Many(NO_KEY, "email")
    twins = {"ada@example.com": frozenset({"row-1", "row-2"})}
    assert who(row("row-1", "ada@example.com"), [], entity=KEYLESS, rows=twins) == Many(
        SHARED_KEY, "email", (), ("row-2",)
    )
    linked = who(
        row("row-1", "ada@example.com"), [person("5", "ada@example.com")], entity=KEYLESS, taken={"5": "row-9"}
    )
    assert linked == Many(SHARED_KEY, "email", ("5",))
    without_email = bound(without=("dynamicsId", "email"))
    assert who(row("row-1", "x"), [], entity=without_email) == Many(NO_KEY, "email")


def test_users_add_keys_and_the_native_way_has_none_but_the_crm_id() -> None:
    digits = MatchKey("phone", normalise=lambda value: "".join(filter(str.isdigit, str(value))) or None)
    found = person("3", None, None, phone="(089) 123")
    wanted = row("row-1", None, phone="089/123")
    assert who(wanted, [found], matching=Matching(keys=(EMAIL, digits))) == One(found, "phone")
    assert who(wanted, [found]) == Nothing("crm_id")
    assert who(
        row("row-1", "a@example.com"), [person("1", "a@example.com")], matching=Matching(native=True)
    ) == Nothing("crm_id")


def test_key_values_are_distinct_and_leave_out_what_says_nothing() -> None:
    rows = [
        row("1", "Ada@example.com"),
        row("2", "ada@example.com "),
        row("3", "  "),
        Record("4", {"email": UNREADABLE}),
        Record("5", {"email": Invalid("x", "y")}),
        Record("6", {}),
    ]
    assert key_values(EMAIL, rows) == ["Ada@example.com"]
    assert list(group_by_key(EMAIL, rows)) == ["ada@example.com"]
    assert fold_text("") is None


emails = st.sampled_from(["a@example.com", "b@example.com", None])
people = st.lists(
    st.builds(person, st.integers(1, 9).map(str), emails, st.sampled_from([None, "row-1", "row-2"])),
    max_size=6,
    unique_by=lambda record: record.id,
)
taken_by = st.dictionaries(st.integers(1, 9).map(str), st.sampled_from(["row-1", "row-2"]), max_size=3)


@given(emails, people, taken_by, st.sampled_from([LEAD, KEYLESS]))
def test_an_answer_never_takes_what_is_anothers(
    email: str | None, persons: list[Record], taken: dict[str, str], entity: BoundEntity
) -> None:
    answer = who(row("row-1", email), persons, entity=entity, taken=taken)
    again = who(row("row-1", email), persons, entity=entity, taken=taken)
    assert answer == again
    if isinstance(answer, One):
        assert taken.get(answer.record.id, "row-1") == "row-1"
        assert entity is KEYLESS or answer.record.values["crm_id"] in (None, "row-1")
        rivals = [
            p
            for p in persons
            if p.id != answer.record.id
            and answer.key == "email"
            and p.values["email"] == email
            and taken.get(p.id, "row-1") == "row-1"
            and (entity is KEYLESS or p.values["crm_id"] is None)
        ]
        assert not rivals
