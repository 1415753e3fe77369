"""The task table: the one activity that the sandbox has.

Columns, choices and relationships are those of Microsoft Learn, "Task table/entity reference (Microsoft Dataverse)",
and of the page of the same name for Microsoft Dynamics 365, which lets a task regard a lead too. Columns that nobody
would look at (deprecated process columns, service levels, e-mail tracking) are left out.
"""

from __future__ import annotations

from typing import Final

from .metadata import Column, Table

_PRIORITIES: Final = ((0, "Low"), (1, "Normal"), (2, "High"))
_STATES: Final = ((0, "Open"), (1, "Completed"), (2, "Canceled"))
#: Number, label and state of each status reason; a new task starts with the first.
_REASONS: Final = (
    (2, "Not Started", 0),
    (3, "In Progress", 0),
    (4, "Waiting on someone else", 0),
    (7, "Deferred", 0),
    (5, "Completed", 1),
    (6, "Canceled", 2),
)
#: What a task may regard, of the tables that the sandbox has.
_REGARDING: Final = ("account", "contact", "lead", "opportunity")


def task_table() -> Table:
    """Return the task table as every Dynamics 365 Sales environment has it."""
    columns = (
        Column("activityid", "Uniqueidentifier", "SystemRequired"),
        Column("subject", required="ApplicationRequired", max_length=200),
        Column("description", "Memo", max_length=2000),
        Column("category", max_length=250),
        Column("subcategory", max_length=250),
        *(Column(name, "DateTime") for name in ("scheduledstart", "scheduledend", "actualstart", "actualend")),
        Column("actualdurationminutes", "Integer", minimum=0, maximum=2147483647),
        Column("percentcomplete", "Integer", minimum=0, maximum=100),
        Column("prioritycode", "Picklist", options=[{"value": n, "label": text} for n, text in _PRIORITIES]),
        Column("statecode", "State", "SystemRequired", options=[{"value": n, "label": text} for n, text in _STATES]),
        Column(
            "statuscode",
            "Status",
            options=[{"value": n, "label": text, "state": state} for n, text, state in _REASONS],
        ),
        Column("isbilled", "Boolean"),
        Column("isworkflowcreated", "Boolean"),
        Column("regardingobjectid", "Lookup", targets=_REGARDING),
        Column("ownerid", "Owner", "SystemRequired", targets=("systemuser", "team")),
        Column("owninguser", "Lookup", targets=("systemuser",), read_only=True),
        Column("owningteam", "Lookup", targets=("team",), read_only=True),
        *(Column(name, "DateTime", read_only=True) for name in ("createdon", "modifiedon")),
        *(
            Column(name, "Lookup", targets=("systemuser",), read_only=True)
            for name in ("createdby", "createdonbehalfby", "modifiedby", "modifiedonbehalfby")
        ),
        Column("versionnumber", "BigInt", read_only=True),
    )
    return Table("task", "tasks", "activityid", {column.name: column for column in columns}, tracked=False)
