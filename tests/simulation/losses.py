"""No edit is lost, and no opt-out undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from .evidence import Evidence
from .fields import TWO_WAY
from .ledger import Change

LOST: Final = "no edit is lost"
OPT_OUT: Final = "an opt-out is never undone by us"


def check_losses(evidence: Evidence) -> None:
    """Look at every value of a user that the engine wrote over.

    The other side must have had it before, or the journal must say which rule it lost to; else it is one of the few
    documented exceptions, each narrow and each counted.
    """
    for written in evidence.by_engine("person", "lead", "contact"):
        if written.what not in TWO_WAY or not evidence.world.ledger.by_key:
            continue
        field = TWO_WAY[written.what]
        edit = _edit_before(evidence, written)
        if edit is not None:
            evidence.checked(LOST)
            reason = _carried(evidence, edit, written) or _by_rule(evidence, edit, written)
            reason = reason or _excused(evidence, edit, written)
            if reason is None:
                evidence.broken(
                    LOST,
                    f"{field.name} of {evidence.called(written.key)}: {edit.new!r} set at {edit.place} "
                    f"was overwritten with {written.new!r} at {written.place}",
                )
        if field.opt_out and written.old is True and written.new is not True:
            evidence.checked(OPT_OUT)
            _check_opt_out(evidence, written)


def _edit_before(evidence: Evidence, written: Change) -> Change | None:
    """Return the user's edit whose value was written over, if it was a user's."""
    before = [c for c in evidence.changes(written.key, written.what) if c.place < written.place]
    return before[-1] if before and before[-1].author == "users" else None


def _carried(evidence: Evidence, edit: Change, written: Change) -> str | None:
    """The other side had the value before it was written over: what came later is a later edit."""
    for origin in evidence.origins(edit):
        # The platform copied the value from another record.
        for partner in evidence.partners(origin):
            if any(c.new == edit.new and c.place < written.place for c in evidence.changes(partner, edit.what)):
                return "carried before it was copied"
    for partner in evidence.partners(edit.key):
        if evidence.value_at(partner, edit.what, edit.place) == edit.new:
            return "same on both sides"
        for change in evidence.changes(partner, edit.what):
            if edit.place < change.place < written.place and change.new == edit.new:
                return "carried"
    return None


def _by_rule(evidence: Evidence, edit: Change, written: Change) -> str | None:
    """The journal has the clash, the value that lost, and the rule."""
    field = TWO_WAY[edit.what]
    for entry in evidence.journal:
        if entry.kind not in ("conflict", "overwritten") or entry.field != edit.what:
            continue
        ids = {("person", str(entry.marketo_id)), (entry.entity, str(entry.dynamics_id))}
        lost = field.same(entry.detail.get(edit.side))
        if edit.key in ids and lost == edit.new and entry.kind == "overwritten":
            return "found afterwards in Marketo's stream"
        if edit.key in ids and lost == edit.new and entry.detail.get("winner") != edit.side:
            if _is_clash(evidence, edit, written):
                return str(entry.detail.get("rule"))
            evidence.broken(
                "a clash needs two edits",
                f"{edit.what} of {evidence.called(edit.key)}: {edit.new!r} lost to {written.new!r}, "
                "which was there before",
            )
            return "false clash"
    return None


def _is_clash(evidence: Evidence, edit: Change, written: Change) -> bool:
    """Return whether the winner is more than what both sides had agreed on already, as far as the store knew."""
    base = evidence.base_at(edit.key, edit.what, written.place)
    return written.new is None or base is None or base != written.new


def _excused(evidence: Evidence, edit: Change, written: Change) -> str | None:
    name = None
    if _restored(evidence, edit, written):
        name = "an edit that was taken back before anybody saw it"
    elif edit.side == "marketo" and _unseen(evidence, edit, written):
        name = "Marketo has no guarded writes: an edit that its stream did not show yet"
    elif edit.new is None and _merged(evidence, written):
        name = "a merge in Marketo fills the winner's empty fields, also ones that were cleared"
    elif TWO_WAY[edit.what].opt_out and written.new is True and _moved(evidence, written):
        name = "an opt-out outlives a merge or a qualification, whatever the other record says"
    if name is not None:
        evidence.excused(name)
    return name


def _merged(evidence: Evidence, written: Change) -> bool:
    """The engine had Marketo merge a person into this one, which took the value over from the other."""
    gone = [c for c in evidence.by_engine("person") if c.what == "gone" and abs(c.place - written.place) < 40]
    return any(evidence.value_at(c.key, written.what, c.place) == written.new for c in gone)


def _moved(evidence: Evidence, written: Change) -> bool:
    """The link of the record moved in the work that wrote it."""
    near = [p for p in evidence.world.pairings if written.place < p.place < written.place + 80]
    return any(p.person is None for p in near) and any(
        p.person is not None and written.key in (p.row, p.person) for p in near
    )


def _restored(evidence: Evidence, edit: Change, written: Change) -> bool:
    """The edit put back what both sides had agreed on, after another edit that nobody saw: nothing seems changed."""
    if evidence.base_at(edit.key, edit.what, written.place) != edit.new:
        return False
    before = [c for c in evidence.changes(edit.key, edit.what) if c.place < edit.place]
    return any(change.new == edit.new for change in before) or edit.new in (None, False)


def _unseen(evidence: Evidence, edit: Change, written: Change) -> bool:
    """The edit came after the streams were read in the work that wrote over it, or too shortly before."""
    start = evidence.run_start(written.place)
    if edit.place > start:
        return True
    delay = timedelta(seconds=evidence.world.setting.delay)
    reads = [at for place, at in evidence.world.reads if start < place < written.place]
    return bool(delay) and (not reads or edit.at > reads[-1] - delay)


def _check_opt_out(evidence: Evidence, written: Change) -> None:
    """Somebody must have taken the opt-out back on the other side, after it was made."""
    opted = [c for c in evidence.changes(written.key, written.what) if c.place < written.place and c.new is True]
    since = opted[-1].place if opted else 0
    origins = evidence.origins(opted[-1]) if opted else []
    partners = [partner for key in (written.key, *origins) for partner in evidence.partners(key)]
    for source in (*origins, *(partners if opted and opted[-1].author == "engine" else ())):
        # A copy is as old as what it was copied from.
        said = [c.place for c in evidence.changes(source, written.what) if c.new is True and c.place <= since]
        since = max(said, default=since)
    for partner in partners:
        for change in evidence.changes(partner, written.what):
            back = change.author == "users" and change.old is True and change.new is not True
            if back and since < change.place < written.place:
                return
    if opted and opted[-1].author == "users" and _restored(evidence, opted[-1], written):
        evidence.excused("an edit that was taken back before anybody saw it")
        return
    evidence.broken(OPT_OUT, f"{written.what} of {evidence.called(written.key)} at {written.place}")
