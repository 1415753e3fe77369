"""Writing objects beside persons over a real socket: keys, order, outcomes record by record."""

from __future__ import annotations

import json

from marketo_dynamics_sync.connectors import Status, Write, WriteKind
from marketo_dynamics_sync.sandbox.http import Response

JSON = [("Content-Type", "application/json;charset=UTF-8")]
NAME = "Żółć 株式会社 👩‍🚀"
NOBODY = "00000000-0000-4000-8000-000000000000"


def create(entity, lookup=None, **values):
    return Write(entity, WriteKind.CREATE, None, values, lookup=lookup)


def update(entity, number=None, **values):
    return Write(entity, WriteKind.UPDATE, None if number is None else str(number), values)


def delete(entity, number=None, **values):
    return Write(entity, WriteKind.DELETE, None if number is None else str(number), values)


def answer(**members):
    return Response(200, JSON, json.dumps({"requestId": "1#1", "success": True, **members}).encode())


def refused(code, message="Something"):
    body = {"requestId": "1#1", "success": False, "errors": [{"code": code, "message": message}]}
    return Response(200, JSON, json.dumps(body).encode())


def sent_to(service):
    """Collect path and JSON body of what is written from now on."""
    sent = []

    def note(request):
        if request.method == "POST" and request.headers.get("content-type") == "application/json":
            sent.append((request.path.removeprefix("/rest/v1/").removesuffix(".json"), json.loads(request.body)))

    service.on_request = note
    return sent


def statuses(outcomes):
    return [outcome.status for outcome in outcomes]


def codes(outcomes):
    return [outcome.problem.code if outcome.problem else None for outcome in outcomes]


def test_a_company_from_its_create_to_its_delete(marketo, service, objects):
    sent = sent_to(service)
    (made,) = marketo.write([create(objects.account, account="A-1", name=NAME, employees=3)])
    (again,) = marketo.write([create(objects.account, account="a-1", name="Same")])
    (byname,) = marketo.write([update(objects.account, account="A-1", employees=None)])
    (byid,) = marketo.write([update(objects.account, made.id, city="Łódź")])
    assert statuses([made, again, byname, byid]) == [Status.CREATED] + [Status.UPDATED] * 3
    assert len({made.id, again.id, byname.id, byid.id}) == 1
    (row,) = service.objects("companies")
    assert (row["id"], row["company"], row["billingCity"]) == (int(made.id), "Same", "Łódź")
    assert "numberOfEmployees" not in row
    (gone,) = marketo.write([delete(objects.account, made.id)])
    assert (gone.status, gone.id) == (Status.DELETED, made.id)
    assert service.objects("companies") == []
    assert sent == [
        (
            "companies",
            body("createOrUpdate", "dedupeFields", externalCompanyId="A-1", company=NAME, numberOfEmployees=3),
        ),
        ("companies", body("createOrUpdate", "dedupeFields", externalCompanyId="a-1", company="Same")),
        ("companies", body("updateOnly", "dedupeFields", externalCompanyId="A-1", numberOfEmployees=None)),
        ("companies", body("updateOnly", "idField", id=int(made.id), billingCity="Łódź")),
        ("companies/delete", {"deleteBy": "idField", "input": [{"id": int(made.id)}]}),
    ]


def body(action, by, **record):
    return {"action": action, "dedupeBy": by, "input": [record]}


def test_objects_with_a_guid_are_known_by_it(marketo, service, objects):
    person = service.create_person(lastName="Byron")
    service.create_opportunity("O-1", "Deal")
    outcomes = marketo.write(
        [
            create(objects.part, deal="O-1", person=person, role="Käufer", primary=True),
            create(objects.seat, seat="S-1", person=person, label="1"),
            create(objects.row, hall="A", place="1"),
        ]
    )
    assert statuses(outcomes) == [Status.CREATED] * 3
    assert [o.id for o in outcomes] == [
        service.objects(name)[0]["marketoGUID"] for name in ("opportunities/roles", "seat_c", "row_c")
    ]
    sent = sent_to(service)
    outcomes = marketo.write(
        [
            update(objects.part, outcomes[0].id, primary=False),
            update(objects.row, hall="a", place="1", note="by key"),
            delete(objects.part, deal="o-1", person=person, role="KÄUFER"),
            delete(objects.row, outcomes[2].id),
        ]
    )
    assert statuses(outcomes) == [Status.UPDATED, Status.UPDATED, Status.DELETED, Status.DELETED]
    assert all(o.id for o in outcomes)
    assert [(path, b.get("dedupeBy") or b["deleteBy"]) for path, b in sent] == [
        ("opportunities/roles", "idField"),
        ("customobjects/row_c", "dedupeFields"),
        ("customobjects/row_c/delete", "idField"),
        ("opportunities/roles/delete", "dedupeFields"),
    ]
    assert sent[3][1]["input"] == [{"externalOpportunityId": "o-1", "leadId": person, "role": "KÄUFER"}]
    assert service.objects("opportunities/roles") == service.objects("row_c") == []


