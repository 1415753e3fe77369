"""The Opportunity: a Dynamics opportunity and the Marketo opportunity made of it.

Source of the mapping: Adobe, "Default Dynamics Field Mapping"; REST names: Adobe developer documentation,
"Opportunities".
"""

from __future__ import annotations

from datetime import date, datetime

from .account import Account
from .codecs import Choice, Guid, Money
from .contact import Contact
from .direction import Direction
from .fields import mapped
from .model import Entity, entity
from .objects import opportunity
from .user import User
from .values import Ref


@entity(name="opportunity", marketo=opportunity(), dynamics="opportunities", direction=Direction.TO_MARKETO)
class Opportunity(Entity):
    """A Dynamics opportunity and its Marketo opportunity. Dynamics always wins."""

    opportunity_id: Guid | None = mapped(marketo="externalOpportunityId", dynamics="opportunityid", key=True)
    """Row id of the opportunity, by which Marketo tells opportunities apart."""
    name: str | None = mapped(marketo="name", dynamics="name", optional=True)
    """Topic."""
    account: Ref[Account] | None = mapped(marketo="externalCompanyId", dynamics="parentaccountid", optional=True)
    """The company: the account, or that of the contact that is the customer."""
    customer: Ref[Contact] | None = mapped(dynamics="customerid", read_only=True, optional=True)
    """The potential customer, an account or a contact. A contact has a role in the opportunity."""
    contact: Ref[Contact] | None = mapped(dynamics="parentcontactid", read_only=True, optional=True)
    """The contact that the form names, who has a role in the opportunity too."""
    owner: Ref[User] | None = mapped(marketo="externalSalesPersonId", dynamics="ownerid", optional=True)
    """The owner, where that is a sales person in Marketo: a user, or a team where teams are synced."""
    description: str | None = mapped(marketo="description", dynamics="description", optional=True)
    """Description."""
    stage: Choice | None = mapped(marketo="stage", dynamics="statecode", optional=True)
    """Open, won or lost."""
    probability: int | None = mapped(marketo="probability", dynamics="closeprobability", optional=True)
    """Close probability, in percent."""
    amount: Money | None = mapped(marketo="amount", dynamics="estimatedvalue", optional=True)
    """Estimated value, in the opportunity's own currency."""
    close_date: date | None = mapped(marketo="closeDate", dynamics="actualclosedate", optional=True)
    """Day on which it was closed."""
    created_on: datetime | None = mapped(marketo="externalCreatedDate", dynamics="createdon", optional=True)
    """When it was made in Dynamics."""
