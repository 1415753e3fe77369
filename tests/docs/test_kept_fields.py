"""The table of fields that the library keeps in Marketo, against what it really asks for and writes."""

from __future__ import annotations

import re
from pathlib import Path

from marketo_dynamics_sync import DynamicsConnector, MarketoConnector, MemoryStateStore, SyncEngine
from marketo_dynamics_sync.entities import Contact, Direction, Lead
from marketo_dynamics_sync.sandbox import Sandbox

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "kept.md"
ENTITIES = {"lead": Lead, "contact": Contact}


def table() -> list[tuple[str, ...]]:
    """Return the rows of the page's table without the last column, which is for people."""
    rows = re.findall(r"^\| (?!field|---)(.+) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    return sorted(tuple(cell.strip().strip("`") for cell in row.split("|"))[:5] for row in rows)


def test_the_table_says_what_is_provisioned_in_an_empty_instance_and_who_writes_it() -> None:
    sandbox = Sandbox(crm_fields=False)
    with sandbox.client() as internet:
        provision = SyncEngine(
            marketo=MarketoConnector(
                "https://123-ABC-456.mktorest.com",
                client_id=sandbox.client_id,
                client_secret=sandbox.client_secret,
                client=internet,
            ),
            dynamics=DynamicsConnector("https://contoso.crm.dynamics.com", auth=sandbox.credential, client=internet),
            store=MemoryStateStore(),
            entities=[Lead, Contact],
        ).provision()
    asked = []
    for item in provision.fields:
        users = [user.split(".") for user in item.needed_by]
        flows = {ENTITIES[name].__entity__.fields[field].direction for name, field in users}
        who = {frozenset({Direction.TO_MARKETO}): "by this library", frozenset({Direction.TWO_WAY}): "by both sides"}
        of = ", ".join(name for name, _ in users)
        asked.append((item.label, item.name, item.type, of, who[frozenset(flows)]))
    assert table() == sorted(asked)
