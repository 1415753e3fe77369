"""Messages never repeat what people typed."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketo_dynamics_sync.connectors.marketo.scrub import field_in, scrub


@pytest.mark.parametrize(
    ("message", "scrubbed", "field"),
    [
        ("Invalid value for field 'email' and value 'x@y.zz'", "Invalid value for field 'email'", "email"),
        ("Invalid value for field 'a' and value 'it's \"his\"'", "Invalid value for field 'a'", "a"),
        ("Value for required field 'email' not specified", "Value for required field 'email' not specified", "email"),
        ("Lead '7149' not found", "Lead '7149' not found", None),
        ("Lead 'Ada' not found", "Lead '…' not found", None),
        ("Max rate limit '100' exceeded with in '20' secs", "Max rate limit '100' exceeded with in '20' secs", None),
        ("Invalid value for parameter 'nextPageToken'", "Invalid value for parameter 'nextPageToken'", None),
        ("ada@example.com is taken", "… is taken", None),
        ("  two\n lines ", "two lines", None),
        ("", "", None),
    ],
)
def test_what_stays(message, scrubbed, field):
    assert scrub(message) == scrubbed
    assert field_in(message) == field


def test_what_was_sent_is_taken_out_wherever_it_stands():
    assert scrub("Duplicate of Lovelace in field 'lastName'", ["Lovelace", "lastName", 7, None]) == (
        "Duplicate of … in field 'lastName'"
    )


def test_long_messages_are_cut():
    assert len(scrub("word " * 500)) == 300


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n"), min_size=1).filter(str.strip))
def test_no_value_survives(value):
    assume(value.strip() not in "Invalid value for field 'email' and value")
    shown = scrub(f"Invalid value for field 'email' and value '{value}'")
    assert shown == "Invalid value for field 'email'"
