from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors.dynamics.address import Environment, environment
from marketo_dynamics_sync.errors import AddressError, ResponseError


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://contoso.crm.dynamics.com", "https://contoso.crm.dynamics.com"),
        ("https://Contoso.crm.dynamics.com/", "https://contoso.crm.dynamics.com"),
        ("https://contoso.crm.dynamics.com/api/data/v9.2", "https://contoso.crm.dynamics.com"),
        ("https://contoso.crm.dynamics.com/api/data/v9.1/", "https://contoso.crm.dynamics.com"),
        ("https://contoso.crm.dynamics.com:443", "https://contoso.crm.dynamics.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:81/", "http://[::1]:81"),
    ],
)
def test_address_of_an_environment(url: str, root: str) -> None:
    found = environment(url)
    assert found.root == root
    assert found.scope == f"{root}/.default"
    assert found.api == f"{root}/api/data/v9.2"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "contoso.crm.dynamics.com",
        "http://contoso.crm.dynamics.com",
        "http://127.0.0.1.evil.example",
        "ftp://contoso.crm.dynamics.com",
        "https://",
        "https://contoso.crm.dynamics.com/main.aspx",
        "https://contoso.crm.dynamics.com/?x=1",
        "https://contoso.crm.dynamics.com:port",
        "https://[contoso",
    ],
)
def test_other_addresses_are_refused_with_an_example(url: str) -> None:
    with pytest.raises(AddressError):
        environment(url)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(AddressError) as caught:
        environment("https://me:hush@contoso.crm.dynamics.com")
    assert "hush" not in str(caught.value)


HOME = Environment("https://contoso.crm.dynamics.com")


def test_a_link_keeps_its_path_and_query_untouched() -> None:
    link = "https://contoso.crm.dynamics.com:443/api/data/v9.2/leads?$select=a&$skiptoken=%3Ccookie%20x=%22%2f%22%3E"
    assert HOME.follow(link) == link.replace(":443", "")


@pytest.mark.parametrize(
    "link",
    [
        None,
        7,
        "",
        "/api/data/v9.2/leads",
        "//contoso.crm.dynamics.com/api/data/v9.2/leads",
        "http://contoso.crm.dynamics.com/api/data/v9.2/leads",
        "https://contoso.crm.dynamics.com:444/api/data/v9.2/leads",
        "https://contoso.crm.dynamics.com.evil.example/api/data/v9.2/leads",
        "https://contoso.crm.dynamics.com@evil.example/api/data/v9.2/leads",
        "https://contoso.crm.dynamics.com\\@evil.example/api/data/v9.2/leads",
        "https://contoso.crm.dynamics.com#@evil.example/api/data/v9.2/leads",
        "https://me@contoso.crm.dynamics.com/api/data/v9.2/leads",
        "https://contoso.crm.dynamics.com/elsewhere",
        "https://contoso.crm.dynamics.com/api/data/v9.2/leads\r\nHost: evil.example",
        "https://contoso.crm.dynamics.com:x/api/data/v9.2/leads",
    ],
)
def test_a_link_to_anywhere_else_is_refused(link: object) -> None:
    with pytest.raises(ResponseError):
        HOME.follow(link)


_ODD = st.text(alphabet="abc.:@/\\?#%[]htps&contosrmdyi \t0", max_size=60)


@given(
    st.one_of(_ODD, st.builds("https://contoso.crm.dynamics.com{}".format, _ODD), st.builds("https:{}".format, _ODD))
)
@example("https://contoso.crm.dynamics.com/api/data/v9.2/leads?x=//evil.example")
@example("https://contoso.crm.dynamics.com/api/data/../../evil")
def test_what_is_followed_goes_to_the_environment_whoever_reads_it(link: str) -> None:
    try:
        followed = HOME.follow(link)
    except ResponseError:
        return
    assert urlsplit(followed).netloc == "contoso.crm.dynamics.com"
    assert httpx.URL(followed).host == "contoso.crm.dynamics.com"
    assert httpx.URL(followed).scheme == "https"
    assert httpx.URL(followed).port is None
