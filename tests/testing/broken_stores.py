"""Stores that break one promise each, and the test of the suite that finds each out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from attrs import evolve

from marketo_dynamics_sync import testing
from marketo_dynamics_sync.errors import StateError
from marketo_dynamics_sync.state import (
    Commit,
    Intent,
    JournalEntry,
    Link,
    MemoryStateStore,
    Parked,
    Rejected,
)
from marketo_dynamics_sync.state.memory import MemoryLock

BROKEN: list[tuple[type[MemoryStateStore], str]] = []


def fails(name: str) -> Callable[[type[MemoryStateStore]], type[MemoryStateStore]]:
    """Say which test finds a broken store out."""

    def register(cls: type[MemoryStateStore]) -> type[MemoryStateStore]:
        BROKEN.append((cls, f"test_{name}"))
        return cls

    return register


class Changing(MemoryStateStore):
    """Changes a commit before it keeps it."""

    def changed(self, commit: Commit) -> Commit:
        raise NotImplementedError

    def commit(self, commit: Commit) -> None:
        super().commit(self.changed(commit))


def loses(**attributes: object) -> type[MemoryStateStore]:
    """Return a store that forgets attributes of a link."""

    class Losing(Changing):
        def changed(self, commit: Commit) -> Commit:
            return evolve(commit, put_links=[evolve(link, **attributes) for link in commit.put_links])

    return Losing


for lost in (
    {"base": {}},
    {"dynamics_base": {}},
    {"version": None},
    {"unconfirmed": frozenset()},
    {"fingerprint": ""},
    {"sent": {}},
):
    fails("a_link_comes_back_as_it_was_kept")(loses(**lost))


@fails("a_link_replaces_that_of_its_person")
@fails("a_link_that_takes_both_places_removes_both")
class KeepsSecondLinkOfPerson(MemoryStateStore):
    def _put(self, link: Any) -> None:
        self._links.setdefault(link[0], {})[link[1]] = link
        self._rows_of.setdefault(link[0], {})[link[2]] = link[1]


@fails("a_link_replaces_that_of_its_row")
class FindsFormerPerson(MemoryStateStore):
    def _drop(self, entity: str, row_id: str) -> None:
        self._links.get(entity, {}).pop(row_id, None)


@fails("links_are_removed")
class RemovesNothing(Changing):
    def changed(self, commit: Commit) -> Commit:
        return evolve(commit, drop_links=())


@fails("entities_are_kept_apart")
class RemovesFromEveryEntity(Changing):
    def changed(self, commit: Commit) -> Commit:
        return evolve(commit, drop_links=[(e, row) for _, row in commit.drop_links for e in ("lead", "contact")])


@fails("links_are_removed_before_others_are_put")
@fails("what_is_removed_goes_before_what_is_added")
class RemovesLast(MemoryStateStore):
    def commit(self, commit: Commit) -> None:
        super().commit(evolve(commit, drop_links=(), unpark=(), unreject=(), drop_intents=()))
        removals = Commit(drop_links=commit.drop_links, unpark=commit.unpark, unreject=commit.unreject)
        super().commit(evolve(removals, drop_intents=commit.drop_intents))


@fails("links_of_one_commit_are_put_in_their_order")
class PutsBackwards(Changing):
    def changed(self, commit: Commit) -> Commit:
        return evolve(commit, put_links=commit.put_links[::-1])


@fails("persons_are_found_in_all_entities_or_in_those_named")
class IgnoresEntities(MemoryStateStore):
    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        return super().links_by_marketo(ids)


@fails("only_known_ids_are_answered")
class AnswersUnknownIds(MemoryStateStore):
    def links_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Link]:
        return {row: Link(entity, row, "") for row in ids} | super().links_by_dynamics(entity, ids)


@fails("many_thousand_ids_in_one_lookup")
class LooksUpAThousand(MemoryStateStore):
    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        return super().links_by_marketo(ids[:1000], entities=entities)


@fails("links_are_counted_by_entity")
class CountsEverything(MemoryStateStore):
    def count_links(self, entity: str) -> int:
        return sum(map(len, self._links.values()))


@fails("links_come_in_the_order_of_row_ids")
class KeepsOrderOfPutting(MemoryStateStore):
    def links(self, entity: str) -> Iterator[Link]:
        return iter(self.links_by_dynamics(entity, list(self._links.get(entity, {}))).values())


@fails("commits_may_be_made_while_links_are_read")
class ReadsByPosition(MemoryStateStore):
    def links(self, entity: str) -> Iterator[Link]:
        start = 0
        while page := list(islice(super().links(entity), start, start + 100)):
            yield from page
            start += 100


@fails("iterations_do_not_disturb_each_other")
class HasOneCursor(MemoryStateStore):
    def links(self, entity: str) -> Iterator[Link]:
        self.cursor = super().links(entity)
        while (found := next(self.cursor, None)) is not None:
            yield found


@fails("unseen_links_are_those_that_a_listing_did_not_meet")
class SeesLastCommitOnly(MemoryStateStore):
    def commit(self, commit: Commit) -> None:
        for entity, _ in commit.seen:
            self.forget_seen(entity)
        super().commit(commit)


@fails("every_link_is_unseen_before_the_first_listing")
class NeedsListing(MemoryStateStore):
    def unseen(self, entity: str) -> Iterator[Link]:
        return super().unseen(entity) if entity in self._seen else iter(())


@fails("a_new_listing_forgets_the_marks_of_its_entity")
class ForgetsAllMarks(MemoryStateStore):
    def forget_seen(self, entity: str) -> None:
        self._seen.clear()


@fails("a_mark_belongs_to_the_row_and_outlives_its_link")
class MarksLinks(MemoryStateStore):
    def _put(self, link: Any) -> None:
        super()._put(link)
        self._seen.get(link[0], set()).discard(link[1])


@fails("unseen_links_are_read_while_commits_are_made")
class ReadsUnseenByPosition(MemoryStateStore):
    def unseen(self, entity: str) -> Iterator[Link]:
        start = 0
        while page := list(islice(super().unseen(entity), start, start + 100)):
            yield from page
            start += 100


@fails("checkpoints_are_kept_replaced_and_removed")
class KeepsRemovedCheckpoints(Changing):
    def changed(self, commit: Commit) -> Commit:
        return evolve(commit, checkpoints={name: value or "" for name, value in commit.checkpoints.items()})


@fails("facts_are_kept_replaced_and_removed")
class MixesFactsAndCheckpoints(Changing):
    def changed(self, commit: Commit) -> Commit:
        return evolve(commit, facts={**commit.facts, **commit.checkpoints})


@fails("the_journal_keeps_the_order_of_writing")
class SortsJournalByTime(MemoryStateStore):
    def journal(self, **narrow: Any) -> Iterator[JournalEntry]:
        return iter(sorted(super().journal(**narrow), key=lambda entry: entry.at))


@fails("the_journal_can_be_narrowed")
class NarrowsByEntityOnly(MemoryStateStore):
    def journal(self, *, entity: str | None = None, **narrow: Any) -> Iterator[JournalEntry]:
        return super().journal(entity=entity)


@fails("parked_records_come_oldest_first")
class SortsParkedById(MemoryStateStore):
    def parked(self, entity: str | None = None) -> Iterator[Parked]:
        return iter(sorted(super().parked(entity), key=lambda item: item.id))


@fails("a_parked_record_keeps_its_since_when_it_is_replaced")
class ForgetsSince(MemoryStateStore):
    def _park(self, item: Any) -> None:
        self._parked.setdefault(item[:3], {})[item[3]] = item


@fails("parked_records_are_told_apart_by_entity_side_id_and_field")
class ParksWithoutSide(Changing):
    def changed(self, commit: Commit) -> Commit:
        return evolve(commit, park=[evolve(item, side="dynamics") for item in commit.park])


@fails("a_star_removes_all_that_is_parked_of_a_record")
class KnowsNoStar(Changing):
    def changed(self, commit: Commit) -> Commit:
        return evolve(commit, unpark=[key for key in commit.unpark if key[3] != "*"])


@fails("rejected_records_come_in_the_order_of_their_next_try")
class RejectedOfAllEntities(MemoryStateStore):
    def rejected(self, entity: str | None = None) -> Iterator[Rejected]:
        return super().rejected()


@fails("rejected_records_are_replaced_and_removed")
class KeepsFirstRejection(Changing):
    def changed(self, commit: Commit) -> Commit:
        known = {(item.entity, item.side, item.id) for item in self.rejected()}
        return evolve(commit, reject=[i for i in commit.reject if (i.entity, i.side, i.id) not in known])


@fails("the_words_of_a_service_are_kept_whatever_they_are")
class RefusesCutWords(Changing):
    def changed(self, commit: Commit) -> Commit:
        try:
            for item in commit.reject:
                item.message.encode()
        except UnicodeEncodeError:
            raise StateError("a message that is no text") from None
        return commit


@fails("intents_are_kept_replaced_and_removed")
class IntentsOfAnyEntity(MemoryStateStore):
    def intents(self, entity: str, marketo_ids: Sequence[str]) -> dict[str, Intent]:
        return super().intents("contact", marketo_ids) | super().intents("lead", marketo_ids)


@fails("json_values_come_back_as_they_were")
class TakesYesForOne(Changing):
    def changed(self, commit: Commit) -> Commit:
        links = [
            evolve(link, base={name: 1 if value is True else value for name, value in link.base.items()})
            for link in commit.put_links
        ]
        return evolve(commit, put_links=links)


@fails("names_and_ids_are_any_text")
class IgnoresCase(MemoryStateStore):
    def links_by_dynamics(self, entity: str, ids: Sequence[str]) -> dict[str, Link]:
        wanted = {row.casefold() for row in ids}
        return {link.dynamics_id: link for link in self.links(entity) if link.dynamics_id.casefold() in wanted}


@fails("times_are_moments_in_utc")
class CutsMicroseconds(Changing):
    def changed(self, commit: Commit) -> Commit:
        return evolve(commit, park=[evolve(item, since=item.since.replace(microsecond=0)) for item in commit.park])


@fails("what_was_kept_is_the_store_s_own")
class SharesDictionaries(MemoryStateStore):
    def commit(self, commit: Commit) -> None:
        super().commit(commit)
        self.given = {link.dynamics_id: link for link in commit.put_links}

    def links(self, entity: str) -> Iterator[Link]:
        return iter(self.given.values())


@fails("a_new_store_is_empty")
class BeginsWithAnEntry(MemoryStateStore):
    def fact(self, name: str) -> str | None:
        return super().fact(name) or ""

    def journal(self, **narrow: Any) -> Iterator[JournalEntry]:
        yield JournalEntry(testing.store_case.NOON, "lead", "made")


@fails("a_commit_keeps_everything")
class ForgetsIntents(Changing):
    def changed(self, commit: Commit) -> Commit:
        return evolve(commit, put_intents=())


@fails("a_commit_that_fails_leaves_nothing")
class CommitsByHalves(MemoryStateStore):
    def commit(self, commit: Commit) -> None:
        super().commit(Commit(checkpoints=commit.checkpoints))
        super().commit(commit)


@fails("a_commit_that_fails_leaves_nothing")
class KeepsAnything(Changing):
    def changed(self, commit: Commit) -> Commit:
        links = [evolve(link, base={n: repr(v) for n, v in link.base.items()}) for link in commit.put_links]
        return evolve(commit, put_links=links)


@fails("errors_do_not_quote_values")
class QuotesValues(MemoryStateStore):
    def commit(self, commit: Commit) -> None:
        try:
            super().commit(commit)
        except StateError:
            raise StateError(f"can't be kept: {[link.base for link in commit.put_links]}") from None


class NoLock(MemoryLock):
    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        pass


@fails("the_lock_excludes_a_second_engine")
@fails("of_many_who_try_at_once_one_gets_the_lock")
class LocksNothing(MemoryStateStore):
    def lock(self) -> MemoryLock:
        return NoLock(threading.Lock())


@fails("of_many_who_try_at_once_one_gets_the_lock")
class LetsNobodyIn(MemoryStateStore):
    def lock(self) -> MemoryLock:
        taken = threading.Lock()
        taken.acquire()
        return MemoryLock(taken)


class StickyLock(MemoryLock):
    def __exit__(self, *error: object) -> None:
        if error == (None, None, None):
            super().__exit__(None, None, None)


@fails("the_lock_can_be_taken_again")
class StaysLockedAfterAnError(MemoryStateStore):
    def lock(self) -> MemoryLock:
        return StickyLock(self._running)


@fails("making_a_lock_takes_nothing")
class LocksWhenAsked(MemoryStateStore):
    def lock(self) -> MemoryLock:
        return super().lock().__enter__()


@fails("the_store_works_while_its_lock_is_held")
class LocksItselfOut(MemoryStateStore):
    def commit(self, commit: Commit) -> None:
        with self.lock():
            super().commit(commit)


@fails("threads_may_commit_at_once")
class BelongsToOneThread(MemoryStateStore):
    def __init__(self) -> None:
        super().__init__()
        self.owner = threading.get_ident()

    def commit(self, commit: Commit) -> None:
        if threading.get_ident() != self.owner:
            raise StateError("made in another thread")
        super().commit(commit)


@fails("a_reader_meets_whole_commits")
class ShowsHalves(MemoryStateStore):
    def links_by_marketo(self, ids: Sequence[str], *, entities: Sequence[str] = ()) -> dict[str, Link]:
        found = super().links_by_marketo(ids, entities=entities)
        return {person: link for person, link in found.items() if link.base.get("round") == 0 or person != "7"}
