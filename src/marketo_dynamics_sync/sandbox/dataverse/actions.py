"""Actions of sales: qualify a lead, merge two rows, win or lose an opportunity.

Source: Microsoft Learn, "QualifyLead", "Merge", "WinOpportunity" and "LoseOpportunity" actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from .environment import Environment
from .errors import Fault, bad_payload
from .rows import Caller, Rows
from .values import guid

#: State and status of a row that was merged into another, by table.
_INACTIVE: Final = {"lead": (2, 7), "contact": (1, 2), "account": (1, 2)}
#: Columns of a lead under other names on what it becomes.
_ACCOUNT_NAMES: Final = {"companyname": "name"}
_OPPORTUNITY_NAMES: Final = {"subject": "name"}
_OWN: Final = frozenset({"statecode", "statuscode", "leadsourcecode", "contactid", "accountid", "opportunityid"})


@frozen
class Wish:
    """What a lead is qualified into.

    Attributes:
        contact: Make a contact.
        account: Make an account.
        opportunity: Make an opportunity.
        status: Status code of the lead.
    """

    contact: bool = True
    account: bool = False
    opportunity: bool = False
    status: int = 3


class Actions:
    """Carries out actions."""

    def __init__(self, environment: Environment, rows: Rows) -> None:
        self._environment = environment
        self._rows = rows

    def qualify(self, lead: str, wish: Wish, caller: Caller) -> list[tuple[str, str]]:
        """Qualify a lead, and return table and id of the rows it became.

        Raises:
            Fault: It is closed already.
        """
        environment = self._environment
        source = environment.row("lead", lead)
        if source.get("statecode") != 0:
            raise Fault(400, "0x80081018", "The lead is already closed.")
        made: list[tuple[str, str]] = []
        with environment.storage.transaction():
            links: dict[str, object] = {}
            if wish.account:
                account = self._become("account", source, caller, _ACCOUNT_NAMES, {})
                made.append(("account", account))
                links["_parentaccountid_value"] = account
            if wish.contact:
                parent = {}
                if "_parentaccountid_value" in links:
                    parent = {
                        "_parentcustomerid_value": links["_parentaccountid_value"],
                        "_parentcustomerid_value!": "account",
                    }
                contact = self._become("contact", source, caller, {}, parent)
                made.append(("contact", contact))
                links["_parentcontactid_value"] = contact
            if wish.opportunity:
                opportunity = self._become("opportunity", source, caller, _OPPORTUNITY_NAMES, links)
                made.append(("opportunity", opportunity))
                links["_qualifyingopportunityid_value"] = opportunity
            self._rows.force("lead", lead, statecode=1, statuscode=wish.status, **links)
        return made

    def merge(self, table: str, target: str, subordinate: str, content: Mapping[str, object], caller: Caller) -> None:
        """Merge a row into another: it becomes inactive and points there, and what hung on it hangs there.

        Raises:
            Fault: They are the same, or one isn't there or not active.
        """
        environment = self._environment
        environment.row(table, target)
        old = environment.row(table, subordinate)
        if target == subordinate:
            raise Fault(400, "0x80045305", "Merge is not allowed: the target and the subordinate are the same.")
        if old.get("merged"):
            raise Fault(400, "0x80045304", "Merge could create cyclical parenting or the row is not active.")
        state, status = _INACTIVE[table]
        with environment.storage.transaction():
            if content:
                self._rows.update(environment.tables[table], target, content, caller)
            self._reparent(table, target, subordinate)
            closed = {"merged": True, "_masterid_value": target, "statecode": state, "statuscode": status}
            self._rows.force(table, subordinate, **closed)

    def close(self, opportunity: str, *, won: bool, status: int, details: Mapping[str, object]) -> None:
        """Win or lose an opportunity.

        Raises:
            Fault: It is closed already, or the status doesn't fit.
        """
        row = self._environment.row("opportunity", opportunity)
        if row.get("statecode") != 0:
            raise Fault(400, "0x80040515", "The opportunity has already been closed.")
        state = 1 if won else 2
        if self._environment.tables["opportunity"].shape.states.get(status) != state:
            text = f"{status} is not a valid status code for state code {state} on opportunity."
            raise Fault(400, "0x80048408", text)
        day = str(details.get("actualend") or self._environment.now())[:10]
        closed: dict[str, object] = {"statecode": state, "statuscode": status, "actualclosedate": day}
        if details.get("actualrevenue") is not None:
            closed["actualvalue"] = details["actualrevenue"]
        self._rows.force("opportunity", opportunity, **closed)

    def _become(
        self,
        table: str,
        lead: Mapping[str, object],
        caller: Caller,
        names: Mapping[str, str],
        links: Mapping[str, object],
    ) -> str:
        columns = self._environment.tables[table].columns
        payload = {
            kept: value
            for name, value in lead.items()
            if (kept := names.get(name, name)) in columns and not columns[kept].read_only and kept not in _OWN
        }
        defaults = dict(links)
        if "originatingleadid" in columns:
            defaults["_originatingleadid_value"] = lead["leadid"]
        for name in ("_transactioncurrencyid_value", "_ownerid_value", "_ownerid_value!"):
            if name in lead:
                defaults[name] = lead[name]
        return self._rows.create(self._environment.tables[table], payload, caller, defaults=defaults)

    def _reparent(self, table: str, target: str, subordinate: str) -> None:
        environment = self._environment
        for relationship in environment.relationships.to(table):
            source = environment.tables[relationship.table]
            wire = source.columns[relationship.column].wire
            if relationship.column == "masterid":
                continue
            for held, row in list(environment.storage.table(source.name).items()):
                if row.get(wire) == subordinate and held != subordinate:
                    self._rows.force(source.name, held, **{wire: target})


def qualify_wish(body: Mapping[str, object]) -> Wish:
    """Return what the body of ``QualifyLead`` asks for; flags and status are required."""
    flags = [body.get(name) for name in ("CreateContact", "CreateAccount", "CreateOpportunity")]
    status = body.get("Status")
    if not all(isinstance(flag, bool) for flag in flags) or not isinstance(status, int):
        raise bad_payload("leads", "CreateAccount, CreateContact, CreateOpportunity and Status are required.")
    return Wish(bool(flags[0]), bool(flags[1]), bool(flags[2]), 3 if status == -1 else status)


def entity_parameter(environment: Environment, body: Mapping[str, object], name: str) -> tuple[str, str]:
    """Return table and id of a row that a parameter of an action names.

    Raises:
        Fault: It names none.
    """
    value = body.get(name)
    data = value if isinstance(value, dict) else {}
    kind = str(data.get("@odata.type", "")).rsplit(".", 1)[-1]
    table = environment.tables.get(kind)
    if table is None or data.get(table.primary_id) is None:
        raise bad_payload("", f"The parameter '{name}' is missing or names no row.")
    return kind, guid(data[table.primary_id])
