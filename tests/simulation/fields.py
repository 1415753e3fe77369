"""The oracle's own list of person fields: where each side keeps them, and when two values are one.

Written by hand and not taken from the entities, so that a wrong mapping shows.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class PersonField:
    """One field of a person.

    Attributes:
        name: Its name in the entities.
        marketo: REST name.
        column: Column of a lead and of a contact.
        kind: ``"text"``, ``"flag"`` or ``"choice"``.
        opt_out: A "yes" on either side may never be undone by us.
        contacts: Contacts have it too.
        longest: Characters that Dynamics takes.
    """

    name: str
    marketo: str
    column: str
    kind: str = "text"
    opt_out: bool = False
    contacts: bool = True
    longest: int = 100

    def same(self, value: object) -> object:
        """Return the value in the one form by which values of both sides are compared."""
        if self.kind == "flag":
            return value is True
        if self.kind == "choice":
            return RATINGS.get(value, value) or None
        return str(value if value is not None else "").strip() or None


RATINGS: Final[dict[object, str]] = {1: "Hot", 2: "Warm", 3: "Cold"}

#: Fields that flow both ways.
TWO_WAY: Final = {
    field.name: field
    for field in (
        PersonField("first_name", "firstName", "firstname", longest=50),
        PersonField("last_name", "lastName", "lastname", longest=50),
        PersonField("email", "email", "emailaddress1"),
        PersonField("job_title", "title", "jobtitle"),
        PersonField("phone", "phone", "telephone1", longest=50),
        PersonField("city", "city", "address1_city", longest=80),
        PersonField("notes", "personNotes", "description", longest=2000),
        PersonField("rating", "rating", "leadqualitycode", kind="choice", contacts=False),
        PersonField("do_not_call", "doNotCall", "donotphone", kind="flag", opt_out=True),
        PersonField("unsubscribed", "unsubscribed", "donotbulkemail", kind="flag", opt_out=True),
        PersonField("do_not_email", "microsoftDoNotEmail", "donotemail", kind="flag", opt_out=True),
    )
}
#: Columns of leads and contacts that only Dynamics may change.
THEIRS: Final = ("statecode", "statuscode", "_ownerid_value", "_parentcustomerid_value", "_parentcontactid_value")
#: The lead that a contact was made from.
ORIGIN: Final = "_originatingleadid_value"
#: Tables that are only read.
SOURCES: Final = ("systemuser", "account", "opportunity")
#: Tables of people.
PEOPLE: Final = ("lead", "contact")


def of(kind: str) -> list[PersonField]:
    """Return the fields that records of a kind have: ``"person"``, ``"lead"`` or ``"contact"``."""
    return [field for field in TWO_WAY.values() if field.contacts or kind != "contact"]
