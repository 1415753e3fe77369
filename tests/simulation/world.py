"""Both services in memory, a store, and engines that may die between them; nothing sleeps and nothing runs beside."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Final
from unittest import mock

import httpx
from attrs import define, field, frozen

from marketo_dynamics_sync import DynamicsConnector, MarketoConnector, MemoryStateStore, SyncEngine
from marketo_dynamics_sync.conflict import DynamicsWins, Hold, MarketoWins, PolicyLike

# Imported when a connector is made, and so while ids are made up: by then it must have the real ones.
from marketo_dynamics_sync.connectors.dynamics import batch as _batch
from marketo_dynamics_sync.engine import OnDelete
from marketo_dynamics_sync.engine.digested import KEY_FACT
from marketo_dynamics_sync.entities import Account, Contact, Entity, Lead, Opportunity, Record, Side, User
from marketo_dynamics_sync.sandbox import Sandbox
from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.dataverse import DataverseService
from marketo_dynamics_sync.sandbox.dataverse.resources import Resources
from marketo_dynamics_sync.sandbox.http import Request, Response
from marketo_dynamics_sync.sandbox.marketo import MarketoService
from marketo_dynamics_sync.sandbox.sandbox import CRM_FIELDS
from marketo_dynamics_sync.state import Commit

from .ledger import Key, Ledger
from .story import Setting

START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_ALL: Final[tuple[type[Entity], ...]] = (User, Account, Lead, Contact, Opportunity)
_PEOPLE: Final[tuple[type[Entity], ...]] = (Lead, Contact)
_NEEDED: Final = ("createdon", "modifiedon", "fullname", "merged", "versionnumber", "azureactivedirectoryobjectid")


assert _batch.uuid4 is uuid.uuid4


class Killed(BaseException):
    """The process ends here."""


@frozen
class Pairing:
    """A link that was kept or dropped.

    Attributes:
        place: When, among all that happens.
        row: The row.
        person: The person; ``None`` where the link ended.
        base: What both sides agreed on, by field.
    """

    place: int
    row: Key
    person: Key | None
    base: dict[str, object] = field(factory=dict)


#: The key of stores that keep digests.
KEY: Final = "5a" * 32


@define(slots=False)
class World:
    """Everything there is.

    Attributes:
        setting: How it is set up.
        sandbox: Both services.
        ledger: What changed.
        store: What the engines remember.
        pairings: Which records were linked when.
        effects: Effects of the engine's work that is under way.
        on_effect: Called at each of them: does what users do meanwhile, and kills.
        reads: Places at which Marketo's changes were read, and when.
        starts: Places at which the engine began to work.
        finished: Where cycles that did everything began and ended.
        chosen: Rows that a host asked to have synced by themselves.
        kills: Places at which the engine was killed.
        killed_at: And when.
    """

    setting: Setting
    sandbox: Sandbox
    ledger: Ledger
    store: WatchedStore
    pairings: list[Pairing] = field(factory=list)
    effects: int = 0
    on_effect: Callable[[int], None] | None = None
    reads: list[tuple[int, datetime]] = field(factory=list)
    starts: list[int] = field(factory=list)
    finished: list[tuple[int, int]] = field(factory=list)
    chosen: set[Key] = field(factory=set)
    kills: list[int] = field(factory=list)
    killed_at: list[datetime] = field(factory=list)
    dead: bool = False
    _ids: int = 0

    @classmethod
    def of(cls, setting: Setting) -> World:
        """Return a new world."""
        clock = SandboxClock(START)
        fields = [f for f in CRM_FIELDS if setting.crm_id or f.name != "dynamicsId"]
        marketo = MarketoService(
            clock,
            custom_fields=fields,
            activity_delay=setting.delay,
            merge_deletes=setting.merge_deletes,
            daily_quota=setting.quota or 50_000,
            rate=setting.rate,
        )
        dynamics = DataverseService(clock)
        _trim(dynamics)
        sandbox = Sandbox(marketo=marketo, dynamics=dynamics)
        dynamics.update("systemuser", dynamics.user_id, internalemailaddress="app@x.com")
        dynamics.update("systemuser", dynamics.other_user_id, internalemailaddress="sally@x.com")
        store = WatchedStore()
        if setting.digests:
            # A key of its own would tell a seed's story with other digests every time.
            store.keep(Commit(facts={KEY_FACT: KEY}))
        world = cls(setting, sandbox, Ledger(sandbox), store)
        store.world = world
        world.ledger.observe("users")
        return world

    def engine(self) -> SyncEngine:
        """Return a new engine in a process of its own, on the same store."""
        self.dead = False
        timing = self.sandbox.timing | {"random": lambda: 0.5}
        client = httpx.Client(transport=_Watched(self), trust_env=False)
        setting = self.setting
        marketo = MarketoConnector(
            "https://123-ABC-456.mktorest.com",
            client_id=self.sandbox.client_id,
            client_secret=self.sandbox.client_secret,
            client=client,
            daily_limit=setting.quota,
            calls_per_window=setting.rate,
            **timing,
        )
        dynamics = DynamicsConnector(
            "https://contoso.crm.dynamics.com",
            auth=self.sandbox.credential,
            client=client,
            page_size=setting.pages,
            batch_size=setting.pages,
            **timing,
        )
        deletes: dict[str | tuple[str, Side], OnDelete] = {}
        if setting.deletes:
            deletes.update(dict.fromkeys(("lead", "contact"), OnDelete.DELETE))
            deletes |= {(n, Side.MARKETO): OnDelete.DELETE for n in ("lead", "contact")}
        return SyncEngine(
            marketo=marketo,
            dynamics=dynamics,
            store=self.store,
            entities=_ALL if setting.objects else _PEOPLE,
            policies=_policies(setting.policy),
            on_delete=deletes,
            push_rule=_rule if setting.push_rule else None,
            base="digest" if setting.digests else "values",
            now=self.sandbox.clock.now,
            monotonic=self.sandbox.clock.monotonic,
            new_id=self._new_id,
            reread_after=0 if setting.reread else 5,
        )

    def effect(self) -> None:
        """Note an effect of the engine: the edge of a call or of a commit."""
        if self.dead:
            raise Killed
        self.effects += 1
        if self.on_effect is not None:
            self.on_effect(self.effects)

    def _new_id(self) -> str:
        self._ids += 1
        return f"eeeeeeee-0000-4000-8000-{self._ids:012d}"


class WatchedStore(MemoryStateStore):
    """A store whose commits are effects, and which tells of links."""

    world: World

    def keep(self, commit: Commit) -> None:
        """Keep something that is no effect of the engine."""
        super().commit(commit)

    def commit(self, commit: Commit) -> None:
        """Keep it, unless the process is dead."""
        world = self.world
        world.effect()
        super().commit(commit)
        for entity, row in commit.drop_links:
            world.pairings.append(Pairing(world.ledger.step(), (entity, row), None))
        for link in commit.put_links:
            if link.entity in ("lead", "contact"):
                base = {**link.base, **link.dynamics_base}
                made = Pairing(world.ledger.step(), (link.entity, link.dynamics_id), ("person", link.marketo_id), base)
                world.pairings.append(made)
        world.effect()


class _Watched(httpx.BaseTransport):
    """Carries calls in process; both edges of each are effects, and what it changed is written down."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._inner = world.sandbox.transport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        world = self._world
        world.effect()
        try:
            return self._inner.handle_request(request)
        finally:
            if request.method != "GET":
                world.ledger.observe("engine")
            if request.url.path.endswith(("/activities.json", "/leadchanges.json")):
                world.reads.append((world.ledger.step(), world.sandbox.clock.now()))
            world.effect()


