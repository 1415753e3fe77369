"""The store suite: links and the marks of listings."""

from __future__ import annotations

from itertools import islice

import attrs

from ..state import Commit, Intent, Link, StateStore
from .store_case import NOON, StoreCase, link, row_id

#: More links than a store is likely to fetch at a time.
MANY = 2100


class LinkPromises(StoreCase):
    """Links are unique on both sides, found by either id, and read in order while commits are made."""

    def test_a_link_comes_back_as_it_was_kept(self, store: StateStore) -> None:
        """Every attribute of a link is kept, and an empty link too."""
        whole = Link(
            "lead",
            row_id(1),
            "7",
            base={"name": "Ada", "score": 3, "empty": None},
            dynamics_base={"name": "Ada "},
            version='W/"812"',
            unconfirmed=frozenset({"name", "score"}),
            fingerprint="f1",
            sent={"name": ["Ad", "Ada"], "score": [None, 3]},
        )
        bare = Link("lead", row_id(2), "8")
        store.commit(Commit(put_links=[whole, bare]))
        assert store.links_by_dynamics("lead", [row_id(1), row_id(2)]) == {row_id(1): whole, row_id(2): bare}
        assert store.links_by_marketo(["7", "8"]) == {"7": whole, "8": bare}
        assert list(store.links("lead")) == [whole, bare]

    def test_only_known_ids_are_answered(self, store: StateStore) -> None:
        """Ids without a link, and no ids at all, are no error; an id that is asked for twice is answered once."""
        store.commit(Commit(put_links=[link(1)]))
        assert store.links_by_dynamics("lead", [row_id(2), row_id(1), row_id(1)]) == {row_id(1): link(1)}
        assert store.links_by_marketo(["2", "1", "1"]) == {"1": link(1)}
        assert store.links_by_dynamics("lead", []) == {}
        assert store.links_by_marketo([]) == {}
        assert store.links_by_dynamics("contact", [row_id(1)]) == {}

    def test_persons_are_found_in_all_entities_or_in_those_named(self, store: StateStore) -> None:
        """A person is looked for in every entity unless entities are named."""
        lead, contact, seat = link(1), link(2, "contact"), link(3, "seat")
        store.commit(Commit(put_links=[lead, contact, seat]))
        assert store.links_by_marketo(["1", "2", "3"]) == {"1": lead, "2": contact, "3": seat}
        assert store.links_by_marketo(["1", "2", "3"], entities=["lead", "seat"]) == {"1": lead, "3": seat}
        assert store.links_by_marketo(["1"], entities=["nothing"]) == {}

    def test_entities_are_kept_apart(self, store: StateStore) -> None:
        """The same ids in two entities are two links, and removing one leaves the other."""
        store.commit(Commit(put_links=[link(1), link(1, "contact", name="c")]))
        assert store.links_by_marketo(["1"], entities=["lead"]) == {"1": link(1)}
        store.commit(Commit(drop_links=[("lead", row_id(1))]))
        assert list(store.links("lead")) == []
        assert list(store.links("contact")) == [link(1, "contact", name="c")]

    def test_a_link_replaces_that_of_its_row(self, store: StateStore) -> None:
        """A row has one link: a new one takes its place whole, and its former person is free."""
        store.commit(Commit(put_links=[attrs.evolve(link(1, a=1, b=2), version="v1", fingerprint="f")]))
        store.commit(Commit(put_links=[link(1, person=9, b=3)]))
        assert list(store.links("lead")) == [link(1, person=9, b=3)]
        assert store.links_by_marketo(["1", "9"]) == {"9": link(1, person=9, b=3)}
        store.commit(Commit(put_links=[link(2, person=1)]))
        assert store.count_links("lead") == 2

    def test_a_link_replaces_that_of_its_person(self, store: StateStore) -> None:
        """A Marketo record has one link within an entity: a new one removes that of the other row."""
        store.commit(Commit(put_links=[link(1), link(2)]))
        store.commit(Commit(put_links=[link(3, person=1)]))
        assert store.links_by_marketo(["1"]) == {"1": link(3, person=1)}
        assert store.links_by_dynamics("lead", [row_id(1)]) == {}
        assert list(store.links("lead")) == [link(2), link(3, person=1)]

    def test_a_link_that_takes_both_places_removes_both(self, store: StateStore) -> None:
        """A link between a row and a record that were linked to others leaves no third one behind."""
        store.commit(Commit(put_links=[link(1), link(2)]))
        store.commit(Commit(put_links=[link(1, person=2)]))
        assert list(store.links("lead")) == [link(1, person=2)]
        assert store.links_by_marketo(["1", "2"]) == {"2": link(1, person=2)}

    def test_links_of_one_commit_are_put_in_their_order(self, store: StateStore) -> None:
        """Of two links of one row in a commit the later stays; two rows can change persons."""
        store.commit(Commit(put_links=[link(1), link(2), link(3, a=1), link(3, a=2)]))
        assert store.links_by_dynamics("lead", [row_id(3)]) == {row_id(3): link(3, a=2)}
        store.commit(Commit(put_links=[link(1, person=2), link(2, person=1)]))
        assert store.links_by_marketo(["1", "2"]) == {"2": link(1, person=2), "1": link(2, person=1)}

    def test_links_are_removed(self, store: StateStore) -> None:
        """A link is removed by entity and row id; one that isn't there is no error; its ids can be linked again."""
        store.commit(Commit(put_links=[link(1), link(2)]))
        store.commit(Commit(drop_links=[("lead", row_id(1)), ("lead", row_id(8)), ("contact", row_id(2))]))
        assert list(store.links("lead")) == [link(2)]
        assert store.links_by_marketo(["1"]) == {}
        store.commit(Commit(put_links=[link(5, person=1)]))
        assert store.links_by_marketo(["1"]) == {"1": link(5, person=1)}

    def test_links_are_removed_before_others_are_put(self, store: StateStore) -> None:
        """A commit that removes and puts the same row leaves the one that it put: a link can move."""
        store.commit(Commit(put_links=[link(1)]))
        moved = link(2, "contact", person=1)
        store.commit(Commit(drop_links=[("lead", row_id(1))], put_links=[moved]))
        assert store.links_by_marketo(["1"]) == {"1": moved}
        store.commit(Commit(drop_links=[("contact", row_id(2))], put_links=[moved]))
        assert list(store.links("contact")) == [moved]

    def test_links_are_counted_by_entity(self, store: StateStore) -> None:
        """The count is that of one entity, and follows what is put, replaced and removed."""
        assert store.count_links("lead") == 0
        store.commit(Commit(put_links=[link(1), link(2), link(3), link(1, "contact")]))
        store.commit(Commit(put_links=[link(1, a=1)], drop_links=[("lead", row_id(2))]))
        assert (store.count_links("lead"), store.count_links("contact")) == (2, 1)

    def test_links_come_in_the_order_of_row_ids(self, store: StateStore) -> None:
        """Whatever order they were put in, and however many there are."""
        numbers = [number * 7919 % MANY for number in range(MANY)]
        store.commit(Commit(put_links=[link(number) for number in numbers[: MANY // 2]]))
        store.commit(Commit(put_links=[link(number) for number in numbers[MANY // 2 :]]))
        assert [found.dynamics_id for found in store.links("lead")] == [row_id(number) for number in range(MANY)]

    def test_commits_may_be_made_while_links_are_read(self, store: StateStore) -> None:
        """Links that are there from beginning to end come once, in order, whatever else is put and removed."""
        store.commit(Commit(put_links=[link(number) for number in range(0, MANY, 2)]))
        met = []
        for found in store.links("lead"):
            number = int(found.marketo_id)
            if number % 2 == 0:
                met.append(number)
            if number % 50 == 0:
                replaced = [link(number, seen=True), link(number + 2, ahead=True)] if number + 2 < MANY else []
                store.commit(
                    Commit(put_links=[*replaced, link(number + 25)], drop_links=[("lead", row_id(number - 25))])
                )
        assert met == list(range(0, MANY, 2))

    def test_iterations_do_not_disturb_each_other(self, store: StateStore) -> None:
        """Two iterations, and one that is given up half-way, each go their own way."""
        store.commit(Commit(put_links=[link(number) for number in range(MANY)]))
        given_up = store.links("lead")
        assert [found.marketo_id for found in islice(given_up, 3)] == ["0", "1", "2"]
        pairs = list(zip(store.links("lead"), store.links("lead"), strict=True))
        assert len(pairs) == MANY
        assert all(left == right for left, right in pairs)
        store.commit(Commit(put_links=[link(MANY)]))
        assert store.count_links("lead") == MANY + 1

    def test_many_thousand_ids_in_one_lookup(self, store: StateStore) -> None:
        """A lookup takes any number of ids."""
        asked = range(40_000)
        known = range(0, 40_000, 13)
        store.commit(
            Commit(
                put_links=[link(number) for number in known],
                put_intents=[Intent("lead", str(number), row_id(number), NOON) for number in known],
            )
        )
        rows, persons = [row_id(number) for number in asked], [str(number) for number in asked]
        by_row = store.links_by_dynamics("lead", rows)
        assert by_row == {row_id(number): link(number) for number in known}
        assert store.links_by_marketo(persons) == {str(number): link(number) for number in known}
        assert store.links_by_marketo(persons, entities=["lead", "contact"]).keys() == {str(number) for number in known}
        assert store.intents("lead", persons).keys() == {str(number) for number in known}

    def test_unseen_links_are_those_that_a_listing_did_not_meet(self, store: StateStore) -> None:
        """Marks add up over commits, in the order of row ids; rows without a link may be marked."""
        store.commit(Commit(put_links=[link(number) for number in range(6)]))
        store.forget_seen("lead")
        store.commit(Commit(seen=[("lead", [row_id(4), row_id(77)]), ("lead", [row_id(0)])]))
        store.commit(Commit(seen=[("lead", [row_id(2), row_id(4)]), ("lead", [])]))
        assert [found.marketo_id for found in store.unseen("lead")] == ["1", "3", "5"]

    def test_every_link_is_unseen_before_the_first_listing(self, store: StateStore) -> None:
        """Marks count without :meth:`forget_seen` too, and an entity without links has none that are unseen."""
        store.commit(Commit(put_links=[link(1), link(2)]))
        assert list(store.unseen("lead")) == [link(1), link(2)]
        store.commit(Commit(seen=[("lead", [row_id(1)])]))
        assert list(store.unseen("lead")) == [link(2)]
        assert list(store.unseen("contact")) == []

    def test_a_new_listing_forgets_the_marks_of_its_entity(self, store: StateStore) -> None:
        """Each listing starts with nothing seen; the marks of other entities stay."""
        both = [("lead", [row_id(1)]), ("contact", [row_id(1)])]
        store.commit(Commit(put_links=[link(1), link(1, "contact")], seen=both))
        store.forget_seen("lead")
        assert list(store.unseen("lead")) == [link(1)]
        assert list(store.unseen("contact")) == []
        store.commit(Commit(seen=both))
        store.forget_seen("lead")
        store.forget_seen("lead")
        assert list(store.unseen("lead")) == [link(1)]
        store.commit(Commit(seen=both))
        assert list(store.unseen("lead")) == []

    def test_a_mark_belongs_to_the_row_and_outlives_its_link(self, store: StateStore) -> None:
        """A row that is marked stays so when its link is replaced, removed or made later."""
        store.forget_seen("lead")
        store.commit(Commit(put_links=[link(1)], seen=[("lead", [row_id(1), row_id(2)])]))
        store.commit(Commit(put_links=[link(1, person=5), link(2), link(3)]))
        assert list(store.unseen("lead")) == [link(3)]

    def test_unseen_links_are_read_while_commits_are_made(self, store: StateStore) -> None:
        """Removing each unseen link as it comes meets all of them."""
        store.commit(Commit(put_links=[link(number) for number in range(MANY)]))
        store.commit(Commit(seen=[("lead", [row_id(number) for number in range(0, MANY, 3)])]))
        met = []
        for found in store.unseen("lead"):
            met.append(int(found.marketo_id))
            store.commit(Commit(drop_links=[("lead", found.dynamics_id)]))
        assert met == [number for number in range(MANY) if number % 3]
        assert store.count_links("lead") == len(range(0, MANY, 3))
