"""What is told of an edit that was overwritten, and that nobody decided about."""

from __future__ import annotations

from marketo_dynamics_sync.entities import Account, bind
from marketo_dynamics_sync.plan import Known
from marketo_dynamics_sync.plan.known import Lost
from marketo_dynamics_sync.plan.overwritten import told
from marketo_dynamics_sync.testing import described_object, described_table
from tests.bound import LEAD


def test_an_edit_that_no_decision_is_about_is_not_told() -> None:
    lost = Lost("city", "Paris", "Lisbon", "Porto", "Lisbon")
    known = Known(LEAD, "1", "2", lost=(lost,))
    assert told(known, {"city": lost}, ()) == ()


def test_only_persons_leave_fields_to_their_company() -> None:
    account = bind(Account.__entity__, described_object(Account), described_table(Account))
    assert account.company_fields == frozenset()
    assert "company" in LEAD.company_fields
