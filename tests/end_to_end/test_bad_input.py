"""Whatever is wrong from the start ends in an error of ours that says what to do, before anything was written."""

from __future__ import annotations

import re
import socket
import sqlite3
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from marketo_dynamics_sync import SQLiteStateStore, errors
from marketo_dynamics_sync.connectors.dynamics import ClientSecret
from marketo_dynamics_sync.engine import SyncEngine
from marketo_dynamics_sync.entities import Contact, Lead, mapped
from marketo_dynamics_sync.sandbox import SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import Column, DataverseService
from marketo_dynamics_sync.sandbox.http import Request, Response
from marketo_dynamics_sync.sandbox.marketo import PERMISSIONS, Client, MarketoService, PersonField
from marketo_dynamics_sync.sandbox.transport import SandboxTransport
from tests.end_to_end.conftest import START, Pair

SECRET = "not-the-secret-7f3a"


class SizedLead(Lead):
    """A lead with a field of the user's own."""

    shoe_size: int | None = mapped(marketo="shoeSize", dynamics="new_shoesize")


def people(pair: Pair) -> None:
    pair.sandbox.dynamics.create("lead", lastname="Byron", emailaddress1="ada@example.com")
    pair.sandbox.marketo.create_person(email="grace@example.com", lastName="Hopper")


def refused(pair: Pair, engine: SyncEngine, error: type[errors.SyncError], says: str) -> errors.SyncError:
    """Run, and return the error; nothing was written, nothing is remembered, and nothing private is told."""
    with pytest.raises(error, match=says) as caught:
        engine.run()
    assert pair.writes == 0
    assert pair.store.count_links("lead") == 0
    told = str(caught.value)
    assert SECRET not in told
    assert not re.search(r"@example", told)
    return caught.value


def html(request: Request) -> Response:
    return Response(200, [("Content-Type", "text/html")], b"<html><body>Please sign in</body></html>")


def cut(request: Request) -> Response:
    return Response(200, [("Content-Type", "application/json"), ("Content-Length", "4000")], b'{"success": tr')


def cut_json(request: Request) -> Response:
    return Response(200, [("Content-Type", "application/json")], b'{"success": true, "result": [{"id"')


def after_token(answer: Callable[[Request], Response]) -> Callable[[Request], Response | None]:
    return lambda request: None if "token" in request.path else answer(request)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://123-ABC-456.mktorest.com",
        "http://123-ABC-456.mktorest.com",
        "https://user:secret@123-ABC-456.mktorest.com",
        "123-ABC-456.mktorest.com",
        "",
    ],
)
def test_a_wrong_marketo_address(pair: Pair, url: str) -> None:
    with pytest.raises(errors.AddressError, match="Marketo address") as caught:
        pair.marketo(url or " ")
    assert "user:" not in str(caught.value)
    assert pair.calls() == []


@pytest.mark.parametrize(
    "url", ["http://contoso.crm.dynamics.com", "contoso", "https://", "https://contoso.crm.dynamics.com:x"]
)
def test_a_wrong_dynamics_address(pair: Pair, url: str) -> None:
    with pytest.raises(errors.AddressError, match="Dynamics address"):
        pair.dynamics(url)
    assert pair.calls() == []


def test_an_address_of_something_else(pair: Pair) -> None:
    people(pair)
    swapped = pair.engine(marketo=pair.marketo(pair.sandbox.dynamics_url))
    refused(pair, swapped, errors.AuthenticationError, "of this instance")


def test_a_wrong_marketo_secret(pair: Pair) -> None:
    people(pair)
    engine = pair.engine(marketo=pair.marketo(client_secret=SECRET))
    refused(pair, engine, errors.AuthenticationError, "(?i)client")


def test_a_wrong_dynamics_secret(pair: Pair) -> None:
    people(pair)
    auth = ClientSecret(pair.sandbox.dynamics.entra.tenant, "dynamics-client", SECRET, authority="login.example")
    host = "contoso.crm.dynamics.com"
    routes = {"login.example": pair.sandbox.dynamics, host: pair.sandbox.dynamics}
    with httpx.Client(transport=SandboxTransport(routes)) as client:
        engine = pair.engine(dynamics=pair.dynamics(f"https://{host}", auth=auth, client=client))
        refused(pair, engine, errors.AuthenticationError, "client secret is wrong")


