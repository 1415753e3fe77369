"""What the sandbox says of Dataverse, against the published material that stands beside the checkout."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from marketo_dynamics_sync.sandbox import dataverse
from marketo_dynamics_sync.sandbox.dataverse.extract import extract

ROOT = Path(__file__).parents[3]
CONTRACTS = ROOT.parent / "shared" / "contracts" / "dataverse"
SOURCE = Path(dataverse.__file__).parent

needs_contracts = pytest.mark.skipif(
    not CONTRACTS.exists(), reason="the published contracts are not beside the checkout (../shared/contracts)"
)


@needs_contracts
def test_the_committed_tables_are_those_of_the_schema_documents() -> None:
    columns = json.loads((CONTRACTS / "columns.json").read_text(encoding="utf-8"))
    assert json.loads((SOURCE / "tables.json").read_text(encoding="utf-8")) == extract(columns)


@needs_contracts
def test_every_error_code_is_one_of_the_platform() -> None:
    known = set(json.loads((CONTRACTS / "error-codes.json").read_text(encoding="utf-8"))["codes"])
    # OData's own layer (0x0), payload errors and paths that can't be bound have no entry in that list.
    known |= {"0x80048d19", "0x80060888"}
    used = {code for path in SOURCE.glob("*.py") for code in re.findall(r'"(0x[0-9a-f]{8})"', path.read_text("utf-8"))}
    assert len(used) > 40
    assert used <= known, sorted(used - known)
