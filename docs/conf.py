"""Sphinx configuration. Built by ``make docs``, without the network, and with every warning an error."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import attrs
from sphinx.util.nodes import make_refnode

from marketo_dynamics_sync import __version__

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "marketo_dynamics_sync"
author = "the contributors of marketo_dynamics_sync"
project_copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"marketo_dynamics_sync {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "tango"

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_use_unqualified_type_names = True
# Counted with the modules of all names, which are not shown.
python_maximum_signature_line_length = 170
add_module_names = False

# Every reference has to lead somewhere, except to names of Python and of the libraries that we build on: their
# inventories are on the network, and this is built without it.
nitpicky = True
nitpick_ignore_regex = [
    (
        "py:.*",
        r"(asyncio|collections|datetime|decimal|enum|os|pathlib|re|ssl|threading|types|typing|uuid)(\..*)?",
    ),
    ("py:.*", r"(httpx|attrs|attr|msal|hypothesis|pytest)(\..*)?"),
    (
        "py:.*",
        r"(Any|Callable|ClassVar|Generic|Iterable|Iterator|Literal|Mapping|Protocol|Self|Sequence|TypeVar)",
    ),
    (
        "py:.*",
        r"(Client|Counter|Decimal|Enum|Event|PathLike|SSLContext|TracebackType|date|datetime|timedelta)",
    ),
    ("py:.*", r"_thread\.allocate_lock"),
    ("py:.*", r".*\.[CET]"),  # type variables
]
_GENERATED = re.compile(r"attr_dict\['(\w+)'\]\.default")
#: Kinds of objects that stand in a module by themselves.
_FREE = ("class", "exception", "function", "data")


def find_by_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> object:
    """Lead a reference to the one documented object of that name.

    Annotations name the module that a class is defined in; the reference documents it where users import it from. An
    attribute that is described in its class's own text leads to the class.
    """
    if (
        node.get("refdomain") != "py"
        or node["reftarget"].partition(".")[0] in sys.stdlib_module_names
    ):
        return None
    known = {name: item for name, item in env.domains["py"].objects.items() if not item.aliased}
    *_, owner, name = ("", *node["reftarget"].split("."))
    members = [path for path in known if path.split(".")[-2:] == [owner, name]]
    free = [
        path
        for path, item in known.items()
        if path.endswith(f".{name}") and item.objtype in _FREE
    ]
    owners = [
        path
        for path, item in known.items()
        if path.endswith(f".{owner}") and item.objtype in _FREE
    ]
    for found in (members, free, owners):
        if len(found) == 1:
            where = known[found[0]]
            return make_refnode(
                app.builder, node["refdoc"], where.docname, where.node_id, content, found[0]
            )
    return None


def keep_colon(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keep napoleon from reading "Unsubscribed: an opt-out wins" as a type and its description.

    An empty comment before the text makes it plain text.
    """
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]


def plain_defaults(
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: object,
    signature: str,
    returns: str,
) -> tuple[str, str]:
    """Show defaults of attrs classes as values: attrs generates the text that autodoc finds."""
    if isinstance(obj, type) and attrs.has(obj):
        fields = attrs.fields_dict(obj)

        def shown(found: re.Match[str]) -> str:
            value = fields[found[1]].default
            return getattr(value, "__name__", None) or repr(value)

        signature = re.sub(r"\bNOTHING\b", "...", _GENERATED.sub(shown, signature))
    return signature, returns


def skip_tests(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Leave the tests of the suites out: their names are for pytest."""
    return True if name.startswith("test_") else None


def setup(app: Sphinx) -> None:
    """Connect what is ours; the colon before napoleon, which listens at 500."""
    app.connect("missing-reference", find_by_name)
    app.connect("autodoc-process-docstring", keep_colon, priority=400)
    app.connect("autodoc-process-signature", plain_defaults)
    app.connect("autodoc-skip-member", skip_tests)
