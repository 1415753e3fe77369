"""The demo runs to its end and says what happened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import marketo_dynamics_sync

ROOT = Path(__file__).parents[2]


def test_the_demo_shows_all_entities() -> None:
    source = str(Path(marketo_dynamics_sync.__file__).parent.parent)
    shown = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")],
        env={**os.environ, "PYTHONPATH": source, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert shown.returncode == 0, shown.stderr[-2000:]
    assert shown.stderr == ""
    for words in (
        "checks passed",
        "wrote 0 records",
        "40 companies, 60 opportunities",
        "sales\n  persons",
        "1 membership of a team",
        "59 deals",
        "a task 'Call her back'",
        "opportunity_role:",
        "team_member: 1 linked",
    ):
        assert words in shown.stdout
