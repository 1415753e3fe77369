"""What happens when a row is written: stamps, defaults, states, keys, money, rules and duplicates."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from attrs import frozen

from .connections import CONNECTION, mirrored, paired, partner_of
from .environment import Environment
from .errors import Fault, Refused, refused_by_rule
from .intersect import associate, disassociate, leave_all, refuse_write
from .metadata import Table
from .payload import Values, read_values
from .relationships import OneToMany
from .storage import Row, key_values
from .values import guid

#: Sees or changes a row before it is saved; may raise :class:`Refused` or a :class:`Fault` to refuse it.
Rule = Callable[[dict[str, object], "dict[str, object] | None"], None]


@frozen
class Caller:
    """Who writes, and how.

    Attributes:
        user: The user whose name the write is in.
        behalf: The user who really calls, when it is another one.
        bypass: Skip business rules.
        detect: Look for duplicates.
        limited: Hold it to rights on secured columns.
    """

    user: str
    behalf: str | None = None
    bypass: bool = False
    detect: bool = False
    limited: bool = False


class Rows:
    """Writes rows of an environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.rules: dict[str, list[Rule]] = {}
        #: Columns by which duplicates are detected, by table, where a rule is published.
        self.duplicate_rules: dict[str, tuple[str, ...]] = {}
        #: Users and teams that have no security role, so that nothing can be theirs.
        self.without_role: set[str] = set()

    def create(
        self,
        table: Table,
        payload: Mapping[str, object],
        caller: Caller,
        *,
        defaults: Mapping[str, object] | None = None,
    ) -> str:
        """Make a row, and the rows nested in it, and return its id.

        Args:
            table: Its table.
            payload: Its body.
            caller: Who makes it.
            defaults: Values under wire names that the body overrides: those of an alternate key.
        """
        refuse_write(table, "Create")
        environment = self._environment
        with environment.storage.transaction():
            values = read_values(environment, table, payload, creating=True)
            self._check_secured(table, values, caller, creating=True)
            row_id = guid(values.columns.pop(table.primary_id, None) or uuid.uuid4())
            if row_id in environment.storage.table(table.name):
                raise Fault(412, "0x80040237", "A record with matching key values already exists.")
            for nested in values.nested:
                if nested.wire:
                    values.columns[nested.wire] = self.create(nested.table, nested.payload, caller)
                    values.columns[f"{nested.wire}!"] = nested.table.name
            row = self._new(table, row_id, caller)
            row |= defaults or {}
            _apply(row, values.columns)
            if "overriddencreatedon" in values.columns:
                row["createdon"] = row["overriddencreatedon"]
            self._save(table, row_id, row, None, caller, values)
            if table.name == CONNECTION:
                other_id = str(uuid.uuid4())
                mine, other = paired(environment.row(table.name, row_id), row_id, other_id)
                environment.storage.put(table.name, row_id, mine)
                environment.storage.put(table.name, other_id, other)
            for nested in values.nested:
                if nested.navigation:
                    self.associate(table, row_id, nested.navigation, self._made(nested.table, nested.payload, caller))
        return row_id

    def update(self, table: Table, row_id: str, payload: Mapping[str, object], caller: Caller) -> None:
        """Change a row."""
        refuse_write(table, "Update")
        environment = self._environment
        old = environment.row(table.name, row_id)
        values = read_values(environment, table, payload, creating=False)
        self._check_secured(table, values, caller, creating=False)
        _check_required(table, values)
        row = dict(old)
        _apply(row, values.columns)
        self._stamp(table, row, caller)
        self._save(table, row_id, row, old, caller, values)
        other_id = partner_of(row) if table.name == CONNECTION else None
        if other_id is not None:
            other = environment.row(table.name, other_id)
            environment.storage.put(table.name, other_id, mirrored(environment.row(table.name, row_id), other))

    def delete(self, table: Table, row_id: str) -> None:
        """Delete a row; lookups to it are cleared, or forbid it, or their rows go too."""
        refuse_write(table, "Delete")
        environment = self._environment
        row = environment.row(table.name, row_id)
        with environment.storage.transaction():
            other_id = partner_of(row) if table.name == CONNECTION else None
            if other_id is not None:
                environment.storage.remove(table.name, other_id, environment.clock.now())
            if environment.storage.is_pointed_to(row_id):
                for relationship in environment.relationships.to(table.name):
                    self._let_go(relationship, table, row_id)
            leave_all(environment, table.name, row_id)
            environment.storage.remove(table.name, row_id, environment.clock.now())

    def force(self, table: str, row_id: str, **wire: object) -> None:
        """Set columns that a caller can't write, as the platform does."""
        row = self._environment.row(table, row_id) | {"modifiedon": self._environment.now()} | wire
        self._environment.storage.put(table, row_id, {name: value for name, value in row.items() if value is not None})

    def associate(self, table: Table, row_id: str, navigation: str, other: tuple[Table, str]) -> None:
        """Add a reference to a collection-valued navigation property of a row."""
        environment = self._environment
        crossing = environment.relationships.cross(table.name, navigation)
        if crossing is not None:
            relationship, first = crossing
            pair = (row_id, other[1]) if first else (other[1], row_id)
            associate(environment, relationship, pair)
            return
        known = environment.relationships.many(table.name, navigation)
        if known is None or known.table != other[0].name:
            raise Fault(400, "0x80060888", f"'{navigation}' doesn't lead to rows of '{other[0].name}'.")
        wire = other[0].columns[known.column].wire
        self.force(other[0].name, other[1], **{wire: row_id, f"{wire}!": table.name})

    def disassociate(self, table: Table, row_id: str, navigation: str, other: tuple[Table, str]) -> None:
        """Take a reference out of a collection-valued navigation property of a row."""
        environment = self._environment
        crossing = environment.relationships.cross(table.name, navigation)
        if crossing is not None:
            relationship, first = crossing
            pair = (row_id, other[1]) if first else (other[1], row_id)
            disassociate(environment, relationship, pair)
            return
        known = environment.relationships.many(table.name, navigation)
        if known is None or known.table != other[0].name:
            raise Fault(400, "0x80060888", f"'{navigation}' doesn't lead to rows of '{other[0].name}'.")
        wire = other[0].columns[known.column].wire
        if environment.row(other[0].name, other[1]).get(wire) == row_id:
            self.force(other[0].name, other[1], **{wire: None, f"{wire}!": None})

    def _made(self, table: Table, payload: Mapping[str, object], caller: Caller) -> tuple[Table, str]:
        return table, self.create(table, payload, caller)

    def _new(self, table: Table, row_id: str, caller: Caller) -> Row:
        now = self._environment.now()
        row: Row = {table.primary_id: row_id, "createdon": now, "_createdby_value": caller.user}
        if "ownerid" in table.columns:
            row["_ownerid_value"] = caller.user
            row["_ownerid_value!"] = "systemuser"
        if caller.behalf is not None:
            row["_createdonbehalfby_value"] = caller.behalf
        self._stamp(table, row, caller)
        return row | table.shape.defaults

    def _stamp(self, table: Table, row: Row, caller: Caller) -> None:
        row["modifiedon"] = self._environment.now()
        row["_modifiedby_value"] = caller.user
        row.pop("_modifiedonbehalfby_value", None)
        if caller.behalf is not None:
            row["_modifiedonbehalfby_value"] = caller.behalf

    def _save(self, table: Table, row_id: str, row: Row, old: Row | None, caller: Caller, values: Values) -> None:
        if "ownerid" in values.named:
            self._check_owner(table, row)
        if caller.detect:
            self._check_duplicates(table, row_id, row)
        if not caller.bypass:
            for rule in self.rules.get(table.name, []):
                try:
                    rule(row, old)
                except Refused as reason:
                    raise refused_by_rule(reason) from None
        _check_state(table, row, old, given="statuscode" in values.columns)
        _compute(table, row)
        self._exchange(table, row)
        self._check_keys(table, row_id, row)
        self._environment.storage.put(table.name, row_id, row)

    def _exchange(self, table: Table, row: Row) -> None:
        """Keep base amounts: the amount divided by the exchange rate of the row's currency."""
        environment = self._environment
        money = [name for name in table.shape.money if name in row]
        for name in table.shape.money:
            row.pop(f"{name}_base", None)
        if money:
            currency = str(row.setdefault("_transactioncurrencyid_value", environment.currency_id))
            rate = environment.storage.table("transactioncurrency").get(currency, {}).get("exchangerate", 1)
            for name in money:
                row[f"{name}_base"] = round(float(str(row[name])) / float(str(rate)), 4)

    def _check_secured(self, table: Table, values: Values, caller: Caller, *, creating: bool) -> None:
        if not caller.limited:
            return
        for name, rights in self._environment.secured.get(table.name, {}).items():
            if name in values.named and not (rights.create if creating else rights.update):
                if creating:
                    text = "The user does not have create permissions to a secured field."
                    raise Fault(403, "0x8004f502", f"{text} The requested operation could not be completed.")
                text = "The user doesn't have AttributePrivilegeUpdate and not granted shared access for a secured"
                raise Fault(403, "0x8004f507", f"{text} attribute during update operation")

    def _check_owner(self, table: Table, row: Row) -> None:
        """Refuse an owner that can own nothing.

        Source: Microsoft Learn, "Web service error codes", CannotAssignToAccessTeam and UserNotAssignedRoles.
        """
        owner = str(row["_ownerid_value"])
        team = self._environment.storage.table("team").get(owner, {}) if row["_ownerid_value!"] == "team" else {}
        if team.get("teamtype") == 1:
            text = "You cannot assign a record to the access team. You can assign a record to the owner team."
            raise Fault(400, "0x80048340", text)
        if owner in self.without_role:
            text = f"The user with id {owner} has not been assigned any roles. They need a role with the"
            raise Fault(403, "0x80042f09", f"{text} prvRead{table.schema} privilege.")

    def _check_duplicates(self, table: Table, row_id: str, row: Row) -> None:
        columns = self.duplicate_rules.get(table.name, ())
        wires = [table.columns[name].wire for name in columns]
        wanted = key_values(row, wires) if wires else None
        if wanted is None:
            return
        for other, held in self._environment.storage.table(table.name).items():
            if other != row_id and key_values(held, wires) == wanted:
                text = "A record was not created or updated because a duplicate of the current record already exists."
                raise Fault(412, "0x80040333", text)

    def _check_keys(self, table: Table, row_id: str, row: Row) -> None:
        for key in table.keys:
            wires = [table.columns[name].wire for name in key.columns]
            wanted = key_values(row, wires)
            owner = self._environment.storage.by_key(table, key, wanted) if wanted is not None else None
            if owner is not None and owner != row_id:
                labels = ", ".join(table.columns[name].display_name or name for name in key.columns)
                raise Fault(
                    412,
                    "0x80060892",
                    f"A record that has the attribute values {labels} already exists. The entity key "
                    f"{key.schema_name or key.name} requires that this set of attributes contains unique values. "
                    "Select unique values and try again.",
                )

    def _let_go(self, relationship: OneToMany, table: Table, row_id: str) -> None:
        source = self._environment.tables[relationship.table]
        wire = source.columns[relationship.column].wire
        stored = self._environment.storage.table(source.name)
        pointing = [
            held
            for held, row in stored.items()
            if row.get(wire) == row_id and row.get(f"{wire}!", table.name) == table.name and held != row_id
        ]
        if pointing and relationship.cascade_delete == "Restrict":
            text = "The object cannot be deleted because it is associated with another object."
            raise Fault(405, "0x80040227", text)
        for held in pointing:
            if relationship.cascade_delete == "Cascade":
                if held in stored:  # the other row of a connection goes with the first
                    self.delete(source, held)
            else:
                row = {name: value for name, value in stored[held].items() if name not in (wire, f"{wire}!")}
                self._environment.storage.put(source.name, held, row)


