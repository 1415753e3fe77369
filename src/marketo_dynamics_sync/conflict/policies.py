"""Who wins a clash: the policies that come with the library. All of them may be put together.

Where one policy takes another, it takes anything that :func:`as_policy` does, and refuses the rest when it is made.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from ..entities import Side
from ..errors import ConfigurationError
from .conflict import Conflict
from .policy import Policy, PolicyLike, as_policy, decide
from .resolution import Resolution


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

    fallback: Policy = field(factory=DynamicsWins, converter=as_policy)

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return the value of the side that changed last."""
        marketo, dynamics = conflict.marketo_at, conflict.dynamics_at
        if marketo is None or dynamics is None or marketo == dynamics:
            return decide(self.fallback, conflict)
        side = Side.MARKETO if marketo > dynamics else Side.DYNAMICS
        return Resolution.side(conflict, side, "latest wins")


@frozen
class PreferNonEmpty:
    """A value beats an empty one; two values go to another policy. ``False`` and zero are values.

    Attributes:
        then: Decides between two values.
    """

    then: Policy = field(factory=DynamicsWins, converter=as_policy)

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return the value that is not empty."""
        if conflict.marketo in (None, ""):
            return Resolution.dynamics(conflict, "non-empty wins")
        if conflict.dynamics in (None, ""):
            return Resolution.marketo(conflict, "non-empty wins")
        return decide(self.then, conflict)


@frozen
class MostRestrictive:
    """For consent: an opt-out (true) on either side wins. Always in force for opt-out fields.

    It rules clashes only. Where one side alone changed, its change is carried over, also when it takes an opt-out
    back: a person may consent again.

    Attributes:
        then: Decides where neither side says true: fields that are not yes or no.
    """

    then: Policy = field(factory=DynamicsWins, converter=as_policy)

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return the opt-out."""
        if conflict.marketo is True:
            return Resolution.marketo(conflict, "most restrictive")
        if conflict.dynamics is True:
            return Resolution.dynamics(conflict, "most restrictive")
        return decide(self.then, conflict)


def _as_policies(candidates: Mapping[str, PolicyLike]) -> Mapping[str, Policy]:
    return {name: as_policy(candidate) for name, candidate in candidates.items()}


@frozen
class PerField:
    """A policy for each field.

    Attributes:
        fields: Policy by field name.
        default: Decides every other field.

    Examples:
        >>> from marketo_dynamics_sync.conflict import Hold, LatestWins, MarketoWins, PerField
        >>> policy = PerField({"email": Hold("ask the person"), "phone": LatestWins()}, default=MarketoWins())
    """

    fields: Mapping[str, Policy] = field(converter=_as_policies)
    default: Policy = field(factory=DynamicsWins, converter=as_policy)

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return what the field's policy says."""
        return decide(self.fields.get(conflict.field, self.default), conflict)


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


@frozen(init=False)
class FirstDecided:
    """Ask policies in order until one doesn't hold the field.

    Args:
        *policies: The policies, at least one; the last one's answer stands in any case.

    Raises:
        ConfigurationError: None is given, or one is no policy.

    Examples:
        >>> from marketo_dynamics_sync.conflict import FirstDecided, Hold, LatestWins, PreferNonEmpty
        >>> policy = FirstDecided(PreferNonEmpty(then=Hold()), LatestWins(fallback=Hold("same second")))
    """

    policies: tuple[Policy, ...]

    def __init__(self, *policies: PolicyLike) -> None:
        if not policies:
            raise ConfigurationError("FirstDecided() needs at least one policy")
        object.__setattr__(self, "policies", tuple(as_policy(policy) for policy in policies))

    def resolve(self, conflict: Conflict) -> Resolution:
        """Return the first answer that doesn't hold the field."""
        for policy in self.policies[:-1]:
            answer = decide(policy, conflict)
            if not answer.held:
                return answer
        return decide(self.policies[-1], conflict)


def default_policy(entity: str) -> Policy:
    """Return the native sync's rule for an entity: Marketo wins for leads, Dynamics for contacts and everything else.

    Source: Adobe, "Microsoft Dynamics Sync: Lead Sync" and "Contact Sync".
    """
    return MarketoWins() if entity == "lead" else DynamicsWins()
