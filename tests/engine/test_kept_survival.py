"""Killed between any two steps while kept, blocked and required fields are on their way: the end is the same."""

from __future__ import annotations

from marketo_dynamics_sync.entities import Contact, Lead, Side, mapped
from tests.engine.test_survival import picture
from tests.engine.world import World
from tests.survival.fuse import Fuse, FusedStore, burning, killed_everywhere


class Ruled(Lead):
    """A lead whose title is Marketo's, and that is never without a topic."""

    job_title: str | None = mapped(marketo="title", dynamics="jobtitle", block=Side.MARKETO)
    topic: str | None = mapped(marketo="microsoftTopic", dynamics="subject", required=True)


def prepared(fuse: Fuse) -> World:
    store = FusedStore()
    world = World((Ruled, Contact), store=store)
    rows = [world.lead(lastname=f"L{n}", emailaddress1=f"l{n}@x.com", jobtitle="old", subject="s") for n in range(4)]
    waiting = [world.person(lastName=f"W{n}", email=f"w{n}@x.com") for n in range(2)]
    world.settle()
    world.engine.push_persons(waiting)
    again = str(world.linked("lead", rows[3]))
    world.dynamics.remove("leads", rows[3])
    world.settle()
    world.dynamics.change("leads", rows[0], jobtitle="new", address1_city="London")
    world.dynamics.remove("leads", rows[1])
    buyer = world.contact(lastname="L2", emailaddress1="l2@x.com", _originatingleadid_value=rows[2])
    world.dynamics.change("leads", rows[2], statecode=1, statuscode=3, _parentcontactid_value=buyer)
    world.marketo.change("person", waiting[0], microsoftTopic="Engines")
    world.marketo.change("person", again, microsoftTopic="Looms")
    store.fuse = fuse
    for connector in (world.marketo, world.dynamics):
        connector.write = burning(connector.write, fuse)  # type: ignore[method-assign]  # the kill under test
    return world


def work(world: World) -> None:
    world.engine.run()
    world.engine.push_persons([i for i, p in world.marketo.rows("person").items() if p["lastName"] == "L3"])


def test_killed_at_any_step_the_next_runs_end_in_the_same_state() -> None:
    world = prepared(Fuse())
    work(world)
    world.settle()
    kinds = sorted(str(p.get("microsoftType")) for p in world.marketo.rows("person").values())
    assert kinds == ["Contact", "Lead", "Lead", "Lead", "None", "None"]
    assert [p.get("microsoftIsDeleted") for p in world.marketo.rows("person").values()].count(True) == 1
    killed_everywhere(prepared, work, picture)
