"""Kills a world at a chosen boundary: before or after any call of a connector and any commit of the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import evolve

from marketo_dynamics_sync.connectors import Capabilities, Outcome, Write
from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.state import Commit, MemoryStateStore
from tests.engine.world import World


class Killed(BaseException):
    """The process ends here."""


class Fuse:
    """Counts boundaries, and kills at one of them.

    Attributes:
        left: Boundaries that are still let pass; ``None`` never kills.
        passed: Boundaries so far.
    """

    def __init__(self, left: int | None = None) -> None:
        self.left = left
        self.passed = 0

    def burn(self) -> None:
        """Pass a boundary, or die."""
        self.passed += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


class FusedStore(MemoryStateStore):
    """A store whose commits may be the last thing that happens."""

    def __init__(self) -> None:
        super().__init__()
        self.fuse = Fuse()

    def commit(self, commit: Commit) -> None:
        self.fuse.burn()
        super().commit(commit)
        self.fuse.burn()


class Written:
    """Counts the records sent to each side."""

    def __init__(self) -> None:
        self.marketo = 0
        self.dynamics = 0


#: Records of one write call in these worlds, so that a few records make many batches.
BATCH = 2


def fused(world: World, fuse: Fuse) -> Written:
    """Put a fuse around every call and commit of a world, and return what counts its writes."""
    written = Written()
    assert isinstance(world.store, FusedStore)
    world.store.fuse = fuse
    for name, connector in (("marketo", world.marketo), ("dynamics", world.dynamics)):
        for call in ("fetch", "find"):
            _fuse_call(connector, call, fuse)
        _fuse_write(connector, name, fuse, written)
        _fuse_changes(connector, fuse)
    _fuse_call(world.marketo, "read_for_merge", fuse)
    for call in ("merge_persons", "write_for_merge"):
        setattr(world.marketo, call, burning(getattr(world.marketo, call), fuse))
    return written


class SmallBatches(MemoryConnector):
    """The reference connector with write calls of a few records."""

    @property
    def capabilities(self) -> Capabilities:
        return evolve(super().capabilities, write_size=BATCH)


def _fuse_call(connector: MemoryConnector, name: str, fuse: Fuse) -> None:
    call: Callable[..., Any] = getattr(connector, name)

    def stepped(*given: Any, **named: Any) -> Any:
        fuse.burn()
        return call(*given, **named)

    setattr(connector, name, stepped)


def burning(call: Callable[..., Any], fuse: Fuse) -> Callable[..., Any]:
    """Return a call with a boundary on either side of it."""

    def stepped(*given: Any, **named: Any) -> Any:
        fuse.burn()  # killed before it was done
        answer = call(*given, **named)
        fuse.burn()  # killed after it was done, before anybody knew
        return answer

    return stepped


def _fuse_write(connector: MemoryConnector, side: str, fuse: Fuse, written: Written) -> None:
    write = connector.write

    def stepped(writes: Sequence[Write]) -> list[Outcome]:
        fuse.burn()  # killed before it was done
        outcomes = write(writes)
        setattr(written, side, getattr(written, side) + len(writes))
        fuse.burn()  # killed after it was done, before anybody knew
        return outcomes

    connector.write = stepped  # type: ignore[method-assign]  # the kill under test


def _fuse_changes(connector: MemoryConnector, fuse: Fuse) -> None:
    changes = connector.changes

    def stepped(*given: Any) -> Any:
        for page in changes(*given):
            fuse.burn()
            yield page

    connector.changes = stepped  # type: ignore[method-assign]  # as above


WorldT = TypeVar("WorldT", bound=World)


def killed_everywhere(
    prepared: Callable[[Fuse], WorldT], work: Callable[[WorldT], object], picture: Callable[[WorldT], object]
) -> None:
    """Kill some work at every boundary, let the next process do it, and see that all comes to the same.

    Args:
        prepared: Makes a world that a fuse runs through.
        work: What is killed.
        picture: What both sides and the store hold, without ids that differ from run to run.
    """
    fuse = Fuse()
    world = prepared(fuse)
    work(world)
    boundaries = fuse.passed
    world.settle()
    wanted = picture(world)
    assert boundaries > 10
    for boundary in range(boundaries):
        fuse = Fuse(boundary)
        world = prepared(fuse)
        try:
            work(world)
        except Killed:
            fuse.left = None
            world.engine = world.new_engine()
            work(world)
        fuse.left = None
        world.settle()
        assert picture(world) == wanted, f"killed at boundary {boundary}"
