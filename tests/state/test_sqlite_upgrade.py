"""Files that older versions wrote: they open, nothing is lost, and they go on in the new form."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from marketo_dynamics_sync import __version__
from marketo_dynamics_sync.errors import StateError
from marketo_dynamics_sync.state import Commit, Intent, JournalEntry, Link, Parked, Rejected, SQLiteStateStore
from marketo_dynamics_sync.state import sqlite_file as file_module
from marketo_dynamics_sync.state.sqlite_schema import SCHEMA_VERSION, UPGRADES
from marketo_dynamics_sync.testing.store_case import full_commit

from .files import asked, database

FIXTURES = Path(__file__).with_name("fixtures")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REFUSED = (
    Rejected("contact", "dynamics", "77", "0x80044331", "too long", None, 1, NOON, NOON + timedelta(minutes=5)),
    Rejected("lead", "marketo", "row-9", "1006", "Field 'x' not found", "title", 3, NOON, NOON + timedelta(minutes=20)),
)


@pytest.fixture(params=sorted(FIXTURES.glob("version-*.sqlite")), ids=lambda file: file.stem)
def old(request: pytest.FixtureRequest, path: Path) -> Path:
    shutil.copyfile(request.param, path)
    return path


def test_there_is_a_file_of_every_older_version() -> None:
    found = [int(file.stem.removeprefix("version-")) for file in FIXTURES.glob("version-*.sqlite")]
    assert sorted(found) == sorted(UPGRADES) == list(range(1, SCHEMA_VERSION))


def test_everything_in_an_older_file_is_there(old: Path, store: SQLiteStateStore) -> None:
    base = {"email": "p1@example.com", "last_name": "Byron"}
    assert store.links_by_dynamics("lead", ["row-1"])["row-1"] == Link(
        "lead", "row-1", "1001", base, {"last_name": "Byron "}, 'W/"1"', frozenset(), "0123456789abcdef"
    )
    assert [link.unconfirmed for link in store.links("lead")] == [frozenset(), frozenset(), frozenset({"title"})]
    assert list(store.links("contact")) == [Link("contact", "row-0", "7")]
    assert (store.checkpoint("persons"), store.checkpoint("dynamics:leads")) == ("token", "delta")
    assert [entry.kind for entry in store.journal()] == ["linked", "conflict"]
    assert next(store.journal()) == JournalEntry(
        NOON, "lead", "linked", "1000", "row-0", None, {"reason": "recognised by email"}
    )
    assert list(store.parked()) == [
        Parked("lead", "dynamics", "row-1", "title", "hold", {"reason": "asked"}, NOON),
        Parked("lead", "dynamics", "row-8", "", "ambiguous", {"candidates": ["1", "2"]}, NOON),
    ]
    assert list(store.rejected()) == list(REFUSED)
    assert store.intents("lead", ["1009"]) == {"1009": Intent("lead", "1009", "row-new", NOON)}
    assert store.fact("identity:dynamics") == "org-1"
    assert [link.dynamics_id for link in store.unseen("lead")] == ["row-2"]


def test_an_older_file_is_written_in_the_new_form(old: Path, store: SQLiteStateStore) -> None:
    again = evolve(REFUSED[1], operation="create")
    store.commit(full_commit(100))
    store.commit(Commit(reject=[again]))
    store.close()
    assert asked(old, "PRAGMA user_version") == SCHEMA_VERSION
    assert asked(old, "SELECT value FROM about WHERE name = 'library'") == __version__
    assert asked(old, "PRAGMA integrity_check") == "ok"
    assert again in list(store.rejected())


def test_an_upgraded_file_has_the_tables_of_a_new_one(old: Path, store: SQLiteStateStore, tmp_path: Path) -> None:
    fresh = SQLiteStateStore(tmp_path / "fresh.db")
    shapes = []
    for each, file in ((store, old), (fresh, tmp_path / "fresh.db")):
        each.checkpoint("persons")
        each.close()
        db = sqlite3.connect(file)
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        shapes.append({table: db.execute(f"PRAGMA table_info({table})").fetchall() for table in tables})
        db.close()
    assert shapes[0] == shapes[1]


def test_an_upgrade_that_fails_leaves_the_older_file_as_it_was(
    old: Path, store: SQLiteStateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = asked(old, "PRAGMA user_version")
    broken = {**UPGRADES, SCHEMA_VERSION - 1: (*UPGRADES[SCHEMA_VERSION - 1], "DELETE FROM rejected", "no statement")}
    monkeypatch.setattr(file_module, "UPGRADES", broken)
    with pytest.raises(StateError):
        store.checkpoint("persons")
    monkeypatch.undo()
    assert asked(old, "PRAGMA user_version") == version
    assert list(store.rejected()) == list(REFUSED)


def test_a_file_that_another_process_upgrades_meanwhile_is_not_upgraded_twice(
    old: Path, store: SQLiteStateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade, calls = file_module._upgrade, 0

    def late(db: sqlite3.Connection) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:  # the transaction is ours by now: what the other did is there
            upgrade(db)
        upgrade(db)

    monkeypatch.setattr(file_module, "_upgrade", late)
    assert list(store.rejected()) == list(REFUSED)
    assert calls == 1


def test_a_version_that_nobody_wrote_is_still_refused(old: Path, store: SQLiteStateStore) -> None:
    database(old, "PRAGMA user_version = 0")
    with pytest.raises(StateError, match="schema version 0"):
        store.checkpoint("persons")
