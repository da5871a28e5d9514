import re
import string
from itertools import product
from pathlib import Path

import pytest

import yanshi
from yanshi.control.grasp import GraspConfig
from yanshi.core.messages import Plan, Step
from yanshi.mind.names import NAMES, spoken
from yanshi.mind.replies import REPLIES, word_outcome, word_plan
from yanshi.mind.tongue import Tongue, Trouble, to_simplified
from yanshi.skills.skill import DONE, Outcome, installed_skills
from yanshi.worlds.home import build_home
from yanshi.worlds.things import COLOURS, KINDS

LANGUAGES = [tongue.value for tongue in Tongue]
REASONS = sorted(
    {
        reason
        for folder in ("skills", "runtime")
        for path in (Path(yanshi.__file__).parent / folder).glob("*.py")
        for reason in re.findall(r'reason="(\w+)"', path.read_text(encoding="utf8"))
    }
)
"""Every reason that skills and runtime give."""


@pytest.mark.parametrize(("reason", "language"), list(product(REPLIES, LANGUAGES)))
def test_every_reason_is_worded_in_every_language_with_and_without_facts(reason, language):
    for facts in ((), ("red cup",), ("red cup", "box", "box", "person")):
        outcome = Outcome(kind="failed", reason=reason, facts=facts)
        text = word_outcome(outcome, language, sentence="hi")
        assert text or (reason == "say" and not facts)
        assert "{" not in text


def test_every_reason_that_skills_and_runtime_give_has_a_sentence():
    assert {"not_found", "saw", "which", "fell", "rising"} <= set(REASONS)
    assert set(REASONS) <= set(REPLIES)


def test_every_way_to_ask_and_to_refuse_has_a_sentence():
    skills = installed_skills()
    arguments = [*skills["refuse"].syntax, *(trouble.value for trouble in Trouble)]
    assert {f"refuse_{argument}" for argument in arguments} <= set(REPLIES)
    assert {f"ask_{argument}" for argument in skills["ask"].syntax} <= set(REPLIES)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh-Hans", "我没有找到绿色的杯子。"),
        ("zh-Hant", "我沒有找到綠色的杯子。"),
        ("en", "I could not find the green cup."),
        ("other", "I could not find the green cup. 我没有找到绿色的杯子。"),
    ],
)
def test_a_thing_that_was_not_found_is_named_in_the_users_script(language, text):
    outcome = Outcome(kind="failed", reason="not_found", facts=("green cup",))
    assert word_outcome(outcome, language) == text


def test_what_was_seen_is_listed_with_numbers():
    outcome = Outcome(kind="done", reason="saw", facts=("red cup", "apple", "apple", "green box"))
    assert word_outcome(outcome, "en") == "I see a red cup, 2 apples and a green box."
    assert word_outcome(outcome, "zh-Hans") == "我看到红色的杯子、2 个苹果和绿色的盒子。"
    boxes = Outcome(kind="done", reason="saw", facts=("box", "box"))
    assert word_outcome(boxes, "en") == "I see 2 boxes."


def test_a_choice_is_offered_as_a_question():
    outcome = Outcome(kind="asked", reason="which", facts=("red cup", "blue cup"))
    assert word_outcome(outcome, "en") == "Which one do you mean: the red cup or the blue cup?"
    assert word_outcome(outcome, "zh-Hans") == "您是指哪一个：红色的杯子还是蓝色的杯子？"


@pytest.mark.parametrize(
    ("reason", "facts", "en", "zh"),
    [
        (
            "not_found_but",
            ("white ball", "red ball", "table"),
            "I could not find the white ball. I see a red ball on the table.",
            "我没有找到白色的球。我看到了桌子上的红色的球。",
        ),
        (
            "taken_for",
            ("white ball", "white apple"),
            "I see no white ball; I take the white apple for it.",
            "我没有看到白色的球，我把白色的苹果当作它了。",
        ),
        (
            "which_instead",
            ("white ball", "white apple", "white walnut"),
            "I see no white ball. Do you mean the white apple or the white walnut?",
            "我没有看到白色的球。您是指白色的苹果还是白色的核桃？",
        ),
    ],
)
def test_what_is_taken_or_named_instead_of_a_thing_is_told_apart_from_it(reason, facts, en, zh):
    outcome = Outcome(kind="failed", reason=reason, facts=facts)
    assert word_outcome(outcome, "en") == en
    assert word_outcome(outcome, "zh-Hans") == zh


