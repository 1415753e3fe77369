"""Creating and updating people by call (Adobe, "Leads", "Create and Update")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from ..interruption import about_to_change
from .envelope import Answer, Refusal, Skip, skipped
from .fields import FILTER_ONLY, Fields
from .identity import Client
from .objects.relations import PersonLinks
from .parameters import Parameters
from .partitions import Partitions
from .persons import API, People
from .standard_fields import COMPANY
from .values import BadValue, Value, whole_number

ACTIONS = ("createOrUpdate", "createOnly", "updateOnly", "createDuplicate")


@frozen
class _Job:
    action: str
    lookup: str
    partition: str | None
    allowed: list[str]


class SyncLeads:
    """Answers ``POST /rest/v1/leads.json``: one result for each record in the order of the input.

    Open in public material and chosen here: a lookup field that does not exist is refused as a whole with 1006 and one
    that cannot be searched with 1011; ``id`` as lookup field with another action than updateOnly, or a partition name
    with updateOnly or createDuplicate, with 1003; a read-only field skips the record with 1003;
    ``asyncProcessing: true`` is answered with an empty result, after the work is done.

    Args:
        people: The people.
        fields: Their fields.
        partitions: Lead partitions.
        links: People and their companies and sales persons; with a native sync they are the CRM's.
    """

    def __init__(self, people: People, fields: Fields, partitions: Partitions, links: PersonLinks) -> None:
        self._people = people
        self._fields = fields
        self._partitions = partitions
        self._links = links

    def __call__(self, given: Parameters) -> Answer:
        """Write up to 300 records."""
        body = given.json_object()
        result = self.write(body, given.records(body), given.client)
        if body.get("asyncProcessing") is True:
            return {"result": []}
        return {"result": result}

    def write(
        self, body: Mapping[str, object], records: Sequence[Mapping[str, object]], client: Client
    ) -> list[Answer]:
        """Write records as a call says that has ``action``, ``lookupField`` and ``partitionName``.

        Args:
            body: The call.
            records: The records.
            client: Who calls.
        """
        job = self._job(body, client)
        return [self._write(record, job) for record in records]

    def _job(self, body: Mapping[str, object], client: Client) -> _Job:
        action, lookup = body.get("action"), body.get("lookupField")
        action = "createOrUpdate" if action is None else action
        lookup = "email" if lookup is None else lookup
        if not isinstance(action, str) or action not in ACTIONS:
            raise Refusal("1003", f"Invalid value '{action}' for parameter 'action'")
        if not isinstance(lookup, str) or (lookup not in self._fields and lookup not in FILTER_ONLY):
            raise Refusal("1006", f"Field '{lookup}' not found")
        if lookup not in self._fields or not self._fields[lookup].searchable or lookup == "leadPartitionId":
            raise Refusal("1011", f"Field '{lookup}' not supported")
        if lookup == "id" and action != "updateOnly":
            raise Refusal("1003", f"Lookup field 'id' is not allowed with action '{action}'")
        partition = body.get("partitionName")
        if partition is not None and action in ("updateOnly", "createDuplicate"):
            raise Refusal("1003", f"'partitionName' is not allowed with action '{action}'")
        return _Job(action, lookup, None if partition is None else str(partition), self._partitions.of_client(client))

    def _write(self, record: Mapping[str, object], job: _Job) -> Answer:
        try:
            return self._apply(record, job)
        except Skip as skip:
            return skipped(skip.code, skip.message)

    def _apply(self, record: Mapping[str, object], job: _Job) -> Answer:
        if job.partition is not None and job.partition not in job.allowed:
            raise Skip("1008", f"Access denied to partition '{job.partition}'")
        values = self._accept(record, job)
        found = [] if job.action == "createDuplicate" else self._found(record, job)
        if found and job.action == "createOnly":
            raise Skip("1005", "Lead already exists")
        if len(found) > 1:
            raise Skip("1007", "Multiple lead match lookup criteria")
        if found:
            return self._update(found[0], values, job)
        if job.action == "updateOnly":
            raise Skip("1004", "Lead not found")
        values = self._settle(None, values)
        return {"id": self._people.create(values, API, partition=self._home(job)), "status": "created"}

    def _update(self, person: int, values: Mapping[str, Value | None], job: _Job) -> Answer:
        home = self._partitions.name(self._people.partition(person))
        if home not in job.allowed:
            raise Skip("1008", f"Access denied to partition '{home}'")
        if job.partition is not None and job.partition != home:
            raise Skip("1010", "Partition update not allowed")
        about_to_change("person", str(person))
        self._people.update(person, self._settle(person, values), API)
        return {"id": person, "status": "updated"}

    def _settle(self, person: int | None, values: Mapping[str, Value | None]) -> dict[str, Value | None]:
        return dict(values) if self._fields.native_sync else self._links.settle(person, values)

    def _home(self, job: _Job) -> int:
        if job.partition is not None:
            return self._partitions.number(job.partition)
        if self._partitions.names[0] in job.allowed:
            return 1
        if len(job.allowed) == 1:
            return self._partitions.number(job.allowed[0])
        raise Skip("1009", "Partition name must be specified")

    def _found(self, record: Mapping[str, object], job: _Job) -> list[int]:
        key = record.get(job.lookup)
        if key is None or (isinstance(key, str) and not key.strip()):
            raise Skip("1003", f"Value for required field '{job.lookup}' not specified")
        if job.lookup == "id" and whole_number(str(key)) is None:
            raise Skip("1003", f"Invalid value for field 'id' and value '{key}'")
        return self._people.find(job.lookup, str(key))

    def _accept(self, record: Mapping[str, object], job: _Job) -> dict[str, Value | None]:
        values: dict[str, Value | None] = {}
        for name, raw in record.items():
            field = self._fields.get(name)
            if field is None:
                raise Skip("1006", f"Field '{name}' not found")
            if name == "id" and job.lookup == "id":
                continue
            if self._fields.native_sync and name in COMPANY:
                raise Skip("1021", "Company update not allowed")
            try:
                if not field.updateable:
                    raise BadValue
                values[name] = field.accept(raw)
            except BadValue:
                raise Skip("1003", f"Invalid value for field '{name}' and value '{raw}'") from None
        return values
