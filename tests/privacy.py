"""Listens to everything that is logged and to every error's text, in every test, for what must not be there."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

import pytest

from marketo_dynamics_sync.connectors.dynamics.channel import Channel
from marketo_dynamics_sync.connectors.marketo.wire import Wire
from marketo_dynamics_sync.errors import SyncError
from marketo_dynamics_sync.sandbox.sandbox import DEFAULT_CLIENT_SECRET

#: Loggers whose lines reach a host's log, and the level from which on they are held to it. MSAL names users at DEBUG.
LOGGERS: Final = {
    "marketo_dynamics_sync": logging.DEBUG,
    "httpx": logging.DEBUG,
    "httpcore": logging.DEBUG,
    "msal": logging.INFO,
}

#: Whether one of our connectors makes the call under way: what a test's own client says is its own affair.
_OURS: Final[ContextVar[bool]] = ContextVar("ours", default=False)

#: What no line may hold: an e-mail address, a bearer token, a key, a secret.
_FORBIDDEN: Final = {
    "an e-mail address": re.compile(r"[\w.+-]+(?:@|%40)[\w-]+\.[A-Za-z]{2,}"),
    "a token": re.compile(r"Bearer\s+(?!authorization_uri)[\w.~+/-]{16,}|access_token\W{1,5}\w{8,}|eyJ[\w-]{10,}\."),
    "a key": re.compile(r"-----BEGIN|client_secret=[\w-]{6,}"),
    "the client secret": re.compile(re.escape(DEFAULT_CLIENT_SECRET)),
}


def found(text: str) -> list[str]:
    """Return what a text holds that it must not."""
    return [what for what, pattern in _FORBIDDEN.items() if pattern.search(text)]


class _Listener(logging.Handler):
    def __init__(self, leaks: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self.leaks = leaks

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("http") and not _OURS.get():
            return
        text = record.getMessage()
        self.leaks += [f"{what} in a line of {record.name}: {text[:200]}" for what in found(text)]


def _marked(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def ours(*given: Any, **named: Any) -> Any:
        token = _OURS.set(True)
        try:
            return call(*given, **named)
        finally:
            _OURS.reset(token)

    return ours


@contextmanager
def listening() -> Iterator[None]:
    """Listen inside the block.

    Raises:
        pytest.fail.Exception: At the end, when something was told that must not be.
    """
    leaks: list[str] = []
    listener = _Listener(leaks)
    loggers = {logging.getLogger(name): level for name, level in LOGGERS.items()}
    before = [logger.level for logger in loggers]
    plain = SyncError.__init__

    def made(self: SyncError, *given: Any) -> None:
        leaks.extend(f"{what} in a {type(self).__name__}" for text in given for what in found(str(text)))
        plain(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SyncError, "__init__", made)
        patch.setattr(Wire, "exchange", _marked(Wire.exchange))
        patch.setattr(Channel, "_received", _marked(Channel._received))
        for logger, level in loggers.items():
            logger.addHandler(listener)
            logger.setLevel(level)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.removeHandler(listener)
                logger.setLevel(level)
    if leaks:
        pytest.fail("personal data or secrets were told:\n" + "\n".join(dict.fromkeys(leaks)), pytrace=False)


@pytest.fixture(autouse=True)
def nothing_private_is_told(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test at its end when a log line or an error's text held an e-mail address, a token or a secret."""
    if request.node.get_closest_marker("private_on_purpose"):
        yield
        return
    with listening():
        yield
