"""The suite that every state store passes: yours too."""

from __future__ import annotations

from .store_links import LinkPromises
from .store_notes import NotePromises
from .store_safety import SafetyPromises


class StateStoreSuite(LinkPromises, NotePromises, SafetyPromises):
    """Checks every promise of :class:`~marketo_dynamics_sync.state.StateStore` on a store of your own.

    Subclass it in a test module, under a name that pytest collects, and define ``make_store()``: it returns an empty
    store, and is called once for each test. A store that outlives its object also says ``durable = True`` and defines
    ``reopen(store)``, which returns another store on the same data. Fixtures of pytest come in through an ``autouse``
    fixture of your class.

    The suite needs the extra ``testing``. It waits for nothing and times nothing; a slow store passes too.

    Examples:
        .. code-block:: python

            class TestMyStore(StateStoreSuite):
                durable = True

                @pytest.fixture(autouse=True)
                def _folder(self, tmp_path):
                    self.path = tmp_path / "state"

                def make_store(self):
                    return MyStore(self.path)

                def reopen(self, store):
                    return MyStore(self.path)
    """
