"""Makes ``tables.json`` from a column list derived from Microsoft's Common Data Model schema documents.

Run it as ``python -m marketo_dynamics_sync.sandbox.dataverse.extract COLUMNS.json``. The source, microsoft/CDM, is
licensed CC-BY-4.0, (c) Microsoft Corporation.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

TABLES: Final = (
    "lead",
    "contact",
    "account",
    "opportunity",
    "systemuser",
    "team",
    "transactioncurrency",
    "businessunit",
    "connection",
    "connectionrole",
    "campaign",
    "list",
)
_KEEP: Final = (
    "type",
    "required",
    "max_length",
    "min",
    "max",
    "precision",
    "options",
    "targets",
    "read_only",
    "behavior",
    "format",
)


def extract(columns: dict[str, object]) -> dict[str, object]:
    """Return the tables that the sandbox has, without what it doesn't need."""
    tables = columns["tables"]
    assert isinstance(tables, dict), "the file has a member 'tables'"
    found: dict[str, object] = {
        "source": (
            "microsoft/CDM, schemaDocuments/core/applicationCommon, commit 0c0703cb; "
            "CC-BY-4.0 (c) Microsoft Corporation"
        )
    }
    for name in TABLES:
        table = tables[name]
        found[name] = {
            "entity_set": table["entity_set"],
            "primary_id": table["primary_id"],
            "columns": {
                column["name"]: {key: column[key] for key in _KEEP if _says(column.get(key))}
                for column in table["columns"]
            },
        }
    return found


def _says(value: object) -> bool:
    """Return whether a member says anything; a zero does."""
    return value is not None and value is not False and value != "None" and value != []


if __name__ == "__main__":
    source = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    target = Path(__file__).with_name("tables.json")
    target.write_text(json.dumps(extract(source), separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")
