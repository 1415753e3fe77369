"""The package as a whole: what importing it does, what it needs, what it shows, how it is cut."""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

import pytest

import marketo_dynamics_sync as package

NAME = "marketo_dynamics_sync"
SOURCE = Path(package.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
CORE = {"attrs", "cattrs", "httpx", "msal", "tenacity"}
ROOMS = (
    "conflict",
    "connectors",
    "connectors.dynamics",
    "connectors.marketo",
    "engine",
    "entities",
    "entities.codecs",
    "identity",
    "plan",
    "state",
    "testing",
)
MOST_LINES = 500
VAGUE = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}

# Runs in a fresh interpreter. What our modules do is told apart from what the standard library and the dependencies
# do by who asks: the nearest frame outside of os and its mapping.
WATCH = """
import _thread, json, os, signal, sys
from collections.abc import Mapping

NAME = "marketo_dynamics_sync"
EVENTS = ("socket.", "subprocess.", "sqlite3.", "os.putenv", "os.system", "os.fork")
reads, events = [], []

def asker():
    frame = sys._getframe(2)
    while frame and frame.f_globals.get("__name__") in ("os", "_collections_abc", "__main__"):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "") if frame else "__main__"

class Recording(Mapping):
    def __init__(self, real):
        self.real = real
    def __getitem__(self, key):
        reads.append((asker(), key))
        return self.real[key]
    def __contains__(self, key):
        reads.append((asker(), key))
        return key in self.real
    def __iter__(self):
        reads.append((asker(), "*"))
        return iter(self.real)
    def __len__(self):
        reads.append((asker(), "*"))
        return len(self.real)

def hook(event, arguments):
    if event.startswith(EVENTS):
        events.append(event)

def recorded(start):
    def record(*arguments, **named):
        events.append("thread started")
        return start(*arguments, **named)
    return record

def handlers():
    return {number: signal.getsignal(number) for number in signal.valid_signals()}

for start in ("start_new_thread", "start_joinable_thread"):
    if hasattr(_thread, start):
        setattr(_thread, start, recorded(getattr(_thread, start)))
signals = handlers()
loaded = set(sys.modules)
os.environ = os.environb = Recording(os.environ)
sys.addaudithook(hook)
{BODY}
new = sorted(set(sys.modules) - loaded)
logging = sys.modules.get("logging")
print(json.dumps({
    "environment_read": [key for _, key in reads],
    "environment_read_by_us": [key for module, key in reads if module.startswith(NAME)],
    "started": events,
    "loaded": new,
    "logging_set": bool(logging) and (logging.root.level, logging.root.handlers, logging.root.manager.disable)
        != (logging.WARNING, [], 0),
    "signals_set": handlers() != signals,
}))
"""


@dataclass(frozen=True)
class Told:
    """What a piece of code was seen to do."""

    environment_read: list[str]
    environment_read_by_us: list[str]
    started: list[str]
    loaded: list[str]
    logging_set: bool
    signals_set: bool


def told_by(body: str) -> Told:
    """Run code in a fresh interpreter without an environment, and return what it was seen to do."""
    command = [sys.executable, "-I", "-W", "error", "-c", WATCH.replace("{BODY}", body)]
    ended = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert not ended.stderr
    return Told(**json.loads(ended.stdout))


@pytest.fixture(scope="module")
def import_alone() -> Told:
    return told_by("import marketo_dynamics_sync")


EVERY_MODULE = """
import importlib, pkgutil, marketo_dynamics_sync
for found in pkgutil.walk_packages(marketo_dynamics_sync.__path__, NAME + "."):
    if not found.name.endswith("__main__") and not found.name.startswith((NAME + ".sandbox", NAME + ".testing")):
        importlib.import_module(found.name)
"""


@pytest.fixture(scope="module")
def import_of_everything() -> Told:
    return told_by(EVERY_MODULE)


def test_the_watcher_sees_what_it_is_there_for() -> None:
    body = """
import logging, os, signal, socket, threading
os.getenv("HOME"), "PATH" in os.environ, os.environ.get("LANG")
threading.Thread(target=int).start()
socket.socket().close()
logging.basicConfig()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
"""
    told = told_by(body)
    assert told.environment_read == ["HOME", "PATH", "LANG"]
    assert {"thread started", "socket.__new__"} <= set(told.started)
    assert told.logging_set
    assert told.signals_set


def test_importing_loads_no_service_library_and_no_database(import_alone: Told) -> None:
    roots = {name.partition(".")[0] for name in import_alone.loaded}
    assert not roots & (CORE | {"attr", "asyncio", "requests", "socket", "sqlite3", "threading"})


