"""The store suite: checkpoints, facts, the journal, parked and rejected records, intents, and the values in them."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Final

import attrs

from ..state import Commit, Intent, JournalEntry, Link, StateStore
from .store_case import NOON, StoreCase, later, link, parked, rejected, row_id

#: What JSON can say, and what people write.
VALUES: Final[dict[str, object]] = {
    "text": "Zoë Ünï 中文 😀 e\u0301 \u202eabc ' \" \\ % _ ; --",
    "control": "a\x00b\tc\r\nd\x1f\u2028",
    "half": "cut \ud83d",
    "empty": "",
    "null": None,
    "yes": True,
    "no": False,
    "zero": 0,
    "large": 2**70,
    "negative": -1,
    "fraction": 0.1,
    "whole": 1.0,
    "tiny": 5e-324,
    "list": [1, "1", None, [True, 1.0], {}],
    "nested": {"Ä": {"": [{"b": 1, "a": 2}]}},
    "long": "x😀" * 20_000,
}


def spelled(value: object) -> str:
    """Return the JSON of a value, which tells apart what Python takes for equal: true and 1, 1 and 1.0."""
    return json.dumps(value, sort_keys=True)


class NotePromises(StoreCase):
    """What is kept by name, what waits, and what was decided comes back, in order, as it was."""

    def test_checkpoints_are_kept_replaced_and_removed(self, store: StateStore) -> None:
        """Each stream has its own; ``None`` removes it; an empty text is a checkpoint."""
        assert store.checkpoint("persons") is None
        long = "https://contoso.crm.dynamics.com/api/data/v9.2/leads?$deltatoken=" + "919042%2108" * 2000
        store.commit(Commit(checkpoints={"persons": "one", "rows:lead": long, "empty": "", "never": None}))
        assert [store.checkpoint(name) for name in ("persons", "rows:lead", "empty", "never")] == [
            "one",
            long,
            "",
            None,
        ]
        store.commit(Commit(checkpoints={"persons": "two", "rows:lead": None}))
        assert [store.checkpoint(name) for name in ("persons", "rows:lead", "empty")] == ["two", None, ""]

    def test_facts_are_kept_replaced_and_removed(self, store: StateStore) -> None:
        """The identity of both instances and the like; facts and checkpoints of one name are two things."""
        assert store.fact("identity:marketo") is None
        store.commit(Commit(facts={"identity:marketo": "123-ABC-456", "identity:dynamics": "org 1"}))
        store.commit(Commit(checkpoints={"identity:marketo": "a checkpoint"}))
        assert store.fact("identity:marketo") == "123-ABC-456"
        store.commit(Commit(facts={"identity:marketo": "789-DEF-012", "identity:dynamics": None}))
        assert store.fact("identity:marketo") == "789-DEF-012"
        assert store.fact("identity:dynamics") is None
        assert store.checkpoint("identity:marketo") == "a checkpoint"

    def test_the_journal_keeps_the_order_of_writing(self, store: StateStore) -> None:
        """Not that of the times; entries are added, never replaced, and every attribute is kept."""
        entries = [
            JournalEntry(later(-n), "lead", "conflict", str(n % 7), row_id(n), "name", {"n": n}) for n in range(1200)
        ]
        bare = JournalEntry(NOON, "contact", "unlinked")
        store.commit(Commit(journal=entries[:600]))
        store.commit(Commit(journal=[bare, bare]))
        store.commit(Commit(journal=entries[600:]))
        assert list(store.journal()) == [*entries[:600], bare, bare, *entries[600:]]

    def test_the_journal_can_be_narrowed(self, store: StateStore) -> None:
        """By entity, person and row, each alone and together."""
        entries = [
            JournalEntry(NOON, entity, "linked", person, row, None, {"number": number})
            for number, (entity, person, row) in enumerate(
                (entity, person, row) for entity in ("lead", "contact") for person in ("1", None) for row in ("a", None)
            )
        ]
        store.commit(Commit(journal=entries))
        for entity in (None, "lead", "contact", "nothing"):
            for person in (None, "1", "2"):
                for row in (None, "a", "b"):
                    wanted = [
                        entry
                        for entry in entries
                        if entity in (None, entry.entity)
                        and person in (None, entry.marketo_id)
                        and row in (None, entry.dynamics_id)
                    ]
                    found = list(store.journal(entity=entity, marketo_id=person, dynamics_id=row))
                    assert found == wanted, f"narrowed to entity={entity}, marketo_id={person}, dynamics_id={row}"

    def test_parked_records_come_oldest_first(self, store: StateStore) -> None:
        """With every attribute, of one entity or of all."""
        items = [parked(str(n), entity="lead" if n % 2 else "contact", since=n * 7 % 1300) for n in range(1300)]
        store.commit(Commit(park=items))
        ordered = sorted(items, key=lambda item: item.since)
        assert list(store.parked()) == ordered
        assert list(store.parked("lead")) == [item for item in ordered if item.entity == "lead"]
        assert list(store.parked("nothing")) == []

    def test_a_parked_record_keeps_its_since_when_it_is_replaced(self, store: StateStore) -> None:
        """How long something has been waiting is not lost when its reason changes, within a commit too."""
        store.commit(Commit(park=[parked("1", since=5)]))
        again = attrs.evolve(parked("1", since=90), reason="held", detail={"candidates": []})
        store.commit(Commit(park=[again, attrs.evolve(parked("1", since=95), reason="no-key")]))
        assert list(store.parked()) == [attrs.evolve(parked("1", since=5), reason="no-key")]

    def test_parked_records_are_told_apart_by_entity_side_id_and_field(self, store: StateStore) -> None:
        """A record and its fields are parked each for itself, and removed so."""
        items = [
            parked("1"),
            parked("1", "email"),
            parked("1", "phone"),
            parked("2", "email"),
            parked("1", "email", side="marketo"),
            parked("1", "email", entity="contact"),
        ]
        store.commit(Commit(park=items))
        assert len(list(store.parked())) == len(items)
        store.commit(Commit(unpark=[("lead", "dynamics", "1", "email"), ("lead", "dynamics", "9", "email")]))
        left = {(item.entity, item.side, item.id, item.field) for item in store.parked()}
        assert left == {(item.entity, item.side, item.id, item.field) for item in items if item is not items[1]}

    def test_a_star_removes_all_that_is_parked_of_a_record(self, store: StateStore) -> None:
        """The record itself and every field of it, and nothing of another record, side or entity."""
        others = [parked("2"), parked("1", "email", side="marketo"), parked("1", entity="contact")]
        store.commit(Commit(park=[parked("1"), parked("1", "email"), parked("1", "phone"), *others]))
        store.commit(Commit(unpark=[("lead", "dynamics", "1", "*"), ("lead", "dynamics", "9", "*")]))
        assert {(item.entity, item.side, item.id) for item in store.parked()} == {
            (item.entity, item.side, item.id) for item in others
        }

    def test_what_is_removed_goes_before_what_is_added(self, store: StateStore) -> None:
        """In one commit a parked record can start anew, and so can rejected records and intents."""
        first = Commit(
            park=[parked("1"), parked("1", "email")],
            reject=[rejected("1")],
            put_intents=[Intent("lead", "1", "a", NOON)],
        )
        store.commit(first)
        again = Commit(
            unpark=[("lead", "dynamics", "1", "*")],
            park=[parked("1", since=60)],
            unreject=[("lead", "dynamics", "1")],
            reject=[rejected("1", attempts=2)],
            drop_intents=[("lead", "1")],
            put_intents=[Intent("lead", "1", "b", NOON)],
        )
        store.commit(again)
        assert list(store.parked()) == [parked("1", since=60)]
        assert list(store.rejected()) == [rejected("1", attempts=2)]
        assert store.intents("lead", ["1"]) == {"1": Intent("lead", "1", "b", NOON)}

    def test_rejected_records_come_in_the_order_of_their_next_try(self, store: StateStore) -> None:
        """With every attribute, of one entity or of all."""
        items = [rejected(str(n), entity="lead" if n % 2 else "contact", due=n * 7 % 1300) for n in range(1300)]
        store.commit(Commit(reject=items))
        ordered = sorted(items, key=lambda item: item.next_at)
        assert list(store.rejected()) == ordered
        assert list(store.rejected("contact")) == [item for item in ordered if item.entity == "contact"]
        assert list(store.rejected("nothing")) == []

    def test_rejected_records_are_replaced_and_removed(self, store: StateStore) -> None:
        """Told apart by entity, side and id; a new one takes the place of the old whole."""
        others = [rejected("1", side="marketo"), rejected("1", entity="contact"), rejected("2")]
        store.commit(Commit(reject=[rejected("1"), *others]))
        again = attrs.evolve(
            rejected("1", attempts=3, due=9), first_at=later(-9), field=None, message="gone", code="1003"
        )
        store.commit(Commit(reject=[again]))
        assert [item for item in store.rejected() if item.attempts == 3] == [again]
        assert len(list(store.rejected())) == 4
        store.commit(Commit(unreject=[("lead", "dynamics", "1"), ("lead", "dynamics", "9")]))
        left = {(item.entity, item.side, item.id) for item in store.rejected()}
        assert left == {(item.entity, item.side, item.id) for item in others}

    def test_the_words_of_a_service_are_kept_whatever_they_are(self, store: StateStore) -> None:
        """A message that was cut in the middle of a character must not stop a commit."""
        message = "Ungültig: 😀 中文 '; --"
        store.commit(Commit(reject=[attrs.evolve(rejected("1"), message=message)]))
        assert [item.message for item in store.rejected()] == [message]
        store.commit(Commit(reject=[attrs.evolve(rejected("2"), message="cut \ud83d")]))
        assert [item.message[:4] for item in store.rejected() if item.id == "2"] == ["cut "]

    def test_intents_are_kept_replaced_and_removed(self, store: StateStore) -> None:
        """By entity and Marketo id: the row id that was chosen is found again."""
        mine, other = Intent("lead", "1", row_id(1), NOON), Intent("contact", "1", row_id(2), NOON)
        store.commit(Commit(put_intents=[mine, other, Intent("lead", "2", row_id(3), NOON)]))
        assert store.intents("lead", ["1", "5", "1"]) == {"1": mine}
        assert store.intents("contact", ["1", "2"]) == {"1": other}
        assert store.intents("lead", []) == {}
        assert store.intents_by_dynamics("lead", [row_id(1), row_id(2), row_id(8)]) == {row_id(1): mine}
        assert store.intents_by_dynamics("contact", [row_id(2)]) == {row_id(2): other}
        assert store.intents_by_dynamics("lead", []) == {}
        again = Intent("lead", "1", row_id(9), later(1))
        store.commit(Commit(put_intents=[again], drop_intents=[("lead", "2"), ("lead", "77")]))
        assert store.intents("lead", ["1", "2"]) == {"1": again}
        store.commit(Commit(drop_intents=[("lead", "1")]))
        assert store.intents("lead", ["1"]) == {}
        assert store.intents_by_dynamics("lead", [row_id(1), row_id(9)]) == {}
        assert store.intents("contact", ["1"]) == {"1": other}

    def test_json_values_come_back_as_they_were(self, store: StateStore) -> None:
        """Unicode, control characters, half a character as Dynamics cuts texts, large numbers, and every type."""
        whole = Link("lead", row_id(1), "1", base=VALUES, dynamics_base=VALUES, unconfirmed=frozenset({"Straße", "名"}))
        entry = JournalEntry(NOON, "lead", "conflict", detail=VALUES)
        store.commit(Commit(put_links=[whole], journal=[entry], park=[attrs.evolve(parked("1"), detail=VALUES)]))
        (found,) = store.links("lead")
        kept = [
            found.base,
            found.dynamics_base,
            *(e.detail for e in store.journal()),
            *(p.detail for p in store.parked()),
        ]
        for name, value in VALUES.items():
            assert {spelled(values[name]) for values in kept} == {spelled(value)}, f"the value {name!r} changed"
        assert all(values.keys() == VALUES.keys() for values in kept)
        assert found.unconfirmed == whole.unconfirmed

    def test_names_and_ids_are_any_text(self, store: StateStore) -> None:
        """Unicode and signs that mean something to databases are text like any other, and case matters."""
        odd = "Ä'\"%_*?;-- 名 😀"
        store.commit(
            Commit(
                put_links=[Link(odd, odd, odd), Link(odd, odd.lower(), odd.lower()), Link("lead", "x", "y")],
                checkpoints={odd: odd},
                facts={odd: odd},
                journal=[JournalEntry(NOON, odd, odd, odd, odd, odd)],
                park=[parked(odd, odd, entity=odd), parked("x", entity=odd)],
                reject=[rejected(odd, entity=odd)],
                put_intents=[Intent(odd, odd, odd, NOON)],
                seen=[(odd, [odd])],
            )
        )
        assert store.links_by_dynamics(odd, [odd]) == {odd: Link(odd, odd, odd)}
        assert store.links_by_marketo([odd]) == {odd: Link(odd, odd, odd)}
        assert [found.dynamics_id for found in store.unseen(odd)] == [odd.lower()]
        assert (store.count_links(odd), store.checkpoint(odd), store.fact(odd)) == (2, odd, odd)
        assert len(list(store.journal(entity=odd, marketo_id=odd, dynamics_id=odd))) == 1
        assert (len(list(store.parked(odd))), len(list(store.rejected(odd)))) == (2, 1)
        assert store.intents(odd, [odd]).keys() == {odd}
        store.commit(Commit(drop_links=[(odd, odd)], unpark=[(odd, "dynamics", odd, odd)]))
        assert [found.dynamics_id for found in store.links(odd)] == [odd.lower()]
        assert [item.id for item in store.parked()] == ["x"]

    def test_times_are_moments_in_utc(self, store: StateStore) -> None:
        """To the microsecond, in order whatever zone they were given in, and back with a zone."""
        india = timezone(timedelta(hours=5, minutes=30))
        early, late = later(-1).astimezone(india), later(1).astimezone(timezone(-timedelta(hours=8)))
        round_hour = NOON.replace(microsecond=0)
        items = [attrs.evolve(parked(str(n)), since=at) for n, at in enumerate((late, NOON, early, round_hour))]
        store.commit(Commit(park=items))
        found = [item.since for item in store.parked()]
        assert found == [early, round_hour, NOON, late]
        assert all(at.utcoffset() == timedelta() for at in found)

    def test_what_was_kept_is_the_store_s_own(self, store: StateStore) -> None:
        """Changing a dictionary after the commit, or one that was read, changes nothing in the store."""
        base: dict[str, object] = {"name": "Ada", "tags": ["a"]}
        store.commit(Commit(put_links=[Link("lead", row_id(1), "1", base)]))
        base["name"] = "changed"
        (read,) = store.links("lead")
        tags = read.base["tags"]
        if isinstance(tags, list):
            tags.append("changed")
        assert list(store.links("lead")) == [link(1, name="Ada", tags=["a"])]
