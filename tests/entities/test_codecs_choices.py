"""Option sets: as a number, as a member of the user's own Enum, and several at once."""

from __future__ import annotations

from enum import Enum, IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_dynamics_sync.entities import Option
from marketo_dynamics_sync.entities.codecs import ChoiceCodec, EnumCodec, MultiChoiceCodec
from marketo_dynamics_sync.entities.codecs.choices import enum_label
from marketo_dynamics_sync.errors import MappingError

from .laws import comes_back, dynamics, marketo, refused

SOURCES = (Option(1, "Advertisement"), Option(8, "Web"), Option(100_000_001, " Größe XL "))
#: Labels as people make them: alike, in other letter cases, blank, padded, with what separates them.
LABELS = st.sampled_from(["Web", "web", "Web ", "", "  ", "A; B", "A, B", "Größe", "GRÖSSE", "Other"]) | st.text(
    st.characters(codec="utf-8"), max_size=5
)
OPTION_SETS = st.dictionaries(
    st.integers(100, 2**31 - 1), st.tuples(LABELS, st.lists(LABELS, max_size=3)), min_size=1, max_size=6
).map(lambda found: tuple(Option(v, label, aliases=tuple(others)) for v, (label, others) in found.items()))


class Tier(Enum):
    GOLD = 1
    SILVER = 2
    NOT_RATED = -3


class Labelled(Enum):
    """Members whose labels are each other's names."""

    LEFT = 1
    RIGHT = 2

    @property
    def label(self) -> str:
        return "Right" if self is Labelled.LEFT else "Left"


def choice(options: tuple[Option, ...] = SOURCES, kind: str = "string") -> ChoiceCodec:
    return ChoiceCodec().bind(marketo(kind), dynamics("Picklist", options=options))


def test_marketo_shows_the_label_and_dynamics_the_number() -> None:
    codec = choice()
    assert codec.to_marketo(8) == "Web"
    assert codec.to_dynamics(8) == 8
    assert codec.label(8) == "Web"
    assert codec.label(9) == "9"
    assert ChoiceCodec().to_marketo(8) == "8", "nothing is known of the option set yet"


@pytest.mark.parametrize("text", ["Web", " web", "WEB ", "8", " 8 "])
def test_a_label_is_found_in_any_letter_case_and_by_its_number(text: str) -> None:
    assert choice().from_marketo(text) == 8


def test_case_folding_knows_more_than_ascii() -> None:
    assert choice().from_marketo("GRÖSSE XL") == 100_000_001


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_choice_is_no_choice(nothing: str | None) -> None:
    for codec in (choice(), EnumCodec(Tier), MultiChoiceCodec()):
        assert codec.from_marketo(nothing) is None
        assert codec.from_dynamics(None) is None
        comes_back(codec, None)


@given(OPTION_SETS, st.sampled_from(["string", "text", "integer", "score"]))
def test_every_option_comes_back_whatever_its_label(options: tuple[Option, ...], kind: str) -> None:
    codec = choice(options, kind)
    for option in options:
        comes_back(codec, option.value)


def test_a_label_in_another_language_is_read_where_it_means_one_option() -> None:
    options = (
        Option(1, "Heiß", aliases=("Hot", "Chaud", "Heiß")),
        Option(2, "Kalt", aliases=("Cold", "Froid")),
        Option(3, "Cold", aliases=("Frozen", "Froid")),
    )
    for codec in (choice(options), several(options).choice):
        assert [codec.from_marketo(text) for text in ("hot", "CHAUD", " Frozen ", "Heiß")] == [1, 1, 3, 1]
        assert codec.from_marketo("Cold") == 3, "what is shown counts more than what another is called elsewhere"
        assert refused(codec.from_marketo, "Froid") == "unknown-option"
        assert codec.to_marketo(1) == "Heiß"
    member = EnumCodec(Tier).bind(marketo("string"), dynamics("Picklist", options=options))
    assert member.from_marketo("Chaud") is Tier.GOLD


