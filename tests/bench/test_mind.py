import pytest

from yanshi.bench.mind import SENTENCES, load_sentences, rows_of
from yanshi.core.errors import ConfigError
from yanshi.mind.language import PlanLanguage
from yanshi.mind.tongue import Tongue, hear
from yanshi.worlds.home import build_home

LANGUAGE = PlanLanguage.of(build_home(0).floor_plan)


def test_there_are_sixty_sentences_in_each_language_and_ten_in_traditional_script():
    tongues = [hear(sentence).tongue for sentence, _ in load_sentences(SENTENCES, LANGUAGE)]
    assert tongues.count(Tongue.EN) >= 60
    assert tongues.count(Tongue.HANS) + tongues.count(Tongue.HANT) >= 60
    assert tongues.count(Tongue.HANT) >= 10


@pytest.mark.parametrize(
    "line", ["{", '{"say": "go"}', '{"say": "go", "plans": ["go moon"]}', "[]", ""]
)
def test_a_file_that_holds_no_sentences_is_refused_with_an_example(tmp_path, line):
    path = tmp_path / "mine.jsonl"
    path.write_text(line + "\n", encoding="utf8")
    with pytest.raises(ConfigError, match=r"go door|no sentences"):
        load_sentences(path, LANGUAGE)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.jsonl"):
        load_sentences(tmp_path / "none.jsonl", LANGUAGE)


def test_figures_count_what_was_understood_and_how_fast():
    def trial(right, ms, source="model"):
        return {
            "wanted": ["go table; wave"],
            "language": "en",
            "is_right": right,
            "source": source,
            "latency_ms": ms,
            "stop_ms": 0.1,
        }

    rows = {row.name: row for row in rows_of([trial(True, 100), trial(False, 200)], 400.0)}
    assert rows["understood"].value == 0.5
    assert rows["understood, several steps"].n == 2
    assert rows["latency, median"].value == 150
    assert rows["memory"].passed
