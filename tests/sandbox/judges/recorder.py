"""Records who asked what of the sandbox while tests run, for the fidelity page; and which rules held.

``pytest --fidelity=FILE`` writes the record. Without the option nothing is written, but a test that reaches an endpoint
which the committed page lacks fails.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, field
from tests.sandbox.judges import page
from tests.sandbox.judges.codes import codes_of
from tests.sandbox.judges.endpoints import IDENTITY, dataverse_endpoint, marketo_endpoint
from tests.sandbox.judges.watch import published

from marketo_dynamics_sync.sandbox.dataverse import DataverseService
from marketo_dynamics_sync.sandbox.http import Request, Response
from marketo_dynamics_sync.sandbox.marketo import MarketoService

_MARKETO: Final = ("/rest/", "/bulk/", "/identity/")
_MARKETO_CODE: Final = re.compile(rb'"code":\s*"(\d+)"')


@define
class Record:
    """What was seen so far.

    Attributes:
        endpoints: Judges by endpoint, by service.
        codes: Error codes given, by service.
        rules: Whether each test of the sandbox's own has held, by module and name.
        module: The test module that runs.
        new: Endpoints reached by the test that runs and missing on the page.
    """

    endpoints: dict[str, dict[str, set[str]]] = field(factory=lambda: {"marketo": {}, "dynamics": {}})
    codes: dict[str, set[str]] = field(factory=lambda: {"marketo": set(), "dynamics": set()})
    rules: dict[str, dict[str, bool]] = field(factory=dict)
    module: str = ""
    new: set[str] = field(factory=set)
    _lock: Any = field(factory=threading.Lock)

    def exchange(self, service: str, endpoint: str | None, judges: set[str], known: frozenset[str]) -> None:
        """Note that an endpoint answered."""
        if endpoint is None:
            return
        with self._lock:
            self.endpoints[service].setdefault(endpoint, set()).update(judges)
            if endpoint not in known:
                self.new.add(endpoint)

    def code(self, service: str, codes: set[str]) -> None:
        """Note error codes."""
        with self._lock:
            self.codes[service] |= codes

    def rule(self, module: str, name: str, *, held: bool) -> None:
        """Note how a test of the sandbox's own ended; one of many cases that fails is enough to break a rule."""
        rules = self.rules.setdefault(module, {})
        rules[name] = held and rules.get(name, True)

    def write(self, file: Path) -> None:
        """Write what was seen."""
        file.parent.mkdir(parents=True, exist_ok=True)
        endpoints = {
            service: {endpoint: sorted(judges) for endpoint, judges in sorted(found.items())}
            for service, found in self.endpoints.items()
        }
        codes = {service: sorted(found) for service, found in self.codes.items()}
        rules = {module: sorted(name for name, held in found.items() if held) for module, found in self.rules.items()}
        data = {
            "endpoints": endpoints,
            "unserved": page.unserved(),
            "codes": codes,
            "rules": dict(sorted(rules.items())),
        }
        file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


RECORD: Final = Record()


def judge_of(request: Request, module: str) -> str:
    """Return who asks: a published client shows itself by its headers, others by where the test stands."""
    agent = request.headers.get("user-agent", "")
    if request.headers.get("x-client-sku", "").startswith("MSAL"):
        return page.MSAL
    if agent.startswith("DataverseSvcPythonClient"):
        return page.MICROSOFT
    if agent.startswith("python-requests"):
        return page.MARKETORESTPYTHON if request.path.startswith(_MARKETO) else page.MSAL
    return page.RULES if module.startswith("tests/sandbox/") else page.CONNECTORS


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--fidelity=FILE``."""
    parser.addoption("--fidelity", type=Path, metavar="FILE", help="write who judged which part of the sandbox to FILE")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how a test ended."""
    module, _, name = report.nodeid.partition("::")
    if module.startswith("tests/sandbox/") and (report.when == "call" or report.failed):
        RECORD.rule(module, name.partition("[")[0], held=report.passed)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the record."""
    file = session.config.getoption("--fidelity")
    if file is not None:
        RECORD.write(file)


@pytest.fixture(autouse=True)
def exchanges_are_recorded(request: pytest.FixtureRequest) -> Iterator[None]:
    """Record what a test asks of the sandbox, and fail it when the committed page lacks one of the endpoints.

    Only answers of the service itself count, and none with an HTTP error, but for files that aren't there.
    """
    RECORD.module = request.node.nodeid.partition("::")[0]
    RECORD.new.clear()
    known, parts = page.endpoints_of_page(), threading.local()
    answer, note, operation = MarketoService._answer, DataverseService._note, DataverseService._operation
    contract = published()

    def answered(self: MarketoService, asked: Request) -> Response:
        response = answer(self, asked)
        judges = {judge_of(asked, RECORD.module)}
        if contract is not None:
            judges.add(page.SPECIFICATION)
        if response.status < 400 or asked.path != IDENTITY:
            RECORD.exchange("marketo", marketo_endpoint(self, asked), judges, known)
        RECORD.code("marketo", {code.decode() for code in _MARKETO_CODE.findall(response.body)})
        return response

    def operated(self: DataverseService, part: Request) -> Response:
        response = operation(self, part)
        if response.status < 400:
            parts.__dict__.setdefault("done", []).append(part)
        return response

    def noted(self: DataverseService, asked: Request, kind: str, given: Response, *, counted: bool = False) -> None:
        note(self, asked, kind, given, counted=counted)
        done: list[Request] = parts.__dict__.pop("done", [])
        if kind == "fault":
            return
        judge = judge_of(asked, RECORD.module)
        for each in [*done, *([asked] if given.status < 400 else [])]:
            RECORD.exchange("dynamics", dataverse_endpoint(self, each), {judge}, known)
        if kind != "token":
            RECORD.code("dynamics", codes_of(given))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MarketoService, "_answer", answered)
        patch.setattr(DataverseService, "_note", noted)
        patch.setattr(DataverseService, "_operation", operated)
        yield
    if RECORD.new and request.config.getoption("--fidelity") is None:
        pytest.fail(f"docs/fidelity.md lacks {', '.join(sorted(RECORD.new))}: run make fidelity", pytrace=False)
