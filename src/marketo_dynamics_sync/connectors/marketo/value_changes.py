"""From activities to the changes of values that a call may have made: by them a write shows what it met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import frozen

from ..protocol import FieldChange
from .activities import VALUE_CHANGE, Activity

#: What a value change by a call names as its source ("Web service API").
_CALL: Final = "api"
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@frozen
class FieldNames:
    """The mapped fields, by the names that activities may tell them by.

    Attributes:
        names: REST API name by REST API name, and by name in the user interface where that is of one field only.
        booleans: REST API names of those that hold true or false.
    """

    names: Mapping[str, str]
    booleans: frozenset[str]


def field_names(mapped: Iterable[str], labels: Mapping[str, str], types: Mapping[str, str]) -> FieldNames:
    """Return the names of mapped fields.

    Args:
        mapped: REST API names.
        labels: Name in the user interface by REST API name, of all fields.
        types: Type by REST API name.
    """
    wanted = list(mapped)
    uses = Counter(labels.values())
    found = {labels[name]: name for name in wanted if name in labels and uses[labels[name]] == 1}
    # A name in the user interface that is another field's REST API name says nothing for certain.
    found = {label: name for label, name in found.items() if label not in labels}
    found.update((name, name) for name in wanted)
    return FieldNames(found, frozenset(name for name in wanted if types.get(name) == "boolean"))


def field_changes(activities: Iterable[Activity], fields: FieldNames) -> Iterator[FieldChange]:
    """Yield the changes of mapped fields that a call may have made, in the order of the stream.

    What the activity log shows of a value is text in display form, for numbers and booleans too, and an empty value is
    left out (Adobe, "Activities").
    """
    for activity in activities:
        if activity.type != VALUE_CHANGE or not _by_call(activity):
            continue
        single = (activity.subject, activity.attributes.get("Old Value"), activity.attributes.get("New Value"))
        for subject, old, new in activity.fields or (single,):
            name = fields.names.get(subject)
            if name is not None:
                boolean = name in fields.booleans
                yield FieldChange(activity.person, name, _value(old, boolean=boolean), _value(new, boolean=boolean))


def _by_call(activity: Activity) -> bool:
    """Return whether a call may have made the change; one that doesn't say where it came from may be."""
    source = activity.attributes.get("Source") or activity.attributes.get("Reason")
    return source is None or _CALL in str(source).lower()


def _value(shown: object, *, boolean: bool) -> object:
    if shown is None or shown == "":
        return None
    return _BOOLEANS.get(str(shown).lower(), shown) if boolean else shown