@contextmanager
def steady(seed: int) -> Iterator[None]:
    """Let made-up ids be the same in every run of a seed."""
    chance = Random(f"ids {seed}")

    def made() -> uuid.UUID:
        return uuid.UUID(int=chance.getrandbits(128), version=4)

    with mock.patch.object(uuid, "uuid4", made):
        yield


def _policies(name: str) -> dict[str, PolicyLike] | None:
    if name == "swapped":
        return {"lead": DynamicsWins(), "contact": MarketoWins()}
    return {"lead": Hold(), "contact": Hold()} if name == "hold" else None


def _rule(person: Record) -> str | None:
    return "lead" if str(person.values.get("last_name") or "").startswith("P") else None


def _trim(dynamics: DataverseService) -> None:
    """Leave out columns that nobody maps, and answer what was asked about definitions before from memory.

    The schema is the same in every world, and reading it would be most of a short story's time.
    """
    mapped = {d.dynamics: {f.dynamics for f in d.fields.values()} for d in (c.__entity__ for c in _ALL)}
    for table in dynamics.tables.values():
        kept = mapped.get(table.entity_set)
        if kept is not None:
            kept = {*kept, *_NEEDED, table.primary_id, table.primary_name}
            table.columns = {
                name: column
                for name, column in table.columns.items()
                if name in kept or column.is_lookup or column.type in ("State", "Status")
            }
    dynamics.resources = _Definitions(dynamics.resources)  # type: ignore[assignment]  # stands before it


class _Definitions:
    """Answers questions about definitions once."""

    answers: dict[str, Response] = {}  # noqa: RUF012  # shared on purpose

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def answer(self, request: Request) -> Response:
        if "EntityDefinitions" not in request.target:
            return self._resources.answer(request)
        known = self.answers.get(request.target)
        if known is None:
            known = self.answers[request.target] = self._resources.answer(request)
        return Response(known.status, list(known.headers), known.body)


def rows_of(pairings: Iterable[Pairing], person: Key) -> set[Key]:
    """Return all rows that were ever linked to a person."""
    return {pairing.row for pairing in pairings if pairing.person == person}
