"""Two thousand seeds, each a story of its own; and a seed always tells the same one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .author import story_of
from .run import play, play_seed
from .shrink import shrink
from .story import Edit, Run, Story

ROOT = Path(__file__).parents[2]
SEEDS, CHUNK = 2_000, 500


def called(module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the simulation in a process of its own: coverage would make it three times as slow."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    command = [sys.executable, "-W", "error", "-m", f"tests.simulation.{module}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True)


@pytest.mark.parametrize("start", range(0, SEEDS, CHUNK))
def test_every_promise_is_kept_in_every_story(start: int) -> None:
    jobs = str(os.cpu_count() or 1)
    done = called("soak", "--seeds", str(CHUNK), "--start", str(start), "--jobs", jobs)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert f"seeds {CHUNK}, failures 0" in done.stdout


@pytest.mark.parametrize("seed", [3, 76, 134])
def test_a_seed_replays_exactly(seed: int) -> None:
    assert story_of(seed) == story_of(seed)
    first, second = play_seed(seed), play_seed(seed)
    assert first.digest == second.digest
    assert first.trace == second.trace
    assert play_seed(seed + 1).digest != first.digest


def test_a_seed_replays_exactly_in_another_process(tmp_path: Path) -> None:
    digests = []
    for hashes in ("1", "2"):
        target = tmp_path / hashes
        called("soak", "--seeds", "12", "--digests", str(target), PYTHONHASHSEED=hashes)
        digests.append(json.loads(target.read_text(encoding="utf-8")))
    assert digests[0] == digests[1]
    assert digests[0] == {str(seed): play_seed(seed).digest for seed in range(12)}


def test_a_failing_story_is_told_as_shortly_as_it_can_be() -> None:
    whole = story_of(7)
    wanted = next(step for step in whole.steps if isinstance(step, Edit))

    def fails(story: Story) -> bool:
        return wanted in story.steps and any(isinstance(step, Run) for step in story.steps)

    short = shrink(whole, fails)
    assert len(short.steps) == 2
    assert short.size == 2
    assert str(wanted) in str(short)
    assert play(short).violations == []
