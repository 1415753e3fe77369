"""How people, companies, sales persons and opportunities hang together.

The rules with a published source: people linked to a company inherit its values, and leave it only for another one
(Adobe, "Companies"); company fields of such people cannot be written by Sync Leads ("Leads", and 1021 on "Error
Codes"; an article of Marketo's knowledge base, "How Company IDs Work Within Marketo", says instead that such a write
changes the company); changes of a company reach all its people (same article); a sales person with people, or with a
company that was deleted, cannot be deleted ("Sales Persons"); an opportunity's unknown sales person refuses the call
with 718 ("Error Codes"); both ends of a role must exist ("Opportunity Roles").

Open in public material and chosen: an unknown company or sales person skips the record with 1013; emptying
``externalCompanyId`` of somebody who has a company skips it with 1003; a company with people, and a sales person with
a company, cannot be deleted (1022); roles go with their opportunity and with their person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..envelope import Refusal, Skip
from ..persons import People
from ..standard_fields import COMPANY
from ..values import Value
from .records import RecordId, Records
from .writing import Rules

_COMPANY = "externalCompanyId"
_OWNER = "externalSalesPersonId"


def _known(records: Records, name: str, values: Mapping[str, object]) -> bool:
    value = values.get(name)
    return value is None or value == "" or records.one(name, value) is not None


class PersonLinks:
    """What being linked to a company and a sales person means for people.

    Args:
        people: The people.
        companies: The companies.
        sales: The sales persons.
    """

    def __init__(self, people: People, companies: Records, sales: Records) -> None:
        self._people = people
        self._companies = companies
        self._sales = sales

    def company_of(self, person: int) -> RecordId | None:
        """Return the company that a person is linked to, or ``None``."""
        (held,) = self._people.select(person, (_COMPANY,)).values()
        return None if held is None else self._companies.one(_COMPANY, held)

    def settle(self, person: int | None, values: Mapping[str, Value | None]) -> dict[str, Value | None]:
        """Return what is really to be written when a call writes values to a person.

        Args:
            person: The person, or ``None`` while it is not made.
            values: Accepted values.

        Raises:
            Skip: 1003, 1013 or 1021, the person cannot be written so.
        """
        if not _known(self._sales, _OWNER, values):
            raise Skip("1013", "Record not found")
        company = None if person is None else self.company_of(person)
        linked = company
        if _COMPANY in values:
            linked = self._asked(company, values[_COMPANY])
        if linked is None:
            return dict(values)
        if not COMPANY.isdisjoint(values):
            raise Skip("1021", "Company update not allowed")
        return dict(values) if linked == company else {**values, **self.inherited(linked)}

    def inherited(self, company: RecordId) -> dict[str, Value | None]:
        """Return a company's values as its people have them."""
        row = self._companies[company]
        return {name: row.get(name) for name in self._shared()}

    def people_of(self, company: RecordId) -> list[int]:
        """Return the ids of a company's people."""
        key = self._companies[company].get(_COMPANY)
        return [] if key is None else self._people.find(_COMPANY, str(key))

    def merged(self, winner: int, losers: Sequence[int]) -> None:
        """Give the values of its company to somebody who got one by a merge."""
        company = self.company_of(winner)
        if company is not None:
            self._people.update(winner, self.inherited(company), "Merge Leads")

    def _asked(self, company: RecordId | None, key: Value | None) -> RecordId | None:
        if key is None:
            if company is not None:
                raise Skip("1003", f"Invalid value for field '{_COMPANY}' and value 'null'")
            return None
        found = self._companies.one(_COMPANY, key)
        if found is None:
            raise Skip("1013", "Record not found")
        return found

    def _shared(self) -> list[str]:
        fields = self._companies.kind.fields
        custom = {item.name for item in fields.values() if item.custom and item.name in self._people.fields}
        return sorted((COMPANY | custom) & fields.keys())


