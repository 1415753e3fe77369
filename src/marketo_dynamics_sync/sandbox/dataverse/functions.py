"""Functions of the service that aren't bound to a row: who and what answers here."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .environment import Environment
from .errors import Fault, bad_query, unknown_property
from .filters import holds, parse_filter
from .projection import Shown
from .query import Query, split
from .scopes import DefinitionScope

#: Version of the platform that the sandbox stands for.
VERSION = "9.2.26032.00181"


def who_am_i(environment: Environment, query: Query, user: str) -> Shown:
    """``WhoAmI``."""
    return {
        "@odata.context": f"{query.root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
        "BusinessUnitId": environment.unit_id,
        "UserId": user,
        "OrganizationId": environment.organization_id,
    }


def retrieve_version(query: Query) -> Shown:
    """``RetrieveVersion``."""
    return {"@odata.context": f"{query.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveVersionResponse",
            "Version": VERSION}  # fmt: skip


def provisioned_languages(environment: Environment, query: Query) -> Shown:
    """``RetrieveProvisionedLanguages`` (Microsoft Learn, RetrieveProvisionedLanguagesResponse ComplexType)."""
    return {
        "@odata.context": f"{query.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveProvisionedLanguagesResponse",
        "RetrieveProvisionedLanguages": list(environment.languages.provisioned),
    }


def current_organization(environment: Environment, query: Query, tenant: str, parameters: str | None) -> Shown:
    """``RetrieveCurrentOrganization(AccessType=…)`` (Microsoft Learn, OrganizationDetail ComplexType)."""
    if not parameters or "AccessType" not in parameters:
        raise bad_query("The parameter 'AccessType' of the function 'RetrieveCurrentOrganization' is missing.")
    host = query.root.removesuffix("/api/data/v9.2")
    endpoints = {
        "WebApplication": f"{host}/",
        "OrganizationService": f"{host}/XRMServices/2011/Organization.svc",
        "OrganizationDataService": f"{host}/XRMServices/2011/OrganizationData.svc",
    }
    return {
        "@odata.context": f"{query.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse",
        "Detail": {
            "OrganizationId": environment.organization_id,
            "FriendlyName": "Contoso",
            "OrganizationVersion": VERSION,
            "EnvironmentId": environment.id_of("environment"),
            "DatacenterId": environment.id_of("datacenter"),
            "Geo": "EUR",
            "TenantId": tenant,
            "UrlName": "contoso",
            "UniqueName": "contoso",
            "State": "Enabled",
            "OrganizationType": "CustomerTest",
            "SchemaType": "Full",
            "Endpoints": {
                "Count": len(endpoints),
                "IsReadOnly": False,
                "Keys": list(endpoints),
                "Values": list(endpoints.values()),
            },
        },
    }


def total_record_count(environment: Environment, query: Query, parameters: str | None) -> Shown:
    """``RetrieveTotalRecordCount(EntityNames=['lead'])``."""
    _, _, value = (parameters or "").partition("=")
    text = query.aliases.get(value.strip(), value)
    try:
        names = json.loads(text.replace("'", '"'))
    except ValueError:
        raise bad_query(
            "The parameter 'EntityNames' of the function 'RetrieveTotalRecordCount' can't be read."
        ) from None
    missing = [name for name in names if name not in environment.tables]
    if missing:
        text = f"The entity with a name = '{missing[0]}' was not found in the MetadataCache."
        raise Fault(404, "0x80060888", text)
    context = f"{query.root}/$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse"
    counts = [len(environment.storage.table(name)) for name in names]
    collection = {"Count": len(names), "IsReadOnly": False, "Keys": names, "Values": counts}
    return {"@odata.context": context, "EntityRecordCountCollection": collection}


def column_privileges(environment: Environment) -> Shown:
    """``RetrievePrincipalAttributePrivileges``: 4 allows, 0 doesn't (Microsoft Learn, AttributePrivilege
    ComplexType)."""
    found: list[Shown] = []
    for table in environment.tables.values():
        for name, rights in environment.secured.get(table.name, {}).items():
            if name in table.columns:
                found.append(
                    {
                        "AttributeId": table.column_id(name),
                        "CanRead": 4 if rights.read else 0,
                        "CanCreate": 4 if rights.create else 0,
                        "CanUpdate": 4 if rights.update else 0,
                    }
                )
    return {"AttributePrivileges": found}


def organizations(environment: Environment) -> list[Shown]:
    """Return the one row of ``organizations``."""
    return [
        {
            "organizationid": environment.organization_id,
            "name": "contoso",
            "expirechangetrackingindays": environment.tracking_days,
            "languagecode": environment.languages.base,
            "basecurrencysymbol": "€",
        }
    ]


def message_filters(environment: Environment, messages: Sequence[str]) -> list[Shown]:
    """Return the rows of ``sdkmessagefilters``: which table has which message."""
    return [
        {
            "sdkmessagefilterid": environment.id_of(f"{message} of {table}"),
            "primaryobjecttypecode": table,
            "sdkmessageid": {"name": message},
        }
        for table in environment.tables
        for message in messages
    ]


def listed(query: Query, entity_set: str, rows: list[Shown], *, hide: tuple[str, ...] = ()) -> Shown:
    """Return rows that aren't stored, with ``$select``, ``$filter`` and ``$top``."""
    query.only(("$select", "$filter", "$top"))
    if "$filter" in query.options and rows:
        test = parse_filter(query.options["$filter"], DefinitionScope(entity_set.removesuffix("s"), rows[0]))
        rows = [row for row in rows if holds(test, row)]
    names = [name.strip() for name in split(query.options.get("$select", ""))]
    for name in names:
        if rows and name not in rows[0]:
            raise unknown_property(name, entity_set.removesuffix("s"))
    identity = f"{entity_set.removesuffix('s')}id"
    shown = [
        {name: value for name, value in row.items() if name not in hide and (not names or name in (*names, identity))}
        for row in rows[: query.top]
    ]
    what = f"({','.join(names)})" if names else ""
    return {"@odata.context": f"{query.root}/$metadata#{entity_set}{what}", "value": shown}
