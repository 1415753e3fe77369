"""Rows as text are the rows that they are made of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.sandbox.dataverse.answers import json_answer
from marketo_dynamics_sync.sandbox.dataverse.rendering import Rendered, rendered

NAMES = ["lastname", "100%", 'with "quotes"', "%s"]
VALUES = st.none() | st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
ALWAYS = {"versionnumber": st.integers(1), "leadid": st.uuids().map(str)}
ROWS = st.lists(st.fixed_dictionaries(ALWAYS, optional=dict.fromkeys(NAMES, VALUES)))


@given(rows=ROWS)
def test_text_says_what_rows_say(rows: list[dict[str, object]]) -> None:
    names = [*NAMES, "leadid"]
    expected = [
        {"@odata.etag": f'W/"{row["versionnumber"]}"'} | {name: row.get(name) for name in names} for row in rows
    ]
    assert json.loads(rendered(rows, names).text) == expected


def test_rows_stand_where_they_belong_in_an_answer() -> None:
    data = {"@odata.context": 'x "value":[] y', "value": Rendered('[{"a":"\\n"}]'), "@odata.nextLink": "z"}
    assert json.loads(json_answer(data).body) == {**data, "value": [{"a": "\n"}]}


def test_a_page_of_plain_rows_is_that_of_annotated_ones(service, api) -> None:
    service.create("lead", lastname='Byron\u2028\n"x" %s 100%', numberofemployees=7)
    service.create("lead", firstname="Ünï", donotemail=True)
    select = "leads?$select=firstname,lastname,numberofemployees,donotemail,_ownerid_value,statecode"
    annotated = api.get(select, prefer='odata.include-annotations="*"').value
    plain = [{name: value for name, value in row.items() if "@" not in name[1:]} for row in annotated]
    assert api.get(select).value == plain
    assert api.get("leads?$select=lastname&$filter=lastname eq 'nobody'").value == []


@pytest.mark.parametrize("table", ["systemusers", "businessunits"])
def test_other_tables_are_shown_alike(api, table: str) -> None:
    rows = api.get(table).value
    key = f"{table[:-1]}id"
    for row in rows:
        single = api.get(f"{table}({row[key]})").json
        del single["@odata.context"]
        assert single == row
