"""Plans two linked records for some of their fields, whatever they agreed on before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import define, evolve, frozen

from ..conflict import Conflict, MergeResult, PerField, Policy, Resolution
from ..entities import UNREADABLE, Invalid, Record, Side, Values
from ..plan import Known, Step, confirmed_base, plan_pair
from ..state import Link
from .objects import resolved_row
from .services import Services

#: Stands for a base that equals no value, so that both sides count as changed.
_OTHER: Final = object()


@frozen
class _Repair:
    """One side's value goes to both, and the other's to the journal."""

    winner: Side

    def resolve(self, conflict: Conflict) -> Resolution:
        return Resolution.side(conflict, self.winner, f"back-fill: {self.winner.value.title()} wins")


@define
class Refill:
    """Plans a pair for some fields.

    Attributes:
        services: Both sides and the store.
        known: What is remembered of the two.
        person: The person as it was read.
        names: The fields.
        whole: Merge the other fields too, as a cycle does.
        nulls: Carry empty values too.
        winner: The side whose value is taken where the two differ; ``None`` merges as a cycle does.
    """

    services: Services
    known: Known
    person: Record
    names: frozenset[str]
    whole: bool = False
    nulls: bool = True
    winner: Side | None = None

    def __call__(self, row: Record) -> Step:
        """Return the step for a fresh row, as a service gave it."""
        return self.step(resolved_row(self.services, self.known.entity, row))

    def anew(self, person: Record, known: Known | None) -> Refill:
        """Return what plans for a fresh person."""
        return evolve(self, person=person, known=known or self.known)

    def step(self, row: Record) -> Step:
        """Return the step for a row whose links are resolved."""
        step = self._step(row, frozenset(self.known.entity.fields) if self.whole else self.names)
        if self.nulls or self.whole:
            return step
        emptied = {n for n, v in (*step.to_marketo.items(), *step.to_dynamics.items()) if v is None or v == ""}
        return self._step(row, self.names - emptied) if emptied else step

    def _step(self, row: Record, names: frozenset[str]) -> Step:
        base = confirmed_base(self.known, self.person)
        known = evolve(self.known, base_marketo=base, unconfirmed=frozenset(), source=self._source(base))
        policy: Policy = self.services.policy(known.entity)
        asked = known
        if self.winner is not None:
            policy = PerField(dict.fromkeys(self.names, _Repair(self.winner)), default=policy)
            asked = self._drifted(known, row)
        some = evolve(self.person, values=_only(self.person.values, names))
        step = plan_pair(asked, marketo=some, dynamics=evolve(row, values=_only(row.values, names)), policy=policy)
        assert step.merge is not None, "a pair is merged"
        # Other fields of the row may have changed: the next cycle has to see that it hasn't met this version.
        version = row.version if self.whole or step.writes_dynamics else known.version
        return evolve(step, known=known, merge=_cleaned(step.merge, known), version=version)

    def _source(self, base: Values) -> object:
        """Return what the link would be, had Marketo's form of our last write been known."""
        link, entity = self.known.source, self.known.entity
        news = {name for name, value in base.items() if value != self.known.base_marketo.get(name)}
        if not news or not isinstance(link, Link):
            return link
        apart = {name: self.known.base_dynamics[name] for name in news if name in self.known.base_dynamics}
        return evolve(
            link,
            base={**link.base, **entity.dump({name: base[name] for name in news})},
            dynamics_base={**link.dynamics_base, **entity.dump(apart)},
        )

    def _drifted(self, known: Known, row: Record) -> Known:
        """Return what is remembered, as if the fields that are not as both left them had changed on both sides."""
        marketo, dynamics = dict(known.base_marketo), dict(known.base_dynamics)
        for name in self.names:
            now = [side.values.get(name, UNREADABLE) for side in (self.person, row)]
            if any(value is UNREADABLE or isinstance(value, Invalid) for value in now):
                continue
            if name not in marketo or now != [marketo[name], dynamics.get(name, marketo[name])]:
                marketo[name] = dynamics[name] = _OTHER
        return evolve(known, base_marketo=marketo, base_dynamics=dynamics)


def _only(values: Mapping[str, object], names: frozenset[str]) -> dict[str, object]:
    return {name: value for name, value in values.items() if name in names}


def _cleaned(merge: MergeResult, known: Known) -> MergeResult:
    """Return a merge that says what really was agreed before."""
    return evolve(
        merge,
        base_marketo=_real(merge.base_marketo, known.base_marketo),
        base_dynamics=_real(merge.base_dynamics, known.base_dynamics),
        decisions=tuple(
            evolve(d, base=known.base_marketo.get(d.field)) if d.base is _OTHER else d for d in merge.decisions
        ),
    )


def _real(base: Mapping[str, object], before: Mapping[str, object]) -> dict[str, object]:
    kept = {name: before.get(name) if value is _OTHER else value for name, value in base.items()}
    return {name: value for name, value in kept.items() if base[name] is not _OTHER or name in before}
