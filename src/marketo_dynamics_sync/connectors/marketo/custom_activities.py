"""Custom activities: lines of our own in a person's activity log (Adobe, "Activities", "Add Custom Activities")."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from attrs import define, field, frozen

from ...errors import OutcomeUnknownError, PermissionDeniedError, ServiceError, SyncError
from ..protocol import Outcome, Problem, Status
from .batches import bodies
from .codes import DOUBTFUL_CODES, HALVED_CODES, READ_ACTIVITIES, WRITE_ACTIVITIES
from .encoding import NOT_JSON, body_size
from .outcomes import call_problem, problem_of, record_reasons
from .session import Call, Kind, Session

_PATH: Final = "/rest/v1/activities/external.json"
_TYPES: Final = Call(
    "reading the activity types", "/rest/v1/activities/types.json", Kind.METADATA, READ_ACTIVITIES, timeout=60.0
)
#: The service works on added activities for 90 seconds at most.
_TIMEOUT: Final = 120.0
_LEAD_NOT_FOUND: Final = "1004"
#: What the service may refuse a whole call with for one record's sake, nothing done.
_HALVED: Final = HALVED_CODES - DOUBTFUL_CODES

AttributeValue: TypeAlias = str | int | float | bool | None


@frozen
class CustomActivity:
    """One line for a person's activity log. It can't be changed or taken back.

    Attributes:
        lead_id: The person's id.
        type_id: Number of the activity type; it differs from instance to instance.
        at: When it happened (time-zone aware); kept to the second.
        primary_value: Value of the type's primary attribute.
        attributes: Values of its other attributes by API name, 65,536 bytes together at most.
    """

    lead_id: str
    type_id: int
    at: datetime
    primary_value: str = field(repr=False)
    attributes: Mapping[str, AttributeValue] = field(factory=dict, repr=False)


@frozen
class ActivityType:
    """A custom activity type of an instance.

    Attributes:
        id: Its number.
        api_name: Its API name, the same on every instance that was set up alike.
        name: Its name in the user interface.
        attributes: Names in the user interface by API name, of its attributes beside the primary one.
    """

    id: int
    api_name: str
    name: str
    attributes: Mapping[str, str] = field(factory=dict)


@frozen
class _Item:
    index: int
    payload: Mapping[str, object] = field(repr=False)
    size: int = 0


@define
class _Run:
    """One ``post()`` under way: what is written stays written, whatever comes after it."""

    outcomes: dict[int, Outcome] = field(factory=dict)
    sent: bool = False
    stopped: SyncError | None = None

    def set(self, items: Sequence[_Item], status: Status, problem: Problem) -> None:
        """Give all items the same outcome."""
        self.outcomes |= {item.index: Outcome(status, problem=problem) for item in items}


class CustomActivities:
    """Writes custom activities through a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._types: Mapping[str, ActivityType] | None = None

    def types(self) -> Mapping[str, ActivityType]:
        """Return the approved custom activity types by API name, asking for them if they aren't known."""
        with self._lock:
            if self._types is None:
                found = (_type(raw) for raw in self._session.send(_TYPES).result)
                self._types = {item.api_name: item for item in found if item is not None}
            return self._types

    def forget(self) -> None:
        """Ask for the types again next time."""
        with self._lock:
            self._types = None

    def post(self, activities: Sequence[CustomActivity]) -> list[Outcome]:
        """Write activities and return what became of each, in the same order.

        Raises:
            ServiceError: Nothing was sent.
        """
        run = _Run()
        names = self._names() if any(activity.attributes for activity in activities) else {}
        items: list[_Item] = []
        for index, activity in enumerate(activities):
            encoded = _encode(index, activity, names.get(activity.type_id, {}))
            if isinstance(encoded, Problem):
                run.outcomes[index] = Outcome(Status.REJECTED, problem=encoded)
            else:
                items.append(encoded)
        for batch in bodies(items):
            self._deliver(run, batch)
        if run.stopped is not None and not run.sent:
            raise run.stopped
        stopped = run.stopped
        problem = call_problem(stopped, retryable=True) if isinstance(stopped, ServiceError) else None
        unsent = Outcome(Status.UNSENT, problem=problem)
        return [run.outcomes.get(index, unsent) for index in range(len(activities))]

    def _names(self) -> Mapping[int, Mapping[str, str]]:
        """Return the attributes' names by type: the specification requires them beside the API names."""
        try:
            return {item.id: item.attributes for item in self.types().values()}
        except PermissionDeniedError:
            return {}

    def _deliver(self, run: _Run, batch: Sequence[_Item]) -> None:
        if run.stopped is not None:
            return
        call = Call(
            "writing custom activities",
            _PATH,
            Kind.WRITE,
            WRITE_ACTIVITIES,
            body={"input": [item.payload for item in batch]},
            timeout=_TIMEOUT,
            once=True,
        )
        try:
            result = self._session.send(call).result
        except OutcomeUnknownError as error:
            run.sent = True
            run.set(batch, Status.UNKNOWN, call_problem(error, retryable=True))
            if error.code not in DOUBTFUL_CODES:
                run.stopped = error
        except SyncError as error:
            self._refused(run, batch, error)
        else:
            run.sent = True
            if len(result) != len(batch):
                words = "Marketo didn't answer for every activity of the call"
                run.set(batch, Status.UNKNOWN, Problem("short-answer", words, retryable=True))
                return
            for item, entry in zip(batch, result, strict=True):
                run.outcomes[item.index] = _outcome(item, entry)

    def _refused(self, run: _Run, batch: Sequence[_Item], error: SyncError) -> None:
        if not isinstance(error, ServiceError) or error.code not in _HALVED:
            run.stopped = error
        elif len(batch) == 1:
            run.sent = True
            run.set(batch, Status.REJECTED, call_problem(error))
        else:
            middle = len(batch) // 2
            self._deliver(run, batch[:middle])
            self._deliver(run, batch[middle:])


