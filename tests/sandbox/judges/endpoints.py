"""What a request asks for, with variable parts of its path as names: one line of the fidelity page."""

from __future__ import annotations

import re
from typing import Final

from tests.sandbox.judges.contract import Asked

from marketo_dynamics_sync.sandbox.dataverse import DataverseService
from marketo_dynamics_sync.sandbox.dataverse.address import API, segments
from marketo_dynamics_sync.sandbox.dataverse.errors import Fault
from marketo_dynamics_sync.sandbox.http import Request
from marketo_dynamics_sync.sandbox.marketo import MarketoService
from marketo_dynamics_sync.sandbox.marketo.envelope import Refusal
from marketo_dynamics_sync.sandbox.marketo.service import _clean

IDENTITY: Final = "/identity/oauth/token"
_CAST: Final = re.compile(r"Microsoft\.Dynamics\.CRM\.\w+AttributeMetadata")
_KEYED: Final = re.compile(r"\w+\s*=")
_ENTRA: Final = (
    (re.compile(r"/[^/]+/oauth2/v2\.0/token"), "/{tenant}/oauth2/v2.0/token"),
    (re.compile(r"/[^/]+/v2\.0/\.well-known/openid-configuration"), "/{tenant}/v2.0/.well-known/openid-configuration"),
    (re.compile(r"/common/userrealm/[^/]+"), "/common/userrealm/{user}"),
    (re.compile(r"/common/discovery/instance"), "/common/discovery/instance"),
)


def marketo_endpoint(service: MarketoService, request: Request) -> str | None:
    """Return the endpoint of a call, or ``None`` for a path that leads nowhere."""
    if request.path == IDENTITY:
        return f"{request.method} {IDENTITY}"
    asked = Asked.read(request.method, request.target, dict(request.headers), request.body)
    try:
        found = service.router.find(asked.method, _clean(asked.path))
    except Refusal:
        return None
    return f"{asked.method} {found[0].path}" if found is not None else None


def dataverse_endpoint(service: DataverseService, request: Request) -> str | None:
    """Return the endpoint of a request, or ``None`` for a path that leads nowhere."""
    for pattern, shown in _ENTRA:
        if pattern.fullmatch(request.path):
            return f"{request.method} {shown}"
    if not request.path.startswith(API):
        return None
    try:
        steps = segments(request.path.removeprefix(API))
    except Fault:
        return None
    if not steps:
        return f"{request.method} /"
    tables = {table.entity_set: table for table in service.tables.values()}
    first = steps[0]
    if first.name not in tables:
        return f"{request.method} /" + "/".join(_definition(step.name, step.key) for step in steps)
    shown, table = ["{set}" + _key(first.key)], tables[first.name]
    for step in steps[1:]:
        if step.name.startswith(("$", "Microsoft.Dynamics.CRM.")):
            shown.append(step.name)
        elif step.name in table.by_wire() or step.name in table.columns:
            shown.append("{column}")
        else:
            shown.append("{navigation}" + _key(step.key))
    return f"{request.method} /" + "/".join(shown)


def _definition(name: str, key: str | None) -> str:
    if _CAST.fullmatch(name):
        return "{cast}"
    if not name.endswith(("Definitions", "Attributes", "Keys")):
        return f"{name}(…)" if key else name
    return name if key is None else f"{name}({{key}})"


def _key(key: str | None) -> str:
    if key is None:
        return ""
    return "({alternate key})" if _KEYED.match(key) else "({id})"