def test_a_mixed_list_is_sent_in_the_order_of_its_links_and_told_in_its_own(marketo, service, objects, make):
    person = service.create_person(lastName="Byron")
    sent = sent_to(service)
    outcomes = marketo.write(
        [
            create(objects.row, hall="A", place="1", home="H-1"),
            create(objects.part, deal="O-1", person=person, role="Buyer"),
            create(objects.house, house="H-1"),
            create(objects.deal, deal="O-1", name="Deal", account="A-1", owner="U-1"),
            make.create(crm_id="6b1f8d0e-0c7a-ee11-8179-000000000001", last_name="Hopper"),
            create(objects.seat, seat="S-1", person=person),
            create(objects.account, account="A-1", owner="U-1"),
            make.update(person, first_name="Ada"),
            create(objects.user, user="U-1", email="sam@example.com"),
        ]
    )
    assert statuses(outcomes) == [Status.CREATED] * 7 + [Status.UPDATED, Status.CREATED]
    assert outcomes[7].id == str(person)
    assert outcomes[4].id == str(person + 1)
    assert [path for path, _ in sent] == [
        "salespersons",
        "companies",
        "leads",
        "leads",
        "opportunities",
        "opportunities/roles",
        "customobjects/house_c",
        "customobjects/seat_c",
        "customobjects/row_c",
    ]


def test_deletes_come_last_and_the_other_way_round(marketo, service, objects, make):
    user = service.create_sales_person("U-1")
    account = service.create_company("A-1", externalSalesPersonId="U-1")
    person = service.create_person(lastName="Byron", externalCompanyId="A-1")
    outcomes = marketo.write(
        [
            delete(objects.account, account),
            make.delete(person),
            create(objects.account, account="A-2"),
            delete(objects.account, account="A-2"),
        ]
    )
    assert statuses(outcomes) == [Status.DELETED, Status.DELETED, Status.CREATED, Status.DELETED]
    (used,) = marketo.write([delete(objects.user, user)])
    assert used.status is Status.REJECTED
    assert used.problem.code == "1022"
    assert used.problem.retryable
    assert service.objects("companies") == []


def test_a_thousand_objects_cost_four_calls(marketo, service, objects):
    outcomes = marketo.write([create(objects.seat, seat=f"S-{n}", count=n) for n in range(1000)])
    assert statuses(outcomes) == [Status.CREATED] * 1000
    assert len({o.id for o in outcomes}) == 1000
    assert len(service.calls) == 4
    (record,) = marketo.fetch(objects.seat, [outcomes[777].id])
    assert record.values["count"] == 777


def test_bodies_stay_under_the_limit(marketo, service, objects):
    sizes = []
    service.on_request = lambda request: sizes.append(len(request.body))
    long = "中" * 255
    outcomes = marketo.write(
        [create(objects.account, account=f"A-{n}", name=long, city=long) for n in range(300)]
        + [create(objects.deal, deal=f"O-{n}", name=long, stage=long) for n in range(900)]
    )
    assert statuses(outcomes) == [Status.CREATED] * 1200
    assert max(sizes) <= 910_000


def test_one_key_is_never_twice_in_a_call_and_the_last_write_counts(marketo, service, objects):
    sent = sent_to(service)
    outcomes = marketo.write(
        [
            create(objects.seat, seat="S-1", label="1"),
            create(objects.seat, seat="s-1 ", label="2"),
            create(objects.seat, seat="S-2", label="b"),
            update(objects.seat, seat="S-1", label="3"),
            delete(objects.seat, seat="S-2"),
            create(objects.seat, seat="S-2", label="again"),
        ]
    )
    assert statuses(outcomes) == [
        Status.CREATED, Status.UPDATED, Status.CREATED, Status.UPDATED, Status.DELETED, Status.CREATED,
    ]  # fmt: skip
    assert {row["seatId"].strip(): row["label"] for row in service.objects("seat_c")} == {"S-1": "3", "S-2": "again"}
    for _, sent_body in sent:
        keys = [record["seatId"].strip().lower() for record in sent_body["input"]]
        assert len(keys) == len(set(keys))


