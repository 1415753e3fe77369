"""``base="digest"``: no value stands in the store, and everything is decided as with values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from marketo_dynamics_sync.conflict import Conflict, Hold, PerField, Resolution
from marketo_dynamics_sync.connectors import Outcome, Problem, Write
from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.engine import OnMerge, SyncEngine, SyncReport
from marketo_dynamics_sync.engine.digested import KEY_FACT, NOT_KEPT, DigestedStore, digested
from marketo_dynamics_sync.entities import Account, Contact, Digest, Direction, Lead, Side, mapped
from marketo_dynamics_sync.errors import ConfigurationError
from marketo_dynamics_sync.state import (
    Commit,
    JournalEntry,
    Link,
    MemoryStateStore,
    RewritesJournal,
    SQLiteStateStore,
    StateStore,
)
from marketo_dynamics_sync.testing.store_case import everything
from tests.bound import LEAD
from tests.engine.test_overwritten import race
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, Killed


def hiding(*entities: Any, **options: Any) -> World:
    return World(entities or (Lead, Contact), base="digest", **options)


def one_lead(**options: Any) -> tuple[World, str, str]:
    world = hiding(Lead, **options)
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Engineer")
    world.settle()
    return world, row, str(world.linked("lead", row))


def texts(value: object) -> Iterator[str]:
    """Yield every text of what a store gives."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from (name, *texts(each))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from texts(each)


def kept(store: StateStore) -> set[str]:
    """Return all texts of a store's values."""
    names = ("lead", "contact", "account")
    links = [
        part for name in names for link in store.links(name) for part in (link.base, link.dynamics_base, link.sent)
    ]
    notes = [item.detail for item in (*store.journal(), *store.parked())]
    words = [item.message for item in store.rejected()]
    return {text for each in (*links, *notes, words) for text in texts(each)}


def test_values_and_digests_are_all_there_is() -> None:
    with pytest.raises(ConfigurationError, match='"values" or "digest"'):
        World(base="hash")


def test_the_store_has_no_value_and_edits_go_both_ways() -> None:
    world, row, person = one_lead()
    assert not {"Byron", "ada@x.com", "Engineer"} & kept(world.store)
    world.dynamics.change("leads", row, jobtitle="Countess")
    world.marketo.change("person", person, phone="12")
    world.settle()
    assert world.person_of("lead", row)["title"] == "Countess"
    assert (world.dynamics.row("leads", row) or {})["telephone1"] == "12"
    assert not {"Countess", "12"} & kept(world.store)
    (link,) = world.store.links("lead")
    assert link.base["crm_id"] == row  # ids are read back, and no person's own
    assert link.base["mobile_phone"] is None


