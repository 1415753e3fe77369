"""Creating, updating and deleting objects (Adobe, "Lead Database", "Create and Update" and "Delete")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from ..envelope import Answer, Refusal, Skip, skipped
from ..parameters import Parameters
from ..values import BadValue, Value
from .records import RecordId, Records

_ACTIONS = ("createOrUpdate", "createOnly", "updateOnly")
_MODES = ("dedupeFields", "idField")


class Rules:
    """What an object demands beside the types of its fields; this one demands nothing."""

    def before(self, records: Sequence[Mapping[str, object]]) -> None:
        """Look at a whole call before anything is written.

        Raises:
            Refusal: The call is refused.
        """

    def check(self, record: RecordId | None, values: Mapping[str, Value | None]) -> None:
        """Look at the new values of a record, which is ``None`` while it is not made.

        Raises:
            Skip: They are not taken.
        """

    def check_delete(self, record: RecordId) -> None:
        """Look at a record that is to be deleted.

        Raises:
            Skip: It stays.
        """

    def written(self, record: RecordId, changed: Mapping[str, Value | None], source: str) -> None:
        """Follow up a write that changed something."""

    def deleted(self, row: Mapping[str, Value]) -> None:
        """Follow up a delete."""


@frozen
class _Job:
    action: str
    names: tuple[str, ...]


class Writing:
    """Writes the records of one object, by call and by hand.

    Adobe's pages disagree on ``dedupeBy: idField``: the objects' own pages allow it with updateOnly alone, which is
    what counts here ("Lead Database" would have it with any action but createOnly). Open in public material and
    chosen: a bad ``action``, ``dedupeBy`` or ``deleteBy``, or a mode that does not fit, refuses the call with 1003; a
    missing key or required field, a field that only the service writes, and a new value for one that cannot be
    changed skip the record with 1003; of two records with one key the second is skipped with 1036.

    Args:
        records: The records.
        rules: What they have to keep.
        source: What activities name as the source of a change by call.
    """

    def __init__(self, records: Records, rules: Rules, source: str) -> None:
        self._records = records
        self._rules = rules
        self._source = source

    def sync(self, given: Parameters) -> Answer:
        """Answer a sync call: one result for each record in the order of the input."""
        body = given.json_object()
        job = self._job(body)
        records = given.records(body)
        self._rules.before(records)
        seen: set[tuple[str, ...]] = set()
        return {"result": [{"seq": seq, **self._sync(record, job, seen)} for seq, record in enumerate(records)]}

    def delete(self, given: Parameters) -> Answer:
        """Answer a delete call."""
        body = given.json_object()
        names = self._mode(body.get("deleteBy"), "deleteBy")
        records = given.records(body)
        return {"result": [{"seq": seq, **self._delete(record, names)} for seq, record in enumerate(records)]}

    def make(self, values: Mapping[str, object], source: str) -> RecordId:
        """Make a record by hand.

        Raises:
            ValueError: A value is not taken, or a record with the same key exists.
        """
        kind = self._records.kind
        try:
            key = self._key(values, kind.dedupe)
            self._rules.before([values])
            if self._records.find(kind.dedupe, key):
                raise ValueError(f"a {kind.label} with this key exists already")
            return self._create(self._accept(values, None, kind.dedupe), source)
        except (Skip, Refusal) as skip:
            raise ValueError(f"{kind.label}: {_without_value(skip)}") from None

    def change(self, record: RecordId, values: Mapping[str, object], source: str) -> None:
        """Change a record by hand.

        Raises:
            ValueError: There is no such record, or a value is not taken.
        """
        self._need(record)
        try:
            self._rules.before([values])
            self._update(record, self._accept(values, record, ()), source)
        except (Skip, Refusal) as skip:
            raise ValueError(f"{self._records.kind.label}: {_without_value(skip)}") from None

    def upsert(self, values: Mapping[str, object], source: str) -> None:
        """Make a record, or change the one with the same key.

        Raises:
            Skip: A value is not taken.
        """
        names = self._records.kind.dedupe
        found = self._records.find(names, self._key(values, names))
        if found:
            self._update(found[0], self._accept(values, found[0], names), source)
        else:
            self._create(self._accept(values, None, names), source)

    def remove(self, record: RecordId) -> None:
        """Delete a record by hand.

        Raises:
            ValueError: There is no such record, or it is in use.
        """
        self._need(record)
        try:
            self._rules.check_delete(record)
        except Skip as skip:
            raise ValueError(f"{self._records.kind.label}: {skip.message}") from None
        self._rules.deleted(self._records.delete(record))

    def _job(self, body: Mapping[str, object]) -> _Job:
        action = body.get("action") or "createOrUpdate"
        if action not in _ACTIONS:
            raise Refusal("1003", f"Invalid value '{action}' for parameter 'action'")
        names = self._mode(body.get("dedupeBy"), "dedupeBy")
        if names == (self._records.kind.id_field,) and action != "updateOnly":
            raise Refusal("1003", f"'dedupeBy' of 'idField' is not allowed with action '{action}'")
        return _Job(str(action), names)

    def _mode(self, raw: object, parameter: str) -> tuple[str, ...]:
        mode = raw or "dedupeFields"
        if mode not in _MODES:
            raise Refusal("1003", f"Invalid value '{mode}' for parameter '{parameter}'")
        kind = self._records.kind
        return kind.dedupe if mode == "dedupeFields" else (kind.id_field,)

    def _sync(self, raw: Mapping[str, object], job: _Job, seen: set[tuple[str, ...]]) -> Answer:
        try:
            key = self._key(raw, job.names)
            if key in seen:
                raise Skip("1036", "Duplicate object found in input")
            seen.add(key)
            found = self._records.find(job.names, key)
            if found:
                if job.action == "createOnly":
                    raise Skip("1017", "Object already exists")
                self._update(found[0], self._accept(raw, found[0], job.names), self._source)
                return self._outcome("updated", found[0])
            if job.action == "updateOnly":
                raise Skip("1013", self._records.kind.not_found)
            return self._outcome("created", self._create(self._accept(raw, None, job.names), self._source))
        except Skip as skip:
            return skipped(skip.code, skip.message)

    def _delete(self, raw: Mapping[str, object], names: tuple[str, ...]) -> Answer:
        try:
            found = self._records.find(names, self._key(raw, names))
            if not found:
                raise Skip("1013", self._records.kind.not_found)
            self._rules.check_delete(found[0])
        except Skip as skip:
            return skipped(skip.code, skip.message)
        self._rules.deleted(self._records.delete(found[0]))
        return {self._records.kind.id_field: found[0], "status": "deleted"}

    def _outcome(self, status: str, record: RecordId) -> Answer:
        return {"status": status, self._records.kind.id_field: record}

    def _key(self, raw: Mapping[str, object], names: Sequence[str]) -> tuple[str, ...]:
        for name in names:
            value = raw.get(name)
            if value is None or (isinstance(value, str) and not value.strip()):
                raise Skip("1003", f"Value for required field '{name}' not specified")
        return tuple(str(raw[name]).strip().casefold() for name in names)

    def _accept(
        self, raw: Mapping[str, object], record: RecordId | None, names: Sequence[str]
    ) -> dict[str, Value | None]:
        kind, values = self._records.kind, dict[str, Value | None]()
        for name, value in raw.items():
            field = kind.fields.get(name)
            if field is None:
                raise Skip("1006", f"Field '{name}' not found")
            if record is not None and name in names:
                continue
            try:
                if field.system:
                    raise BadValue
                kept = field.accept(value)
            except BadValue:
                raise Skip("1003", f"Invalid value for field '{name}' and value '{value}'") from None
            if record is not None and not field.updateable and self._records[record].get(name) != kept:
                raise Skip("1003", f"Field '{name}' cannot be updated")
            values[name] = kept
        for name in kind.required:
            if values.get(name) is None and (record is None or name in values):
                raise Skip("1003", f"Value for required field '{name}' not specified")
        return values

    def _create(self, values: Mapping[str, Value | None], source: str) -> RecordId:
        self._rules.check(None, values)
        record = self._records.create({name: value for name, value in values.items() if value is not None})
        self._rules.written(record, self._records[record], source)
        return record

    def _update(self, record: RecordId, values: Mapping[str, Value | None], source: str) -> None:
        self._rules.check(record, values)
        changed = self._records.update(record, values)
        if changed:
            self._rules.written(record, changed, source)

    def _need(self, record: RecordId) -> None:
        if record not in self._records:
            raise ValueError(f"no {self._records.kind.label} '{record}'")


def _without_value(skip: Skip | Refusal) -> str:
    return skip.message.split(" and value ")[0]
