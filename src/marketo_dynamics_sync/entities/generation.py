"""The source of an entity class, written from what both services say of a table and a Marketo object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import define, field

from ..errors import MappingError
from .codecs.choices import unique_labels
from .definition import EntityField
from .direction import Direction
from .layout import Call, comment, imports
from .likeness import STANDARD_ENTITIES, alike, annotation_for, documented, flow
from .model import Entity
from .naming import bare_column, bare_field, class_name, identifier, literal, plain, unique
from .objects import STANDARD_OBJECTS, MarketoObject, custom_object, person
from .schema import FieldInfo, ObjectInfo

#: Columns that Dataverse keeps for itself; nobody wants them in Marketo unasked.
_PLATFORM: Final = frozenset(
    {
        "createdonbehalfby", "exchangerate", "importsequencenumber", "modifiedonbehalfby", "overriddencreatedon",
        "owningbusinessunit", "owningteam", "owninguser", "timezoneruleversionnumber", "utcconversiontimezonecode",
        "versionnumber",
    }
)  # fmt: skip
#: Names that Marketo gives fields of its own (Adobe, "Leads" and "Custom Objects"), in lower case.
_MARKETO_OWN: Final = frozenset({"id", "marketoguid", "createdat", "updatedat"})
#: What an attribute can't be called: it would hide a type or a function from the lines below it, or a parameter.
_RESERVED: Final = frozenset(
    {"bool", "date", "datetime", "float", "int", "mapped", "object", "self", "str", *dir(Entity)}
)
_STANDARD: Final = frozenset(cls.__name__ for cls in STANDARD_ENTITIES.values())
#: What a class can't be called, since generated code may import it.
_TYPES: Final = _STANDARD | frozenset(
    {
        "Choice", "Choices", "Decimal", "Direction", "Email", "Entity", "Enum", "Guid", "IntEnum", "Money", "Phone",
        "Ref", "Url",
    }
)  # fmt: skip
_PLACES: Final[Mapping[str, str]] = {
    "Decimal": "decimal",
    "Enum": "enum",
    "IntEnum": "enum",
    "date": "datetime",
    "datetime": "datetime",
}
_ROOM: Final = "marketo_dynamics_sync.entities"
_BUILT_IN: Final = frozenset({"bool", "float", "int", "object", "str"})
_TARGETS: Final[Mapping[str, str]] = {
    "account": "Account",
    "contact": "Contact",
    "lead": "Lead",
    "opportunity": "Opportunity",
    "systemuser": "User",
}


def generate_source(
    name: str,
    marketo: ObjectInfo | None,
    dynamics: ObjectInfo,
    *,
    lives_in: MarketoObject | None = None,
    direction: Direction | None = None,
    extends: type[Entity] | None = None,
) -> str:
    """Return the source of a typed entity class, formatted, ready to paste into a module.

    A column goes to the Marketo field that looks like it; one that can't be mapped is left as a comment that says why.
    Without a description of the Marketo object the names of its fields are proposals.

    Args:
        name: Name of the entity, such as ``"event"``; the class is called after it.
        marketo: The Marketo object, or ``None`` where there is none yet.
        dynamics: The table.
        lives_in: The Marketo object's name and dedupe fields. Default: what fits ``marketo``, and a custom object
            called after ``name`` where that is ``None``.
        direction: Which way the entity flows. Default: both ways for persons, to Marketo for everything else.
        extends: An entity class to add to: only what it doesn't map is written, in a subclass of it.
    """
    base = extends.__entity__ if extends is not None else None
    home = base.marketo if base else lives_in or _home(name, marketo, dynamics)
    usual = Direction.TWO_WAY if home.is_person else Direction.TO_MARKETO
    writer = _Writer(
        cls=_class_name(name, extends),
        home=home,
        direction=base.direction if base else direction or usual,
        marketo=marketo,
        dynamics=dynamics,
        mapped=list(base.fields.values()) if base else [],
    )
    writer.write()
    parent = "Entity"
    if extends is not None:
        parent = extends.__name__
        writer.needed.add((_ROOM if extends.__module__.startswith(_ROOM) else extends.__module__, parent))
    return "\n".join(_module(writer, name, parent, decorated=base is None)) + "\n"


def _class_name(name: str, extends: type[Entity] | None) -> str:
    taken = _TYPES | ({extends.__name__} if extends is not None else set())
    found = class_name(name)
    return unique(f"Custom{found}" if found in taken else found, taken)


def _home(name: str, marketo: ObjectInfo | None, dynamics: ObjectInfo) -> MarketoObject:
    if marketo is None:
        return custom_object(f"{_camel(name)}_c", dedupe=_camel(bare_column(dynamics.primary_id)))
    if marketo.name == "person":
        return person()
    if marketo.name in STANDARD_OBJECTS:
        return MarketoObject(marketo.name, STANDARD_OBJECTS[marketo.name])
    alone = alike(marketo, dynamics, columns=[dynamics.primary_id], fields=sorted(marketo.fields))
    usable = [f.name for f in marketo.fields.values() if f.searchable and f.updatable]
    return custom_object(marketo.name, dedupe=alone.get(dynamics.primary_id) or min(usable, default=marketo.primary_id))


def _camel(text: str) -> str:
    # Marketo takes ASCII letters, digits and underscores in API names, and a letter first.
    written = identifier(text, otherwise="own").encode("ascii", "ignore").decode()
    first, *rest = [word for word in written.split("_") if word] or ["own"]
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


@define
class _Writer:
    """Gathers the pieces of one class."""

    cls: str
    home: MarketoObject
    direction: Direction
    marketo: ObjectInfo | None
    dynamics: ObjectInfo
    mapped: list[EntityField]
    enums: dict[str, list[str]] = field(factory=dict)
    body: list[str] = field(factory=list)
    unmapped: dict[str, list[str]] = field(factory=dict)
    needed: set[tuple[str, str]] = field(factory=set)
    _names: set[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._names = {*_RESERVED, *(item.name for item in self.mapped)}

    def write(self) -> None:
        """Write a line or a note for every column, the row id first, then what Marketo can't do without."""
        known = documented(self.home.name, self.dynamics)
        columns = sorted(set(self.dynamics.fields) - {item.dynamics for item in self.mapped})
        columns.sort(key=lambda name: name != self.dynamics.primary_id)
        pairs = self._pairs(columns, known)
        done = {item.marketo for item in self.mapped}
        for name in columns:
            column = self.dynamics.fields[name]
            try:
                self._column(column, pairs.get(name), known.get(name))
                done.add(pairs[name])
            except MappingError as error:
                self.unmapped.setdefault(str(error), []).append(f"{name} ({column.type})")
        for native in self.home.dedupe:
            if native not in done:
                self._alone(native)

    def _pairs(self, columns: list[str], known: Mapping[str, EntityField]) -> dict[str, str]:
        """Return the Marketo field of each column: the one that looks like it, or a proposal where none is made yet."""
        found: dict[str, str] = {}
        key, fields = self.dynamics.primary_id, set(self.marketo.fields) if self.marketo else set[str]()
        if key in columns and len(self.home.dedupe) == 1 and (not self.marketo or self.home.dedupe[0] in fields):
            found[key] = self.home.dedupe[0]
        rest = [name for name in columns if name not in found]
        if self.marketo is not None:
            free = sorted(fields - {item.marketo for item in self.mapped} - set(found.values()))
            return found | alike(self.marketo, self.dynamics, columns=rest, fields=free)
        taken = {*_MARKETO_OWN, *(str(item.marketo).lower() for item in self.mapped), *map(str.lower, found.values())}
        for name in rest:
            proposal = str(known[name].marketo) if name in known else _camel(bare_column(name))
            number = 1
            while proposal.lower() in taken:
                number += 1
                proposal = f"{_camel(bare_column(name))}{number}"
            taken.add(proposal.lower())
            found[name] = proposal
        return found

    def _column(self, column: FieldInfo, native: str | None, item: EntityField | None) -> None:
        """Write the line of one column.

        Raises:
            MappingError: It can't be mapped; the text says why.
        """
        if not column.readable:
            raise MappingError("not readable for the sync user")
        if column.name in _PLATFORM:
            raise MappingError("kept by the platform for itself")
        there = self.marketo.fields[native] if self.marketo and native else None
        if native is None:
            annotation_for(column, None)
            raise MappingError(f"no one field of {plain(self.home.name)} in Marketo looks like it")
        if there is not None and not there.readable:
            raise MappingError(f"looks like {plain(native)} in Marketo, which the sync user can't read")
        annotation = annotation_for(column, there)
        name = self._name(item.name if item else bare_field(native) if self.marketo else bare_column(column.name))
        arguments = [f"marketo={literal(native)}", f"dynamics={literal(column.name)}"]
        way = flow(self.direction, column, there)
        if item and item.direction is not Direction.TWO_WAY and way is Direction.TWO_WAY:
            way = item.direction
        if column.name == self.dynamics.primary_id:
            arguments.append("key=True")
        elif way is None:
            arguments.append("read_only=True")
        elif way is not self.direction:
            arguments.append(f"direction=Direction.{way.name}")
            self._need("Direction")
        elif item and item.opt_out and way is Direction.TWO_WAY:
            arguments.append("opt_out=True")
        self._line(name, self._type(annotation, column, name), arguments)

    def _alone(self, native: str) -> None:
        """Write a dedupe field that no column goes with: the class needs it, and a sync waits for its column."""
        note = f"{plain(native)} tells Marketo's records apart: give it the column that holds it."
        self.body += comment(note, 4)
        self._line(self._name(bare_field(native)), "str", [f"marketo={literal(native)}", "optional=True"])

    def _line(self, name: str, annotation: str, arguments: list[str]) -> None:
        self._need("mapped")
        self.body += Call(f"{name}: {annotation} | None = mapped", arguments).lines(4)

    def _name(self, text: str) -> str:
        found = identifier(text, otherwise="field")
        name = unique(f"{found}_" if found in _RESERVED else found, self._names)
        self._names.add(name)
        return name

    def _type(self, annotation: str, column: FieldInfo, name: str) -> str:
        if annotation == "Ref":
            inner = " | ".join(sorted(_TARGETS[target] for target in column.targets if target in _TARGETS)) or "object"
            for part in inner.split(" | "):
                self._need(part)
            self._need("Ref")
            return f"Ref[{inner}]"
        if annotation == "Enum" or (annotation == "Choices" and column.options):
            made = self._enum(column, name, flag="IntEnum" if annotation == "Choices" else "Enum")
            if annotation == "Enum":
                return made
        self._need(annotation)
        return annotation

    def _enum(self, column: FieldInfo, name: str, *, flag: str) -> str:
        """Write the enumeration of an option set and return what it is called."""
        made = unique(f"{self.cls}{class_name(name)}"[:50], {*_TYPES, self.cls, *self.enums})
        self._need(flag)
        labels = unique_labels(column.options)
        members: dict[str, int] = {}
        for value, label in labels.items():
            text = label if any(map(str.isalnum, label)) else str(value)
            members[unique(identifier(text, otherwise="OPTION", upper=True, most=60), members)] = value
        told = "Choices" if flag == "Enum" else "Numbers of the choices"
        lines = [f"class {made}({flag}):", f'    """{told} of {plain(column.name)}."""', ""]
        lines += [f"    {member} = {value}" for member, value in members.items()]
        if flag == "Enum" and any(m.replace("_", " ").capitalize() != labels[v] for m, v in members.items()):
            lines += ["", "    @property", "    def label(self) -> str:", '        """What people read for it."""']
            lines += ["        return {", *(f"            {v}: {literal(text)}," for v, text in labels.items())]
            lines += ["        }[self.value]"]
        self.enums[made] = lines
        return made

    def _need(self, name: str) -> None:
        if name not in _BUILT_IN:
            self.needed.add((_PLACES.get(name, _ROOM), name))


