"""From httpx' exceptions to ours: who didn't answer, and what to do about it."""

from __future__ import annotations

import ssl

import httpx

from ..errors import ConnectionFailedError, OutcomeUnknownError, ServiceError, TLSError

#: The request surely never reached the service.
_BEFORE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def from_transport(error: httpx.TransportError, *, service: str, host: str, write: bool) -> ServiceError:
    """Return our error for a request without an answer.

    Args:
        error: What httpx raised.
        service: ``"marketo"`` or ``"dynamics"``.
        host: Whom we called.
        write: Whether the request would have changed something; then a lost answer leaves the outcome unknown.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return TLSError(
                f"{host} answered with a certificate that can't be trusted; check the address and any proxy between, or give "
                "client=httpx.Client(verify=...) with the right certificate authority",
                service=service,
            )
        cause = cause.__cause__ or cause.__context__
    kind = type(error).__name__
    if isinstance(error, _BEFORE) or not write:
        return ConnectionFailedError(
            f"{host} can't be reached ({kind}); check the address, the network and any proxy (client=httpx.Client(proxy=...))",
            service=service,
        )
    return OutcomeUnknownError(f"the answer of {host} was lost ({kind})", service=service)
