"""The oracle has teeth: every bug that is put into the engine on purpose is found."""

from __future__ import annotations

import pytest

from .planted import BUGS
from .test_simulation import called


@pytest.mark.parametrize("name", BUGS)
def test_the_oracle_finds_a_planted_bug(name: str) -> None:
    done = called("planted", name)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stdout.startswith("seed ")
