"""Looks records up, by values of one field or by compound keys, to the last page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from attrs import evolve

from ...errors import RequestRejectedError, ResponseError, TransientError
from .envelope import SERVICE
from .session import Call, Kind, Session
from .targets import Target

#: Values in one look-up (Adobe, "Leads" and "Lead Database": query).
LOOKUP_SIZE: Final = 300
#: What a look-up by the key that clients give is called (Adobe, "Lead Database", "Compound Keys").
DEDUPE_FIELDS: Final = "dedupeFields"
#: Longer than the service's own limit for a look-up, 60 seconds.
_TIMEOUT: Final = 75.0
_TOO_MANY: Final = "too many results"
T = TypeVar("T")
Raw = Mapping[str, object]


def by_values(
    session: Session, target: Target, filter_type: str, values: Iterable[str], names: Iterable[str]
) -> Iterator[Raw]:
    """Yield the records whose field holds one of the values, any number of them.

    Args:
        session: Makes the calls.
        target: The object.
        filter_type: The field.
        values: The values; one with a comma has to come alone.
        names: Fields to read.
    """
    fields = ",".join(dict.fromkeys(names))

    def ask(part: Sequence[str]) -> list[Raw]:
        params = (
            ("filterType", filter_type),
            ("filterValues", ",".join(part)),
            ("fields", fields),
            ("batchSize", str(LOOKUP_SIZE)),
        )
        call = _call(target, params=params, private=filter_type not in (target.id_field, "idField"))
        return list(pages(session, call))

    for chunk in chunks(values, LOOKUP_SIZE):
        yield from _in_halves(ask, chunk)


def by_keys(session: Session, target: Target, keys: Iterable[Raw], names: Iterable[str]) -> Iterator[Raw]:
    """Yield the records with these compound keys, any number of them.

    Args:
        session: Makes the calls.
        target: The object.
        keys: The keys, each with a value for every dedupe field.
        names: Fields to read.
    """
    fields = list(dict.fromkeys(names))

    def ask(part: Sequence[Raw]) -> list[Raw]:
        body = {"filterType": DEDUPE_FIELDS, "fields": fields, "input": list(part), "batchSize": LOOKUP_SIZE}
        return list(pages(session, evolve(_call(target, params=(("_method", "GET"),)), body=body)))

    for chunk in chunks(keys, LOOKUP_SIZE):
        yield from _in_halves(ask, chunk)


def pages(session: Session, call: Call) -> Iterator[Raw]:
    """Yield the records of all pages of a look-up.

    Raises:
        ResponseError: The service gives a page again, so there would be no end.
    """
    asked, tokens = call, set[str]()
    while True:
        envelope = session.send(asked)
        yield from envelope.result
        token = envelope.token
        if token is None:
            return
        if token in tokens:
            raise ResponseError(
                "the service gives the same page again and again", service=SERVICE, request_id=envelope.request_id
            )
        tokens.add(token)
        if call.body is not None:
            asked = evolve(call, body={**call.body, "nextPageToken": token})
        else:
            asked = evolve(call, params=(*call.params, ("nextPageToken", token)))


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield items in lists of at most ``size``."""
    everything = list(items)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]


def _call(target: Target, *, params: tuple[tuple[str, str], ...], private: bool = False) -> Call:
    return Call(
        f"reading {target.words}",
        f"{target.path}.json",
        Kind.READ,
        target.reads,
        params,
        private=private,
        timeout=_TIMEOUT,
    )


def _in_halves(ask: Callable[[Sequence[T]], list[Raw]], wanted: Sequence[T]) -> Iterator[Raw]:
    """Yield the records of one call's worth, in halves where the whole is too much for the service."""
    try:
        # Collected first: what is yielded can't be taken back when a later page is refused.
        found = ask(wanted)
    except (RequestRejectedError, TransientError) as error:
        if len(wanted) == 1 or not _halving_helps(error):
            raise
        middle = len(wanted) // 2
        yield from _in_halves(ask, wanted[:middle])
        yield from _in_halves(ask, wanted[middle:])
        return
    yield from found


def _halving_helps(error: RequestRejectedError | TransientError) -> bool:
    return error.code in ("604", "413") or (error.code == "1003" and _TOO_MANY in str(error).lower())
