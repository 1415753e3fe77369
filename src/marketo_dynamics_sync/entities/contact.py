"""The Contact: a Dynamics contact and its Marketo person, with the native sync's default fields.

Source of the mapping: Adobe, "Default Dynamics Field Mapping"; REST names of standard fields: Adobe developer
documentation, "Standard Fields". Fields that the native sync creates in Marketo under a "Microsoft" label have no
published REST name; they are mapped to the camel-case name of the label and left out where Marketo doesn't have them.
"""

from __future__ import annotations

from datetime import datetime

from .account import Account
from .codecs import Choice, Email, Guid, Phone
from .direction import Direction
from .fields import mapped
from .model import Entity, entity
from .objects import person
from .user import User
from .values import Ref


@entity(name="contact", marketo=person(), dynamics="contacts", direction=Direction.TWO_WAY)
class Contact(Entity):
    """A Dynamics contact and its Marketo person. On a clash Dynamics wins, unless the policy says otherwise."""

    crm_id: Guid | None = mapped(marketo="dynamicsId", dynamics="contactid", key=True, optional=True)
    """Row id of the contact, kept in a custom Marketo field so that the two always find each other again."""
    created_on: datetime | None = mapped(
        marketo="microsoftCreatedDate", dynamics="createdon", direction=Direction.TO_MARKETO, optional=True
    )
    """When the contact was made in Dynamics."""
    microsoft_type: str | None = mapped(marketo="microsoftType", constant="Contact", optional=True)
    """What the person is in Dynamics; empty for one that is in Marketo only."""
    is_deleted: bool | None = mapped(marketo="microsoftIsDeleted", direction=Direction.TO_MARKETO, optional=True)
    """Set in Marketo when the row was deleted in Dynamics; Dynamics has no such column."""
    account: Ref[Account] | None = mapped(
        marketo="externalCompanyId", dynamics="parentcustomerid", direction=Direction.TO_MARKETO, optional=True
    )
    """The company the person belongs to in Marketo; only where accounts are synced."""
    owner: Ref[User] | None = mapped(
        marketo="externalSalesPersonId", dynamics="ownerid", direction=Direction.TO_MARKETO, optional=True
    )
    """The owner: a user where users are synced, a team where teams are."""
    salutation: str | None = mapped(marketo="salutation", dynamics="salutation", optional=True)
    """Salutation."""
    first_name: str | None = mapped(marketo="firstName", dynamics="firstname", optional=True)
    """First name."""
    middle_name: str | None = mapped(marketo="middleName", dynamics="middlename", optional=True)
    """Middle name."""
    last_name: str | None = mapped(marketo="lastName", dynamics="lastname", optional=True)
    """Last name; Dynamics' forms require it."""
    email: Email | None = mapped(marketo="email", dynamics="emailaddress1", optional=True)
    """E-mail address."""
    job_title: str | None = mapped(marketo="title", dynamics="jobtitle", optional=True)
    """Job title."""
    phone: Phone | None = mapped(marketo="phone", dynamics="telephone1", optional=True)
    """Business phone."""
    mobile_phone: Phone | None = mapped(marketo="mobilePhone", dynamics="mobilephone", optional=True)
    """Mobile phone."""
    address: str | None = mapped(marketo="address", dynamics="address1_line1", optional=True)
    """Street, first line."""
    address_2: str | None = mapped(marketo="microsoftAddress2", dynamics="address1_line2", optional=True)
    """Street, second line."""
    address_3: str | None = mapped(marketo="microsoftAddress3", dynamics="address1_line3", optional=True)
    """Street, third line."""
    city: str | None = mapped(marketo="city", dynamics="address1_city", optional=True)
    """City."""
    state: str | None = mapped(marketo="state", dynamics="address1_stateorprovince", optional=True)
    """State or province."""
    country: str | None = mapped(marketo="country", dynamics="address1_country", optional=True)
    """Country or region."""
    postal_code: str | None = mapped(marketo="postalCode", dynamics="address1_postalcode", optional=True)
    """Postal code."""
    status: Choice | None = mapped(
        marketo="leadStatus", dynamics="statecode", direction=Direction.TO_MARKETO, optional=True
    )
    """Status (active, inactive). A state is never pushed: Dynamics moves it by actions."""
    status_reason: Choice | None = mapped(
        marketo="microsoftStatusReason", dynamics="statuscode", direction=Direction.TO_MARKETO, optional=True
    )
    """Status reason."""
    notes: str | None = mapped(marketo="personNotes", dynamics="description", optional=True)
    """Person notes."""
    do_not_call: bool | None = mapped(marketo="doNotCall", dynamics="donotphone", opt_out=True, optional=True)
    """Do not call: an opt-out on either side wins."""
    unsubscribed: bool | None = mapped(marketo="unsubscribed", dynamics="donotbulkemail", opt_out=True, optional=True)
    """Unsubscribed: an opt-out on either side wins."""
    do_not_email: bool | None = mapped(
        marketo="microsoftDoNotEmail", dynamics="donotemail", opt_out=True, optional=True
    )
    """Do not e-mail: an opt-out on either side wins."""
    do_not_fax: bool | None = mapped(marketo="microsoftDoNotFax", dynamics="donotfax", opt_out=True, optional=True)
    """Do not fax: an opt-out on either side wins."""
    do_not_send_material: bool | None = mapped(
        marketo="microsoftDoNotSendMarketingMaterial", dynamics="donotsendmm", opt_out=True, optional=True
    )
    """Do not send marketing material: an opt-out on either side wins."""
    home_phone: Phone | None = mapped(marketo="microsoftHomePhone", dynamics="telephone2", optional=True)
    """Home phone."""
    preferred_contact_method: Choice | None = mapped(
        marketo="microsoftPreferredMethodOfContact", dynamics="preferredcontactmethodcode", optional=True
    )
    """Preferred method of contact."""
    last_moment_at: datetime | None = mapped(
        marketo="msiLastInterestingMomentDate",
        dynamics="mkt_lastinterestingmomentdate",
        direction=Direction.TO_DYNAMICS,
        optional=True,
    )
    """When the last interesting moment was."""
    last_moment: str | None = mapped(
        marketo="msiLastInterestingMomentDesc",
        dynamics="mkt_lastinterestingmomentdesc",
        direction=Direction.TO_DYNAMICS,
        optional=True,
    )
    """What the last interesting moment was."""
    last_moment_source: str | None = mapped(
        marketo="msiLastInterestingMomentSource",
        dynamics="mkt_leadinterestingmomentsource",
        direction=Direction.TO_DYNAMICS,
        optional=True,
    )
    """Where the last interesting moment came from."""
    last_moment_type: str | None = mapped(
        marketo="msiLastInterestingMomentType",
        dynamics="mkt_lastinterestingmomenttype",
        direction=Direction.TO_DYNAMICS,
        optional=True,
    )
    """Kind of the last interesting moment."""
    relative_score: int | None = mapped(
        marketo="relativeScore", dynamics="mkt_relativescore", direction=Direction.TO_DYNAMICS, optional=True
    )
    """Relative score, computed by Marketo."""
    priority: int | None = mapped(
        marketo="priority", dynamics="mkt_priority", direction=Direction.TO_DYNAMICS, optional=True
    )
    """Priority, computed by Marketo."""
    urgency: float | None = mapped(
        marketo="urgency", dynamics="mkt_urgency", direction=Direction.TO_DYNAMICS, optional=True
    )
    """Relative urgency, computed by Marketo."""
    score: int | None = mapped(
        marketo="leadScore", dynamics="mkt_leadscore", direction=Direction.TO_DYNAMICS, optional=True
    )
    """Person score, computed by Marketo."""
