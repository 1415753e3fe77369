from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import httpx
import pytest
from attrs import evolve

from marketo_dynamics_sync.connectors import Connector
from marketo_dynamics_sync.connectors.dynamics import ClientSecret, DynamicsConnector, FixedToken
from marketo_dynamics_sync.entities import Contact, Direction, Lead, Side
from marketo_dynamics_sync.errors import AddressError
from marketo_dynamics_sync.sandbox.dataverse import Fault
from marketo_dynamics_sync.sandbox.transport import SandboxTransport

LEAD, CONTACT = Lead.__entity__, Contact.__entity__


def test_it_is_a_connector(bench) -> None:
    connector: Connector = bench.connector
    assert connector.side is Side.DYNAMICS
    can = connector.capabilities
    assert (can.lists, can.chooses_id, can.guards, can.write_size) == (True, True, True, 1000)
    assert connector.stream(bench.lead) == "dynamics:leads"
    assert repr(connector) == f"DynamicsConnector('{bench.url}')"


def test_sizes_stay_within_what_the_service_takes(scripted) -> None:
    connector = scripted(lambda request: httpx.Response(200), page_size=9999, batch_size=9999, concurrency=999)
    assert connector.capabilities.write_size == 1000
    assert connector._reader.page_size == 5000
    assert connector._channel.gate.limit == 52


def test_the_organization_is_asked_for_once(bench) -> None:
    assert bench.connector.identity() == bench.connector.identity() == bench.service.organization_id
    assert bench.connector.calls.metadata == 1


def test_nothing_is_sent_when_it_is_made(bench) -> None:
    bench.another().close()
    assert bench.service.calls == []


def test_a_wrong_address_is_refused_when_it_is_made() -> None:
    with pytest.raises(AddressError, match="not encrypted"):
        DynamicsConnector("http://contoso.crm.dynamics.com", auth=FixedToken("t"))


def test_a_client_that_was_handed_in_stays_open(bench) -> None:
    with httpx.Client() as client:
        connector = bench.another(client=client)
        connector.identity()
        connector.close()
        assert not client.is_closed
    own = bench.another()
    own.identity()
    own.close()
    assert own._own_client.is_closed


def test_importing_it_brings_in_neither_httpx_nor_msal() -> None:
    program = (
        "import sys\n"
        "from marketo_dynamics_sync import DynamicsConnector\n"
        "from marketo_dynamics_sync.connectors.dynamics import ClientSecret\n"
        "loaded = [m for m in ('httpx', 'msal', 'tenacity', 'cryptography') if m in sys.modules]\n"
        "assert not loaded, loaded\n"
        "made = DynamicsConnector('https://contoso.crm.dynamics.com', auth=ClientSecret('t', 'c', 's'))\n"
        "assert 'httpx' in sys.modules and 'msal' not in sys.modules\n"
        "made.close()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_it_signs_in_and_reads_without_a_socket(bench) -> None:
    hosts = ("contoso.crm.dynamics.com", "login.microsoftonline.com")
    with httpx.Client(transport=SandboxTransport(dict.fromkeys(hosts, bench.service))) as client:
        auth = ClientSecret(bench.service.entra.tenant, "dynamics-client", "dynamics-secret")
        connector = DynamicsConnector("https://contoso.crm.dynamics.com", auth=auth, client=client)
        assert connector.identity() == bench.service.organization_id
        assert connector.calls.tokens == 2


# Preflight


def found(bench, connector=None, definitions=(LEAD, CONTACT)):
    return {check.name: check for check in (connector or bench.connector).check(definitions)}


def test_a_preflight_where_all_is_well(bench) -> None:
    checks = found(bench)
    assert all(check.passed for check in checks.values())
    assert all(check.side is Side.DYNAMICS for check in checks.values())
    assert "contoso" in checks["organization"].detail
    assert {"address", "credentials", "clock", "read leads", "write leads", "change tracking of contacts"} <= set(
        checks
    )


@pytest.mark.parametrize(
    ("options", "failed", "remedy"),
    [
        ({"auth": FixedToken("wrong")}, "credentials", "auth="),
    ],
)
def test_a_preflight_with_wrong_credentials(bench, options, failed: str, remedy: str) -> None:
    checks = found(bench, bench.another(**options))
    assert checks["address"].passed
    assert not checks[failed].passed
    assert remedy in checks[failed].remedy
    assert set(checks) == {"address", "credentials"}


def test_a_preflight_without_a_role(bench) -> None:
    bench.service.on_request = lambda request: Fault(403, "0x80040220", "missing").response()
    checks = found(bench)
    assert not checks["credentials"].passed
    assert "security role" in checks["credentials"].remedy


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (httpx.Response(404, text="<html>"), "root address"),
        (httpx.ConnectError("no"), "network"),
        (httpx.Response(503), "later"),
    ],
)
def test_a_preflight_at_a_wrong_address(scripted, answer, remedy: str) -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    checks = found(None, scripted(answered))
    assert not checks["address"].passed
    assert not checks["credentials"].passed
    assert remedy in checks["address"].remedy


