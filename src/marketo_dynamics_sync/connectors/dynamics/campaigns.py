"""Campaigns of a Dataverse environment, and the marketing lists through which persons belong to them.

Source: Microsoft Learn, "list EntityType", "listmember EntityType", "AddListMembersList action" and "AddItemCampaign
action". The Web API has no ``RemoveMemberList``: a member is removed by deleting its row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from ...errors import OutcomeUnknownError, RequestRejectedError
from ..campaigns import Campaign, MarketingList, Member
from ..protocol import Problem
from .batch import Part, batch_call, decode
from .call import Call
from .catalog import Catalog
from .query import query
from .reading import PIECES, Reader
from .refusal import DUPLICATE_ID, ROW_MISSING, Refusal, refusal

#: ``createdfromcode`` by table of the members.
_CODES: Final = {"contact": 2, "lead": 4}
#: Rows in one filter; a query with too many conditions is refused (0x8004430c).
CONDITIONS: Final = 300
#: Members that one action adds.
AT_ONCE: Final = 1000
#: Rounds of "look what is missing, then do that" after lost answers, and of deletions that met a limit.
ROUNDS: Final = 5
_JSON: Final = {"Content-Type": "application/json"}
_NAMESPACE: Final = "Microsoft.Dynamics.CRM"


@frozen
class DynamicsCampaigns:
    """Campaigns and their lists, through a reader's channel.

    Attributes:
        reader: Reads rows, and has the way to the Web API.
        catalog: Knows who we are.
    """

    reader: Reader
    catalog: Catalog

    def campaigns(self) -> list[Campaign]:
        """Return the active campaigns, by name; templates of campaigns are left out."""
        return list(self._campaigns({"$filter": "statecode eq 0", "$orderby": "name,campaignid"}))

    def campaign(self, campaign_id: str) -> Campaign | None:
        """Return a campaign, active or not; ``None`` where there is none, or it is a template."""
        return next(self._campaigns({"$filter": f"campaignid eq {campaign_id}"}), None)

    def open_list(self, wanted: MarketingList) -> None:
        """Make a list where it is missing, and tie it to its campaign where it isn't tied.

        Its id is chosen by us, so an answer that was lost is made good by looking again: there is never a second list.

        Raises:
            SyncError: Dynamics refuses it, or doesn't answer.
        """
        for left in reversed(range(ROUNDS)):
            made, tied = self._state_of(wanted)
            if made and tied:
                return
            try:
                if not made:
                    self._make(wanted)
                if not tied:
                    body = {"Campaign": _row("campaign", wanted.campaign)}
                    self._post(f"lists({wanted.id})/{_NAMESPACE}.AddItemCampaign", body)
            except OutcomeUnknownError:
                if not left:
                    raise
            else:
                return

    def members(self, list_id: str, rows: Sequence[str]) -> list[Member]:
        """Return which of some rows are members of a list; none where there is no such list."""
        _, user = self.catalog.who_am_i()
        wanted = list(dict.fromkeys(row.lower() for row in rows))
        pieces = [wanted[start : start + CONDITIONS] for start in range(0, len(wanted), CONDITIONS)]
        found: dict[str, Member] = {}
        for start in range(0, len(pieces), PIECES):
            parts = [Part("GET", self._members_path(list_id, piece)) for piece in pieces[start : start + PIECES]]
            for answer in self.reader.together(parts):
                for row in answer.rows():
                    member = str(row["_entityid_value"]).lower()
                    ours = str(row.get("_createdby_value")).lower() == user
                    found[member] = Member(str(row["listmemberid"]).lower(), member, ours)
        return list(found.values())

    def add_members(self, wanted: MarketingList, rows: Sequence[str]) -> Mapping[str, Problem]:
        """Add rows to a list, and return why some couldn't be, by row id.

        An action adds all of its rows or none, so one that is refused because a row is gone is taken apart.

        Raises:
            SyncError: Dynamics doesn't answer, or the sync user may not do that.
        """
        refused: dict[str, Problem] = {}
        queue = [list(rows[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE)]
        while queue:
            some = queue.pop(0)
            try:
                self._add(wanted, some)
            except RequestRejectedError as error:
                if error.code == ROW_MISSING and len(some) > 1:
                    half = len(some) // 2
                    queue[:0] = [some[:half], some[half:]]
                    continue
                problem = Problem(error.code or str(error.status), str(error))
                refused |= dict.fromkeys(some, problem)
        return refused

    def remove_members(self, members: Sequence[Member]) -> Mapping[str, Problem]:
        """Delete memberships, and return why some couldn't be, by their ids. One that is gone already is done.

        Raises:
            SyncError: Dynamics doesn't answer.
        """
        refused: dict[str, Problem] = {}
        for start in range(0, len(members), AT_ONCE):
            refused |= self._delete([member.id for member in members[start : start + AT_ONCE]])
        return refused

    def _campaigns(self, options: Mapping[str, str]) -> Iterator[Campaign]:
        select = "campaignid,name,codename,statecode,istemplate"
        url = self.reader.address(f"campaigns{query({'$select': select, **options})}")
        for page in self.reader.pages(url, f"odata.maxpagesize={self.reader.page_size}"):
            for row in page.rows:
                if row.get("istemplate") is not True:
                    code = row.get("codename")
                    yield Campaign(
                        str(row["campaignid"]).lower(),
                        str(row.get("name") or ""),
                        None if code is None else str(code),
                        row.get("statecode") == 0,
                    )

    def _state_of(self, wanted: MarketingList) -> tuple[bool, bool]:
        path = self.reader.channel.environment.path
        only = query({"$select": "listid", "$filter": f"listid eq {wanted.id}"})
        tied_to = f"{path}/campaigns({wanted.campaign})/campaignlist_association{only}"
        made, tied = self.reader.together([Part("GET", f"{path}/lists{only}"), Part("GET", tied_to)])
        return bool(made.rows()), bool(tied.rows())

    def _make(self, wanted: MarketingList) -> None:
        body = {
            "listid": wanted.id,
            "listname": wanted.name,
            "type": False,
            "createdfromcode": _CODES[wanted.table],
        }
        try:
            self._post("lists", body)
        except RequestRejectedError as error:
            if error.code != DUPLICATE_ID:  # somebody was faster: it is there
                raise

    def _add(self, wanted: MarketingList, rows: list[str]) -> None:
        missing = rows
        for left in reversed(range(ROUNDS)):
            body = {
                "List": _row("list", wanted.id),
                "Members": [_row(wanted.table, row) for row in missing],
            }
            try:
                self._post("AddListMembersList", body)
            except OutcomeUnknownError:
                if not left:
                    raise
            else:
                return
            there = {member.row for member in self.members(wanted.id, missing)}
            missing = [row for row in missing if row not in there]
            if not missing:
                return

    def _delete(self, ids: Sequence[str]) -> dict[str, Problem]:
        channel = self.reader.channel
        refused: dict[str, Problem] = {}
        waiting = list(ids)
        for _ in range(ROUNDS):
            parts = [Part("DELETE", f"{channel.environment.path}/listmembers({member})") for member in waiting]
            answers = decode(channel.send(batch_call(channel.environment, parts, "writes", repeat=True)))
            again = waiting[len(answers) :]
            refused = {member: problem for member, problem in refused.items() if member not in waiting}
            for member, answer in zip(waiting, answers, strict=False):
                if answer.ok:
                    continue
                said = refusal(answer, channel.timing.clock())
                if said.code == ROW_MISSING:
                    continue
                refused[member] = _problem(said)
                if said.later:
                    channel.gate.hold(said.retry_after or 1.0)
                    again.append(member)
            refused |= dict.fromkeys(waiting[len(answers) :], _CUT)
            waiting = again
            if not waiting:
                break
        return refused

    def _members_path(self, list_id: str, rows: Sequence[str]) -> str:
        one_of = " or ".join(f"_entityid_value eq {row}" for row in rows)
        options = {
            "$select": "listmemberid,_entityid_value,_createdby_value",
            "$filter": f"_listid_value eq {list_id} and ({one_of})",
        }
        return f"{self.reader.channel.environment.path}/listmembers{query(options)}"

    def _post(self, path: str, body: Mapping[str, object]) -> None:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        self.reader.channel.send(Call("POST", self.reader.address(path), "writes", _JSON, content, repeat=False))


_CUT: Final = Problem("unknown", "the answer to a batch was cut", None, True)


def _row(table: str, row_id: str) -> dict[str, str]:
    return {f"{table}id": row_id, "@odata.type": f"{_NAMESPACE}.{table}"}


def _problem(said: Refusal) -> Problem:
    return Problem(said.code or str(said.status), said.clean(), None, said.later)
