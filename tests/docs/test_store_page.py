"""The store that the how-to shows passes the suite that the how-to recommends."""

from __future__ import annotations

from typing import Any, cast

from .test_pages import DOCS, blocks_of

PAGE = DOCS / "howto" / "store.md"


def shown() -> type:
    """Return the test class that the page shows, made from the page's own text."""
    blocks = blocks_of(PAGE)
    store = next(block for block in blocks if "class LogStateStore" in block.text)
    suite = next(block for block in blocks if "(StateStoreSuite)" in block.text)
    namespace: dict[str, Any] = {"__name__": __name__}
    for block in (store, suite):
        exec(cast("Any", block.compiled()), namespace)
    return cast("type", namespace["TestLogStateStore"])


TestLogStateStore = shown()
