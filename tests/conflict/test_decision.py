"""What a decision says, and what it keeps to itself."""

from __future__ import annotations

from marketo_dynamics_sync.conflict import Decision, DecisionKind, MergeResult
from marketo_dynamics_sync.entities import Side

DECISION = Decision("email", DecisionKind.CONFLICT, "v-1", "v-2", "v-3", Side.MARKETO, "v-2", "Marketo wins")


def test_a_decision_explains_itself_without_values() -> None:
    assert DECISION.explain() == "email: conflict (Marketo wins)"
    assert DECISION.explain("E-mail address") == "E-mail address: conflict (Marketo wins)"
    held = Decision("tier", DecisionKind.HELD, None, None, None, None, None, "invalid in Marketo", "not a label")
    assert held.explain() == "tier: held (invalid in Marketo: not a label)"


def test_no_value_is_shown() -> None:
    result = MergeResult({"email": "v-1"}, {"email": "v-2"}, {"email": "v-3"}, {"email": "v-4"}, (DECISION,))
    assert "v-" not in repr(DECISION)
    assert "v-" not in repr(result)
    assert "email" in repr(result)
