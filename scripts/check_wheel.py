"""Builds the wheel, installs it in a clean environment, and imports it there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIRECT = {"attrs", "cattrs", "httpx", "msal", "tenacity"}

CHECK = """
import importlib.metadata as metadata, importlib.resources as resources, re, sys
import marketo_dynamics_sync as package
name = "marketo_dynamics_sync"
assert package.__version__ == metadata.version(name), "one version"
core = {re.match(r"[A-Za-z0-9_.-]+", r).group() for r in metadata.requires(name) if "extra ==" not in r}
assert core == set(sys.argv[1].split(",")), core
assert resources.files(name).joinpath("py.typed").is_file(), "py.typed"
loaded = {"httpx", "msal"} & set(sys.modules)
assert not loaded, loaded
for public in package.__all__:
    getattr(package, public)
from marketo_dynamics_sync.entities import Contact, Lead
from marketo_dynamics_sync.connectors.dynamics import ClientSecret
from marketo_dynamics_sync.sandbox import Sandbox
Sandbox().dynamics.create("lead", lastname="Byron")
print(name, package.__version__, "installed and imported in a clean environment")
"""


def run(*command: str | Path) -> None:
    """Run a command, and end with it when it fails."""
    subprocess.run([str(part) for part in command], check=True, cwd=tempfile.gettempdir())


def main() -> None:
    """Build, install, import."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", place / "dist", ROOT)
        (wheel,) = (place / "dist").glob("*.whl")
        venv.create(place / "clean", with_pip=True)
        python = place / "clean" / "bin" / "python"
        run(python, "-m", "pip", "--disable-pip-version-check", "-q", "install", wheel)
        run(python, "-m", "pip", "--disable-pip-version-check", "check")
        run(python, "-W", "error", "-c", CHECK, ",".join(sorted(DIRECT)))


if __name__ == "__main__":
    main()
