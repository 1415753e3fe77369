"""Error codes in answers of the Dataverse sandbox, held to the list of the platform's codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from marketo_dynamics_sync.sandbox.dataverse import DataverseService
from marketo_dynamics_sync.sandbox.http import Request, Response

FILE: Final = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "dataverse" / "error-codes.json"

#: Codes that the list lacks, with where they are published.
ELSEWHERE: Final = {
    "": 'Microsoft Learn, "Troubleshoot Dataverse Web API client errors": a function that is posted to, and the like',
    "0x0": 'Microsoft Learn, "Troubleshoot Dataverse Web API client errors": the OData layer\'s own errors',
    "0x80048d19": 'Microsoft Learn, "Troubleshoot Dataverse Web API client errors": payloads that can\'t be read',
    "0x80060888": 'Microsoft Learn, "Troubleshoot Dataverse Web API client errors": paths that can\'t be bound',
}
_CODE: Final = re.compile(rb'"error"\s*:\s*\{\s*"code"\s*:\s*"([^"]*)"')


@cache
def published() -> frozenset[str] | None:
    """Return the platform's codes, or ``None`` when their list is not beside the checkout."""
    if not FILE.is_file():
        return None
    return frozenset(json.loads(FILE.read_text(encoding="utf-8"))["codes"])


def codes_of(answer: Response) -> set[str]:
    """Return the error codes in an answer of the Web API, also those of the parts of a batch."""
    return {code.decode() for code in _CODE.findall(answer.body)}


@contextmanager
def watching(known: frozenset[str]) -> Iterator[None]:
    """Look at the error codes that the sandbox gives inside the block.

    Raises:
        pytest.fail.Exception: At the end, when one was unknown.
    """
    given: set[str] = set()
    note = DataverseService._note

    def noted(self: DataverseService, request: Request, kind: str, answer: Response, *, counted: bool = False) -> None:
        if kind not in ("fault", "token"):
            given.update(codes_of(answer))
        note(self, request, kind, answer, counted=counted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DataverseService, "_note", noted)
        yield
    if unknown := given - known - ELSEWHERE.keys():
        pytest.fail(f"Dataverse has no such error codes: {', '.join(sorted(unknown))}", pytrace=False)


@pytest.fixture(autouse=True)
def dataverse_keeps_its_codes() -> Iterator[None]:
    """Fail a test at its end when the Dataverse sandbox gave an error code that the platform doesn't have.

    Answers that a test itself put in the place of the sandbox's own are not looked at. Without the list beside the
    checkout nothing is checked.
    """
    known = published()
    if known is None:
        yield
        return
    with watching(known):
        yield
