"""For tests of users: described objects, strategies, and the suites that connectors and stores have to pass.

Names are looked up when they are first used: the strategies need hypothesis, the suites need pytest, and both come with
the extra ``testing``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connectors import ConnectorBench, ConnectorSuite
    from .objects import described_object, described_person, described_table
    from .stores import StateStoreSuite
    from .strategies import edits, links, records, values_of

_MODULES = {
    "ConnectorBench": "connectors",
    "ConnectorSuite": "connectors",
    "StateStoreSuite": "stores",
    "described_object": "objects",
    "described_person": "objects",
    "described_table": "objects",
    "edits": "strategies",
    "links": "strategies",
    "records": "strategies",
    "values_of": "strategies",
}
#: Modules whose assertions pytest is to explain; it has to know before they are imported.
_ASSERTIONS = {"connectors": ("connectors",), "stores": ("store_links", "store_notes", "store_safety")}

__all__ = [
    "ConnectorBench",
    "ConnectorSuite",
    "StateStoreSuite",
    "described_object",
    "described_person",
    "described_table",
    "edits",
    "links",
    "records",
    "values_of",
]


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if module in _ASSERTIONS and f"{__name__}.{module}" not in sys.modules:
        import_module("pytest").register_assert_rewrite(*(f"{__name__}.{part}" for part in _ASSERTIONS[module]))
    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return __all__
