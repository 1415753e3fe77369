"""A program that forks a syncing process on each line it reads: real processes, ready in a moment.

Line: state file, Marketo's address, Dynamics' address, token for Dynamics; parted by tabs. It answers with the id of
the process, and when that has ended with how it ended.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from contextlib import closing

from attrs import frozen

from marketo_dynamics_sync import DynamicsConnector, MarketoConnector, SQLiteStateStore, SyncEngine
from marketo_dynamics_sync.entities import Contact, Lead
from marketo_dynamics_sync.sandbox.marketo import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET


@frozen
class FixedToken:
    """A credential with one token."""

    token: str
    expires_on: int

    def get_token(self, *scopes: str) -> FixedToken:
        return self


def cycle(path: str, marketo: str, dynamics: str, token: str) -> None:
    """Run one cycle."""
    with (
        MarketoConnector(marketo, client_id=DEFAULT_CLIENT_ID, client_secret=DEFAULT_CLIENT_SECRET) as ours,
        DynamicsConnector(dynamics, auth=FixedToken(token, int(time.time()) + 3600)) as theirs,
        closing(SQLiteStateStore(path)) as store,
    ):
        SyncEngine(marketo=ours, dynamics=theirs, store=store, entities=[Lead, Contact]).run()


def main() -> None:
    """Fork once a line."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                cycle(*line.rstrip("\n").split("\t"))
                code = 0
            except Exception:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
