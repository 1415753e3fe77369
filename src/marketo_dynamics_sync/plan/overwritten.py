"""An edit in Marketo that one of our writes overwrote: it takes part in the merge as if the write had not been made.

Marketo can't refuse a write because somebody else wrote first, so an edit made between our read and our write is
overwritten. The stream of changes shows it later: our write met a value that nobody had told us of.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from attrs import evolve, frozen

from ..conflict import Decision, DecisionKind, MergeResult
from ..entities import Invalid, Record, Side
from .known import Known, Lost

#: Rule where the field was edited in Marketo once more since: the newest edit counts.
EDITED_AGAIN = "edited again in Marketo"
#: Rule where what was overwritten is not of the field's type, so that it can't be written back.
UNREADABLE_THERE = "invalid in Marketo"


@frozen
class Overwritten:
    """What became of an edit that was overwritten.

    Attributes:
        field: Name of the field.
        base: The value that was known before.
        marketo: The value that was overwritten.
        dynamics: The value that it was overwritten with, or the row's newer one.
        winner: The side whose value both sides hold from now on; ``None`` where a policy has a value of its own, or
            holds the field.
        rule: Name of the rule that decided.
    """

    field: str
    base: object = attrs.field(repr=False)
    marketo: object = attrs.field(repr=False)
    dynamics: object = attrs.field(repr=False)
    winner: Side | None
    rule: str


def open_losses(known: Known, person: Record | None) -> dict[str, Lost]:
    """Return the overwritten values that can be put back: Marketo still holds what we wrote, and nothing newer."""
    if person is None:
        return {}
    last = {lost.field: lost for lost in known.lost}
    return {
        name: lost
        for name, lost in last.items()
        if not isinstance(lost.value, Invalid) and name in person.values and _ours(known, lost, person.values[name])
    }


def as_before(
    known: Known, losses: Mapping[str, Lost], person: Record, row: Record | None
) -> tuple[Known, Record, Record]:
    """Return what was known and read, as if the writes that overwrote something had not been made."""
    base = {name: lost.base for name, lost in losses.items()}
    values = dict(row.values) if row is not None else {}
    for name in losses:
        values.setdefault(name, known.base_dynamics.get(name))
    before = evolve(known, base_marketo={**known.base_marketo, **base}, base_dynamics={**known.base_dynamics, **base})
    edited = evolve(person, values={**person.values, **{name: lost.value for name, lost in losses.items()}})
    return before, edited, evolve(row, values=values) if row is not None else Record(known.dynamics_id, values)


def put_back(merge: MergeResult, losses: Mapping[str, Lost], person: Record) -> MergeResult:
    """Return the merge with what Marketo has to be given, which holds our value and not the edit.

    A field that is held is given the edit back too: then each side has its own again, until a human decides.
    """
    held = {decision.field for decision in merge.decisions if decision.kind is DecisionKind.HELD}
    to_marketo = dict(merge.to_marketo)
    for name, lost in losses.items():
        wanted = lost.value if name in held else merge.base_marketo.get(name)
        if wanted == person.values[name]:
            to_marketo.pop(name, None)
        else:
            to_marketo[name] = wanted
    return evolve(merge, to_marketo=to_marketo)


def told(known: Known, losses: Mapping[str, Lost], decisions: tuple[Decision, ...]) -> tuple[Overwritten, ...]:
    """Return what is to be told of everything that was overwritten."""
    by_field = {decision.field: decision for decision in decisions}
    found = []
    for lost in known.lost:
        decision = by_field.get(lost.field)
        if losses.get(lost.field) is not lost:
            invalid = isinstance(lost.value, Invalid)
            rule, winner = (UNREADABLE_THERE, Side.DYNAMICS) if invalid else (EDITED_AGAIN, Side.MARKETO)
            found.append(Overwritten(lost.field, lost.base, lost.shown, lost.written, winner, rule))
        elif decision is not None and decision.kind is not DecisionKind.AGREED:
            found.append(
                Overwritten(lost.field, lost.base, lost.value, decision.dynamics, decision.winner, decision.rule)
            )
    return tuple(found)


def _ours(known: Known, lost: Lost, read: object) -> bool:
    return read == lost.written or known.entity.fields[lost.field].stored_form(lost.written, read)
