"""Fields to merge, and a short way to merge them."""

from __future__ import annotations

from typing import Any

from marketo_dynamics_sync.conflict import MarketoWins, MergeResult, Policy, merge_record
from marketo_dynamics_sync.entities import BoundField, Values
from marketo_dynamics_sync.entities.codecs import BooleanCodec, Codec, DecimalCodec, TextCodec


def bound(
    name: str,
    codec: Codec[Any] | None = None,
    *,
    to_marketo: bool = True,
    to_dynamics: bool = True,
    opt_out: bool = False,
) -> BoundField:
    codec = codec if codec is not None else TextCodec()
    return BoundField(name, f"m_{name}", f"d_{name}", codec, to_marketo, to_dynamics, opt_out=opt_out)


#: Both ways, at most five characters in Marketo and eight UTF-16 units in Dynamics.
NAME = bound("name", TextCodec(marketo_length=5, dynamics_length=8))
#: From Dynamics only.
OWNER = bound("owner", to_dynamics=False)
#: From Marketo only.
MOMENT = bound("moment", to_marketo=False)
#: Read only.
NOTE = bound("note", to_marketo=False, to_dynamics=False)
OPT_OUT = bound("opt_out", BooleanCodec(), opt_out=True)
FLAG = bound("flag", BooleanCodec())
AMOUNT = bound("amount", DecimalCodec(precision=2))
FIELDS = (NAME, OWNER, MOMENT, NOTE, OPT_OUT, FLAG, AMOUNT)


def merge(
    marketo: Values | None,
    dynamics: Values | None,
    base: Values | None = None,
    base_dynamics: Values | None = None,
    policy: Policy | None = None,
    fields: tuple[BoundField, ...] = FIELDS,
    **about: Any,
) -> MergeResult:
    return merge_record(
        fields,
        entity="lead",
        marketo=marketo,
        dynamics=dynamics,
        base_marketo=base,
        base_dynamics=base if base_dynamics is None else base_dynamics,
        policy=policy or MarketoWins(),
        **about,
    )
