"""Fields of Marketo's persons that belong to somebody else: to the person's company."""

from __future__ import annotations

from typing import Final

#: The field that a person names its company by (Adobe developer documentation, "Companies").
COMPANY_KEY: Final = "externalCompanyId"
#: Standard fields of a person that are its company's, by REST API name (Adobe developer documentation, "Standard
#: Fields"). Of a person that is linked to a company they can't be written: Marketo answers 1021 ("Error Codes").
COMPANY_FIELDS: Final = frozenset(
    {
        "annualRevenue",
        "billingCity",
        "billingCountry",
        "billingPostalCode",
        "billingState",
        "billingStreet",
        "company",
        "industry",
        "mainPhone",
        "numberOfEmployees",
        "sicCode",
        "site",
        "website",
    }
)
