"""An answer is lost, of every single call that writes, before or after its work: never two records from one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from marketo_dynamics_sync import SyncEngine
from marketo_dynamics_sync.engine import OnDelete
from marketo_dynamics_sync.entities import (
    Account,
    Contact,
    Lead,
    Opportunity,
    OpportunityRole,
    Side,
    User,
)
from marketo_dynamics_sync.sandbox import fault_kinds
from marketo_dynamics_sync.sandbox.faults import Script
from marketo_dynamics_sync.sandbox.http import App, Middleware, Request, Response
from marketo_dynamics_sync.sandbox.marketo import ObjectField
from tests.end_to_end.conftest import Pair
from tests.end_to_end.test_objects import Unit

ENTITIES: Final = (User, Account, Lead, Contact, Opportunity, OpportunityRole, Unit)
DELETIONS: Final[dict[str | tuple[str, Side], OnDelete]] = {
    "lead": OnDelete.DELETE,
    ("lead", Side.MARKETO): OnDelete.DELETE,
    "opportunity": OnDelete.DELETE,
}
FAULTS: Final = {
    "answer lost": fault_kinds.answer_lost,
    "never arrived": fault_kinds.connection_reset,
    "cut in the middle": fault_kinds.cut_in_the_middle,
    "delivered twice": fault_kinds.delivered_twice,
    "gateway timeout": fault_kinds.http_status(504),
}
#: What is compared: names and values, and no ids, which differ from run to run.
SHOWN: Final = {
    "persons": ("lastName", "title", "company", "email"),
    "companies": ("company",),
    "salespersons": ("firstName", "lastName", "email"),
    "opportunities": ("name",),
    "opportunities/roles": ("role",),
    "unit_c": ("unitName",),
    "lead": ("lastname", "jobtitle", "emailaddress1"),
    "contact": ("lastname", "jobtitle", "emailaddress1", "statecode"),
}
#: What the story comes to.
WANTED: Final = {
    "companies": [["Better Widgets"]],
    "contact": [
        ["Contact 0", "new", "c0@example.com", "0"],
        ["Contact 1", "old", "c1@example.com", "0"],
        ["Contact 2", "old", "c2@example.com", "0"],
        ["Contact 3", "old", "c3@example.com", "1"],
    ],
    "lead": [
        ["Lead 0", "from Marketo", "l0@example.com"],
        ["Lead 1", "clash of Marketo", "l1@example.com"],
        ["Stranger", "None", "s@example.com"],
    ],
    "opportunities": [["Bigger"]],
    "opportunities/roles": [["Customer"]],
    "persons": [
        ["Contact 0", "new", "Better Widgets", "c0@example.com"],
        ["Contact 1", "old", "Better Widgets", "c1@example.com"],
        ["Contact 2", "old", "Better Widgets", "c2@example.com"],
        ["Lead 0", "from Marketo", "None", "l0@example.com"],
        ["Lead 1", "clash of Marketo", "None", "l1@example.com"],
        ["Stranger", "None", "None", "s@example.com"],
    ],
    "salespersons": [
        ["Ada", "Hopper", "grace@sales.com"],
        ["Sally", "Sales", "None"],
        ["Sync", "Application", "None"],
    ],
    "unit_c": [["Contoso"], ["Far North"]],
}
#: Calls that write in the whole story, by service.
WRITES: Final = {"marketo": 18, "dynamics": 4}


def story(pair: Pair, faults: Callable[[], object] = lambda: None) -> Pair:
    """Let everything happen that writes: new records, edits, pushes, merges, deletions."""
    sandbox = pair.sandbox
    dynamics, marketo = sandbox.dynamics, sandbox.marketo
    marketo.create_custom_object_type("unit_c", [ObjectField("unitId", dedupe=True), ObjectField("unitName")])
    client = pair.stack.enter_context(sandbox.client())
    services = {
        "marketo": pair.marketo("https://123-abc-456.mktorest.com", client=client),
        "dynamics": pair.dynamics("https://contoso.crm.dynamics.com", client=client),
    }

    def engine() -> SyncEngine:
        return pair.engine(ENTITIES, on_delete=DELETIONS, **services)

    owner = dynamics.create("systemuser", firstname="Grace", lastname="Hopper", internalemailaddress="grace@sales.com")
    account = dynamics.create("account", name="Widgets")
    same = {"parentcustomerid_account@odata.bind": f"/accounts({account})", "jobtitle": "old"}
    people = [
        dynamics.create("contact", lastname=f"Contact {n}", emailaddress1=f"c{n}@example.com", **same) for n in range(4)
    ]
    leads = [
        dynamics.create("lead", lastname=f"Lead {n}", emailaddress1=f"l{n}@example.com", jobtitle="old")
        for n in range(4)
    ]
    deals = [
        dynamics.create("opportunity", name=f"Deal {n}", **{"customerid_contact@odata.bind": f"/contacts({people[n]})"})
        for n in range(2)
    ]
    unit = dynamics.create("businessunit", name="North")
    stranger = marketo.create_person(lastName="Stranger", email="s@example.com")
    faults()
    engine().run()
    sandbox.clock.advance(300)
    engine().run()

    dynamics.update("systemuser", owner, firstname="Ada")
    dynamics.update("account", account, name="Better Widgets")
    dynamics.update("contact", people[0], jobtitle="new")
    dynamics.update("opportunity", deals[0], name="Bigger")
    dynamics.update("businessunit", unit, name="Far North")
    for row, title in ((leads[0], "from Marketo"), (leads[1], "clash of Marketo")):
        marketo.update_person(int(str(pair.person_of("lead", row)["id"])), title=title)
    dynamics.update("lead", leads[1], jobtitle="clash of Dynamics")
    sandbox.clock.advance(300)
    engine().run()
    engine().push_persons([stranger])

    marketo.delete_person(int(str(pair.person_of("lead", leads[2])["id"])))
    dynamics.delete("lead", leads[3])
    dynamics.delete("opportunity", deals[1])
    dynamics.merge("contact", people[2], people[3])
    sandbox.clock.advance(300)
    engine().run()
    for _ in range(6):
        # Whatever was refused for a time is due again by then.
        sandbox.clock.advance(900)
        if engine().run().wrote == 0:
            return pair
    raise AssertionError("still writing")


def picture(pair: Pair) -> dict[str, list[list[str]]]:
    """Return what both sides hold, without what differs from run to run."""
    marketo, dynamics = pair.sandbox.marketo, pair.sandbox.dynamics
    found: dict[str, Any] = {"persons": marketo.persons()}
    found |= {name: dynamics.all_rows(name) for name in ("lead", "contact")}
    found |= {name: marketo.objects(name) for name in SHOWN if name not in found}
    return {
        name: sorted([str(record.get(field)) for field in fields] for record in found[name])
        for name, fields in SHOWN.items()
    }


def run(pair: Pair, service: Any, fault: Middleware, place: int, times: int | None = 1) -> Script:
    """Let the story happen with a fault at one call that writes."""
    made: list[Script] = []

    def script() -> None:
        made.append(pair.sandbox.faults.script(fault, service=service, writes=True, skip=place, times=times))

    story(pair, script)
    return made[0]


def nothing(request: Request, forward: App) -> Response:
    return forward(request)


@pytest.mark.parametrize("service", WRITES)
def test_the_story_is_as_long_as_the_sweep(pair: Pair, service: str) -> None:
    assert run(pair, service, nothing, 0, None).happened == WRITES[service]
    assert picture(pair) == WANTED


CALLS: Final = [(service, place) for service, count in WRITES.items() for place in range(count)]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize(("service", "place"), CALLS)
def test_one_answer_goes_wrong_and_the_end_is_the_same(
    pair_with: Callable[..., Pair], service: str, place: int, fault: Middleware
) -> None:
    pair = pair_with()
    assert run(pair, service, fault, place).happened == 1
    assert picture(pair) == WANTED, str(pair.sandbox.faults.log)
