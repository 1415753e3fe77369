"""What policies call themselves in a report, and what they tell who uses them wrongly."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attrs import evolve

from marketo_dynamics_sync.conflict import Conflict, FirstDecided, Hold, PreferNonEmpty, Resolution, as_policy, decide
from marketo_dynamics_sync.entities import Side
from marketo_dynamics_sync.errors import ConfigurationError, PolicyError

CLASH = Conflict("lead", "email", "old", "from-marketo", "from-dynamics")


@pytest.mark.parametrize("empty", [None, ""])
def test_a_value_that_beats_an_empty_one_names_the_rule(empty: object) -> None:
    policy = PreferNonEmpty(then=Hold())
    assert policy.resolve(evolve(CLASH, marketo=empty)) == Resolution("from-dynamics", "non-empty wins", Side.DYNAMICS)
    assert policy.resolve(evolve(CLASH, dynamics=empty)) == Resolution("from-marketo", "non-empty wins", Side.MARKETO)


def test_a_hold_without_a_reason_gives_none() -> None:
    assert Resolution.hold("two owners") == Resolution(None, "two owners", None, True, "")
    assert Resolution.hold("two owners", "ask both").reason == "ask both"


def test_no_policy_at_all_is_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match=r"^FirstDecided\(\) needs at least one policy$"):
        FirstDecided()


def test_what_is_no_policy_is_refused_with_the_way_out() -> None:
    wanted = (
        "policy: int has no method resolve(conflict) and can't be called; "
        "give MarketoWins(), PerField({...}), or a function of your own"
    )
    given: Any = 5
    with pytest.raises(ConfigurationError, match=f"^{re.escape(wanted)}$"):
        as_policy(given)


def test_a_winner_that_is_no_side_is_named_by_its_class() -> None:
    wrong: Any = "marketo"
    policy = as_policy(lambda clash: Resolution(clash.marketo, "mine", wrong))
    wanted = "lead.email: policy <lambda> named str as winner; it is a Side or None"
    with pytest.raises(PolicyError, match=f"^{re.escape(wanted)}$"):
        decide(policy, CLASH)
