"""Runs the Python blocks of tutorial and how-tos, page by page, and compares what they print with what the page says.

The blocks of a page run in order in one namespace, in a folder of their own. Addresses of real services lead to a
sandbox, under the credentials that the pages read from the environment; any other address leads nowhere. Comments in
the page's source say what is special about the block that follows:

- ``<!-- no-run: why -->``: the block needs what isn't there (Celery, Airflow); it is compiled only.
- ``<!-- prints -->``: the text block is what the Python block before it prints; ``...`` stands for anything.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from pathlib import Path

import httpx
import pytest
from attrs import frozen

from marketo_dynamics_sync.sandbox import Sandbox
from marketo_dynamics_sync.sandbox.marketo import PersonField
from marketo_dynamics_sync.sandbox.sandbox import DYNAMICS_HOST, LOGIN_HOST, MARKETO_HOST
from marketo_dynamics_sync.sandbox.transport import SandboxTransport

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [DOCS / "index.md", DOCS / "tutorial.md", DOCS / "concepts.md", *sorted((DOCS / "howto").glob("*.md"))]
BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<kind>python|text)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@frozen
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    kind: str
    mark: str
    text: str

    def compiled(self) -> object:
        return compile("\n" * self.line + self.text, self.page, "exec", dont_inherit=True)


def blocks_of(page: Path) -> list[Block]:
    source = page.read_text(encoding="utf-8")
    return [
        Block(str(page), source.count("\n", 0, found.start("text")), found["kind"], found["mark"] or "", found["text"])
        for found in BLOCK.finditer(source)
    ]


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox in the place of the whole internet."""
    sandbox = Sandbox()
    sandbox.dynamics.create("lead", firstname="Ada", lastname="Byron", emailaddress1="ada@example.com")
    routes = {MARKETO_HOST: sandbox.marketo, DYNAMICS_HOST: sandbox.dynamics, LOGIN_HOST: sandbox.dynamics}
    make = httpx.Client.__init__

    def routed(client: httpx.Client, **options: object) -> None:
        options.setdefault("transport", SandboxTransport(routes))
        make(client, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(httpx.Client, "__init__", routed)
    application, registered = next(iter(sandbox.dynamics.entra.applications.items()))
    for name, value in {
        "MARKETO_URL": f"https://{MARKETO_HOST}",
        "MARKETO_CLIENT_ID": sandbox.client_id,
        "MARKETO_CLIENT_SECRET": sandbox.client_secret,
        "DYNAMICS_URL": f"https://{DYNAMICS_HOST}",
        "DYNAMICS_TENANT": sandbox.dynamics.entra.tenant,
        "DYNAMICS_CLIENT_ID": application,
        "DYNAMICS_CLIENT_SECRET": str(registered.secret),
        "WEBHOOK_SECRET": "a long random text",
    }.items():
        monkeypatch.setenv(name, value)
    return sandbox


def native_sync(services: Sandbox) -> None:
    """Let a native sync have linked Ada's lead to a person, and somebody have edited her since."""
    services.marketo.fields.add(PersonField("microsoftLeadId", updateable=False, crm_managed=True))
    (row,) = services.dynamics.all_rows("lead")
    services.marketo.create_person(
        firstName="Ada", lastName="King", email="ada@example.com", microsoftLeadId=row["leadid"]
    )


#: What is there before a page begins.
BEFORE = {"move": native_sync}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page: Path, services: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if page.stem in BEFORE:
        BEFORE[page.stem](services)
    namespace: dict[str, object] = {"__name__": "page"}
    printed = ""
    for block in blocks_of(page):
        where = f"{page.name}, line {block.line}"
        if block.kind == "text":
            if block.mark == "prints":
                assert doctest.OutputChecker().check_output(block.text, printed, SAME), f"{where} prints:\n{printed}"
            continue
        code = block.compiled()
        if block.mark.startswith("no-run: "):
            continue
        assert not block.mark, f"{where}: unknown mark {block.mark!r}"
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, namespace)
        printed = out.getvalue()


def test_every_page_has_examples() -> None:
    assert [page.name for page in PAGES if not any(block.kind == "python" for block in blocks_of(page))] == []


def test_a_wrong_example_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- no-run: needs x -->\n```python\nimport x\n```\ntext\n```python\n1 +\n```\n", encoding="utf-8")
    first, second = blocks_of(page)
    assert (first.mark, first.line, second.line) == ("no-run: needs x", 2, 6)
    with pytest.raises(SyntaxError):
        second.compiled()
