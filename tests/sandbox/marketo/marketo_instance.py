"""A sandbox instance with a client that tests speak through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
from attrs import define

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    MarketoService,
    PersonField,
)

HOST = "123-abc-456.mktorest.com"
START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
CUSTOM = (
    PersonField("crmId"),
    PersonField("visits", "integer"),
    PersonField("consent", "boolean"),
    PersonField("joined", "datetime"),
    PersonField("share", "percent"),
    PersonField("notes", "text"),
    PersonField("homepage", "url"),
    PersonField("ratio", "float"),
)

Make = Callable[..., "Marketo"]


@define
class Marketo:
    """An instance and a client that holds a token."""

    service: MarketoService
    clock: SandboxClock
    http: httpx.Client

    def token(self, client_id: str = DEFAULT_CLIENT_ID, secret: str = DEFAULT_CLIENT_SECRET) -> dict[str, object]:
        """Ask for a token."""
        given = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answer: dict[str, object] = self.http.get("/identity/oauth/token", params=given).json()
        return answer

    def sign_in(self, client_id: str = DEFAULT_CLIENT_ID, secret: str = DEFAULT_CLIENT_SECRET) -> Marketo:
        """Use a client's token from now on."""
        self.http.headers["Authorization"] = f"Bearer {self.token(client_id, secret)['access_token']}"
        return self

    def get(self, path: str, **params: object) -> dict:
        """Read."""
        return self.http.get(f"/rest/v1/{path}", params={k: str(v) for k, v in params.items()}).json()

    def post(self, path: str, body: object = None, **params: object) -> dict:
        """Write JSON."""
        return self.http.post(f"/rest/v1/{path}", json=body, params={k: str(v) for k, v in params.items()}).json()

    def sync(self, *records: object, **members: object) -> list[dict]:
        """Sync people and return the result."""
        answer = self.post("leads.json", {"input": list(records), **members})
        assert answer["success"], answer
        return answer["result"]

    def paging_token(self, since: str = "2026-01-01T00:00:00Z") -> str:
        """Return a paging token."""
        return self.get("activities/pagingtoken.json", sinceDatetime=since)["nextPageToken"]


def code(answer: dict) -> str:
    """Return the code of a refused call."""
    assert answer["success"] is False, answer
    assert "result" not in answer
    assert [set(error) for error in answer["errors"]] == [{"code", "message"}]
    return answer["errors"][0]["code"]


def reason(entry: dict, key: str = "reasons") -> str:
    """Return the code of a skipped record."""
    assert entry["status"] == "skipped", entry
    assert len(entry[key]) == 1
    return entry[key][0]["code"]
