"""Campaigns from the engine's side: what is checked, counted and told, whatever the connector."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors import Problem
from marketo_dynamics_sync.connectors.campaigns import Campaign, CampaignKeeper, KeepsCampaigns, MarketingList, Member
from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.engine import Event
from marketo_dynamics_sync.engine.campaigns import list_of
from marketo_dynamics_sync.entities import Contact, Lead, User
from marketo_dynamics_sync.errors import ConfigurationError
from tests.engine.world import World

SPRING = str(uuid.UUID(int=77))


@define
class Desk:
    """Campaigns and lists in dictionaries."""

    lists: dict[str, MarketingList] = field(factory=dict)
    inside: dict[tuple[str, str], bool] = field(factory=dict)
    known: dict[str, Campaign] = field(factory=lambda: {SPRING: Campaign(SPRING, "Spring")})
    refuse: dict[str, Problem] = field(factory=dict)
    writes: int = 0

    def campaigns(self) -> list[Campaign]:
        return [each for each in self.known.values() if each.active]

    def campaign(self, campaign_id: str) -> Campaign | None:
        return self.known.get(campaign_id)

    def open_list(self, wanted: MarketingList) -> None:
        self.lists[wanted.id] = wanted

    def members(self, list_id: str, rows: Sequence[str]) -> list[Member]:
        return [Member(f"{list_id}/{r}", r, self.inside[list_id, r]) for r in rows if (list_id, r) in self.inside]

    def add_members(self, wanted: MarketingList, rows: Sequence[str]) -> Mapping[str, Problem]:
        self.writes += 1
        self.inside |= {(wanted.id, row): True for row in rows if row not in self.refuse}
        return {row: self.refuse[row] for row in rows if row in self.refuse}

    def remove_members(self, members: Sequence[Member]) -> Mapping[str, Problem]:
        self.writes += 1
        for member in members:
            if member.row not in self.refuse:
                del self.inside[member.id.partition("/")[0], member.row]
        return {member.id: self.refuse[member.row] for member in members if member.row in self.refuse}


class WithCampaigns(MemoryConnector):
    """The memory connector, with campaigns."""

    desk: Desk

    def campaign_keeper(self) -> CampaignKeeper:
        return self.desk


def world(**options: Any) -> tuple[World, Desk]:
    made = World(connector=WithCampaigns, **options)
    desk = Desk()
    assert isinstance(made.dynamics, WithCampaigns)
    made.dynamics.desk = desk
    return made, desk


def test_a_connector_without_campaigns_says_so() -> None:
    engine = World().engine
    for call in (
        engine.campaigns,
        lambda: engine.add_to_campaign([1], SPRING),
        lambda: engine.remove_from_campaign([1], SPRING),
    ):
        with pytest.raises(ConfigurationError, match="MemoryConnector can't work with campaigns"):
            call()


def test_the_capability_is_recognized() -> None:
    made, desk = world()
    assert isinstance(made.dynamics, KeepsCampaigns)
    assert made.engine.campaigns() == desk.campaigns()


@pytest.mark.parametrize("given", ["", "Spring", 7, None])
def test_what_is_no_campaign_is_refused(given: Any) -> None:
    made, _ = world()
    for call in (made.engine.add_to_campaign, made.engine.remove_from_campaign):
        with pytest.raises(ConfigurationError, match="row id"):
            call([1], given)


def test_a_campaign_is_named_in_any_writing_of_its_id() -> None:
    made, desk = world()
    person = made.person(lastName="A", email="a@example.com", company="Oasis")
    made.engine.add_to_campaign([person], "{" + SPRING.upper() + "}")
    assert list(desk.lists) == [list_of(SPRING, "lead").id]


def test_what_is_no_person_is_refused() -> None:
    made, desk = world(entities=(Lead, User))
    with pytest.raises(ConfigurationError, match="can't be pushed as 'user'"):
        made.engine.add_to_campaign([1], SPRING, as_entity=User)
    with pytest.raises(ConfigurationError, match="number 1"):
        made.engine.add_to_campaign(["x"], SPRING)
    with pytest.raises(ConfigurationError, match="number 1"):
        made.engine.remove_from_campaign(["x"], SPRING)
    assert desk.writes == 0


def test_a_person_of_an_entity_that_is_not_synced_now_is_left_alone() -> None:
    made, desk = world()
    contact = made.contact(lastname="C", emailaddress1="c@example.com")
    made.settle()
    person = made.store.links_by_dynamics("contact", [contact])[contact].marketo_id
    report = made.new_engine(entities=(Lead,)).add_to_campaign([person], SPRING)
    assert [(line.marketo_id, line.reason) for line in report.rejected] == [(person, "not-synced")]
    assert desk.inside == {}
    assert made.new_engine(entities=(Contact,)).add_to_campaign([person], SPRING, as_entity="contact").rejected == []
    assert list(desk.inside) == [(list_of(SPRING, "contact").id, contact)]


def test_refusals_name_person_row_and_code() -> None:
    made, desk = world()
    row = made.lead(lastname="A", emailaddress1="a@example.com")
    made.settle()
    person = made.store.links_by_dynamics("lead", [row])[row].marketo_id
    desk.refuse[row] = Problem("0x80040302", "locked")
    events: list[Event] = []
    report = made.engine.add_to_campaign([person], SPRING, on_event=events.append)
    assert report.kind == "campaign"
    (line,) = report.rejected
    assert (line.entity, line.marketo_id, line.dynamics_id, line.reason) == ("lead", person, row, "0x80040302")
    assert report.counts["lead", "to campaign", "refused"] == 1
    assert [event.detail for event in events if event.kind == "rejected"] == ["0x80040302"]
    desk.refuse.clear()
    made.engine.add_to_campaign([person], SPRING)
    desk.refuse[row] = Problem("0x80040302", "locked")
    report = made.engine.remove_from_campaign([person], SPRING)
    assert report.counts["lead", "to campaign", "refused"] == 1
    assert desk.inside == {(list_of(SPRING, "lead").id, row): True}


def test_names_and_ids_of_lists_are_made_from_the_campaign() -> None:
    lead, contact = list_of(SPRING, "lead"), list_of(SPRING, "contact")
    assert (lead.name, contact.name) == (f"Mkto-leads-{SPRING}", f"Mkto-contacts-{SPRING}")
    assert lead == list_of(SPRING, "lead")
    assert len({lead.id, contact.id, list_of(str(uuid.uuid4()), "lead").id}) == 3


calls = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 4), max_size=6)), max_size=6)


@settings(max_examples=40, deadline=None)
@given(calls)
def test_who_is_in_is_who_was_added_last(sequence: list[tuple[bool, list[int]]]) -> None:
    made, desk = world()
    people = [made.person(lastName=f"P{n}", email=f"p{n}@example.com", company="Oasis") for n in range(5)]
    inside: set[str] = set()
    for adds, which in sequence:
        chosen = [people[n] for n in which]
        if adds:
            made.engine.add_to_campaign(chosen, SPRING)
            inside |= set(chosen)
        else:
            made.engine.remove_from_campaign(chosen, SPRING)
            inside -= set(chosen)
    rows = [row for _, row in desk.inside]
    links = made.store.links_by_dynamics("lead", rows)
    assert sorted(link.marketo_id for link in links.values()) == sorted(inside)
    assert len(rows) == len(inside)
