"""Hypothesis strategies for tests of your own entities, policies and stores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from attrs import frozen
from hypothesis import strategies as st

from ..entities import BoundEntity, Codec, Direction, Entity, Record, Side
from ..errors import ConfigurationError
from ..state import Link
from .field_values import guids, of_codec

#: An entity class, or an entity bound to described objects, whose lengths, ranges and options are then kept to.
EntityLike: TypeAlias = type[Entity] | BoundEntity
#: Strategies for fields whose codec is the user's own.
Own: TypeAlias = Mapping[str, st.SearchStrategy[object]]


@frozen
class _Field:
    """What both an entity class and a bound entity say of a field."""

    name: str
    codec: Codec[Any]  # Any: a codec of whatever type the field has
    direction: Direction | None
    key: bool


def values_of(entity: EntityLike, *, own: Own | None = None) -> st.SearchStrategy[dict[str, object]]:
    """Return values for every field of an entity that both sides have, by field name.

    Each value is one that both sides can hold and give back unchanged; a field other than a boolean may be empty.

    Args:
        entity: An entity class, or one bound to described objects: then lengths, ranges, precisions and options are
            kept to.
        own: Strategies by field name, in place of those that the codecs ask for. A codec of your own that says no
            ``examples()`` needs one.

    Raises:
        ConfigurationError: Nothing is known of a field's values, or ``own`` names no field.

    Examples:
        >>> from hypothesis import given
        >>> from marketo_dynamics_sync.entities import Lead
        >>> @given(values_of(Lead))
        ... def test_a_lead_can_be_made(values):
        ...     assert Lead.from_values(values).email == values["email"]
        >>> test_a_lead_can_be_made()
    """
    return st.fixed_dictionaries(_strategies(entity, own))


def edits(
    entity: EntityLike, *, side: Side | None = None, own: Own | None = None
) -> st.SearchStrategy[dict[str, object]]:
    """Return what somebody changed of a record: at least one field, with its new value.

    Laid over the values of a record (``values | edit``), it gives the record after the edit. The field that carries
    the row id is never changed, nor is one that is only read.

    Args:
        entity: As for :func:`values_of`.
        side: Change only fields that flow from this side; ``None`` takes those of both.
        own: As for :func:`values_of`.

    Raises:
        ConfigurationError: As for :func:`values_of`; or no field of the entity can be changed so.
    """
    strategies = _strategies(entity, own)
    free = {f.name for f in _fields(entity) if f.direction is not None and not f.key and _flows(f.direction, side)}
    if not free:
        where = f" in {side.value.title()}" if side else ""
        raise ConfigurationError(f"no field of {_name(entity)} can be changed{where}; give the entity such a field")
    choice = st.fixed_dictionaries({}, optional={name: s for name, s in strategies.items() if name in free})
    return choice.filter(bool)


def records(entity: EntityLike, *, side: Side = Side.DYNAMICS, own: Own | None = None) -> st.SearchStrategy[Record]:
    """Return records of one side, as a connector reads them.

    Args:
        entity: As for :func:`values_of`.
        side: Dynamics rows have a GUID, an etag, and their id in the key field; Marketo persons have a number.
        own: As for :func:`values_of`.

    Raises:
        ConfigurationError: As for :func:`values_of`.
    """
    values = values_of(entity, own=own)
    moments = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
    if side is Side.MARKETO:
        return st.builds(Record, id=_persons(), values=values, version=st.none(), modified_at=moments)
    key = next((field.name for field in _fields(entity) if field.key), None)

    def row(row_id: str, read: dict[str, object], etag: int, modified_at: datetime | None) -> Record:
        known: dict[str, object] = {} if key is None else {key: row_id}
        return Record(id=row_id, values=read | known, version=f'W/"{etag}"', modified_at=modified_at)

    return st.builds(row, guids(), values, st.integers(1, 10**9), moments)


def links(entity: EntityLike | str = "lead", *, own: Own | None = None) -> st.SearchStrategy[Link]:
    """Return links, for tests of a state store or of what is read from one.

    Args:
        entity: An entity whose stored values are the base, or just a name: then the base is any JSON.
        own: As for :func:`values_of`.

    Raises:
        ConfigurationError: As for :func:`values_of`.
    """
    base = _json() if isinstance(entity, str) else _stored(entity, own)
    return base.flatmap(lambda known: _links_on(entity if isinstance(entity, str) else _name(entity), known))


def _links_on(entity: str, base: dict[str, object]) -> st.SearchStrategy[Link]:
    some = st.frozensets(st.sampled_from(sorted(base)), max_size=3) if base else st.just(frozenset[str]())
    return st.builds(
        Link,
        entity=st.just(entity),
        dynamics_id=guids(),
        marketo_id=_persons(),
        base=st.just(base),
        dynamics_base=some.map(lambda names: {name: base[name] for name in sorted(names)}),
        version=st.none() | st.integers(1, 10**9).map('W/"{}"'.format),
        unconfirmed=some,
        fingerprint=st.sampled_from(["", "one", "two"]),
        sent=some.map(lambda names: {name: [None, base[name]] for name in sorted(names)}),
    )


def _persons() -> st.SearchStrategy[str]:
    return st.integers(1, 2**31 - 1).map(str)


def _json() -> st.SearchStrategy[dict[str, object]]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    )
    return st.dictionaries(st.text(max_size=20), values, max_size=6)


def _stored(entity: EntityLike, own: Own | None) -> st.SearchStrategy[dict[str, object]]:
    codecs = {field.name: field.codec for field in _fields(entity)}
    return values_of(entity, own=own).map(lambda values: {name: codecs[name].dump(v) for name, v in values.items()})


def _name(entity: EntityLike) -> str:
    return entity.name if isinstance(entity, BoundEntity) else entity.__entity__.name


def _flows(direction: Direction, side: Side | None) -> bool:
    return side is None or direction.source in (None, side)


def _fields(entity: EntityLike) -> list[_Field]:
    if isinstance(entity, BoundEntity):
        return [_Field(f.name, f.codec, f.direction, f.key) for f in entity.fields.values()]
    return [
        _Field(f.name, f.codec, None if f.read_only else f.direction, f.key)
        for f in entity.__entity__.fields.values()
        if f.marketo is not None and f.dynamics is not None
    ]


def _strategies(entity: EntityLike, own: Own | None) -> dict[str, st.SearchStrategy[object]]:
    given = own or {}
    found: dict[str, st.SearchStrategy[object]] = {}
    fields = _fields(entity)
    unknown = sorted(set(given) - {field.name for field in fields})
    if unknown:
        raise ConfigurationError(
            f"{_name(entity)} has no field {', '.join(unknown)} on both sides; correct own={{...}}"
        )
    for field in fields:
        strategy = given.get(field.name, of_codec(field.codec))
        if strategy is None:
            raise ConfigurationError(
                f"{_name(entity)}.{field.name}: nothing is known of the values that {type(field.codec).__name__} "
                f"carries; give it examples(), or pass own={{{field.name!r}: a strategy}}"
            )
        found[field.name] = strategy if field.name in given or _never_empty(field.codec) else st.none() | strategy
    return found


def _never_empty(codec: Codec[Any]) -> bool:
    # Any: a codec of whatever type. What it makes of nothing tells: Marketo keeps an empty boolean as false.
    return codec.from_marketo(None) is not None
