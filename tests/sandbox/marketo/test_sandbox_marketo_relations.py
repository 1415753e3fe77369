"""People, their companies and sales persons, opportunities and roles: what belongs to whom."""

from __future__ import annotations

import pytest
from tests.sandbox.marketo.marketo_instance import Make, Marketo, code, reason

from marketo_dynamics_sync.sandbox.marketo import ObjectField, PersonField


@pytest.fixture
def linked(make: Make) -> Marketo:
    """An instance with a company, and one person in it."""
    marketo = make().sign_in()
    marketo.service.create_sales_person("S1", email="s@example.com")
    marketo.service.create_company(
        "C1", company="Example", industry="Chairs", annualRevenue=5, externalSalesPersonId="S1"
    )
    marketo.sync({"email": "a@example.com", "externalCompanyId": "c1"})
    return marketo


def changes(marketo: Marketo, field: str) -> list[tuple[int, str | None, str | None]]:
    """Return person, old and new value of each change of a field."""
    token = marketo.paging_token()
    answer = marketo.get("activities/leadchanges.json", nextPageToken=token, fields=field)
    found = [(item["leadId"], item) for item in answer.get("result", []) if item["activityTypeId"] == 13]
    return [(person, item["fields"][0]["oldValue"], item["fields"][0]["newValue"]) for person, item in found]


def test_people_inherit_the_values_of_their_company(linked: Marketo) -> None:
    fields = "company,industry,annualRevenue,website"
    (person,) = linked.get("lead/1001.json", fields=fields)["result"]
    assert person == {"id": 1001, "company": "Example", "industry": "Chairs", "annualRevenue": 5, "website": None}
    linked.service.create_person(email="b@example.com", company="Own", website="own.example.com")
    linked.sync({"email": "b@example.com", "externalCompanyId": "C1"})
    (other,) = linked.get("lead/1002.json", fields=fields)["result"]
    assert other == {**person, "id": 1002}
    assert changes(linked, "website") == [(1002, "own.example.com", None)]


def test_changes_of_a_company_reach_its_people(linked: Marketo) -> None:
    linked.service.create_person(email="b@example.com", company="Own")
    linked.post("companies.json", {"input": [{"externalCompanyId": "C1", "industry": "Tables", "site": "HQ"}]})
    assert changes(linked, "industry") == [(1001, "Chairs", "Tables")]
    assert linked.service.person(1002)["company"] == "Own"
    linked.post("companies.json", {"input": [{"externalCompanyId": "C1", "industry": "Tables"}]})
    assert len(changes(linked, "industry")) == 1


def test_company_fields_of_linked_people_cannot_be_synced(linked: Marketo) -> None:
    result = linked.sync(
        {"email": "a@example.com", "industry": "Mine"},
        {"email": "n@example.com", "externalCompanyId": "C1", "company": "Mine"},
        {"email": "o@example.com", "company": "Mine"},
        {"email": "a@example.com", "firstName": "Ada"},
    )
    assert [reason(entry) for entry in result[:2]] == ["1021", "1021"]
    assert [entry["status"] for entry in result[2:]] == ["created", "updated"]
    assert linked.service.person(1001)["industry"] == "Chairs"


def test_a_company_is_left_only_for_another(linked: Marketo) -> None:
    linked.service.create_company("C2", company="Other")
    result = linked.sync(
        {"email": "a@example.com", "externalCompanyId": None},
        {"email": "a@example.com", "externalCompanyId": "nowhere"},
        {"email": "a@example.com", "externalCompanyId": "C2"},
        {"email": "b@example.com", "externalCompanyId": None},
    )
    assert [reason(entry) for entry in result[:2]] == ["1003", "1013"]
    assert [entry["status"] for entry in result[2:]] == ["updated", "created"]
    person = linked.service.person(1001)
    assert (person["company"], "industry" in person) == ("Other", False)
    assert changes(linked, "externalCompanyId") == [(1001, "c1", "C2")]


def test_owners_must_be_known(linked: Marketo) -> None:
    result = linked.sync(
        {"email": "a@example.com", "externalSalesPersonId": "nobody"},
        {"email": "a@example.com", "externalSalesPersonId": "S1"},
    )
    assert (reason(result[0]), result[1]["status"]) == ("1013", "updated")
    company = {"externalCompanyId": "C9", "externalSalesPersonId": "nobody"}
    assert reason(linked.post("companies.json", {"input": [company]})["result"][0]) == "1013"
    chance = {"externalOpportunityId": "O", "name": "N"}
    owner = {"input": [chance, {**chance, "externalOpportunityId": "P", "externalSalesPersonId": "nobody"}]}
    assert code(linked.post("opportunities.json", owner)) == "718"
    assert linked.service.objects("opportunities") == []
    company_of = {"input": [{**chance, "externalCompanyId": "nowhere"}, {**chance, "externalCompanyId": "C1"}]}
    result = linked.post("opportunities.json", company_of)["result"]
    assert reason(result[0]) == "1013"
    assert reason(result[1]) == "1036"


def test_what_is_in_use_stays(linked: Marketo) -> None:
    def delete(path: str, **key: str) -> str:
        (entry,) = linked.post(f"{path}/delete.json", {"input": [key]})["result"]
        return entry["status"] if entry["status"] == "deleted" else reason(entry)

    assert delete("companies", externalCompanyId="C1") == "1022"
    assert delete("salespersons", externalSalesPersonId="S1") == "1022"
    linked.service.delete_person(1001)
    assert delete("companies", externalCompanyId="C1") == "deleted"
    assert delete("salespersons", externalSalesPersonId="s1") == "1022"  # its company was deleted
    linked.service.create_sales_person("S2")
    owned = linked.service.create_person(externalSalesPersonId="S2")
    assert delete("salespersons", externalSalesPersonId="S2") == "1022"
    linked.service.delete_person(owned)
    assert delete("salespersons", externalSalesPersonId="S2") == "deleted"


