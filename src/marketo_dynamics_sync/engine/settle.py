"""From a step and what became of its writes to what the store has to remember. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import chain
from typing import Final, cast

from attrs import frozen

from ..conflict import Decision, DecisionKind
from ..connectors import Outcome, Status
from ..entities import Side
from ..plan import Known, Overwritten, Step, StepKind
from ..state import Commit, JournalEntry, Link, Parked, Rejected
from .links import link_of
from .sent import sent_after
from .tombstones import tombstone
from .waiting import MISSING_PARENT, met_again
from .work import Work

#: First wait of a rejected record; each further try doubles it.
FIRST_RETRY: Final = timedelta(minutes=5)
#: Longest wait of a rejected record.
LAST_RETRY: Final = timedelta(days=1)


@frozen
class Stamp:
    """What settling needs to know beside the step.

    Attributes:
        now: The moment of the commit (UTC).
        digests: Digest of the mapping in force, by entity name.
        rejected: Records that were rejected before, by entity, side and id.
    """

    now: datetime
    digests: Mapping[str, str]
    rejected: Mapping[tuple[str, str, str], Rejected]


def settle(work: Work, stamp: Stamp) -> Commit:
    """Return what to remember of one step, given what became of its writes.

    A field whose write is not known to be done keeps its old base, so that the next cycle that meets the record
    derives the same write again.
    """
    step = work.step
    if step.kind is StepKind.PARK:
        return _parked(step, stamp)
    if step.kind is StepKind.UNLINK:
        return _unlinked(work, stamp)
    if step.kind in (StepKind.SYNC, StepKind.MOVE) and _gone(work.on_marketo):
        return _person_gone(work, stamp)
    failures = rejections(work, stamp)
    made_nothing = (
        (step.kind is StepKind.MERGE_PERSONS and work.marketo_failed)
        or (step.kind is StepKind.CREATE_PERSON and work.marketo_failed)
        or (step.kind is StepKind.CREATE_ROW and work.dynamics_failed)
    )
    if made_nothing:
        return Commit(reject=failures)
    link = _link(work, stamp)
    source = (step.entity.name, "dynamics", link.dynamics_id)
    held = [d for d in step.decisions if d.kind is DecisionKind.HELD]
    # A record of which something is held is always read whole: what is not held now does not wait.
    free = ["", *sorted(step.entity.fields.keys() - {d.field for d in held})]
    failed = {(r.entity, r.side, r.id) for r in failures}
    solved = {(step.entity.name, "marketo", link.dynamics_id), (step.entity.name, "dynamics", link.marketo_id)}
    if step.moved_from is not None:
        # What was refused under the old place is derived anew under the new one.
        solved |= {
            (step.moved_from[0], "marketo", step.moved_from[1]),
            (step.moved_from[0], "dynamics", link.marketo_id),
        }
    return Commit(
        put_links=[link],
        drop_links=[*([step.moved_from] if step.moved_from is not None else []), *_taken_in(step)],
        journal=[*_journal(step, link, stamp.now), *clashes(work, stamp.now)],
        park=[
            Parked(*source, d.field, d.rule, {"reason": d.reason, "marketo_id": link.marketo_id}, stamp.now)
            for d in held
        ],
        unpark=[
            *_left_behind(step),
            *_made(step),
            *((e, "dynamics", row, "*") for e, row in _taken_in(step)),
            *([(*source, name) for name in free] if held else [(*source, "*")]),
        ],
        reject=failures,
        unreject=sorted(key for key in solved - failed if key in stamp.rejected),
        facts=work.facts | ({gone_fact(link.dynamics_id): None} if _revives(step) else {}),
        drop_intents=[(step.entity.name, link.marketo_id)] if step.kind in (StepKind.CREATE_ROW, StepKind.LINK) else [],
    )


def _without_its_person(entity: str, row: str, stamp: Stamp) -> Rejected:
    return met_again(entity, row, "gone", "the person was deleted", stamp.now, "create")


def _revives(step: Step) -> bool:
    flag = step.entity.deleted_flag
    return step.kind is StepKind.LINK and flag is not None and flag.name in step.to_marketo


def _person_gone(work: Work, stamp: Stamp) -> Commit:
    """The person was deleted before our edit came: the link ends, and the row is met again as one without a person.

    First values that were still owed, such as the day on which a row that we made was created, are nobody's edit. Nor
    does it bring a person back that its row was closed.
    """
    step = work.step
    edited = step.known is None or any(name in step.known.base_dynamics for name in step.to_marketo)
    edited = edited and (work.dynamics is None or work.dynamics.active)
    entity, row = step.moved_from if step.moved_from is not None else (step.entity.name, str(step.dynamics_id))
    again = _without_its_person(step.entity.name, str(step.dynamics_id), stamp)
    entry = JournalEntry(stamp.now, entity, "unlinked", step.marketo_id, row, None, {"reason": "deleted in Marketo"})
    return Commit(
        drop_links=[(entity, row)],
        journal=[entry],
        reject=[again] if edited else [],
        unpark=[*_left_behind(step), (step.entity.name, "dynamics", str(step.dynamics_id), "*")],
        facts={} if edited else tombstone(entity, row, step.version),
    )


def _taken_in(step: Step) -> list[tuple[str, str]]:
    """Return the rows whose persons are merged into the step's."""
    return [(loser.entity, loser.dynamics_id) for loser in step.losers]


