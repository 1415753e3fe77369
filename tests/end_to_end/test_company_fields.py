"""Company fields of people who belong to a company: they are the company's, and the rest of a record goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketo_dynamics_sync.entities import Account, Contact, Lead, mapped
from tests.end_to_end.conftest import Pair


class Employee(Contact):
    """A contact whose company's name and revenue are mapped on the person as well."""

    company: str | None = mapped(marketo="company", dynamics="department")


def moved_to_a_company(pair: Pair, **columns: object) -> tuple[str, int]:
    """Return a lead and its person, whom another program has linked to a company."""
    row = pair.sandbox.dynamics.create(
        "lead", lastname="Byron", emailaddress1="ada@example.com", companyname="Oasis", **columns
    )
    pair.settle(pair.engine())
    person = int(str(pair.person_of("lead", row)["id"]))
    pair.sandbox.marketo.create_company("C1", company="Widgets")
    pair.sandbox.marketo.update_person(person, externalCompanyId="C1")
    pair.settle(pair.engine())
    assert (pair.sandbox.dynamics.row("lead", row) or {})["companyname"] == "Widgets"
    return row, person


def test_the_rest_of_a_lead_goes_on_in_one_more_call(pair: Pair) -> None:
    row, person = moved_to_a_company(pair)
    engine = pair.engine()
    pair.sandbox.dynamics.update("lead", row, companyname="Mirage", revenue=5, jobtitle="Countess")
    pair.sandbox.clock.advance(60)
    pair.forget_calls()
    report = engine.run()
    after = pair.sandbox.marketo.person(person) or {}
    assert (after["company"], after["title"], after.get("annualRevenue")) == ("Widgets", "Countess", None)
    assert [call.kind for call in pair.sandbox.marketo.calls if call.kind == "write"] == ["write"] * 2
    assert report.counts["lead", "to Marketo", "fields left to the company"] == 2
    assert (report.rejected, list(pair.store.rejected())) == ([], [])


def test_what_was_left_out_is_not_tried_again_and_not_taken_for_agreed(pair: Pair) -> None:
    row, person = moved_to_a_company(pair)
    engine = pair.engine()
    pair.sandbox.dynamics.update("lead", row, companyname="Mirage", jobtitle="Countess")
    pair.settle(engine)
    for title in ("Empress", "Queen"):
        pair.forget_calls()
        pair.sandbox.dynamics.update("lead", row, jobtitle=title)
        pair.sandbox.clock.advance(60)
        engine.run()
        assert pair.writes == 1
    assert pair.settle(engine).wrote == 0
    assert (pair.sandbox.dynamics.row("lead", row) or {})["companyname"] == "Mirage"
    (company,) = pair.sandbox.marketo.objects("companies")
    pair.sandbox.marketo.update_company(int(str(company["id"])), company="Widgets & Sons")
    pair.settle(engine)
    assert (pair.sandbox.dynamics.row("lead", row) or {})["companyname"] == "Widgets & Sons"
    assert (pair.sandbox.marketo.person(person) or {})["company"] == "Widgets & Sons"


def test_where_nothing_else_is_to_be_written_nothing_is_sent_again(pair: Pair) -> None:
    row, _ = moved_to_a_company(pair)
    engine = pair.engine()
    pair.sandbox.dynamics.update("lead", row, companyname="Mirage")
    pair.sandbox.clock.advance(60)
    pair.forget_calls()
    engine.run()
    assert [call.kind for call in pair.sandbox.marketo.calls if call.kind == "write"] == ["write"]
    pair.forget_calls()
    assert pair.settle(engine).wrote == 0
    assert pair.writes == 0


def test_a_company_field_of_somebody_without_a_company_is_written(pair: Pair) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@x.com", companyname="Oasis")
    engine = pair.engine()
    pair.settle(engine)
    pair.sandbox.dynamics.update("lead", row, companyname="Mirage")
    pair.settle(engine)
    assert pair.person_of("lead", row)["company"] == "Mirage"


@pytest.mark.parametrize("first", [True, False])
def test_where_the_link_is_mapped_nothing_is_refused_at_all(pair: Pair, first: bool) -> None:
    account = pair.sandbox.dynamics.create("account", name="Widgets")
    company = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    row = pair.sandbox.dynamics.create(
        "contact", lastname="Byron", emailaddress1="ada@x.com", department="Engines", **(company if first else {})
    )
    engine = pair.engine((Account, Employee))
    pair.settle(engine)
    assert pair.person_of("contact", row)["company"] == ("Widgets" if first else "Engines")
    pair.sandbox.dynamics.update("contact", row, department="Looms", jobtitle="Countess", **company)
    pair.sandbox.clock.advance(60)
    rules = [d.rule for step in engine.plan().steps for d in step.decisions if d.field == "company"]
    assert rules == ["it is the company's in Marketo"]
    pair.forget_calls()
    report = engine.run()
    person = pair.person_of("contact", row)
    assert (person["company"], person["title"]) == ("Widgets", "Countess")
    assert [call.kind for call in pair.sandbox.marketo.calls if call.kind == "write"] == ["write"]
    assert ("contact", "to Marketo", "fields left to the company") not in report.counts
    pair.settle(engine)
    assert (pair.sandbox.dynamics.row("contact", row) or {})["department"] == "Looms"


def test_a_new_person_where_a_native_sync_owns_all_companies(pair_with: Callable[..., Pair]) -> None:
    pair = pair_with()
    pair.sandbox.marketo.fields.native_sync = True
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@x.com", companyname="Oasis")
    engine = pair.engine((Lead,))
    pair.settle(engine)
    person = pair.person_of("lead", row)
    assert (person["lastName"], person.get("company")) == ("Byron", None)
    pair.sandbox.dynamics.update("lead", row, jobtitle="Countess")
    pair.settle(engine)
    assert pair.person_of("lead", row)["title"] == "Countess"
    assert (pair.sandbox.dynamics.row("lead", row) or {})["companyname"] == "Oasis"
