"""What a policy is, how anything a user gives becomes one, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias, runtime_checkable

from attrs import frozen

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
class _Called:
    """A user's function in the place of a policy."""

    function: Callable[[Conflict], Resolution | Side]

    @property
    def name(self) -> str:
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def resolve(self, conflict: Conflict) -> Resolution:
        answer = self.function(conflict)
        return Resolution.side(conflict, answer, self.name) if isinstance(answer, Side) else answer


def as_policy(candidate: PolicyLike) -> Policy:
    """Return a policy from a policy or a callable.

    Args:
        candidate: An object with ``resolve``, or a callable that takes a ``Conflict`` and returns a ``Resolution`` or
            the winning ``Side``.

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

    Policies made of others ask their parts through this too, so that the error names the part.

    Raises:
        PolicyError: The policy raised, or returned something that is no resolution.
    """
    where = f"{conflict.entity}.{conflict.field}"
    name = policy.name if isinstance(policy, _Called) else type(policy).__name__
    try:
        answer: object = policy.resolve(conflict)
    except PolicyError:
        raise
    except Exception as error:
        raise PolicyError(f"{where}: policy {name} raised {type(error).__name__}") from error
    if not isinstance(answer, Resolution):
        raise PolicyError(
            f"{where}: policy {name} returned {type(answer).__name__}; "
            "return a Resolution, or from a function also a Side"
        )
    if not isinstance(answer.winner, Side | None):
        raise PolicyError(
            f"{where}: policy {name} named {type(answer.winner).__name__} as winner; it is a Side or None"
        )
    return answer
