"""Who wins a clash. A policy is an object with one method, ``resolve(conflict) -> Resolution``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen

from ..entities import Side
from ..errors import ConfigurationError, PolicyError
from .conflict import Conflict
from .resolution import Resolution


@runtime_checkable
class Policy(Protocol):
    """Decides clashes. It must be deterministic: the same clash gives the same answer."""

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return which value both sides are to have."""
        ...


#: What may be given where a policy is wanted: a policy, or a callable that returns a resolution or the winning side.
PolicyLike: TypeAlias = Policy | Callable[[Conflict], Resolution | Side]


@frozen
class MarketoWins:
    """Marketo's value goes to both sides: the native sync's rule for leads."""

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return Marketo's value."""
        return Resolution.marketo(conflict, "Marketo wins")


@frozen
class DynamicsWins:
    """Dynamics' value goes to both sides: the native sync's rule for contacts and for every one-way entity."""

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return Dynamics' value."""
        return Resolution.dynamics(conflict, "Dynamics wins")


@frozen
class LatestWins:
    """The side that changed its record last wins.

    The times are those of the whole records, since neither service tells when a single field changed.

    Attributes:
        fallback: Decides when the times are equal or one is unknown.
    """

    fallback: PolicyLike = field(factory=DynamicsWins)

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return the value of the side that changed last."""
        marketo, dynamics = conflict.marketo_at, conflict.dynamics_at
        if marketo is None or dynamics is None or marketo == dynamics:
            return as_policy(self.fallback).resolve(conflict)
        side = Side.MARKETO if marketo > dynamics else Side.DYNAMICS
        return Resolution.side(conflict, side, "latest wins")


@frozen
class PreferNonEmpty:
    """A value beats an empty one; two values go to another policy.

    Attributes:
        then: Decides between two values.
    """

    then: PolicyLike = field(factory=DynamicsWins)

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return the value that is not empty."""
        if conflict.marketo in (None, ""):
            return Resolution.dynamics(conflict, "non-empty wins")
        if conflict.dynamics in (None, ""):
            return Resolution.marketo(conflict, "non-empty wins")
        return as_policy(self.then).resolve(conflict)


@frozen
class MostRestrictive:
    """For consent: an opt-out (true) on either side wins. Always in force for opt-out fields.

    Attributes:
        then: Decides fields that are not yes or no.
    """

    then: PolicyLike = field(factory=DynamicsWins)

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return the opt-out."""
        if conflict.marketo is True:
            return Resolution.marketo(conflict, "most restrictive")
        if conflict.dynamics is True:
            return Resolution.dynamics(conflict, "most restrictive")
        return as_policy(self.then).resolve(conflict)


@frozen
class PerField:
    """A policy for each field.

    Attributes:
        fields: Policy by field name.
        default: Decides every other field.
    """

    fields: Mapping[str, PolicyLike]
    default: PolicyLike = field(factory=DynamicsWins)

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return what the field's policy says."""
        return as_policy(self.fields.get(conflict.field, self.default)).resolve(conflict)


@frozen
class Hold:
    """Leave the field as it is on both sides, and park it for a human.

    Attributes:
        reason: Shown with the parked field.
    """

    reason: str = "a human decides"

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return that a human decides."""
        return Resolution.hold("held", self.reason)


@frozen
class FirstDecided:
    """Ask policies in order until one doesn't hold the field.

    Attributes:
        policies: The policies; the last one's answer stands in any case.
    """

    policies: tuple[PolicyLike, ...]

    def __init__(self, *policies: PolicyLike) -> None:
        if not policies:
            raise ConfigurationError("FirstDecided() needs at least one policy")
        self.__attrs_init__(policies)  # type: ignore[attr-defined]  # made by attrs

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return the first answer that doesn't hold the field."""
        answers = (as_policy(policy).resolve(conflict) for policy in self.policies[:-1])
        decided = next((answer for answer in answers if not answer.held), None)
        return decided if decided is not None else as_policy(self.policies[-1]).resolve(conflict)


@frozen
class _Called:
    function: Callable[[Conflict], Resolution | Side]

    def resolve(self, conflict: Conflict) -> Resolution:
        answer = self.function(conflict)
        if isinstance(answer, Side):
            return Resolution.side(conflict, answer, getattr(self.function, "__name__", "callable"))
        return answer


def as_policy(candidate: PolicyLike) -> Policy:
    """Return a policy from a policy or a callable.

    Args:
        candidate: An object with ``resolve``, or a callable that takes a ``Conflict`` and returns a ``Resolution`` or the winning
            ``Side``.

    Raises:
        ConfigurationError: It is neither.
    """
    if isinstance(candidate, type):
        raise ConfigurationError(f"policy: {candidate.__name__} is a class; give an object: {candidate.__name__}()")
    if isinstance(candidate, Policy):
        return candidate
    if callable(candidate):
        return _Called(candidate)
    raise ConfigurationError(
        f"policy: {type(candidate).__name__} has no method resolve(conflict) and can't be called; "
        "give MarketoWins(), PerField({...}), or a function of your own"
    )


def decide(policy: Policy, conflict: Conflict) -> Resolution:
    """Ask a policy, and make sure of its answer.

    Raises:
        PolicyError: The policy raised, or returned something that is no resolution.
    """
    where = f"{conflict.entity}.{conflict.field}"
    name = (
        type(policy).__name__ if not isinstance(policy, _Called) else getattr(policy.function, "__name__", "callable")
    )
    try:
        answer: object = policy.resolve(conflict)
    except PolicyError:
        raise
    except Exception as error:
        raise PolicyError(f"{where}: policy {name} raised {type(error).__name__}") from error
    if not isinstance(answer, Resolution):
        raise PolicyError(
            f"{where}: policy {name} returned {type(answer).__name__}; return a Resolution, or from a function also a Side"
        )
    return answer


def default_policy(entity: str) -> Policy:
    """Return the native sync's rule for an entity: Marketo wins for leads, Dynamics for contacts and everything else.

    Source: Adobe, "Microsoft Dynamics Sync: Lead Sync" and "Contact Sync".
    """
    return MarketoWins() if entity == "lead" else DynamicsWins()
