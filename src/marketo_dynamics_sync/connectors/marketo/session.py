"""One call from start to end: limits, token, retries, and what came of it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

import attrs
from attrs import field, frozen

from ...errors import (
    AuthenticationError,
    ClockSkewError,
    ConnectionFailedError,
    OutcomeUnknownError,
    RateLimitError,
    RequestRejectedError,
    ResponseError,
    ServiceError,
    TransientError,
)
from ..protocol import CallCount
from .codes import DOUBTFUL_CODES, TOKEN_CODES, refusal
from .envelope import SERVICE, Envelope, read_envelope
from .limiter import WINDOW, CallLimiter
from .quota import DailyLimit
from .retry import Retry
from .token import TokenSource
from .wire import FORM, Wire, encode

_log = logging.getLogger(__name__)

#: A longer query goes in a form body: the service takes URLs of 8 KB, and what stands between may take less.
LONGEST_QUERY: Final = 4000
#: Clocks further apart than this make reads by time meaningless.
MOST_SKEW: Final = timedelta(minutes=15)
_JSON: Final = "application/json"


class Kind(Enum):
    """What a call is counted as."""

    READ = "reads"
    WRITE = "writes"
    METADATA = "metadata"


@frozen
class Call:
    """One call of the REST API.

    Attributes:
        doing: What it is for, in words that fit before "was refused".
        path: Path below the origin.
        kind: What it is counted as.
        permission: The right it needs.
        params: Query parameters; a list may repeat a name.
        body: JSON to post; ``None`` makes a query.
        posts: The query is posted, without a body.
        private: The parameters hold personal data and go in a form body, so that they are in no URL that a log keeps.
        timeout: Seconds to wait for the answer: longer than the service's own limit, or it goes on while we give up.
        pause: Seconds until a call whose answer was lost is surely over, where a repeat before that could do harm.
        given_up: Codes that the caller answers by itself.
        once: A repeat of what was carried out would do it twice, so a lost answer stays lost.
    """

    doing: str
    path: str
    kind: Kind
    permission: str
    params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: Mapping[str, object] | None = field(default=None, repr=False)
    posts: bool = False
    private: bool = False
    timeout: float = 45.0
    pause: float = 0.0
    given_up: frozenset[str] = frozenset()
    once: bool = False


class Session:
    """Makes calls for all threads of one connector.

    Args:
        wire: Sends requests.
        client_id: Id of the custom service.
        client_secret: Its secret.
        limiter: Holds the limits on calls.
        daily_limit: Calls of the whole instance after which ours stop.
        usage: Asks how many calls the instance has used today.
        clock: The time (UTC).
        monotonic: Seconds that never go backwards.
        sleep: Waits so many seconds.
        random: A number from 0 up to 1.
    """

    def __init__(
        self,
        wire: Wire,
        client_id: str,
        client_secret: str,
        limiter: CallLimiter,
        *,
        daily_limit: int | None,
        usage: Callable[[], int],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self._wire = wire
        self._limiter = limiter
        self._clock = clock
        self._daily = DailyLimit(daily_limit, usage, monotonic)
        self._retry = Retry(sleep, random)
        self._tokens = TokenSource(
            wire, client_id, client_secret, monotonic=monotonic, sleep=sleep, asked=self._token_asked
        )
        self._lock = threading.Lock()
        self._calls = CallCount()
        self._skew: timedelta | None = None

    @property
    def calls(self) -> CallCount:
        """Calls made so far, as they stand now."""
        with self._lock:
            return attrs.evolve(self._calls)

    @property
    def skew(self) -> timedelta | None:
        """How far the service's clock is ahead of ours; ``None`` until an answer told its time."""
        with self._lock:
            return self._skew

    def now(self) -> datetime:
        """Return the time by the service's clock, as far as an answer told it."""
        return self._clock() + (self.skew or timedelta())

    def sign_in(self) -> None:
        """Get a token, so that credentials and clock are known to be right before anything else is asked."""
        self._retry.run(self._tokens.get, repeated=self._count_retry)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._retry.sleep(seconds)

    def require_clock(self) -> None:
        """Make sure that reads by time mean what they say.

        Raises:
            ClockSkewError: This machine's clock and the service's are more than 15 minutes apart.
        """
        if self.skew is None:
            self.sign_in()
        skew = self.skew
        if skew is not None and abs(skew) > MOST_SKEW:
            raise ClockSkewError(
                f"Marketo's clock is {_minutes(skew)} this machine's, so changes can't be read by time. Nothing was "
                "read or written. Set the clock of this machine (NTP)"
            )

    def send(self, call: Call) -> Envelope:
        """Make a call and return its envelope, with ``success`` true.

        Raises:
            OutcomeUnknownError: It was a write, and whether it was carried out is not known.
            ServiceError: It failed for another reason, and a write was not carried out.
        """
        doubt: OutcomeUnknownError | None = None

        def attempt() -> Envelope:
            nonlocal doubt
            try:
                return self._attempt(call)
            except OutcomeUnknownError as error:
                doubt = error
                raise

        try:
            return self._retry.run(
                attempt, repeated=self._before_repeat, pause=call.pause, given_up=call.given_up, once=call.once
            )
        except (OutcomeUnknownError, RequestRejectedError):
            raise
        except ServiceError as error:
            # An earlier try may have been carried out, whatever the last one came to.
            if doubt is not None:
                raise doubt from error
            raise

    def _attempt(self, call: Call) -> Envelope:
        self._daily.check()
        return self.send_uncounted(call)

    def send_uncounted(self, call: Call) -> Envelope:
        """Make one try without asking whether the day's share is used up."""
        token = self._tokens.get()
        envelope = self._exchange(call, token)
        if _refused_token(envelope):
            self._tokens.drop(token)
            self._count_retry()
            envelope = self._exchange(call, self._tokens.get())
            if _refused_token(envelope):
                raise AuthenticationError(
                    "a fresh token was refused too. Was the custom service or its API user removed or changed? See "
                    "Admin > LaunchPoint",
                    service=SERVICE,
                    code=envelope.errors[0].code,
                    request_id=envelope.request_id,
                )
        if envelope.success:
            return envelope
        error = refusal(envelope.errors, doing=call.doing, permission=call.permission, request_id=envelope.request_id)
        _log.debug("%s failed: code %s, request %s", call.doing, error.code, error.request_id)
        if call.kind is Kind.WRITE and error.code in DOUBTFUL_CODES and error.code not in call.given_up:
            raise _unknown(call, error)
        raise error

    def _exchange(self, call: Call, token: str) -> Envelope:
        query = encode(call.params)
        as_form = call.private or len(query) > LONGEST_QUERY
        try:
            return self._send(call, token, query, as_form=as_form)
        except RequestRejectedError as error:
            if error.code != "414" or as_form or call.body is not None:
                raise
        self._count_retry()
        return self._send(call, token, query, as_form=True)

    def _send(self, call: Call, token: str, query: str, *, as_form: bool) -> Envelope:
        headers = {"Authorization": f"Bearer {token}", "Accept": _JSON}
        method, content = "GET", None
        if call.body is not None:
            method, content = "POST", json.dumps(call.body, ensure_ascii=False, separators=(",", ":")).encode()
            headers["Content-Type"] = _JSON
        elif call.posts:
            method = "POST"
        elif as_form:
            method, content, query = "POST", f"_method=GET&{query}".encode(), ""
            headers["Content-Type"] = FORM
        try:
            with self._limiter.slot():
                self._count(call.kind)
                response = self._wire.exchange(
                    method, call.path, timeout=call.timeout, query=query, content=content, headers=headers
                )
            self._note_date(response.headers.get("Date"))
            return read_envelope(response)
        except (OutcomeUnknownError, ResponseError, TransientError) as error:
            if call.kind is Kind.WRITE:
                raise _unknown(call, error) from error
            if isinstance(error, OutcomeUnknownError):
                raise ConnectionFailedError(
                    f"{call.doing}: no answer came. Check the network", service=SERVICE
                ) from error
            raise

    def _before_repeat(self, error: ServiceError) -> None:
        self._count_retry()
        if isinstance(error, RateLimitError):
            self._limiter.pause(error.retry_after or WINDOW)

    def _count_retry(self, error: ServiceError | None = None) -> None:
        with self._lock:
            self._calls.retries += 1

    def _count(self, kind: Kind) -> None:
        self._daily.count()
        with self._lock:
            setattr(self._calls, kind.value, getattr(self._calls, kind.value) + 1)

    def _token_asked(self, date: str | None) -> None:
        with self._lock:
            self._calls.tokens += 1
        self._note_date(date)

    def _note_date(self, date: str | None) -> None:
        if not date:
            return
        try:
            there = parsedate_to_datetime(date)
        except ValueError:
            return
        if there.tzinfo is None:
            return
        with self._lock:
            self._skew = there - self._clock()


def _refused_token(envelope: Envelope) -> bool:
    return not envelope.success and envelope.errors[0].code in TOKEN_CODES


def _unknown(call: Call, error: ServiceError) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{call.doing}: the answer was lost, so whether it was done is not known",
        service=SERVICE,
        code=error.code,
        status=error.status,
        request_id=error.request_id,
    )


def _minutes(skew: timedelta) -> str:
    minutes = abs(skew).total_seconds() / 60
    return f"{minutes:.0f} minutes {'ahead of' if skew > timedelta() else 'behind'}"
