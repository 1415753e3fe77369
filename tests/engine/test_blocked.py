"""A Marketo field that is blocked for changes from Dynamics (Adobe, "Block Updates to a Field")."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync.entities import Contact, Direction, Lead, Side, mapped
from marketo_dynamics_sync.errors import MappingError
from tests.engine.world import World


class Source(Lead):
    """A lead whose source is Marketo's from the first value on, and never goes to Dynamics."""

    job_title: str | None = mapped(
        marketo="title", dynamics="jobtitle", block=Side.MARKETO, direction=Direction.TO_MARKETO
    )


class Shared(Contact):
    """A contact whose title is Marketo's from the first value on, and goes to Dynamics."""

    job_title: str | None = mapped(marketo="title", dynamics="jobtitle", block=Side.MARKETO)


def lead(world: World, **columns: object) -> tuple[str, str]:
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", **columns)
    world.settle()
    return row, str(world.linked("lead", row))


def test_a_new_person_gets_the_value_and_keeps_it_whatever_dynamics_does() -> None:
    world = World((Source,))
    row, person = lead(world, jobtitle="Countess")
    assert world.person_of("lead", row)["title"] == "Countess"
    world.dynamics.change("leads", row, jobtitle="Empress")
    plan = world.engine.plan()
    assert [d.rule for step in plan.steps for d in step.decisions] == ["blocked in Marketo"]
    assert plan.empty
    assert world.engine.run().wrote == 0
    assert world.person_of("lead", row)["title"] == "Countess"
    assert not world.engine.plan().steps
    world.marketo.change("person", person, title="Mathematician")
    assert world.engine.run().wrote == 0
    assert (world.dynamics.row("leads", row) or {})["jobtitle"] == "Empress"


def test_an_empty_field_takes_the_first_value() -> None:
    world = World((Source,))
    row, _ = lead(world)
    world.dynamics.change("leads", row, jobtitle="Countess")
    world.settle()
    world.dynamics.change("leads", row, jobtitle="Empress")
    world.settle()
    assert world.person_of("lead", row)["title"] == "Countess"


def test_other_fields_of_the_same_row_go_on() -> None:
    world = World((Source,))
    row, _ = lead(world, jobtitle="Countess")
    world.dynamics.change("leads", row, jobtitle="Empress", address1_city="London")
    world.engine.run()
    person = world.person_of("lead", row)
    assert (person["title"], person["city"]) == ("Countess", "London")


def test_a_field_that_flows_both_ways_carries_marketos_changes_only() -> None:
    world = World((Shared,))
    row = world.contact(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Countess")
    world.settle()
    world.dynamics.change("contacts", row, jobtitle="Empress")
    assert world.engine.run().wrote == 0
    world.marketo.change("person", str(world.linked("contact", row)), title="Mathematician")
    world.settle()
    assert (world.dynamics.row("contacts", row) or {})["jobtitle"] == "Mathematician"
    assert world.person_of("contact", row)["title"] == "Mathematician"


def test_a_clash_on_a_contact_leaves_each_side_its_own_and_nothing_waits() -> None:
    world = World((Shared,))
    row = world.contact(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Countess")
    world.settle()
    world.dynamics.change("contacts", row, jobtitle="Empress")
    world.marketo.change("person", str(world.linked("contact", row)), title="Mathematician")
    world.settle()
    assert (world.dynamics.row("contacts", row) or {})["jobtitle"] == "Empress"
    assert world.person_of("contact", row)["title"] == "Mathematician"
    assert list(world.store.parked()) == []


def test_a_person_that_is_recognised_keeps_its_value() -> None:
    world = World((Source,))
    world.person(lastName="Byron", email="ada@x.com", title="Mathematician")
    row, _ = lead(world, jobtitle="Countess")
    assert world.person_of("lead", row)["title"] == "Mathematician"


def test_blocking_a_field_later_compares_once_and_overwrites_nothing() -> None:
    world = World((Lead,))
    row, _ = lead(world, jobtitle="Countess")
    world.engine = world.new_engine(entities=(Source,))
    world.dynamics.change("leads", row, jobtitle="Empress")
    report = world.engine.run()
    assert (report.wrote, len(report.full_comparisons)) == (0, 1)
    assert world.person_of("lead", row)["title"] == "Countess"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"block": Side.MARKETO, "read_only": True}, "doesn't go with"),
        ({"block": Side.MARKETO, "direction": Direction.TO_DYNAMICS}, "nothing flows to marketo"),
        ({"block": Side.DYNAMICS, "direction": Direction.TO_MARKETO}, "nothing flows to dynamics"),
        ({"required": True, "direction": Direction.TO_MARKETO}, "nothing flows there"),
        ({"required": True, "read_only": True}, "nothing flows there"),
        ({"constant": "x"}, "no dynamics="),
    ],
)
def test_rules_that_contradict_each_other_are_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(MappingError, match=rf"Odd\.job_title: .*{text}"):

        class Odd(Lead):
            job_title: str | None = mapped(marketo="title", dynamics="jobtitle", **options)  # type: ignore[arg-type]


def test_a_constant_is_of_the_fields_type_and_takes_no_other_rule() -> None:
    with pytest.raises(MappingError, match=r"Odd\.rank: .*doesn't bring the constant back"):

        class Odd(Lead):
            rank: int | None = mapped(marketo="rank", constant="seven")

    with pytest.raises(MappingError, match=r"Other\.rank: .*takes no other rule"):

        class Other(Lead):
            rank: int | None = mapped(marketo="rank", constant=7, direction=Direction.TWO_WAY)
