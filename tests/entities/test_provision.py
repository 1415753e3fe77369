"""Which person fields a mapping needs that Marketo lacks."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

from attrs import evolve

from marketo_dynamics_sync.entities import (
    Account,
    Codec,
    Contact,
    Direction,
    Email,
    FieldInfo,
    Lead,
    Money,
    NewField,
    ObjectInfo,
    Phone,
    Provision,
    Url,
    mapped,
    missing_fields,
)
from marketo_dynamics_sync.testing import described_person, described_table
from tests.entities.described import columns

NOBODY = ObjectInfo("person", {})


class PercentCodec(Codec[float]):
    """A user's codec that Marketo keeps as percent only."""

    marketo_types = frozenset({"percent"})


class Wide(Lead):
    """A lead with one field of each kind."""

    text: str | None = mapped(marketo="ownText", dynamics="new_text")
    mail: Email | None = mapped(marketo="ownMail", dynamics="new_mail")
    call: Phone | None = mapped(marketo="ownCall", dynamics="new_call")
    link: Url | None = mapped(marketo="ownLink", dynamics="new_link")
    count: int | None = mapped(marketo="ownCount", dynamics="new_count")
    exact: Decimal | None = mapped(marketo="ownExact", dynamics="new_exact")
    rough: float | None = mapped(marketo="ownRough", dynamics="new_rough")
    price: Money | None = mapped(marketo="ownPrice", dynamics="new_price")
    yes: bool | None = mapped(marketo="ownYes", dynamics="new_yes")
    day: date | None = mapped(marketo="ownDay", dynamics="new_day")
    moment: datetime | None = mapped(marketo="ownMoment", dynamics="new_moment")
    share: float | None = mapped(marketo="ownShare", dynamics="new_share", codec=PercentCodec())


def found(cls: type[Lead], *, person: ObjectInfo = NOBODY, table: ObjectInfo | None = None) -> dict[str, NewField]:
    definition = cls.__entity__
    provision = missing_fields([definition], person, {definition.name: table or described_table(cls)})
    return {field.name: field for field in provision.fields}


def test_every_type_gets_the_one_that_marketo_makes() -> None:
    assert {name: field.type for name, field in found(Wide).items() if name.startswith("own")} == {
        "ownText": "string",
        "ownMail": "email",
        "ownCall": "phone",
        "ownLink": "url",
        "ownCount": "integer",
        "ownExact": "float",
        "ownRough": "float",
        "ownPrice": "currency",
        "ownYes": "boolean",
        "ownDay": "date",
        "ownMoment": "datetime",
        "ownShare": "percent",
    }


def test_what_marketo_has_is_not_missing() -> None:
    person = described_person(Lead, without=("microsoftTopic", "dynamicsId"))
    assert found(Lead, person=person) == {
        "dynamicsId": NewField("dynamicsId", "string", "Dynamics Id", ("lead.crm_id",)),
        "microsoftTopic": NewField("microsoftTopic", "string", "Microsoft Topic", ("lead.topic",)),
    }


def test_what_nothing_would_fill_is_not_needed() -> None:
    class Own(Lead):
        seen: str | None = mapped(marketo="ownSeen", dynamics="new_seen", read_only=True)
        score: int | None = mapped(marketo="ownScore", dynamics="new_score", direction=Direction.TO_DYNAMICS)
        hidden: str | None = mapped(marketo="ownHidden", dynamics="new_hidden")
        gone: str | None = mapped(marketo="ownGone", dynamics="new_gone")

    table = described_table(Own, without=("new_gone",))
    hidden = columns(FieldInfo("new_hidden", "String", readable=False))
    needed = found(Own, table=evolve(table, fields=dict(table.fields) | hidden))
    assert not {"ownSeen", "ownScore", "ownHidden", "ownGone", "externalSalesPersonId"} & set(needed)
    assert needed["microsoftIsDeleted"].type == "boolean"


def test_entities_share_a_field_and_other_objects_have_none() -> None:
    tables = {cls.__entity__.name: described_table(cls) for cls in (Lead, Contact)}
    provision = missing_fields([c.__entity__ for c in (Account, Lead, Contact)], NOBODY, tables)
    shared = next(field for field in provision.fields if field.name == "dynamicsId")
    assert shared.needed_by == ("lead.crm_id", "contact.crm_id")
    assert [field.name for field in provision.fields] == sorted(field.name for field in provision.fields)


def test_it_is_told_in_words_and_as_data() -> None:
    field = NewField("slaTier_c", "string", "Sla Tier", ("lead.tier", "contact.tier"))
    assert str(Provision((field,))).splitlines() == [
        "person fields missing in Marketo: 1",
        "  slaTier_c: string, labelled 'Sla Tier', for lead.tier, contact.tier",
    ]
    assert str(Provision((field,), made=True)).startswith("person fields made in Marketo: 1\n")
    assert str(Provision(())) == "Marketo has every person field that the mappings need"
    assert json.loads(json.dumps(Provision((field,)).as_dict())) == {
        "fields": [
            {
                "name": "slaTier_c",
                "type": "string",
                "label": "Sla Tier",
                "needed_by": ["lead.tier", "contact.tier"],
            }
        ],
        "made": False,
    }


def test_a_field_that_two_entities_need_is_of_the_first_ones_type() -> None:
    class First(Lead):
        size: int | None = mapped(marketo="ownSize", dynamics="new_size")

    class Second(Contact):
        size: str | None = mapped(marketo="ownSize", dynamics="new_size")

    tables = {"lead": described_table(First), "contact": described_table(Second)}
    made = missing_fields([First.__entity__, Second.__entity__], described_person(Lead), tables)
    assert [field for field in made.fields if field.name == "ownSize"] == [
        NewField("ownSize", "integer", "Own Size", ("lead.size", "contact.size"))
    ]