def test_two_options_with_one_label_are_told_apart_by_their_numbers() -> None:
    codec = choice((Option(1, "Other"), Option(2, "other "), Option(3, "Web")))
    assert codec.to_marketo(1) == "Other (1)"
    assert codec.to_marketo(2) == "other (2)"
    assert codec.to_marketo(3) == "Web"
    assert refused(codec.from_marketo, "Other") == "unknown-option"
    tricky = choice((Option(1, "Other"), Option(2, "Other"), Option(3, "Other (1)"), Option(4, "")))
    for value in (1, 2, 3, 4):
        comes_back(tricky, value)


@pytest.mark.parametrize("raw", ["Carrier pigeon", True, 1.5, ["Web"], "--5", "- 5", "9" * 5000])
def test_what_is_no_option_is_refused(raw: object) -> None:
    assert refused(choice().from_marketo, raw) == "unknown-option"


@pytest.mark.parametrize("raw", ["8", True, 8.0])
def test_dynamics_numbers_are_whole_numbers(raw: object) -> None:
    assert refused(choice().from_dynamics, raw) == "unknown-option"


def test_a_number_the_option_set_no_longer_has_reaches_marketo_but_never_dynamics() -> None:
    codec = choice()
    assert codec.from_dynamics(77) == 77
    assert codec.to_marketo(77) == "77"
    assert codec.from_marketo("77") == 77, "what we wrote is no edit"
    assert refused(codec.to_dynamics, 77) == "unknown-option"
    assert choice(()).to_dynamics(77) == 77, "an option set that isn't described refuses nothing"


def test_a_number_field_of_marketo_holds_the_number() -> None:
    codec = choice(kind="integer")
    assert codec.to_marketo(8) == 8
    assert codec.from_marketo(8) == 8
    assert codec.to_marketo(None) is None


def test_labels_stay_known_without_a_column() -> None:
    assert choice().bind(marketo("string"), None).from_marketo("Web") == 8


@pytest.mark.parametrize("codec", [ChoiceCodec(), EnumCodec(Tier)])
def test_choices_fit_option_sets_only(codec: ChoiceCodec | EnumCodec[Tier]) -> None:
    for kind in ("Picklist", "State", "Status"):
        codec.bind(marketo("string"), dynamics(kind))
    with pytest.raises(MappingError, match="of type 'MultiSelectPicklist'; a choice can't be kept there"):
        codec.bind(marketo("string"), dynamics("MultiSelectPicklist"))
    with pytest.raises(MappingError, match="of type 'boolean'"):
        codec.bind(marketo("boolean"), dynamics("Picklist"))


@pytest.mark.parametrize("member", Tier)
def test_members_come_back(member: Tier) -> None:
    comes_back(EnumCodec(Tier), member)
    comes_back(EnumCodec(Tier).bind(marketo("integer"), dynamics("Picklist")), member)


def test_a_member_is_its_label_in_marketo_and_its_number_in_dynamics() -> None:
    codec = EnumCodec(Tier)
    assert codec.to_marketo(Tier.NOT_RATED) == "Not rated"
    assert codec.to_dynamics(Tier.NOT_RATED) == -3
    assert codec.dump(Tier.GOLD) == 1
    assert codec.bind(marketo("score"), None).to_marketo(Tier.GOLD) == 1
    assert codec.examples() == (Tier.GOLD, Tier.SILVER, Tier.NOT_RATED)


@pytest.mark.parametrize("raw", ["Not rated", " NOT RATED ", "not_rated", "-3", -3, "Without rating"])
def test_a_member_is_found_by_label_name_number_and_dataverses_label(raw: object) -> None:
    codec = EnumCodec(Tier).bind(
        marketo("string"), dynamics("Picklist", options=(Option(-3, "Without rating "), Option(9, "Not ours")))
    )
    assert codec.from_marketo(raw) is Tier.NOT_RATED  # type: ignore[arg-type]  # any JSON


@pytest.mark.parametrize("raw", ["Bronze", 4, True, 1.0, ["Gold"], "--3"])
def test_what_is_no_member_is_refused(raw: object) -> None:
    codec = EnumCodec(Tier)
    assert refused(codec.from_marketo, raw) == "unknown-option"
    assert refused(codec.from_dynamics, raw) == "unknown-option"