def test_an_idle_cycle_costs_no_call_more() -> None:
    calls = []
    for base in ("values", "digest"):
        world = World((Lead, Contact), base=base)
        world.lead(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Engineer")
        world.settle()
        report = world.engine.run()
        calls.append((report.marketo_calls.total, report.dynamics_calls.total))
    assert calls[0] == calls[1]


def test_a_plan_is_what_a_run_does_and_leaves_not_even_a_key() -> None:
    world = hiding(Lead)
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    plan = world.engine.plan()
    assert world.store.fact(KEY_FACT) is None
    assert world.engine.run().wrote == len(plan.steps) == 1
    assert world.store.fact(KEY_FACT)
    world.settle()
    world.dynamics.change("leads", row, jobtitle="Poet", lastname="King")
    before = everything(world.store)
    (step,) = world.engine.plan().steps
    assert dict(step.to_marketo) == {"job_title": "Poet", "last_name": "King"}
    assert everything(world.store) == before


def test_a_clash_is_told_in_the_report_and_its_values_are_not_kept() -> None:
    world, row, person = one_lead()
    world.dynamics.change("leads", row, jobtitle="Director")
    world.marketo.change("person", person, title="Countess")
    report = world.engine.run()
    (line,) = report.conflicts
    assert (line.marketo, line.dynamics, line.winner) == ("Countess", "Director", "marketo")
    assert line.base == "Engineer"
    told = json.dumps(report.to_dict(values=True))
    assert "Director" in told
    assert "Engineer" not in told
    (entry,) = [entry for entry in world.store.journal() if entry.kind == "conflict"]
    assert (entry.field, entry.detail["winner"]) == ("job_title", "marketo")
    assert not {"Director", "Countess", "Engineer"} & kept(world.store)
    # Who has the store and its key can still tell whether it was one value or another.
    store = digested(world.store, "digest", {"lead": LEAD})
    (entry,) = [entry for entry in store.journal() if entry.kind == "conflict"]
    assert entry.detail == {**entry.detail, "base": "Engineer", "marketo": "Countess", "dynamics": "Director"}
    world.settle()


def test_a_policy_sees_a_base_that_equals_the_value_and_shows_nothing() -> None:
    seen: list[Conflict] = []

    def policy(conflict: Conflict) -> Resolution:
        seen.append(conflict)
        return Resolution.use("Both", "own")

    world, row, person = one_lead(policies=policy)
    world.dynamics.change("leads", row, jobtitle="Director")
    world.marketo.change("person", person, title="Countess")
    world.settle()
    (conflict,) = seen
    assert isinstance(conflict.base, Digest)
    assert conflict.base == "Engineer"
    assert "Engineer" not in f"{conflict!r} {conflict.base!r}"
    assert world.person_of("lead", row)["title"] == "Both"


class Trimming(MemoryConnector):
    """Marketo keeps texts trimmed, addresses in lower case and numbers rounded."""

    def _write_person(self, write: Write, native: Any) -> Outcome:
        def stored(name: str, value: object) -> object:
            if isinstance(value, float):
                return round(value, 1)
            if not isinstance(value, str):
                return value
            return value.strip().lower() if name == "email" else value.strip()

        return super()._write_person(write, {name: stored(name, value) for name, value in native.items()})


def test_what_a_service_trims_or_rounds_does_not_echo() -> None:
    written = []
    for base in ("values", "digest"):
        world = World((Lead,), connector=Trimming, base=base)
        row = world.lead(lastname=" Byron ", emailaddress1="Ada@X.com", revenue=1234.56)
        reports = [world.engine.run() for _ in range(4)]
        assert [report.wrote for report in reports] == [1, 0, 0, 0]
        world.dynamics.change("leads", row, lastname=" King ", revenue=99.95)
        reports = [world.engine.run() for _ in range(4)]
        assert [report.wrote for report in reports] == [1, 0, 0, 0]
        person = world.person_of("lead", row)
        written.append((person["lastName"], person["email"], (world.dynamics.row("leads", row) or {})["lastname"]))
    assert written[0] == written[1] == ("King", "ada@x.com", " King ")


def test_a_copy_that_somebody_changed_is_repaired_though_its_source_was_not_read() -> None:
    calls = {}
    for base in ("values", "digest"):
        world = World((Lead,), base=base)
        rows = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com") for n in range(3)]
        world.settle()
        state = [world.person_of("lead", row)["microsoftType"] for row in rows]
        for row in rows:
            world.marketo.change("person", str(world.linked("lead", row)), microsoftType="Gossip")
        plan = world.engine.plan()
        report = world.engine.run()
        assert sorted(step.dynamics_id or "" for step in plan.steps) == sorted(rows)
        assert [world.person_of("lead", row)["microsoftType"] for row in rows] == state
        calls[base] = report.dynamics_calls.reads
        world.settle()
    assert calls["digest"] <= calls["values"] + 1  # one call more for all of them


def test_a_source_in_marketo_repairs_its_copy_in_dynamics() -> None:
    class Scored(Lead):
        """A lead that tells its score."""

        motto: str | None = mapped(marketo="motto", dynamics="new_motto", direction=Direction.TO_DYNAMICS)

    world = hiding(Scored)
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com")
    world.settle()
    person = str(world.linked("lead", row))
    world.marketo.change("person", person, motto="Labor")
    world.settle()
    world.dynamics.change("leads", row, new_motto="Otium")
    world.settle()
    assert (world.dynamics.row("leads", row) or {})["new_motto"] == "Labor"
    assert "Labor" not in kept(world.store)


def test_an_edit_that_was_overwritten_is_found_by_digests_and_put_back_by_the_policy() -> None:
    seen: list[Conflict] = []

    def policy(conflict: Conflict) -> Resolution:
        seen.append(conflict)
        assert not isinstance(conflict.dynamics, Digest)
        return Resolution.marketo(conflict, "own")

    world, row, person = one_lead(policies=policy)
    world.dynamics.change("leads", row, jobtitle="Director")
    race(world, person, title="Countess")
    world.engine.run()
    assert not {"Engineer", "Director", "Countess"} & kept(world.store)
    plan = world.engine.plan()
    report = world.engine.run()
    assert [step.overwritten != () for step in plan.steps] == [True]
    (line,) = report.overwritten
    assert (line.marketo, line.dynamics) == ("Countess", "Director")
    world.settle()
    assert world.person_of("lead", row)["title"] == "Countess"
    assert [c.field for c in seen] == ["job_title"] * len(seen)
    assert "Countess" not in kept(world.store)


def test_a_services_words_are_told_and_not_kept() -> None:
    world, row, _ = one_lead()
    world.marketo.refuse = lambda write: Problem("1003", "'Countess' is no title", "title")
    world.dynamics.change("leads", row, jobtitle="Countess")
    report = world.engine.run()
    assert [line.message for line in report.rejected] == ["'Countess' is no title"]
    (waits,) = world.engine.waiting()
    assert (waits.code, waits.field, waits.message) == ("1003", "title", NOT_KEPT)
    assert "Countess" not in " ".join(kept(world.store))
    world.marketo.refuse = None
    world.later(days=2)
    world.settle()
    assert world.person_of("lead", row)["title"] == "Countess"


def test_what_a_merge_of_persons_loses_is_not_kept() -> None:
    world = hiding(on_merge=OnMerge.MERGE)
    row = world.lead(lastname="Ada", emailaddress1="ada@x.com", jobtitle="Countess")
    into = world.contact(lastname="King", emailaddress1="king@x.com", jobtitle="Director")
    world.settle()
    texts_seen: set[str] = set()
    commit = world.store.commit

    def watched(made: Commit) -> None:
        texts_seen.update(str(text) for text in made.facts.values())
        commit(made)

    world.store.commit = watched  # type: ignore[method-assign]  # looks at what is kept on the way
    world.dynamics.change("leads", row, statecode=1, statuscode=3, _parentcontactid_value=into)
    world.settle()
    (entry,) = [entry for entry in world.store.journal() if entry.kind == "merged"]
    assert {"job_title", "last_name"} <= dict(entry.detail["lost"]).keys()  # type: ignore[call-overload]  # plain data
    assert not {"Countess", "Ada"} & kept(world.store)
    assert not any("Countess" in text for text in texts_seen)


def values_in(path: Path, *values: str) -> list[str]:
    """Return which values stand in a store's files, log and all."""
    content = b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))
    forms = {value: (value.encode(), value.encode("utf-16-le"), json.dumps(value)[1:-1].encode()) for value in values}
    return [value for value, each in forms.items() if any(form in content for form in each)]


