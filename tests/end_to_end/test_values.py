"""Days in every time zone, money in every currency, names in every script, lengths as each service counts them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import ClassVar

import pytest

from marketo_dynamics_sync.entities import JSON, Codec, Contact, Direction, Lead, Money, Opportunity, mapped
from marketo_dynamics_sync.sandbox.dataverse.metadata import Column
from marketo_dynamics_sync.sandbox.marketo import ObjectField, PersonField
from tests.end_to_end.conftest import Pair

ZONES = ["Pacific/Kiritimati", "Pacific/Niue", "Asia/Kolkata", "America/St_Johns", "Europe/Berlin", "UTC"]


class BornLead(Lead):
    """A lead with a day."""

    born: date | None = mapped(marketo="dateOfBirth", dynamics="new_born")


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The zone of the machine that runs the sync."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_a_day_is_the_same_day_on_both_sides_in_any_time_zone(pair: Pair, zone: str) -> None:
    columns = pair.sandbox.dynamics.tables["lead"].columns
    columns["new_born"] = Column("new_born", "DateTime", behavior="DateOnly", schema_name="new_Born")
    days = ["2024-02-29", "1999-12-31", "2026-03-29", "2026-10-25", "1815-12-10"]
    leads = [pair.sandbox.dynamics.create("lead", lastname=day, new_born=day) for day in days]
    engine = pair.engine([BornLead])
    pair.settle(engine)
    assert [pair.person_of("lead", row)["dateOfBirth"] for row in leads] == days
    for row, day in zip(leads, reversed(days), strict=True):
        pair.sandbox.marketo.update_person(int(str(pair.person_of("lead", row)["id"])), dateOfBirth=day)
    pair.settle(engine)
    stored = [(pair.sandbox.dynamics.row("lead", row) or {}).get("new_born") for row in leads]
    assert stored == [*reversed(days)]


class CurrencyCode(Codec[str]):
    """The ISO code of a row's currency, by the currencies of the environment."""

    name: ClassVar[str] = "currency code"

    def __init__(self, codes: Mapping[str, str]) -> None:
        self._codes = codes

    def column(self, name: str) -> str:
        """A currency is a lookup."""
        return f"_{name}_value"

    def read_row(self, row: Mapping[str, object], name: str) -> str | None:
        """Return the code."""
        return self.from_dynamics(row.get(self.column(name)))  # type: ignore[arg-type]  # rows are what JSON can say

    def from_dynamics(self, raw: JSON) -> str | None:
        """Return the code of a currency's id."""
        return None if raw is None else self._codes[str(raw).lower()]


EUR, YEN = "8a1f0f7e-0000-4000-8000-0000000000e1", "8a1f0f7e-0000-4000-8000-0000000000e2"


class Deal(Opportunity):
    """An opportunity with its currency, and its amount in the currency of the organization."""

    currency: str | None = mapped(
        marketo="currencyCode", dynamics="transactioncurrencyid", codec=CurrencyCode({EUR: "EUR", YEN: "JPY"})
    )
    amount_base: Money | None = mapped(marketo="amountBase", dynamics="estimatedvalue_base")


def test_money_carries_its_currency_and_its_base_amount(pair: Pair) -> None:
    dynamics, marketo = pair.sandbox.dynamics, pair.sandbox.marketo
    for item in (ObjectField("currencyCode"), ObjectField("amountBase", "currency")):
        marketo.add_object_field("opportunities", item)
    for row, code, rate in ((EUR, "EUR", 1.0), (YEN, "JPY", 160.0)):
        dynamics.create("transactioncurrency", transactioncurrencyid=row, currencyname=code, isocurrencycode=code)
        dynamics.rows.force("transactioncurrency", row, exchangerate=rate)
    deal = dynamics.create(
        "opportunity",
        name="Big one",
        estimatedvalue=16_000,
        isrevenuesystemcalculated=False,
        **{"transactioncurrencyid@odata.bind": f"/transactioncurrencies({YEN})"},
    )
    engine = pair.engine([Deal])
    pair.settle(engine)
    (record,) = marketo.objects("opportunities")
    assert (record["amount"], record["currencyCode"], record["amountBase"]) == (16_000, "JPY", 100)
    dynamics.update("opportunity", deal, estimatedvalue=320)
    pair.settle(engine)
    (record,) = marketo.objects("opportunities")
    assert Decimal(str(record["amountBase"])) == 2
    assert Deal.__entity__.direction is Direction.TO_MARKETO
    assert not pair.dynamics().describe(Deal.__entity__).fields["estimatedvalue_base"].updatable