def _module(writer: _Writer, name: str, parent: str, *, decorated: bool) -> Iterator[str]:
    table = writer.dynamics
    home = writer.home
    decorator: list[str] = []
    if decorated:
        made, placed = _placed(home)
        writer.needed |= {(_ROOM, part) for part in ("Direction", "Entity", "entity", made)}
        arguments = [f"name={literal(name)}", placed, f"dynamics={literal(table.entity_set)}"]
        decorator = [*Call("@entity", [*arguments, f"direction=Direction.{writer.direction.name}"]).lines()]
    yield "from __future__ import annotations"
    yield ""
    yield from imports(writer.needed, ours=_ROOM.partition(".")[0])
    for lines in writer.enums.values():
        yield from ("", "", *lines)
    yield from ("", "", *decorator, f"class {writer.cls}({parent}):")
    yield f'    """Rows of {plain(table.name)}, kept as {plain(home.name)} in Marketo."""'
    if writer.body:
        yield from ("", *writer.body)
    if not writer.marketo:
        note = "The names of Marketo's fields are proposals: make the fields, or put the right names in their place."
        yield from ("", *comment(note, 4))
    if writer.unmapped:
        yield from ("", "    # Columns that are not mapped, and why.")
        for reason, columns in sorted(writer.unmapped.items()):
            yield from comment(plain(f"{reason}: {', '.join(columns)}"), 4)


def _placed(home: MarketoObject) -> tuple[str, str | Call]:
    """Return the function that names a Marketo object, and the argument that calls it."""
    made = {
        "person": "person",
        "company": "company",
        "salesperson": "sales_person",
        "opportunity": "opportunity",
        "opportunityRole": "opportunity_role",
    }.get(home.name)
    if made:
        return made, f"marketo={made}()"
    fields = [literal(native) for native in home.dedupe]
    dedupe: str | Call = f"dedupe={fields[0]}" if len(fields) == 1 else Call("dedupe=", fields)
    return "custom_object", Call("marketo=custom_object", [literal(home.name), dedupe])