def test_a_preflight_without_rights_on_a_table(bench) -> None:
    bench.service.privileges["lead"] = frozenset()
    checks = found(bench)
    assert not checks["read leads"].passed
    assert "organization level" in checks["read leads"].remedy
    assert checks["read contacts"].passed


def _privileges(*names: str):
    import json

    from marketo_dynamics_sync.sandbox.http import Response

    body = json.dumps({"RolePrivileges": [{"PrivilegeName": name, "Depth": "Global"} for name in names]}).encode()
    return lambda request: (
        Response(200, [("Content-Type", "application/json")], body)
        if "RetrieveUserPrivileges" in request.path
        else None
    )


def test_a_preflight_knows_rights_to_write_where_they_can_be_read(bench) -> None:
    bench.service.on_request = _privileges("prvCreateLead", "prvWriteLead", "prvCreateContact")
    checks = found(bench)
    assert checks["write leads"].passed
    assert not checks["write contacts"].passed
    assert checks["write contacts"].detail == "missing: Write"
    one_way = found(bench, definitions=[evolve(CONTACT, direction=Direction.TO_MARKETO)])
    assert "write contacts" not in one_way


def test_a_preflight_of_tables_that_lack_something(make) -> None:
    bench = make(untracked=["lead"])
    bench.service.tables["lead"].guarded = False
    checks = found(bench, definitions=[LEAD, evolve(CONTACT, dynamics="nothings")])
    assert not checks["change tracking of leads"].passed
    assert "Track changes" in checks["change tracking of leads"].remedy
    assert not checks["optimistic concurrency of leads"].passed
    assert not checks["table nothings"].passed


def test_a_preflight_with_a_wrong_clock(bench) -> None:
    connector = bench.another(clock=lambda: bench.time.clock.now() + timedelta(minutes=6))
    clock = found(bench, connector)["clock"]
    assert not clock.passed
    assert "360 s" in clock.detail
    assert "NTP" in clock.remedy


def test_a_preflight_goes_on_without_the_organizations_name(scripted) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/WhoAmI"):
            return httpx.Response(200, json={"OrganizationId": "c4d1", "UserId": "8e55"})
        return httpx.Response(403, json={"error": {"code": "0x80040220", "message": "no"}})

    checks = found(None, scripted(answer), definitions=[])
    assert checks["organization"].passed
    assert "can't be read" in checks["organization"].detail
    assert checks["clock"].passed


def test_a_preflight_that_meets_another_answer_than_privileges(bench) -> None:
    from marketo_dynamics_sync.sandbox.http import Response

    bench.service.on_request = lambda request: (
        Response(200, [("Content-Type", "application/json")], b'{"RolePrivileges": 7}')
        if "RetrieveUserPrivileges" in request.path
        else None
    )
    assert "can't be known" in found(bench)["write leads"].detail


def test_a_preflight_behind_a_stranger(bench) -> None:
    import ssl

    import trustme

    from marketo_dynamics_sync.sandbox.server import LoopbackServer

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with LoopbackServer(bench.service, tls=context) as server:
        connector = DynamicsConnector(server.url, auth=FixedToken("t"), sleep=lambda seconds: None)
        address = found(bench, connector)["address"]
        connector.close()
    assert not address.passed
    assert "verify=" in address.remedy


def test_a_preflight_with_the_clock_untold(scripted) -> None:
    checks = found(
        None,
        scripted(lambda request: httpx.Response(200, json={"OrganizationId": "o", "UserId": "u", "value": []})),
        definitions=[],
    )
    assert "didn't tell" in checks["clock"].detail
