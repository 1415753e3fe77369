"""One bad record among a thousand: it stands alone in a few calls, all others land, and it is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from marketo_dynamics_sync import Brake, SyncEngine
from marketo_dynamics_sync.entities import Entity, Lead, mapped
from marketo_dynamics_sync.sandbox import fault_kinds
from marketo_dynamics_sync.sandbox.http import App, Middleware, Request, Response
from tests.end_to_end.conftest import Pair

ROWS = 1000
#: A thousand halved until one is left: ten times two calls, and the first.
MOST = 21


def refuse_with(fault: Middleware) -> Middleware:
    """Refuse every request that carries a poisoned record, as a whole."""

    def poisoned(request: Request, forward: App) -> Response:
        return fault(request, forward) if b"poison" in request.body else forward(request)

    return poisoned


def in_process(pair: Pair, kind: type[Entity] = Lead) -> SyncEngine:
    client = pair.stack.enter_context(pair.sandbox.client())
    marketo = pair.marketo("https://123-abc-456.mktorest.com", client=client)
    return pair.engine(
        [kind], marketo=marketo, dynamics=pair.dynamics("https://contoso.crm.dynamics.com", client=client)
    )


def rows(pair: Pair, bad: Sequence[int] = ()) -> list[str]:
    return [
        pair.sandbox.dynamics.create(
            "lead", lastname=f"L{n}", emailaddress1=f"l{n}@example.com", jobtitle="poison" if n in bad else "fine"
        )
        for n in range(ROWS)
    ]


def value_refused(request: Request, forward: App) -> Response:
    body = b'{"requestId":"1#1","success":false,"errors":[{"code":"1003","message":"Value too odd"}]}'
    return Response(200, [("Content-Type", "application/json")], body)


MARKETO = {"1003": value_refused, "611": fault_kinds.marketo_error("611")}


@pytest.mark.parametrize("code", MARKETO)
@pytest.mark.parametrize("bad", [[0], [999], [500], [3, 4, 290, 301, 650, 900]], ids=str)
def test_marketo_refuses_whole_calls_and_all_others_land(pair: Pair, code: str, bad: list[int]) -> None:
    ids = rows(pair, bad)
    pair.sandbox.faults.script(refuse_with(MARKETO[code]), service="marketo", writes=True, times=None)
    engine = in_process(pair)
    report = engine.run()
    usual = -(-ROWS // 300)
    assert report.complete
    assert {item.id for item in pair.store.rejected()} == {ids[n] for n in bad}
    assert len(pair.sandbox.marketo.persons()) == ROWS - len(bad)
    assert report.marketo_calls.writes - usual <= MOST * len(bad)
    (first, *_) = pair.store.rejected()
    assert (first.code, first.attempts, first.operation) == (code, 1, "create")
    assert first.message


@pytest.mark.parametrize("bad", [[0], [999], [500], [3, 4, 290, 301, 650, 900]], ids=str)
def test_dynamics_refuses_whole_batches_and_all_others_land(pair: Pair, bad: list[int]) -> None:
    ids = rows(pair)
    engine = in_process(pair)
    engine.run()
    for n, row in enumerate(ids):
        pair.sandbox.marketo.update_person(
            int(str(pair.person_of("lead", row)["id"])), title="poison" if n in bad else "new"
        )
    pair.sandbox.faults.script(
        refuse_with(fault_kinds.dynamics_error("0x80060888", "can't be read")),
        service="dynamics",
        writes=True,
        times=None,
    )
    pair.sandbox.clock.advance(60)
    report = engine.run(release=[Brake.CHANGES])
    assert {item.id for item in pair.store.rejected()} == {str(pair.person_of("lead", ids[n])["id"]) for n in bad}
    landed = [row for row in pair.sandbox.dynamics.all_rows("lead") if row["jobtitle"] == "new"]
    assert len(landed) == ROWS - len(bad)
    assert report.dynamics_calls.writes <= MOST * len(bad)


def test_a_refused_record_waits_longer_each_time_and_resolves_by_itself(pair: Pair) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="L", emailaddress1="l@example.com", jobtitle="poison")
    script = pair.sandbox.faults.script(value_refused, service="marketo", writes=True, times=None)
    engine = in_process(pair)
    engine.run()
    waits = []
    for attempt in range(1, 5):
        (item,) = pair.store.rejected()
        assert (item.code, item.attempts, item.id) == ("1003", attempt, row)
        assert "Value too odd" in item.message
        waits.append(item.next_at - pair.sandbox.clock.now())
        tried = script.happened
        pair.sandbox.clock.advance(waits[-1].total_seconds() - 30)
        engine.run()
        assert script.happened == tried, "not due"
        pair.sandbox.clock.advance(60)
        engine.run()
        assert script.happened == tried + 1
    assert [round(wait / timedelta(minutes=5)) for wait in waits] == [1, 2, 4, 8]
    pair.sandbox.faults.clear()
    (item,) = pair.store.rejected()
    pair.sandbox.clock.advance((item.next_at - pair.sandbox.clock.now()).total_seconds() + 1)
    engine.run()
    assert not list(pair.store.rejected())
    assert pair.person_of("lead", row)["title"] == "poison"


def test_a_refused_record_is_tried_at_once_when_it_changes(pair: Pair) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="L", emailaddress1="l@example.com", jobtitle="poison")
    pair.sandbox.faults.script(refuse_with(value_refused), service="marketo", writes=True, times=None)
    engine = in_process(pair)
    engine.run()
    pair.sandbox.dynamics.update("lead", row, jobtitle="healed")
    pair.sandbox.clock.advance(10)
    engine.run()
    assert not list(pair.store.rejected())
    assert pair.person_of("lead", row)["title"] == "healed"


def test_a_refused_record_is_tried_at_once_when_the_mapping_changes(pair: Pair) -> None:
    class Careful(Lead):
        """A lead that is never without a last name."""

        last_name: str | None = mapped(marketo="lastName", dynamics="lastname", required=True)

    pair.sandbox.dynamics.create("lead", lastname="L", emailaddress1="l@example.com", jobtitle="poison")
    pair.sandbox.faults.script(refuse_with(value_refused), service="marketo", writes=True, times=None)
    in_process(pair).run()
    pair.sandbox.clock.advance(10)
    in_process(pair).run()
    assert [item.attempts for item in pair.store.rejected()] == [1], "not due"
    in_process(pair, Careful).run()
    assert [item.attempts for item in pair.store.rejected()] == [2]
