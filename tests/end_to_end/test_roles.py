"""Opportunity roles over real sockets: stakeholders, customers, deletions in the order that Marketo needs."""

from __future__ import annotations

from marketo_dynamics_sync.engine import OnDelete
from marketo_dynamics_sync.entities import Account, Contact, Lead, Opportunity, OpportunityRole, User
from marketo_dynamics_sync.state import MemoryStateStore
from tests.end_to_end.conftest import Pair

ALL = (Lead, Contact, Account, User, Opportunity, OpportunityRole)


def stakeholder(pair: Pair, deal: str, contact: str, role: str) -> str:
    return pair.sandbox.dynamics.create(
        "connection",
        **{
            "record1id_opportunity@odata.bind": f"/opportunities({deal})",
            "record2id_contact@odata.bind": f"/contacts({contact})",
            "record2roleid@odata.bind": f"/connectionroles({role})",
        },
    )


def seeded(pair: Pair) -> dict[str, str]:
    dynamics = pair.sandbox.dynamics
    account = dynamics.create("account", name="Widgets & Sons")
    company = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    buyer = dynamics.create("contact", lastname="Byron", emailaddress1="ada@example.com", **company)
    other = dynamics.create("contact", lastname="Hopper", emailaddress1="grace@example.com")
    deal = dynamics.create("opportunity", name="Big one", **{"customerid_contact@odata.bind": f"/contacts({buyer})"})
    decides = dynamics.create("connectionrole", name="Decision Maker", category=1000)
    connection = stakeholder(pair, deal, other, decides)
    return {"account": account, "buyer": buyer, "other": other, "deal": deal, "link": connection, "role": decides}


def roles(pair: Pair) -> set[tuple[object, object]]:
    return {(record["leadId"], record["role"]) for record in pair.sandbox.marketo.objects("opportunities/roles")}


def who(pair: Pair, contact: str) -> int:
    return int(pair.store.links_by_dynamics("contact", [contact])[contact].marketo_id)


def test_customers_and_stakeholders_have_roles_and_an_idle_cycle_writes_nothing(pair: Pair) -> None:
    ids = seeded(pair)
    engine = pair.engine(ALL)
    assert engine.run().complete
    assert roles(pair) == {(who(pair, ids["buyer"]), "Customer"), (who(pair, ids["other"]), "Decision Maker")}
    (deal,) = pair.sandbox.marketo.objects("opportunities")
    assert deal["externalCompanyId"] == ids["account"]
    pair.settle(engine)
    calls = []
    for idle in (engine, pair.engine(ALL[:-1], store=MemoryStateStore())):
        pair.settle(idle)
        pair.forget_calls()
        pair.sandbox.clock.advance(60)
        idle.run()
        assert pair.writes == 0
        calls.append(len(pair.calls()))
    assert calls[0] == calls[1] + 2, "what roles are, and which connections changed"


def test_stakeholders_change_and_leave(pair: Pair) -> None:
    ids = seeded(pair)
    engine = pair.engine(ALL)
    pair.settle(engine)
    dynamics = pair.sandbox.dynamics
    advises = dynamics.create("connectionrole", name="Influencer", category=1000)
    dynamics.update("connection", ids["link"], **{"record2roleid@odata.bind": f"/connectionroles({advises})"})
    pair.settle(engine)
    customer = (who(pair, ids["buyer"]), "Customer")
    assert roles(pair) == {customer, (who(pair, ids["other"]), "Influencer")}
    dynamics.delete("connection", ids["link"])
    pair.settle(engine)
    assert roles(pair) == {customer}


def test_a_stakeholder_made_from_the_contacts_side_counts_the_same(pair: Pair) -> None:
    ids = seeded(pair)
    pair.sandbox.dynamics.delete("connection", ids["link"])
    pair.sandbox.dynamics.create(
        "connection",
        **{
            "record2id_opportunity@odata.bind": f"/opportunities({ids['deal']})",
            "record1id_contact@odata.bind": f"/contacts({ids['other']})",
            "record1roleid@odata.bind": f"/connectionroles({ids['role']})",
        },
    )
    pair.settle(pair.engine(ALL))
    assert (who(pair, ids["other"]), "Decision Maker") in roles(pair)
    assert len(roles(pair)) == 2


def test_a_deleted_opportunity_is_deleted_after_its_roles(pair: Pair) -> None:
    ids = seeded(pair)
    engine = pair.engine(ALL)
    pair.settle(engine)
    pair.sandbox.dynamics.delete("opportunity", ids["deal"])
    pair.forget_calls()
    pair.settle(engine)
    assert list(pair.sandbox.marketo.objects("opportunities")) == []
    assert roles(pair) == set()
    deletes = [call.path for call in pair.sandbox.marketo.calls if call.path.endswith("/delete.json")]
    assert deletes == ["/rest/v1/opportunities/roles/delete.json", "/rest/v1/opportunities/delete.json"]


def test_persons_merged_in_marketo_keep_one_role(pair: Pair) -> None:
    ids = seeded(pair)
    engine = pair.engine(ALL)
    pair.settle(engine)
    loser = who(pair, ids["other"])
    winner = pair.sandbox.marketo.create_person(email="third@example.com", lastName="Third")
    pair.sandbox.marketo.merge_persons(winner, loser)
    pair.settle(engine)
    assert roles(pair) == {(who(pair, ids["buyer"]), "Customer"), (winner, "Decision Maker")}


def test_a_sales_person_is_deleted_after_everything_lets_go_of_it(pair: Pair) -> None:
    ids = seeded(pair)
    dynamics = pair.sandbox.dynamics
    owner = dynamics.create("systemuser", firstname="Grace", lastname="Hopper", internalemailaddress="g@sales.com")
    for table, key in (("account", "account"), ("contact", "buyer"), ("opportunity", "deal")):
        dynamics.update(table, ids[key], **{"ownerid@odata.bind": f"/systemusers({owner})"})
    engine = pair.engine(ALL, on_delete={"user": OnDelete.DELETE})
    pair.settle(engine)
    keys = {record["externalSalesPersonId"] for record in pair.sandbox.marketo.objects("salespersons")}
    assert owner in keys
    dynamics.delete("systemuser", owner)
    pair.settle(engine)
    assert owner not in {record["externalSalesPersonId"] for record in pair.sandbox.marketo.objects("salespersons")}
    assert list(pair.store.rejected()) == []
