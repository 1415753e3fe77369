"""Descriptions of tables and Marketo objects with everything in them that can go wrong."""

from __future__ import annotations

from marketo_dynamics_sync.entities import FieldInfo, ObjectInfo, Option


def columns(*infos: FieldInfo) -> dict[str, FieldInfo]:
    return {info.name: info for info in infos}


STAGES = (
    Option(1, "1st call"),
    Option(2, "class"),
    Option(3, ""),
    Option(4, "🔥"),
    Option(5, "Won / closed"),
    Option(6, "won - closed"),
    Option(7, "Почти готово"),
    Option(8, "予約済み"),
    Option(9, 'say "hi"'),
    Option(10, "it's"),
    Option(-11, "both \"' and \\"),
    Option(12, "4"),
    Option(13, "Twice"),
    Option(14, "twice"),
    Option(15, "two\nlines"),
    Option(16, "a rather long label, as people write them where nobody stops them: " * 3),
)

EVENTS = ObjectInfo(
    "new_event",
    columns(
        FieldInfo("new_eventid", "Uniqueidentifier", updatable=False),
        FieldInfo("new_name", "String", max_length=100),
        FieldInfo("new_class", "String"),
        FieldInfo("new_1st", "Memo"),
        FieldInfo("new_date", "DateTime", behavior="DateOnly"),
        FieldInfo("new_startson", "DateTime", behavior="UserLocal"),
        FieldInfo("new_seats", "Integer"),
        FieldInfo("new_rate", "Decimal"),
        FieldInfo("new_share", "Double"),
        FieldInfo("new_price", "Money"),
        FieldInfo("new_open", "Boolean"),
        FieldInfo("new_self", "String"),
        FieldInfo("new_mapped", "String"),
        FieldInfo("new_total", "Money", creatable=False, updatable=False),
        FieldInfo("new_stage", "Picklist", options=STAGES),
        FieldInfo("new_tier", "Picklist", options=(Option(1, "Gold"), Option(2, "Not so gold"))),
        FieldInfo("new_empty", "Picklist"),
        FieldInfo("new_topics", "MultiSelectPicklist", options=STAGES),
        FieldInfo("new_tags", "MultiSelectPicklist"),
        FieldInfo("new_contactid", "Lookup", targets=("contact",)),
        FieldInfo("new_partyid", "Customer", targets=("account", "contact")),
        FieldInfo("new_parentid", "Lookup", targets=("new_event",)),
        FieldInfo("statecode", "State", options=(Option(0, "Active"), Option(1, "Inactive"))),
        FieldInfo("new_secret", "String", readable=False),
        FieldInfo("new_photo", "Image"),
        FieldInfo("versionnumber", "BigInt", creatable=False, updatable=False),
        FieldInfo("new_" + "very_long_name_of_a_column" * 4, "String"),
    ),
    entity_set="new_events",
    primary_id="new_eventid",
)

TYPES = {
    "BigInt": "integer",
    "Boolean": "boolean",
    "Decimal": "float",
    "Double": "float",
    "Integer": "integer",
    "Money": "currency",
}


def marketo_type(info: FieldInfo) -> str:
    if info.type == "DateTime":
        return "date" if info.behavior == "DateOnly" else "datetime"
    return TYPES.get(info.type, "string")


def twin(name: str, table: ObjectInfo, **changes: FieldInfo) -> ObjectInfo:
    """Return a Marketo object with a field for every column, in Marketo's spelling."""
    found = {"marketoGUID": FieldInfo("marketoGUID", "string", updatable=False, searchable=True)}
    for info in table.fields.values():
        native = info.name.removeprefix("new_").replace("_", "").title() + "_c"
        found[native] = FieldInfo(native, marketo_type(info))
    return ObjectInfo(name, found | changes, primary_id="marketoGUID")