def _apply(row: Row, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        if value is None:
            row.pop(name, None)
        else:
            row[name] = value


def _check_required(table: Table, values: Values) -> None:
    """Refuse to clear what the platform itself requires; what only forms require may be cleared."""
    for name in sorted(values.named):
        column = table.columns[name]
        if column.required == "SystemRequired" and values.columns.get(column.wire, "") is None:
            raise Fault(400, "0x80040200", f"The required column '{name}' of '{table.name}' can't be cleared.")


def _compute(table: Table, row: Row) -> None:
    if "fullname" in table.columns:
        names = [str(row[part]) for part in ("firstname", "middlename", "lastname") if row.get(part)]
        row.pop("fullname", None)
        if names:
            row["fullname"] = " ".join(names)
    if "owninguser" in table.columns:
        team = row.get("_ownerid_value!") == "team"
        row.pop("_owninguser_value", None)
        row.pop("_owningteam_value", None)
        row["_owningteam_value" if team else "_owninguser_value"] = row["_ownerid_value"]


def _check_state(table: Table, row: Row, old: Row | None, *, given: bool) -> None:
    states = table.shape.states
    if not states or states.get(row.get("statuscode")) == row.get("statecode"):
        return
    moved = old is not None and old.get("statecode") != row.get("statecode")
    if moved and not given:
        row["statuscode"] = next(value for value, state in states.items() if state == row["statecode"])
        return
    text = f"{row.get('statuscode')} is not a valid status code for state code {row.get('statecode')} on {table.name}."
    raise Fault(400, "0x80048408", text)
