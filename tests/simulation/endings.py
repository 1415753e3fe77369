"""In the end both sides agree, everything that should be linked is, and what isn't says why."""

from __future__ import annotations

from typing import Final

from .evidence import Evidence
from .fields import PEOPLE, THEIRS, TWO_WAY, of
from .ledger import Key

AGREE: Final = "linked records agree"
LINKED: Final = "every row is linked, or says why not"
_STATES: Final = {"lead": {0: "Open", 1: "Qualified", 2: "Disqualified"}, "contact": {0: "Active", 1: "Inactive"}}


def check_endings(evidence: Evidence) -> None:
    """Look at both sides once all is quiet."""
    world = evidence.world
    parked = {((p.entity, p.id), p.field): p for p in world.store.parked() if p.side == "dynamics"}
    waiting = {(r.entity, r.id) for r in world.store.rejected() if r.side == "marketo"}
    for item in world.store.parked():
        evidence.counts[f"parked in the end: {item.reason}"] += 1
        _check_reason(evidence, item.reason, (item.entity, item.id), item.field)
    for refused in world.store.rejected():
        evidence.broken("nothing stays refused", f"{refused.entity} {refused.side} {refused.code} {refused.message}")
    for row, person in evidence.links.items():
        _check_pair(evidence, row, person, {field for key, field in parked if key == row})
    storage = world.sandbox.dynamics.environment.storage
    for table in PEOPLE:
        for row_id, row in storage.table(table).items():
            key = (table, row_id)
            if key not in evidence.links and (key, "") not in parked and key not in waiting:
                _check_alone(evidence, key, row)
    if world.setting.objects:
        _check_objects(evidence)


def _check_pair(evidence: Evidence, row: Key, person: Key, held: set[str]) -> None:
    ledger = evidence.world.ledger
    if not ledger.alive(row) or not ledger.alive(person):
        evidence.broken(AGREE, f"a link leads to nobody: {evidence.called(row)} and {evidence.called(person)}")
        return
    for field in of(row[0]):
        evidence.checked(AGREE)
        ours, theirs = ledger.value(person, field.name), ledger.value(row, field.name)
        if ours != theirs and field.name not in held:
            evidence.broken(
                AGREE, f"{field.name} of {evidence.called(row)}: {ours!r} in Marketo, {theirs!r} in Dynamics"
            )
    held_person = evidence.world.sandbox.marketo.people._people[int(person[1])]
    state = ledger.value(row, "statecode")
    if "status" not in held and held_person.get("leadStatus") != _STATES[row[0]].get(state):
        evidence.broken(AGREE, f"status of {evidence.called(row)}: {held_person.get('leadStatus')!r}, {state!r}")
    if evidence.world.setting.crm_id and held_person.get("dynamicsId") != row[1]:
        evidence.broken(AGREE, f"{evidence.called(person)} carries {held_person.get('dynamicsId')!r}, not {row[1]!r}")
    if evidence.world.setting.objects:
        owner = ledger.value(row, "_ownerid_value")
        if "owner" not in held and held_person.get("externalSalesPersonId") != owner:
            evidence.broken(AGREE, f"owner of {evidence.called(row)}")
        company = ledger.value(row, "_parentcustomerid_value")
        if "account" not in held and company and held_person.get("externalCompanyId") != company:
            evidence.broken(AGREE, f"company of {evidence.called(row)}")


def _check_alone(evidence: Evidence, key: Key, row: dict[str, object]) -> None:
    """A row without a person: merged, become a contact, or left behind by a person that somebody deleted."""
    evidence.checked(LINKED)
    became = [c for c in evidence.changes(key, "_parentcontactid_value") if c.new is not None]
    if row.get("merged") or (key[0] == "lead" and became and row.get("statecode") == 1):
        return
    storage = evidence.world.sandbox.dynamics.environment.storage
    if key[0] == "lead" and any(c.get("_originatingleadid_value") == key[1] for c in storage.table("contact").values()):
        return
    gone = [c for person in evidence.partners(key) for c in evidence.changes(person, "gone") if c.author == "users"]
    if gone:
        ledger = evidence.world.ledger
        later = [c for c in ledger.of(key) if c.author == "users" and c.what in TWO_WAY and c.place > gone[-1].place]
        if not later:
            return
        evidence.broken(LINKED, f"{evidence.called(key)} was edited at {later[-1].place}, after its person was deleted")
        return
    evidence.broken(LINKED, f"{evidence.called(key)} has no person")


def _check_reason(evidence: Evidence, reason: str, key: Key, field: str) -> None:
    """What waits must wait for a reason that is true."""
    ledger = evidence.world.ledger
    evidence.checked("what waits has a true reason")
    true = True
    if reason in ("not valid for Dynamics", "not valid for Marketo") and field in TWO_WAY:
        values = [ledger.value(k, field) for k in (key, evidence.links.get(key, key))]
        true = any(len(str(value)) > TWO_WAY[field].longest for value in values)
    elif reason in ("ambiguous", "shared-key"):
        emails = {str(c.new).casefold() for c in evidence.changes(key, "email")}
        emails |= {str(c.new).casefold() for c in evidence.changes(("person", key[1]), "email")}
        sharing = {
            c.key for c in ledger.changes if c.what == "email" and str(c.new).casefold() in emails and c.key != key
        }
        true = len(sharing) >= 1
    elif reason == "no-key":
        true = not evidence.world.setting.crm_id and ledger.value(key, "email") is None
    elif reason in ("two-persons", "merged-in-marketo"):
        true = any(c.what in (*THEIRS, "touched", "gone") and c.author == "users" for c in ledger.changes)
    elif reason == "held":
        true = evidence.world.setting.policy == "hold"
    if not true:
        evidence.broken("what waits has a true reason", f"{evidence.called(key)} {field} waits: {reason}")


def _check_objects(evidence: Evidence) -> None:
    """Every company, sales person and opportunity of Dynamics is in Marketo, with its name."""
    world = evidence.world
    marketo, storage = world.sandbox.marketo, world.sandbox.dynamics.environment.storage
    waits = {(p.entity, p.id) for p in world.store.parked()}
    for table, name, key, column, their in (
        ("account", "companies", "externalCompanyId", "name", "company"),
        ("systemuser", "salespersons", "externalSalesPersonId", "lastname", "lastName"),
        ("opportunity", "opportunities", "externalOpportunityId", "name", "name"),
    ):
        there = {row[key]: row for row in marketo.objects(name)}
        for row_id, row in storage.table(table).items():
            evidence.checked(LINKED)
            entity = "user" if table == "systemuser" else table
            merged = bool(row.get("merged"))
            if row_id not in there and not merged and (entity, row_id) not in waits:
                evidence.broken(LINKED, f"{table} {row.get(column)} is not in Marketo")
            elif row_id in there and not merged and there[row_id].get(their) != row.get(column):
                evidence.broken(AGREE, f"name of {table} {row.get(column)}")
        if table == "opportunity":
            for row_id in there.keys() - storage.table(table).keys():
                evidence.broken("what was deleted stays deleted", f"opportunity {row_id} is still in Marketo")
