"""The parity page: complete, up to date, and every test it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attrs import evolve
from scripts.parity import BETTER, NOT_OURS, NOT_YET, PAGE, ROWS, SAME, Parity, ParityError, Row, collected, page, read

QUESTIONS = PAGE.with_name("open-questions.md")


def reference(shared: Path) -> str:
    path = shared / "reference" / "native-sync.md"
    if not path.is_file():
        pytest.skip("../shared/reference/native-sync.md is not beside this checkout")
    return path.read_text("utf-8")


def some(**changes: object) -> Parity:
    """Return a list of good rows; the seventh is another one."""
    rows = [Row(number, "Given, when, then.", "`x.md`", NOT_YET, note="later") for number in range(1, ROWS + 1)]
    rows[6] = evolve(rows[6], **changes)
    return Parity(rows, {1: "All"})


def test_the_page_says_what_the_list_says() -> None:
    assert PAGE.read_text("utf-8") == page(read(), collected()), "run make parity"


def test_every_row_is_there_once_in_order_with_one_status() -> None:
    blocks = [block for block in PAGE.read_text("utf-8").split("\n\n") if re.match(r"\*\*\d+\.\*\* ", block)]
    assert [int(block[2:].split(".")[0]) for block in blocks] == list(range(1, ROWS + 1))
    assert {len(re.findall(r"^→ \*\*", block, re.M)) for block in blocks} == {1}
    assert all("\nSource: " in block for block in blocks)


def test_the_counts_add_up() -> None:
    text = PAGE.read_text("utf-8")
    counts = {status: int(number) for status, number in re.findall(r"^\| ([a-z ]+) \| (\d+) \|$", text, re.M)}
    assert sum(counts[status] for status in (SAME, BETTER, NOT_OURS, NOT_YET)) == counts["all"] == ROWS


def test_rows_are_those_of_the_reference(shared: Path) -> None:
    found = re.findall(r"^(\d+)\. (.*?)(?: `(INFER|SFDC|COMMUNITY)`)? — (.*)$", reference(shared), re.M)
    told = {int(number): (native, evidence, source) for number, native, evidence, source in found}
    # "Section 5" of the reference is the default field mapping.
    told[142] = (told[142][0].replace("section 5", "the default field mapping"), *told[142][1:])
    assert {row.number: (row.native, row.evidence, row.source) for row in read().rows} == told


def test_a_good_list_is_a_page() -> None:
    test = "tests/a.py::test_b"
    text = page(some(status=SAME, note="and more", tests=[test], evidence="INFER"), {test})
    assert "\n\n## All\n\n**1.** Given, when, then.\\\n→ **not yet**: later\\\nSource: `x.md`\n\n" in text
    assert f"\n→ **same as native**: and more\\\nShown by `{test}`\\\nSource: `x.md` (inferred)\n" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"number": 203}, "row 7 is missing\nrow 203 is beyond"),
        ({"number": 8}, "row 7 is missing\nrow 8 is there 2 times"),
        ({"status": ""}, "row 7: '' is no status"),
        ({"status": "nearly"}, "row 7: 'nearly' is no status"),
        ({"status": SAME}, "row 7: no test shows that it is same"),
        ({"status": BETTER}, "row 7: no test shows that it is better"),
        ({"status": NOT_OURS, "note": ""}, "row 7: .* wants a note"),
        ({"evidence": "HEARSAY"}, "row 7: 'HEARSAY' is no kind of evidence"),
        ({"tests": ["tests/a.py::test_gone"]}, "row 7: there is no test tests/a.py::test_gone"),
    ],
)
def test_a_list_with_a_mistake_is_no_page(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ParityError, match=says):
        page(some(**changes), {"tests/a.py::test_b"})


def test_a_list_needs_a_first_section() -> None:
    with pytest.raises(ParityError, match="first section"):
        page(Parity(some().rows, {}), ())


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "parity.toml"
    path.write_text('[[section]]\ntitle = "A"\nfirst = 1\n[[row]]\nnumber = 1\nstate = "x"\n', encoding="utf-8")
    with pytest.raises(ParityError, match=r"parity\.toml: .*state"):
        read(path)


def test_tests_are_found_in_modules_and_classes(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "room"
    folder.mkdir(parents=True)
    source = "def test_a(): ...\nasync def test_b(): ...\ndef helper(): ...\nclass TestC:\n    def test_d(self): ...\n"
    (folder / "test_x.py").write_text(source, encoding="utf-8")
    names = {"test_a", "test_b", "TestC::test_d"}
    assert collected(tmp_path) == {f"tests/room/test_x.py::{name}" for name in names}


def test_the_open_questions_name_tests_that_are_there() -> None:
    text = QUESTIONS.read_text("utf-8")
    named = set(re.findall(r"`(tests/[^`]+)`", text))
    assert named
    assert named <= collected()


def test_the_open_questions_are_those_of_the_reference(shared: Path) -> None:
    part = reference(shared).split("### B. ")[1].split("\n### ")[0]
    questions = re.findall(r"^\| (\d+) \| (.*?) \|", part, re.M)
    assert questions == re.findall(r"^\| (\d+) \| (.*?) \|", QUESTIONS.read_text("utf-8"), re.M)
