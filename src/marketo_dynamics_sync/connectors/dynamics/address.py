"""Addresses: which URL is an environment, and which links may be followed with its token."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from ...errors import AddressError, ResponseError

#: Version of the Web API that this connector speaks.
API_VERSION: Final = "v9.2"

_PORTS: Final = {"https": 443, "http": 80}


@frozen
class Environment:
    """A Dataverse environment's address.

    Attributes:
        root: Scheme, host and port, without a trailing slash; also the resource that a token is asked for.
    """

    root: str

    @property
    def path(self) -> str:
        """Path of the Web API, without a trailing slash."""
        return f"/api/data/{API_VERSION}"

    @property
    def api(self) -> str:
        """Address of the Web API, without a trailing slash."""
        return self.root + self.path

    @property
    def scope(self) -> str:
        """Scope to ask a token for (Microsoft Learn, "Use OAuth authentication with Microsoft Dataverse")."""
        return f"{self.root}/.default"

    def follow(self, link: object) -> str:
        """Return the address to fetch for a link that an answer carried.

        The token goes to the environment only: a link with another scheme, host or port is refused, and of an
        accepted one just path and query are kept, so that no two readings of an odd URL can differ about the host.

        Raises:
            ResponseError: The link is none, is broken, or leads to somewhere else.
        """
        if not isinstance(link, str) or "\\" in link or any(ord(c) <= 32 or ord(c) == 127 for c in link):
            raise _bad_link("is not an address")
        try:
            parts = urlsplit(link)
            there = _origin(parts)
        except ValueError:
            raise _bad_link("is not an address") from None
        if there != _origin(urlsplit(self.root)) or "@" in parts.netloc:
            raise _bad_link("leads away from the environment; it was not followed, and the token was not sent")
        if not parts.path.startswith("/api/data/"):
            raise _bad_link("leads out of the Web API; it was not followed")
        return f"{self.root}{parts.path}?{parts.query}" if parts.query else f"{self.root}{parts.path}"


def environment(url: str) -> Environment:
    """Return the environment that a URL names.

    Args:
        url: ``https://contoso.crm.dynamics.com``; a trailing slash or ``/api/data/v9.2`` may follow. ``http://`` is
            taken for loopback addresses only.

    Raises:
        AddressError: The URL is none of an environment.
    """
    try:
        parts = urlsplit(url.strip())
        scheme, host, port = _origin(parts)
    except ValueError:
        raise AddressError(f"the Dynamics address {_shown(url)} is not a URL. {_EXAMPLE}") from None
    if scheme not in _PORTS or not host:
        raise AddressError(f"the Dynamics address {_shown(url)} is not an https address. {_EXAMPLE}")
    if parts.username is not None or "@" in parts.netloc:
        raise AddressError(
            f"the Dynamics address must not carry a user name or a password; give them in auth=. {_EXAMPLE}"
        )
    if parts.query or parts.fragment or not _bare(parts.path):
        raise AddressError(f"the Dynamics address must be the environment's root, without a path or query. {_EXAMPLE}")
    if scheme == "http" and not _loopback(host):
        raise AddressError(
            f"the Dynamics address {_shown(url)} is not encrypted: the token could be read on the way. Use https://."
        )
    shown = f"[{host}]" if ":" in host else host
    return Environment(f"{scheme}://{shown}" + ("" if port == _PORTS[scheme] else f":{port}"))


_EXAMPLE: Final = "It looks like https://contoso.crm.dynamics.com (see the environment's details in the admin center)."


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    host = (parts.hostname or "").rstrip(".")
    return parts.scheme.lower(), host, parts.port or _PORTS.get(parts.scheme.lower())


def _bare(path: str) -> bool:
    steps = [step for step in path.split("/") if step]
    return not steps or (len(steps) == 3 and steps[:2] == ["api", "data"] and steps[2].startswith("v"))


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(url: str) -> str:
    """Return a URL for a message: what stands before an ``@`` may be a password."""
    return repr(url.rpartition("@")[2].split("?", 1)[0])


def _bad_link(why: str) -> ResponseError:
    return ResponseError(f"a link in the answer {why}", service="dynamics")
