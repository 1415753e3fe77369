"""For tests of users: described objects, and suites that connectors and stores have to pass."""

from .objects import described_person, described_table

__all__ = ["described_person", "described_table"]
