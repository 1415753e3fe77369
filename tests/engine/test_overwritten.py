"""What the stream shows of our own writes, and which edits they overwrote."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from attrs import evolve

from marketo_dynamics_sync.connectors import FieldChange, Outcome, Write
from marketo_dynamics_sync.engine.sent import MOST, met
from marketo_dynamics_sync.entities import Contact, Lead, Option
from marketo_dynamics_sync.plan import Known
from tests.bound import LEAD
from tests.engine.world import World


def world_with(entity: str = "lead") -> tuple[World, str, str]:
    world = World((Lead, Contact))
    make = world.lead if entity == "lead" else world.contact
    row = make(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Engineer")
    world.settle()
    return world, row, str(world.linked(entity, row))


def race(world: World, person: str, **fields: object) -> None:
    """Let somebody edit a person just before our next write."""
    write = world.marketo.write

    def raced(writes: Sequence[Write]) -> list[Outcome]:
        world.marketo.write = write  # type: ignore[method-assign]  # once
        world.marketo.change("person", person, **fields)
        return write(writes)

    world.marketo.write = raced  # type: ignore[method-assign]  # the race under test


@pytest.mark.parametrize(("entity", "wins"), [("lead", "Countess"), ("contact", "Director")])
def test_the_overwritten_edit_and_the_policy_decide(entity: str, wins: str) -> None:
    world, row, person = world_with(entity)
    world.dynamics.change(f"{entity}s", row, jobtitle="Director")
    race(world, person, title="Countess")
    world.engine.run()
    report = world.engine.run()
    assert [line.field for line in report.overwritten] == ["job_title"]
    world.settle()
    assert (world.person_of(entity, row)["title"], (world.dynamics.row(f"{entity}s", row) or {})["jobtitle"]) == (
        wins,
        wins,
    )


def test_a_plan_shows_what_will_be_put_back_and_changes_nothing() -> None:
    world, row, person = world_with()
    world.dynamics.change("leads", row, jobtitle="Director")
    race(world, person, title="Countess")
    world.engine.run()
    plan = world.engine.plan()
    (step,) = [step for step in plan.steps if step.overwritten]
    assert (dict(step.to_marketo), dict(step.to_dynamics)) == ({"job_title": "Countess"}, {"job_title": "Countess"})
    assert len(world.engine.run().overwritten) == 1


def test_what_was_written_is_forgotten_when_the_stream_has_shown_it() -> None:
    world, row, _ = world_with()
    world.dynamics.change("leads", row, jobtitle="Director")
    world.engine.run()
    (link,) = world.store.links("lead")
    assert link.sent == {"job_title": ["Engineer", "Director"]}
    world.engine.run()
    (link,) = world.store.links("lead")
    assert link.sent == {}


def test_what_is_remembered_of_a_field_has_an_end() -> None:
    world, row, _ = world_with()
    shown = world.marketo._written
    for n in range(2 * MOST):
        world.dynamics.change("leads", row, jobtitle=f"Director {n}")
        world.engine.run()
        shown.clear()  # the stream never shows what was changed
    (link,) = world.store.links("lead")
    assert len(link.sent["job_title"]) == MOST


def test_another_programs_call_is_an_edit_like_any_other() -> None:
    world, row, person = world_with("contact")
    world.dynamics.change("contacts", row, jobtitle="Director")
    world.engine.run()
    world.marketo.change("person", person, title="Countess")
    report = world.engine.run()
    assert not report.overwritten
    world.settle()
    assert world.person_of("contact", row)["title"] == "Countess"


def test_what_is_not_of_the_fields_type_is_told_and_not_written_back() -> None:
    world, row, person = world_with()
    info = world.dynamics.objects["leads"]
    options = (Option(1, "Web"), Option(2, "Fair"))
    fields = {**info.fields, "leadsourcecode": evolve(info.fields["leadsourcecode"], options=options)}
    world.dynamics.objects["leads"] = evolve(info, fields=fields)
    world.settle()
    world.dynamics.change("leads", row, leadsourcecode=1)
    race(world, person, leadSource="Gossip")
    world.engine.run()
    report = world.engine.run()
    assert [(line.field, line.winner, line.rule) for line in report.overwritten] == [
        ("source", "dynamics", "invalid in Marketo")
    ]
    (entry,) = [entry for entry in world.store.journal() if entry.kind == "overwritten"]
    assert entry.detail["marketo"] == "Gossip"
    world.settle()
    assert world.person_of("lead", row)["leadSource"] == "Web"


def test_a_call_that_the_stream_shows_twice_overwrote_nothing_though_its_value_was_written_again() -> None:
    known = Known(LEAD, "7", "8", sent={"city": (None, " Rome", " Rome")})
    first = FieldChange("7", "city", None, "Rome")
    for _ in range(3):
        known = met(known, [first])
        assert known.lost == ()
    (lost,) = met(known, [FieldChange("7", "city", "Oslo", "Rome")]).lost
    assert (lost.field, lost.value, lost.written) == ("city", "Oslo", " Rome")
    assert met(evolve(known, sent={"city": (None, "Rome", "Bern")}), [first]).sent == {"city": ("Rome", "Bern")}
