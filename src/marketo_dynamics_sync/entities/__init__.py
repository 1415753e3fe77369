"""What a record is: entity classes, their fields, and the codecs that carry values. Pure: no I/O here."""

from .account import Account
from .binding import BoundEntity, BoundField, LeftOut, Return, bind, without
from .codecs import (
    Choice,
    Choices,
    Codec,
    Email,
    Guid,
    Money,
    Phone,
    Url,
)
from .company_fields import COMPANY_FIELDS
from .contact import Contact
from .definition import EntityDefinition, EntityField
from .digests import Digest
from .direction import Direction, Side
from .discovery import Discovery, MappedField, Restriction, Suggestion, discover
from .drift import SchemaChange
from .fields import mapped
from .generation import generate_source
from .lead import Lead
from .model import Entity, entity
from .objects import (
    MarketoObject,
    company,
    custom_object,
    opportunity,
    opportunity_role,
    person,
    sales_person,
)
from .opportunities import Opportunity
from .opportunity_roles import OpportunityRole
from .provision import NewField, Provision, missing_fields
from .record import Record
from .schema import FieldInfo, ObjectInfo, Option
from .team import Team
from .user import User
from .values import JSON, UNREADABLE, Invalid, Ref, Values

__all__ = [
    "COMPANY_FIELDS",
    "JSON",
    "UNREADABLE",
    "Account",
    "BoundEntity",
    "BoundField",
    "Choice",
    "Choices",
    "Codec",
    "Contact",
    "Digest",
    "Direction",
    "Discovery",
    "Email",
    "Entity",
    "EntityDefinition",
    "EntityField",
    "FieldInfo",
    "Guid",
    "Invalid",
    "Lead",
    "LeftOut",
    "MappedField",
    "MarketoObject",
    "Money",
    "NewField",
    "ObjectInfo",
    "Opportunity",
    "OpportunityRole",
    "Option",
    "Phone",
    "Provision",
    "Record",
    "Ref",
    "Restriction",
    "Return",
    "SchemaChange",
    "Side",
    "Suggestion",
    "Team",
    "Url",
    "User",
    "Values",
    "bind",
    "company",
    "custom_object",
    "discover",
    "entity",
    "generate_source",
    "mapped",
    "missing_fields",
    "opportunity",
    "opportunity_role",
    "person",
    "sales_person",
    "without",
]
