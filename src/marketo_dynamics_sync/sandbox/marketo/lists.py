"""Static lists and their members (Adobe, "Static Lists")."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime

from attrs import define, field

from ..clock import SandboxClock
from .activities import ADD_TO_LIST, REMOVE_FROM_LIST, ActivityLog
from .envelope import Answer, Refusal, skipped
from .parameters import Parameters
from .tokens import BadToken, Tokens, scope_of
from .values import second, whole_number


@define
class StaticList:
    """One static list.

    Attributes:
        id: Its id.
        name: Its name.
        made: When it was made.
        members: Person ids.
        description: What it is for.
        program: Name of its program, or ``""``.
        workspace: Name of its workspace.
        joined: When each member joined, by person id.
    """

    id: int
    name: str
    made: datetime
    members: set[int] = field(factory=set)
    description: str = ""
    program: str = ""
    workspace: str = "Default"
    joined: dict[int, datetime] = field(factory=dict)


class StaticLists:
    """The static lists of one instance.

    An unknown list in the path is refused with 1013, which public material does not settle.

    Args:
        clock: Tells the time.
        log: Where membership changes are written.
        tokens: Makes paging tokens.
        people: Tells which person ids exist.
    """

    def __init__(self, clock: SandboxClock, log: ActivityLog, tokens: Tokens, people: Container[int]) -> None:
        self._clock = clock
        self._log = log
        self._tokens = tokens
        self._people = people
        self._lists: dict[int, StaticList] = {}

    def create(self, name: str, *, description: str = "", program: str = "", workspace: str = "Default") -> StaticList:
        """Make a list."""
        made = StaticList(
            1001 + len(self._lists),
            name,
            self._clock.now(),
            description=description,
            program=program,
            workspace=workspace,
        )
        self._lists[made.id] = made
        return made

    def need(self, number: str | int) -> StaticList:
        """Return a list.

        Raises:
            Refusal: 1013, there is none with that id.
        """
        found = self._lists.get(whole_number(str(number)) or 0)
        if found is None:
            raise Refusal("1013", f"List '{number}' not found")
        return found

    def named(self, name: str) -> StaticList | None:
        """Return a list by its name, or ``None``."""
        return next((item for item in self._lists.values() if item.name == name), None)

    def add_member(self, target: StaticList, person: int) -> None:
        """Put a person on a list; the person's ``updatedAt`` stays."""
        if person not in target.members:
            target.members.add(person)
            target.joined[person] = self._clock.now()
            self._log.write(person, ADD_TO_LIST, primary=target.name, primary_id=target.id)

    def forget(self, person: int) -> None:
        """Take a deleted person off all lists."""
        for item in self._lists.values():
            item.members.discard(person)

    def merge(self, winner: int, losers: Iterable[int]) -> None:
        """Give the losers' memberships to the winner."""
        gone = set(losers)
        for item in self._lists.values():
            if item.members & gone:
                item.members -= gone
                item.members.add(winner)
                item.joined.setdefault(winner, self._clock.now())

    def browse(self, given: Parameters) -> Answer:
        """``GET /rest/v1/lists.json``."""
        ids, names = given.numbers("id", most=300), given.many("name", most=300)
        programs, workspaces = given.many("programName"), given.many("workspaceName")
        matches = [
            item
            for item in self._lists.values()
            if (not ids or item.id in ids)
            and (not names or item.name in names)
            and (not programs or item.program in programs)
            and (not workspaces or item.workspace in workspaces)
        ]
        token, scope = given.one("nextPageToken"), scope_of("lists", ids, names, programs, workspaces)
        try:
            after = self._tokens.read("lists", token, scope) if token else 0
        except BadToken:
            raise Refusal("1003", "Invalid value for parameter 'nextPageToken'") from None
        left, size = [item for item in matches if item.id > after], given.size()
        answer: Answer = {"result": [_show(item) for item in left[:size]]}
        if len(left) > size:
            answer["nextPageToken"] = self._tokens.make("lists", left[size - 1].id, scope)
        return answer

    def of_person(self, given: Parameters, person: str) -> Answer:
        """``GET /rest/v1/leads/{id}/listMembership.json``; an unknown person is refused with 1004, a choice."""
        number = whole_number(person)
        if number is None or number not in self._people:
            raise Refusal("1004", f"Lead '{person}' not found")
        token, scope = given.one("nextPageToken"), scope_of("membership", number)
        try:
            after = self._tokens.read("membership", token, scope) if token else 0
        except BadToken:
            raise Refusal("1003", "Invalid value for parameter 'nextPageToken'") from None
        left = [item for item in self._lists.values() if number in item.members and item.id > after]
        size = given.size()
        page = left[:size]
        answer: Answer = {
            "result": [
                {"listId": item.id, "createdAt": stamp, "updatedAt": stamp}
                for item in page
                for stamp in [second(item.joined[number])]
            ],
            "moreResult": len(left) > size,
        }
        if len(left) > size:
            answer["nextPageToken"] = self._tokens.make("membership", page[-1].id, scope)
        return answer

    def one(self, given: Parameters, number: str) -> Answer:
        """``GET /rest/v1/lists/{id}.json``."""
        return {"result": [_show(self.need(number))]}

    def add(self, given: Parameters, number: str) -> Answer:
        """``POST /rest/v1/lists/{id}/leads.json``."""
        target = self.need(number)
        result: list[Answer] = []
        for person in given.ids():
            if isinstance(person, int) and person in self._people:
                self.add_member(target, person)
                result.append({"id": person, "status": "added"})
            else:
                result.append({"id": person, **skipped("1004", "Lead not found")})
        return {"result": result}

    def remove(self, given: Parameters, number: str) -> Answer:
        """``DELETE /rest/v1/lists/{id}/leads.json``."""
        target = self.need(number)
        result: list[Answer] = []
        for person in given.ids():
            if not isinstance(person, int) or person not in self._people:
                result.append({"id": person, **skipped("1004", "Lead not found")})
            elif person not in target.members:
                result.append({"id": person, **skipped("1015", "Lead not in list")})
            else:
                target.members.discard(person)
                self._log.write(person, REMOVE_FROM_LIST, primary=target.name, primary_id=target.id)
                result.append({"id": person, "status": "removed"})
        return {"result": result}

    def is_member(self, given: Parameters, number: str) -> Answer:
        """``GET /rest/v1/lists/{id}/leads/ismember.json``."""
        target = self.need(number)
        result: list[Answer] = []
        for person in given.ids():
            if not isinstance(person, int) or person not in self._people:
                result.append({"id": person, **skipped("1004", "Lead not found")})
            else:
                result.append({"id": person, "status": "memberof" if person in target.members else "notmemberof"})
        return {"result": result}


def _show(item: StaticList) -> Answer:
    made = second(item.made)
    shown: Answer = {"id": item.id, "name": item.name}
    if item.description:
        shown["description"] = item.description
    if item.program:
        shown["programName"] = item.program
    return {**shown, "workspaceName": item.workspace, "createdAt": made, "updatedAt": made}