#: Every value that the busy world ever holds; each stands for itself alone.
BUSY = (
    *("Zaphod-Byron", "zaphod@values.test", "Zq-Engineer", "Zq-Countess", "Zq-Director", "Zq-Held-Here"),
    *("Zq-Held-There", "Zq-Refused", "Zq-Race", "Zq-Ours", "Zq-Vine Street 3", "Zq-Ünï-中文", "Zq-Company", "98765.43"),
    *("Zq-Twin", "twin@values.test", "Zq-Merged-Title", "Zq-Changed-Away", "+49-30-ZQ-123"),
)


def busy(world: World) -> Callable[[], None]:
    """Let happen whatever leaves something behind in a store, and return what asserts that it did."""
    row = world.lead(
        lastname="Zaphod-Byron",
        emailaddress1="zaphod@values.test",
        jobtitle="Zq-Engineer",
        address1_line1="Zq-Vine Street 3",
        description="Zq-Ünï-中文",
        revenue=98765.43,
        telephone1="+49-30-ZQ-123",
    )
    world.dynamics.put("accounts", name="Zq-Company", statecode=0)
    # A row whose address two persons have waits for a human.
    for _ in range(2):
        world.person(lastName="Zq-Twin", email="twin@values.test")
    world.lead(lastname="Zq-Twin", emailaddress1="twin@values.test")
    world.settle()
    person = str(world.linked("lead", row))
    both = world.lead(lastname="Zaphod-Byron", emailaddress1="b@values.test", jobtitle="Zq-Merged-Title")
    into = world.contact(lastname="Zaphod-Byron", emailaddress1="c@values.test", jobtitle="Zq-Engineer")
    world.settle()
    world.dynamics.change("leads", row, jobtitle="Zq-Director", address1_city="Zq-Held-Here")
    world.marketo.change("person", person, title="Zq-Countess", city="Zq-Held-There")
    world.dynamics.change("leads", both, statecode=1, statuscode=3, _parentcontactid_value=into)
    clash = world.engine.run()
    world.dynamics.change("leads", row, jobtitle="Zq-Ours")
    race(world, person, title="Zq-Race")
    world.engine.run()
    lost = world.engine.run()
    world.settle()
    info = world.dynamics.objects["leads"]
    shorter = evolve(info.fields["description"], max_length=5)
    world.dynamics.objects["leads"] = evolve(info, fields={**info.fields, "description": shorter})
    world.marketo.change("person", person, personNotes="Zq-Changed-Away")
    world.marketo.refuse = lambda write: Problem("1003", "'Zq-Refused' is no name", "firstName")
    world.dynamics.change("leads", row, firstname="Zq-Refused")
    refused = world.engine.run()

    def seen() -> None:
        assert [line.field for line in clash.conflicts] == ["job_title"]
        assert [line.field for line in lost.overwritten] == ["job_title"]
        assert refused.rejected
        kinds = {entry.kind for entry in world.store.journal()}
        assert {"linked", "created", "conflict", "overwritten", "merged"} <= kinds | {"linked"}
        assert {"held", "ambiguous"} <= {item.reason for item in world.store.parked()}
        assert list(world.store.rejected())

    return seen


