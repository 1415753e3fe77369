"""Settings of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.privacy import nothing_private_is_told
from tests.sandbox.judges.codes import dataverse_keeps_its_codes
from tests.sandbox.judges.recorder import (
    exchanges_are_recorded,
    pytest_addoption,
    pytest_runtest_logreport,
    pytest_sessionfinish,
)
from tests.sandbox.judges.watch import marketo_keeps_the_contract

__all__ = [
    "dataverse_keeps_its_codes",
    "exchanges_are_recorded",
    "marketo_keeps_the_contract",
    "nothing_private_is_told",
    "pytest_addoption",
    "pytest_runtest_logreport",
    "pytest_sessionfinish",
    "shared",
]

settings.register_profile("project", deadline=None, print_blob=True)
#: For ``make mutants``: every mutant is tried with the same few examples, beside the tests that need none.
settings.register_profile("mutants", deadline=None, max_examples=10, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "project"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference material beside the checkout."""
    folder = Path(__file__).resolve().parent.parent.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with published contracts is not beside this checkout")
    return folder
