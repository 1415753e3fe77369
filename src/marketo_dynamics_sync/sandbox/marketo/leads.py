"""Endpoints of the lead database: describe, read, write, delete, merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .envelope import Parameters, Refusal
from .fields import BadValue, PersonField
from .persons import People

Answer = dict[str, object]
_DEFAULT = ("id", "email", "updatedAt", "createdAt", "firstName", "lastName")
_SOURCE = "Web service API"


class Leads:
    """Answers for people. A skipped record never stops its neighbours."""

    def __init__(self, people: People, partitions: Iterable[str]) -> None:
        self.people = people
        self.partitions = list(partitions)

    def describe(self, given: Parameters) -> Answer:
        """``GET /rest/v1/leads/describe.json``."""
        fields = [
            {
                "id": item.id,
                "displayName": item.label,
                "dataType": item.type,
                **({"length": item.length} if item.length else {}),
                "rest": {"name": item.name, "readOnly": not item.updateable},
            }
            for item in self.people.fields.values()
        ]
        return {"result": fields}

    def describe2(self, given: Parameters) -> Answer:
        """``GET /rest/v1/leads/describe2.json``."""
        fields = [
            {
                "name": item.name,
                "displayName": item.label,
                "dataType": item.type,
                **({"length": item.length} if item.length else {}),
                "updateable": item.updateable,
                "crmManaged": item.crm_managed,
            }
            for item in self.people.fields.values()
        ]
        searchable = [[item.name] for item in self.people.fields.values() if item.searchable]
        return {"result": [{"name": "API Lead", "searchableFields": searchable, "fields": fields}]}

    def one(self, person: int, given: Parameters) -> Answer:
        """``GET /rest/v1/lead/{id}.json``. An unknown id gives an empty result; recordings of it are missing."""
        names = self._names(given)
        found = [person] if self.people.get(person) is not None else []
        return {"result": self._show(found, names)}

    def by_filter(self, given: Parameters) -> Answer:
        """``GET /rest/v1/leads.json``."""
        kind = given.need("filterType")
        field = self.people.fields.get(kind)
        if field is None or not field.searchable:
            raise Refusal("1011", f"Field '{kind}' is not supported as a filter type")
        given.need("filterValues")
        values = given.many("filterValues")
        if len(values) > 300:
            raise Refusal("1003", "The number of filter values exceeds the limit of 300")
        names = self._names(given)
        ids = sorted({person for value in values for person in self.people.find(kind, value)})
        if len(ids) > 1000:
            raise Refusal("1003", "Too many results match the filter")
        start = _offset(given)
        size = given.size()
        page = ids[start : start + size]
        answer: Answer = {"result": self._show(page, names)}
        if start + size < len(ids):
            answer["nextPageToken"] = _cookie(start + size)
        return answer

    def sync(self, given: Parameters) -> Answer:
        """``POST /rest/v1/leads.json``."""
        body = given.json_object()
        action = str(body.get("action") or "createOrUpdate")
        if action not in ("createOrUpdate", "createOnly", "updateOnly", "createDuplicate"):
            raise Refusal("1001", f"Invalid value '{action}' for parameter 'action'")
        lookup = str(body.get("lookupField") or "email")
        field = self.people.fields.get(lookup)
        if field is None:
            raise Refusal("1006", f"Field '{lookup}' not found")
        if not field.searchable or (lookup == "id" and action != "updateOnly"):
            raise Refusal("1011", f"Field '{lookup}' is not supported as a lookup field")
        partition = body.get("partitionName")
        if partition is not None and partition not in self.partitions:
            raise Refusal("1008", f"Lead partition '{partition}' not found or no access")
        return {"result": [self._write(record, action, lookup) for record in given.records()]}

    def delete(self, given: Parameters) -> Answer:
        """``POST /rest/v1/leads/delete.json``."""
        raw = given.many("id") or [record.get("id") for record in given.records()]
        result: list[Answer] = []
        for number in raw:
            person = int(str(number)) if str(number).isdecimal() else 0
            if self.people.get(person) is None:
                result.append({"id": number, **_skipped("1004", "Lead not found")})
            else:
                self.people.delete(person)
                result.append({"id": person, "status": "deleted"})
        return {"result": result}

    def merge(self, winner: int, given: Parameters) -> Answer:
        """``POST /rest/v1/leads/{id}/merge.json``."""
        losers = [int(i) for i in given.many("leadIds") + given.many("leadId") if i.isdecimal()]
        if not losers:
            raise Refusal("1002", "Missing value for required parameter 'leadId'")
        if len(losers) > 25:
            raise Refusal("1080", "The number of leads to merge exceeds the limit of 25")
        for person in (winner, *losers):
            if self.people.get(person) is None:
                raise Refusal("1004", f"Lead '{person}' not found")
        self.people.merge(winner, losers)
        return {}

    def list_partitions(self, given: Parameters) -> Answer:
        """``GET /rest/v1/leads/partitions.json``."""
        return {"result": [{"id": i + 1, "name": name} for i, name in enumerate(self.partitions)]}

    def _names(self, given: Parameters) -> list[str]:
        names = given.many("fields") or list(_DEFAULT)
        for name in names:
            if name not in self.people.fields:
                raise Refusal("1006", f"Field '{name}' not found")
        return list(dict.fromkeys(["id", *names]))

    def _show(self, ids: Iterable[int], names: Iterable[str]) -> list[Answer]:
        wanted = list(names)
        return [{name: self.people.value(person, name) for name in wanted} for person in ids]

    def _write(self, record: Mapping[str, object], action: str, lookup: str) -> Answer:
        try:
            values = self._accept(record)
        except Refusal as refusal:
            return _skipped(refusal.code, refusal.message)
        key = record.get(lookup)
        if action != "createDuplicate" and (key is None or key == ""):
            return _skipped("1003", f"Value for required field '{lookup}' not specified")
        if "id" in record and lookup != "id":
            return _skipped("1003", "Field 'id' is not allowed here")
        found = [] if action == "createDuplicate" else self.people.find(lookup, str(key))
        if len(found) > 1:
            return _skipped("1007", f"Multiple lead match lookup criteria '{lookup}'")
        if found:
            if action == "createOnly":
                return _skipped("1005", "Lead already exists")
            self.people.update(found[0], values, _SOURCE)
            return {"id": found[0], "status": "updated"}
        if action == "updateOnly":
            return _skipped("1004", "Lead not found")
        return {"id": self.people.create(values, _SOURCE), "status": "created"}

    def _accept(self, record: Mapping[str, object]) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, raw in record.items():
            field: PersonField | None = self.people.fields.get(name)
            if name == "id":
                continue
            if field is None:
                raise Refusal("1006", f"Field '{name}' not found")
            if not field.updateable:
                raise Refusal("1003", f"Field '{name}' is read-only")
            try:
                values[name] = field.accept(raw)
            except BadValue:
                raise Refusal("1003", f"Invalid value for field '{name}' and value '{raw}'") from None
        return values


def _skipped(code: str, message: str) -> Answer:
    return {"status": "skipped", "reasons": [{"code": code, "message": message}]}


def _cookie(start: int) -> str:
    return f"PAGE{start:012d}===="


def _offset(given: Parameters) -> int:
    token = given.one("nextPageToken")
    if token is None:
        return 0
    if not token.startswith("PAGE") or not token[4:16].isdecimal():
        raise Refusal("1012", "Invalid cookie value")
    return int(token[4:16])
