"""What a record is: entity classes, their fields, and the codecs that carry values. Pure: no I/O here."""

from .account import Account
from .binding import BoundEntity, BoundField, LeftOut, bind, without
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
from .contact import Contact
from .definition import EntityDefinition, EntityField
from .direction import Direction, Side
from .fields import mapped
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
from .record import Record
from .schema import FieldInfo, ObjectInfo, Option
from .user import User
from .values import JSON, UNREADABLE, Invalid, Ref, Values

__all__ = [
    "JSON",
    "UNREADABLE",
    "Account",
    "BoundEntity",
    "BoundField",
    "Choice",
    "Choices",
    "Codec",
    "Contact",
    "Direction",
    "Email",
    "Entity",
    "EntityDefinition",
    "EntityField",
    "FieldInfo",
    "Guid",
    "Invalid",
    "Lead",
    "LeftOut",
    "MarketoObject",
    "Money",
    "ObjectInfo",
    "Opportunity",
    "Option",
    "Phone",
    "Record",
    "Ref",
    "Side",
    "Url",
    "User",
    "Values",
    "bind",
    "company",
    "custom_object",
    "entity",
    "mapped",
    "opportunity",
    "opportunity_role",
    "person",
    "sales_person",
    "without",
]
