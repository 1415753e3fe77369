"""A story: what users do, when the engine runs, and what goes wrong meanwhile. Plain data that a person can read.

Records are named by who made them (``L3``: the third lead); the name is the record's last name on both sides, so a
story needs no ids and stays playable when parts of it are taken out.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import field, fields, frozen


@frozen
class Setting:
    """How the world is set up.

    Attributes:
        objects: Users, companies and opportunities are synced too.
        crm_id: Marketo has the field for the row id.
        delay: Seconds until Marketo's activities show.
        deletes: Deletions of people are carried over, both ways.
        policy: ``"native"``, ``"swapped"`` or ``"hold"``.
        pages: Rows in a page and operations in a batch of Dynamics.
        quota: Calls a day that Marketo allows, and that the connector is told of.
        rate: Calls in 20 seconds that Marketo allows, and that the connector is told of.
        push_rule: Persons whose name begins with ``P`` are made leads by rule.
        merge_deletes: A merge also tells of the losers' deletion.
        digests: The store keeps digests in the place of values.
        reread: Persons are always read again right before they are written to.
    """

    objects: bool = False
    crm_id: bool = True
    delay: int = 0
    deletes: bool = False
    policy: str = "native"
    pages: int = 1000
    quota: int | None = None
    rate: int = 100
    push_rule: bool = False
    merge_deletes: bool = True
    digests: bool = False
    reread: bool = False

    def __str__(self) -> str:
        usual = Setting()
        names = [attribute.name for attribute in fields(Setting)]
        odd = [f"{n}={getattr(self, n)}" for n in names if getattr(self, n) != getattr(usual, n)]
        return ", ".join(odd) or "the usual one"


@frozen
class Make:
    """Somebody makes a record."""

    kind: str
    name: str
    email: str | None = None
    values: tuple[tuple[str, object], ...] = ()
    account: str | None = None
    owner: str | None = None

    def __str__(self) -> str:
        parts = [f"{name}={value!r}" for name, value in (("email", self.email), *self.values) if value is not None]
        parts += [f"{word} {name}" for word, name in (("of", self.account), ("owned by", self.owner)) if name]
        return f"{'marketing' if self.kind == 'person' else 'sales'} makes {self.kind} {self.name} {', '.join(parts)}"


@frozen
class Edit:
    """Somebody edits a field."""

    side: str
    name: str
    field: str
    value: object

    def __str__(self) -> str:
        return f"{self.side} sets {self.name}.{self.field} = {self.value!r}"


@frozen
class Delete:
    """Somebody deletes a record."""

    side: str
    name: str

    def __str__(self) -> str:
        return f"{self.side} deletes {self.name}"


@frozen
class Merge:
    """Somebody merges two records."""

    side: str
    winner: str
    loser: str

    def __str__(self) -> str:
        return f"{self.side} merges {self.loser} into {self.winner}"


@frozen
class Qualify:
    """Somebody qualifies a lead: to a new contact, with a company or not, or to a contact that is there."""

    name: str
    company: bool = False
    into: str | None = None

    def __str__(self) -> str:
        return f"sales qualifies {self.name}" + (
            f" into {self.into}" if self.into else " with a company" * self.company
        )


@frozen
class Assign:
    """Somebody gives a row another owner, or a contact another company."""

    name: str
    to: str

    def __str__(self) -> str:
        return f"sales assigns {self.name} to {self.to}"


Act: TypeAlias = Make | Edit | Delete | Merge | Qualify | Assign


@frozen
class Fault:
    """Something that goes wrong."""

    kind: str
    service: str
    skip: int = 0
    times: int = 1

    def __str__(self) -> str:
        when = f" after {self.skip} calls" if self.skip else ""
        return f"{self.kind} at {self.service}{when}" + (f", {self.times} times" if self.times > 1 else "")


@frozen
class Run:
    """The engine works: a cycle, a push, a sync of chosen records, or a plan that is only looked at.

    Attributes:
        what: ``"cycle"``, ``"push"``, ``"sync"`` or ``"plan"``.
        names: Whom a push or sync is about.
        entity: What a push makes of them.
        meanwhile: What users do at which of its effects; an effect is the edge of a call or of a commit.
        kill: The effect at which the process ends.
        faults: What goes wrong.
    """

    what: str = "cycle"
    names: tuple[str, ...] = ()
    entity: str = "lead"
    meanwhile: tuple[tuple[int, Act], ...] = ()
    kill: int | None = None
    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        whom = f" {', '.join(self.names)}" + (f" as {self.entity}" if self.what == "push" else "") if self.names else ""
        lines = [f"engine: {self.what}{whom}" + (f", killed at effect {self.kill}" if self.kill is not None else "")]
        lines += [f"    goes wrong: {fault}" for fault in self.faults]
        lines += [f"    at effect {effect}: {act}" for effect, act in self.meanwhile]
        return "\n".join(lines)


@frozen
class Wait:
    """Time passes."""

    seconds: int

    def __str__(self) -> str:
        return f"{self.seconds} seconds pass"


@frozen
class Expire:
    """Dynamics forgets where the engine stopped reading a table."""

    table: str

    def __str__(self) -> str:
        return f"Dynamics forgets the delta links of {self.table}"


Step: TypeAlias = Act | Run | Wait | Expire


@frozen
class Story:
    """A setting and what happens in it."""

    seed: int
    setting: Setting = field(factory=Setting)
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        lines = [f"seed {self.seed}, setting: {self.setting}"]
        return "\n".join(lines + [f"{number:3} {step}" for number, step in enumerate(self.steps, 1)])

    @property
    def size(self) -> int:
        """How many parts could be taken out."""
        return sum(
            1 + len(s.meanwhile) + len(s.faults) + (s.kill is not None) if isinstance(s, Run) else 1 for s in self.steps
        )
