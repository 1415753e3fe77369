"""Which two records are one. Pure: works on what was read, reads nothing itself."""

from .keys import Matching, MatchKey, fold_text, key_values
from .pairing import (
    AMBIGUOUS,
    NO_KEY,
    SHARED_KEY,
    Candidates,
    Many,
    Match,
    Nothing,
    One,
    group_by_key,
    pair,
)

__all__ = [
    "AMBIGUOUS",
    "NO_KEY",
    "SHARED_KEY",
    "Candidates",
    "Many",
    "Match",
    "MatchKey",
    "Matching",
    "Nothing",
    "One",
    "fold_text",
    "group_by_key",
    "key_values",
    "pair",
]