class CompanyRules(Rules):
    """Rules of companies.

    Args:
        links: People and their companies.
        people: The people.
        sales: The sales persons.
    """

    def __init__(self, links: PersonLinks, people: People, sales: Records) -> None:
        self._links = links
        self._people = people
        self._sales = sales
        #: Keys of sales persons whose company was deleted.
        self.left_behind: set[str] = set()

    def check(self, record: RecordId | None, values: Mapping[str, Value | None]) -> None:
        if not _known(self._sales, _OWNER, values):
            raise Skip("1013", "Record not found")

    def check_delete(self, record: RecordId) -> None:
        if self._links.people_of(record):
            raise Skip("1022", "Object in use")

    def written(self, record: RecordId, changed: Mapping[str, Value | None], source: str) -> None:
        values = {name: value for name, value in self._links.inherited(record).items() if name in changed}
        for person in self._links.people_of(record):
            self._people.update(person, values, source)

    def deleted(self, row: Mapping[str, Value]) -> None:
        if _OWNER in row:
            self.left_behind.add(str(row[_OWNER]).casefold())


class SalesPersonRules(Rules):
    """Rules of sales persons.

    Args:
        people: The people.
        sales: The sales persons.
        companies: The companies.
        company_rules: Remembers the owners of deleted companies.
    """

    def __init__(self, people: People, sales: Records, companies: Records, company_rules: CompanyRules) -> None:
        self._people = people
        self._sales = sales
        self._companies = companies
        self._company_rules = company_rules

    def check_delete(self, record: RecordId) -> None:
        key = str(self._sales[record][_OWNER])
        left = key.casefold() in self._company_rules.left_behind
        if left or self._people.find(_OWNER, key) or self._companies.find((_OWNER,), (key,)):
            raise Skip("1022", "Object in use")


class OpportunityRules(Rules):
    """Rules of opportunities.

    Args:
        roles: The opportunity roles.
        companies: The companies.
        sales: The sales persons.
    """

    def __init__(self, roles: Records, companies: Records, sales: Records) -> None:
        self._roles = roles
        self._companies = companies
        self._sales = sales

    def before(self, records: Sequence[Mapping[str, object]]) -> None:
        if not all(_known(self._sales, _OWNER, record) for record in records):
            raise Refusal("718", "ExternalSalesPersonID not found")

    def check(self, record: RecordId | None, values: Mapping[str, Value | None]) -> None:
        if not _known(self._companies, _COMPANY, values):
            raise Skip("1013", "Record not found")

    def deleted(self, row: Mapping[str, Value]) -> None:
        name = "externalOpportunityId"
        for role in self._roles.find((name,), (row[name],)):
            self._roles.delete(role)


class RoleRules(Rules):
    """Rules of opportunity roles.

    Args:
        people: The people.
        opportunities: The opportunities.
        roles: The roles.
    """

    def __init__(self, people: People, opportunities: Records, roles: Records) -> None:
        self._people = people
        self._opportunities = opportunities
        self._roles = roles

    def check(self, record: RecordId | None, values: Mapping[str, Value | None]) -> None:
        if record is not None:
            return
        if values["leadId"] not in self._people:
            raise Skip("1004", "Lead not found")
        if not _known(self._opportunities, "externalOpportunityId", values):
            raise Skip("1013", "Record not found")

    def forget(self, person: int) -> None:
        """Delete the roles of somebody who was deleted."""
        drop_of(self._roles, "leadId", person)

    def merged(self, winner: int, losers: Sequence[int]) -> None:
        """Give the losers' roles to the winner; of two that become the same, the winner's stays."""
        for loser in losers:
            for role in self._roles.find(("leadId",), (loser,)):
                row = self._roles[role]
                key = ("externalOpportunityId", "leadId", "role")
                if self._roles.find(key, (row["externalOpportunityId"], winner, row["role"])):
                    self._roles.delete(role)
                else:
                    self._roles.update(role, {"leadId": winner})


def drop_of(records: Records, name: str, person: int) -> None:
    """Delete the records that name a person."""
    for record in records.find((name,), (person,)):
        records.delete(record)
