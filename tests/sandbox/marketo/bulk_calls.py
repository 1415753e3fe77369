"""The bulk calls of one instance, for tests."""

from __future__ import annotations

import httpx
from attrs import define
from tests.sandbox.marketo.marketo_instance import Marketo

JANUARY = {"startAt": "2026-01-01T00:00:00Z", "endAt": "2026-01-31T00:00:00Z"}


@define
class Calls:
    """Bulk calls through an instance's client."""

    marketo: Marketo

    def get(self, path: str, **params: object) -> dict:
        """Read JSON."""
        return self.marketo.http.get(f"/bulk/v1/{path}", params={k: str(v) for k, v in params.items()}).json()

    def post(self, path: str, body: object = None) -> dict:
        """Write JSON."""
        return self.marketo.http.post(f"/bulk/v1/{path}", json=body).json()

    def upload(self, content: str | bytes, path: str = "leads.json", **params: object) -> dict:
        """Upload a file; the format is csv unless given."""
        raw = content.encode() if isinstance(content, str) else content
        given = {name: str(value) for name, value in {"format": "csv", **params}.items()}
        return self.marketo.http.post(
            f"/bulk/v1/{path}", params=given, files={"file": ("f.csv", raw, "text/csv")}
        ).json()

    def batch(self, content: str | bytes, path: str = "leads.json", **params: object) -> dict:
        """Upload a file and return the batch when it has ended."""
        answer = self.upload(content, path, **params)
        assert answer["success"], answer
        self.marketo.clock.advance(60)
        number = answer["result"][0]["batchId"]
        status = (
            f"leads/batch/{number}.json" if path == "leads.json" else path.replace(".json", f"/{number}/status.json")
        )
        return self.get(status)["result"][0]

    def file(self, path: str, **headers: str) -> httpx.Response:
        """Get a file."""
        return self.marketo.http.get(f"/bulk/v1/{path}", headers=headers)

    def create(self, kind: str = "leads", **body: object) -> dict:
        """Create an export and return the answer; of leads created in January, unless told otherwise."""
        usual = {"filter": {"createdAt": JANUARY}}
        return self.post(f"{kind}/export/create.json", ({"fields": ["id"]} if kind == "leads" else {}) | usual | body)

    def job(self, kind: str = "leads", **body: object) -> str:
        """Create an export and return its id."""
        answer = self.create(kind, **body)
        assert answer["success"], answer
        return answer["result"][0]["exportId"]

    def enqueue(self, job: str, kind: str = "leads") -> dict:
        """Enqueue an export."""
        return self.post(f"{kind}/export/{job}/enqueue.json")

    def state(self, job: str, kind: str = "leads") -> dict:
        """Return an export as its status call shows it."""
        return self.get(f"{kind}/export/{job}/status.json")["result"][0]

    def extract(self, kind: str = "leads", **body: object) -> str:
        """Create an export, run it, and return its file."""
        job = self.job(kind, **body)
        assert self.enqueue(job, kind)["success"]
        self.marketo.clock.advance(120)
        return self.file(f"{kind}/export/{job}/file.json").content.decode()
