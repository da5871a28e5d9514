"""The mind as it runs: the on-board model with its adapter, in its own process."""

from dataclasses import replace

import psutil
import pytest

from yanshi.mind.language import TAUGHT, PlanLanguage
from yanshi.mind.mind import Mind, _without_unlearnt
from yanshi.mind.model import ADAPTER, ModelConfig
from yanshi.policies.contract_file import CONTRACT_FILE
from yanshi.policies.motion import MOTION_FILE, ROUTINE_FILE
from yanshi.policies.repertoire import PLACES
from yanshi.worlds.home import build_home

FLOOR_PLAN = build_home(0).floor_plan
LANGUAGE = PlanLanguage.of(FLOOR_PLAN)


@pytest.fixture(scope="module")
def mind():
    mind = Mind(ModelConfig(threads=1))  # Other tests keep the other core busy.
    mind.know(FLOOR_PLAN)
    mind.wait_ready()
    yield mind
    mind.close()


@pytest.mark.parametrize(
    ("sentence", "plan", "language"),
    [
        ("走到桌子前，看看桌上有什么，然后跳个舞", "go table; look table; dance", "zh-Hans"),
        ("請走到書架前面，然後鞠個躬", "go shelf; bow", "zh-Hant"),
        ("turn left by ninety degrees, then wave", "turn left 90; wave", "en"),
        ("往前走一米五", "go forward 1.5", "zh-Hans"),
        ("where is the green cup?", "look green cup", "en"),
        ("飞到月球", "refuse impossible", "zh-Hans"),
        ("point at the violin", "refuse unknown_thing", "en"),
        ("去厨房", "refuse unknown_place", "zh-Hans"),
        ("punch the guest", "refuse unsafe", "en"),
        ("把红色的杯子拿起来", "pick red cup", "zh-Hans"),
        ('say "good morning"', 'say "good morning"', "en"),
    ],
)
def test_a_sentence_becomes_its_plan(mind, sentence, plan, language):
    answer = mind.understand(sentence)
    assert (str(answer.plan), answer.language) == (plan, language)


@pytest.mark.parametrize("is_learnt", [True, False])
def test_a_routine_is_performed_once_it_was_learnt_and_owned_up_to_before(
    mind, tmp_path, monkeypatch, is_learnt
):
    folder = tmp_path / "greeting"
    folder.mkdir()
    text = '[name]\nzh = "作揖问安"\nen = "grand greeting"\n[asked]\nen = ["greet grandly"]\n'
    (folder / ROUTINE_FILE).write_text(text, encoding="utf8")
    for file in (CONTRACT_FILE, MOTION_FILE) if is_learnt else ():
        (folder / file).touch()
    monkeypatch.setenv(PLACES, str(folder))
    plan = "greeting" if is_learnt else "refuse unknown_skill"
    for sentence in ("请表演一段作揖问安", "Please greet grandly!", "show us the grand greeting"):
        answer = mind.understand(sentence)
        assert (str(answer.plan), answer.source) == (plan, "rule")


def test_a_room_that_is_known_already_needs_no_warming(mind):
    mind.know(FLOOR_PLAN)
    mind.wait_ready(timeout_s=0.0)


def test_whatever_is_said_the_answer_is_a_plan_in_the_language(mind):
    for sentence in ("qwrt pl", "42 cups", "走走走走走走走", 'say "' + "la " * 60, "«»§ x"):
        answer = mind.understand(sentence)
        assert answer.source == "rule" or LANGUAGE.parse(str(answer.plan)) == answer.plan


def test_another_process_gives_the_same_plans(mind):
    sentences = ("look behind the sofa", "溜达到植物那儿再溜达回来")
    plans = [mind.understand(sentence).plan for sentence in sentences]
    other = Mind()
    other.know(FLOOR_PLAN)
    assert [other.understand(sentence, timeout_s=120.0).plan for sentence in sentences] == plans
    other.close()


def test_the_model_fits_beside_a_body(mind):
    assert psutil.Process(mind.pid).memory_info().rss < 600e6
    assert ADAPTER.stat().st_size < 8e6


@pytest.mark.parametrize("skill", TAUGHT)
def test_a_robot_without_such_hands_refuses_what_it_understood_of_them(skill):
    order = {"carry": "carry red cup table"}.get(skill, f"{skill} red cup")
    others = {name: way for name, way in LANGUAGE.syntaxes.items() if name not in TAUGHT}
    handless = replace(LANGUAGE, syntaxes=others)
    plan = handless.draft.parse(f"go table; {order}; bow")
    assert str(_without_unlearnt(plan, handless)) == "go table; refuse unknown_skill; bow"
    able = replace(LANGUAGE, syntaxes={**others, skill: TAUGHT[skill]})
    assert _without_unlearnt(plan, able) == plan
