"""The pytest fixture ``marketo_dynamics_sandbox``, found by pytest through an entry point.

Nothing of the sandbox is imported before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .sandbox import Sandbox

_MARKER = "marketo_dynamics_sandbox(**options): arguments of the Sandbox that the fixture of this name starts"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def marketo_dynamics_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A Marketo and a Dynamics on this machine, served over loopback for one test.

    Arguments of :class:`~marketo_dynamics_sync.sandbox.Sandbox` go through a marker::

        @pytest.mark.marketo_dynamics_sandbox(crm_fields=False)
        def test_my_integration(marketo_dynamics_sandbox): ...
    """
    from .sandbox import Sandbox

    marker = request.node.get_closest_marker("marketo_dynamics_sandbox")
    with Sandbox(**(marker.kwargs if marker is not None else {})) as sandbox:
        yield sandbox