def _left_behind(step: Step) -> list[tuple[str, str, str, str]]:
    """Return what waited of a row whose link has moved on: it is decided, or waits, under the new row."""
    return [] if step.moved_from is None else [(step.moved_from[0], "dynamics", step.moved_from[1], "*")]


def _made(step: Step) -> list[tuple[str, str, str, str]]:
    """Return what waited of a person that had no row."""
    waited = step.kind in (StepKind.CREATE_ROW, StepKind.LINK)
    return [(step.entity.name, "marketo", str(step.marketo_id), "*")] if waited else []


def combine(commits: Iterable[Commit]) -> Commit:
    """Return one commit that keeps everything of several."""
    parts = list(commits)
    return Commit(
        put_links=list(chain.from_iterable(c.put_links for c in parts)),
        drop_links=list(chain.from_iterable(c.drop_links for c in parts)),
        checkpoints={name: value for c in parts for name, value in c.checkpoints.items()},
        journal=list(chain.from_iterable(c.journal for c in parts)),
        park=list(chain.from_iterable(c.park for c in parts)),
        unpark=list(chain.from_iterable(c.unpark for c in parts)),
        reject=list(chain.from_iterable(c.reject for c in parts)),
        unreject=list(chain.from_iterable(c.unreject for c in parts)),
        put_intents=list(chain.from_iterable(c.put_intents for c in parts)),
        drop_intents=list(chain.from_iterable(c.drop_intents for c in parts)),
        facts={name: value for c in parts for name, value in c.facts.items()},
        seen=list(chain.from_iterable(c.seen for c in parts)),
    )