def _encode(index: int, activity: CustomActivity, names: Mapping[str, str]) -> _Item | Problem:
    if not (activity.lead_id.isascii() and activity.lead_id.isdecimal()):
        return Problem("bad-id", "not the id of a Marketo person", "leadId")
    if activity.at.tzinfo is None:
        return Problem("bad-moment", "the moment of an activity needs a time zone", "activityDate")
    at = activity.at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()
    payload: dict[str, object] = {
        "leadId": int(activity.lead_id),
        "activityDate": f"{at}Z",
        "activityTypeId": activity.type_id,
        "primaryAttributeValue": activity.primary_value,
        # An attribute without a value is left out: the service documents no empty ones.
        "attributes": [
            {"apiName": name, "name": names.get(name, name), "value": value}
            for name, value in activity.attributes.items()
            if value is not None
        ],
    }
    size = body_size(payload)
    return NOT_JSON if size is None else _Item(index, payload, size)


def _outcome(item: _Item, entry: Mapping[str, object]) -> Outcome:
    if entry.get("status") == "added":
        number = entry.get("marketoGUID") or entry.get("id")
        return Outcome(Status.CREATED, None if number is None else str(number))
    attributes = item.payload["attributes"]
    values = [each["value"] for each in attributes] if isinstance(attributes, list) else []
    sent = {str(place): value for place, value in enumerate([item.payload["primaryAttributeValue"], *values])}
    problem = problem_of(record_reasons(entry), sent)
    return Outcome(Status.GONE if problem.code == _LEAD_NOT_FOUND else Status.REJECTED, problem=problem)


def _type(raw: Mapping[str, object]) -> ActivityType | None:
    number, api_name = raw.get("id"), raw.get("apiName")
    if isinstance(number, bool) or not isinstance(number, int) or not isinstance(api_name, str):
        return None
    listed = raw.get("attributes")
    attributes = [item for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict)]
    named = {str(item["apiName"]): str(item.get("name") or item["apiName"]) for item in attributes if "apiName" in item}
    return ActivityType(number, api_name, str(raw.get("name") or api_name), named)
