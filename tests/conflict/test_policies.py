"""The policies, and what becomes of anything else that is given as one."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.conflict import (
    Conflict,
    DynamicsWins,
    FirstDecided,
    Hold,
    LatestWins,
    MarketoWins,
    MostRestrictive,
    PerField,
    Policy,
    PreferNonEmpty,
    Resolution,
    as_policy,
    decide,
    default_policy,
)
from marketo_dynamics_sync.entities import Side
from marketo_dynamics_sync.errors import ConfigurationError, PolicyError

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
LATE = datetime(2026, 1, 2, tzinfo=UTC)
CLASH = Conflict("lead", "email", "old", "from-marketo", "from-dynamics", "1", "g", EARLY, LATE, True)


def test_marketo_wins() -> None:
    assert MarketoWins().resolve(CLASH) == Resolution("from-marketo", "Marketo wins", Side.MARKETO)


def test_dynamics_wins() -> None:
    assert DynamicsWins().resolve(CLASH) == Resolution("from-dynamics", "Dynamics wins", Side.DYNAMICS)


def test_latest_wins() -> None:
    assert LatestWins().resolve(CLASH) == Resolution("from-dynamics", "latest wins", Side.DYNAMICS)
    swapped = evolve(CLASH, marketo_at=LATE, dynamics_at=EARLY)
    assert LatestWins().resolve(swapped) == Resolution("from-marketo", "latest wins", Side.MARKETO)


@pytest.mark.parametrize(("marketo_at", "dynamics_at"), [(None, LATE), (EARLY, None), (None, None), (LATE, LATE)])
def test_latest_wins_falls_back_on_a_tie_and_on_unknown_times(
    marketo_at: datetime | None, dynamics_at: datetime | None
) -> None:
    clash = evolve(CLASH, marketo_at=marketo_at, dynamics_at=dynamics_at)
    assert LatestWins(fallback=MarketoWins()).resolve(clash).winner is Side.MARKETO
    assert LatestWins().resolve(clash).winner is Side.DYNAMICS


@pytest.mark.parametrize("empty", [None, ""])
def test_prefer_non_empty(empty: object) -> None:
    policy = PreferNonEmpty(then=Hold())
    assert policy.resolve(evolve(CLASH, marketo=empty)).winner is Side.DYNAMICS
    assert policy.resolve(evolve(CLASH, dynamics=empty)).winner is Side.MARKETO
    assert policy.resolve(CLASH).held


@pytest.mark.parametrize("value", [0, False])
def test_false_and_zero_are_not_empty(value: object) -> None:
    assert PreferNonEmpty(then=Hold()).resolve(evolve(CLASH, marketo=value)).held


def test_most_restrictive() -> None:
    policy = MostRestrictive(then=Hold())
    yes_no = evolve(CLASH, marketo=True, dynamics=False)
    assert policy.resolve(yes_no) == Resolution(True, "most restrictive", Side.MARKETO)
    no_yes = evolve(CLASH, marketo=False, dynamics=True)
    assert policy.resolve(no_yes) == Resolution(True, "most restrictive", Side.DYNAMICS)
    assert policy.resolve(CLASH).held


@pytest.mark.parametrize("value", [1, "true", "yes"])
def test_only_true_itself_is_an_opt_out(value: object) -> None:
    assert MostRestrictive(then=Hold()).resolve(evolve(CLASH, marketo=value)).held


def test_per_field() -> None:
    policy = PerField({"email": MarketoWins()}, default=Hold())
    assert policy.resolve(CLASH).winner is Side.MARKETO
    assert policy.resolve(evolve(CLASH, field="phone")).held
    assert PerField({}).resolve(CLASH).winner is Side.DYNAMICS


def test_hold() -> None:
    assert Hold().resolve(CLASH) == Resolution(None, "held", None, True, "a human decides")
    assert Hold("call her").resolve(CLASH).reason == "call her"


def test_first_decided_takes_the_first_answer_that_is_one() -> None:
    assert FirstDecided(Hold(), MarketoWins(), DynamicsWins()).resolve(CLASH).winner is Side.MARKETO
    assert FirstDecided(DynamicsWins(), MarketoWins()).resolve(CLASH).winner is Side.DYNAMICS
    assert FirstDecided(Hold("one"), Hold("two")).resolve(CLASH).reason == "two"
    with pytest.raises(ConfigurationError, match="at least one policy"):
        FirstDecided()


def test_policies_of_equal_parts_are_equal() -> None:
    assert FirstDecided(Hold(), MarketoWins()) == FirstDecided(Hold(), MarketoWins())
    assert PerField({"a": Hold()}) != PerField({"a": MarketoWins()})
    assert LatestWins() == LatestWins(fallback=DynamicsWins())


def test_a_callable_is_a_policy() -> None:
    def by_id(conflict: Conflict) -> Side:
        return Side.MARKETO if conflict.marketo_id else Side.DYNAMICS

    assert as_policy(by_id).resolve(CLASH) == Resolution("from-marketo", "by_id", Side.MARKETO)
    assert as_policy(lambda conflict: Resolution.use("x", "own")).resolve(CLASH) == Resolution("x", "own")
    bare = as_policy(partial(by_id))
    assert bare.resolve(evolve(CLASH, marketo_id=None)) == Resolution("from-dynamics", "partial", Side.DYNAMICS)


def test_a_policy_object_is_taken_as_it_is() -> None:
    class Mine:
        def resolve(self, conflict: Conflict) -> Resolution:
            return Resolution.marketo(conflict, "mine")

    mine = Mine()
    assert as_policy(mine) is mine
    assert isinstance(mine, Policy)
    assert PreferNonEmpty(then=mine).resolve(CLASH).rule == "mine"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("latest", "policy: str has no method resolve"),
        (None, "policy: NoneType has no method resolve"),
        (MarketoWins, r"policy: MarketoWins is a class; give an object: MarketoWins\(\)"),
    ],
)
def test_anything_else_is_refused_by_name(given: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        as_policy(given)


@pytest.mark.parametrize(
    "make",
    [
        lambda bad: LatestWins(fallback=bad),
        lambda bad: PreferNonEmpty(then=bad),
        lambda bad: MostRestrictive(then=bad),
        lambda bad: PerField({"email": bad}),
        lambda bad: PerField({}, default=bad),
        lambda bad: FirstDecided(MarketoWins(), bad),
    ],
)
def test_a_part_that_is_no_policy_is_refused_when_the_whole_is_made(make: Any) -> None:
    with pytest.raises(ConfigurationError, match="policy: int has no method resolve"):
        make(5)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda part: as_policy(part),
        lambda part: LatestWins(fallback=part),
        lambda part: PreferNonEmpty(then=part),
        lambda part: MostRestrictive(then=part),
        lambda part: PerField({"email": part}),
        lambda part: FirstDecided(part, MarketoWins()),
        lambda part: FirstDecided(Hold(), part),
    ],
)
def test_an_error_names_the_part_that_failed(wrap: Any) -> None:
    def raising(conflict: Conflict) -> Side:
        raise ValueError("ada@example.com")

    def rubbish(conflict: Conflict) -> Any:
        return "marketo"

    clash = evolve(CLASH, marketo_at=None)
    with pytest.raises(PolicyError, match=r"^lead\.email: policy raising raised ValueError$") as caught:
        decide(wrap(raising), clash)
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(PolicyError, match=r"^lead\.email: policy rubbish returned str; return a Resolution"):
        decide(wrap(rubbish), clash)


def test_an_object_that_fails_is_named_by_its_class() -> None:
    class Broken:
        def resolve(self, conflict: Conflict) -> Resolution:
            raise LookupError

    with pytest.raises(PolicyError, match="policy Broken raised LookupError"):
        decide(Broken(), CLASH)


def test_times_that_cannot_be_compared_are_an_error_of_ours() -> None:
    with pytest.raises(PolicyError, match="policy LatestWins raised TypeError"):
        decide(LatestWins(), evolve(CLASH, marketo_at=datetime(2026, 1, 1)))


def test_defaults_are_the_native_syncs() -> None:
    assert default_policy("lead") == MarketoWins()
    assert default_policy("contact") == DynamicsWins()
    assert default_policy("event") == DynamicsWins()


def test_nothing_shows_a_value() -> None:
    clash = Conflict("lead", "email", "v-base", "v-marketo", "v-dynamics", "1", "g", EARLY, LATE, True)
    for thing in (clash, Resolution.marketo(clash, "r"), Resolution.use("v-own", "r")):
        assert "v-" not in repr(thing)
    assert "email" in repr(clash)


VALUES = st.one_of(st.none(), st.booleans(), st.text(max_size=3), st.integers(-2, 2))
TIMES = st.sampled_from([None, EARLY, LATE])
CLASHES = st.builds(
    Conflict,
    entity=st.just("lead"),
    field=st.sampled_from(["a", "b"]),
    base=VALUES,
    marketo=VALUES,
    dynamics=VALUES,
    marketo_at=TIMES,
    dynamics_at=TIMES,
    has_base=st.booleans(),
)
LEAVES: st.SearchStrategy[Policy] = st.sampled_from([MarketoWins(), DynamicsWins(), Hold()])
POLICIES: st.SearchStrategy[Policy] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(LatestWins, inner),
        st.builds(PreferNonEmpty, inner),
        st.builds(MostRestrictive, inner),
        st.builds(lambda part, rest: PerField({"a": part}, rest), inner, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: FirstDecided(*parts)),
    ),
    max_leaves=6,
)


@given(POLICIES, CLASHES)
def test_shipped_policies_always_answer_and_always_alike(policy: Policy, clash: Conflict) -> None:
    answer = decide(policy, clash)
    assert answer == decide(policy, clash)
    assert answer.rule
    if not answer.held:
        assert answer.winner is not None
        assert answer.value is (clash.marketo if answer.winner is Side.MARKETO else clash.dynamics)