def _link(work: Work, stamp: Stamp) -> Link:
    step = work.step
    merge = step.merge
    assert merge is not None, "every step that links carries its merge"
    marketo_id = work.on_marketo.id if step.kind is StepKind.CREATE_PERSON and work.on_marketo else step.marketo_id
    base_marketo = dict(merge.base_marketo)
    base_dynamics = dict(merge.base_dynamics)
    if work.marketo_failed:
        _revert(step.to_marketo, step.known, base_marketo, base_dynamics)
    _forget_left_out(work, base_marketo)
    if work.dynamics_failed:
        _revert(step.to_dynamics, step.known, base_marketo, base_dynamics)
    version = step.version
    stored = work.on_dynamics.stored if work.on_dynamics and work.on_dynamics.status.done else None
    if stored is not None:
        version = stored.version
        for name in step.to_dynamics:
            # A value that is still owed to Marketo has to look like an edit in Dynamics until it is there.
            if name in stored.values and not (work.marketo_failed and name in step.to_marketo):
                base_dynamics[name] = stored.values[name]
        if _has_news(step, stored.values, base_dynamics):
            version = None
    elif step.writes_dynamics and not work.dynamics_failed:
        version = None
    if work.dynamics_failed or (work.marketo_failed and step.kind is not StepKind.CREATE_PERSON):
        # The row is met again even if nobody touches it, so that the write that failed is derived again.
        version = None
    read_back = work.marketo is not None and step.kind is not StepKind.CREATE_PERSON
    before = frozenset[str]() if read_back or step.known is None else step.known.unconfirmed
    written = frozenset(step.to_marketo) if step.writes_marketo and not work.marketo_failed else frozenset[str]()
    if work.on_marketo is not None:
        written -= work.on_marketo.left_out
    return link_of(
        step.entity,
        marketo_id=str(marketo_id),
        dynamics_id=str(step.dynamics_id),
        base_marketo=base_marketo,
        base_dynamics=base_dynamics,
        version=version,
        unconfirmed=before | written,
        digest=stamp.digests[step.entity.name],
        known=step.known,
        sent=sent_after(work),
    )


def _forget_left_out(work: Work, base_marketo: dict[str, object]) -> None:
    """Put back what Marketo holds in fields that it didn't take: each side keeps its own until one changes again."""
    if work.on_marketo is None or not work.on_marketo.status.done:
        return
    made = work.on_marketo.status is Status.CREATED
    before = (
        work.marketo.values if work.marketo is not None else work.step.known.base_marketo if work.step.known else {}
    )
    for name in work.on_marketo.left_out:
        if name in before or made:
            base_marketo[name] = before.get(name)
        else:
            base_marketo.pop(name, None)


def _has_news(step: Step, stored: Mapping[str, object], base: Mapping[str, object]) -> bool:
    """Return whether the stored row holds a mapped value that the base doesn't know: a plug-in wrote beside us."""
    return any(
        name not in step.to_dynamics and bound.to_marketo and name in stored and stored[name] != base.get(name)
        for name, bound in step.entity.fields.items()
    )


def _revert(
    names: Iterable[str], known: Known | None, base_marketo: dict[str, object], base_dynamics: dict[str, object]
) -> None:
    """Put the old base back for fields whose write is not known to be done."""
    old_marketo: Mapping[str, object] = known.base_marketo if known is not None else {}
    old_dynamics: Mapping[str, object] = known.base_dynamics if known is not None else {}
    for name in names:
        for old, base in ((old_marketo, base_marketo), (old_dynamics, base_dynamics)):
            if name in old:
                base[name] = old[name]
            else:
                base.pop(name, None)


def _journal(step: Step, link: Link, now: datetime) -> list[JournalEntry]:
    entries = []
    if step.kind is not StepKind.SYNC:
        kinds = {StepKind.MOVE: "moved", StepKind.LINK: "linked"}
        detail: dict[str, object] = {"reason": step.reason} if step.reason else {}
        if step.moved_from is not None:
            detail["from"] = list(step.moved_from)
        entries.append(
            JournalEntry(
                now, step.entity.name, kinds.get(step.kind, "created"), link.marketo_id, link.dynamics_id, None, detail
            )
        )
    return entries


def clashes(work: Work, now: datetime) -> list[JournalEntry]:
    """Return an entry for each clash and each overwritten edit of a work that the journal doesn't have yet."""
    step = work.step
    entries = [
        JournalEntry(
            now, step.entity.name, "overwritten", step.marketo_id, step.dynamics_id, item.field, _told(step, item)
        )
        for item in step.overwritten
        if item not in work.noted
    ]
    told = {item.field for item in step.overwritten}
    for decision in step.decisions:
        if decision.kind is not DecisionKind.CONFLICT or decision in work.noted or decision.field in told:
            continue
        detail = _told(step, decision)
        entries.append(
            JournalEntry(now, step.entity.name, "conflict", step.marketo_id, step.dynamics_id, decision.field, detail)
        )
    return entries


