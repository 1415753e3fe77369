"""The calls on one object, behind the gate of a native CRM sync."""

from __future__ import annotations

from typing import Literal

from ..envelope import Answer, Refusal
from ..parameters import Parameters
from .reading import Reading
from .records import Records
from .writing import Writing

#: What a native CRM sync leaves of an object's calls.
Access = Literal["all", "reads", "nothing"]


class ObjectCalls:
    """Answers the calls on one object.

    With Marketo's own Dynamics sync on, companies, opportunities and sales persons are read-only (Adobe, "Companies",
    "Opportunities", "Sales Persons") and opportunity roles are not exposed at all ("Opportunity Roles"); the page
    "Lead Database" says that all four are disabled. A call that is not allowed is refused as a whole with 1018, a
    code that Adobe lists among those of records.

    Args:
        records: The records.
        reading: Answers questions.
        writing: Answers writes.
        made: When the object was made, as the API writes it.
        access: Which calls are allowed.
    """

    def __init__(self, records: Records, reading: Reading, writing: Writing, made: str, access: Access = "all") -> None:
        self.records = records
        self.reading = reading
        self.writing = writing
        self.made = made
        self.changed = made
        self._access = access

    def describe(self, given: Parameters) -> Answer:
        """``.../describe.json``."""
        self._may(reads=True)
        return self.reading.describe(given, self.made, self.changed)

    def query(self, given: Parameters) -> Answer:
        """``GET`` of the object."""
        self._may(reads=True)
        return self.reading.query(given)

    def sync(self, given: Parameters) -> Answer:
        """``POST`` of the object."""
        self._may(reads=False)
        return self.writing.sync(given)

    def delete(self, given: Parameters) -> Answer:
        """``.../delete.json``."""
        self._may(reads=False)
        return self.writing.delete(given)

    def fields(self, given: Parameters) -> Answer:
        """``.../schema/fields.json``."""
        self._may(reads=True)
        return self.reading.fields(given)

    def field(self, given: Parameters, name: str) -> Answer:
        """``.../schema/fields/{fieldApiName}.json``."""
        self._may(reads=True)
        return self.reading.field(given, name)

    def _may(self, *, reads: bool) -> None:
        if self._access == "nothing" or (self._access == "reads" and not reads):
            raise Refusal("1018", "CRM Enabled")
