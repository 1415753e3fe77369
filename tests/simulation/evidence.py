"""Everything the oracle looks at, found quickly: changes, links over time, and what the store says at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import define, evolve, field, frozen

from marketo_dynamics_sync.entities import Digest
from marketo_dynamics_sync.state import JournalEntry

from .fields import ORIGIN, PEOPLE, RATINGS, TWO_WAY
from .ledger import Change, Key
from .world import KEY, Pairing, World


@frozen
class Violation:
    """A promise that was broken.

    Attributes:
        promise: Which.
        what: How.
    """

    promise: str
    what: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.what}"


@define
class Evidence:
    """What happened in a world.

    Attributes:
        world: The world.
        asked: Persons that somebody asked to have in Dynamics.
        counts: How often which promise was checked, and which exception used.
    """

    world: World
    asked: set[str]
    counts: Counter[str]
    violations: list[Violation] = field(factory=list)
    journal: list[JournalEntry] = field(init=False)
    #: Final links: row to person.
    links: dict[Key, Key] = field(init=False)
    _guesses: list[object] = field(init=False)
    _partners: dict[Key, list[Key]] = field(factory=dict)
    _changed: dict[tuple[Key, str], list[Change]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        values = (value for change in self.world.ledger.changes for value in (change.old, change.new))
        # The ledger has texts trimmed; users type some with a space on either side.
        padded = (each for value in values for each in ((value, f" {value} ") if isinstance(value, str) else (value,)))
        self._guesses = list({(type(value), value): value for value in (*RATINGS, *padded)}.values())
        self.journal = [
            evolve(entry, detail={name: self._revealed(value) for name, value in entry.detail.items()})
            for entry in self.world.store.journal()
        ]
        self.links = {
            (name, link.dynamics_id): ("person", link.marketo_id)
            for name in PEOPLE
            for link in self.world.store.links(name)
        }
        for pairing in self.world.pairings:
            if pairing.person is not None:
                for one, other in ((pairing.row, pairing.person), (pairing.person, pairing.row)):
                    known = self._partners.setdefault(one, [])
                    if other not in known:
                        known.append(other)
        for change in self.world.ledger.changes:
            self._changed.setdefault((change.key, change.what), []).append(change)

    def broken(self, promise: str, what: str) -> None:
        """Note a promise that was broken."""
        self.violations.append(Violation(promise, what))

    def checked(self, promise: str) -> None:
        """Note that a promise was looked at."""
        self.counts[f"checked: {promise}"] += 1

    def excused(self, exception: str) -> None:
        """Note that a documented exception was used."""
        self.counts[f"exception: {exception}"] += 1

    def changes(self, key: Key, what: str) -> list[Change]:
        """Return the changes of one field of a record, or of its being there."""
        return self._changed.get((key, what), [])

    def by_engine(self, *tables: str) -> Iterator[Change]:
        """Yield what the engine changed in some tables."""
        return (c for c in self.world.ledger.changes if c.author == "engine" and c.key[0] in tables)

    def partners(self, key: Key) -> list[Key]:
        """Return the records of the other side that were ever linked to one."""
        return self._partners.get(key, [])

    def value_at(self, key: Key, name: str, place: int) -> object:
        """Return what a field held at a place."""
        value: object = None
        for change in self.changes(key, name):
            if change.place > place:
                break
            value = change.new
        return value

    def base_at(self, key: Key, name: str, place: int) -> object:
        """Return what both sides had agreed on for a field of a record, as the store knew it at a place."""
        base: object = None
        row: Key | None = None
        for pairing in self.world.pairings:
            if pairing.place > place:
                break
            if pairing.person is not None and key in (pairing.row, pairing.person):
                base, row = pairing.base.get(name), pairing.row
            elif pairing.person is None and pairing.row == row and not self._moves_on(pairing):
                base = None  # who is linked anew has agreed on nothing
        return TWO_WAY[name].same(self._revealed(base))

    def _revealed(self, kept: object) -> object:
        """Return the value that a digest was made of: who has the key can try every value that ever was."""
        digest = Digest.read(bytes.fromhex(KEY), kept)
        return kept if digest is None else next((guess for guess in self._guesses if digest == guess), kept)

    def _moves_on(self, ended: Pairing) -> bool:
        """Return whether a link that ended went on in the same commit, under another row or person."""
        return any(p.person is not None and p.place - ended.place in (1, 2, 3) for p in self.world.pairings)

    def origins(self, edit: Change) -> list[Key]:
        """Return the records that an edit's value may be a copy of.

        A contact that is made of a lead gets the lead's values, and in Marketo a merge fills the winner's empty fields
        from the loser.
        """
        if edit.key[0] == "person":
            gone = [c for c in self.world.ledger.changes if c.what == "gone" and c.key[0] == "person"]
            near = [c.key for c in gone if 0 < c.place - edit.place < 30 and c.author == "users"]
            return [key for key in near if self.value_at(key, edit.what, edit.place) == edit.new]
        made = self.changes(edit.key, "made")
        leads = [("lead", str(change.new)) for change in self.changes(edit.key, ORIGIN) if change.new is not None]
        return leads if made and edit.place - made[-1].place < 30 else []

    def run_start(self, place: int) -> int:
        """Return the place at which the engine's work that was under way began."""
        return max((start for start in self.world.starts if start <= place), default=0)

    def names(self, key: Key) -> set[object]:
        """Return the last names that a record has had."""
        return {change.new for change in self.changes(key, "last_name")} - {None}

    def called(self, key: Key) -> str:
        """Return a record as a reader of a story knows it."""
        names = [c.new for c in self.changes(key, "last_name") if c.new is not None]
        return f"{key[0]} {names[-1] if names else ''} ({key[1][-6:]})"
