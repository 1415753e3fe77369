"""The listener of :mod:`tests.privacy` hears what it must, and our requests are logged without their queries."""

from __future__ import annotations

import logging

import httpx
import pytest

from marketo_dynamics_sync.connectors.marketo.wire import Wire
from marketo_dynamics_sync.connectors.quiet import HostURL, QuietURL, quiet
from marketo_dynamics_sync.errors import ConfigurationError
from tests.privacy import listening

pytestmark = pytest.mark.private_on_purpose


@pytest.mark.parametrize(
    "line",
    [
        "person ada@example.com was refused",
        "GET /leads?filter=ada%40example.com",
        "Authorization: Bearer cdf01657-110d-4155-99a7-f986b2ff13a0:int",
        '{"access_token": "cdf01657-110d"}',
        "client_secret=abcdefgh",
    ],
)
def test_a_line_that_tells_too_much_fails_its_test(line: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="were told"), listening():
        logging.getLogger("marketo_dynamics_sync.engine").debug(line)


def test_an_error_that_tells_too_much_fails_its_test() -> None:
    with pytest.raises(pytest.fail.Exception, match="ConfigurationError"), listening():
        ConfigurationError("no field for ada@example.com")


def test_a_line_of_numbers_and_names_passes() -> None:
    with listening():
        logging.getLogger("marketo_dynamics_sync.engine").info("lead 12: emailaddress1 was refused (code 1003)")


def test_a_query_is_sent_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    query = "filterType=email&filterValues=ada%40example.com"
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={})

    wire = Wire("https://123-abc-456.mktorest.com", httpx.Client(transport=httpx.MockTransport(answer)), 1)
    with caplog.at_level(logging.INFO, logger="httpx"):
        wire.exchange("GET", "/rest/v1/leads.json", timeout=1.0, query=query)
    assert seen == [f"/rest/v1/leads.json?{query}".encode()]
    assert "/rest/v1/leads.json?…" in caplog.text
    assert "ada" not in caplog.text


def test_an_address_of_a_sign_in_is_shown_by_its_host() -> None:
    request = httpx.Request("GET", "https://login.example.com/common/userrealm/ada@example.com?api-version=1.0")
    shown = quiet(request, HostURL).url
    assert (str(shown), repr(shown)) == ("https://login.example.com/…", "HostURL('https://login.example.com/…')")
    assert shown.raw_path == b"/common/userrealm/ada@example.com?api-version=1.0"
    assert repr(QuietURL("https://a.example.com/b")) == "QuietURL('https://a.example.com/b')"
