"""Endpoints that read the activity log, and custom activities."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..clock import SandboxClock
from .activities import CHANGE_VALUE, DELETE, NEW_PERSON, TYPES, Activity, ActivityLog, BadToken
from .envelope import Parameters, Refusal
from .leads import Answer
from .persons import People


class Streams:
    """Answers of the activity family: a token always comes back, and ``moreResult`` always."""

    def __init__(self, clock: SandboxClock, log: ActivityLog, people: People) -> None:
        self._clock = clock
        self._log = log
        self._people = people
        self.custom: dict[str, dict[str, object]] = {}

    def paging_token(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/pagingtoken.json``."""
        try:
            since = datetime.fromisoformat(given.need("sinceDatetime"))
        except ValueError:
            raise Refusal("704", "Invalid date format for 'sinceDatetime'") from None
        if since.tzinfo is None:
            raise Refusal("704", "Invalid date format for 'sinceDatetime': the offset is missing")
        return {"nextPageToken": self._log.token_at(since)}

    def activities(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities.json``."""
        types = [int(t) for t in given.many("activityTypeIds") if t.isdecimal()]
        if not types:
            raise Refusal("1002", "Missing value for required parameter 'activityTypeIds'")
        if len(types) > 10:
            raise Refusal("1003", "The number of activity types exceeds the limit of 10")
        return self._page(given, types, None)

    def lead_changes(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/leadchanges.json``."""
        fields = given.many("fields")
        if not fields:
            raise Refusal("1002", "Missing value for required parameter 'fields'")
        for name in fields:
            if name not in self._people.fields:
                raise Refusal("1006", f"Field '{name}' not found")
        return self._page(given, [NEW_PERSON, CHANGE_VALUE], fields)

    def deleted(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/deletedleads.json``."""
        return self._page(given, [DELETE], None)

    def types(self, given: Parameters) -> Answer:
        """``GET /rest/v1/activities/types.json``."""
        result: list[object] = [
            {"id": number, "name": name, "primaryAttribute": {"name": primary, "dataType": "string"}, "attributes": []}
            for number, (name, primary) in TYPES.items()
        ]
        return {"result": result + list(self.custom.values())}

    def add_custom(self, given: Parameters) -> Answer:
        """``POST /rest/v1/activities/external.json``."""
        known = {item["id"] for item in self.custom.values()}
        result: list[Answer] = []
        for record in given.records():
            person, kind = record.get("leadId"), record.get("activityTypeId")
            if kind not in known:
                result.append(_skipped("1013", "Activity type not found"))
            elif not isinstance(person, int) or self._people.get(person) is None:
                result.append(_skipped("1004", "Lead not found"))
            elif len(str(record.get("attributes"))) > 65_536:
                result.append(_skipped("1049", "Attributes exceed 65,536 bytes"))
            else:
                attributes = record.get("attributes")
                pairs = attributes if isinstance(attributes, list) else []
                activity = self._log.write(
                    person,
                    int(str(kind)),
                    self._clock.now(),
                    timedelta(),
                    primary=str(record.get("primaryAttributeValue") or ""),
                    attributes={str(p.get("apiName")): p.get("value") for p in pairs if isinstance(p, dict)},
                )
                result.append({"id": activity.number, "marketoGUID": str(activity.number), "status": "added"})
        return {"result": result}

    def _page(self, given: Parameters, types: list[int], fields: list[str] | None) -> Answer:
        persons = [int(i) for i in given.many("leadIds") if i.isdecimal()]
        if len(persons) > 30:
            raise Refusal("1003", "The number of lead ids exceeds the limit of 30")
        try:
            found, token, more = self._log.read(
                given.need("nextPageToken"), types, self._clock.now(), given.size(), persons=persons, fields=fields
            )
        except BadToken:
            raise Refusal("1012", "Invalid value for parameter 'nextPageToken'") from None
        result = [self._show(activity, changes=fields is not None) for activity in found]
        return {"result": result, "nextPageToken": token, "moreResult": more}

    def _show(self, activity: Activity, *, changes: bool) -> Answer:
        shown: Answer = {
            "id": activity.number,
            "marketoGUID": str(activity.number),
            "leadId": activity.person,
            "activityDate": activity.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "activityTypeId": activity.type,
            "campaignId": 0,
        }
        attributes = dict(activity.attributes)
        if changes:
            shown["fields"] = [
                {"id": self._people.fields[name].id, "name": name, "newValue": new, "oldValue": old}
                for name, (old, new) in activity.changes.items()
            ]
        else:
            shown["primaryAttributeValueId"] = activity.primary_id
            shown["primaryAttributeValue"] = activity.primary
            for old, new in activity.changes.values():
                attributes |= {"New Value": new, "Old Value": old}
        shown["attributes"] = [{"name": name, "value": value} for name, value in attributes.items()]
        return shown


def _skipped(code: str, message: str) -> Answer:
    return {"status": "skipped", "errors": [{"code": code, "message": message}]}
