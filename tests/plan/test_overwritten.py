"""An edit in Marketo that a write of ours overwrote: what is planned of it, and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve

from marketo_dynamics_sync.conflict import DecisionKind, DynamicsWins, Hold, LatestWins, MarketoWins, Policy
from marketo_dynamics_sync.entities import Account, Invalid, Record, Side, Values, bind
from marketo_dynamics_sync.plan import Known, Overwritten, Step, StepKind, plan_pair
from marketo_dynamics_sync.plan.known import Lost
from marketo_dynamics_sync.plan.overwritten import EDITED_AGAIN, UNREADABLE_THERE, told
from marketo_dynamics_sync.testing import described_object, described_table
from tests.bound import LEAD

ROW = "11111111-1111-1111-1111-111111111111"
#: Both agreed on Paris; marketing wrote Lisbon; our write of Porto, from Dynamics, overwrote it.
LOST = Lost("city", "Paris", "Lisbon", "Porto", "Lisbon")
NO_TEXT = evolve(LOST, value=Invalid("not-text", "not a text"), shown="\x00")
BASE = {"city": "Porto", "phone": "1"}
KNOWN = Known(LEAD, "7", ROW, base_marketo=BASE, base_dynamics=BASE, version='W/"1"', lost=(LOST,))


def planned(
    known: Known = KNOWN,
    *,
    policy: Policy | None = None,
    marketo: Values | None = BASE,
    dynamics: Values | None = None,
) -> Step:
    person = Record("7", marketo) if marketo is not None else None
    row = Record(ROW, dynamics, version='W/"2"') if dynamics is not None else None
    return plan_pair(known, marketo=person, dynamics=row, policy=policy or MarketoWins())


def bases(step: Step) -> tuple[object, object]:
    assert step.merge is not None
    return step.merge.base_marketo["city"], step.merge.base_dynamics["city"]


def test_an_edit_that_wins_is_put_back_on_both_sides() -> None:
    step = planned()
    assert (step.kind, step.marketo_id, step.dynamics_id, step.version) == (StepKind.SYNC, "7", ROW, 'W/"1"')
    assert (step.to_marketo, step.to_dynamics) == ({"city": "Lisbon"}, {"city": "Lisbon"})
    assert bases(step) == ("Lisbon", "Lisbon")
    assert step.overwritten == (Overwritten("city", "Paris", "Lisbon", "Porto", Side.MARKETO, "Marketo wins"),)
    assert step.known is KNOWN


def test_an_edit_that_loses_stays_overwritten_and_is_told() -> None:
    step = planned(policy=DynamicsWins())
    assert (step.to_marketo, step.to_dynamics) == ({}, {})
    assert bases(step) == ("Porto", "Porto")
    assert step.overwritten == (Overwritten("city", "Paris", "Lisbon", "Porto", Side.DYNAMICS, "Dynamics wins"),)


def test_an_edit_that_a_human_decides_about_is_put_back_in_marketo_alone() -> None:
    step = planned(policy=Hold())
    assert (step.to_marketo, step.to_dynamics) == ({"city": "Lisbon"}, {})
    assert [(d.field, d.kind) for d in step.decisions] == [("city", DecisionKind.HELD)]
    assert bases(step) == ("Paris", "Paris")
    assert [(item.winner, item.rule) for item in step.overwritten] == [(None, "held")]


def test_a_newer_value_in_dynamics_takes_part() -> None:
    step = planned(dynamics={"city": "Rome", "phone": "1"})
    assert (step.to_marketo, step.to_dynamics, step.version) == ({"city": "Lisbon"}, {"city": "Lisbon"}, 'W/"2"')
    assert [(item.dynamics, item.winner) for item in step.overwritten] == [("Rome", Side.MARKETO)]
    step = planned(dynamics={"city": "Rome", "phone": "1"}, policy=DynamicsWins())
    assert (step.to_marketo, step.to_dynamics) == ({"city": "Rome"}, {})


def test_where_dynamics_took_its_edit_back_the_edit_in_marketo_is_the_only_one() -> None:
    step = planned(dynamics={"city": "Paris", "phone": "1"}, policy=DynamicsWins())
    assert (step.to_marketo, step.to_dynamics) == ({"city": "Lisbon"}, {"city": "Lisbon"})
    assert [(item.dynamics, item.winner, item.rule) for item in step.overwritten] == [
        ("Paris", Side.MARKETO, step.decisions[0].rule)
    ]


def test_an_edit_that_both_made_is_nothing_to_tell() -> None:
    step = planned(dynamics={"city": "Lisbon", "phone": "1"})
    assert (step.to_marketo, step.to_dynamics, step.overwritten) == ({"city": "Lisbon"}, {}, ())


def test_other_fields_go_their_way_beside_it() -> None:
    step = planned(marketo={**BASE, "phone": "2"}, dynamics={**BASE, "first_name": "Ada"})
    assert step.to_marketo == {"city": "Lisbon", "first_name": "Ada"}
    assert step.to_dynamics == {"city": "Lisbon", "phone": "2"}
    assert [item.field for item in step.overwritten] == ["city"]


def test_nothing_is_put_back_before_the_person_is_read() -> None:
    step = planned(marketo=None, dynamics={**BASE, "phone": "2"})
    assert (step.to_marketo, step.to_dynamics) == ({"phone": "2"}, {})
    assert [(item.rule, item.winner) for item in step.overwritten] == [(EDITED_AGAIN, Side.MARKETO)]


@pytest.mark.parametrize(
    ("lost", "read", "rule", "winner"),
    [
        (LOST, {"city": "Oslo"}, EDITED_AGAIN, Side.MARKETO),
        (LOST, {"phone": "1"}, EDITED_AGAIN, Side.MARKETO),
        (
            evolve(LOST, value=Invalid("not-text", "not a text"), shown="\x00"),
            {"city": "Porto"},
            UNREADABLE_THERE,
            Side.DYNAMICS,
        ),
    ],
)
def test_what_was_edited_again_or_is_no_value_is_told_and_left(
    lost: Lost, read: Values, rule: str, winner: Side
) -> None:
    step = planned(evolve(KNOWN, lost=(lost,)), marketo={"phone": "1", **read})
    assert step.overwritten == (Overwritten("city", "Paris", lost.shown, "Porto", winner, rule),)
    assert "city" not in step.to_marketo
    assert step.to_dynamics == ({"city": "Oslo"} if read.get("city") == "Oslo" else {})


def test_what_marketo_made_of_our_value_counts_as_ours() -> None:
    known = evolve(KNOWN, lost=(evolve(LOST, written=" Porto "),))
    assert planned(known).to_marketo == {"city": "Lisbon"}


def test_of_several_edits_of_a_field_the_last_is_put_back_and_all_are_told() -> None:
    later = Lost("city", "Lisbon", "Madrid", "Porto", "Madrid")
    step = planned(evolve(KNOWN, lost=(LOST, later)))
    assert step.to_marketo == {"city": "Madrid"}
    assert step.overwritten == (
        Overwritten("city", "Paris", "Lisbon", "Porto", Side.MARKETO, EDITED_AGAIN),
        Overwritten("city", "Lisbon", "Madrid", "Porto", Side.MARKETO, "Marketo wins"),
    )


def test_a_cleared_field_is_cleared_again() -> None:
    known = evolve(KNOWN, lost=(evolve(LOST, value=None, shown=None),))
    step = planned(known)
    assert (step.to_marketo, step.to_dynamics) == ({"city": None}, {"city": None})


def test_a_form_of_the_rows_own_is_no_edit_beside_it() -> None:
    known = evolve(KNOWN, base_dynamics={**BASE, "phone": "01"})
    step = planned(known, dynamics={**BASE, "phone": "01"})
    assert (step.to_marketo, step.to_dynamics) == ({"city": "Lisbon"}, {"city": "Lisbon"})
    assert [decision.field for decision in step.decisions] == ["city"]


def test_a_row_that_was_read_without_the_field_holds_what_it_held() -> None:
    step = planned(dynamics={"phone": "1"}, policy=DynamicsWins())
    assert (step.to_marketo, step.to_dynamics) == ({}, {})
    assert step.overwritten == (Overwritten("city", "Paris", "Lisbon", "Porto", Side.DYNAMICS, "Dynamics wins"),)


@pytest.mark.parametrize(("hour", "city"), [(11, "Lisbon"), (13, "Rome")])
def test_the_times_of_both_records_count(hour: int, city: str) -> None:
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    step = plan_pair(
        KNOWN,
        marketo=Record("7", BASE, modified_at=noon),
        dynamics=Record(ROW, {**BASE, "city": "Rome"}, modified_at=noon.replace(hour=hour)),
        policy=LatestWins(Hold()),
    )
    assert step.to_marketo == {"city": city}
    assert [(item.dynamics, item.rule) for item in step.overwritten] == [("Rome", "latest wins")]


def test_an_edit_to_what_was_written_anyway_asks_for_nothing() -> None:
    step = planned(evolve(KNOWN, lost=(evolve(LOST, value="Porto", shown="Porto"),)))
    assert (step.to_marketo, step.to_dynamics, step.overwritten) == ({}, {}, ())
    assert bases(step) == ("Porto", "Porto")


def test_an_edit_that_no_decision_is_about_is_not_told() -> None:
    known = Known(LEAD, "1", "2", lost=(LOST,))
    assert told(known, {"city": LOST}, ()) == ()


def test_only_persons_leave_fields_to_their_company() -> None:
    account = bind(Account.__entity__, described_object(Account), described_table(Account))
    assert account.company_fields == frozenset()
    assert account.company_link is None
    assert "company" in LEAD.company_fields
