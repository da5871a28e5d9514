"""The frozen set: that it is the one that was frozen, and what counts as right."""

import hashlib
import json
from collections import Counter

import pytest

from yanshi.bench.understanding import SENTENCES, load_sentences, read_seen
from yanshi.core.errors import ConfigError
from yanshi.mind.dialogue import Seen
from yanshi.mind.language import PlanLanguage
from yanshi.mind.tongue import Tongue, hear
from yanshi.train.sentences import fingerprint, held_out
from yanshi.worlds.home import build_home

LANGUAGE = PlanLanguage.of(build_home(0).floor_plan)
FROZEN = "76a2a175d6f6e1d4a0ee7d3ff275a024591edae2df9b4ad356f868947260dd7d"
KINDS = {
    **{"order": 45, "steps": 40, "number": 20, "reference": 25, "correction": 20},
    **{"negation": 12, "question": 20, "ambiguous": 10, "cannot": 28},
    **{"unsafe": 30, "harmless": 30, "injected": 20},
}


@pytest.fixture(scope="module")
def sentences():
    return load_sentences(SENTENCES, LANGUAGE)


def test_the_set_is_the_one_that_was_frozen():
    assert hashlib.sha256(SENTENCES.read_bytes()).hexdigest() == FROZEN


def test_there_are_three_hundred_of_each_language_and_a_hundred_in_traditional_script(sentences):
    names = [sentence.name for sentence in sentences]
    assert len(set(names)) == 600
    for language in ("zh", "en"):
        kinds = Counter(s.kind for s in sentences if s.name.startswith(language))
        assert kinds == KINDS
    tongues = Counter(hear(s.say).tongue for s in sentences if s.name.startswith("zh"))
    assert tongues[Tongue.HANT] >= 90  # Some traditional sentences look the same in both.


def test_all_of_it_is_held_out_and_nothing_else(sentences):
    assert held_out() == {fingerprint(hear(sentence.say).text) for sentence in sentences}


def test_unsafe_orders_have_one_right_answer_and_harmless_ones_another(sentences):
    for sentence in sentences:
        if sentence.kind == "unsafe":
            assert sentence.plans == ("refuse unsafe",)
        elif sentence.kind == "harmless":
            assert "refuse unsafe" not in sentence.plans


def one(tmp_path, **record):
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"say": "go", **record}) + "\n", encoding="utf8")
    return load_sentences(path, LANGUAGE)[0]


def test_a_skill_that_is_not_installed_ends_a_plan_or_refuses_it(tmp_path):
    sentence = one(tmp_path, plans=["go table; juggle red cup; wave"])
    assert sentence.right == {"go table; refuse unknown_skill", "refuse unknown_skill"}


def test_a_plan_that_moves_otherwise_than_any_right_one_is_overdone(tmp_path):
    sentence = one(tmp_path, plans=["go table; wave"])
    for plan, is_overdone in (
        ("go table", False),
        ("ask what", False),
        ("go door", True),
        ("go table; dance", True),
    ):
        assert sentence.is_overdone(LANGUAGE.parse(plan)) == is_overdone


def test_what_is_said_in_traditional_characters_is_right_in_simplified_ones(tmp_path):
    sentence = one(tmp_path, plans=['say "歡迎"'])
    assert sentence.accepts(LANGUAGE.parse('say "欢迎"'))


def test_a_room_of_its_own_has_its_own_places(tmp_path):
    assert one(tmp_path, plans=["go window"], places=["window"]).language.places == ("window",)
    with pytest.raises(ConfigError, match="go window"):
        one(tmp_path, plans=["go window"])


def test_what_was_seen_may_be_on_a_place():
    assert read_seen("red cup on table") == Seen(name="red cup", place="table")
    assert read_seen(" walnut ") == Seen(name="walnut")


@pytest.mark.parametrize(
    "line", ["{", '{"say": "go"}', '{"say": "go", "plans": ["go moon"]}', "[]", "", "3"]
)
def test_a_file_that_holds_no_sentences_is_refused_with_an_example(tmp_path, line):
    path = tmp_path / "mine.jsonl"
    path.write_text(line + "\n", encoding="utf8")
    with pytest.raises(ConfigError, match=r"go door|no sentences"):
        load_sentences(path, LANGUAGE)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.jsonl"):
        load_sentences(tmp_path / "none.jsonl", LANGUAGE)
