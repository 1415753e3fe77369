"""The fidelity page: what stands on it, and how it is made of a record and of the tests' own words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from tests.sandbox.judges.codes import ELSEWHERE
from tests.sandbox.judges.endpoints import IDENTITY
from tests.sandbox.judges.rooms import GROUPS
from tests.sandbox.judges.watch import published

from marketo_dynamics_sync.sandbox import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import MarketoService

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = ROOT / "docs" / "fidelity.md"
SANDBOX: Final = ROOT / "src" / "marketo_dynamics_sync" / "sandbox"

MICROSOFT: Final = "Microsoft's client"
MSAL: Final = "MSAL"
MARKETORESTPYTHON: Final = "marketorestpython"
SPECIFICATION: Final = "Adobe's specification"
RULES: Final = "rules"
CONNECTORS: Final = "connectors"
#: Columns of the tables of endpoints.
COLUMNS: Final = {
    "dynamics": (MICROSOFT, MSAL, RULES, CONNECTORS),
    "marketo": (MARKETORESTPYTHON, SPECIFICATION, RULES, CONNECTORS),
}
TITLES: Final = {"dynamics": "Dynamics", "marketo": "Marketo", "both": "Both"}
KEPT: Final = ("<!-- kept by hand: begin -->", "<!-- kept by hand: end -->")

_SOURCE: Final = re.compile(
    r"(Microsoft Learn,|Adobe,|Adobe's pages? (?:on )?)\s*((?:\"[^\"]+\"(?:\s*\([^)]*\))?(?:, and |, | and |; )?)+)"
)
_ENDPOINT: Final = re.compile(r"^\| `((?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|MERGE) [^`]+)` \|", re.MULTILINE)
_NAMED: Final = re.compile(r"\{\w+\}")
_WORDS: Final = {"isnt": "isn't", "cant": "can't", "doesnt": "doesn't", "dont": "don't", "arent": "aren't",
                 "didnt": "didn't", "hasnt": "hasn't", "havent": "haven't", "wont": "won't"}  # fmt: skip
_INTRODUCTION: Final = """\
# What judges the sandbox

A sandbox is worth as much as it is faithful. This page says, for every call that the sandbox answers and every rule
that it keeps, who looked at it. The tests make it: `make fidelity` runs them, records each exchange, and writes this.

The judges:

- **Microsoft's client**: `PowerPlatform-Dataverse-Client` from PyPI, unmodified, over https.
- **MSAL**: Microsoft's authentication library, unmodified, over https.
- **marketorestpython**: a published client of Marketo's API, unmodified but for its pauses, over sockets.
- **Adobe's specification**: the published Swagger files. Every answer in the whole test suite is held to them, and so
  is every request of the Marketo connector. What is known to deviate is listed, with sources, beside the check.
- **rules**: tests of the sandbox itself, each made of a page of documentation. They stand below, in words.
- **connectors**: the library's own connectors and engine. They are no judges, since one author wrote both sides; the
  column says what they use.

