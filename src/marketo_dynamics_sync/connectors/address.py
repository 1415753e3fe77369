"""Addresses of services: what is accepted, and what is refused before anything is sent there."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from ..errors import AddressError


def service_root(url: str, *, strip: tuple[str, ...], example: str) -> str:
    """Return scheme, host and port of a service.

    Args:
        url: What the user gave.
        strip: Paths that may follow the host, such as ``"/rest"``.
        example: What a good address looks like, for the error.

    Raises:
        AddressError: It is no https address, or carries credentials or a path that doesn't belong there.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressError(f"the address can't be read; it looks like {example}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise AddressError(f"the address needs a scheme and a host; it looks like {example}")
    if parts.username is not None or parts.password is not None:
        raise AddressError(f"{host}: credentials don't belong in the address; give them as arguments of their own")
    if parts.scheme == "http" and not is_loopback(host):
        raise AddressError(f"{host}: http:// would send tokens and personal data in clear text; use https://")
    path = parts.path.rstrip("/")
    if path and not any(path == allowed or path.startswith(allowed + "/") for allowed in strip):
        raise AddressError(f"{host}: the address has a path, {path!r}; it looks like {example}")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}"


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
