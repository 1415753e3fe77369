"""When a call is tried again, after how long, and when that ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, cast

from attrs import frozen
from tenacity import RetryCallState, Retrying

from ...errors import ConcurrencyError, OutcomeUnknownError, RateLimitError, ResponseError, ServiceError
from .limiter import WINDOW

T = TypeVar("T")

#: Tries of one call, by what it failed with; other failures have five.
_TRIES: Final[dict[type[ServiceError], int]] = {RateLimitError: 10, ConcurrencyError: 15, ResponseError: 3}
_TRIES_OTHERWISE: Final = 5
#: Code 611 is often the service's word for a value it can't digest, so it is not insisted on.
_TRIES_BY_CODE: Final = {"611": 3}
_LONGEST_WAIT: Final = 30.0
#: All waits of one call together.
_PATIENCE: Final = 420.0


@frozen
class Retry:
    """Runs calls until they succeed or it is of no use.

    Attributes:
        sleep: Waits so many seconds.
        random: A number from 0 up to 1, so that programs that were refused together don't come back together.
    """

    sleep: Callable[[float], None]
    random: Callable[[], float]

    def run(
        self,
        attempt: Callable[[], T],
        *,
        repeated: Callable[[ServiceError], None],
        pause: float = 0.0,
        given_up: frozenset[str] = frozenset(),
        once: bool = False,
    ) -> T:
        """Return what ``attempt`` returns.

        Args:
            attempt: One try. It raises a :class:`ServiceError`.
            repeated: Told before each repeat, with what the last try failed with.
            pause: Seconds to wait before a repeat when it isn't known whether the last try was carried out.
            given_up: Codes that the caller answers by itself.
            once: Never repeat what may have been carried out.

        Raises:
            ServiceError: What the last try failed with.
        """

        def worth_it(state: RetryCallState) -> bool:
            error = _failure(state)
            if not isinstance(error, ServiceError) or error.code in given_up:
                return False
            return not once if isinstance(error, OutcomeUnknownError) else error.retryable

        def enough(state: RetryCallState) -> bool:
            error = _failure(state)
            tries = _TRIES_BY_CODE.get(getattr(error, "code", None) or "", 0) or next(
                (count for kind, count in _TRIES.items() if isinstance(error, kind)), _TRIES_OTHERWISE
            )
            asked = error.retry_after if isinstance(error, ServiceError) else None
            return state.attempt_number >= tries or state.idle_for + (asked or 0.0) >= _PATIENCE

        def before(state: RetryCallState) -> None:
            repeated(cast("ServiceError", _failure(state)))

        retrying = Retrying(
            sleep=self.sleep,
            stop=enough,
            wait=lambda state: self._wait(state, pause),
            retry=worth_it,
            before_sleep=before,
            reraise=True,
        )
        return retrying(attempt)

    def _wait(self, state: RetryCallState, pause: float) -> float:
        error = _failure(state)
        if isinstance(error, ServiceError) and error.retry_after is not None:
            return error.retry_after
        if isinstance(error, RateLimitError):
            return WINDOW
        if isinstance(error, ConcurrencyError):
            return 0.2 + 1.8 * self.random()
        steps = min(2.0 ** (state.attempt_number - 1), _LONGEST_WAIT)
        wait = steps * (0.5 + 0.5 * self.random())
        return max(wait, pause) if isinstance(error, OutcomeUnknownError) else wait


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
