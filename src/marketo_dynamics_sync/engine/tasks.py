"""Tasks in Dynamics: the native sync's flow action "Create Task in Microsoft", for any number of persons.

Sources: Adobe, "Create Task in Microsoft"; Microsoft Learn, "Task table/entity reference".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from attrs import field, frozen

from ..connectors import Problem, Write, WriteKind
from ..entities import BoundEntity, Ref, Side
from ..entities.codecs import ChoiceCodec, DateTimeCodec, LookupCodec, TextCodec
from ..errors import ConfigurationError, ValueRejectedError
from ..state import Link
from .actions import Errand, act, refuse
from .apply import Applier
from .owners import OWNER, OwnerLike, checked_owner, find_owner
from .services import Services
from .tables import Columns, open_table

#: When a task is due that says nothing of it.
DUE_IN: Final = timedelta(days=5)
#: What a task's row id is made within, from a key and a person.
_NAMESPACE: Final = UUID("6d1e0a52-7f3b-4c58-9a57-2f8a2c0e4b11")
_COLUMNS: Final[Columns] = {
    "subject": ("subject", TextCodec()),
    "description": ("description", TextCodec()),
    "due": ("scheduledend", DateTimeCodec()),
    "status_reason": ("statuscode", ChoiceCodec()),
    "priority": ("prioritycode", ChoiceCodec()),
    "regarding": ("regardingobjectid", LookupCodec()),
    **OWNER,
}


@frozen(kw_only=True)
class Task:
    """What a task says.

    Attributes:
        subject: Subject; 200 characters at most.
        description: Further text.
        due: When it is due: a moment (time-zone aware), or a time from now. Default: in five days.
        status_reason: Label or number of the status reason, one of an open task. Default: Dynamics' own, "Not Started".
        priority: Label or number of the priority. Default: Dynamics' own, "Normal".
        owner: Row id of the user or the team whose task it is, or a reference to it. Default: the sync user.
    """

    subject: str = field(repr=False)
    description: str | None = field(default=None, repr=False)
    due: datetime | timedelta | None = None
    status_reason: str | int | None = None
    priority: str | int | None = None
    owner: OwnerLike | None = None


def checked_key(key: str | None) -> None:
    """Make sure that a key can tell one task from another.

    Raises:
        ConfigurationError: It is empty, or no text.
    """
    if key is not None and (not isinstance(key, str) or not key.strip()):
        raise ConfigurationError("key: give a text that names this task and no other, such as a campaign's run")


def make_tasks(applier: Applier, entity: BoundEntity, ids: Sequence[str], task: Task, key: str | None) -> None:
    """Make a task for each person; persons that aren't in Dynamics are made there first.

    Args:
        applier: Carries it out, and knows both sides and the report.
        entity: What to make new rows as.
        ids: Person ids.
        task: What the tasks say.
        key: Names these tasks: a repeat with the same key makes no second one.

    Raises:
        ConfigurationError: Dynamics doesn't take a value of the task.
    """
    services, report = applier.services, applier.report
    table = open_table(services.dynamics, "task", "tasks", _COLUMNS)
    values = task_values(table, task, services.settings.now())
    if task.owner is not None:
        owner = find_owner(services, checked_owner(task.owner))
        if isinstance(owner, Problem):
            for person in dict.fromkeys(ids):
                refuse(report, "task", person, None, owner)
            return
        values["owner"] = owner

    def row_id(person: str) -> str:
        return services.settings.new_id() if key is None else task_id(key, person)

    act(applier, ids, entity, lambda links: tasks_for(services, table, links, values, row_id))


def task_values(table: BoundEntity, task: Task, now: datetime) -> dict[str, object]:
    """Return the values of a task's row, checked before anything is sent.

    Raises:
        ConfigurationError: Dynamics doesn't take one of them; the text names it, and doesn't quote it.
    """
    if not task.subject.strip():
        raise ConfigurationError("task.subject: a task needs one")
    due = task.due if task.due is not None else DUE_IN
    if isinstance(due, timedelta):
        due = now + due
    if due.tzinfo is None:
        raise ConfigurationError("task.due: give a time-zone aware datetime, or a timedelta from now")
    values: dict[str, object] = {"subject": task.subject, "due": due}
    if task.description is not None:
        values["description"] = task.description
    for name, given in (("status_reason", task.status_reason), ("priority", task.priority)):
        if given is not None:
            values[name] = _choice(table, name, given)
    for name, value in values.items():
        problem = table.fields[name].problem(Side.DYNAMICS, value)
        if problem is not None:
            raise ConfigurationError(f"task.{name}: {problem.reason}")
    closed = {option.value for option in table.dynamics.fields["statuscode"].options if option.state}
    if values.get("status_reason") in closed:
        # Completed and canceled tasks are read-only (Microsoft Learn, task table, StateCode).
        raise ConfigurationError("task.status_reason: it is the reason of a closed task, and a new task is open")
    return values


def _choice(table: BoundEntity, name: str, given: str | int) -> object:
    try:
        return table.fields[name].codec.from_marketo(given)
    except ValueRejectedError as error:
        labels = (option.label for option in table.dynamics.fields[table.fields[name].dynamics].options)
        raise ConfigurationError(f"task.{name}: {error.reason}, which has {', '.join(map(repr, labels))}") from None


def task_id(key: str, person: str) -> str:
    """Return the row id of the task that a key stands for; each person has its own."""
    return str(uuid5(_NAMESPACE, f"{person}:{key}"))


def tasks_for(
    services: Services,
    table: BoundEntity,
    links: Mapping[str, Link],
    values: Mapping[str, object],
    row_id: Callable[[str], str],
) -> list[Errand]:
    """Return what makes a task for each person, regarding its row.

    Args:
        services: Both sides.
        table: The task table.
        links: Links by person id.
        values: Values of the task.
        row_id: Makes a task's row id, from the person id.
    """
    errands = []
    for person, link in links.items():
        regarding = Ref[object](services.entities[link.entity].dynamics.name, link.dynamics_id)
        write = Write(table, WriteKind.CREATE, row_id(person), {**values, "regarding": regarding})
        errands.append(Errand("task", person, write))
    return errands
