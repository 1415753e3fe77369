"""Reading the activity log, and adding custom activities to it (Adobe, "Activities")."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from .activities import CHANGE_VALUE, DELETE, NEW_PERSON, Activity, ActivityLog
from .custom_activity_types import CustomActivityTypes
from .envelope import Answer, Refusal, missing, skipped
from .fields import Fields
from .lists import StaticLists
from .parameters import Parameters
from .persons import People
from .tokens import BadToken, Tokens
from .values import BadValue, accept, parse_moment, second

_MOST_TYPES = 10
_MOST_PERSONS = 30
_MOST_MEMBERS = 10_000
_MOST_BYTES = 65_536


class Streams:
    """Answers of the activity family: a token and ``moreResult`` always come back, an empty ``result`` does not.

    Open in public material and chosen here: a value change is one activity a field in ``activities.json``, while
    ``leadchanges.json`` gives all requested fields of one write in one record, under the first one's ``marketoGUID``.

    Args:
        log: The activity log.
        types: Custom activity types.
        fields: Person fields.
        people: The people.
        lists: Static lists.
        tokens: Makes paging tokens.
    """

    def __init__(
        self,
        log: ActivityLog,
        types: CustomActivityTypes,
        fields: Fields,
        people: People,
        lists: StaticLists,
        tokens: Tokens,
    ) -> None:
        self._log = log
        self._types = types
        self._fields = fields
        self._people = people
        self._lists = lists
        self._tokens = tokens

    def paging_token(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/pagingtoken.json``."""
        try:
            since = parse_moment(given.need("sinceDatetime"))
        except BadValue:
            raise Refusal("704", "Invalid date format") from None
        return {"nextPageToken": self._tokens.make("activities", self._log.place_at(since))}

    def activities(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities.json``."""
        types = given.numbers("activityTypeIds", most=_MOST_TYPES)
        if not types:
            raise missing("activityTypeIds")
        assets = given.numbers("assetIds")
        if assets and len(types) != 1:
            raise Refusal("1003", "'assetIds' is allowed with a single activity type only")
        persons = self._persons(given)

        def wanted(activity: Activity) -> bool:
            return (
                activity.type in types
                and (persons is None or activity.person in persons)
                and (not assets or activity.primary_id in assets)
            )

        return self._page(given, wanted)

    def lead_changes(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/leadchanges.json``: new people, and changes of the named fields."""
        fields = given.many("fields")
        if not fields:
            raise missing("fields")
        for name in fields:
            if name not in self._fields:
                raise Refusal("1006", f"Field '{name}' not found")
        names, persons = frozenset(fields), self._persons(given)

        def wanted(activity: Activity) -> bool:
            if persons is not None and activity.person not in persons:
                return False
            if activity.type == NEW_PERSON:
                return True
            return activity.change is not None and activity.change.name in names

        return self._page(given, wanted, changes=True)

    def deleted(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/deletedleads.json``."""
        return self._page(given, lambda activity: activity.type == DELETE)

    def add_custom(self, given: Parameters) -> Answer:
        """``POST /rest/v1/activities/external.json``: reasons come in ``errors`` here."""
        return {"result": [self._add(record) for record in given.records(given.json_object())]}

    def _add(self, record: Mapping[str, object]) -> Answer:
        for need in ("leadId", "activityDate", "activityTypeId", "primaryAttributeValue", "attributes"):
            if record.get(need) is None:
                return skipped("1002", f"Missing value for required parameter '{need}'", key="errors")
        person, kind = record["leadId"], self._types.approved(record["activityTypeId"])
        if kind is None:
            return skipped("1013", "Activity type not found", key="errors")
        if not isinstance(person, int) or person not in self._people:
            return skipped("1004", "Lead not found", key="errors")
        if _size(record["attributes"]) > _MOST_BYTES:
            return skipped("1049", "Too many attributes", key="errors")
        try:
            at = parse_moment(str(record["activityDate"]))
            attributes = _attributes(record["attributes"], kind.approved.attributes if kind.approved else {})
        except BadValue:
            return skipped("1003", "Invalid data", key="errors")
        primary = str(record["primaryAttributeValue"])
        number = self._log.write(person, kind.id, primary=primary, attributes=attributes, at=at)
        return {"id": number, "marketoGUID": str(number), "status": "added"}

    def _persons(self, given: Parameters) -> Collection[int] | None:
        persons = given.numbers("leadIds", most=_MOST_PERSONS)
        listed = given.number("listId")
        if listed is not None:
            members = self._lists.need(listed).members
            if len(members) >= _MOST_MEMBERS:
                raise Refusal("1003", f"List '{listed}' has {_MOST_MEMBERS} members or more")
            return members if not persons else members & set(persons)
        return frozenset(persons) if persons else None

    def _page(self, given: Parameters, wanted: Callable[[Activity], bool], *, changes: bool = False) -> Answer:
        try:
            place = self._tokens.read("activities", given.need("nextPageToken"))
        except BadToken:
            raise Refusal("1003", "Invalid value for parameter 'nextPageToken'") from None
        page = self._log.read(place, wanted, given.size(), whole_writes=changes)
        records = self._changes(page.found) if changes else [self._show(activity) for activity in page.found]
        answer: Answer = {"result": records} if records else {}
        return {**answer, "nextPageToken": self._tokens.make("activities", page.place), "moreResult": page.more}

    def _show(self, activity: Activity) -> Answer:
        shown = _common(activity)
        shown["primaryAttributeValueId"] = activity.primary_id
        shown["primaryAttributeValue"] = activity.primary
        pairs = list(activity.attributes)
        if activity.change is not None:
            values = (("New Value", activity.change.new), ("Old Value", activity.change.old))
            pairs = [pair for pair in values if pair[1] is not None] + pairs
        names = self._types.attribute_names(activity.type)
        shown["attributes"] = [
            {"apiName": pair["name"], "name": names[str(pair["name"])], "value": pair["value"]}
            if pair["name"] in names
            else pair
            for pair in _pairs(pairs)
        ]
        return shown

    def _changes(self, found: list[Activity]) -> list[Answer]:
        records: list[Answer] = []
        fields: list[Answer] = []
        first: int | None = None
        for activity in found:
            if activity.first != first or activity.change is None:
                fields, first = [], activity.first
                pairs: list[tuple[str, object]] = list(activity.attributes)
                if activity.type == CHANGE_VALUE:
                    pairs.append(("Lead ID", activity.person))
                records.append({**_common(activity), "fields": fields, "attributes": _pairs(pairs)})
            if activity.change is not None:
                number, change = self._fields[activity.change.name].id, activity.change
                fields.append({"id": number, "name": change.name, "newValue": change.new, "oldValue": change.old})
        return records


def _common(activity: Activity) -> Answer:
    return {
        "id": activity.number,
        "marketoGUID": str(activity.number),
        "leadId": activity.person,
        "activityDate": second(datetime.fromtimestamp(activity.at, UTC)),
        "activityTypeId": activity.type,
        "campaignId": 0,
    }


def _pairs(pairs: list[tuple[str, object]]) -> list[Answer]:
    return [{"name": name, "value": value} for name, value in pairs]


def _size(raw: object) -> int:
    return len(json.dumps(raw, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _attributes(raw: object, known: Mapping[str, Mapping[str, object]]) -> tuple[tuple[str, object], ...]:
    """Return the attributes of a custom activity; each may be named by its apiName or its name."""
    if not isinstance(raw, list):
        raise BadValue
    names = {str(attribute["name"]): key for key, attribute in known.items()}
    pairs: list[tuple[str, object]] = []
    for item in raw:
        if not isinstance(item, dict):
            raise BadValue
        key = str(item["apiName"]) if "apiName" in item else names.get(str(item.get("name")), "")
        if key not in known:
            raise BadValue
        kind, value = str(known[key]["dataType"]), item.get("value")
        kept = accept("string" if kind == "link" else kind, None, value)
        if kept is not None or kind == "boolean":
            pairs.append((key, bool(kept) if kind == "boolean" else kept))
    return tuple(pairs)
