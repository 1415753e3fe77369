"""Persons in Dynamics campaigns: the flow actions "Add to" and "Remove from Microsoft Campaign".

Membership goes through one static marketing list for each campaign and kind, as with the native sync (Marketo docs,
"Add or Remove People from Your Dynamics Campaign"). The list's id is made from the campaign's, so a call that was cut
off anywhere is made good by making it again: nothing about it is kept in the state store.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ..connectors import Connector, Problem
from ..connectors.campaigns import Campaign, CampaignKeeper, KeepsCampaigns, MarketingList
from ..entities import BoundEntity, Entity, Side
from ..errors import ConfigurationError
from .actions import in_dynamics
from .apply import Applier
from .arguments import checked_person_ids
from .events import Event, OnEvent, ignore
from .flow_actions import FlowActions
from .push import entity_to_push
from .report import SyncReport, WaitingLine
from .services import Services

#: Persons handled at once.
AT_ONCE: Final = 1000
#: Direction of what a report counts here.
TO_CAMPAIGN: Final = "to campaign"
#: Names of lists by the table of their members (Marketo docs, the page above).
_NAMES: Final = {"lead": "Mkto-leads", "contact": "Mkto-contacts"}


class CampaignActions(FlowActions):
    """The part of :class:`SyncEngine` that works with Dynamics campaigns."""

    _dynamics: Connector

    def campaigns(self) -> list[Campaign]:
        """Return the campaigns that persons can be added to: the active ones, as Dynamics has them now, by name.

        Raises:
            ConfigurationError: The Dynamics connector can't work with campaigns.
            ServiceError: Dynamics can't be reached or refuses us.
        """
        return keeper_of(self._dynamics).campaigns()

    def add_to_campaign(
        self,
        ids: Sequence[int | str],
        campaign: Campaign | str,
        *,
        as_entity: str | type[Entity] = "lead",
        on_event: OnEvent = ignore,
    ) -> SyncReport:
        """Add these Marketo persons to a Dynamics campaign. A person that isn't in Dynamics is pushed first.

        Leads go to the marketing list ``Mkto-leads-<campaign id>``, contacts to ``Mkto-contacts-<campaign id>``, which
        are made and tied to the campaign when they are first needed. A member stays one: a second call changes nothing.

        Args:
            ids: Marketo person ids, any number.
            campaign: The campaign, from :meth:`campaigns`, or its row id.
            as_entity: What to make persons as that aren't in Dynamics: ``"lead"``, ``"contact"``, or the entity class.
            on_event: Called with everything that happens.

        Returns:
            What was done, with a line for each person that couldn't be added.

        Raises:
            ConfigurationError: An id is no whole number, ``campaign`` is no active campaign, ``as_entity`` is no
                person, or the Dynamics connector can't work with campaigns.
            SyncError: As :meth:`SyncEngine.run`.
        """
        wanted, keeper = list(dict.fromkeys(checked_person_ids(ids))), keeper_of(self._dynamics)
        name = as_entity if isinstance(as_entity, str) else as_entity.__entity__.name

        def add(applier: Applier) -> None:
            entity, chosen = entity_to_push(applier.services, name), _active(keeper, campaign)
            for start in range(0, len(wanted), AT_ONCE):
                applier.keep_going()
                some = wanted[start : start + AT_ONCE]
                for table, persons in _in_dynamics(applier, entity, some).items():
                    _add(applier, keeper, list_of(chosen.id, table), persons)

        return self._campaign_action(on_event, add)

    def remove_from_campaign(
        self, ids: Sequence[int | str], campaign: Campaign | str, *, on_event: OnEvent = ignore
    ) -> SyncReport:
        """Take these Marketo persons out of a Dynamics campaign, where they were added from Marketo.

        Who was added by a Dynamics user stays, in another list of the campaign as well as in one of ours: Dynamics
        knows who made a member. The campaign needn't be active.

        Args:
            ids: Marketo person ids, any number.
            campaign: The campaign, or its row id.
            on_event: Called with everything that happens.

        Returns:
            What was done, with a line for each member that stays.

        Raises:
            ConfigurationError: An id is no whole number, there is no such campaign, or the Dynamics connector can't
                work with campaigns.
            SyncError: As :meth:`SyncEngine.run`.
        """
        wanted, keeper = list(dict.fromkeys(checked_person_ids(ids))), keeper_of(self._dynamics)

        def remove(applier: Applier) -> None:
            chosen = _there(keeper, campaign)
            for start in range(0, len(wanted), AT_ONCE):
                applier.keep_going()
                _remove(applier, keeper, chosen, wanted[start : start + AT_ONCE])

        return self._campaign_action(on_event, remove)

    def _campaign_action(self, on_event: OnEvent, do: Callable[[Applier], None]) -> SyncReport:
        with self._store.lock():
            report = SyncReport(self._settings.now(), kind="campaign")
            with self._counted(report, on_event):
                _, applier = self._ready(report, on_event, _go_on)
                do(applier)
            return report


def keeper_of(dynamics: Connector) -> CampaignKeeper:
    """Return what works with the campaigns of a connector.

    Raises:
        ConfigurationError: It can't.
    """
    if not isinstance(dynamics, KeepsCampaigns):
        raise ConfigurationError(
            f"{type(dynamics).__name__} can't work with campaigns; DynamicsConnector can, and any connector that has "
            "campaign_keeper()"
        )
    return dynamics.campaign_keeper()


def list_of(campaign: str, table: str) -> MarketingList:
    """Return the one list that a campaign has for leads, or for contacts."""
    name = _NAMES[table]
    return MarketingList(str(uuid.uuid5(uuid.UUID(campaign), name)), f"{name}-{campaign}", table, campaign)


def _there(keeper: CampaignKeeper, given: Campaign | str) -> Campaign:
    wanted = given.id if isinstance(given, Campaign) else given
    try:
        row = str(uuid.UUID(wanted))
    except (ValueError, AttributeError, TypeError):
        raise ConfigurationError("campaign: give a campaign from campaigns(), or its row id") from None
    found = keeper.campaign(row)
    if found is None:
        raise ConfigurationError(f"campaign: Dynamics has no campaign {row}, or the sync user may not see it")
    return found


def _active(keeper: CampaignKeeper, given: Campaign | str) -> Campaign:
    found = _there(keeper, given)
    if not found.active:
        raise ConfigurationError(f"campaign: {found.id} is inactive in Dynamics, so nobody can be added to it")
    return found


def _in_dynamics(applier: Applier, entity: BoundEntity, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return person ids by row id, by table, of persons that are in Dynamics now; the report says why one isn't."""
    found: dict[str, dict[str, str]] = {}
    for person, link in in_dynamics(applier, ids, entity).items():
        table = applier.services.entities[link.entity].dynamics.name
        if table in _NAMES:
            found.setdefault(table, {})[link.dynamics_id.lower()] = person
        else:
            message = "only leads and contacts can be added to a campaign"
            _refused(applier, link.entity, person, link.dynamics_id, Problem("no-lead-or-contact", message))
    return found


