"""The preflight: every line passed, or failed with what to do."""

from __future__ import annotations

from datetime import timedelta

from marketo_dynamics_sync.entities import Contact, Direction, Entity, Guid, Lead, entity, mapped, person
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.http import Response
from marketo_dynamics_sync.sandbox.marketo import Client, MarketoService, PersonField
from marketo_dynamics_sync.sandbox.server import LoopbackServer


def lines(marketo, *definitions):
    found = {line.name: line for line in marketo.check(definitions)}
    for line in found.values():
        assert line.side.value == "marketo"
        assert line.passed or line.remedy
    return found


def failed(found):
    return sorted(name for name, line in found.items() if not line.passed)


def test_everything_in_order(marketo, lead, service):
    found = lines(marketo, lead.definition)
    assert failed(found) == []
    assert list(found) == [
        "address",
        "credentials",
        "clock",
        "read persons",
        "read changes",
        "write persons",
        "CRM id field crmId",
        "native CRM sync",
        "calls left",
    ]
    assert "without writing" in found["write persons"].detail
    assert {call.kind for call in service.calls} == {"token", "read"} or {c.kind for c in service.calls} == {"read"}


def test_wrong_credentials(connect):
    found = lines(connect(client_secret="wrong"))
    assert failed(found) == ["credentials"]


def test_a_wrong_address(connect):
    assert failed(lines(connect(url="http://127.0.0.1:9"))) == ["address", "credentials"]


def test_missing_permissions(connect, service):
    service.identity.clients["none"] = Client("s", permissions=frozenset())
    found = lines(connect(client_id="none", client_secret="s"))
    assert failed(found) == ["read changes", "read persons"]
    assert "Read-Only Lead" in found["read persons"].remedy
    assert "Read-Only Activity" in found["read changes"].remedy


def test_a_wrong_clock(connect, clock):
    found = lines(connect(clock=lambda: clock.now() + timedelta(minutes=20)))
    assert failed(found) == ["clock", "read changes"]
    assert "20 minutes" in found["clock"].detail
    assert failed(lines(connect(clock=lambda: clock.now() - timedelta(minutes=6)))) == ["clock"]


def test_the_crm_id_field(connect, service):
    found = lines(connect(), Lead.__entity__, Contact.__entity__)
    assert found["CRM id field dynamicsId"].passed
    assert "matched by e-mail" in found["CRM id field dynamicsId"].detail
    service.add_field(PersonField("dynamicsId", type="boolean"))
    assert not lines(connect(), Lead.__entity__)["CRM id field dynamicsId"].passed

    @entity(name="named", marketo=person(), dynamics="leads", direction=Direction.TWO_WAY)
    class Named(Entity):
        crm_id: Guid | None = mapped(marketo="missingField", dynamics="leadid", key=True)

    found = lines(connect(), Named.__entity__)
    assert not found["CRM id field missingField"].passed
    assert "missingField" in found["CRM id field missingField"].remedy


def test_a_native_sync_that_is_on():
    clock = SandboxClock()
    service = MarketoService(clock, native_sync="dynamics")
    from marketo_dynamics_sync.connectors.marketo import MarketoConnector

    with LoopbackServer(service) as server:
        marketo = MarketoConnector(server.url, client_id="marketo-client", client_secret="marketo-secret")
        found = lines(marketo)
        marketo.close()
    assert failed(found) == ["native CRM sync"]
    assert "microsoft" in found["native CRM sync"].detail


def test_the_calls_that_are_left(connect, service):
    assert " used today" in lines(connect())["calls left"].detail
    used = service.limits.total(service.limits.today())
    assert "left under daily_limit" in lines(connect(daily_limit=used + 100))["calls left"].detail
    assert "calls left" in failed(lines(connect(daily_limit=used)))


def test_a_spent_quota_fails_lines_and_raises_nothing(connect, service):
    service.limits.quota = 0
    found = lines(connect())
    assert failed(found) == ["calls left", "read changes", "read persons"]
    assert "midnight" in found["calls left"].remedy


def test_no_date_in_the_answers(connect, service):
    def undated(request, response):
        return Response(response.status, [h for h in response.headers if h[0] != "Date"], response.body)

    service.on_answer = undated
    assert "doesn't tell" in lines(connect())["clock"].detail


def test_a_usage_that_may_not_be_seen_fails_nothing(connect, service):
    body = b'{"requestId": "1#1", "success": false, "errors": [{"code": "603", "message": "Access denied"}]}'
    service.on_request = lambda request: (
        Response(200, [("Content-Type", "application/json")], body) if "stats" in request.path else None
    )
    found = lines(connect(daily_limit=100))
    assert failed(found) == []
    assert "can't see" in found["calls left"].detail
