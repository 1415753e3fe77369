"""The Account: a Dynamics account and the Marketo company made of it.

Source of the mapping: Adobe, "Default Dynamics Field Mapping"; REST names: Adobe developer documentation, "Companies".
Fields that the native sync creates in Marketo have no published REST name; they are mapped to the camel-case name of
the label and left out where companies don't have them. They are custom fields of the company, made by hand or with
"Create Company Field" of the REST API.
"""

from __future__ import annotations

from .codecs import Choice, Guid, Money, Phone, Url
from .direction import Direction
from .fields import mapped
from .model import Entity, entity
from .objects import company
from .user import User
from .values import Ref


@entity(name="account", marketo=company(), dynamics="accounts", direction=Direction.TO_MARKETO)
class Account(Entity):
    """A Dynamics account and its Marketo company. Dynamics always wins."""

    account_id: Guid | None = mapped(marketo="externalCompanyId", dynamics="accountid", key=True)
    """Row id of the account, by which Marketo tells companies apart."""
    name: str | None = mapped(marketo="company", dynamics="name", optional=True)
    """Name of the company."""
    owner: Ref[User] | None = mapped(marketo="externalSalesPersonId", dynamics="ownerid", optional=True)
    """The account's owner, where that is a sales person in Marketo: a user, or a team where teams are synced."""
    phone: Phone | None = mapped(marketo="mainPhone", dynamics="telephone1", optional=True)
    """Main phone."""
    street: str | None = mapped(marketo="billingStreet", dynamics="address1_line1", optional=True)
    """Billing address, first line."""
    street_2: str | None = mapped(marketo="microsoftBillingAddress2", dynamics="address1_line2", optional=True)
    """Billing address, second line."""
    street_3: str | None = mapped(marketo="microsoftBillingAddress3", dynamics="address1_line3", optional=True)
    """Billing address, third line."""
    city: str | None = mapped(marketo="billingCity", dynamics="address1_city", optional=True)
    """City."""
    state: str | None = mapped(marketo="billingState", dynamics="address1_stateorprovince", optional=True)
    """State or province."""
    country: str | None = mapped(marketo="billingCountry", dynamics="address1_country", optional=True)
    """Country or region."""
    postal_code: str | None = mapped(marketo="billingPostalCode", dynamics="address1_postalcode", optional=True)
    """Postal code."""
    business_type: Choice | None = mapped(marketo="businessType", dynamics="businesstypecode", optional=True)
    """Business type, by its label."""
    account_number: str | None = mapped(marketo="microsoftAccountNumber", dynamics="accountnumber", optional=True)
    """Account number."""
    status: Choice | None = mapped(marketo="microsoftCompanyStatus", dynamics="statecode", optional=True)
    """Status (active, inactive)."""
    industry: Choice | None = mapped(marketo="industry", dynamics="industrycode", optional=True)
    """Industry, by its label."""
    annual_revenue: Money | None = mapped(marketo="annualRevenue", dynamics="revenue", optional=True)
    """Annual revenue, in the account's own currency."""
    employees: int | None = mapped(marketo="numberOfEmployees", dynamics="numberofemployees", optional=True)
    """Number of employees."""
    sic_code: str | None = mapped(marketo="sicCode", dynamics="sic", optional=True)
    """SIC code."""
    website: Url | None = mapped(marketo="website", dynamics="websiteurl", optional=True)
    """Website."""
    notes: str | None = mapped(marketo="companyNotes", dynamics="description", optional=True)
    """Company notes."""
