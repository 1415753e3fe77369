"""An older environment under a newer store: refused before the first write, and nothing else ever is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from marketo_dynamics_sync.entities import Account, Contact, Lead
from marketo_dynamics_sync.errors import IdentityMismatchError, RestoredError
from tests.end_to_end.conftest import Pair

PEOPLE = (Lead.select("last_name", "email", "job_title"), Contact.select("last_name", "email", "job_title"))


def lived(pair: Pair, count: int = 3) -> list[str]:
    """Return rows that have been synced for a while."""
    dynamics = pair.sandbox.dynamics
    return [dynamics.create("lead", lastname=f"L{i}", emailaddress1=f"p{i}@x.com") for i in range(count)]


def refused(pair: Pair, where: str) -> None:
    """Run, and see that nothing is written anywhere, now or later, and that the text says what to do."""
    engine = pair.engine(PEOPLE)
    links, persons = list(pair.store.links("lead")), pair.sandbox.marketo.persons()
    checkpoint = pair.store.checkpoint("persons")
    for attempt in (engine.run, engine.plan, engine.run):
        pair.forget_calls()
        with pytest.raises(RestoredError, match=rf"{where}.*engine\.rebind\(\)") as error:
            attempt()
        assert isinstance(error.value, IdentityMismatchError)
        assert "x.com" not in str(error.value)
        assert pair.writes == 0
        pair.sandbox.clock.advance(60)
    assert (list(pair.store.links("lead")), pair.sandbox.marketo.persons()) == (links, persons)
    assert pair.store.checkpoint("persons") == checkpoint


def test_rows_that_went_back_are_refused(pair: Pair) -> None:
    rows = lived(pair)
    pair.settle(pair.engine(PEOPLE))
    backup = pair.sandbox.dynamics.snapshot()
    pair.sandbox.dynamics.update("lead", rows[0], jobtitle="CTO")
    pair.settle(pair.engine(PEOPLE))
    pair.sandbox.dynamics.restore(backup)
    refused(pair, f"lead: row {rows[0]}")


def test_rows_that_went_back_and_were_edited_since_are_refused(pair: Pair) -> None:
    rows = lived(pair)
    pair.settle(pair.engine(PEOPLE))
    backup = pair.sandbox.dynamics.snapshot()
    for title in ("CTO", "CEO", "CFO"):
        pair.sandbox.dynamics.update("lead", rows[0], jobtitle=title)
        pair.settle(pair.engine(PEOPLE))
    pair.sandbox.dynamics.restore(backup)
    pair.sandbox.dynamics.update("lead", rows[0], jobtitle="Old hand")
    refused(pair, f"lead: row {rows[0]}")


def test_rows_that_were_made_since_the_backup_are_not_taken_for_deleted(pair: Pair) -> None:
    lived(pair)
    pair.settle(pair.engine(PEOPLE))
    backup = pair.sandbox.dynamics.snapshot()
    pair.sandbox.dynamics.create("lead", lastname="New", emailaddress1="new@x.com")
    pair.settle(pair.engine(PEOPLE))
    pair.sandbox.dynamics.restore(backup)
    refused(pair, "leads: Dynamics counts its changes up to")


def test_a_marketo_that_went_back_is_refused(pair: Pair) -> None:
    rows = lived(pair)
    pair.settle(pair.engine(PEOPLE))
    backup = pair.sandbox.marketo.snapshot()
    pair.sandbox.dynamics.update("lead", rows[0], jobtitle="CTO")
    pair.sandbox.marketo.update_person(1002, title="CEO")
    pair.settle(pair.engine(PEOPLE))
    pair.sandbox.marketo.restore(backup)
    refused(pair, r"Marketo has activity \d+ no more")


def test_a_marketo_that_went_back_after_a_rest_is_refused(pair: Pair) -> None:
    lived(pair)
    pair.settle(pair.engine(PEOPLE))
    pair.sandbox.clock.advance(86400)
    pair.settle(pair.engine(PEOPLE))
    backup = pair.sandbox.marketo.snapshot()
    pair.sandbox.marketo.update_person(1002, title="CEO")
    pair.settle(pair.engine(PEOPLE))
    pair.sandbox.clock.advance(60)
    assert pair.engine(PEOPLE).run().wrote == 0
    pair.sandbox.marketo.restore(backup)
    pair.sandbox.marketo.update_person(1003, title="CFO")
    refused(pair, r"Marketo has activity \d+ no more")


def test_an_idle_cycle_makes_no_call_more(pair: Pair) -> None:
    lived(pair)
    engine = pair.engine(PEOPLE)
    pair.settle(engine)
    for seconds in (60, 3600, 86400, 60):
        pair.sandbox.clock.advance(seconds)
        pair.forget_calls()
        assert engine.run().wrote == 0
        assert [call.path for call in pair.sandbox.marketo.calls].count("/rest/v1/activities.json") == 1
        assert not any("pagingtoken" in call.path for call in pair.sandbox.marketo.calls)


@pytest.mark.parametrize("seed", range(4))
def test_ordinary_life_is_never_taken_for_a_backup(pair_with: Callable[..., Pair], seed: int) -> None:
    """Edits, merges, deletions, late activities, lost links, changed mappings and long rests."""
    pair = pair_with()
    dynamics, marketo, clock = pair.sandbox.dynamics, pair.sandbox.marketo, pair.sandbox.clock
    rows = lived(pair, 8)
    account = dynamics.create("account", name="Engines")
    contact = dynamics.create("contact", lastname="C", emailaddress1="c@x.com")
    entities = (Account, *PEOPLE)
    engine = pair.engine(entities)
    pair.settle(engine)

    def person(row: str) -> int:
        return int(pair.store.links_by_dynamics("lead", [row])[row].marketo_id)

    steps: list[Callable[[], object]] = [
        lambda: marketo.update_person(person(rows[0]), title="A"),
        lambda: dynamics.update("lead", rows[1], jobtitle="B"),
        lambda: (marketo.update_person(person(rows[2]), title="C"), dynamics.update("lead", rows[2], jobtitle="D")),
        lambda: marketo.merge_persons(person(rows[0]), person(rows[3])),
        lambda: dynamics.merge("lead", rows[4], rows[5]),
        lambda: marketo.delete_person(person(rows[6])),
        lambda: dynamics.delete("lead", rows[7]),
        lambda: dynamics.expire_links("lead"),
        lambda: dynamics.update("account", account, name="Looms"),
        lambda: dynamics.update("contact", contact, jobtitle="E"),
        lambda: marketo.delete_person(marketo.create_person(email="short@x.com")),
        lambda: None,
    ]
    order = steps[seed:] + steps[:seed]
    for number, step in enumerate(order):
        step()
        clock.advance((30, 400, 7200, 90000)[(number + seed) % 4])
        engine.run()
        if number % 5 == 4:
            wider = (
                Account,
                *(cls.select("last_name", "email", "job_title", "mobile_phone") for cls in (Lead, Contact)),
            )
            pair.engine(wider).run()
    pair.settle(engine)
    clock.advance(timedelta(days=15).total_seconds())
    pair.settle(engine)