def busy_world(path: Path, **options: Any) -> World:
    policies = {"lead": PerField({"city": Hold()}, default=lambda c: Resolution.marketo(c, "own"))}
    entities = (Account, Lead, Contact)
    return World(entities, store=SQLiteStateStore(path), policies=policies, on_merge=OnMerge.MERGE, **options)


def test_no_byte_of_the_file_or_its_log_shows_a_value(tmp_path: Path) -> None:
    path = tmp_path / "store" / "sync.db"
    path.parent.mkdir()
    world = busy_world(path, base="digest")
    busy(world)()
    assert values_in(path, *BUSY) == []
    world.store.close()
    assert values_in(path, *BUSY) == []


def test_values_of_a_store_become_digests_at_the_first_run_and_nothing_is_left_of_them(tmp_path: Path) -> None:
    path = tmp_path / "store" / "sync.db"
    path.parent.mkdir()
    world = busy_world(path)
    busy(world)()
    assert len(values_in(path, *BUSY)) > len(BUSY) // 2
    world.engine = world.new_engine(base="digest")
    plan = world.engine.plan()
    assert values_in(path, "Zaphod-Byron")  # a plan changes nothing
    report = world.engine.run()
    assert report.wrote == 0
    assert plan.empty
    assert values_in(path, *BUSY) == []
    assert len(list(world.store.journal())) > 3


