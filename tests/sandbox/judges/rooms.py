"""Which test module is about which rooms of the sandbox: the rooms' docstrings name the documentation."""

from __future__ import annotations

from typing import Final

_D: Final = "tests/sandbox/dataverse"
_M: Final = "tests/sandbox/marketo"
_J: Final = "tests/sandbox/judges"
_BULK: Final = "test_sandbox_marketo_bulk"

#: By test module: the service, and modules or folders under ``sandbox``.
GROUPS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    f"{_D}/test_judge_records.py": ("dynamics", ("dataverse/writes", "dataverse/query", "dataverse/filters")),
    f"{_D}/test_judge_batches.py": ("dynamics", ("dataverse/bulk", "dataverse/definition_writes")),
    f"{_D}/test_dataverse_entra.py": ("dynamics", ("dataverse/entra", "dataverse/assertions")),
    f"{_D}/test_dataverse_queries.py": (
        "dynamics",
        (
            "dataverse/filters",
            "dataverse/query",
            "dataverse/query_functions",
            "dataverse/aggregate",
            "dataverse/display",
        ),
    ),
    f"{_D}/test_dataverse_expand.py": (
        "dynamics",
        ("dataverse/expansion", "dataverse/relationships", "dataverse/intersect"),
    ),
    f"{_D}/test_dataverse_paging.py": ("dynamics", ("dataverse/paging", "dataverse/tracking")),
    f"{_D}/test_dataverse_writes.py": (
        "dynamics",
        (
            "dataverse/writes",
            "dataverse/payload",
            "dataverse/values",
            "dataverse/resources",
            "dataverse/environment",
            "dataverse/errors",
        ),
    ),
    f"{_D}/test_dataverse_connections.py": ("dynamics", ("dataverse/connections", "dataverse/relationships")),
    f"{_D}/test_dataverse_bulk.py": ("dynamics", ("dataverse/bulk",)),
    f"{_D}/test_dataverse_definitions.py": (
        "dynamics",
        (
            "dataverse/definitions",
            "dataverse/definition_writes",
            "dataverse/functions",
            "dataverse/languages",
            "dataverse/actions",
            "dataverse/metadata",
        ),
    ),
    f"{_D}/test_dataverse_activities.py": ("dynamics", ("dataverse/activities",)),
    f"{_D}/test_dataverse_limits.py": ("dynamics", ("dataverse/limits",)),
    f"{_D}/test_dataverse_marketing.py": ("dynamics", ("dataverse/marketing",)),
    f"{_D}/test_dataverse_by_hand.py": ("dynamics", ()),
    f"{_D}/test_dataverse_rendering.py": ("dynamics", ()),
    f"{_D}/test_dataverse_storage.py": ("dynamics", ()),
    f"{_D}/test_dataverse_contract.py": ("dynamics", ()),
    f"{_J}/test_codes.py": ("dynamics", ("dataverse/errors",)),
    f"{_J}/test_marketorestpython.py": ("marketo", ("marketo/leads", "marketo/streams", "marketo/objects")),
    f"{_J}/test_marketorestpython_bulk.py": ("marketo", ("marketo/bulk",)),
    f"{_M}/test_sandbox_marketo_protocol.py": (
        "marketo",
        ("marketo/identity", "marketo/envelope", "marketo/limits", "marketo/usage"),
    ),
    f"{_M}/test_sandbox_marketo_leads.py": (
        "marketo",
        (
            "marketo/leads",
            "marketo/sync_leads",
            "marketo/schema",
            "marketo/push",
            "marketo/lists",
            "marketo/values",
            "marketo/standard_fields",
        ),
    ),
    f"{_M}/test_sandbox_marketo_streams.py": ("marketo", ("marketo/streams", "marketo/activities")),
    f"{_M}/test_sandbox_marketo_activity_types.py": (
        "marketo",
        ("marketo/activity_types", "marketo/custom_activity_types"),
    ),
    f"{_M}/test_sandbox_marketo_objects.py": (
        "marketo",
        (
            "marketo/objects/definition",
            "marketo/objects/standard",
            "marketo/objects/reading",
            "marketo/objects/writing",
            "marketo/objects/calls",
        ),
    ),
    f"{_M}/test_sandbox_marketo_relations.py": ("marketo", ("marketo/objects/relations",)),
    f"{_M}/test_sandbox_marketo_custom_objects.py": (
        "marketo",
        ("marketo/objects/custom", "marketo/objects/versions", "marketo/objects/metadata"),
    ),
    f"{_M}/{_BULK}_imports.py": (
        "marketo",
        (
            "marketo/bulk/imports",
            "marketo/bulk/import_jobs",
            "marketo/bulk/import_leads",
            "marketo/bulk/import_objects",
        ),
    ),
    f"{_M}/{_BULK}_exports.py": ("marketo", ("marketo/bulk/exports", "marketo/bulk/export_jobs")),
    f"{_M}/{_BULK}_extracts.py": ("marketo", ("marketo/bulk/extracts", "marketo/bulk/activity_extract")),
    f"{_M}/{_BULK}_orders.py": ("marketo", ("marketo/bulk/orders", "marketo/bulk/memberships")),
    f"{_M}/{_BULK}_files.py": ("marketo", ("marketo/bulk/files", "marketo/bulk/delimited", "marketo/bulk/multipart")),
    f"{_M}/{_BULK}_queue.py": ("marketo", ("marketo/bulk/queue", "marketo/bulk/settings")),
    f"{_M}/{_BULK}_objects.py": ("marketo", ()),
    f"{_M}/{_BULK}_contract.py": ("marketo", ("marketo/bulk/routes",)),
    f"{_M}/test_sandbox_marketo_contract.py": ("marketo", ("marketo/routes",)),
    f"{_J}/test_contract.py": ("marketo", ()),
    "tests/sandbox/test_faults.py": ("both", ("fault_kinds",)),
    "tests/sandbox/test_trouble.py": ("both", ("fault_kinds",)),
    "tests/sandbox/test_carriers.py": ("both", ()),
    "tests/sandbox/test_sandbox.py": ("both", ()),
    "tests/sandbox/test_fidelity.py": ("both", ()),
}
