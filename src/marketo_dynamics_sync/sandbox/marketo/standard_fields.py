"""The person fields that every instance has.

Names and labels are those of Adobe's page "Standard Fields", with the system fields of recorded describe answers added.
Types, lengths and the ids 44, 53, 55, 56, 130, 131 and 479 follow those recordings; other ids, and types that no
recording shows, are plausible choices.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class StandardField:
    """One row of the table.

    Attributes:
        name: REST API name.
        type: Marketo ``dataType``.
        label: Name in the user interface.
        id: Number used in change records.
        length: Longest text, where it is not the usual one of the type.
        updateable: Whether the API may write it.
        searchable: Whether people can be looked up by it.
    """

    name: str
    type: str
    label: str
    id: int
    length: int | None = None
    updateable: bool = True
    searchable: bool = False


#: Fields of the person's company, which a native CRM sync owns.
COMPANY: Final = frozenset(
    {
        "annualRevenue",
        "billingCity",
        "billingCountry",
        "billingPostalCode",
        "billingState",
        "billingStreet",
        "company",
        "industry",
        "mainPhone",
        "numberOfEmployees",
        "sicCode",
        "site",
        "website",
    }
)

_SYSTEM = (
    StandardField("id", "integer", "Id", 44, updateable=False, searchable=True),
    StandardField("createdAt", "datetime", "Created At", 130, updateable=False),
    StandardField("updatedAt", "datetime", "Updated At", 131, updateable=False),
    StandardField("leadPartitionId", "integer", "Lead Partition Id", 479, updateable=False, searchable=True),
    StandardField("externalCompanyId", "string", "External Company Id", 41, length=50),
    StandardField("externalSalesPersonId", "string", "External Sales Person Id", 137, length=50),
    StandardField("contactCompany", "reference", "Contact Company", 61, updateable=False),
    StandardField("isAnonymous", "boolean", "Is Anonymous", 132, updateable=False),
    StandardField("emailInvalid", "boolean", "Email Invalid", 133),
    StandardField("emailInvalidCause", "string", "Email Invalid Cause", 134),
    StandardField("priority", "integer", "Priority", 135, updateable=False),
    StandardField("relativeScore", "integer", "Relative Score", 136, updateable=False),
    StandardField("urgency", "float", "Urgency", 138, updateable=False),
)

_IDS = {"firstName": 53, "lastName": 55, "email": 56, "middleName": 54}

_TABLE = """
address text Address 2000
annualRevenue currency Annual Revenue
anonymousIP string Anonymous IP
billingCity string Billing City
billingCountry string Billing Country
billingPostalCode string Billing Postal Code
billingState string Billing State
billingStreet text Billing Address 2000
city string City
company string Company Name
country string Country
dateOfBirth date Date of Birth
department string Department
doNotCall boolean Do Not Call
doNotCallReason text Do Not Call Reason 2000
email email Email Address
facebookDisplayName string Marketo Social Facebook Display Name
facebookId string Marketo Social Facebook Id
facebookPhotoURL string Marketo Social Facebook Photo URL
facebookProfileURL string Marketo Social Facebook Profile URL
facebookReach integer Marketo Social Facebook Reach
facebookReferredEnrollments integer Marketo Social Facebook Referred Enrollments
facebookReferredVisits integer Marketo Social Facebook Referred Visits
fax phone Fax Number
firstName string First Name
gender string Marketo Social Gender
industry string Industry
inferredCompany string Inferred Company
inferredCountry string Inferred Country
jigsawContactId string Marketo Data.com ID
jigsawContactStatus string Marketo Data.com Status
lastName string Last Name
lastReferredEnrollment datetime Marketo Social Last Referred Enrollment
lastReferredVisit datetime Marketo Social Last Referred Visit
leadRole string Role 50
leadScore integer Lead Score
leadSource string Lead Source
leadStatus string Lead Status
linkedInDisplayName string Marketo Social LinkedIn Display Name
linkedInId string Marketo Social LinkedIn Id
linkedInPhotoURL string Marketo Social LinkedIn Photo URL
linkedInProfileURL string Marketo Social LinkedIn Profile URL
linkedInReach integer Marketo Social LinkedIn Reach
linkedInReferredEnrollments integer Marketo Social LinkedIn Referred Enrollments
linkedInReferredVisits integer Marketo Social LinkedIn Referred Visits
mainPhone phone Main Phone
middleName string Middle Name
mobilePhone phone Mobile Phone Number
numberOfEmployees integer Num Employees
phone phone Phone Number
postalCode string Postal Code
rating string Lead Rating
salutation string Salutation
sicCode string SIC Code 40
site string Site 80
state string State
syndicationId string Marketo Social Syndication ID
title string Job Title
totalReferredEnrollments integer Marketo Social Total Referred Enrollments
totalReferredVisits integer Marketo Social Total Referred Visits
twitterDisplayName string Marketo Social Twitter Display Name
twitterId string Marketo Social Twitter Id
twitterPhotoURL string Marketo Social Twitter Photo URL
twitterProfileURL string Marketo Social Twitter Profile URL
twitterReach integer Marketo Social Twitter Reach
twitterReferredEnrollments integer Marketo Social Twitter Referred Enrollments
twitterReferredVisits integer Marketo Social Twitter Referred Visits
unsubscribed boolean Unsubscribed
unsubscribedReason text Unsubscribed Reason 2000
website url Website
"""

_READ_ONLY = ("anonymousIP", "inferredCompany", "inferredCountry")
_SEARCHABLE = ("email", "facebookId", "linkedInId", "twitterId")


def _row(position: int, line: str) -> StandardField:
    name, kind, *words = line.split()
    length = int(words.pop()) if words[-1].isdecimal() else None
    return StandardField(
        name,
        kind,
        " ".join(words),
        _IDS.get(name, 200 + position),
        length=length,
        updateable=name not in _READ_ONLY,
        searchable=name in _SEARCHABLE,
    )


#: All of them, system fields first.
STANDARD_FIELDS: Final = _SYSTEM + tuple(
    _row(position, line) for position, line in enumerate(_TABLE.strip().splitlines())
)
