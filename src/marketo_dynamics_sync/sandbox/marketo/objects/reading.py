"""Describing and querying objects (Adobe, "Lead Database", "Describe", "Query" and "Compound Keys")."""

from __future__ import annotations

from collections.abc import Mapping

from ..envelope import Answer, Refusal, missing
from ..parameters import MOST, Parameters
from ..tokens import BadToken, Tokens, scope_of
from .records import RecordId, Records


class Reading:
    """Answers questions about one object.

    A page that is not the last has ``nextPageToken``. Adobe's page "Lead Database" says that ``moreResult`` is true
    beside it, while the published specification of some answers has no such member: it is given where it is
    specified. Empty fields that were asked for come as nulls, as recorded answers for leads have them.

    Args:
        records: The records.
        tokens: Makes paging tokens.
        more: Whether the answer has ``moreResult``.
    """

    def __init__(self, records: Records, tokens: Tokens, *, more: bool) -> None:
        self._records = records
        self._tokens = tokens
        self._more = more
        self._purpose = f"objects of {records.kind.name}"

    def describe(self, given: Parameters, made: str, changed: str) -> Answer:
        """Return the answer of a describe call.

        Args:
            given: The call.
            made: When the object was made, as the API writes it.
            changed: When it was last changed.
        """
        return {"result": [{**self.summary(made, changed), "fields": self._described()}]}

    def summary(self, made: str, changed: str) -> Answer:
        """Return what describe calls and lists of objects say beside the fields."""
        kind = self._records.kind
        return {
            "name": kind.name,
            "displayName": kind.label,
            "description": kind.description,
            "createdAt": made,
            "updatedAt": changed,
            "idField": kind.id_field,
            "dedupeFields": list(kind.dedupe),
            "searchableFields": [list(group) for group in kind.searchable],
            **({"relationships": kind.relationships} if kind.relationships else {}),
        }

    def query(self, given: Parameters) -> Answer:
        """Answer a query by a simple key, or by records that each hold a compound key.

        Raises:
            Refusal: 1002, a parameter is missing; 1003, one is bad; 1006, an unknown field; 1011, a field that cannot
                be searched.
        """
        asked, records = _asked(given)
        kind = self._records.kind
        wanted = asked.need("filterType")
        names = kind.lookup(wanted)
        if names is None:
            raise Refusal("1011", f"Field '{wanted}' not supported")
        keys = _keys(asked, names, records)
        found = {record for key in keys for record in self._records.find(names, key)}
        return self._page(asked, sorted(found, key=self._records.place), scope_of(names, sorted(keys)))

    def fields(self, given: Parameters) -> Answer:
        """Answer ``.../schema/fields.json``."""
        token = given.one("nextPageToken")
        try:
            start = self._tokens.read(f"fields of {self._purpose}", token) if token else 0
        except BadToken:
            raise Refusal("1003", "Invalid value for parameter 'nextPageToken'") from None
        everything, end = list(self._records.kind.fields.values()), start + given.size()
        more = end < len(everything)
        answer: Answer = {"result": [item.listed() for item in everything[start:end]], "moreResult": more}
        if more:
            answer["nextPageToken"] = self._tokens.make(f"fields of {self._purpose}", end)
        return answer

    def field(self, given: Parameters, name: str) -> Answer:
        """Answer ``.../schema/fields/{fieldApiName}.json``; an unknown name is refused with 1006, a choice."""
        item = self._records.kind.fields.get(name)
        if item is None:
            raise Refusal("1006", f"Field '{name}' not found")
        return {"result": [item.listed()]}

    def _described(self) -> list[Answer]:
        return [item.described() for item in self._records.kind.fields.values()]

    def _page(self, asked: Parameters, found: list[RecordId], scope: int) -> Answer:
        names, size, token = self._names(asked), asked.size(), asked.one("nextPageToken")
        try:
            after = self._tokens.read(self._purpose, token, scope) if token else 0
        except BadToken:
            raise Refusal("1003", "Invalid value for parameter 'nextPageToken'") from None
        left = [record for record in found if self._records.place(record) > after]
        page = left[:size]
        answer: Answer = {
            "result": [{"seq": seq, **self._records.show(record, names)} for seq, record in enumerate(page)]
        }
        if len(left) > size:
            answer["nextPageToken"] = self._tokens.make(self._purpose, self._records.place(page[-1]), scope)
            if self._more:
                answer["moreResult"] = True
        return answer

    def _names(self, asked: Parameters) -> list[str]:
        kind = self._records.kind
        always = (kind.id_field, *kind.dedupe)
        wanted = asked.many("fields")
        if not wanted:
            return list(dict.fromkeys([*always, "createdAt", "updatedAt"]))
        names = [kind.id_field]
        for name in wanted:
            spelt = kind.spelt(name)
            if spelt is None:
                raise Refusal("1006", f"Field '{name}' not found")
            names.append(spelt)
        return list(dict.fromkeys(names))


def _asked(given: Parameters) -> tuple[Parameters, list[dict[str, object]] | None]:
    """Return the parameters of a query, and the records of one that came as JSON."""
    if given.content_type != "application/json" or not given.raw:
        return given, None
    body = given.json_object()
    values = dict(given.values)
    for name in ("filterType", "batchSize", "nextPageToken"):
        if body.get(name) is not None:
            values[name] = [str(body[name])]
    fields = body.get("fields")
    if fields is not None:
        values["fields"] = [str(name) for name in fields] if isinstance(fields, list) else [str(fields)]
    return Parameters(values, given.client), given.records(body)


def _keys(asked: Parameters, names: tuple[str, ...], records: list[dict[str, object]] | None) -> list[tuple[str, ...]]:
    if records is not None:
        return [tuple(_value(record, name) for name in names) for record in records]
    if len(names) > 1:
        raise missing("input")
    asked.need("filterValues")
    return [(value,) for value in asked.many("filterValues", most=MOST)]


def _value(record: Mapping[str, object], name: str) -> str:
    value = next((record[given] for given in record if given.lower() == name.lower()), None)
    if value is None or value == "":
        raise missing(name)
    return str(value)
