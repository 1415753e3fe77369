"""All objects of one instance beside its people."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from ...clock import SandboxClock
from ..persons import API, People
from ..tokens import Tokens
from ..values import second
from . import standard
from .calls import Access, ObjectCalls
from .custom import CustomObjects
from .definition import ObjectType
from .metadata import CustomObjectTypes
from .reading import Reading
from .records import RecordId, Records, guids, numbers
from .relations import CompanyRules, OpportunityRules, PersonLinks, RoleRules, SalesPersonRules
from .writing import Rules, Writing

#: First id of a company and of a sales person.
_FIRST_COMPANY: Final = 2101
_FIRST_SALES_PERSON: Final = 3101


class Objects:
    """Companies, sales persons, opportunities, opportunity roles, named accounts and custom objects.

    Args:
        clock: Tells the time.
        tokens: Makes paging tokens.
        people: The people; they are told apart from their companies here, and roles and linked records follow them.
        native_sync: Marketo's own Dynamics sync is on.
        custom_object_schema: The subscription has the schema calls of custom objects.
        seed: Makes GUIDs repeatable.

    Attributes:
        links: What being linked to a company and a sales person means for people.
        companies: Companies.
        sales_persons: Sales persons.
        opportunities: Opportunities.
        roles: Opportunity roles.
        named_accounts: Named accounts.
        custom: Custom objects.
        types: Custom object types.
    """

    def __init__(
        self,
        clock: SandboxClock,
        tokens: Tokens,
        people: People,
        *,
        native_sync: bool,
        custom_object_schema: bool,
        seed: int,
    ) -> None:
        self._clock = clock
        self._tokens = tokens
        chance = random.Random(f"objects {seed}")
        guid = guids(chance)
        companies = self._records(standard.company(), numbers(_FIRST_COMPANY))
        sales = self._records(standard.sales_person(), numbers(_FIRST_SALES_PERSON))
        opportunities = self._records(standard.opportunity(), guid)
        roles = self._records(standard.opportunity_role(), guid)
        accounts = self._records(standard.named_account(), guid)
        self.links = PersonLinks(people, companies, sales)
        company_rules = CompanyRules(self.links, people, sales)
        role_rules = RoleRules(people, opportunities, roles)
        access: Access = "reads" if native_sync else "all"
        hidden: Access = "nothing" if native_sync else "all"
        owned = SalesPersonRules(people, sales, companies, company_rules)
        self.companies = self._calls(companies, company_rules, access, more=False)
        self.sales_persons = self._calls(sales, owned, access)
        self.opportunities = self._calls(opportunities, OpportunityRules(roles, companies, sales), access)
        self.roles = self._calls(roles, role_rules, hidden)
        self.named_accounts = self._calls(accounts, Rules(), "all")
        self.custom = CustomObjects(clock, tokens, people, companies, chance)
        self.types = CustomObjectTypes(self.custom, people, sold=custom_object_schema)
        people.on_delete += [role_rules.forget, self.custom.forget]
        merged: list[Callable[[int, Sequence[int]], None]] = [role_rules.merged, self.custom.merged, self.links.merged]
        people.on_merge += merged

    def standard(self, name: str) -> ObjectCalls:
        """Return the calls of a standard object by the name that its path has.

        Raises:
            ValueError: There is no such object.
        """
        known = {
            "companies": self.companies,
            "salespersons": self.sales_persons,
            "opportunities": self.opportunities,
            "opportunities/roles": self.roles,
            "namedaccounts": self.named_accounts,
        }
        if name not in known:
            raise ValueError(f"no object '{name}'; there are {', '.join(known)}")
        return known[name]

    def _records(self, kind: ObjectType, new_id: Callable[[], RecordId]) -> Records:
        return Records(self._clock, kind, new_id)

    def _calls(self, records: Records, rules: Rules, access: Access, *, more: bool = True) -> ObjectCalls:
        reading = Reading(records, self._tokens, more=more)
        return ObjectCalls(records, reading, Writing(records, rules, API), second(self._clock.now()), access)