NAMES = [
    "Łukasz Żółć", "Ōtani 大谷 翔平", "김민준", "Владимир Ёлкин", "Γιώργος Ναός", "אברהם בן־דוד", "محمد بن علي",
    "नरेंद्र क्षत्रिय", "ณัฐวุฒิ", "ქეთევან", "Գևորգ", "ትዕግስት", "Zoë D’Arcy-O’Neil", "ǅemal", "İbrahim ıI", "Straße ẞ",
    "👩‍🚀 𝔄𝔡𝔞", "e\u0301 is not é", "𠮷野家", "Nguyễn Thị Ánh",
]  # fmt: skip


@pytest.mark.parametrize("cls", [Lead, Contact])
def test_names_in_any_script_survive_both_ways(pair: Pair, cls: type[Lead] | type[Contact]) -> None:
    table = cls.__entity__.name
    rows = [pair.sandbox.dynamics.create(table, firstname=f"{n}", lastname=name) for n, name in enumerate(NAMES)]
    engine = pair.engine([cls])
    pair.settle(engine)
    assert [pair.person_of(table, row)["lastName"] for row in rows] == NAMES
    for row, name in zip(rows, reversed(NAMES), strict=True):
        pair.sandbox.marketo.update_person(int(str(pair.person_of(table, row)["id"])), lastName=name)
    pair.settle(engine)
    assert [(pair.sandbox.dynamics.row(table, row) or {})["lastname"] for row in rows] == [*reversed(NAMES)]
    assert [pair.person_of(table, row)["lastName"] for row in rows] == [*reversed(NAMES)]


@pytest.mark.parametrize(
    ("name", "fits"), [("x" * 50, True), ("語" * 50, True), ("😀" * 25, True), ("😀" * 25 + "x", False)]
)
def test_what_is_too_long_for_a_column_is_found_before_it_is_sent(pair: Pair, name: str, fits: bool) -> None:
    row = pair.sandbox.dynamics.create("lead", lastname="Byron")
    engine = pair.engine([Lead])
    pair.settle(engine)
    pair.sandbox.marketo.update_person(int(str(pair.person_of("lead", row)["id"])), firstName=name)
    pair.sandbox.clock.advance(60)
    pair.forget_calls()
    report = engine.run()
    assert (pair.sandbox.dynamics.row("lead", row) or {}).get("firstname") == (name if fits else None)
    assert bool(list(pair.store.parked("lead"))) is not fits
    assert (pair.writes == 1) is fits
    assert not report.rejected


class LongLead(Lead):
    """A lead with a column that holds more than a text area."""

    story: str | None = mapped(marketo="story", dynamics="new_story", direction=Direction.TO_MARKETO)


@pytest.mark.parametrize(
    ("text", "fits"), [("x" * 30_000, True), ("語" * 10_000, True), ("語" * 10_001, False), ("😀" * 7_501, False)]
)
def test_what_is_too_long_for_a_text_area_is_found_before_it_is_sent(pair: Pair, text: str, fits: bool) -> None:
    pair.sandbox.marketo.add_field(PersonField("story", "text"))
    columns = pair.sandbox.dynamics.tables["lead"].columns
    columns["new_story"] = Column("new_story", "Memo", max_length=100_000, schema_name="new_Story")
    row = pair.sandbox.dynamics.create("lead", lastname="Byron", new_story=text)
    engine = pair.engine([LongLead])
    report = engine.run()
    assert not report.rejected
    assert pair.person_of("lead", row).get("story") == (text if fits else None)
    assert [(p.field, p.reason) for p in pair.store.parked("lead")] == (
        [] if fits else [("story", "not valid for Marketo")]
    )