def test_a_missing_marketo_permission(pair_with: Callable[..., Pair]) -> None:
    few = frozenset(PERMISSIONS) - {"Read-Only Lead", "Read-Write Lead"}
    service = MarketoService(SandboxClock(START), clients={"marketo-client": Client("marketo-secret", few)})
    pair = pair_with(marketo=service)
    people(pair)
    refused(pair, pair.engine(), errors.PermissionDeniedError, "Lead")


def test_a_missing_dynamics_privilege(pair_with: Callable[..., Pair]) -> None:
    service = DataverseService(SandboxClock(START), privileges={"lead": frozenset({"write"})})
    pair = pair_with(dynamics=service)
    people(pair)
    refused(pair, pair.engine(), errors.PermissionDeniedError, "leads.*read right")


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("side", ["marketo", "dynamics"])
def test_an_unreachable_host(pair: Pair, side: str) -> None:
    people(pair)
    lost = getattr(pair, side)(f"http://127.0.0.1:{closed_port()}")
    refused(pair, pair.engine(**{side: lost}), errors.ConnectionFailedError, "127.0.0.1")
    assert sum(pair.slept) > 0, "it was tried again before it was given up"


@pytest.mark.parametrize("side", ["marketo", "dynamics"])
def test_a_certificate_nobody_trusts(pair_with: Callable[..., Pair], side: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost", "127.0.0.1").configure_cert(context)
    strange, pair = pair_with(tls=context), pair_with()
    people(pair)
    lost = getattr(pair, side)(getattr(strange.sandbox, f"{side}_url"))
    refused(pair, pair.engine(**{side: lost}), errors.TLSError, "(?i)certificate")
    assert pair.slept == [], "trying again can't help"


def test_a_trusted_certificate_is_fine(pair_with: Callable[..., Pair]) -> None:
    authority = trustme.CA()
    serve, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(serve)
    authority.configure_trust(trust)
    pair = pair_with(tls=serve)
    people(pair)
    with httpx.Client(verify=trust) as client:
        engine = pair.engine(marketo=pair.marketo(client=client), dynamics=pair.dynamics(client=client))
        assert engine.run().total("to Marketo", "created") == 1


def test_a_column_of_the_users_own_that_cant_be_read(pair_with: Callable[..., Pair]) -> None:
    size = Column("new_shoesize", "Integer", schema_name="new_ShoeSize")
    pair = pair_with(dynamics=DataverseService(SandboxClock(START), extra_columns={"lead": [size]}))
    pair.sandbox.dynamics.secure("lead", "new_shoesize", readable=False)
    pair.sandbox.marketo.add_field(PersonField("shoeSize", "integer"))
    people(pair)
    error = refused(pair, pair.engine([SizedLead]), errors.FieldUnreadableError, "SizedLead.shoe_size")
    assert "new_shoesize" in str(error)


def test_a_default_column_that_cant_be_read_is_left_out(pair: Pair) -> None:
    pair.sandbox.dynamics.secure("lead", "jobtitle", readable=False)
    people(pair)
    report = pair.engine().run()
    assert ("lead", "job_title") in {(gap.entity, gap.field) for gap in report.left_out}


@pytest.mark.parametrize("missing", ["marketo", "dynamics"])
def test_a_named_field_that_a_side_does_not_have(pair_with: Callable[..., Pair], missing: str) -> None:
    columns = [Column("new_shoesize", "Integer", schema_name="new_ShoeSize")] if missing == "marketo" else []
    pair = pair_with(dynamics=DataverseService(SandboxClock(START), extra_columns={"lead": columns}))
    if missing == "dynamics":
        pair.sandbox.marketo.add_field(PersonField("shoeSize", "integer"))
    people(pair)
    name = "shoeSize" if missing == "marketo" else "new_shoesize"
    error = refused(pair, pair.engine([SizedLead, Contact]), errors.FieldMissingError, "SizedLead.shoe_size")
    assert name in str(error)


def test_a_selected_field_that_marketo_does_not_have(pair_with: Callable[..., Pair]) -> None:
    pair = pair_with(crm_fields=False)
    people(pair)
    entities = [Lead.select("email", "last_name", "topic")]
    refused(pair, pair.engine(entities), errors.FieldMissingError, "topic")


@pytest.mark.parametrize("side", ["marketo", "dynamics"])
@pytest.mark.parametrize(("answer", "says"), [(html, "(?i)html"), (cut_json, "(?i)json|cut")])
def test_an_answer_that_is_none(pair: Pair, side: str, answer: Callable[[Request], Response], says: str) -> None:
    people(pair)
    getattr(pair.sandbox, side).on_request = after_token(answer)
    refused(pair, pair.engine(), errors.ResponseError, says)


@pytest.mark.parametrize("side", ["marketo", "dynamics"])
def test_an_answer_that_is_cut_off(pair: Pair, side: str) -> None:
    people(pair)
    getattr(pair.sandbox, side).on_request = after_token(cut)
    refused(pair, pair.engine(), errors.ServiceError, "(?i)cut|broke|incomplete|connection")


def test_html_where_a_token_should_be(pair: Pair) -> None:
    people(pair)
    pair.sandbox.marketo.on_request = html
    refused(pair, pair.engine(), errors.ResponseError, "(?i)html")


@pytest.mark.parametrize("off", [timedelta(days=1), timedelta(hours=-2)])
def test_a_clock_that_is_wrong(pair: Pair, off: timedelta) -> None:
    people(pair)
    engine = pair.engine(marketo=pair.marketo(clock=lambda: pair.sandbox.clock.now() + off))
    error = refused(pair, engine, errors.ClockSkewError, "(?i)clock")
    assert "NTP" in str(error) or "set" in str(error)
    assert not engine.check().passed


def test_a_database_file_of_a_newer_version(pair: Pair, tmp_path: Path) -> None:
    people(pair)
    path = tmp_path / "sync.db"
    SQLiteStateStore(path).count_links("lead")
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 9999")
    raw.close()
    with pytest.raises(errors.StoreVersionError, match="newer"):
        pair.engine(store=SQLiteStateStore(path)).run()
    assert pair.calls() == []


def test_a_file_that_is_no_database(pair: Pair, tmp_path: Path) -> None:
    people(pair)
    path = tmp_path / "sync.db"
    path.write_text("name;email\nAda;ada@example.com\n" * 400)
    with pytest.raises(errors.StoreDamagedError, match=r"sync\.db"):
        pair.engine(store=SQLiteStateStore(path)).run()
    assert pair.calls() == []
    assert path.read_text().startswith("name;email"), "what was there is untouched"


def problems(pair: Pair, engine: SyncEngine) -> str:
    found = engine.check()
    assert not found.passed
    assert pair.writes == 0
    return str(found)


def test_the_preflight_says_the_same_without_raising(pair: Pair) -> None:
    people(pair)
    assert "client" in problems(pair, pair.engine(marketo=pair.marketo(client_secret=SECRET)))
    lost: Any = pair.dynamics(f"http://127.0.0.1:{closed_port()}")
    assert "127.0.0.1" in problems(pair, pair.engine(dynamics=lost))
    assert "shoe_size" in problems(pair, pair.engine([SizedLead]))
    pair.sandbox.marketo.on_request = after_token(html)
    assert "what to do" in problems(pair, pair.engine())


def test_the_preflight_of_a_good_pair_passes_and_names_what_it_saw(pair: Pair) -> None:
    people(pair)
    found = pair.engine().check()
    assert found.passed, str(found)
    text = str(found)
    for word in ("credentials", "change tracking", "CRM", "calls", "clock", "native", "mapping of lead"):
        assert word in text, word
    assert pair.writes == 0
    assert pair.store.count_links("lead") == 0
