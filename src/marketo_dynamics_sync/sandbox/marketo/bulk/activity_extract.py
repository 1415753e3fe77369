"""What goes into the files of activities (Adobe, "Bulk Activity Extract")."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from ..activities import (
    ADD_TO_LIST,
    CHANGE_SCORE,
    CHANGE_VALUE,
    DELETE,
    REMOVE_FROM_LIST,
    Activity,
    ActivityLog,
)
from ..envelope import Refusal
from ..values import second
from .orders import DateRange, Gather, Order, read_list, read_range, read_whole

#: The fields of a file whose order names none.
DEFAULT: Final = (
    "marketoGUID",
    "leadId",
    "activityDate",
    "activityTypeId",
    "campaignId",
    "primaryAttributeValueId",
    "primaryAttributeValue",
    "attributes",
)
_FIELDS = (*DEFAULT, "actionResult")

#: Types that can be filtered by their primary attribute, by what that names; the last two are 104 and 2.
_GROUPS = (
    {CHANGE_VALUE, CHANGE_SCORE},
    {ADD_TO_LIST, REMOVE_FROM_LIST},
    {104},
    {2},
)
_MOST = 50
_PAGE = 1000
_BY_ID, _BY_NAME = "primaryAttributeValueIds", "primaryAttributeValues"


class ActivityExtract:
    """Rows of activities, in the order in which they were written.

    ``fields`` is optional, as the page has it (the Swagger file requires it). ``attributes`` is a JSON object of names
    and values, as in the page's sample (the Swagger file shows an array). Deletions are not exported. Choices: an
    activity was created when it was written, whatever date a custom one carries; a type that cannot be exported or
    filtered as asked is refused with 1003; an activity without campaign or primary attribute has ``null`` there; every
    activity has succeeded.

    Args:
        log: The activity log.
    """

    def __init__(self, log: ActivityLog) -> None:
        self._log = log

    def plan(self, order: Order) -> tuple[list[str], Gather]:
        """Return the fields and the rows of an order.

        Raises:
            Refusal: A part of the order is bad.
        """
        names: list[str] = [*DEFAULT] if order.fields is None else order.fields
        for name in names:
            if name not in _FIELDS:
                raise Refusal("1006", f"Field '{name}' not found")
        order.check_filters(("createdAt", "activityTypeIds", _BY_ID, _BY_NAME))
        if "createdAt" not in order.filter:
            raise Refusal("1002", "Missing value for required parameter 'createdAt'")
        created = read_range("createdAt", order.filter["createdAt"])
        types = _types(order)
        primary = _primary(order, types)

        def wanted(activity: Activity) -> bool:
            return (
                activity.written in created
                and activity.type != DELETE
                and (types is None or activity.type in types)
                and primary(activity)
            )

        return names, lambda: self._rows(created, wanted, names)

    def _rows(
        self, created: DateRange, wanted: Callable[[Activity], bool], names: Sequence[str]
    ) -> Iterator[list[object]]:
        place, more = self._log.place_at(created.start), True
        while more:
            page = self._log.read(place, wanted, _PAGE)
            place, more = page.place, page.more
            for activity in page.found:
                shown = _show(activity)
                yield [shown[name] for name in names]


def _types(order: Order) -> Collection[int] | None:
    if "activityTypeIds" not in order.filter:
        return None
    raw = read_list("activityTypeIds", order.filter["activityTypeIds"])
    types = {read_whole("activityTypeIds", item) for item in raw}
    if DELETE in types:
        raise Refusal("1003", f"Activity type '{DELETE}' is not supported")
    return types


def _primary(order: Order, types: Collection[int] | None) -> Callable[[Activity], bool]:
    asked = [name for name in (_BY_ID, _BY_NAME) if name in order.filter]
    if not asked:
        return lambda activity: True
    if len(asked) == 2:
        raise Refusal("1003", f"'{_BY_ID}' and '{_BY_NAME}' cannot be used together")
    values = read_list(asked[0], order.filter[asked[0]])
    if len(values) > _MOST:
        raise Refusal("1003", f"The number of values of '{asked[0]}' exceeds the limit of {_MOST}")
    if types is None or not any(group.issuperset(types) for group in _GROUPS):
        raise Refusal("1003", f"'{asked[0]}' needs 'activityTypeIds' of one matching asset group")
    if asked[0] == _BY_ID:
        ids = {read_whole(_BY_ID, value) for value in values}
        return lambda activity: activity.primary_id in ids
    return lambda activity: activity.primary in values


def _show(activity: Activity) -> dict[str, object]:
    pairs = dict(activity.attributes)
    if activity.change is not None:
        changed = {"New Value": activity.change.new, "Old Value": activity.change.old}
        pairs |= {name: value for name, value in changed.items() if value is not None}
    return {
        "marketoGUID": activity.number,
        "leadId": activity.person,
        "activityDate": second(datetime.fromtimestamp(activity.at, UTC)),
        "activityTypeId": activity.type,
        "campaignId": None,
        "primaryAttributeValueId": activity.primary_id or None,
        "primaryAttributeValue": activity.primary or None,
        "attributes": json.dumps(pairs, ensure_ascii=False, separators=(",", ":")),
        "actionResult": "succeeded",
    }
