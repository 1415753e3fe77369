"""One step of a plan: what is to be done about one pair of records, and why."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

from ..conflict import Decision, MergeResult
from ..entities import BoundEntity, Side, Values
from .known import Known
from .overwritten import Overwritten


class StepKind(Enum):
    """What a step does."""

    #: Bring two linked records into agreement.
    SYNC = "sync"
    #: Link two records that were found to be one, and bring them into agreement.
    LINK = "link"
    #: Make a person in Marketo for a row, and link the two.
    CREATE_PERSON = "create in Marketo"
    #: Make a row in Dynamics for a person, and link the two.
    CREATE_ROW = "create in Dynamics"
    #: Move a link to another row or person: a lead became a contact, or two records were merged.
    MOVE = "move link"
    #: Merge the persons of rows that became one: Marketo keeps the person of the row that is left.
    MERGE_PERSONS = "merge persons"
    #: Forget a link whose record is gone on one side.
    UNLINK = "unlink"
    #: Leave a record alone until a human decides.
    PARK = "park"


@frozen
class MergedPerson:
    """A person that is merged into another, and the row that it stood for.

    Attributes:
        marketo_id: Person id.
        entity: Name of the row's entity.
        dynamics_id: Row id.
        qualified: The row is a lead that became another row; otherwise it was merged into one.
    """

    marketo_id: str
    entity: str
    dynamics_id: str
    qualified: bool = False


@frozen
class Step:
    """What is to be done about one pair of records.

    Attributes:
        kind: What it does.
        entity: The entity.
        marketo_id: Person id, where known.
        dynamics_id: Row id, where known.
        to_marketo: Values to write to Marketo, by field name.
        to_dynamics: Values to write to Dynamics, by field name.
        merge: The merge that led here, where there was one.
        known: What was remembered of the pair before, if anything.
        version: The row's version that a write to Dynamics is guarded by.
        lookup: Field that a new person is created under.
        reason: Why, in a few words, where no merge says it.
        detail: Plain facts beside the reason, such as candidates; ids and field names only.
        moved_from: For a moved link: entity name and row id it had.
        losers: Persons that are merged into this one.
        deletes: The side where the record is to be deleted, because its other half was.
        overwritten: Edits in Marketo that writes of ours overwrote, and what becomes of them.
    """

    kind: StepKind
    entity: BoundEntity = field(repr=lambda e: e.name)
    marketo_id: str | None = None
    dynamics_id: str | None = None
    to_marketo: Values = field(factory=dict, repr=lambda v: "{" + ", ".join(sorted(v)) + "}")
    to_dynamics: Values = field(factory=dict, repr=lambda v: "{" + ", ".join(sorted(v)) + "}")
    merge: MergeResult | None = field(default=None, repr=False)
    known: Known | None = field(default=None, repr=False)
    version: str | None = None
    lookup: str | None = None
    reason: str = ""
    detail: dict[str, object] = field(factory=dict)
    moved_from: tuple[str, str] | None = None
    losers: tuple[MergedPerson, ...] = ()
    deletes: Side | None = None
    overwritten: tuple[Overwritten, ...] = ()

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The decisions of the merge."""
        return self.merge.decisions if self.merge is not None else ()

    @property
    def writes_marketo(self) -> bool:
        """Whether Marketo is written to."""
        return (
            self.kind is StepKind.CREATE_PERSON
            or self.deletes is Side.MARKETO
            or bool(self.to_marketo)
            or bool(self.losers)
        )

    @property
    def writes_dynamics(self) -> bool:
        """Whether Dynamics is written to."""
        return self.kind is StepKind.CREATE_ROW or self.deletes is Side.DYNAMICS or bool(self.to_dynamics)

    def writes(self, side: Side) -> bool:
        """Return whether a side is written to."""
        return self.writes_marketo if side is Side.MARKETO else self.writes_dynamics

    @property
    def idle(self) -> bool:
        """Whether nothing is written anywhere, links included."""
        return self.kind is StepKind.SYNC and not self.writes_marketo and not self.writes_dynamics
