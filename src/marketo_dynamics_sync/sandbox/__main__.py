"""``python -m marketo_dynamics_sync.sandbox``: serves both services with seeded people until it is stopped."""

from __future__ import annotations

import argparse
import json
import threading
from pathlib import Path

from .sandbox import Sandbox


def main(arguments: list[str] | None = None, *, stop: threading.Event | None = None) -> None:
    """Serve the sandbox.

    Args:
        arguments: Command line; ``None`` takes the process's own.
        stop: Ends it; without one it runs until interrupted.
    """
    parser = argparse.ArgumentParser(
        prog="python -m marketo_dynamics_sync.sandbox", description="Marketo and Dynamics on this machine."
    )
    parser.add_argument("--people", type=int, default=200, help="how many made-up people to start with (default: 200)")
    parser.add_argument("--seed", type=int, default=7, help="makes the same people again (default: 7)")
    parser.add_argument("--load", type=Path, metavar="FILE", help="JSON with records to put in; see Sandbox.load")
    given = parser.parse_args(arguments)
    with Sandbox() as sandbox:
        sandbox.seed(given.people, given.seed)
        if given.load is not None:
            sandbox.load(json.loads(given.load.read_text(encoding="utf-8")))
        print(f"Marketo:   {sandbox.marketo_url}")
        print(f"           client_id={sandbox.client_id} client_secret={sandbox.client_secret}")
        print(f"Dynamics:  {sandbox.dynamics_url}")
        client, application = next(iter(sandbox.dynamics.entra.applications.items()))
        print(f"           token endpoint {sandbox.dynamics_url}/{sandbox.dynamics.entra.tenant}/oauth2/v2.0/token")
        print(f"           client_id={client} client_secret={application.secret}")
        print(f"           or, for the next hour, this token: {sandbox.dynamics.issue_token()}")
        print(f"{given.people} people are there. Stop with Ctrl+C.", flush=True)
        waiting = stop if stop is not None else threading.Event()
        try:
            waiting.wait()
        except KeyboardInterrupt:
            print("stopped")


if __name__ == "__main__":
    main()