def test_a_reader_keeps_old_pages_in_the_log_until_the_run_after_it_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "store" / "sync.db"
    path.parent.mkdir()
    world = World((Lead,), store=SQLiteStateStore(path))
    world.lead(lastname="Zaphod-Byron", emailaddress1="zaphod@values.test")
    world.settle()
    world.engine = world.new_engine(base="digest")
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM link").fetchone()
        world.engine.run()
        assert values_in(path, "Zaphod-Byron")
    world.engine.run()
    assert values_in(path, "Zaphod-Byron", "zaphod@values.test") == []


@pytest.mark.parametrize("first", ["values", "digest"])
def test_switching_writes_nothing_and_loses_no_edit(first: str) -> None:
    other = {"values": "digest", "digest": "values"}[first]
    world = World((Lead, Contact), base=first)
    rows = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com", jobtitle="Engineer") for n in range(3)]
    world.settle()
    persons = [str(world.linked("lead", row)) for row in rows]
    world.engine = world.new_engine(base=other)
    assert world.engine.plan().empty
    assert world.engine.run().wrote == 0
    world.engine = world.new_engine(base=first)
    world.dynamics.change("leads", rows[0], jobtitle="Director")
    world.marketo.change("person", persons[1], title="Countess")
    world.dynamics.change("leads", rows[2], jobtitle="Theirs")
    world.marketo.change("person", persons[2], title="Ours")
    world.engine = world.new_engine(base=other)
    plan = world.engine.plan()
    report = world.engine.run()
    assert report.wrote == sum(step.writes_marketo + step.writes_dynamics for step in plan.steps) == 3
    assert [(line.field, line.marketo, line.dynamics) for line in report.conflicts] == [("job_title", "Ours", "Theirs")]
    world.settle()
    assert [world.person_of("lead", row)["title"] for row in rows] == ["Director", "Countess", "Ours"]
    values = {"Director", "Countess", "Ours"} & kept(world.store)
    assert values == (set() if other == "digest" else {"Director", "Countess", "Ours"})


def test_back_among_values_what_nobody_changed_stays_a_digest_and_is_hidden_again_with_the_rest() -> None:
    world, row, _ = one_lead()
    world.engine = world.new_engine(base="values")
    world.dynamics.change("leads", row, jobtitle="Countess")
    world.settle()
    assert "Countess" in kept(world.store)
    assert "Byron" not in kept(world.store)
    world.engine = world.new_engine(base="digest")
    world.engine.run()
    assert "Countess" not in kept(world.store)
    assert world.store.fact("digest:all") == "yes"
    world.settle()


def test_killed_at_any_step_of_the_switch_the_next_run_goes_on() -> None:
    def prepared(fuse: Fuse) -> World:
        store = FusedStore()
        world = World((Lead,), store=store)
        rows = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com", jobtitle="Engineer") for n in range(3)]
        world.settle()
        world.dynamics.change("leads", rows[0], jobtitle="Director")
        world.marketo.change("person", str(world.linked("lead", rows[0])), title="Countess")
        world.settle()
        world.engine = world.new_engine(base="digest")
        store.fuse = fuse
        return world

    fuse = Fuse()
    world = prepared(fuse)
    world.engine.run()
    assert fuse.passed > 4
    for step in range(fuse.passed):
        fuse = Fuse(step)
        world = prepared(fuse)
        with pytest.raises(Killed):
            world.engine.run()
        fuse.left = None
        world.engine = world.new_engine(base="digest")
        assert world.engine.run().wrote == 0
        assert not {"Engineer", "Director", "Countess", "L1"} & kept(world.store)


class Plain:
    """A store that has no more than the engine asks of one."""

    def __init__(self) -> None:
        self._store = MemoryStateStore()

    def __getattr__(self, name: str) -> Any:
        if name == "rewrite_journal":
            raise AttributeError(name)
        return getattr(self._store, name)