Columns, types, required levels, lengths, limits, options and states of Dynamics are those of Microsoft's schema
documents (Common Data Model), and its error codes those of the platform's list; tests compare all of them.
"""


@frozen
class Rule:
    """A test, as a rule.

    Attributes:
        module: Its module, from the root of the project.
        name: Its function.
        line: Where it stands, which orders the page.
    """

    module: str
    name: str
    line: int

    @property
    def words(self) -> str:
        """What it says."""
        words = [_WORDS.get(word, word) for word in self.name.removeprefix("test_").split("_")]
        text = " ".join(words)
        return text[:1].upper() + text[1:]


@cache
def endpoints_of_page() -> frozenset[str]:
    """Return the endpoints on the committed page."""
    return frozenset(_ENDPOINT.findall(PAGE.read_text(encoding="utf-8"))) if PAGE.is_file() else frozenset()


def rules_of_tests(folder: Path = ROOT / "tests" / "sandbox") -> list[Rule]:
    """Return all tests of the sandbox, by reading their files."""
    found: list[Rule] = []
    for path in sorted(folder.rglob("test_*.py")):
        module = path.relative_to(ROOT).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.append(Rule(module, node.name, node.lineno))
    return found


def title_of(module: str) -> str:
    """Return what a test module says of itself."""
    text = ast.get_docstring(ast.parse((ROOT / module).read_text(encoding="utf-8"))) or module
    return " ".join(text.split("\n\n")[0].split())


def sources_of(rooms: Iterable[str]) -> list[str]:
    """Return the documentation that rooms of the sandbox name.

    Args:
        rooms: Modules, as in ``dataverse/paging``; folders stand for all their modules.
    """
    found: dict[str, None] = {}
    for room in rooms:
        paths = sorted((SANDBOX / room).glob("*.py")) if (SANDBOX / room).is_dir() else [SANDBOX / f"{room}.py"]
        for path in paths:
            text = " ".join(re.sub(r"\n\s*(#:? ?)?", " ", path.read_text(encoding="utf-8")).split())
            for who, titles in _SOURCE.findall(text):
                publisher = "Microsoft Learn" if who.startswith("Microsoft") else "Adobe"
                for title in re.findall(r'"([^"]+)"', titles):
                    found[f"{publisher}, “{title.rstrip(',')}”"] = None
    return list(found)


def render(record: Mapping[str, Any], kept: str) -> str:
    """Return the page.

    Args:
        record: What ``pytest --fidelity`` wrote.
        kept: The part that is kept by hand.
    """
    held = {(module, name) for module, names in record["rules"].items() for name in names}
    rules = [rule for rule in rules_of_tests() if (rule.module, rule.name) in held]
    parts = [_INTRODUCTION, f"{KEPT[0]}\n{kept.strip()}\n{KEPT[1]}\n"]
    for service in ("dynamics", "marketo"):
        parts.append(f"## {TITLES[service]}: endpoints\n")
        parts.append(_table(record["endpoints"][service], COLUMNS[service]))
        if service == "marketo":
            parts.append(_unserved(record["unserved"]))
        parts.append(_codes(service, record["codes"][service]))
    for service in ("dynamics", "marketo", "both"):
        parts.append(f"## {TITLES[service]}: rules\n")
        parts += [_group(module, rooms, rules) for module, (where, rooms) in GROUPS.items() if where == service]
    return "\n".join(parts)


def unserved() -> list[str]:
    """Return the calls that Adobe specifies and the sandbox lacks; none when the files are not beside the checkout."""
    contract = published()
    if contract is None:
        return []
    routes = MarketoService(SandboxClock()).router.routes
    served = {(route.method.lower(), _NAMED.sub("{}", route.path)) for route in routes} | {("get", IDENTITY)}
    served.add(("post", IDENTITY))
    return sorted(
        f"{method.upper()} {path}"
        for method, path in contract.calls()
        if (method, _NAMED.sub("{}", path)) not in served
    )


def kept_by_hand(text: str) -> str:
    """Return the part of a page that is kept by hand."""
    _, _, after = text.partition(KEPT[0])
    return after.partition(KEPT[1])[0].strip()


def _table(endpoints: Mapping[str, list[str]], columns: tuple[str, ...]) -> str:
    lines = [f"| call | {' | '.join(columns)} |", f"| --- |{' :-: |' * len(columns)}"]
    for endpoint in sorted(endpoints, key=lambda each: (each.partition(" ")[2], each)):
        marks = ("✓" if column in endpoints[endpoint] else "" for column in columns)
        lines.append(f"| `{endpoint}` | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def _unserved(calls: list[str]) -> str:
    shown = ", ".join(f"`{call}`" for call in sorted(calls, key=lambda each: (each.partition(" ")[2], each)))
    return f"Calls of Adobe's specification that get 610 here: {shown}.\n" if calls else ""


def _codes(service: str, codes: list[str]) -> str:
    shown = ", ".join(f"`{code}`" for code in sorted(filter(None, codes), key=lambda code: (len(code), code)))
    text = f"Error codes given in the run: {shown}.\n"
    if service == "dynamics":
        text += "\nThe platform's list has all of them but these:\n\n"
        text += "".join(f"- {f'`{code}`' if code else 'none'}: {source}.\n" for code, source in ELSEWHERE.items())
    return text


def _group(module: str, rooms: tuple[str, ...], rules: list[Rule]) -> str:
    sources = sources_of(rooms)
    text = f"### {title_of(module).rstrip('.')}\n\n"
    if sources:
        text += f"Sources: {'; '.join(sources)}.\n\n"
    return text + "".join(f"- {rule.words}\n" for rule in rules if rule.module == module)
