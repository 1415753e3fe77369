"""Custom objects: the types of one instance, and the calls on their records (Adobe, "Custom Objects")."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from ...clock import SandboxClock
from ..envelope import Answer, Refusal, Skip
from ..parameters import Parameters
from ..persons import API, People
from ..tokens import Tokens
from ..values import Value, second
from .calls import ObjectCalls
from .definition import Link, ObjectType, by_name
from .reading import Reading
from .records import RecordId, Records, guids
from .relations import drop_of
from .standard import GUID
from .versions import CustomType, standard_fields
from .writing import Rules, Writing


class LinkRules(Rules):
    """What a custom object's links point to must be there: 1004 for people, 1013 for others.

    Args:
        people: The people.
        companies: The companies.
        types: All types of custom objects.
        kind: The object.
    """

    def __init__(self, people: People, companies: Records, types: Mapping[str, CustomType], kind: ObjectType) -> None:
        self._people = people
        self._companies = companies
        self._types = types
        self._kind = kind

    def check(self, record: RecordId | None, values: Mapping[str, Value | None]) -> None:
        for name, value in values.items():
            link = self._kind.fields[name].link
            if link is not None and value is not None:
                self._follow(link, value)

    def _follow(self, link: Link, value: Value) -> None:
        if link.object == "lead":
            if not self._people.find(link.field, str(value)):
                raise Skip("1004", "Lead not found")
            return
        records = self._companies if link.object == "company" else self._records(link.object)
        if records is None or records.one(link.field, value) is None:
            raise Skip("1013", "Object not found")

    def _records(self, name: str) -> Records | None:
        calls = self._types[name].calls if name in self._types else None
        return None if calls is None else calls.records


class CustomObjects:
    """The custom objects of one instance. Only approved types can be used.

    Args:
        clock: Tells the time.
        tokens: Makes paging tokens.
        people: The people.
        companies: The companies.
        chance: Makes GUIDs.
    """

    def __init__(
        self, clock: SandboxClock, tokens: Tokens, people: People, companies: Records, chance: random.Random
    ) -> None:
        self._clock = clock
        self._tokens = tokens
        self._people = people
        self._companies = companies
        self._chance = chance
        #: Every type, approved or not, by API name.
        self.types: dict[str, CustomType] = {}

    def need(self, name: str) -> ObjectCalls:
        """Return the calls on an approved type.

        Raises:
            Refusal: 1013, there is none with that name.
        """
        found = self.types.get(name)
        if found is None or found.calls is None:
            raise Refusal("1013", f"Object '{name}' not found")
        return found.calls

    def publish(self, item: CustomType) -> None:
        """Make a type's draft its approved version."""
        draft = item.sketch()
        item.approved, item.draft = draft, None
        item.changed = second(self._clock.now())
        item.made = item.made or item.changed
        fields = sorted(draft.fields.values(), key=lambda field: field.name.lower())
        if item.kind is None or item.calls is None:
            item.kind = ObjectType(
                item.name, draft.label, GUID.name, draft.dedupe(), (), {}, not_found="Object not found"
            )
            records = Records(self._clock, item.kind, guids(self._chance))
            rules = LinkRules(self._people, self._companies, self.types, item.kind)
            reading = Reading(records, self._tokens, more=True)
            item.calls = ObjectCalls(records, reading, Writing(records, rules, API), item.made)
        item.calls.changed = item.changed
        item.kind.label, item.kind.description = draft.label, draft.description
        item.kind.fields = by_name([*standard_fields(), *fields])
        item.kind.searchable, item.kind.relationships = draft.searchable(), draft.relationships()

    def browse(self, given: Parameters) -> Answer:
        """``GET /rest/v1/customobjects.json``: approved types."""
        names = given.many("names")
        return {
            "result": [
                item.calls.reading.summary(item.calls.made, item.calls.changed)
                for item in self.types.values()
                if item.calls is not None and (not names or item.name in names)
            ]
        }

    def describe(self, given: Parameters, name: str) -> Answer:
        """``GET /rest/v1/customobjects/{name}/describe.json``."""
        return self.need(name).describe(given)

    def query(self, given: Parameters, name: str) -> Answer:
        """``GET /rest/v1/customobjects/{name}.json``."""
        return self.need(name).query(given)

    def sync(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/customobjects/{name}.json``."""
        return self.need(name).sync(given)

    def delete(self, given: Parameters, name: str) -> Answer:
        """``POST /rest/v1/customobjects/{name}/delete.json``."""
        return self.need(name).delete(given)

    def forget(self, person: int) -> None:
        """Delete the records linked to somebody who was deleted."""
        for records, field in self._linked():
            drop_of(records, field, person)

    def merged(self, winner: int, losers: Sequence[int]) -> None:
        """Link the losers' records to the winner; one whose key the winner has already goes."""
        for records, field in self._linked():
            for loser in losers:
                for record in records.find((field,), (loser,)):
                    row = {**records[record], field: winner}
                    same = records.find(records.kind.dedupe, [row[name] for name in records.kind.dedupe])
                    if field in records.kind.dedupe and same:
                        records.delete(record)
                    else:
                        records.update(record, {field: winner})

    def _linked(self) -> list[tuple[Records, str]]:
        return [
            (item.calls.records, field.name)
            for item in self.types.values()
            if item.calls is not None and item.kind is not None
            for field in item.kind.fields.values()
            if field.link == Link("lead", "id")
        ]
