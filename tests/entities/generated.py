"""Entity classes to be generated: one of each kind, and what they are generated from."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from marketo_dynamics_sync.entities import FieldInfo, Lead, ObjectInfo, Option, custom_object, generate_source, person
from marketo_dynamics_sync.testing import described_person, described_table
from tests.entities.described import EVENTS, columns, twin

LEADS = described_table(Lead)
PEOPLE = described_person(Lead)
WIDE_LEADS = evolve(
    LEADS,
    fields=dict(LEADS.fields)
    | columns(
        FieldInfo("new_slatier", "Picklist", options=(Option(1, "Gold"), Option(2, "A/B"))),
        FieldInfo("new_score", "Integer", updatable=False),
        FieldInfo("new_first_name", "String"),
    ),
)
WIDE_PEOPLE = evolve(
    PEOPLE,
    fields=dict(PEOPLE.fields)
    | columns(
        FieldInfo("slaTier_c", "string"),
        FieldInfo("score", "score"),
        FieldInfo("first_Name_c", "string", readable=False),
    ),
)

#: What is generated, by what it is an example of.
CALLS: dict[str, Callable[[], str]] = {
    "events": lambda: generate_source("event", twin("event_c", EVENTS), EVENTS),
    "proposed": lambda: generate_source("event", None, EVENTS),
    "person": lambda: generate_source("visitor", WIDE_PEOPLE, WIDE_LEADS, lives_in=person()),
    "extended": lambda: generate_source("lead", WIDE_PEOPLE, WIDE_LEADS, extends=Lead),
    "nothing to add": lambda: generate_source("lead", PEOPLE, LEADS, extends=Lead),
    "role": lambda: generate_source("role", ObjectInfo("opportunityRole", {}), EVENTS),
    "script": lambda: generate_source("событие", twin("event_c", EVENTS), EVENTS),
    "long": lambda: generate_source(
        "event",
        None,
        EVENTS,
        lives_in=custom_object("e" * 90 + "_c", dedupe=tuple(letter * 45 for letter in "abc")),
    ),
}
