"""Merging persons: what Marketo does itself, and what has to be written beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from ...errors import OutcomeUnknownError, RequestRejectedError, ResponseError
from ..protocol import Outcome, Status
from .codes import WRITE_PERSONS
from .envelope import SERVICE
from .lookup import by_values
from .outcomes import call_problem, problem_of, record_reasons
from .reading import id_in, is_id
from .schema import Schema
from .session import Call, Kind, Session
from .targets import PERSON

#: The service gives a merge 180 seconds (Adobe, "Error Codes", 604); who gives up earlier doesn't know what was done.
_SECONDS: Final = 210.0
_NOT_FOUND: Final = "1004"
#: Marketo's own score, which is described as a whole number like any other; other scores have a type of their own.
_SCORE: Final = "leadScore"
_SCORE_TYPE: Final = "score"
#: Marketo's own refusals (Adobe developer documentation, "Standard Fields").
_REFUSALS: Final = ("unsubscribed", "marketingSuspended", "blackListed", "doNotCall")


class Merger:
    """Merges persons through a session.

    A merge keeps the winner's values and fills its empty fields from the loser (Adobe developer documentation, "Leads",
    "Merge Leads"). It sums no scores (Adobe, "Find and Merge Duplicate People"), and a "no" is a value that stays.
    """

    def __init__(self, session: Session, schema: Schema) -> None:
        self._session = session
        self._schema = schema

    def read(self, persons: Sequence[str], refusals: Collection[str]) -> dict[str, dict[str, int | bool | None]]:
        """Return scores and refusals of persons by REST name; persons that are not there are left out."""
        fields = self._schema.get().info.fields
        yes = {name for name in (*refusals, *_REFUSALS) if name in fields and fields[name].updatable}
        scores = {n for n, f in fields.items() if f.updatable and (n == _SCORE or f.type == _SCORE_TYPE)}
        found: dict[str, dict[str, int | bool | None]] = {}
        wanted = [person for person in dict.fromkeys(persons) if is_id(PERSON, person)]
        for raw in by_values(self._session, PERSON, "id", wanted, ["id", *sorted(yes | scores)]):
            person = id_in(raw, PERSON)
            if person is not None:
                found[person] = {name: raw.get(name) is True for name in sorted(yes)} | {
                    name: _whole(raw.get(name)) for name in sorted(scores)
                }
        return found

    def merge(self, winner: str, loser: str) -> Outcome:
        """Merge one person into another, which cannot be undone."""
        params = (("leadIds", loser), ("mergeInCRM", "false"))
        path = f"{PERSON.path}/{winner}/merge.json"
        call = Call(
            "merging persons", path, Kind.WRITE, WRITE_PERSONS, params=params, posts=True, timeout=_SECONDS, once=True
        )
        try:
            self._session.send(call)
        except OutcomeUnknownError as error:
            return Outcome(Status.UNKNOWN, winner, problem=call_problem(error, retryable=True))
        except RequestRejectedError as error:
            status = Status.GONE if error.code == _NOT_FOUND else Status.REJECTED
            return Outcome(status, winner, problem=call_problem(error))
        return Outcome(Status.UPDATED, winner)

    def write(self, person: str, values: Mapping[str, object]) -> Outcome:
        """Write scores and refusals, as they are to stand, to a person."""
        body = {"action": "updateOnly", "lookupField": "id", "input": [{"id": int(person), **values}]}
        path = f"{PERSON.path}.json"
        call = Call("writing persons", path, Kind.WRITE, WRITE_PERSONS, body=body, timeout=PERSON.seconds + 30.0)
        try:
            envelope = self._session.send(call)
        except OutcomeUnknownError as error:
            return Outcome(Status.UNKNOWN, person, problem=call_problem(error, retryable=True))
        except RequestRejectedError as error:
            return Outcome(Status.REJECTED, person, problem=call_problem(error))
        if len(envelope.result) != 1:
            raise ResponseError("Marketo didn't answer for the person that was written", service=SERVICE)
        entry = envelope.result[0]
        if entry.get("status") == "updated":
            return Outcome(Status.UPDATED, person)
        found = record_reasons(entry)
        gone = any(reason.code == _NOT_FOUND for reason in found)
        problem = problem_of(found, values)
        return Outcome(Status.GONE if gone else Status.REJECTED, person, problem=problem)


def _whole(raw: object) -> int | None:
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None
