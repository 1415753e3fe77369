"""Users of both sides: they carry out what a story says, as far as the world lets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from attrs import define, field

from marketo_dynamics_sync.sandbox.dataverse.actions import Wish
from marketo_dynamics_sync.sandbox.dataverse.errors import Fault

from .fields import PEOPLE, RATINGS, TWO_WAY
from .ledger import Key
from .story import Act, Assign, Delete, Edit, Make, Merge, Qualify
from .world import World

_NUMBERS: Final = {label: number for number, label in RATINGS.items()}


@define
class Actors:
    """Everybody who works on either side.

    Attributes:
        world: Where.
        done: Acts that really happened, by kind.
        objects: Ids of companies, opportunities and users by name.
    """

    world: World
    done: dict[str, int] = field(factory=dict)
    objects: dict[str, Key] = field(factory=dict)
    _rows: int = 0

    def do(self, act: Act) -> None:
        """Carry out an act; one that the world doesn't allow is left out."""
        ledger = self.world.ledger
        ledger.observe("engine")
        try:
            happened = self._doing(act)
        except (Fault, ValueError):
            happened = False  # a service refused its user: nothing happened
        ledger.observe("users")
        if happened:
            name = type(act).__name__
            self.done[name] = self.done.get(name, 0) + 1

    def person(self, name: str) -> int | None:
        """Return the person of a name: the oldest that is there."""
        for person in self.world.sandbox.marketo.people.ids():
            if self.world.ledger.value(("person", str(person)), "last_name") == name:
                return person
        return None

    def row(self, name: str, tables: tuple[str, ...] = ("contact", "lead")) -> Key | None:
        """Return the active row of a name: the contact, if there is one."""
        storage = self.world.sandbox.dynamics.environment.storage
        for table in tables:
            for row_id, row in sorted(storage.table(table).items()):
                if row.get("lastname") == name and row.get("statecode") == 0:
                    return table, row_id
        return None

    def _doing(self, act: Act) -> bool:
        acts: dict[type, Callable[..., bool]] = {
            Make: self._make,
            Edit: self._edit,
            Delete: self._delete,
            Merge: self._merge,
            Qualify: self._qualify,
            Assign: self._assign,
        }
        return acts[type(act)](act)

    def _make(self, act: Make) -> bool:
        if act.kind == "person":
            values = {TWO_WAY[name].marketo: value for name, value in act.values}
            email = {"email": act.email} if act.email else {}
            self.world.sandbox.marketo.create_person(lastName=act.name, **email, **values)
            return True
        columns = self._columns(act)
        self._rows += 1
        table = "systemuser" if act.kind == "user" else act.kind
        columns[f"{table}id"] = f"dddddddd-0000-4000-8000-{self._rows:012d}"
        made = self.world.sandbox.dynamics.create(table, **columns)
        if table not in PEOPLE:
            self.objects[act.name] = (table, made)
        return True

    def _columns(self, act: Make) -> dict[str, object]:
        columns: dict[str, object] = {TWO_WAY[name].column: value for name, value in act.values}
        if act.kind == "user":
            return {"lastname": act.name, "internalemailaddress": act.email}
        columns["lastname" if act.kind in PEOPLE else "name"] = act.name
        if act.email and act.kind in PEOPLE:
            columns["emailaddress1"] = act.email
        if act.owner in self.objects:
            columns["ownerid@odata.bind"] = f"/systemusers({self.objects[act.owner][1]})"
        if act.account in self.objects:
            name = "parentcustomerid_account" if act.kind == "contact" else "parentaccountid"
            columns[f"{name}@odata.bind"] = f"/accounts({self.objects[act.account][1]})"
        return columns

    def _edit(self, act: Edit) -> bool:
        chosen = TWO_WAY[act.field]
        if act.side == "marketing":
            person = self.person(act.name)
            if person is None:
                return False
            self.world.sandbox.marketo.update_person(person, **{chosen.marketo: act.value})
            return True
        row = self.row(act.name)
        if row is None or (row[0] == "contact" and not chosen.contacts):
            return False
        value = _NUMBERS.get(str(act.value)) if chosen.kind == "choice" else act.value
        self.world.sandbox.dynamics.update(*row, **{chosen.column: value})
        return True

    def _delete(self, act: Delete) -> bool:
        if act.side == "marketing":
            person = self.person(act.name)
            if person is not None:
                self.world.sandbox.marketo.delete_person(person)
            return person is not None
        row = self.objects.get(act.name) or self.row(act.name)
        if row is None or not self.world.ledger.alive(row):
            return False
        self.world.sandbox.dynamics.delete(*row)
        return True

    def _merge(self, act: Merge) -> bool:
        if act.side == "marketing":
            winner, loser = self.person(act.winner), self.person(act.loser)
            if winner is None or loser is None or winner == loser:
                return False
            self.world.sandbox.marketo.merge_persons(winner, loser)
            return True
        target, subordinate = self.row(act.winner), self.row(act.loser)
        if target is None or subordinate is None or target[0] != subordinate[0] or target == subordinate:
            return False
        self.world.sandbox.dynamics.merge(target[0], target[1], subordinate[1])
        return True

    def _qualify(self, act: Qualify) -> bool:
        dynamics = self.world.sandbox.dynamics
        lead = self.row(act.name, ("lead",))
        if lead is None:
            return False
        if act.into is None:
            dynamics.qualify_lead(lead[1], Wish(account=act.company))
            return True
        contact = self.row(act.into, ("contact",))
        if contact is None:
            return False
        # What the out-of-the-box dialog does with an existing contact: the lead points to it.
        dynamics.rows.force("lead", lead[1], statecode=1, statuscode=3, _parentcontactid_value=contact[1])
        return True

    def _assign(self, act: Assign) -> bool:
        row, to = self.row(act.name), self.objects.get(act.to)
        if row is None or to is None or not self.world.ledger.alive(to):
            return False
        bind: Mapping[str, object] = {"ownerid@odata.bind": f"/systemusers({to[1]})"}
        if to[0] == "account":
            if row[0] != "contact":
                return False
            bind = {"parentcustomerid_account@odata.bind": f"/accounts({to[1]})"}
        self.world.sandbox.dynamics.update(*row, **bind)
        return True
