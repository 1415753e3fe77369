"""The code that a user writes first works word for word, and so does an entity of the user's own."""

from __future__ import annotations

import textwrap
from pathlib import Path

import httpx
import pytest

from marketo_dynamics_sync.sandbox import Sandbox, SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import Application, DataverseService
from marketo_dynamics_sync.sandbox.marketo import Client, MarketoService
from marketo_dynamics_sync.sandbox.transport import SandboxTransport

CODE = textwrap.dedent(
    """
    from marketo_dynamics_sync import DynamicsConnector, MarketoConnector, SQLiteStateStore, SyncEngine
    from marketo_dynamics_sync.connectors.dynamics import ClientSecret
    from marketo_dynamics_sync.entities import Contact, Lead

    engine = SyncEngine(
        marketo=MarketoConnector("https://123-ABC-456.mktorest.com", client_id="…", client_secret="…"),
        dynamics=DynamicsConnector("https://contoso.crm.dynamics.com", auth=ClientSecret("tenant", "client", "secret")),
        store=SQLiteStateStore("sync.db"),
        entities=[Lead, Contact],
    )
    plan = engine.plan()        # reads, decides, writes nothing anywhere
    report = engine.run()       # one cycle: the first is the initial copy, later ones carry changes only
    engine.push_persons([1001]) # create these Marketo persons in Dynamics now; already there: nothing happens
    """
)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Real addresses lead to the sandbox; Marketo has its standard fields only."""
    clock = SandboxClock()
    marketo = MarketoService(clock, clients={"…": Client("…")})
    dynamics = DataverseService(clock, tenant="tenant", applications={"client": Application("secret")})
    sandbox = Sandbox(marketo=marketo, dynamics=dynamics)
    routes = {
        "123-abc-456.mktorest.com": marketo,
        "contoso.crm.dynamics.com": dynamics,
        "login.microsoftonline.com": dynamics,
    }
    transport = SandboxTransport(routes)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda _, request: transport.handle_request(request))
    monkeypatch.chdir(tmp_path)
    return sandbox


def test_the_first_code_of_a_user(world: Sandbox, tmp_path: Path) -> None:
    lead = world.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com", jobtitle="Countess")
    world.dynamics.create("contact", lastname="Hopper", emailaddress1="grace@example.com")
    known = world.marketo.create_person(email="ADA@example.com", lastName="Byron")
    new = world.marketo.create_person(email="noor@example.org", lastName="El-Amin", company="Oasis")
    assert (known, new) == (1001, 1002)

    found: dict[str, object] = {}
    exec(compile(CODE.replace("[1001]", "[1001, 1002]"), "design", "exec", dont_inherit=True), found)

    plan, report = found["plan"], found["report"]
    assert plan.counts == {("lead", "link"): 1, ("contact", "create in Marketo"): 1}
    assert report.complete
    assert report.first
    assert world.marketo.person(1001)["title"] == "Countess"
    assert world.dynamics.row("lead", lead)["emailaddress1"] == "ADA@example.com", "Marketo wins"
    # Marketo's standard fields lack the CRM id and the fields that the native sync makes: left out, and said so.
    assert {("lead", "crm_id"), ("contact", "crm_id")} <= {(gap.entity, gap.field) for gap in report.left_out}
    assert "left out" in str(found["engine"].check())
    # Pushed: the one that is there stays as it is, the other becomes a lead.
    assert [row["lastname"] for row in world.dynamics.all_rows("lead") if row["lastname"] == "El-Amin"] == ["El-Amin"]
    assert len(world.dynamics.all_rows("lead")) == 2
    assert (tmp_path / "sync.db").exists()
    found["engine"].run()
    assert found["engine"].run().wrote == 0
