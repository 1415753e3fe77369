"""What single actions on persons share: the person is in Dynamics first, then its rows are written beside the merge.

Nothing of such a write is kept: it has no base. What it changed of a synced row comes to Marketo with the next cycle,
as any other edit made in Dynamics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from attrs import frozen

from ..connectors import Outcome, Problem, Status, Write
from ..entities import BoundEntity, Side
from ..state import Link
from .apply import Applier, Stopped
from .events import Event
from .push import plan_push
from .report import SyncReport, WaitingLine
from .screen import screened
from .streams import begin_streams

#: Persons handled at once.
AT_ONCE: Final = 1000


@frozen
class Errand:
    """One row to write for a person.

    Attributes:
        name: What the report calls it: the person's entity, or ``"task"``.
        person: Person id.
        write: The write.
    """

    name: str
    person: str
    write: Write


def act(
    applier: Applier,
    ids: Sequence[str],
    entity: BoundEntity,
    errands: Callable[[Mapping[str, Link]], Sequence[Errand]],
) -> None:
    """Make persons in Dynamics that aren't there, as a push does, then write rows for all of them.

    Args:
        applier: Carries the push out, and knows both sides and the report.
        ids: Person ids.
        entity: What to make new rows as.
        errands: Decides what to write, from the links of persons that are in Dynamics.

    Raises:
        Stopped: A service takes no more calls for now.
    """
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), AT_ONCE):
        links = in_dynamics(applier, wanted[start : start + AT_ONCE], entity)
        _run(applier, errands(links))


def refuse(report: SyncReport, name: str, person: str, row: str | None, problem: Problem) -> None:
    """Note that nothing was done for a person, and why."""
    report.count(name, "to Dynamics", "refused")
    report.add(report.rejected, WaitingLine(name, person, row, problem.field or "", problem.code, problem.message))


def in_dynamics(applier: Applier, ids: Sequence[str], entity: BoundEntity) -> dict[str, Link]:
    """Push persons that aren't in Dynamics, and return the links of those that are by now; the report says why one
    isn't."""
    services, report = applier.services, applier.report
    found = services.links_of_persons(ids)
    strangers = [person for person in ids if person not in found]
    if strangers:
        begin_streams(services)
        applier.take(screened(services, plan_push(services, strangers, entity, report, {})))
        found |= services.links_of_persons(strangers)
    links = {}
    for person in ids:
        link = found.get(person)
        if link is not None and link.entity in services.entities:
            links[person] = link
        elif link is not None:
            message = f"the person is a {link.entity} in Dynamics, which this engine doesn't sync"
            refuse(report, entity.name, person, link.dynamics_id, Problem("not-synced", message))
    return links


def _run(applier: Applier, errands: Sequence[Errand]) -> None:
    dynamics = applier.services.dynamics
    size = dynamics.capabilities.write_size
    for start in range(0, len(errands), size):
        applier.keep_going()
        batch = errands[start : start + size]
        outcomes = dynamics.write([errand.write for errand in batch])
        for errand, outcome in zip(batch, outcomes, strict=True):
            _note(applier, errand, outcome)
        done = sum(outcome.status.done for outcome in outcomes)
        applier.on_event(Event("written", batch[0].name, Side.DYNAMICS, done))
        unsent = next((o for o in outcomes if o.status is Status.UNSENT), None)
        if unsent is not None:
            raise Stopped(unsent.problem.message if unsent.problem else "Dynamics takes no more calls for now")


def _note(applier: Applier, errand: Errand, outcome: Outcome) -> None:
    if outcome.status.done or outcome.status is Status.UNSENT:
        applier.report.count(errand.name, "to Dynamics", outcome.status.value)
    elif outcome.status is Status.EXISTS:
        applier.report.count(errand.name, "to Dynamics", "there already")
    else:
        problem = outcome.problem or Problem(outcome.status.value, "Dynamics gave no reason")
        refuse(applier.report, errand.name, errand.person, errand.write.id, problem)
        applier.on_event(Event("rejected", errand.name, Side.DYNAMICS, 1, problem.code))