def test_one_bad_record_never_stops_its_neighbours(marketo, service, objects):
    number = service.create_company("A-0", company="Zero")
    outcomes = marketo.write(
        [
            create(objects.account, account="A-1", name="Fine"),
            create(objects.account, account="A-2", employees=2**40),
            create(objects.account, account="A-3", owner="U-unknown"),
            create(objects.account, name="No key"),
            Write(objects.account, WriteKind.CREATE, str(number), {"name": "An id is no key"}),
            create(objects.account, account="   "),
            create(objects.account, account="x" * 101),
            create(objects.account, account="A-4", name="half \ud800"),
            update(objects.account, number, name="Fine"),
            update(objects.account, 999999, name="Nobody"),
            update(objects.account, account="A-nobody", name="Nobody"),
            update(objects.account, "abc", name="x"),
            update(objects.account, name="Neither id nor key"),
            delete(objects.account, 999998),
            delete(objects.account, "1,2"),
            delete(objects.account),
            create(objects.deal, deal="O-1"),
            create(objects.part, deal="O-9", person=1, role="Buyer"),
            create(objects.part, deal="O-9", role="Buyer"),
            create(objects.seat, seat="S-1", person=999999),
            update(objects.row, NOBODY, note="x"),
        ]
    )
    expected = [
        (Status.CREATED, None),
        (Status.REJECTED, "1003"),
        (Status.REJECTED, "1013"),
        (Status.REJECTED, "no-key"),
        (Status.REJECTED, "no-key"),
        (Status.REJECTED, "no-key"),
        (Status.REJECTED, "too-long"),
        (Status.REJECTED, "bad-value"),
        (Status.UPDATED, None),
        (Status.GONE, "1013"),
        (Status.GONE, "1013"),
        (Status.REJECTED, "bad-id"),
        (Status.REJECTED, "no-key"),
        (Status.GONE, "1013"),
        (Status.REJECTED, "bad-id"),
        (Status.REJECTED, "no-key"),
        (Status.REJECTED, "1003"),
        (Status.REJECTED, "1004"),
        (Status.REJECTED, "no-key"),
        (Status.REJECTED, "1004"),
        (Status.GONE, "1013"),
    ]
    assert list(zip(statuses(outcomes), codes(outcomes), strict=True)) == expected
    assert outcomes[1].problem.field == "numberOfEmployees"
    assert outcomes[2].problem.message == "a record that it links to isn't in Marketo"
    assert outcomes[19].problem.message == "a person that it links to isn't in Marketo"
    assert str(2**40) not in outcomes[1].problem.message
    assert outcomes[3].problem.field == "externalCompanyId"
    assert outcomes[18].problem.field == "leadId"
    assert outcomes[9].id == "999999"


def test_an_update_whose_link_is_missing_is_not_told_as_gone(marketo, service, objects, make):
    company = service.create_company("A-1")
    service.create_opportunity("O-1", "One")
    service.create_opportunity("O-2", "Two")
    seat = service.create_custom_object("seat_c", seatId="S-1")
    row = service.create_custom_object("row_c", hall="A", place="1")
    outcomes = marketo.write(
        [
            update(objects.account, company, owner="U-9"),
            update(objects.deal, deal="O-1", account="A-9"),
            update(objects.deal, deal="O-9", account="A-9"),
            update(objects.deal, deal="O-2", account="A-1"),
            update(objects.seat, seat, person=999999),
            update(objects.row, row, home="H-9"),
            update(objects.row, hall="A", place="1", home="H-9"),
            update(objects.row, hall="B", place="1", home="H-9"),
        ]
    )
    assert list(zip(statuses(outcomes), codes(outcomes), strict=True)) == [
        (Status.REJECTED, "1013"),
        (Status.REJECTED, "1013"),
        (Status.GONE, "1013"),
        (Status.UPDATED, None),
        (Status.REJECTED, "1004"),
        (Status.REJECTED, "1013"),
        (Status.REJECTED, "1013"),
        (Status.GONE, "1013"),
    ]
    assert "links to" in outcomes[0].problem.message


def test_a_key_with_a_comma_is_looked_up_whole(marketo, service, objects):
    service.create_opportunity("O-1,5", "One")
    outcomes = marketo.write(
        [update(objects.deal, deal="O-1,5", account="A-9"), update(objects.deal, deal="O-2,5", account="A-9")]
    )
    assert statuses(outcomes) == [Status.REJECTED, Status.GONE]


def test_what_is_missing_stays_open_when_it_cannot_be_looked_up(marketo, service, objects):
    company = service.create_company("A-1")
    service.on_request = lambda request: (
        refused("603") if "_method=GET" in request.query or request.method == "GET" else None
    )
    (outcome,) = marketo.write([update(objects.account, company, owner="U-9")])
    assert (outcome.status, outcome.problem.code, outcome.problem.retryable) == (Status.REJECTED, "603", True)


def test_an_update_with_its_whole_key_goes_by_it_and_tells_whom_it_met(marketo, service, objects):
    guid = service.create_custom_object("seat_c", seatId="S-1")
    other = service.create_custom_object("row_c", hall="A", place="1")
    sent = sent_to(service)
    outcomes = marketo.write(
        [update(objects.seat, NOBODY, seat="s-1", label="x"), update(objects.row, other, hall="A", note="y")]
    )
    assert [(o.status, o.id) for o in outcomes] == [(Status.UPDATED, guid), (Status.UPDATED, other)]
    assert [sent_body["dedupeBy"] for _, sent_body in sent] == ["dedupeFields", "idField"]
    assert sent[0][1]["input"] == [{"seatId": "s-1", "label": "x"}]
