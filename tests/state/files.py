"""Ways to look behind a SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from marketo_dynamics_sync.state import Commit, SQLiteStateStore


def database(path: Path, *statements: str) -> None:
    """Run statements on a database file, and close it."""
    db = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()


def asked(path: Path, statement: str) -> Any:
    db = sqlite3.connect(path)
    (answer,) = db.execute(statement).fetchone()
    db.close()
    return answer


def files(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


def every_use(store: SQLiteStateStore) -> Iterator[Callable[[], object]]:
    """Yield every way into the file."""
    yield lambda: store.commit(Commit(facts={"identity:marketo": "123-ABC-456"}))
    yield lambda: store.links_by_dynamics("lead", ["1"])
    yield lambda: store.links_by_marketo(["1"])
    yield lambda: list(store.links("lead"))
    yield lambda: store.count_links("lead")
    yield lambda: list(store.unseen("lead"))
    yield lambda: store.forget_seen("lead")
    yield lambda: store.checkpoint("persons")
    yield lambda: store.fact("identity:marketo")
    yield lambda: list(store.journal())
    yield lambda: list(store.parked())
    yield lambda: list(store.rejected())
    yield lambda: store.intents("lead", ["1"])
