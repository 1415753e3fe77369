"""For tests of users: described objects, and suites that connectors and stores have to pass."""

from .connectors import ConnectorBench, ConnectorSuite
from .objects import described_person, described_table

__all__ = ["ConnectorBench", "ConnectorSuite", "described_person", "described_table"]
