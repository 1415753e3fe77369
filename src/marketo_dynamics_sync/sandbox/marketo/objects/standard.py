"""The objects that every instance has.

Keys, searchable fields, and the fields with their types and lengths are those of Adobe's pages "Companies", "Sales
Persons", "Opportunities", "Opportunity Roles" and "Named Accounts". Those pages show extracts; the other fields of
companies and opportunities are the ones that Adobe's page "Marketo Engage field mappings" (Experience Platform)
names, where a type that no page gives is a plausible choice. ``externalSalesPersonId`` of companies and
opportunities, and ``externalCompanyId`` of opportunities, are on "Sales Persons" and "Non-Native Sync for Microsoft
Dynamics".
"""

from __future__ import annotations

from typing import Final

from .definition import ObjectField, ObjectType, by_name

_STAMPS: Final = (
    ObjectField("createdAt", "datetime", updateable=False, system=True, custom=False),
    ObjectField("updatedAt", "datetime", updateable=False, system=True, custom=False),
)
_NUMBER: Final = ObjectField("id", "integer", updateable=False, system=True, custom=False)
#: The field that objects without a number are told apart by.
GUID: Final = ObjectField("marketoGUID", "string", 36, False, "Marketo GUID", system=True, custom=False)
STAMPS: Final = _STAMPS


def _given(name: str, label: str = "", length: int = 255) -> ObjectField:
    return ObjectField(name, "string", length, updateable=False, label=label, custom=False)


def _fields(table: str) -> list[ObjectField]:
    """Return fields from lines of name, type, label and, where it is not the usual one, length."""
    found: list[ObjectField] = []
    for line in table.strip().splitlines():
        name, kind, *words = line.split()
        length = int(words.pop()) if words and words[-1].isdecimal() else None
        found.append(ObjectField(name, kind, length, label=" ".join(words), custom=False))
    return found


_COMPANY = """
company string Company Name
site string Site
website url Website
mainPhone string Main Phone
annualRevenue currency Annual Revenue
billingCity string Billing City
billingCountry string Billing Country
billingPostalCode string Billing Postal Code
billingState string Billing State
billingStreet text Billing Address
companyNotes text Company Notes
externalSalesPersonId string External Sales Person Id 255
industry string Industry
numberOfEmployees integer Num Employees
sicCode string SIC Code 40
"""

_OPPORTUNITY = """
name string Name
description string Description 2000
type string Type
stage string Stage
amount currency Amount
closeDate date Close Date
expectedRevenue currency Expected Revenue
externalCompanyId string External Company Id 100
externalCreatedDate datetime External Created Date
externalSalesPersonId string External Sales Person Id 255
fiscalQuarter string Fiscal Quarter
fiscalYear integer Fiscal Year
forecastCategory string Forecast Category
forecastCategoryName string Forecast Category Name
isClosed boolean Is Closed
isWon boolean Is Won
lastActivityDate date Last Activity Date
leadSource string Lead Source
nextStep string Next Step
probability integer Probability
quantity float Quantity
source string Source
"""

_ACCOUNT = """
domainName string Domain Name
industry string Industry
sicCode string SIC Code 40
city string City
annualRevenue currency Annual Revenue
country string Country
logoUrl url Logo URL
numberOfEmployees integer Number Of Employees
score1 integer Score 1
score2 integer Score 2
score3 integer Score 3
score4 integer Score 4
score5 integer Score 5
state string State
"""


def company() -> ObjectType:
    """Return companies (Adobe, "Companies", "Describe")."""
    return ObjectType(
        "Company",
        "Company",
        "id",
        ("externalCompanyId",),
        (("externalCompanyId",), ("id",), ("company",)),
        by_name([*_fields(_COMPANY), _given("externalCompanyId", length=100), _NUMBER, *_STAMPS]),
        description="Company object",
    )


def sales_person() -> ObjectType:
    """Return sales persons (Adobe, "Sales Persons", "Describe"; the names are on "Create and Update")."""
    names = (ObjectField("firstName", custom=False), ObjectField("lastName", custom=False))
    keys = (_given("externalSalesPersonId"), _given("email", "Email"))
    number = ObjectField("id", "integer", updateable=False, label="Marketo Id", system=True, custom=False)
    return ObjectType(
        "SalesPerson",
        "Sales Person",
        "id",
        ("externalSalesPersonId",),
        (("email",), ("id",), ("externalSalesPersonId",)),
        by_name([*keys, *names, number, *_STAMPS]),
        description="Sales person object",
    )


def opportunity() -> ObjectType:
    """Return opportunities (Adobe, "Opportunities", "Describe", "Query Fields")."""
    key = _given("externalOpportunityId", "SFDC Oppty Id", 50)
    return ObjectType(
        "opportunity",
        "Opportunity",
        "marketoGUID",
        ("externalOpportunityId",),
        (("externalOpportunityId",), ("marketoGUID",)),
        by_name([key, *_fields(_OPPORTUNITY), GUID, *_STAMPS]),
        description="Opportunity object",
        required=("name",),
    )


def opportunity_role() -> ObjectType:
    """Return opportunity roles (Adobe, "Opportunity Roles", "Describe")."""
    key = ("externalOpportunityId", "leadId", "role")
    fields = (
        GUID,
        _given("externalOpportunityId", length=50),
        ObjectField("leadId", "integer", updateable=False, custom=False),
        _given("role", length=50),
        ObjectField("isPrimary", "boolean", custom=False),
        ObjectField("externalCreatedDate", "datetime", custom=False),
    )
    return ObjectType(
        "opportunityRole",
        "Opportunity Role",
        "marketoGUID",
        key,
        (key, ("marketoGUID",), ("leadId",), ("externalOpportunityId",)),
        by_name([*fields, *_STAMPS]),
        description="Opportunity role object",
    )


def named_account() -> ObjectType:
    """Return named accounts (Adobe, "Named Accounts", "Describe")."""
    counted = [
        ObjectField("membershipCount", "integer", updateable=False, system=True, custom=False),
        ObjectField("opptyAmount", "currency", updateable=False, system=True, custom=False),
        ObjectField("opptyCount", "integer", updateable=False, system=True, custom=False),
    ]
    fields = _fields(_ACCOUNT)
    searched = sorted(item.name for item in (_given("name"), *fields, *counted))
    return ObjectType(
        "Named Account",
        "Named Account",
        "marketoGUID",
        ("name",),
        (("marketoGUID",), *((name,) for name in searched)),
        by_name([_given("name", "Name"), *fields, *counted, GUID, *_STAMPS]),
        description="Marketo standard account attribute map",
    )
