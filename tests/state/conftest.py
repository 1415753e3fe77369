"""A SQLite store in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marketo_dynamics_sync.state import SQLiteStateStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sync.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStateStore]:
    store = SQLiteStateStore(path)
    yield store
    store.close()
