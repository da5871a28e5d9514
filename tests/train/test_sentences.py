"""The sentences that train the mind, against the language that the mind speaks."""

import random
import re
from collections import Counter
from itertools import islice

import pytest

from yanshi.mind.language import PlanLanguage
from yanshi.mind.tongue import Tongue, hear
from yanshi.policies.repertoire import repertoire
from yanshi.train import sentences
from yanshi.train.counting import metres_en, metres_zh, number_en, number_zh, seconds_en
from yanshi.train.sentences import (
    Example,
    Speaker,
    examples,
    fingerprint,
    held_out,
    plural,
)
from yanshi.worlds.home import build_home
from yanshi.worlds.things import COLOURS, THING_KINDS

N = 4000
LANGUAGE = PlanLanguage.of(build_home(0).floor_plan).draft


@pytest.fixture(scope="module")
def sample():
    return list(islice(examples(7), N))


def test_every_plan_that_is_taught_is_a_plan(sample):
    for example in sample:
        assert str(LANGUAGE.parse(example.plan)) == example.plan


def test_no_slot_and_no_choice_is_left_open(sample):
    for example in sample:
        assert not set("{}[]|") & set(example.sentence + example.plan)


def test_the_same_seed_gives_the_same_sentences_and_another_gives_others():
    first, again, other = (list(islice(examples(seed), 50)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_every_word_of_the_language_is_taught(sample):
    words = Counter(word for example in sample for word in example.plan.replace(";", "").split())
    places = [place.name for place in build_home(0).floor_plan.places]
    for word in (*THING_KINDS, *COLOURS, *places, "person", "wave", "bow", "dance", "around"):
        assert words[word] > 10, word


def test_about_half_of_the_sentences_are_chinese_and_all_are_simplified(sample):
    tongues = Counter(hear(example.sentence).tongue for example in sample)
    assert 0.4 * N < tongues[Tongue.HANS] < 0.6 * N
    assert tongues[Tongue.HANT] < 0.01 * N


def test_a_refusal_or_a_question_ends_its_plan_and_an_unsafe_one_is_alone(sample):
    for example in sample:
        steps = example.plan.split("; ")
        assert not any(step.startswith(("refuse", "ask")) for step in steps[:-1])
        assert "refuse unsafe" not in steps or steps == ["refuse unsafe"]


def test_what_is_to_be_said_is_in_the_sentence(sample):
    own = ("我是偃师", "不客气", "I am Yanshi", "you are welcome")
    spoken = [example for example in sample if example.plan.startswith('say "')]
    for example in spoken:
        text = example.plan.split('"')[1]
        bare, sentence = (re.sub(r"\W", "", words) for words in (text, example.sentence))
        assert text in own or bare in sentence or example.sentence.isupper()


def test_stand_ins_are_numbered_as_they_come_and_are_in_the_sentence(sample):
    found = 0
    for example in sample:
        for sort in ("thing", "place", "act"):
            said = re.findall(rf"{sort}([1-9])", example.sentence)
            assert list(dict.fromkeys(said)) == [str(n) for n in range(1, 1 + len(set(said)))]
            meant = re.findall(rf"\b{sort}([1-9])\b", example.plan)
            assert set(meant) <= set(said)
            found += bool(meant)
    assert found > 100


def test_what_points_elsewhere_is_taught(sample):
    words = Counter(word for example in sample for word in re.findall(r"\w+", example.plan))
    for word in ("it", "other", "there", "again", "mean"):
        assert words[word] > 30, word


@pytest.mark.parametrize(("language", "wording"), [("zh", "看看{thing}"), ("en", "see {thing}")])
def test_an_order_that_is_written_on_a_thing_is_not_in_the_plan(monkeypatch, language, wording):
    monkeypatch.setattr(sentences, "LABELLED", 1.0)
    speaker = Speaker(random.Random(3), language)
    made = [speaker.fill("look {thing}", wording) for _ in range(500)]
    assert sum(bool(re.search("danc|bow|跳|鞠", example.sentence)) for example in made) > 5
    assert (
        sum(bool(re.search("kill|burn|hit|smash|push|打|烧", example.sentence)) for example in made)
        > 5
    )
    for example in made:
        assert re.fullmatch(r"look( [a-z]+)?( [a-z]+[123]?)", example.plan), example


def test_nothing_of_the_bench_is_ever_taught():
    taught = {fingerprint(example.sentence) for example in islice(examples(0), 20_000)}
    assert len(held_out()) == 600
    assert not held_out() & taught


def test_a_sentence_of_the_bench_is_known_by_its_letters_alone():
    assert fingerprint("Go to the table, please!") == fingerprint("go to the TABLE please")
    assert fingerprint("走到桌子前。") == fingerprint("走到桌子前")
    assert fingerprint("go to the table") != fingerprint("go to the tables")


@pytest.mark.parametrize(
    ("one", "many"), [("cup", "cups"), ("box", "boxes"), ("dish", "dishes"), ("杯子", "杯子")]
)
def test_kinds_have_plurals(one, many):
    assert plural(one) == many


@pytest.mark.parametrize(
    ("n", "zh", "en"),
    [
        (0, "零", "zero"),
        (10, "十", "ten"),
        (17, "十七", "seventeen"),
        (45, "四十五", "forty-five"),
        (105, "一百零五", "one hundred and five"),
        (110, "一百一十", "one hundred and ten"),
        (360, "三百六十", "three hundred and sixty"),
        (999, "九百九十九", "nine hundred and ninety-nine"),
    ],
)
def test_numbers_are_worded(n, zh, en):
    assert (number_zh(n), number_en(n)) == (zh, en)


def ways(word, value):
    """Return what `word` makes of a value, over many draws."""
    return {word(random.Random(seed), value) for seed in range(300)}


@pytest.mark.parametrize(
    ("tenths", "zh", "en"),
    [
        (5, {"半米", "50厘米", "0.5米"}, {"half a metre", "50 cm", "one step"}),
        (10, {"一米", "1米", "两步"}, {"one metre", "1 metre", "two steps"}),
        (15, {"一米五", "1.5米", "一米半", "三步"}, {"one and a half metres", "1.5 metres"}),
    ],
)
def test_a_distance_has_many_wordings(tenths, zh, en):
    assert zh <= ways(metres_zh, tenths)
    assert en <= ways(metres_en, tenths)


def test_one_second_is_singular():
    assert ways(seconds_en, 1) == {
        "1 second",
        "one second",
        "1 sec",
        "a second",
    }


def test_an_example_is_a_sentence_and_a_plan(sample):
    assert all(isinstance(example, Example) and example.sentence for example in sample)


def test_a_routine_is_taught_by_its_own_words_and_not_refused():
    for language, sentence in (("zh", "打一套功夫"), ("en", "do kung fu")):
        speaker = Speaker(random.Random(0), language)
        assert not any(sentence in ways for ways in speaker.refusals.values())
        words = repertoire()["kungfu"].title.asked[language]
        taught = [
            example for example in (speaker.step() for _ in range(3000)) if "kungfu" in example.plan
        ]
        assert len(taught) > 10
        assert all(any(word in example.sentence for word in words) for example in taught)


def test_getting_up_is_taught(sample):
    assert sum("getup" in example.plan.split() for example in sample) > 10


def test_people_are_taught_to_be_careless_but_not_with_what_is_to_be_kept_to_the_letter(sample):
    english = [example for example in sample if example.sentence.isascii()]
    loud = [example for example in english if example.sentence.isupper()]
    assert 0.01 * len(english) < len(loud) < 0.06 * len(english)
    assert not any('"' in example.plan for example in loud)
    assert sentences.is_exact(Example('say "ok"', 'say "ok"'))
    assert sentences.is_exact(Example("go to the place1", "go place1"))
    assert not sentences.is_exact(Example("go to the table", "go table"))
