"""Columns and fields that change between two cycles, and while one runs, on real sockets."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from marketo_dynamics_sync.connectors.dynamics.catalog import LIFETIME
from marketo_dynamics_sync.engine import OnSchemaChange
from marketo_dynamics_sync.entities import Lead, Money, Side, mapped
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import Column
from marketo_dynamics_sync.sandbox.marketo import MarketoService, PersonField
from tests.end_to_end.conftest import START, Pair


def seeded(pair: Pair) -> str:
    row = pair.sandbox.dynamics.create(
        "lead", firstname="Ada", lastname="Byron", emailaddress1="ada@example.com", fax="1", jobtitle="Countess"
    )
    pair.settle(pair.engine((Lead,)))
    return row


def test_a_column_that_is_hidden_from_the_sync_user_while_its_definition_is_believed_is_not_read_as_empty(
    pair: Pair,
) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", fax="1")
    engine = pair.engine((Lead,))
    pair.settle(engine)
    pair.sandbox.dynamics.secure("lead", "fax", readable=False)
    pair.sandbox.dynamics.update("lead", row, jobtitle="Countess")
    assert engine.plan().schema_changes[0].kind == "unreadable"
    report = engine.run()
    assert [(c.field, c.kind) for c in report.schema_changes] == [("fax", "unreadable")]
    assert not report.stopped
    person = pair.person_of("lead", row)
    assert (person["fax"], person["title"]) == ("1", "Countess")
    pair.sandbox.dynamics.secure("lead", "fax", readable=True)
    pair.sandbox.clock.advance(LIFETIME)
    pair.settle(engine)
    assert pair.person_of("lead", row)["fax"] == "1"
    pair.sandbox.dynamics.update("lead", row, fax="2")
    pair.settle(engine)
    assert pair.person_of("lead", row)["fax"] == "2"


def test_a_cycle_that_meets_a_hidden_column_stops_and_the_next_one_knows(pair: Pair) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", fax="1")
    engine = pair.engine((Lead,))
    pair.settle(engine)
    pair.sandbox.dynamics.secure("lead", "fax", readable=False)
    pair.sandbox.dynamics.update("lead", row, jobtitle="Countess")
    report = engine.run()
    assert "lead.fax: dynamics 'fax' can no longer be read" in report.stopped
    pair.settle(engine)
    person = pair.person_of("lead", row)
    assert (person["fax"], person["title"]) == ("1", "Countess")


def test_a_column_that_really_is_cleared_is_cleared(pair: Pair) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", fax="1")
    engine = pair.engine((Lead,))
    pair.settle(engine)
    pair.sandbox.dynamics.update("lead", row, fax=None)
    assert not engine.run().stopped
    assert pair.person_of("lead", row).get("fax") is None


def test_a_column_that_goes_while_its_definition_is_believed_stops_one_cycle_and_no_other(pair: Pair) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", fax="1")
    engine = pair.engine((Lead,))
    pair.settle(engine)
    pair.sandbox.dynamics.remove_column("lead", "fax")
    pair.sandbox.dynamics.update("lead", row, jobtitle="Countess")
    reports = [engine.run(), engine.run()]
    assert [bool(r.stopped) for r in reports] in ([True, False], [False, False])
    assert ("fax", "removed") in {(c.field, c.kind) for r in reports for c in r.schema_changes}
    person = pair.person_of("lead", row)
    assert (person["fax"], person["title"]) == ("1", "Countess")


def test_a_shortened_column_is_told_and_a_marketo_field_that_is_gone_clears_nothing(pair: Pair) -> None:
    row = seeded(pair)
    engine = pair.engine((Lead,), on_schema_change=OnSchemaChange.EVOLVE)
    pair.sandbox.dynamics.edit_column("lead", "jobtitle", max_length=50)
    fields = pair.sandbox.marketo.fields
    fields.change(evolve(fields["fax"], type="text", length=2000))
    report = engine.run()
    assert {str(c) for c in report.schema_changes} == {
        "lead.job_title: dynamics 'jobtitle' changed its length: String(100) → String(50)",
        "lead.fax: marketo 'fax' changed its type: phone(255) → text(2000)",
    }
    pair.settle(engine)
    assert pair.person_of("lead", row)["fax"] == "1"
    assert pair.sandbox.dynamics.row("lead", row)["fax"] == "1"  # type: ignore[index]  # the row is there


def test_an_idle_cycle_costs_no_more_for_it(pair: Pair) -> None:
    seeded(pair)
    engine = pair.engine(on_schema_change=OnSchemaChange.FREEZE)
    pair.settle(engine)
    pair.settle(engine)
    pair.forget_calls()
    assert engine.run().schema_changes == ()
    assert len(pair.calls()) == 4


class ScoredLead(Lead):
    """A lead with fields that one side computes, or hides."""

    total: Money | None = mapped(marketo="totalSpent", dynamics="new_total", optional=True)
    fit: int | None = mapped(marketo="fitScore", dynamics="new_fit", optional=True)
    secret: str | None = mapped(marketo="secretNote", dynamics="new_secret", optional=True)


def computing(pair_with: Callable[..., Pair]) -> tuple[Pair, str]:
    """Return services: Dynamics rolls ``new_total`` up and hides ``new_secret``, Marketo computes ``fitScore``."""
    fields = [PersonField("totalSpent", "currency"), PersonField("secretNote"), PersonField("dynamicsId")]
    fields.append(PersonField("fitScore", "integer", updateable=False))
    pair = pair_with(marketo=MarketoService(SandboxClock(START), custom_fields=fields))
    columns = pair.sandbox.dynamics.tables["lead"].columns
    columns["new_total"] = Column("new_total", "Money", read_only=True)
    columns["new_fit"] = Column("new_fit", "Integer")
    columns["new_secret"] = Column("new_secret", "String", max_length=100)
    pair.sandbox.dynamics.secure("lead", "new_secret", readable=False)
    row = pair.sandbox.dynamics.create(
        "lead", lastname="A", emailaddress1="a@x.com", new_fit=5, new_secret="known to few"
    )
    return pair, row


def test_what_a_side_computes_or_hides_is_told_by_check_and_discover(pair_with: Callable[..., Pair]) -> None:
    pair, _ = computing(pair_with)
    engine = pair.engine((ScoredLead,))
    (mapping,) = [check for check in engine.check().checks if check.name == "mapping of lead"]
    assert "secret (the sync user can't read 'new_secret' of dynamics 'lead')" in mapping.detail
    restricted = {(item.side, item.name): item.reason for item in engine.discover("lead").restricted}
    assert restricted[Side.DYNAMICS, "new_secret"] == "unreadable"
    assert restricted[Side.DYNAMICS, "new_total"] == "read-only"
    assert restricted[Side.MARKETO, "fitScore"] == "read-only"


def test_what_a_side_computes_is_never_written_there_and_what_it_hides_is_never_empty(
    pair_with: Callable[..., Pair],
) -> None:
    pair, row = computing(pair_with)
    marketo = pair.sandbox.marketo
    engine = pair.engine((ScoredLead,))
    pair.settle(engine)
    person = int(str(pair.person_of("lead", row)["id"]))
    marketo.update_person(person, totalSpent=9, fitScore=7, secretNote="mine", title="CTO")
    pair.sandbox.dynamics.update("lead", row, new_fit=6, fax="1")
    steps = engine.plan().steps
    assert all("total" not in s.to_dynamics and "fit" not in s.to_marketo for s in steps)
    assert all("secret" not in {*s.to_marketo, *s.to_dynamics} for s in steps)
    pair.settle(engine)
    stored = pair.sandbox.dynamics.row("lead", row)
    assert stored is not None
    assert (stored.get("new_total"), stored["new_secret"], stored["jobtitle"]) == (None, "known to few", "CTO")
    # Each flows the one way that is left: out of the side that computes it.
    assert stored["new_fit"] == 7
    found = pair.person_of("lead", row)
    assert (found.get("totalSpent"), found["fitScore"], found["secretNote"], found["fax"]) == (None, 7, "mine", "1")
