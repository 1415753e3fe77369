"""What may never happen: duplicates, resurrection, echoes, writes to sources, calls over a limit."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from .evidence import Evidence
from .fields import ORIGIN, PEOPLE, SOURCES, THEIRS, TWO_WAY, of
from .ledger import Change, Key

TWINS: Final = "no duplicates"
RISEN: Final = "nothing deleted comes back"
ECHO: Final = "our writes never cause our writes"
SOURCE: Final = "one-way sources are never written"
LIMITS: Final = "limits are held"
_WINDOW: Final = timedelta(seconds=21)
_OVER: Final = ("606", "607", "615", "0x80072321", "0x80072322", "0x80072326")


def check_safety(evidence: Evidence) -> None:
    """Look at everything that the engine did."""
    gone = [change.place for change in evidence.by_engine(*PEOPLE) if change.what == "gone"]
    for change in evidence.by_engine(*SOURCES):
        # Lookups to a row that is deleted are cleared by the platform, which touches the rows they stand in.
        if change.what != "touched" or not any(abs(place - change.place) < 10 for place in gone):
            evidence.broken(SOURCE, f"{change.key} at {change.place}")
    evidence.checked(SOURCE)
    for change in evidence.by_engine(*PEOPLE):
        # A lookup to a row that is deleted is cleared by the platform.
        cleared = change.new is None and change.what.startswith("_parent")
        if (
            change.what in THEIRS
            and not cleared
            and all(c.place < change.place - 40 for c in evidence.changes(change.key, "made"))
        ):
            evidence.broken(SOURCE, f"{change.what} of {evidence.called(change.key)} at {change.place}")
    _check_twins(evidence)
    _check_risen(evidence)
    _check_echo(evidence)
    calls = evidence.world.sandbox.calls
    evidence.counts[f"checked: {LIMITS}"] += len(calls)
    for call in calls:
        if call.code in _OVER and any(abs(call.at - killed) < _WINDOW for killed in evidence.world.killed_at):
            evidence.excused("a new process can't know what the one that was killed had called just before")
        elif call.code in _OVER and any("delivered twice" in f.fault for f in evidence.world.sandbox.faults.log):
            evidence.excused("a call that something on the way repeats is counted twice")
        elif call.code in _OVER:
            evidence.broken(LIMITS, f"{call.service} answered {call.code} to {call.method} {call.path}")


def _check_twins(evidence: Evidence) -> None:
    """Of one person or row, the engine makes at most one record that is there at a time."""
    made: dict[tuple[str, object], Change] = {}
    for change in evidence.by_engine("person", *PEOPLE):
        if change.what != "made":
            continue
        evidence.checked(TWINS)
        side = "person" if change.key[0] == "person" else "row"
        names = [c for c in evidence.changes(change.key, "last_name") if 0 < c.place - change.place < 30]
        if not names:
            continue
        name = names[0].new
        before = made.get((side, name))
        if before is not None and not _gone(evidence, before.key, change.place):
            if _unnoted(evidence, before, change):
                evidence.excused("a person made just before a kill, and merged or qualified before the next run")
                continue
            evidence.broken(
                TWINS,
                f"{evidence.called(before.key)} at {before.place}, {evidence.called(change.key)} at {change.place}",
            )
        made[side, name] = change


def _unnoted(evidence: Evidence, first: Change, second: Change) -> bool:
    """The engine was killed before it noted the link of a person it had made, and a user changed who that is.

    Another person was merged into it, its lead was qualified, or, where Marketo has no field for the row id, it was
    given another e-mail address, before the next run.
    """
    kills = [kill for kill in evidence.world.kills if first.place < kill < second.place]
    noted = [p.place for p in evidence.world.pairings if p.person == first.key and p.place < second.place]
    if first.key[0] != "person" or not kills or (noted and noted[0] < kills[0]):
        return False
    rows = {pairing.row for pairing in evidence.world.pairings if pairing.person == second.key}
    merged = any(
        c.what == "gone" and c.author == "users" and c.key[0] == "person" for c in evidence.world.ledger.changes
    )
    qualified = any(evidence.changes(row, ORIGIN) for row in rows)
    key = evidence.world.setting.crm_id or not any(c.author == "users" for c in evidence.changes(first.key, "email"))
    return bool(noted and merged) or qualified or not key


def _gone(evidence: Evidence, key: Key, place: int) -> bool:
    return any(change.place < place for change in evidence.changes(key, "gone"))


def _check_risen(evidence: Evidence) -> None:
    """A record is made where somebody asked for it, or edited the other half after the deletion was known."""
    for change in evidence.by_engine("person", *PEOPLE):
        if change.what != "made":
            continue
        evidence.checked(RISEN)
        partners = evidence.partners(change.key)
        if change.key[0] != "person":
            rule = evidence.world.setting.push_rule
            wanted = {name for person in evidence.asked for name in evidence.names(("person", person))}
            asked = any(person[1] in evidence.asked for person in partners) or wanted & evidence.names(change.key)
            if not rule and not asked:
                evidence.broken(RISEN, f"nobody asked for {evidence.called(change.key)}, made at {change.place}")
            continue
        # Whose person it became later, in a merge or by qualification, is not whom it was made for.
        for row in [pairing.row for pairing in evidence.world.pairings if pairing.person == change.key][:1]:
            _check_person_risen(evidence, row, change)
            _check_lead_risen(evidence, row, change)


def _check_person_risen(evidence: Evidence, row: Key, made: Change) -> None:
    before = [
        gone
        for person in evidence.partners(row)
        if person != made.key
        for gone in evidence.changes(person, "gone")
        if gone.place < made.place and gone.author == "users"
    ]
    if not before:
        return
    gone = max(before, key=lambda change: change.place)
    # An edit that the engine had not carried when the person was deleted counts: it beats the deletion.
    since = max((start for start, end in evidence.world.finished if end < gone.place), default=0)
    changes = [c for c in evidence.world.ledger.of(row) if since < c.place < made.place]
    if any(c.author == "users" for c in changes) or _apart(evidence, row, gone) or row in evidence.world.chosen:
        return
    if any(c.what == "made" for c in changes) and any(since < kill < made.place for kill in evidence.world.kills):
        evidence.excused("a row made by a push in a cycle that was cut short, and so is read again")
    else:
        evidence.broken(
            RISEN,
            f"{evidence.called(made.key)} was made at {made.place} for {evidence.called(row)}, which nobody "
            f"edited since its person was deleted at {gone.place}",
        )


def _apart(evidence: Evidence, row: Key, gone: Change) -> bool:
    """Return whether the two disagreed when the person was deleted, as over a value that waits: an edit beats it."""
    names = [field.name for field in of(row[0])]
    return any(evidence.value_at(row, n, gone.place) != evidence.value_at(gone.key, n, gone.place - 1) for n in names)


def _check_lead_risen(evidence: Evidence, row: Key, made: Change) -> None:
    """A lead that became a contact which is gone is nobody any more."""
    parents = [c for c in evidence.changes(row, "_parentcontactid_value") if c.place < made.place]
    closed = evidence.value_at(row, "statecode", made.place) == 1
    if not closed or not parents or parents[-1].new is not None:
        return
    became = [c.place for c in parents if c.new is not None]
    if not any(became[-1] < start < end < parents[-1].place for start, end in evidence.world.finished):
        return  # nobody could see what it became: the lookup was set and cleared between two cycles
    contacts = [("contact", str(c.new)) for c in parents if c.new is not None]
    mine = any(pairing.row == row and pairing.place < made.place for pairing in evidence.world.pairings)
    known = [key for key in contacts if mine or any(("lead", str(c.new)) == row for c in evidence.changes(key, ORIGIN))]
    before = [p for key in known for p in evidence.partners(key) if p != made.key]
    if any(evidence.changes(person, "made")[0].place < made.place for person in before):
        evidence.broken(
            RISEN,
            f"{evidence.called(made.key)} was made at {made.place} for {evidence.called(row)}, whose contact "
            f"was deleted at {parents[-1].place}",
        )


def _check_echo(evidence: Evidence) -> None:
    """Between two changes of a field by the engine, some user did something to one of the two records."""
    for change in evidence.by_engine("person", *PEOPLE):
        if change.what not in TWO_WAY:
            continue
        evidence.checked(ECHO)
        before = [c for c in evidence.changes(change.key, change.what) if c.place < change.place]
        if not before or before[-1].author != "engine":
            continue
        since = before[-1].place
        keys = {change.key, *evidence.partners(change.key)}
        # Persons who are merged into it bring what users did to their rows.
        gone = [c.key for c in evidence.by_engine("person") if c.what == "gone" and abs(c.place - change.place) < 40]
        keys |= {*gone, *(row for person in gone for row in evidence.partners(person))}
        keys |= {other for key in list(keys) for other in evidence.partners(key)}
        if not any(c.author == "users" and c.place > since - 60 for key in keys for c in evidence.world.ledger.of(key)):
            evidence.broken(ECHO, f"{change.what} of {evidence.called(change.key)} at {since} and {change.place}")
