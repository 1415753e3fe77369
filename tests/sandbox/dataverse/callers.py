"""Callers of a sandbox service without a socket."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from attrs import define

from marketo_dynamics_sync.sandbox.dataverse import DataverseService
from marketo_dynamics_sync.sandbox.http import Request, Response

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
HOST = "https://contoso.crm.dynamics.com"
API = f"{HOST}/api/data/v9.2"


@define
class Answer:
    """An answer, with what tests look at."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]

    @property
    def message(self) -> str:
        return self.json["error"]["message"]

    @property
    def value(self) -> list[dict[str, Any]]:
        return self.json["value"]

    @property
    def failed(self) -> tuple[int, str]:
        return self.status, self.code


class Api:
    """Calls a service as a client of the Web API does, without a socket."""

    def __init__(self, service: DataverseService) -> None:
        self.service = service
        self.token = service.issue_token()

    def __call__(self, method: str, path: str, body: object = None, /, prefer: str = "", **headers: str) -> Answer:
        sent = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if prefer:
            sent["Prefer"] = prefer
        target = path.removeprefix(HOST) if path.startswith("http") else f"/api/data/v9.2/{path}"
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.raw(Request(method, target.replace(" ", "%20"), sent, data, HOST))

    def raw(self, request: Request) -> Answer:
        response: Response = self.service(request)
        return Answer(response.status, {n.lower(): v for n, v in response.headers}, response.body)

    def get(self, path: str, /, prefer: str = "", **headers: str) -> Answer:
        return self("GET", path, prefer=prefer, **headers)

    def ids(self, path: str, name: str = "leadid", prefer: str = "") -> list[str]:
        answer = self.get(path, prefer=prefer)
        assert answer.status == 200, answer.body
        return [row[name] for row in answer.value]
