"""Marketo's lines of the preflight."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from ...entities import EntityDefinition, Side
from ...errors import SyncError
from ..protocol import Check
from . import describe
from .rest import Rest


def run_checks(rest: Rest, definitions: Sequence[EntityDefinition]) -> Iterator[Check]:
    """Yield what was looked at on Marketo's side."""
    check = _line("address", lambda: rest.root, "give the instance's own address, https://123-ABC-456.mktorest.com")
    yield check
    token = _line("credentials", lambda: rest.token.get() and "a token was given", "see the text")
    yield token
    if not token.passed:
        return
    answers: list[dict[str, object]] = []
    yield _line(
        "read people",
        lambda: answers.append(rest.get(describe.PATH, kind="metadata")) or "describe is allowed",
        "give the API user's role the permission Read-Only Lead",
    )
    now = rest.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    yield _line(
        "read changes",
        lambda: (
            rest.get("/rest/v1/activities/pagingtoken.json", [("sinceDatetime", now)], kind="metadata")
            and "activities are allowed"
        ),
        "give the API user's role the permission Read-Only Activity",
    )
    yield _line("calls of today", lambda: _used(rest), "the daily quota is under Admin, Web Services")
    ahead = rest.ahead or timedelta()
    yield Check(
        "clock",
        passed=abs(ahead) <= timedelta(minutes=5),
        detail=f"{ahead.total_seconds():+.0f} s against Marketo's",
        remedy="set this machine's clock right (NTP)",
        side=Side.MARKETO,
    )
    if answers:
        yield from _fields(answers[0], definitions)


def _fields(answer: dict[str, object], definitions: Sequence[EntityDefinition]) -> Iterator[Check]:
    owned = describe.crm_managed(answer)
    yield Check(
        "native CRM sync",
        passed=not owned,
        detail=f"a native sync owns {len(owned)} fields" if owned else "none is connected",
        remedy="switch the native sync off first: two syncs would overwrite each other",
        side=Side.MARKETO,
    )
    known = describe.person_object(answer).fields
    for definition in definitions:
        key = definition.key
        if key is None or key.marketo is None or not definition.marketo.is_person:
            continue
        field = known.get(key.marketo)
        detail = (
            "there and searchable" if field and field.searchable else "there, not searchable" if field else "missing"
        )
        yield Check(
            f"CRM id field of {definition.name}",
            passed=field is None or field.searchable,
            detail=f"{key.marketo}: {detail}"
            + ("" if field else "; people are matched by e-mail only, and those without one can't be created"),
            remedy="make it a custom field of type string, which can be searched",
            side=Side.MARKETO,
        )


def _used(rest: Rest) -> str:
    result = rest.get("/rest/v1/stats/usage.json", kind="metadata").get("result")
    total = result[0].get("total", 0) if isinstance(result, list) and result and isinstance(result[0], dict) else 0
    return f"{total} used by all integrations"


def _line(name: str, look: Callable[[], object], remedy: str) -> Check:
    try:
        return Check(name, passed=True, detail=str(look()), side=Side.MARKETO)
    except SyncError as error:
        return Check(name, passed=False, detail=str(error), remedy=remedy, side=Side.MARKETO)
