"""Makes docs/parity.md of docs/parity.toml: what the native sync does, row by row, and what this library does about it.

``python scripts/parity.py`` writes the page; with ``--check`` it only says whether the page is up to date.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeGuard

from attrs import field, frozen

ROOT: Final = Path(__file__).resolve().parent.parent
DATA: Final = ROOT / "docs" / "parity.toml"
PAGE: Final = ROOT / "docs" / "parity.md"

SAME: Final = "same as native"
BETTER: Final = "better than native"
NOT_OURS: Final = "does not apply to a library"
NOT_YET: Final = "not yet"
STATUSES: Final = (SAME, BETTER, NOT_OURS, NOT_YET)
#: Rows of the list of documented behaviours.
ROWS: Final = 202
EVIDENCE: Final = {
    "": "",
    "COMMUNITY": "users or support say so",
    "SFDC": "documented for Salesforce",
    "INFER": "inferred",
}

INTRO: Final = f"""\
<!-- Made by scripts/parity.py from parity.toml. Change that file, then run: make parity -->

# Parity with the native sync

Marketo's own Dynamics sync, behaviour by behaviour, as far as public material says what it does: {ROWS} rows. Each
says what this library does about it, and names the test that shows it. Tests under `tests/end_to_end` run against the
sandbox over real sockets; most others have both services in memory. None has run against live instances.

Sources are pages of Adobe's documentation, relative to `help/marketo/product-docs/` of the repository
AdobeDocs/marketo.en unless a repository or site is named, with `D/` for `crm-sync/microsoft-dynamics-sync/`, `DD/`
for `D/microsoft-dynamics-sync-details/`, `SS/` for `D/sync-setup/` and `FA/` for
`core-marketo-concepts/smart-campaigns/microsoft-dynamics-flow-actions/`. Where Adobe's documentation of the Dynamics
sync doesn't say it itself, the source has a remark. "Native" is the native sync, D is Dynamics, M is Marketo.
"""


class ParityError(Exception):
    """The list can't be made into a page; the text has a line for each reason."""


@frozen
class Row:
    """One behaviour of the native sync.

    Attributes:
        number: Its place in the list.
        native: What the native sync does.
        source: Where that is written.
        status: One of ``STATUSES``.
        evidence: How well it is known: a key of ``EVIDENCE``.
        note: How it is better, why it doesn't apply, or why not yet.
        tests: Node ids of the tests that show it.
    """

    number: int
    native: str
    source: str
    status: str = ""
    evidence: str = ""
    note: str = ""
    tests: list[str] = field(factory=list)

    def problems(self, known: Collection[str]) -> Iterator[str]:
        """Yield what is wrong with it, in words."""
        if self.status not in STATUSES:
            yield f"row {self.number}: {self.status!r} is no status"
        if self.status in (SAME, BETTER) and not self.tests:
            yield f"row {self.number}: no test shows that it is {self.status}"
        if self.status != SAME and not self.note:
            yield f"row {self.number}: {self.status!r} wants a note"
        if self.evidence not in EVIDENCE:
            yield f"row {self.number}: {self.evidence!r} is no kind of evidence"
        for test in self.tests:
            if test not in known:
                yield f"row {self.number}: there is no test {test}"


@frozen
class Parity:
    """The whole list.

    Attributes:
        rows: In any order.
        sections: Number of the first row to the title, in order.
    """

    rows: Sequence[Row]
    sections: Mapping[int, str]

    def problems(self, known: Collection[str]) -> list[str]:
        """Return what is wrong with the list, in words."""
        numbers = Counter(row.number for row in self.rows)
        found = [f"row {number} is missing" for number in range(1, ROWS + 1) if number not in numbers]
        found += [f"row {number} is there {times} times" for number, times in numbers.items() if times > 1]
        found += [f"row {number} is beyond the list" for number in numbers if not 1 <= number <= ROWS]
        if min(self.sections, default=0) != 1:
            found.append("the first section begins with row 1")
        return found + [problem for row in self.rows for problem in row.problems(known)]


def read(path: Path = DATA) -> Parity:
    """Return the list.

    Raises:
        ParityError: A row has a key that is none, or lacks one.
    """
    data: dict[str, list[dict[str, Any]]] = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        rows = [Row(**row) for row in data["row"]]
    except TypeError as error:
        raise ParityError(f"{path.name}: {error}") from None
    return Parity(rows, {section["first"]: section["title"] for section in data["section"]})


def collected(root: Path = ROOT) -> set[str]:
    """Return the node ids of all tests, parameters aside: ``tests/x/test_y.py::test_z``."""
    found: set[str] = set()
    for path in sorted((root / "tests").rglob("test_*.py")):
        name = path.relative_to(root).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if _is_test(node):
                found.add(f"{name}::{node.name}")
            elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                found.update(f"{name}::{node.name}::{item.name}" for item in node.body if _is_test(item))
    return found


def _is_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")


def page(parity: Parity, known: Collection[str]) -> str:
    """Return the page.

    Raises:
        ParityError: Something is wrong with the list.
    """
    problems = parity.problems(known)
    if problems:
        raise ParityError("\n".join(problems))
    rows = sorted(parity.rows, key=lambda row: row.number)
    counts = Counter(row.status for row in rows)
    lines = [INTRO, "| status | rows |", "| --- | --- |"]
    lines += [f"| {status} | {counts[status]} |" for status in STATUSES]
    lines.append(f"| all | {len(rows)} |")
    for row in rows:
        if row.number in parity.sections:
            lines += ["", f"## {parity.sections[row.number]}"]
        lines += ["", "\\\n".join(_lines(row))]
    return "\n".join(lines) + "\n"


def _lines(row: Row) -> Iterator[str]:
    yield f"**{row.number}.** {row.native}"
    yield f"→ **{row.status}**" + (f": {row.note}" if row.note else "")
    if row.tests:
        yield "Shown by " + ", ".join(f"`{test}`" for test in row.tests)
    remark = f" ({EVIDENCE[row.evidence]})" if row.evidence else ""
    yield f"Source: {row.source}{remark}"


def main(arguments: Sequence[str]) -> int:
    """Write the page, or check it; return the exit status."""
    try:
        parity = read()
        text = page(parity, collected())
    except ParityError as error:
        print(error, file=sys.stderr)
        return 1
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print("docs/parity.md is not what docs/parity.toml says: run make parity", file=sys.stderr)
        return 1
    counts = Counter(row.status for row in parity.rows)
    print(", ".join(f"{counts[status]} {status}" for status in STATUSES))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
