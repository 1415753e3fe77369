"""What every codec promises, said once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marketo_dynamics_sync.entities import FieldInfo
from marketo_dynamics_sync.entities.codecs import Codec
from marketo_dynamics_sync.errors import ValueRejectedError


def over_the_wire(raw: object) -> Any:
    """Return a JSON value as the other end of a connection reads it."""
    return json.loads(json.dumps(raw, allow_nan=False))


def comes_back(codec: Codec[Any], value: object) -> None:
    """Assert that a value survives both services and the state store."""
    assert codec.from_marketo(over_the_wire(codec.to_marketo(value))) == value
    assert codec.read_row(over_the_wire(codec.write_row("x", value)), "x") == value
    assert codec.stored_form(value, value)
    if value is not None:
        assert codec.load(over_the_wire(codec.dump(value))) == value


def reading_is_settled(codec: Codec[Any], raw: object) -> None:
    """Assert that what was read once is read the same when it was written back: no echo."""
    value = codec.from_marketo(raw)  # type: ignore[arg-type]  # any JSON
    assert codec.from_marketo(over_the_wire(codec.to_marketo(value))) == value


def refused(call: Any, *args: object) -> str:
    """Return the code by which a value is refused; the reason never quotes it."""
    with pytest.raises(ValueRejectedError) as caught:
        call(*args)
    assert caught.value.reason == str(caught.value)
    return caught.value.code


def marketo(kind: str, **more: Any) -> FieldInfo:
    return FieldInfo("theField", kind, **more)


def dynamics(kind: str, **more: Any) -> FieldInfo:
    return FieldInfo("new_column", kind, **more)
