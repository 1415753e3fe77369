"""Marketing lists: their members, and the campaigns they are tied to.

Source: Microsoft Learn, "AddListMembersList action" (unbound, ``List`` and ``Members``), "AddItemCampaign action"
(bound to a list, ``Campaign``), "listmember EntityType" (*Operations supported*: POST, GET of many, DELETE) and "list
EntityType" (a list takes members of one type; a locked one takes none). ``RemoveMemberList`` has no counterpart in the
Web API, so a member is removed by deleting its row; "Unlock a marketing list" (ClickDimensions support) has that a
locked list gives none away either. Codes are those of "Web service error codes". Open in public material and chosen: a
row that is a member already is passed over, an action that can't add one member adds none, and an inactive campaign is
as closed as an inactive list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from .actions import entity_parameter
from .environment import Environment
from .errors import Fault, bad_payload, wrong_method
from .metadata import Column, Table
from .relationships import ManyToMany, OneToMany
from .rows import Caller, Rows
from .storage import Row

LIST: Final = "list"
MEMBER: Final = "listmember"
#: Which table each value of a list's ``createdfromcode`` stands for.
_TYPES: Final = {1: "account", 2: "contact", 4: "lead"}


def member_table() -> Table:
    """Return the table of list members, which the schema documents leave out.

    Source: Microsoft Learn, "Marketing List Member (ListMember) table/entity reference".
    """
    columns = (
        Column(f"{MEMBER}id", "Uniqueidentifier", "SystemRequired"),
        Column("name", "String", "ApplicationRequired", max_length=100),
        Column("entityid", "Lookup", "SystemRequired", targets=tuple(_TYPES.values())),
        Column("entitytype", "String", "SystemRequired", max_length=64),
        Column("listid", "Lookup", "SystemRequired", targets=(LIST,)),
        Column("createdby", "Lookup", targets=("systemuser",), read_only=True),
        Column("createdon", "DateTime", read_only=True),
        Column("modifiedby", "Lookup", targets=("systemuser",), read_only=True),
        Column("modifiedon", "DateTime", read_only=True),
        Column("versionnumber", "BigInt", read_only=True),
    )
    return Table(MEMBER, "listmembers", f"{MEMBER}id", {column.name: column for column in columns}, tracked=False)


def relate(environment: Environment) -> None:
    """Tie lists to campaigns, and let members go with their list, or with the row that is the member."""
    known = environment.relationships
    name = "campaignlist_association"
    known.crossing.append(ManyToMany(name, "campaign", LIST, name, name, "campaignitem"))
    for column, targets in (("listid", (LIST,)), ("entityid", tuple(_TYPES.values()))):
        for target in targets:
            key = (MEMBER, column, target)
            single = environment.tables[MEMBER].columns[column].navigation(target, MEMBER)
            made = f"{target}_{MEMBER}_{column}"
            known.added[key] = OneToMany(made, *key, single, made, cascade_delete="Cascade")


class Marketing:
    """Carries out what is done with lists.

    Args:
        environment: Where the rows are.
        rows: Writes rows.
    """

    def __init__(self, environment: Environment, rows: Rows) -> None:
        self._environment = environment
        self._rows = rows

    def add(self, list_id: str, members: Sequence[tuple[str, str]], caller: Caller) -> None:
        """Add rows to a list, all or none.

        Args:
            list_id: The list.
            members: Table and id of each.
            caller: Who adds them.

        Raises:
            Fault: There is no such list or row, the list is locked, or it takes rows of another table.
        """
        environment = self._environment
        row = environment.row(LIST, list_id)
        if row.get("type"):
            raise Fault(400, "0x8004f701", "This action is not valid for dynamic marketing lists.")
        self._unlocked(row)
        taken = _TYPES.get(int(str(row.get("createdfromcode", 0))))
        there = {
            str(held["_entityid_value"])
            for held in environment.storage.table(MEMBER).values()
            if held["_listid_value"] == list_id
        }
        with environment.storage.transaction():
            for table, member in dict.fromkeys(members):
                if table != taken:
                    text = f"Rows of '{table}' can't be members of this marketing list: its members are '{taken}'."
                    raise Fault(400, "0x80040301", text)
                environment.row(table, member)
                if member not in there:
                    ends: dict[str, object] = {"_listid_value": list_id, "_listid_value!": LIST}
                    ends |= {"_entityid_value": member, "_entityid_value!": table, "entitytype": table}
                    self._rows.create(environment.tables[MEMBER], {}, caller, defaults=ends)

    def wish(self, body: Mapping[str, object]) -> tuple[str, list[tuple[str, str]]]:
        """Return list and members that the body of ``AddListMembersList`` names.

        Raises:
            Fault: It names none.
        """
        table, list_id = entity_parameter(self._environment, body, "List")
        members = body.get("Members")
        if table != LIST or not isinstance(members, list):
            raise bad_payload("", "The parameters 'List' and 'Members' are required.")
        return list_id, [entity_parameter(self._environment, {"Members": each}, "Members") for each in members]

    def tie(self, list_id: str, campaign: str) -> str:
        """Tie a list to a campaign, and return the id of the row between them.

        Raises:
            Fault: One of them isn't there, or is inactive.
        """
        environment = self._environment
        for table, row_id in ((LIST, list_id), ("campaign", campaign)):
            if environment.row(table, row_id).get("statecode") != 0:
                raise Fault(400, "0x80040304", "Cannot associate an inactive item to a Campaign.")
        environment.storage.link("campaignlist_association", campaign, list_id)
        return environment.id_of(f"{campaign} {list_id}")

    def check(self, method: str, key: str | None) -> None:
        """Hold a request for list members to what their table takes.

        Raises:
            Fault: It takes no such request, or the member's list is locked.
        """
        if key is None and method == "POST":
            raise Fault(501, "0x80040219", "The sandbox makes list members by AddListMembersList only.")
        if key is not None and method != "DELETE":
            raise wrong_method(method)
        member = self._environment.storage.table(MEMBER).get(str(key).lower())
        if member is not None:
            self._unlocked(self._environment.row(LIST, str(member["_listid_value"])))

    @staticmethod
    def _unlocked(row: Row) -> None:
        if row.get("lockstatus"):
            raise Fault(400, "0x80040302", "This action is not valid while the marketing list is locked.")
