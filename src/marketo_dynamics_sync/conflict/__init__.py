"""Who wins: three-way merge, policies, and decisions with their reasons. Pure."""

from .conflict import Conflict
from .decision import Decision, DecisionKind
from .merge import MergeResult, merge_record
from .policies import (
    DynamicsWins,
    FirstDecided,
    Hold,
    LatestWins,
    MarketoWins,
    MostRestrictive,
    PerField,
    PreferNonEmpty,
    default_policy,
)
from .policy import Policy, PolicyLike, as_policy, decide
from .resolution import Resolution

__all__ = [
    "Conflict",
    "Decision",
    "DecisionKind",
    "DynamicsWins",
    "FirstDecided",
    "Hold",
    "LatestWins",
    "MarketoWins",
    "MergeResult",
    "MostRestrictive",
    "PerField",
    "Policy",
    "PolicyLike",
    "PreferNonEmpty",
    "Resolution",
    "as_policy",
    "decide",
    "default_policy",
    "merge_record",
]