def test_a_refusal_says_what_was_asked_and_what_would_work():
    outcome = Outcome(kind="refused", reason="refuse_unknown_thing")
    text = word_outcome(outcome, "en", sentence="find the elephant")
    assert "find the elephant" in text
    assert all(kind in text for kind in KINDS)


def test_a_step_that_ends_well_and_silently_says_nothing():
    assert word_outcome(DONE, "en") == ""


def test_a_reason_that_nobody_worded_is_worded_by_how_the_step_ended():
    outcome = Outcome(kind="failed", reason="somebody_elses_reason")
    assert word_outcome(outcome, "en") == "I could not do that."


def test_words_in_braces_are_said_as_they_are():
    outcome = Outcome(kind="done", reason="say", facts=("{heard} {x}",))
    assert word_outcome(outcome, "en", sentence="secret") == "{heard} {x}"


def test_every_kind_colour_and_place_has_a_name_in_both_languages():
    places = [place.name for place in build_home(0).floor_plan.places]
    for word in (*KINDS, *COLOURS, *places, "person"):
        english, chinese = NAMES[word]
        assert set(english) <= set(string.ascii_lowercase)
        assert re.fullmatch("[\u4e00-\u9fff]+", chinese)


def test_a_name_is_spoken_in_each_script():
    assert spoken("brown book", "en") == "brown book"
    assert spoken("brown book", "zh-Hans") == "棕色的书"
    assert spoken("brown book", "zh-Hant") == "棕色的書"


def test_a_plan_is_told_back_in_the_users_language():
    steps = (
        Step(skill="go", arguments=("table",)),
        Step(skill="turn", arguments=("left", "90")),
        Step(skill="say", arguments=('"早"',)),
    )
    plan = Plan(steps=steps)
    assert (
        word_plan(plan, "en") == 'go to the table, then turn 90 degrees to the left, then say "早"'
    )
    assert word_plan(plan, "zh-Hans") == '走到桌子那里，然后向左转 90 度，然后说"早"'
    assert to_simplified(word_plan(plan, "zh-Hant")) == word_plan(plan, "zh-Hans")


def test_what_was_seen_is_told_with_its_number_and_its_place():
    facts = ("red cup", "table", "red cup", "table", "green cup", "shelf", "apple", "")
    outcome = Outcome(kind="done", reason="saw_where", facts=facts)
    assert word_outcome(outcome, "en") == (
        "I see 2 red cups on the table, a green cup on the shelf and an apple."
    )
    assert word_outcome(outcome, "zh-Hans") == (
        "我看到桌子上的2 个红色的杯子、架子上的绿色的杯子和苹果。"
    )


@pytest.mark.parametrize(
    ("reason", "facts", "english", "chinese"),
    [
        (
            "hands_full",
            ("red cup", "apple"),
            "My hands are full: I hold a red cup and an apple.",
            "我手里已经拿着红色的杯子和苹果了。",
        ),
        ("already_held", ("apple",), "I hold the apple already.", "苹果已经在我手里了。"),
        (
            "missed",
            ("apple",),
            "I reached for the apple and missed it.",
            "我伸手去拿苹果，没有拿到。",
        ),
        ("slipped", ("apple",), "I had hold of the apple, and it slipped.", "苹果从我手里滑掉了。"),
        ("no_surface", ("door",), "Nothing can be put on the door.", "门上面放不了东西。"),
        ("no_space", ("table",), "There is no free spot on the table.", "桌子上没有空位了。"),
    ],
)
def test_what_went_wrong_with_the_hands_is_told(reason, facts, english, chinese):
    outcome = Outcome(kind="failed", reason=reason, facts=facts)
    assert word_outcome(outcome, "en") == english
    assert word_outcome(outcome, "zh-Hans") == chinese


def test_what_the_hand_holds_is_told_as_wide_as_the_grasps_allow():
    config = GraspConfig()
    text = word_outcome(Outcome(kind="failed", reason="no_grasp", facts=("apple",)), "en")
    assert f"{100 * config.width_min:.0f} to {100 * config.width_max:.0f} cm wide" in text
