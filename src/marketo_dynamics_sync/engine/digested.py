"""A state store that is given digests of values in the place of values, and gives digests back.

The engine goes on as with any store: a :class:`~marketo_dynamics_sync.entities.Digest` equals the value that it was
made of, and that is all a three-way merge asks of a base. Everything that is kept passes here, so nothing is forgotten.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Literal, TypeAlias, cast

from attrs import define, evolve, field

from ..entities import JSON, BoundEntity, Digest
from ..entities.codecs import Codec
from ..errors import ConfigurationError
from ..state import (
    Commit,
    Intent,
    JournalEntry,
    Link,
    Parked,
    Rejected,
    RewritesJournal,
    StateStore,
    StoreLock,
)

#: In which form the store keeps the values that both sides agreed on.
BaseForm: TypeAlias = Literal["values", "digest"]
#: Stands where a service's words are not kept.
NOT_KEPT: Final = 'the service\'s words may quote values and are not kept (base="digest")'
#: Fact: the key of the store's digests.
KEY_FACT: Final = "digest:key"
#: Fact: nothing of the store is from a time when values were kept.
_ALL: Final = "digest:all"
#: How the fact begins that two persons are being merged (``merge_plan.note_fact``).
_MERGING: Final = "merging:"
#: What a journal entry says of a field's values.
_VALUES: Final = ("base", "marketo", "dynamics")
#: Links that are converted at once.
_AT_ONCE: Final = 500


def checked_form(base: object) -> BaseForm:
    """Return in which form the store is to keep what both sides agreed on.

    Raises:
        ConfigurationError: There is no such form.
    """
    if base == "values":
        return "values"
    if base == "digest":
        return "digest"
    raise ConfigurationError('base: give "values" or "digest"')


def new_key() -> str:
    """Return a random key as text."""
    return secrets.token_hex(32)


def digested(store: StateStore, form: BaseForm, entities: Mapping[str, BoundEntity]) -> StateStore:
    """Return a store that keeps digests, or that can read those which it kept before; another one as it is."""
    key = store.fact(KEY_FACT)
    if key is None and form == "values":
        return store
    return DigestedStore(store, entities, hides=form == "digest", key=key)


@define
class DigestedStore:
    """Keeps digests of values in a real store.

    Attributes:
        real: The store that keeps them.
        entities: The entities that are synced, by name. Links of others pass as they are.
        hides: Whether values become digests; otherwise only digests that are there are given back.
        key: The key of the store's digests; a new one is made, and kept with the first commit, where there is none.
    """

    real: StateStore
    entities: Mapping[str, BoundEntity]
    hides: bool
    key: str | None = field(default=None, repr=False)
    _kept: bool = field(init=False)
    _secret: bytes = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._kept = self.key is not None
        self.key = self.key if self.key is not None else new_key()
        self._secret = bytes.fromhex(self.key)

    def lock(self) -> StoreLock:
        """Return the real store's lock."""
        return self.real.lock()

    def commit(self, commit: Commit) -> None:
        """Keep digests of the values of a commit, and with the first one their key."""
        facts = {name: self._fact(name, text) for name, text in commit.facts.items()}
        if not self._kept:
            facts[KEY_FACT] = self.key
        self.real.commit(
            evolve(
                commit,
                put_links=[self._link(link) for link in commit.put_links],
                journal=[self._entry(entry) for entry in commit.journal],
                reject=[self._refusal(item) for item in commit.reject],
                facts=facts,
            )
        )
        self._kept = True

    def links_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Link]:
        """Return the links of these rows."""
        return {key: self._read(link) for key, link in self.real.links_by_dynamics(entity, ids).items()}

    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        """Return the links of these records."""
        return {key: self._read(link) for key, link in self.real.links_by_marketo(ids, entities=entities).items()}

    def links(self, entity: str) -> Iterator[Link]:
        """Yield every link of an entity."""
        return map(self._read, self.real.links(entity))

    def count_links(self, entity: str) -> int:
        """Return how many links an entity has."""
        return self.real.count_links(entity)

    def unseen(self, entity: str) -> Iterator[Link]:
        """Yield the links whose row id was not seen since :meth:`forget_seen`."""
        return map(self._read, self.real.unseen(entity))

    def forget_seen(self, entity: str) -> None:
        """Start a new listing."""
        self.real.forget_seen(entity)

    def checkpoint(self, stream: str) -> str | None:
        """Return where a stream stopped."""
        return self.real.checkpoint(stream)

    def fact(self, name: str) -> str | None:
        """Return a fact."""
        return self.real.fact(name)

    def journal(
        self, *, entity: str | None = None, marketo_id: str | None = None, dynamics_id: str | None = None
    ) -> Iterator[JournalEntry]:
        """Yield journal entries, with digests where values were."""
        for entry in self.real.journal(entity=entity, marketo_id=marketo_id, dynamics_id=dynamics_id):
            yield evolve(entry, detail={name: self._given(value) for name, value in entry.detail.items()})

    def parked(self, entity: str | None = None) -> Iterator[Parked]:
        """Yield what waits for a human."""
        return self.real.parked(entity)

    def rejected(self, entity: str | None = None) -> Iterator[Rejected]:
        """Yield what a service refused."""
        return self.real.rejected(entity)

    def intents(self, entity: str, marketo_ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by Marketo id."""
        return self.real.intents(entity, marketo_ids)

    def intents_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Intent]:
        """Return intents by row id."""
        return self.real.intents_by_dynamics(entity, ids)

    def close(self) -> None:
        """Leave the real store as it is."""

    def settle(self) -> None:
        """Convert what the store kept in another form, before anything else is done with it.

        Values become digests everywhere, and nothing is left of them; it goes on after a kill. Digests can't become
        values: each stays until its field changes.

        Raises:
            ConfigurationError: The store can't rewrite its journal, and there are values in it.
        """
        if self.real.fact(_ALL) is not None:
            if not self.hides:
                self.real.commit(Commit(facts={_ALL: None}))
            return
        if not self.hides:
            return
        rewrites = isinstance(self.real, RewritesJournal)
        if not rewrites and any(self._entry(entry) is not entry for entry in self.real.journal()):
            raise ConfigurationError(
                f'base="digest": the journal has values, and {type(self.real).__name__} can\'t rewrite it; give an '
                "empty store and find the links again with rebuild(), or give the store a method rewrite_journal()"
            )
        for name in self.entities:
            self._convert(name)
        self.commit(Commit(reject=list(self.real.rejected())))
        clean = self.real.rewrite_journal(self._entry) if isinstance(self.real, RewritesJournal) else True
        if clean:
            self.real.commit(Commit(facts={_ALL: "yes"}))

    def _convert(self, entity: str) -> None:
        values = (link for link in self.links(entity) if self._has_values(link))
        while some := list(islice(values, _AT_ONCE)):
            self.commit(Commit(put_links=some))

    def _has_values(self, link: Link) -> bool:
        kept = [*link.base.items(), *link.dynamics_base.items()]
        kept += [(name, value) for name, values in link.sent.items() for value in values]
        return any(self._hideable(link.entity, name, value) for name, value in kept)

    def _link(self, link: Link) -> Link:
        """Return a link as it is kept."""
        row = link.dynamics_id
        return evolve(
            link,
            base={
                name: self._taken(link.entity, row, name, value, written=name in link.unconfirmed)
                for name, value in link.base.items()
            },
            dynamics_base={
                name: self._taken(link.entity, row, name, value) for name, value in link.dynamics_base.items()
            },
            sent={
                name: [self._taken(link.entity, row, name, value, written=True) for value in values]
                for name, values in link.sent.items()
            },
        )

    def _entry(self, entry: JournalEntry) -> JournalEntry:
        """Return a journal entry as it is kept: the same one where it has no values."""
        detail = dict(entry.detail)
        place, label = str(entry.dynamics_id or entry.marketo_id), entry.field or ""
        for name in _VALUES if entry.field is not None else ():
            if name in detail:
                detail[name] = self._taken(entry.entity, place, label, detail[name])
        lost = detail.get("lost")
        if isinstance(lost, Mapping):
            values = cast("Mapping[str, object]", lost)
            detail["lost"] = {name: self._taken(entry.entity, place, name, value) for name, value in values.items()}
        return entry if detail == entry.detail else evolve(entry, detail=detail)

    def _refusal(self, item: Rejected) -> Rejected:
        return evolve(item, message=NOT_KEPT) if self.hides and item.message else item

    def _fact(self, name: str, text: str | None) -> str | None:
        """Return a fact as it is kept: of a merge under way the values that are lost by it are not needed again."""
        if text is None or not self.hides or not name.startswith(_MERGING):
            return text
        note: dict[str, object] = json.loads(text)
        lost = cast("dict[str, object]", note["lost"])
        kept = {each: self._taken("", name, each, value) for each, value in lost.items()}
        return json.dumps({**note, "lost": kept}, sort_keys=True)

    def _read(self, link: Link) -> Link:
        """Return a link with digests that equal what they were made of."""
        return evolve(
            link,
            base={name: self._given(value) for name, value in link.base.items()},
            dynamics_base={name: self._given(value) for name, value in link.dynamics_base.items()},
            sent={name: [self._given(value) for value in values] for name, values in link.sent.items()},
        )

    def _given(self, raw: object) -> object:
        digest = Digest.read(self._secret, raw)
        return raw if digest is None else digest

    def _taken(self, entity: str, place: str, name: str, value: object, *, written: bool = False) -> object:
        """Return a value as it is kept.

        Args:
            entity: Name of the entity.
            place: Whose value it is.
            name: Name of the field.
            value: The value in the store's JSON form, or a digest.
            written: It was written to a service, which may give it another form.
        """
        if isinstance(value, Digest):
            return value.stored()
        if not self._hideable(entity, name, value):
            return value
        raw, codec = cast("JSON", value), self._codec(entity, name)
        forms = _forms(codec, raw) if written and codec is not None else ()
        return Digest.of(self._secret, f"{place} {name}", raw, forms).stored()

    def _hideable(self, entity: str, name: str, value: object) -> bool:
        """Return whether a value is to be kept as a digest, and is none yet."""
        if not self.hides or value is None or value == "" or isinstance(value, Digest):
            return False
        if Digest.read(self._secret, value) is not None or (entity and entity not in self.entities):
            return False
        codec = self._codec(entity, name)
        return codec is None or not codec.kept_readable

    def _codec(self, entity: str, name: str) -> Codec[object] | None:
        bound = self.entities[entity].fields.get(name) if entity else None
        return bound.codec if bound is not None else None


def _forms(codec: Codec[object], raw: JSON) -> list[JSON]:
    """Return what services may make of a written value, in the store's JSON form."""
    try:
        return [codec.dump(form) for form in codec.forms(codec.load(raw))]
    except Exception:  # a user's codec may raise anything; a form that nobody foresaw is taken for an edit
        return []