def _add(applier: Applier, keeper: CampaignKeeper, wanted: MarketingList, persons: Mapping[str, str]) -> None:
    keeper.open_list(wanted)
    there = {member.row for member in keeper.members(wanted.id, list(persons))}
    new = [row for row in persons if row not in there]
    refused = keeper.add_members(wanted, new) if new else {}
    for row, problem in refused.items():
        _refused(applier, wanted.table, persons[row], row, problem)
    _done(applier, wanted.table, "there already", len(there))
    _done(applier, wanted.table, "added", len(new) - len(refused))


def _remove(applier: Applier, keeper: CampaignKeeper, campaign: Campaign, ids: Sequence[str]) -> None:
    rows = _rows_of(applier.services, ids)
    members: set[str] = set()
    for table, persons in rows.items():
        found = keeper.members(list_of(campaign.id, table).id, list(persons)) if persons else []
        members |= {persons[member.row] for member in found}
        ours = {member.id: member for member in found if member.ours}
        refused = keeper.remove_members(list(ours.values())) if ours else {}
        for key, problem in refused.items():
            _refused(applier, table, persons[ours[key].row], ours[key].row, problem)
        _done(applier, table, "removed", len(ours) - len(refused))
        for member in found:
            if not member.ours:
                line = WaitingLine(table, persons[member.row], member.row, "", "added-in-dynamics", _STAYS)
                applier.report.add(applier.report.rejected, line)
                _done(applier, table, "kept", 1)
    _done(applier, "person", "no member", len(set(ids) - members))


def _rows_of(services: Services, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return person ids by row id, by table: the rows that persons are linked to, and the leads that those were."""
    rows: dict[str, dict[str, str]] = {table: {} for table in _NAMES}
    entities = {name: entity for name, entity in services.entities.items() if entity.dynamics.name in _NAMES}
    for person, linked in services.linked_person_ids(ids).items():
        for name, row in linked:
            if name in entities:
                rows[entities[name].dynamics.name][row.lower()] = person
    for entity in entities.values():
        if entity.dynamics.name == "contact":
            for contact in services.fetch(Side.DYNAMICS, entity, list(rows["contact"])).values():
                if contact.converted_from is not None:
                    rows["lead"].setdefault(contact.converted_from.lower(), rows["contact"][contact.id])
    return rows


_STAYS: Final = "a Dynamics user added it to the list, so it stays"


def _refused(applier: Applier, name: str, person: str, row: str, problem: Problem) -> None:
    applier.report.count(name, TO_CAMPAIGN, "refused")
    line = WaitingLine(name, person, row, problem.field or "", problem.code, problem.message)
    applier.report.add(applier.report.rejected, line)
    applier.on_event(Event("rejected", name, Side.DYNAMICS, 1, problem.code))


def _done(applier: Applier, name: str, outcome: str, number: int) -> None:
    applier.report.count(name, TO_CAMPAIGN, outcome, number)
    if number and outcome in ("added", "removed"):
        applier.on_event(Event("written", name, Side.DYNAMICS, number, outcome))


def _go_on() -> None:
    """Nothing stops a call for chosen persons."""
