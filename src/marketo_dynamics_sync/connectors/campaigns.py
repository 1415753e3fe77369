"""What a Dynamics connector may be able to do with campaigns: the capability, and the plain data it works with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from .protocol import Problem


@frozen
class Campaign:
    """A campaign in Dynamics.

    Attributes:
        id: Its row id.
        name: What people call it.
        code: Its campaign code, where it has one.
        active: Whether persons can be added to it.
    """

    id: str
    name: str = field(default="", repr=False)
    code: str | None = field(default=None, repr=False)
    active: bool = True


@frozen
class MarketingList:
    """A static marketing list of one campaign.

    Attributes:
        id: Its row id, chosen by us.
        name: Its name.
        table: Table of its members: ``"lead"`` or ``"contact"``.
        campaign: Row id of its campaign.
    """

    id: str
    name: str
    table: str
    campaign: str


@frozen
class Member:
    """A row in a marketing list.

    Attributes:
        id: Id of the membership.
        row: Row id of the lead or contact.
        ours: Whether the sync user added it.
    """

    id: str
    row: str
    ours: bool


class CampaignKeeper(Protocol):
    """Reads campaigns, and keeps marketing lists of theirs. Each method raises a
    :class:`~marketo_dynamics_sync.errors.ServiceError` where Dynamics can't be reached or refuses us as a whole."""

    def campaigns(self) -> list[Campaign]:
        """Return the active campaigns, by name; templates of campaigns are left out."""
        ...

    def campaign(self, campaign_id: str) -> Campaign | None:
        """Return a campaign, active or not; ``None`` where there is none."""
        ...

    def open_list(self, wanted: MarketingList) -> None:
        """Make a list where it is missing, and tie it to its campaign where it isn't tied. Never makes a second."""
        ...

    def members(self, list_id: str, rows: Sequence[str]) -> list[Member]:
        """Return which of some rows are members of a list; none where there is no such list."""
        ...

    def add_members(self, wanted: MarketingList, rows: Sequence[str]) -> Mapping[str, Problem]:
        """Add rows to a list, and return why some couldn't be, by row id. A member stays what it is."""
        ...

    def remove_members(self, members: Sequence[Member]) -> Mapping[str, Problem]:
        """Take members out of their list, and return why some couldn't be, by membership id."""
        ...


@runtime_checkable
class KeepsCampaigns(Protocol):
    """A connector that can work with campaigns."""

    def campaign_keeper(self) -> CampaignKeeper:
        """Return what works with them."""
        ...
