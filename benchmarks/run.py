"""Measures what a sync costs: calls, processor time, memory. Prints each figure beside its goal.

Run it with ``make bench``. Figures of calls come from the sandbox, so they are exact; figures of time and memory are
of this machine.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sandbox import measure_sandbox
from marketo_dynamics_sync import DynamicsConnector, MarketoConnector, MemoryStateStore, SyncEngine
from marketo_dynamics_sync.connectors.memory import MemoryConnector
from marketo_dynamics_sync.entities import Contact, Lead, Side
from marketo_dynamics_sync.sandbox import Sandbox
from marketo_dynamics_sync.testing import described_person, described_table

CHANGED = 1000
START = datetime(2026, 3, 1, tzinfo=UTC)


def line(what: str, figure: str, goal: str, *, met: bool) -> None:
    """Print one figure."""
    print(f"{'ok  ' if met else 'MISS'} {what:<62} {figure:>16}   goal: {goal}", flush=True)


def calls() -> None:
    """Calls for 1,000 changed people each way, and for an idle cycle."""
    with Sandbox(start=START) as sandbox:
        rows = [
            (table, sandbox.dynamics.create(table, lastname=f"Person {i}", emailaddress1=f"p{i}@example.com"))
            for i in range(CHANGED)
            for table in (("lead", "contact")[i % 2],)
        ]
        clock = sandbox.clock
        timing = {"clock": clock.now, "monotonic": clock.monotonic, "sleep": clock.sleep}
        store = MemoryStateStore()
        engine = SyncEngine(
            marketo=MarketoConnector(
                sandbox.marketo_url,
                client_id=sandbox.client_id,
                client_secret=sandbox.client_secret,
                **timing,  # type: ignore[arg-type]  # one mapping for both connectors
            ),
            dynamics=DynamicsConnector(sandbox.dynamics_url, auth=sandbox.credential, **timing),  # type: ignore[arg-type]  # as above
            store=store,
            entities=[Lead, Contact],
            now=clock.now,
            monotonic=clock.monotonic,
        )

        def cycle() -> Counter[str]:
            clock.advance(minutes=10)
            sandbox.marketo.reset_calls()
            sandbox.dynamics.reset_calls()
            engine.run()
            found: Counter[str] = Counter()
            for side, log in (("marketo", sandbox.marketo.calls), ("dynamics", sandbox.dynamics.calls)):
                found.update(f"{side} {call.kind}" for call in log if call.kind != "token")
            return found

        for _ in range(8):
            cycle()
        idle = cycle()
        line(
            "idle cycle over leads and contacts, calls",
            str(sum(idle.values())),
            "at most 4",
            met=sum(idle.values()) <= 4,
        )

        for table, row in rows:
            sandbox.dynamics.update(table, row, jobtitle="changed in Dynamics")
        there = cycle()
        reads, writes = there["dynamics read"], there["marketo write"]
        line(
            "1,000 changed in Dynamics: reads there, writes to Marketo",
            f"{reads} + {writes}",
            "2 + 4",
            met=reads <= 2 and writes <= 4,
        )

        for _ in range(8):
            cycle()
        for table, row in rows:
            link = store.links_by_dynamics(table, [row])[row]
            sandbox.marketo.update_person(int(link.marketo_id), title="changed in Marketo")
        back = cycle()
        reads, writes = back["marketo read"] + back["marketo metadata"], back["dynamics write"]
        line(
            "1,000 changed in Marketo: reads there, writes to Dynamics",
            f"{reads} + {writes}",
            "10 + 2",
            met=reads <= 10 and writes <= 2,
        )
        everything = sum(back.values())
        line("  the same cycle, all calls to both services", str(everything), "(for information)", met=True)


def world(people: int) -> tuple[SyncEngine, MemoryConnector, MemoryConnector]:
    """Return an engine over people in memory, after its first copy."""
    marketo = MemoryConnector(Side.MARKETO, {"person": described_person()})
    tables = {"leads": described_table(Lead), "contacts": described_table(Contact)}
    dynamics = MemoryConnector(Side.DYNAMICS, tables)
    for i in range(people):
        dynamics.put(
            ("leads", "contacts")[i % 2],
            firstname="Ada",
            lastname=f"Person {i}",
            emailaddress1=f"p{i}@example.com",
            jobtitle="Countess",
            address1_city="London",
            statecode=0,
            statuscode=1,
        )
    engine = SyncEngine(marketo=marketo, dynamics=dynamics, store=MemoryStateStore(), entities=[Lead, Contact])
    engine.run()
    engine.run()
    return engine, marketo, dynamics


def processor() -> None:
    """Processor time for each person that a cycle looks at and finds unchanged."""
    people = 10_000
    engine, _, dynamics = world(people)

    def seconds(prepare: Callable[[], None]) -> float:
        prepare()
        started = time.process_time()
        engine.run()
        return time.process_time() - started

    def listed() -> None:
        dynamics.expire()

    def touched() -> None:
        for name in ("leads", "contacts"):
            for row in list(dynamics.rows(name)):
                dynamics.change(name, row)

    best = min(seconds(listed) for _ in range(3)) / people * 1e6
    line(
        "full comparison: processor time for each unchanged person", f"{best:.0f} µs", "at most 100 µs", met=best <= 100
    )
    best = min(seconds(touched) for _ in range(3)) / people * 1e6
    line("row touched, no mapped field changed: for each person", f"{best:.0f} µs", "at most 100 µs", met=best <= 100)


MEMORY = """
import resource, sys
sys.path.insert(0, {root!r})
import tempfile, tracemalloc
from pathlib import Path
from benchmarks.run import steady
print(steady(int(sys.argv[1])))
"""


def steady(people: int) -> int:
    """Return the peak of Python's memory in a steady cycle with 500 changes, the services' own memory aside."""
    import tempfile
    import tracemalloc
    from pathlib import Path

    from marketo_dynamics_sync import SQLiteStateStore

    with tempfile.TemporaryDirectory() as folder:
        _, marketo, dynamics = world(people)
        store = SQLiteStateStore(Path(folder) / "sync.db")
        engine = SyncEngine(marketo=marketo, dynamics=dynamics, store=store, entities=[Lead, Contact])
        engine.run()
        engine.run()
        rows = list(dynamics.rows("leads"))[:500]
        for row in rows:
            dynamics.change("leads", row, jobtitle="changed")
        tracemalloc.start()
        engine.run()
        peak = tracemalloc.get_traced_memory()[1]
        store.close()
    return peak


def memory() -> None:
    """Memory of a steady cycle at 10,000 and at 100,000 people."""
    from pathlib import Path

    root = str(Path(__file__).resolve().parent.parent)
    peaks = []
    for people in (10_000, 100_000):
        command = [sys.executable, "-c", MEMORY.format(root=root), str(people)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
        peaks.append(int(answer.stdout.strip()))
    ratio = peaks[1] / peaks[0]
    shown = f"{peaks[0] / 1e6:.1f}, {peaks[1] / 1e6:.1f} MB"
    line("peak memory of a steady cycle at 10,000 and 100,000 people", shown, "(for information)", met=True)
    line("  ratio", f"{ratio:.2f}", "at most 1.30", met=ratio <= 1.3)


def main() -> None:
    """Measure everything."""
    measure_sandbox(line)
    calls()
    processor()
    memory()


if __name__ == "__main__":
    main()
