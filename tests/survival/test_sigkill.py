"""Two hundred real SIGKILLs of a real process with a real file, at calls and at moments in between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

import pytest

import marketo_dynamics_sync
from marketo_dynamics_sync import SQLiteStateStore
from marketo_dynamics_sync.sandbox import CRM_FIELDS, Sandbox, SandboxClock
from marketo_dynamics_sync.sandbox.http import Request, Response
from marketo_dynamics_sync.sandbox.marketo import MarketoService

KILLS = 200
PEOPLE = 12
FIELDS = {"title": "jobtitle", "city": "address1_city", "phone": "telephone1"}


class Victim:
    """Starts syncing processes and kills them, at a call or after a time."""

    def __init__(self, sandbox: Sandbox, path: Path) -> None:
        self.sandbox = sandbox
        self.path = path
        self.lock = threading.Lock()
        self.pid = 0
        self.calls = 0
        self.deadly: tuple[int, str] | None = None
        source = str(Path(marketo_dynamics_sync.__file__).parent.parent)
        root = str(Path(__file__).parents[2])
        self.program = subprocess.Popen(
            [sys.executable, "-m", "tests.survival.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([source, root])},
            text=True,
            bufsize=1,
        )
        for service in (sandbox.marketo, sandbox.dynamics):
            service.on_request = self._before
            service.on_answer = self._after

    def run(self, deadly: tuple[int, str] | None = None, after: float | None = None) -> int:
        """Run a cycle in a process of its own and return how it ended."""
        self.calls, self.pid = 0, 0
        line = (
            str(self.path),
            self.sandbox.marketo_url,
            self.sandbox.dynamics_url,
            self.sandbox.dynamics.issue_token(),
        )
        with self.lock:
            self.deadly = deadly
            print(*line, sep="\t", file=self._pipe(self.program.stdin), flush=True)
            self.pid = int(self._pipe(self.program.stdout).readline())
        timer = threading.Timer(after, self._kill) if after is not None else None
        if timer is not None:
            timer.start()
        code = int(self._pipe(self.program.stdout).readline())
        self.deadly = None
        if timer is not None:
            timer.cancel()
            timer.join()
        return code

    def close(self) -> None:
        self._pipe(self.program.stdin).close()
        self.program.wait()
        self._pipe(self.program.stdout).close()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def _before(self, request: Request) -> None:
        with self.lock:
            self.calls += 1
            if self.deadly == (self.calls, "before"):
                self._kill()
                raise ConnectionError

    def _after(self, request: Request, response: Response) -> Response:
        with self.lock:
            if self.deadly == (self.calls, "after"):
                self._kill()
                raise ConnectionError
        return response


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    clock = SandboxClock()
    with Sandbox(marketo=MarketoService(clock, custom_fields=CRM_FIELDS, rate=10**6, daily_quota=10**6)) as sandbox:
        victim = Victim(sandbox, tmp_path / "sync.db")
        try:
            yield victim
        finally:
            victim.close()


def users_work(sandbox: Sandbox, chance: random.Random, number: int) -> None:
    """Let both sides' users edit, add, delete and qualify some people."""
    rows = [row for row in sandbox.dynamics.all_rows("lead") if row["statecode"] == 0]
    persons = sandbox.marketo.persons()
    for _ in range(3):
        field, column = chance.choice(list(FIELDS.items()))
        if chance.random() < 0.5:
            sandbox.dynamics.update("lead", str(chance.choice(rows)["leadid"]), **{column: f"sales {number}"})
        else:
            sandbox.marketo.update_person(int(str(chance.choice(persons)["id"])), **{field: f"marketing {number}"})
    if chance.random() < 0.3:
        sandbox.dynamics.create("lead", lastname=f"Late {number}", emailaddress1=f"late{number}@example.com")
    if chance.random() < 0.1:
        sandbox.dynamics.qualify_lead(str(chance.choice(rows)["leadid"]))
    if chance.random() < 0.05 and len(rows) > PEOPLE // 2:
        sandbox.dynamics.delete("lead", str(rows[0]["leadid"]))


def check(victim: Victim) -> None:
    """Let the killed work be finished, and see that everybody is there once and the same on both sides."""
    assert [victim.run(), victim.run()] == [0, 0]
    sandbox = victim.sandbox
    sandbox.reset_calls()
    assert victim.run() == 0
    assert sandbox.cost["marketo"].writes == sandbox.cost["dynamics"].writes == 0, "a third cycle wrote"
    with closing(SQLiteStateStore(victim.path)) as store:
        links = [*store.links("lead"), *store.links("contact")]
        assert not list(store.rejected())
    assert len({link.marketo_id for link in links}) == len(links)
    emails = [person.get("email") for person in sandbox.marketo.persons()]
    assert len(set(emails)) == len(emails), "somebody was made twice"
    for link in links:
        person = sandbox.marketo.person(int(link.marketo_id))
        row = sandbox.dynamics.row(link.entity, link.dynamics_id)
        assert person is not None
        assert row is not None
        for field, column in FIELDS.items():
            assert (person.get(field) or None) == (row.get(column) or None), (link.entity, field)
    linked = {link.dynamics_id for link in links}
    assert {str(row["leadid"]) for row in sandbox.dynamics.all_rows("lead") if row["statecode"] == 0} <= linked


def test_two_hundred_kills_lose_nobody_and_double_nobody(victim: Victim) -> None:
    chance = random.Random(20260301)
    for number in range(PEOPLE):
        victim.sandbox.dynamics.create("lead", lastname=f"Lead {number}", emailaddress1=f"l{number}@example.com")
    victim.sandbox.marketo.create_person(lastName="Known", email="l0@example.com", title="marketing")
    killed = 0
    rounds = 0
    while killed < KILLS:
        rounds += 1
        users_work(victim.sandbox, chance, rounds)
        if chance.random() < 0.6:
            code = victim.run(deadly=(chance.randint(1, 14), chance.choice(["before", "after"])))
        else:
            code = victim.run(after=chance.uniform(0.005, 0.15))
        killed += code == -signal.SIGKILL
        assert code in (0, -signal.SIGKILL)
        if rounds % 10 == 0:
            check(victim)
        assert rounds < 4 * KILLS, "hardly any process was killed"
    check(victim)