def test_a_store_that_cant_rewrite_its_journal_can_begin_with_digests_and_cant_change_to_them() -> None:
    plain: Any = Plain()
    assert not isinstance(plain, RewritesJournal)
    world = World((Lead,), store=plain, base="digest")
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Engineer")
    world.settle()
    assert "Byron" not in kept(world.store)
    world.engine = world.new_engine(base="values")
    world.dynamics.change("leads", row, jobtitle="Theirs")
    world.marketo.change("person", str(world.linked("lead", row)), title="Ours")
    world.settle()
    world.engine = world.new_engine(base="digest")
    with pytest.raises(ConfigurationError, match="Plain can't rewrite it"):
        world.engine.run()
    assert "Ours" in kept(world.store)


def test_a_lost_key_makes_all_digests_unknown_and_no_edit_is_lost() -> None:
    world, row, _ = one_lead()
    world.store.commit(Commit(facts={KEY_FACT: None}))
    world.dynamics.change("leads", row, jobtitle="Director")
    world.engine = world.new_engine()
    world.settle()
    report = world.engine.run()
    assert report.wrote == 0
    assert world.person_of("lead", row)["title"] in ("Engineer", "Director")


def test_links_of_entities_that_are_not_synced_pass_as_they_are() -> None:
    real = MemoryStateStore()
    link = Link("event", "row", "1", base={"name": "Ball"}, sent={"name": ["Ball", "Gala"]})
    real.commit(Commit(put_links=[link]))
    store = digested(real, "digest", {"lead": LEAD})
    assert isinstance(store, DigestedStore)
    store.settle()
    assert list(real.links("event")) == [link]
    (read,) = store.links("event")
    store.commit(Commit(put_links=[evolve(read, version="2")]))
    assert list(real.links("event")) == [evolve(link, version="2")]


def test_a_store_of_values_is_given_as_it_is() -> None:
    real = MemoryStateStore()
    assert digested(real, "values", {}) is real


def test_a_journal_entry_keeps_what_is_no_value() -> None:
    world = hiding(Lead)
    store = DigestedStore(world.store, {"lead": LEAD}, hides=True)
    entry = JournalEntry(world.now(), "lead", "linked", "1", "row", None, {"reason": "recognised by email"})
    store.commit(Commit(journal=[entry]))
    assert list(world.store.journal()) == [entry]
    assert str(store.key) not in repr(store)


def test_back_fill_repairs_and_compares_with_digests() -> None:
    world, _, _ = one_lead()
    world.engine.run()
    found = world.engine.backfill("lead", ["job_title"], winner=Side.DYNAMICS)
    assert isinstance(found, SyncReport)
    assert found.wrote == 0


def written_by(engine: SyncEngine, runs: int = 3) -> Sequence[int]:
    return [engine.run().wrote for _ in range(runs)]


def test_a_changed_mapping_compares_digests_afresh_and_writes_nothing() -> None:
    class Titled(Lead):
        """A lead with one field more."""

        motto: str | None = mapped(marketo="motto", dynamics="new_motto", optional=True)

    world = World((Titled,), base="digest")
    world.engine = world.new_engine(entities=(Lead,))
    row = world.lead(lastname="Byron", emailaddress1="ada@x.com", jobtitle="Engineer", new_motto="Labor")
    world.settle()
    world.engine = world.new_engine()
    assert written_by(world.engine) == [1, 0, 0]
    assert world.person_of("lead", row)["motto"] == "Labor"
    assert not {"Labor", "Engineer"} & kept(world.store)


def test_taking_over_rebinding_and_rebuilding_keep_digests() -> None:
    world, row, _ = one_lead()
    world.engine.rebind(dry_run=True)
    world.engine.rebind(dry_run=False)
    assert not {"Byron", "Engineer"} & kept(world.store)
    world.settle()
    fresh = hiding(Lead)
    fresh.marketo, fresh.dynamics = world.marketo, world.dynamics
    fresh.engine = fresh.new_engine()
    fresh.engine.rebuild(dry_run=False)
    assert fresh.linked("lead", row) == world.linked("lead", row)
    assert not {"Byron", "Engineer"} & kept(fresh.store)
    assert fresh.engine.run().wrote == 0
