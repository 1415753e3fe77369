"""Custom object types and their draft and approved versions (Adobe, "Custom Objects", "Approval of Type")."""

from __future__ import annotations

from typing import Final

from attrs import define, evolve, field

from ..envelope import Answer
from .calls import ObjectCalls
from .definition import ObjectField, ObjectType, completed
from .standard import GUID, STAMPS

#: Data types of custom object fields (Adobe, "Custom Objects", "List Field Data Types").
DATA_TYPES: Final = (
    "string",
    "boolean",
    "integer",
    "float",
    "link",
    "email",
    "currency",
    "date",
    "datetime",
    "phone",
    "text",
)


def standard_fields() -> list[ObjectField]:
    """Return the fields that every custom object has."""
    made, changed = STAMPS
    return [completed(made), completed(GUID), completed(changed)]


@define
class Version:
    """One version of a custom object type.

    Attributes:
        label: Its displayName.
        plural: Its pluralName, or ``""``.
        description: What it is for.
        in_lead_detail: Whether people's pages show it.
        fields: The fields that were added, by name.
    """

    label: str
    plural: str = ""
    description: str = ""
    in_lead_detail: bool = False
    fields: dict[str, ObjectField] = field(factory=dict)

    def copy(self) -> Version:
        """Return a version that can be changed on its own."""
        return evolve(self, fields=dict(self.fields))

    def dedupe(self) -> tuple[str, ...]:
        """Return the names of the key fields."""
        return tuple(item.name for item in self.fields.values() if item.dedupe)

    def searchable(self) -> tuple[tuple[str, ...], ...]:
        """Return what records can be looked up by: the key, the GUID and each link field."""
        links = tuple((item.name,) for item in self.fields.values() if item.link is not None)
        groups = (self.dedupe(), (GUID.name,), *links)
        return tuple(dict.fromkeys(groups))

    def relationships(self) -> list[Answer]:
        """Return the links as describe calls show them; the standard objects are named with a capital letter."""
        shown: list[Answer] = []
        for item in self.fields.values():
            if item.link is not None:
                target = item.link.object
                name = target.capitalize() if target in ("lead", "company") else target
                related = {"name": name, "field": item.link.field}
                shown.append({"field": item.name, "type": "child", "relatedTo": related})
        return shown


@define
class CustomType:
    """A custom object type.

    Attributes:
        name: Its API name.
        draft: The version being worked on.
        approved: The version in use.
        kind: The approved version as an object.
        calls: The calls on its records.
        made: When it was first approved, as the API writes it.
        changed: When it was last approved.
        later: Fields added since the first approval.
    """

    name: str
    draft: Version | None = None
    approved: Version | None = None
    kind: ObjectType | None = None
    calls: ObjectCalls | None = None
    made: str | None = None
    changed: str | None = None
    later: int = 0

    @property
    def state(self) -> str:
        """``draft``, ``approved`` or ``approvedWithDraft``."""
        if self.approved is None:
            return "draft"
        return "approved" if self.draft is None else "approvedWithDraft"

    def sketch(self) -> Version:
        """Return a copy of the draft, or of the approved version when there is none."""
        version = self.draft or self.approved
        assert version is not None
        return version.copy()

    def show(self, *, draft: bool) -> Answer:
        """Return one version as the schema calls show it.

        Args:
            draft: Show the draft, not the approved version.
        """
        version = self.draft if draft else self.approved
        assert version is not None
        fields = [*standard_fields(), *sorted(version.fields.values(), key=lambda item: item.name.lower())]
        shown: Answer = {"state": self.state, "version": "draft" if draft else "approved", "displayName": version.label}
        if version.plural:
            shown["pluralName"] = version.plural
        known = self.approved is not None
        return {
            **shown,
            "description": version.description,
            "apiName": self.name,
            "idField": GUID.name if known else None,
            "createdAt": self.made,
            "updatedAt": self.changed,
            "dedupeFields": list(version.dedupe()),
            "searchableFields": [list(group) for group in version.searchable()] if version.fields else [[]],
            "relationships": version.relationships(),
            "fields": [{**item.described(), "updateable": not item.system, "crmManaged": False} for item in fields],
        }