def test_a_members_own_label_counts_more_than_names_and_dataverses_labels() -> None:
    assert enum_label(Labelled.LEFT) == "Right"
    swapped = (Option(1, "Left"), Option(2, "Right"))
    for codec in (
        EnumCodec(Labelled),
        EnumCodec(Labelled).bind(marketo("string"), dynamics("Status", options=swapped)),
    ):
        for member in Labelled:
            comes_back(codec, member)


def test_a_member_that_the_column_doesnt_have_is_not_written() -> None:
    codec = EnumCodec(Tier).bind(marketo("string"), dynamics("Picklist", options=(Option(1, "Gold"),)))
    assert codec.to_dynamics(Tier.GOLD) == 1
    assert refused(codec.to_dynamics, Tier.SILVER) == "unknown-option"
    assert codec.to_marketo(Tier.SILVER) == "Silver"


def test_members_carry_whole_numbers() -> None:
    class Wrong(Enum):
        A = "a"

    class Yes(Enum):
        A = True

    class Right(IntEnum):
        A = 1

    with pytest.raises(MappingError, match=r"Wrong\.A is str: the members of an option set carry"):
        EnumCodec(Wrong)
    with pytest.raises(MappingError, match=r"Yes\.A is bool"):
        EnumCodec(Yes)
    comes_back(EnumCodec(Right), Right.A)


def several(options: tuple[Option, ...], most: int | None = None) -> MultiChoiceCodec:
    return MultiChoiceCodec().bind(marketo("text", max_length=most), dynamics("MultiSelectPicklist", options=options))


def test_several_choices_are_labels_in_marketo_and_numbers_in_dynamics() -> None:
    codec = several(SOURCES)
    assert codec.to_marketo(frozenset({8, 1})) == "Advertisement; Web"
    assert codec.to_dynamics(frozenset({8, 1})) == "1,8"
    assert codec.from_marketo("web;Advertisement; ") == frozenset({1, 8})
    assert codec.from_dynamics("8, 1") == frozenset({1, 8})
    assert codec.dump(frozenset({8, 1})) == [1, 8]


@given(OPTION_SETS, st.data())
def test_any_set_of_options_comes_back(options: tuple[Option, ...], data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.sampled_from([o.value for o in options]), min_size=1).map(frozenset))
    comes_back(several(options), chosen)
    comes_back(MultiChoiceCodec(), chosen)


@pytest.mark.parametrize("raw", ["", ";", " ; ", None])
def test_no_choices_are_none(raw: str | None) -> None:
    assert several(SOURCES).from_marketo(raw) is None
    assert MultiChoiceCodec().from_dynamics("" if raw is None else None) is None
    assert MultiChoiceCodec().from_dynamics(",") is None


def test_an_empty_set_clears() -> None:
    codec = MultiChoiceCodec()
    assert codec.to_marketo(frozenset()) is None
    assert codec.to_dynamics(frozenset()) is None
    assert codec.dump(frozenset()) is None
    assert codec.load([]) is None


def test_several_choices_that_are_none_are_refused() -> None:
    codec = several(SOURCES)
    assert refused(codec.from_marketo, "Web; Carrier pigeon") == "unknown-option"
    assert refused(codec.from_marketo, 8) == "unknown-option"
    assert refused(codec.from_dynamics, "1,x") == "unknown-option"
    assert refused(codec.to_dynamics, frozenset({8, 77})) == "unknown-option"


def test_limits_of_both_sides() -> None:
    codec = MultiChoiceCodec()
    assert codec.to_dynamics(frozenset(range(150))) is not None
    assert refused(codec.to_dynamics, frozenset(range(151))) == "too-many"
    short = several(SOURCES, most=10)
    assert short.to_marketo(frozenset({8})) == "Web"
    assert refused(short.to_marketo, frozenset({1, 8})) == "too-long"


def test_several_choices_fit_multi_select_columns_only() -> None:
    bound = several(SOURCES).bind(None, None)
    assert bound.from_marketo("Web") == frozenset({8}), "labels stay known without a column"
    with pytest.raises(MappingError, match="of type 'Picklist'; a set of choices"):
        MultiChoiceCodec().bind(marketo("string"), dynamics("Picklist"))
    with pytest.raises(MappingError, match="of type 'integer'"):
        MultiChoiceCodec().bind(marketo("integer"), dynamics("MultiSelectPicklist"))
