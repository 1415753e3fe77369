"""What was written to Marketo and what the stream says it met: by that an overwritten edit is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import evolve

from ..connectors import FieldChange, Status
from ..entities import BoundEntity, BoundField, Invalid, Values
from ..plan import Known, Lost, StepKind
from ..state import Commit, Link
from .links import Sent, stored_sent
from .people import ChangedPersons
from .services import Services
from .work import Work

#: Values of one field that are remembered: in so many writes of one field the stream has to show the first.
MOST: Final = 8


def tracked(bound: BoundField) -> bool:
    """Return whether an edit of the field in Marketo counts: one that only flows there is repaired anyway."""
    return bound.to_marketo and bound.to_dynamics and not bound.key


def note_calls(services: Services, people: ChangedPersons, changes: Sequence[FieldChange]) -> None:
    """Keep of a page of the stream what may tell of our own writes: nobody else's calls fill the memory."""
    links = services.links_of_persons(list(dict.fromkeys(change.id for change in changes)))
    for change in changes:
        link = links.get(change.id)
        entity = services.entities.get(link.entity) if link is not None else None
        if link is not None and entity is not None and any(_is(entity, name, change.field) for name in link.sent):
            people.calls.setdefault(change.id, []).append(change)


def met(known: Known, changes: Iterable[FieldChange]) -> Known:
    """Return what is known of a pair after the stream showed what our writes met.

    A write that met a value that we had neither read nor written overwrote somebody's edit.
    """
    shown: dict[str, int] = {}
    lost: list[Lost] = []
    for change in changes:
        for name, values in known.sent.items():
            if not _is(known.entity, name, change.field):
                continue
            bound = known.entity.fields[name]
            new, old = (_decoded(known.entity, bound, raw) for raw in (change.new, change.old))
            place = next((i for i in range(1, len(values)) if _alike(bound, values[i], new)), None)
            if place is None or isinstance(new, Invalid):
                continue  # another program's call
            # A call whose answer was lost is repeated: the same write may meet an edit the second time.
            shown[name] = max(place, shown.get(name, 0))
            if not any(_alike(bound, value, old) for value in values):
                lost.append(Lost(name, values[place - 1], old, values[-1], change.old))
    if not shown:
        return known
    left = {
        name: _left(known.entity.fields.get(name), values, shown.get(name, 0)) for name, values in known.sent.items()
    }
    return evolve(known, sent={name: values for name, values in left.items() if len(values) > 1}, lost=tuple(lost))


def _left(bound: BoundField | None, values: tuple[object, ...], shown: int) -> tuple[object, ...]:
    """Return the values of which the stream is still to tell.

    Where one was written twice it can't be told which of the two was shown: a stream that is read again, after a cycle
    that was cut short, shows the first once more, which met what was known before it.
    """
    twice = bound is not None and any(_alike(bound, values[shown], later) for later in values[shown + 1 :])
    return values if twice else values[shown:]


def sent_after(work: Work) -> Sent:
    """Return what is to be remembered of a work's writes to Marketo, done or possibly done, and of its reads."""
    step, outcome = work.step, work.on_marketo
    if outcome is None and (step.known is None or not step.known.sent):
        return {}  # most works of a cycle
    sent = dict(step.known.sent) if step.known is not None else {}
    read: Values = work.marketo.values if work.marketo is not None else {}
    for name, values in sent.items():
        sent[name] = _with(step.entity.fields.get(name), values, read.get(name, values[-1]))
    written = outcome is not None and outcome.status in (Status.UPDATED, Status.UNKNOWN)
    key = step.entity.key
    if written and step.kind is StepKind.CREATE_PERSON and key is not None and step.lookup == key.name:
        # The person carried this row's id: an earlier run of ours wrote to it, and was stopped before it noted what.
        return sent
    if not written or outcome is None or not step.entity.definition.marketo.is_person:
        return sent
    for name, value in step.to_marketo.items():
        bound = step.entity.fields.get(name)
        if bound is None or not tracked(bound) or name in outcome.left_out:
            continue
        sent[name] = (*sent.get(name, (_before(work, name),)), value)[-MOST:]
    return sent


def sent_ahead(services: Services, works: Sequence[Work]) -> Commit:
    """Return what to remember before works are written to Marketo: a kill right after the write must not hide what it
    met."""
    by_entity: dict[str, dict[str, Work]] = {}
    for work in works:
        step = work.step
        linked = step.known is not None and step.kind is StepKind.SYNC and step.deletes is None
        if step.overwritten:
            continue  # what is noted of the write before leads to the edit again, should this one not come to its end
        if linked and any(tracked(bound) for name in step.to_marketo if (bound := step.entity.fields.get(name))):
            by_entity.setdefault(step.entity.name, {})[str(step.dynamics_id)] = work
    found: list[Link] = []
    for name, mine in by_entity.items():
        entity = services.entities[name]
        if not entity.definition.marketo.is_person:
            continue
        for row, link in services.store.links_by_dynamics(name, list(mine)).items():
            work = mine[row]
            if link.marketo_id == work.step.marketo_id:
                sent = stored_sent(entity, _about_to_be(work))
                found.append(evolve(link, sent=sent))
    return Commit(put_links=found)


def _about_to_be(work: Work) -> Sent:
    step = work.step
    sent = dict(step.known.sent) if step.known is not None else {}
    for name, value in step.to_marketo.items():
        bound = step.entity.fields.get(name)
        if bound is not None and tracked(bound):
            sent[name] = (*sent.get(name, (_before(work, name),)), value)[-MOST:]
    return sent


def _before(work: Work, name: str) -> object:
    """Return what Marketo held, as far as was known when the write was planned."""
    if work.step.kind is StepKind.CREATE_PERSON:
        return None
    if work.marketo is not None and name in work.marketo.values:
        return work.marketo.values[name]
    return work.step.known.base_marketo.get(name) if work.step.known is not None else None


def _with(bound: BoundField | None, values: tuple[object, ...], read: object) -> tuple[object, ...]:
    """Return values with one that was read since; one that is known already adds nothing."""
    if bound is None or isinstance(read, Invalid) or any(_alike(bound, value, read) for value in values):
        return values
    return (*values, read)[-MOST:]


def _is(entity: BoundEntity, name: str, native: str) -> bool:
    bound = entity.fields.get(name)
    return bound is not None and bound.marketo == native


def _decoded(entity: BoundEntity, bound: BoundField, raw: object) -> object:
    return entity.decode_marketo({bound.marketo: raw})[bound.name]


def _alike(bound: BoundField, ours: object, shown: object) -> bool:
    empty = (None, False, "")
    if ours == shown or (ours in empty and shown in empty):
        return True
    return not isinstance(shown, Invalid) and bound.stored_form(ours, shown)
