"""Watches every answer of the Marketo sandbox, and every request of the Marketo connector, in every test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.judges.contract import Asked, Contract

from marketo_dynamics_sync.connectors.marketo.wire import Wire
from marketo_dynamics_sync.sandbox.http import Request, Response
from marketo_dynamics_sync.sandbox.marketo import MarketoService

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "marketo"


@cache
def published() -> Contract | None:
    """Return Adobe's specification, or ``None`` when it is not beside the checkout."""
    return Contract(FOLDER) if FOLDER.is_dir() else None


def checked(contract: Contract, request: Request, response: Response) -> list[str]:
    """Return what is wrong with an answer of the sandbox."""
    asked = Asked.read(request.method, request.target, dict(request.headers), request.body)
    headers = {name.lower(): value for name, value in response.headers}
    return contract.answer(asked, response.status, headers, response.body)


@contextmanager
def watching(contract: Contract) -> Iterator[None]:
    """Look at what the sandbox answers and the connector asks inside the block.

    Raises:
        pytest.fail.Exception: At the end, when something was against the specification.
    """
    wrong: list[str] = []
    answer, exchange = MarketoService._answer, Wire.exchange

    def answered(self: MarketoService, request: Request) -> Response:
        response = answer(self, request)
        wrong.extend(checked(contract, request, response))
        return response

    def asked(self: Wire, method: str, path: str, **given: Any) -> Any:
        headers = {name.lower(): value for name, value in (given.get("headers") or {}).items()}
        query = given.get("query") or ""
        target = f"{path}?{query}" if query else path
        wrong.extend(contract.request(Asked.read(method, target, headers, given.get("content") or b"")))
        return exchange(self, method, path, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MarketoService, "_answer", answered)
        patch.setattr(Wire, "exchange", asked)
        yield
    if wrong:
        listed = "\n".join(dict.fromkeys(wrong))
        pytest.fail(f"against Adobe's specification:\n{listed}", pytrace=False)


@pytest.fixture(autouse=True)
def marketo_keeps_the_contract() -> Iterator[None]:
    """Fail a test at its end when the Marketo sandbox answered, or the Marketo connector asked, against the files.

    Answers that a test itself put in the place of the sandbox's own are not looked at. Without the files beside the
    checkout nothing is checked.
    """
    contract = published()
    if contract is None:
        yield
        return
    with watching(contract):
        yield
