"""The address of a Marketo instance: what may be given, and what it says."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from ...errors import AddressError

_MUNCHKIN: Final = re.compile(r"\d{3}-[a-z]{3}-\d{3}", re.IGNORECASE)
#: Marketo's admin page shows the address with one of these at its end (Adobe, "REST API": base URL).
_SUFFIXES: Final = ("", "/rest", "/identity", "/bulk")
_REMEDY: Final = (
    "Give the address that Marketo shows under Admin > Web Services, such as https://123-ABC-456.mktorest.com"
)


@frozen
class Address:
    """Where an instance is reached.

    Attributes:
        origin: Scheme, host and port, without a slash at the end.
        identity: The Munchkin id in upper case where the host begins with one, otherwise ``host`` or ``host:port``.
    """

    origin: str
    identity: str


def parse_address(url: str) -> Address:
    """Read the address of a Marketo instance.

    Args:
        url: ``https://`` and the instance's host, with or without ``/rest`` or ``/identity`` at the end.
            ``http://`` is taken for loopback hosts only.

    Raises:
        AddressError: It is malformed, not encrypted, carries credentials, or leads somewhere inside a service.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise AddressError(f"the Marketo address can't be read as a URL. {_REMEDY}") from None
    host = (parts.hostname or "").lower()
    if parts.username is not None or parts.password is not None:
        raise AddressError(
            "the Marketo address carries a user name or password. Give it without, and client_id and client_secret"
        )
    if parts.scheme not in ("http", "https") or not host or " " in host:
        raise AddressError(f"the Marketo address is not an https:// URL with a host. {_REMEDY}")
    if parts.scheme == "http" and not _is_loopback(host):
        raise AddressError(
            f"the Marketo address of {host} is not encrypted. Use https://; plain http:// is for loopback hosts only"
        )
    if parts.query or parts.fragment or parts.path.rstrip("/") not in _SUFFIXES or "//" in parts.path:
        raise AddressError(f"the Marketo address of {host} has a path or a query that doesn't belong there. {_REMEDY}")
    return Address(_origin(parts, host, port), _identity(host, port))


def _origin(parts: SplitResult, host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" if port is None else f"{parts.scheme}://{shown}:{port}"


def _identity(host: str, port: int | None) -> str:
    label = host.split(".", 1)[0]
    if _MUNCHKIN.fullmatch(label):
        return label.upper()
    return host if port is None else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
