"""The suite that every connector has to pass: the promises of the protocol, one test each.

Make a subclass in a test module, give it a ``bench`` fixture, and pytest runs the suite against your connector::

    class TestMyConnector(ConnectorSuite):
        @pytest.fixture
        def bench(self):
            return MyBench()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from ..connectors import ChangePage, Connector, Status, Write, WriteKind
from ..engine import PersonMerger
from ..entities import BoundEntity, Side

#: A row id that nobody has.
NOBODY = "00000000-0000-4000-8000-00000000dead"


class ConnectorBench(Protocol):
    """What the suite needs beside the connector: somebody who works in the service by hand.

    The entity needs a text field ``last_name``, a text field ``title`` and an e-mail field ``email``, all two-way, and
    a key field ``crm_id`` that is a lookup field in Marketo.
    """

    @property
    def connector(self) -> Connector:
        """The connector under test."""
        ...

    @property
    def entity(self) -> BoundEntity:
        """A person entity, bound to what the service describes."""
        ...

    def put(self, **values: object) -> str:
        """Make a record by hand, from canonical values by field name, and return its id."""
        ...

    def edit(self, record: str, **values: object) -> None:
        """Edit a record by hand."""
        ...

    def remove(self, record: str) -> None:
        """Delete a record by hand."""
        ...

    def settle(self) -> None:
        """Let time pass, so that everything done by hand shows in change streams."""
        ...


class ConnectorSuite:
    """The promises of :class:`~marketo_dynamics_sync.connectors.Connector`."""

    def test_it_says_which_side_and_which_instance_it_is(self, bench: ConnectorBench) -> None:
        """Side and identity are stable, and the identity says something."""
        assert bench.connector.side in (Side.MARKETO, Side.DYNAMICS)
        assert bench.connector.identity()
        assert bench.connector.identity() == bench.connector.identity()

    def test_it_describes_what_the_entity_is_bound_to(self, bench: ConnectorBench) -> None:
        """Every bound field is in the description, before and after a refresh."""
        definition, side = bench.entity.definition, bench.connector.side
        for _ in range(2):
            info = bench.connector.describe(definition)
            for bound in bench.entity.fields.values():
                native = bound.marketo if side is Side.MARKETO else bound.dynamics
                assert not native or native in info.fields
            bench.connector.refresh()
            bench.connector.refresh(certain=True)

    def test_a_first_read_starts_the_stream(self, bench: ConnectorBench) -> None:
        """Without a checkpoint a side that can list yields everybody; one that can't yields where now is."""
        ids = {bench.put(last_name=f"Name {n}", email=f"p{n}@example.com") for n in range(7)}
        bench.settle()
        pages = _read(bench, None)
        if bench.connector.capabilities.lists:
            assert all(page.listing for page in pages)
            assert ids <= {record.id for page in pages for record in page.records}
            assert ids <= {i for page in pages for i in page.present}
        else:
            assert not any(page.changed or page.records for page in pages)

    def test_nothing_new_yields_nothing_and_keeps_a_checkpoint(self, bench: ConnectorBench) -> None:
        """A second read in which nothing happened may tell old news again, but no third one does for ever."""
        bench.put(last_name="Byron", email="ada@example.com")
        bench.settle()
        pages = _read(bench, None)
        for _ in range(4):
            bench.settle()
            pages = _read(bench, _point(pages))
        assert not any(page.changed or page.records or page.deleted for page in pages)

    def test_changes_tell_everybody_who_changed(self, bench: ConnectorBench) -> None:
        """Made, edited and deleted records are all told, with an opaque text to go on from."""
        edited = bench.put(last_name="Byron", email="ada@example.com")
        gone = bench.put(last_name="Gone", email="gone@example.com")
        bench.settle()
        point = _point(_read(bench, None))
        bench.settle()
        bench.edit(edited, last_name="Lovelace")
        bench.remove(gone)
        made = bench.put(last_name="Hopper", email="grace@example.com")
        bench.settle()
        pages = _read(bench, point)
        touched = {i for page in pages for i in page.changed} | {r.id for page in pages for r in page.records}
        present = {i for page in pages for i in page.present}
        deleted = {i for page in pages for i in page.deleted}
        assert {edited, made} <= touched
        assert gone in deleted or (present and gone not in present)
        assert gone not in touched or gone in deleted

    def test_fetching_leaves_out_who_is_not_there_and_takes_any_number(self, bench: ConnectorBench) -> None:
        """Hundreds of ids, unknown ones among them, come back once each with their values."""
        ids = [bench.put(last_name=f"Name {n}", email=f"p{n}@example.com") for n in range(3)]
        strangers = [NOBODY if bench.connector.side is Side.DYNAMICS else "999999999"]
        found = bench.connector.fetch(bench.entity, [*ids, *strangers, *ids])
        assert sorted(record.id for record in found) == sorted(ids)
        assert {record.values["last_name"] for record in found} == {f"Name {n}" for n in range(3)}
        assert bench.connector.fetch(bench.entity, []) == []

    def test_finding_by_a_field_ignores_letter_case(self, bench: ConnectorBench) -> None:
        """Everybody whose field holds one of the values is found, also several for one value."""
        one = bench.put(last_name="Byron", email="Ada@Example.com")
        two = bench.put(last_name="Other", email="ada@example.com")
        bench.put(last_name="Hopper", email="grace@example.com")
        found = bench.connector.find(
            bench.entity, "email", ["ADA@example.com", "nobody@example.com", "o'x@example.com"]
        )
        assert sorted(record.id for record in found) == sorted([one, two])
        assert bench.connector.find(bench.entity, "email", []) == []

    def test_creates_and_updates_are_told_one_by_one_in_order(self, bench: ConnectorBench) -> None:
        """A record that is refused never stops its neighbours."""
        known = bench.put(last_name="Byron", email="ada@example.com")
        strangers = NOBODY if bench.connector.side is Side.DYNAMICS else "999999999"
        outcomes = bench.connector.write(
            [
                _new(bench, 1, last_name="Hopper", email="grace@example.com"),
                Write(bench.entity, WriteKind.UPDATE, strangers, {"title": "Nobody"}),
                Write(bench.entity, WriteKind.UPDATE, known, {"title": "Countess"}),
            ]
        )
        assert [outcome.status for outcome in outcomes] == [Status.CREATED, Status.GONE, Status.UPDATED]
        assert outcomes[1].problem is not None
        assert outcomes[2].id == known
        assert _values(bench, known)["title"] == "Countess"
        assert _values(bench, known)["last_name"] == "Byron", "what was not written stays"
        assert _values(bench, str(outcomes[0].id))["last_name"] == "Hopper"
        assert bench.connector.write([]) == []

    def test_a_create_that_is_repeated_makes_nobody_twice(self, bench: ConnectorBench) -> None:
        """The same create again meets the record of the first try."""
        create = _new(bench, 1, last_name="Hopper", email="grace@example.com")
        first, second = bench.connector.write([create])[0], bench.connector.write([create])[0]
        assert first.status is Status.CREATED
        assert second.status in (Status.EXISTS, Status.UPDATED)
        assert second.id == first.id
        assert len(bench.connector.find(bench.entity, "email", ["grace@example.com"])) == 1

    def test_a_guard_holds_back_a_write_over_somebody_elses(self, bench: ConnectorBench) -> None:
        """With a version that is old nothing is written; with the one just read it is."""
        if not bench.connector.capabilities.guards:
            return
        record = bench.put(last_name="Byron", email="ada@example.com")
        read = bench.connector.fetch(bench.entity, [record])[0]
        bench.edit(record, title="Poet")
        update = Write(bench.entity, WriteKind.UPDATE, record, {"title": "Countess"}, version=read.version)
        assert bench.connector.write([update])[0].status is Status.STALE
        assert _values(bench, record)["title"] == "Poet"
        fresh = bench.connector.fetch(bench.entity, [record])[0].version
        assert bench.connector.write([attrs.evolve(update, version=fresh)])[0].status is Status.UPDATED

    def test_empty_values_clear_a_field(self, bench: ConnectorBench) -> None:
        """``None`` is written as nothing, and read back as ``None``."""
        record = bench.put(last_name="Byron", email="ada@example.com", title="Poet")
        outcome = bench.connector.write([Write(bench.entity, WriteKind.UPDATE, record, {"title": None})])[0]
        assert outcome.status is Status.UPDATED
        assert _values(bench, record).get("title") is None

    def test_text_of_any_script_comes_back_as_it_was(self, bench: ConnectorBench) -> None:
        """Accents, other scripts and joined emoji survive a write and a read."""
        record = bench.put(last_name="Byron", email="ada@example.com")
        for text in ("Łukasz Çelik", "山田 太郎", "אבג", '👩‍🚀 & <b>"quoted"</b>', "a;b,c|d\\e"):
            bench.connector.write([Write(bench.entity, WriteKind.UPDATE, record, {"last_name": text})])
            assert _values(bench, record)["last_name"] == text

    def test_more_than_one_call_holds(self, bench: ConnectorBench) -> None:
        """Writes beyond the size of one call are split, and every outcome is told."""
        size = bench.connector.capabilities.write_size
        count = min(size + 5, 400)
        outcomes = bench.connector.write(
            [_new(bench, n, last_name=f"Name {n}", email=f"m{n}@example.com") for n in range(count)]
        )
        assert [outcome.status for outcome in outcomes] == [Status.CREATED] * count
        assert len({outcome.id for outcome in outcomes}) == count

    def test_a_merge_fills_what_is_empty_and_leaves_one_person(self, bench: ConnectorBench) -> None:
        """A connector that can merge persons keeps the winner's values, and says when there is nobody to merge."""
        connector = bench.connector
        if not bench.entity.definition.marketo.is_person or connector.side is not Side.MARKETO:
            return
        if not isinstance(connector, PersonMerger):
            return
        winner = bench.put(last_name="Byron", email="ada@example.com")
        loser = bench.put(last_name="King", email="king@example.com", title="Countess")
        assert connector.read_for_merge([winner, loser], ()).keys() == {winner, loser}
        assert connector.merge_persons(winner, loser).status is Status.UPDATED
        assert (_values(bench, winner)["last_name"], _values(bench, winner)["title"]) == ("Byron", "Countess")
        assert connector.fetch(bench.entity, [loser]) == []
        assert connector.read_for_merge([winner, loser], ()).keys() == {winner}
        assert connector.merge_persons(winner, loser).status is Status.GONE
        assert connector.write_for_merge(loser, {}).status is Status.GONE

    def test_calls_are_counted_and_the_preflight_never_raises(self, bench: ConnectorBench) -> None:
        """The count goes up with calls, and every line of the preflight has a name."""
        before = bench.connector.calls.total
        bench.connector.fetch(bench.entity, [bench.put(last_name="Byron", email="ada@example.com")])
        assert bench.connector.calls.total > before
        lines = bench.connector.check([bench.entity.definition])
        assert lines
        assert all(line.name and (line.passed or line.remedy) for line in lines)


def _read(bench: ConnectorBench, checkpoint: str | None) -> list[ChangePage]:
    return list(bench.connector.changes([bench.entity], checkpoint))


def _point(pages: Sequence[ChangePage]) -> str:
    points = [page.checkpoint for page in pages if page.checkpoint is not None]
    assert len(points) == 1, "the last page, and no other, says where to go on"
    assert pages[-1].checkpoint is not None
    return points[0]


def _new(bench: ConnectorBench, number: int, **values: object) -> Write:
    row = f"10000000-0000-4000-8000-{number:012d}"
    if bench.connector.capabilities.chooses_id:
        return Write(bench.entity, WriteKind.CREATE, row, values)
    return Write(bench.entity, WriteKind.CREATE, None, {"crm_id": row, **values}, lookup="crm_id")


def _values(bench: ConnectorBench, record: str) -> Mapping[str, object]:
    found = bench.connector.fetch(bench.entity, [record])
    assert [r.id for r in found] == [record]
    return found[0].values
