"""Runs the core tests with the lower bounds of the five dependencies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = [
    "tests/entities",
    "tests/conflict",
    "tests/identity",
    "tests/plan",
    "tests/state",
    "tests/engine",
    "tests/connectors",
]


def lowest() -> list[str]:
    """Return the five dependencies at their lower bounds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.sub(r">=", "==", requirement) for requirement in project["dependencies"]]


def main() -> int:
    """Install the lower bounds and run the tests with them."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place, with_pip=True)
        python = str(place / "bin" / "python")
        pip = [python, "-m", "pip", "--disable-pip-version-check", "-q", "install"]
        tools = ["pytest", "pytest-xdist", "hypothesis", "trustme"]
        subprocess.run([*pip, str(ROOT), *lowest(), *tools], check=True, cwd=place)
        tests = [test for test in TESTS if (ROOT / test).is_dir()]
        command = [python, "-m", "pytest", "-q", "-x", "-n", "auto", "-p", "no:cacheprovider", "-W", "default", *tests]
        # Workers collect the same tests only where texts are hashed alike.
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