def test_importing_loads_no_room(import_alone: Told) -> None:
    assert [name for name in import_alone.loaded if name.startswith(NAME)] == [NAME, f"{NAME}._version"]


def test_importing_reads_no_environment(import_alone: Told) -> None:
    assert import_alone.environment_read == []


def test_no_module_reads_the_environment_when_imported(import_of_everything: Told) -> None:
    assert import_of_everything.environment_read_by_us == []


def test_importing_every_module_does_not_load_msal(import_of_everything: Told) -> None:
    assert not {"msal", "requests"} & set(import_of_everything.loaded)


@pytest.mark.parametrize("seen", ["import_alone", "import_of_everything"])
def test_importing_starts_nothing(seen: str, request: pytest.FixtureRequest) -> None:
    told = request.getfixturevalue(seen)
    assert told.started == []


@pytest.mark.parametrize("seen", ["import_alone", "import_of_everything"])
def test_importing_sets_no_logging_and_no_signal_handler(seen: str, request: pytest.FixtureRequest) -> None:
    told = request.getfixturevalue(seen)
    assert not told.logging_set
    assert not told.signals_set


def test_names_other_than_the_connectors_load_no_service_library() -> None:
    names = sorted(set(package.__all__) - {"DynamicsConnector", "MarketoConnector"})
    told = told_by(f"import {NAME} as package\nfor name in {names!r}: getattr(package, name)")
    assert not {"httpx", "msal", "requests", "tenacity"} & set(told.loaded)


def test_the_exported_names_are_sorted_and_unique() -> None:
    assert list(package.__all__) == sorted(set(package.__all__))


def test_the_exported_names_are_written_out() -> None:
    text = Path(package.__file__).read_text(encoding="utf-8")
    written = re.search(r"^__all__ = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert written is not None
    assert re.findall(r'"(\w+)"', written[1]) == list(package.__all__)


@pytest.mark.parametrize("name", package.__all__)
def test_every_exported_name_can_be_imported(name: str) -> None:
    namespace: dict[str, object] = {}
    exec(f"from {NAME} import {name}", namespace)
    assert namespace[name] is getattr(package, name)


def test_dir_shows_the_exported_names() -> None:
    assert set(package.__all__) <= set(dir(package))


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        package.no_such_name  # noqa: B018
    with pytest.raises(ImportError, match="no_such_name"):
        exec(f"from {NAME} import no_such_name")


def undocumented(module: ModuleType) -> list[str]:
    """Return the exported classes and functions without a docstring of their own."""
    found = []
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value):
            # A class without a docstring shows its parent's.
            text = vars(value).get("__doc__")
        elif inspect.isroutine(value):
            text = value.__doc__
        else:
            continue
        # attrs writes no docstring, and a docstring of one word says nothing.
        if not text or len(text.split()) < 2:
            found.append(name)
    return found


@pytest.mark.parametrize("room", ["", *ROOMS])
def test_every_public_name_has_a_docstring(room: str) -> None:
    module = import_module(f"{NAME}.{room}" if room else NAME)
    assert undocumented(module) == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_room_exists_and_is_listed_once(room: str) -> None:
    module = import_module(f"{NAME}.{room}")
    assert len(set(module.__all__)) == len(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_no_room_is_forgotten_here() -> None:
    present = {info.name for info in pkgutil.iter_modules(package.__path__) if info.ispkg}
    assert present - {"sandbox"} == {room.partition(".")[0] for room in ROOMS}


def test_the_version_is_the_installed_one() -> None:
    assert package.__version__ == metadata.version(NAME)


def test_the_version_is_written_in_one_place() -> None:
    holders = [path.name for path in MODULES if f'"{package.__version__}"' in path.read_text(encoding="utf-8")]
    assert holders == ["_version.py"]


def test_it_needs_exactly_five_packages() -> None:
    core = [text for text in metadata.requires(NAME) or [] if "extra ==" not in text]
    assert {re.split(r"[^\w-]", text)[0] for text in core} == CORE
    assert len(core) == len(CORE)
    assert all(re.fullmatch(r"[\w-]+>=[\d.]+", text) for text in core), "a lower bound each, and no upper one"


def test_it_says_which_python_it_needs() -> None:
    assert metadata.metadata(NAME)["Requires-Python"] == ">=3.11"


def test_it_is_marked_as_typed() -> None:
    assert (SOURCE / "py.typed").is_file()


def module_id(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").as_posix()


@pytest.mark.parametrize("path", MODULES, ids=module_id)
def test_a_module_is_one_idea(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert path.stem not in VAGUE
    assert path.parent.name not in VAGUE
