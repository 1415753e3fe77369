"""Labels of options in the language that was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketo_dynamics_sync.connectors.dynamics.language import language_name, locale_id
from marketo_dynamics_sync.entities import Lead, bind
from marketo_dynamics_sync.errors import ConfigurationError, ResponseError
from marketo_dynamics_sync.sandbox.http import Response
from marketo_dynamics_sync.testing import described_person

LEAD = Lead.__entity__
GERMAN = {1: "Heiß", 2: "Warm", 3: "Kalt"}


def bench_in(make: Callable[..., object], language: object, user: int | None = None):
    bench = make(connector={"language": language})
    bench.service.speak(1031, 1036, user=user)
    bench.service.translate("lead", "leadqualitycode", 1031, GERMAN)
    bench.service.translate("lead", "leadqualitycode", 1036, {1: "Chaud"})
    return bench


def ratings(bench) -> dict[int, str]:
    return {o.value: o.label for o in bench.connector.describe(LEAD).fields["leadqualitycode"].options}


@pytest.mark.parametrize("language", [1031, "1031", "de-DE", "de", " DE_de "])
def test_labels_come_in_the_language_asked_for(make, language) -> None:
    assert ratings(bench_in(make, language)) == GERMAN


@pytest.mark.parametrize(("user", "expected"), [(None, "Hot"), (1031, "Heiß"), (1036, "Chaud")])
def test_without_one_they_come_in_the_sync_users_own(make, user: int | None, expected: str) -> None:
    bench = bench_in(make, None, user)
    assert ratings(bench)[1] == expected
    assert bench.connector.calls.metadata == 2


def test_an_option_that_nobody_translated_comes_as_the_sync_user_reads_it(make) -> None:
    assert ratings(bench_in(make, "fr", 1031)) == {1: "Chaud", 2: "Warm", 3: "Kalt"}


def test_the_languages_of_the_environment_are_asked_for_once(make) -> None:
    bench = bench_in(make, "de")
    ratings(bench)
    bench.time.clock.advance(hours=2)
    bench.connector.refresh()
    ratings(bench)
    assert bench.connector.calls.metadata == 5


def test_a_language_that_the_environment_does_not_have_is_an_error_that_lists_those_it_has(make) -> None:
    bench = bench_in(make, "ja")
    said = r"1041 \(ja-JP\); it has 1031 \(de-DE\), 1033 \(en-US\), 1036 \(fr-FR\)"
    with pytest.raises(ConfigurationError, match=said):
        bench.connector.describe(LEAD)
    line = next(check for check in bench.connector.check([LEAD]) if check.name == "language")
    assert not line.passed
    assert "language=" in line.remedy


def test_the_preflight_says_the_language(make) -> None:
    lines = bench_in(make, "de").connector.check([LEAD])
    assert [check.detail for check in lines if check.name == "language"] == ["labels of options come in 1031 (de-DE)"]
    assert not [check for check in bench_in(make, None).connector.check([LEAD]) if check.name == "language"]


@pytest.mark.parametrize(
    ("language", "said"), [("xx", "no language"), ("", "no language"), (0, "no language"), (True, "no language"),
                           ("zh", "any of zh-CN, zh-HK, zh-TW"), (2.5, "no language")]
)  # fmt: skip
def test_what_is_no_language_is_refused_at_once(make, language: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make(connector={"language": language})


def test_a_locale_id_without_a_name_is_taken_as_it_is() -> None:
    assert locale_id(4_096) == 4_096
    assert language_name(4_096) == "4096"


def test_an_answer_without_languages_is_no_answer(make) -> None:
    bench = make(connector={"language": "de"})
    bench.service.on_request = lambda request: (
        Response(200, [("Content-Type", "application/json")], b"{}") if "Languages" in request.path else None
    )
    with pytest.raises(ResponseError, match="languages"):
        bench.connector.describe(LEAD)


def test_a_label_in_any_language_is_understood_and_the_asked_one_is_written(make) -> None:
    connector = bench_in(make, "de").connector
    codec = bind(LEAD, described_person(Lead), connector.describe(LEAD)).fields["rating"].codec
    assert codec.to_marketo(1) == "Heiß"
    assert [codec.from_marketo(label) for label in ("Heiß", "heiß", "Hot", "CHAUD", "Kalt")] == [1, 1, 1, 1, 3]
