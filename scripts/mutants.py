"""Runs mutmut over the pure rooms, and holds its survivors against those that docs/mutants.toml explains.

Usage: mutants.py [--fresh] [--told] [--draft]

    --fresh   forget what earlier runs found; without it only functions that were changed since are tried again
    --told    run nothing: judge what the last run found
    --draft   print the survivors that nobody explained, in the form of docs/mutants.toml

Fails when fewer than 95 % of a room's mutants are killed, when a survivor isn't explained, or when an explained one was
killed or doesn't exist any more.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPLAINED = ROOT / "docs" / "mutants.toml"
PACKAGE = "src/marketo_dynamics_sync"
ROOMS = ("conflict", "identity", "entities", "plan")
LEAST = 95.0
#: Exit codes of the tests under a mutant, as mutmut keeps them.
KILLED = {1, 3}
TIMED_OUT = {24, 36, 152, 255, -24}
ALIVE = {0, 5, 33}

#: A mutant's function and what is changed in it: names that stay when lines or numbers move.
Name = tuple[str, str]


def results(room: str) -> Iterator[tuple[str, str, int | None]]:
    """Yield file, mutmut's name and exit code of every mutant of a room."""
    for meta in sorted((ROOT / "mutants" / PACKAGE / room).rglob("*.meta")):
        path = meta.relative_to(ROOT / "mutants").as_posix().removesuffix(".meta")
        for key, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            yield path, key, code


def function_of(key: str) -> str:
    """Return the function that a mutant is of, as ``room.module.Class.method``."""
    module, _, mangled = key.rpartition(".")
    plain = re.sub(r"__mutmut_\d+$", "", mangled).replace("ǁ", ".").removeprefix("x.").removeprefix("x_")
    return f"{module.removeprefix('marketo_dynamics_sync.')}.{plain}"


def change_of(key: str, path: str) -> str:
    """Return what a mutant changes, in one line."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    sides: dict[str, list[str]] = {"-": [], "+": []}
    for line in get_diff_for_mutant(key, path=path).splitlines():
        if line[:1] in sides and not line.startswith(("---", "+++")):
            sides[line[0]].append(line[1:].strip())
    return " -> ".join(" ".join(lines) for lines in sides.values())


def explained() -> dict[Name, str]:
    """Return the reason of every mutant that may live."""
    told = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))
    found: dict[Name, str] = {}
    for entry in told["survivor"]:
        for change in entry["changes"]:
            name = (entry["function"], change)
            if name in found or not entry["why"].strip():
                raise SystemExit(f"{EXPLAINED.name}: {name} is there twice, or without a reason")
            found[name] = entry["why"]
    return found


def run(*, fresh: bool) -> None:
    """Let mutmut try every mutant."""
    if fresh:
        shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    settings = os.environ | {"HYPOTHESIS_PROFILE": "mutants"}
    command = [sys.executable, "-m", "mutmut", "run"]
    with (ROOT / "mutants.log").open("w", encoding="utf-8") as log:
        ended = subprocess.run(command, cwd=ROOT, env=settings, stdout=log, stderr=log, check=False)
    if ended.returncode:
        raise SystemExit(f"mutmut ended with {ended.returncode}; the end of what it said is in mutants.log")


def drafted(names: set[Name]) -> Iterator[str]:
    """Yield survivors in the form of the list of explained ones."""
    for function in sorted({function for function, _ in names}):
        yield "[[survivor]]"
        yield f"function = {json.dumps(function, ensure_ascii=False)}"
        yield "changes = ["
        yield from (f"  {json.dumps(c, ensure_ascii=False)}," for f, c in sorted(names) if f == function)
        yield "]"
        yield 'why = ""'
        yield ""


def main(arguments: list[str]) -> int:
    """Run, count and compare; return 0 where every room is as it should be."""
    os.chdir(ROOT)  # mutmut reads its settings and its results from here
    if "--told" not in arguments:
        run(fresh="--fresh" in arguments)
    listed = explained()
    survivors: set[Name] = set()
    spared: set[Name] = set()
    bad = False
    for room in ROOMS:
        counts: Counter[str] = Counter()
        for path, key, code in results(room):
            if code in KILLED or code in TIMED_OUT:
                counts["killed"] += 1
                continue
            if code not in ALIVE:
                raise SystemExit(f"{key} ended with {code}: neither killed nor alive; run again")
            counts["survived"] += 1
            name = (function_of(key), change_of(key, path))
            (spared if name in listed else survivors).add(name)
        total = counts.total()
        share = 100 * counts["killed"] / total if total else 0.0
        bad = bad or share < LEAST
        print(
            f"{room:10} {total:5} mutants  {counts['killed']:5} killed  {counts['survived']:4} survived  {share:5.1f} %"
        )
    stale = listed.keys() - spared
    if "--draft" in arguments:
        print("\n".join(drafted(survivors)))
    for title, names in (("survived and isn't explained", survivors), ("is explained and didn't survive", stale)):
        for function, change in sorted(names):
            print(f"{title}: {function}\n    {change}")
    print(f"{len(spared)} survivors are explained in docs/mutants.toml")
    return 1 if bad or survivors or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
