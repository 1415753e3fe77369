"""Companies, sales persons, opportunities and their roles, named accounts and custom objects."""

from .definition import Link, ObjectField, ObjectType
from .desk import Objects
from .versions import CustomType

__all__ = ["CustomType", "Link", "ObjectField", "ObjectType", "Objects"]