def _told(step: Step, clash: Decision | Overwritten) -> dict[str, object]:
    detail = {side: _plain(step, clash.field, getattr(clash, side)) for side in ("base", "marketo", "dynamics")}
    return detail | {"winner": clash.winner.value if clash.winner else None, "rule": clash.rule}


def _plain(step: Step, name: str, value: object) -> object:
    """Return a value as the store keeps it; what is not of the field's type stays as the service showed it."""
    try:
        return step.entity.dump({name: value}).get(name)
    except Exception:  # a codec may raise anything of what isn't its own
        return str(value)


def _parked(step: Step, stamp: Stamp) -> Commit:
    side, own = ("dynamics", step.dynamics_id) if step.dynamics_id else ("marketo", step.marketo_id)
    refused = (step.entity.name, Side(side).other.value, str(own))
    return Commit(
        park=[Parked(step.entity.name, side, str(own), "", step.reason, step.detail, stamp.now)],
        unreject=[refused] if refused in stamp.rejected else [],
    )


def _unlinked(work: Work, stamp: Stamp) -> Commit:
    step = work.step
    if (work.marketo_failed and not _gone(work.on_marketo)) or (work.dynamics_failed and not _gone(work.on_dynamics)):
        # The mark is still to be made, so the link stays; the row is gone, so only the list of failures leads back.
        return Commit(reject=rejections(work, stamp))
    key = (step.entity.name, str(step.dynamics_id))
    waits = cast("Mapping[str, object] | None", step.detail.get("waits"))
    entry = JournalEntry(
        stamp.now, step.entity.name, "unlinked", step.marketo_id, step.dynamics_id, None, {"reason": step.reason}
    )
    return Commit(
        drop_links=[key],
        journal=[entry],
        reject=[_without_its_person(step.entity.name, key[1], stamp)] if step.detail.get("again") else [],
        park=[Parked(key[0], "dynamics", key[1], "", MISSING_PARENT, waits, stamp.now)] if waits else [],
        unpark=[(key[0], "dynamics", key[1], "*")],
        unreject=[(key[0], "marketo", key[1]), (key[0], "dynamics", str(step.marketo_id))],
        facts=_marks(step),
    )


def _marks(step: Step) -> dict[str, str | None]:
    """Return what is to be remembered of the half that is left."""
    if step.reason == "deleted in Dynamics":
        return {gone_fact(str(step.dynamics_id)): step.entity.name}
    if step.reason == "deleted in Marketo" and not step.detail.get("again") and step.deletes is None:
        return tombstone(step.entity.name, str(step.dynamics_id), step.version)
    return {}


def gone_fact(row_id: str) -> str:
    """Return the name of the fact that a row was deleted in Dynamics: a person that carries its id is free again."""
    return f"gone:{row_id}"


def _gone(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status is Status.GONE


def rejections(work: Work, stamp: Stamp) -> list[Rejected]:
    found = []
    sides = (
        (Side.MARKETO, work.on_marketo, work.step.dynamics_id),
        (Side.DYNAMICS, work.on_dynamics, work.step.marketo_id),
    )
    for side, outcome, source in sides:
        if outcome is None or outcome.status.done or outcome.status in (Status.GONE, Status.UNSENT):
            continue
        key = (work.step.entity.name, side.value, str(source))
        before = stamp.rejected.get(key)
        attempts = before.attempts + 1 if before else 1
        problem = outcome.problem
        refused = outcome.status is Status.REJECTED and not (problem and problem.retryable)
        wait = min(FIRST_RETRY * 2 ** min(attempts - 1, 20), LAST_RETRY) if refused else timedelta()
        found.append(
            Rejected(
                *key,
                code=problem.code if problem else outcome.status.value,
                message=problem.message if problem else "",
                field=problem.field if problem else None,
                attempts=attempts,
                first_at=before.first_at if before else stamp.now,
                next_at=stamp.now + wait,
                operation=work.operation(side).value,
            )
        )
    return found
