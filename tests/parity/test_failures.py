"""Golden scenarios of the parity list: what Dynamics can't take, and what a marketer reads about it."""

from __future__ import annotations

import pytest

from marketo_dynamics_sync.connectors.marketo import ActivityType, failure_activities
from marketo_dynamics_sync.engine import SyncReport
from marketo_dynamics_sync.entities import Lead
from marketo_dynamics_sync.sandbox.dataverse import Refused
from tests.end_to_end.conftest import Pair, pair, pair_with

__all__ = ["pair", "pair_with"]

KIND = ActivityType(100001, "dynamicsSyncFailed", "Reason", {"field": "Field", "message": "Message"})


def told(pair: Pair, report: SyncReport) -> list[tuple[str, object, object]]:
    """Return what the activities of a report say: person, field and message."""
    lines = [*report.rejected, *report.parked]
    made = failure_activities(lines, KIND, at=pair.sandbox.clock.now())
    return [(item.lead_id, item.attributes.get("field"), item.attributes.get("message")) for item in made]


def test_a_person_without_a_required_value_is_refused_and_told(pair: Pair) -> None:
    def rule(row: dict[str, object], before: dict[str, object] | None) -> None:
        if not row.get("companyname"):
            raise Refused("A lead needs a company.")

    pair.sandbox.dynamics.add_rule("lead", rule)
    person = pair.sandbox.marketo.create_person(email="ada@example.com", lastName="Byron")
    engine = pair.engine([Lead])
    report = engine.push_persons([person])
    assert pair.sandbox.dynamics.all_rows("lead") == []
    ((lead_id, _, message),) = told(pair, report)
    assert (lead_id, "needs a company" in str(message)) == (str(person), True)

    pair.sandbox.marketo.update_person(person, company="Widgets")
    pair.sandbox.clock.advance(26 * 3600)
    pair.settle(engine)
    assert [row["companyname"] for row in pair.sandbox.dynamics.all_rows("lead")] == ["Widgets"]


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [("mobilePhone", "0" * 60, "mobile_phone"), ("leadSource", "made up", "source")],
)
def test_a_value_that_a_column_does_not_take_is_told_and_the_other_fields_go_on(
    pair: Pair, field: str, value: str, name: str
) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    engine = pair.engine([Lead])
    pair.settle(engine)
    person = int(str(pair.person_of("lead", row)["id"]))
    pair.sandbox.marketo.update_person(person, title="Countess", **{field: value})
    pair.sandbox.clock.advance(60)
    report = engine.run()
    after = pair.sandbox.dynamics.row("lead", row) or {}
    assert (after.get("mobilephone"), after.get("leadsourcecode")) == (None, None)
    assert after["jobtitle"] == "Countess"
    assert [(lead_id, field) for lead_id, field, _ in told(pair, report)] == [(str(person), name)]
