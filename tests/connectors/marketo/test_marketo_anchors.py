"""Whether Marketo is older than the last read: what is looked at twice, and what is never taken for it."""

from __future__ import annotations

import json

import pytest

from marketo_dynamics_sync.errors import RestoredError


def start(marketo, lead):
    (page,) = marketo.changes([lead], None)
    return page.checkpoint


def read(marketo, lead, checkpoint):
    """Read to the end; return ids by what happened to them, and the new checkpoint."""
    seen = {"created": [], "deleted": []}
    pages = list(marketo.changes([lead], checkpoint))
    for page in pages:
        for name in seen:
            seen[name] += getattr(page, name)
    return seen, pages[-1].checkpoint


def paths(service):
    return [call.path.rsplit("/", 1)[1] for call in service.calls if call.kind != "token"]


def lived(marketo, service, lead, clock, count=3):
    checkpoint = start(marketo, lead)
    for number in range(count):
        clock.advance(minutes=1)
        service.create_person(firstName=f"p{number}")
    clock.advance(minutes=1)
    return read(marketo, lead, checkpoint)[1]


def test_the_last_activities_are_noted(marketo, service, lead, clock):
    checkpoint = lived(marketo, service, lead, clock, count=25)
    anchors = json.loads(checkpoint)["anchors"]
    assert len(anchors) == 20
    assert anchors == sorted(anchors, key=lambda anchor: anchor["at"])
    clock.advance(minutes=1)
    assert json.loads(read(marketo, lead, checkpoint)[1])["anchors"] == anchors
    clock.advance(days=1)
    assert json.loads(read(marketo, lead, checkpoint)[1])["anchors"] == anchors, "a rest forgets nothing"


def test_a_checkpoint_without_them_is_read_on(marketo, service, lead, clock):
    raw = json.loads(lived(marketo, service, lead, clock))
    del raw["anchors"]
    _, checkpoint = read(marketo, lead, json.dumps(raw))
    assert json.loads(checkpoint)["anchors"]


def test_an_instance_without_the_last_activity_is_older(marketo, service, lead, clock):
    backup = service.snapshot()
    checkpoint = lived(marketo, service, lead, clock)
    service.restore(backup)
    service.reset_calls()
    with pytest.raises(RestoredError, match=r"has activity \d+ no more.*rebind"):
        read(marketo, lead, checkpoint)
    assert paths(service) == ["activities.json", "pagingtoken.json", "activities.json"]


def test_a_number_that_was_given_before_is_a_reason_to_look_and_no_more(marketo, service, lead, clock):
    """Nothing says that numbers are given in order."""
    raw = json.loads(lived(marketo, service, lead, clock))
    for anchor in raw["anchors"][:-1]:
        anchor["guid"] = str(10**9 + int(anchor["guid"]))
    clock.advance(hours=1)
    service.create_person(firstName="new")
    service.reset_calls()
    seen, checkpoint = read(marketo, lead, json.dumps(raw))
    assert len(seen["created"]) == 1
    assert paths(service).count("pagingtoken.json") == 1
    raw["anchors"][-1]["guid"] = "1000000000"
    clock.advance(hours=1)
    with pytest.raises(RestoredError):
        read(marketo, lead, json.dumps(raw))
    assert read(marketo, lead, checkpoint)[0]["created"] == []


def test_activities_of_a_person_who_is_gone_are_not_missed(marketo, service, lead, clock):
    """They may be gone with the person."""
    checkpoint = start(marketo, lead)
    clock.advance(minutes=1)
    stays = service.create_person(firstName="stays")
    clock.advance(minutes=1)
    gone = service.create_person(firstName="gone")
    clock.advance(minutes=1)
    _, checkpoint = read(marketo, lead, checkpoint)
    service.delete_person(gone)
    raw = json.loads(checkpoint)
    for anchor in raw["anchors"]:
        anchor["guid"] += "0000" if anchor["person"] == str(gone) else ""
    clock.advance(minutes=1)
    seen, _ = read(marketo, lead, json.dumps(raw))
    assert seen["deleted"] == [str(gone)]
    service.delete_person(stays)
    for anchor in raw["anchors"]:
        anchor["guid"] += "0000"
    clock.advance(minutes=1)
    assert len(read(marketo, lead, json.dumps(raw))[0]["deleted"]) == 2, "nobody is left to look for"


def test_activities_that_marketo_may_have_forgotten_are_not_missed(marketo, service, lead, clock):
    raw = json.loads(lived(marketo, service, lead, clock))
    for days in (7, 7):
        clock.advance(days=days)
        raw = json.loads(read(marketo, lead, json.dumps(raw))[1])
    for anchor in raw["anchors"]:
        anchor["guid"] = str(10**9)
    service.create_person(firstName="new")
    clock.advance(minutes=1)
    assert len(read(marketo, lead, json.dumps(raw))[0]["created"]) == 1


def test_numbers_that_are_none_are_not_compared(marketo, service, lead, clock):
    raw = json.loads(lived(marketo, service, lead, clock))
    for anchor in raw["anchors"]:
        anchor["guid"] = "a" + anchor["guid"]
    clock.advance(hours=1)
    service.create_person(firstName="new")
    service.reset_calls()
    assert len(read(marketo, lead, json.dumps(raw))[0]["created"]) == 1
    assert "pagingtoken.json" not in paths(service)
