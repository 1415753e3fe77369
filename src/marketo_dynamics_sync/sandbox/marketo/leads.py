"""Reading, deleting and merging people (Adobe, "Leads")."""

from __future__ import annotations

from collections.abc import Iterable

from .envelope import Answer, Refusal, missing, skipped
from .fields import Fields
from .lists import StaticLists
from .parameters import MOST, Parameters
from .partitions import Partitions
from .persons import API, People
from .tokens import BadToken, Tokens, scope_of
from .values import whole_number

_DEFAULT = ("id", "email", "updatedAt", "createdAt", "firstName", "lastName")
_MOST_MATCHES = 1000
_MOST_LOSERS = 25


class Leads:
    """Answers for people. ``id`` comes back with every person, asked for or not.

    Args:
        people: The people.
        fields: Their fields.
        lists: Static lists.
        partitions: Lead partitions.
        tokens: Makes paging tokens.
    """

    def __init__(
        self, people: People, fields: Fields, lists: StaticLists, partitions: Partitions, tokens: Tokens
    ) -> None:
        self._people = people
        self._fields = fields
        self._lists = lists
        self._partitions = partitions
        self._tokens = tokens

    def one(self, given: Parameters, person: str) -> Answer:
        """``GET /rest/v1/lead/{id}.json``. No recording shows an unknown id; here it gives an empty result."""
        names = self._names(given)
        number = _path_number(person)
        return {"result": [self._people.select(number, names)] if self._allowed(number, given) else []}

    def by_filter(self, given: Parameters) -> Answer:
        """``GET /rest/v1/leads.json``: people whose field has one of the values, by ascending id."""
        kind = given.need("filterType")
        if not self._fields.can_filter(kind):
            raise Refusal("1011", f"Field '{kind}' not supported")
        given.need("filterValues")
        values = given.many("filterValues", most=MOST)
        if kind == "id":
            given.numbers("filterValues")
        names = self._names(given)
        matches = sorted(
            {person for value in values for person in self._people.find(kind, value) if self._allowed(person, given)}
        )
        if len(matches) > _MOST_MATCHES:
            raise Refusal("1003", "Too many results match the filter")
        return self._page(given, matches, names, scope_of("leads", kind, sorted(values)))

    def of_list(self, given: Parameters, number: str) -> Answer:
        """``GET /rest/v1/lists/{id}/leads.json``: the members of a static list, by ascending id, without a limit."""
        members = self._lists.need(number).members
        names = self._names(given)
        matches = sorted(person for person in members if self._allowed(person, given))
        return self._page(given, matches, names, scope_of("list", number))

    def delete(self, given: Parameters) -> Answer:
        """``POST /rest/v1/leads/delete.json``, ``DELETE /rest/v1/leads.json``."""
        result: list[Answer] = []
        for raw in given.ids():
            number = whole_number(str(raw)) or 0
            if self._allowed(number, given):
                self._people.delete(number)
                self._lists.forget(number)
                result.append({"id": number, "status": "deleted"})
            else:
                result.append({"id": raw, **skipped("1004", "Lead not found")})
        return {"result": result}

    def merge(self, given: Parameters, winner: str) -> Answer:
        """``POST /rest/v1/leads/{id}/merge.json``: no result, or a refusal of the whole call."""
        given.flag("mergeInCRM")
        losers = list(dict.fromkeys(given.numbers("leadId") + given.numbers("leadIds")))
        number = _path_number(winner)
        if not losers:
            raise missing("leadId")
        if len(losers) > _MOST_LOSERS:
            raise Refusal("1080", f"The number of leads to merge exceeds the limit of {_MOST_LOSERS}")
        for person in (number, *losers):
            if not self._allowed(person, given):
                raise Refusal("1004", f"Lead '{person}' not found")
        if number in losers:
            raise Refusal("1003", f"Lead '{number}' cannot be merged into itself")
        self._people.merge(number, losers, API)
        self._lists.merge(number, losers)
        return {}

    def list_partitions(self, given: Parameters) -> Answer:
        """``GET /rest/v1/leads/partitions.json``."""
        return {"result": self._partitions.show(given.client)}

    def move(self, given: Parameters) -> Answer:
        """``POST /rest/v1/leads/partitions.json``: moves people to another partition."""
        result: list[Answer] = []
        allowed = self._partitions.of_client(given.client)
        for record in given.records(given.json_object()):
            raw, name = record.get("id"), record.get("partitionName")
            number = whole_number(str(raw)) or 0
            if not self._allowed(number, given):
                result.append({"id": raw, **skipped("1004", "Lead not found")})
            elif not isinstance(name, str) or name not in allowed:
                result.append({"id": raw, **skipped("1008", f"Access denied to partition '{name}'")})
            else:
                self._people.move(number, self._partitions.number(name), name)
                result.append({"id": number, "status": "updated"})
        return {"result": result}

    def _page(self, given: Parameters, matches: list[int], names: Iterable[str], scope: int) -> Answer:
        token = given.one("nextPageToken")
        try:
            after = self._tokens.read("people", token, scope) if token else 0
        except BadToken:
            raise Refusal("1003", "Invalid value for parameter 'nextPageToken'") from None
        size = given.size()
        left = [person for person in matches if person > after]
        page, chosen = left[:size], tuple(names)
        answer: Answer = {"result": [self._people.select(person, chosen) for person in page]}
        if len(left) > size:
            answer["nextPageToken"] = self._tokens.make("people", page[-1], scope)
        return answer

    def _names(self, given: Parameters) -> list[str]:
        names = given.many("fields") or list(_DEFAULT)
        for name in names:
            if name not in self._fields:
                raise Refusal("1006", f"Field '{name}' not found")
        return list(dict.fromkeys(["id", *names]))

    def _allowed(self, person: int, given: Parameters) -> bool:
        if person not in self._people:
            return False
        allowed = given.client.partitions
        return allowed is None or self._partitions.name(self._people.partition(person)) in allowed


def _path_number(raw: str) -> int:
    number = whole_number(raw)
    if number is None:
        raise Refusal("1001", f"Invalid value '{raw}'. Required of type 'Integer'")
    return number
