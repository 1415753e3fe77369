"""What the parts of the store suite share: how a store is made, samples to keep, and all that a store says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import ClassVar, Final

import pytest

from ..state import Commit, Intent, JournalEntry, Link, Parked, Rejected, StateStore

#: A moment with microseconds, since times have to come back to the last digit.
NOON: Final = datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)
#: Entities whose ids coincide in the samples.
ENTITIES: Final = ("contact", "lead")


class StoreCase:
    """Makes the store of a test. The parts of the suite inherit from it."""

    #: Whether what is kept outlives the store object; the tests of that are skipped otherwise.
    durable: ClassVar[bool] = False

    def make_store(self) -> StateStore:
        """Return a new store that holds nothing. Called once for each test."""
        raise NotImplementedError(f"{type(self).__name__} has to define make_store(), which returns an empty store")

    def reopen(self, store: StateStore) -> StateStore:
        """Return another store on what ``store`` keeps. ``store`` may be open still, or closed."""
        raise NotImplementedError(
            f"{type(self).__name__} says durable = True, so it has to define reopen(store), which returns another "
            "store on the same data"
        )

    @pytest.fixture
    def store(self) -> Iterator[StateStore]:
        """An empty store, closed after the test."""
        store = self.make_store()
        yield store
        store.close()


def later(seconds: int) -> datetime:
    """Return a moment after (or before) noon."""
    return NOON + timedelta(seconds=seconds)


def row_id(number: int) -> str:
    """Return a row id; larger numbers sort later."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def link(number: int, entity: str = "lead", *, person: int | None = None, **base: object) -> Link:
    """Return a link of a numbered row and the person of the same number, or of another."""
    return Link(entity, row_id(number), str(number if person is None else person), base)


def parked(record: str, field: str = "", *, entity: str = "lead", side: str = "dynamics", since: int = 0) -> Parked:
    """Return a parked record, or a field of one."""
    return Parked(entity, side, record, field, "ambiguous", {"candidates": ["1", "2"]}, later(since))


def rejected(record: str, *, entity: str = "lead", side: str = "dynamics", due: int = 0, attempts: int = 1) -> Rejected:
    """Return a rejected record."""
    return Rejected(entity, side, record, "0x80044331", "too long", "subject", attempts, NOON, later(due), "update")


def full_commit(start: int = 0) -> Commit:
    """Return a commit that has something of everything, different for each start."""
    one, two = str(start + 1), str(start + 2)
    return Commit(
        put_links=[link(start + 1, name="Ada"), link(start + 2, "contact", name="Zoë")],
        drop_links=[("lead", row_id(start))],
        checkpoints={"persons": f"token {start}", f"rows:{start}": "delta"},
        journal=[JournalEntry(later(start), "lead", "linked", one, row_id(start + 1), "name", {"winner": "marketo"})],
        park=[parked(one), parked(one, "email")],
        unpark=[("lead", "dynamics", str(start), "*")],
        reject=[rejected(two)],
        unreject=[("lead", "dynamics", str(start))],
        put_intents=[Intent("lead", one, row_id(start + 1), NOON)],
        drop_intents=[("lead", str(start))],
        facts={"identity:marketo": "123-ABC-456", f"mapping:{start}": "digest"},
        seen=[("lead", [row_id(start + 1)])],
    )


def everything(store: StateStore, *, most: int = 50) -> dict[str, object]:
    """Return all that a store says about what :func:`full_commit` keeps for starts below ``most``."""
    numbers = [str(number) for number in range(most)]
    names = ["persons", "identity:marketo", *(f"{word}:{n}" for word in ("rows", "mapping") for n in numbers)]
    return {
        "links": {entity: list(store.links(entity)) for entity in ENTITIES},
        "counts": {entity: store.count_links(entity) for entity in ENTITIES},
        "unseen": {entity: list(store.unseen(entity)) for entity in ENTITIES},
        "by person": {entity: store.links_by_marketo(numbers, entities=[entity]) for entity in ENTITIES},
        "checkpoints": {name: store.checkpoint(name) for name in names},
        "facts": {name: store.fact(name) for name in names},
        "journal": list(store.journal()),
        "parked": list(store.parked()),
        "rejected": list(store.rejected()),
        "intents": {entity: store.intents(entity, numbers) for entity in ENTITIES},
    }


def run_together(*jobs: Callable[[], None]) -> None:
    """Run jobs in a thread each, and raise the first error that one of them raised."""
    errors: list[BaseException] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