def test_a_merge_leaves_the_winner_its_company(linked: Marketo) -> None:
    linked.service.create_company("C2", company="Other", website="other.example.com")
    loser = linked.service.create_person(externalCompanyId="C2", firstName="Ada")
    linked.post("leads/1001/merge.json", leadId=loser)
    person = linked.service.person(1001)
    assert (person["company"], person["firstName"], "website" in person) == ("Example", "Ada", False)
    single = linked.service.create_person(company="Own", website="own.example.com")
    linked.post(f"leads/{single}/merge.json", leadId=1001)
    merged = linked.service.person(single)
    assert (merged["company"], merged["externalCompanyId"], "website" in merged) == ("Example", "c1", False)


def test_custom_company_fields_are_inherited_where_people_have_them(make: Make) -> None:
    marketo = make(custom_fields=[PersonField("tier")]).sign_in()
    for name in ("tier", "secret"):
        marketo.service.add_object_field("companies", ObjectField(name))
    marketo.service.create_company("C1", tier="Gold", secret="x")
    person = marketo.service.create_person(externalCompanyId="C1")
    assert marketo.service.person(person)["tier"] == "Gold"


def test_with_a_native_sync_links_are_the_crms(make: Make) -> None:
    marketo = make(native_sync="dynamics").sign_in()
    (entry,) = marketo.sync({"email": "a@example.com", "externalCompanyId": "anything"})
    assert entry["status"] == "created"


def test_roles_follow_people_and_opportunities(make: Make) -> None:
    marketo = make().sign_in()
    service = marketo.service
    ada, bob, cy = (service.create_person(email=f"{name}@example.com") for name in ("ada", "bob", "cy"))
    for key in ("O1", "O2"):
        service.create_opportunity(key, key)
    for key, person in (("O1", ada), ("O1", bob), ("O2", bob), ("O2", cy)):
        service.create_opportunity_role(key, person, "Buyer")

    def roles() -> list[tuple[object, object]]:
        return [(row["externalOpportunityId"], row["leadId"]) for row in service.objects("opportunities/roles")]

    service.merge_persons(ada, bob)
    assert roles() == [("O1", ada), ("O2", ada), ("O2", cy)]
    service.delete_person(cy)
    assert roles() == [("O1", ada), ("O2", ada)]
    marketo.post("opportunities/delete.json", {"input": [{"externalOpportunityId": "O1"}]})
    assert roles() == [("O2", ada)]
    update = {"externalOpportunityId": "o2", "leadId": ada, "role": "buyer", "isPrimary": True}
    (entry,) = marketo.post("opportunities/roles.json", {"input": [update]})["result"]
    assert entry["status"] == "updated"
    assert service.objects("opportunities/roles")[0]["isPrimary"] is True


def test_by_hand(make: Make) -> None:
    service = make().service
    company = service.create_company("C1", company="Example")
    person = service.create_person(email="a@example.com", externalCompanyId="C1")
    service.update_person(person, firstName="Ada", industry="Chairs")
    assert service.objects("companies")[0]["industry"] == "Chairs"
    assert service.person(person)["industry"] == "Chairs"
    service.update_company(company, company="New")
    assert service.person(person)["company"] == "New"
    opportunity = service.create_opportunity("O1", "Chairs", stage="Open")
    service.update_opportunity(opportunity, stage="Won")
    assert service.objects("opportunities")[0]["stage"] == "Won"
    account = service.create_named_account("Google")
    service.delete_object("namedaccounts", account)
    assert service.objects("namedaccounts") == []
    owner = service.create_sales_person("S1")
    service.update_sales_person(owner, lastName="Byron")
    assert service.objects("salespersons")[0]["lastName"] == "Byron"
    assert service.create_program("P") == service.create_program("P")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.create_company("C1"), "exists already"),
        (lambda s: s.create_company("C2", nonsense=1), "nonsense"),
        (lambda s: s.create_company(""), "externalCompanyId"),
        (lambda s: s.create_company("C2", annualRevenue="secret"), "annualRevenue"),
        (lambda s: s.update_company(9, company="x"), "no Company '9'"),
        (lambda s: s.update_company(2101, annualRevenue="secret"), "annualRevenue"),
        (lambda s: s.create_opportunity("O1", "N", externalCompanyId="C9"), "Record not found"),
        (lambda s: s.create_opportunity("O1", "N", externalSalesPersonId="S9"), "ExternalSalesPersonID"),
        (lambda s: s.create_opportunity_role("O9", 1001, "Buyer"), "Record not found"),
        (lambda s: s.create_person(externalCompanyId="C9"), "Record not found"),
        (lambda s: s.update_person(1001, externalCompanyId=None), "externalCompanyId"),
        (lambda s: s.delete_object("companies", 2101), "in use"),
        (lambda s: s.delete_object("companies", 9), "no Company '9'"),
        (lambda s: s.objects("cars"), "no object 'cars'"),
    ],
)
def test_by_hand_the_rules_are_the_same(make: Make, call, words: str) -> None:
    service = make().service
    service.create_company("C1")
    service.create_person(externalCompanyId="C1")
    with pytest.raises(ValueError, match=words) as caught:
        call(service)
    assert "secret" not in str(caught.value)
