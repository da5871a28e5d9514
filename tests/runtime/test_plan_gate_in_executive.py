"""The executive asks the plan gate: at a step's start, and when one that found room begins."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.runtime.test_executive import Stage
from tests.skills.rig import ROOM, Rig, thing

from yanshi.core.messages import Step, Thing
from yanshi.mind.replies import REPLIES, word_outcome
from yanshi.safety.plan_gate import KeepOut, Surroundings, judge_step
from yanshi.skills.motion import HANDS
from yanshi.skills.skill import Outcome, installed_skills


def person(x: float, y: float = 0.0) -> Thing:
    return thing("person", x, y, 0.9)


def test_a_wave_at_somebody_who_stands_where_it_was_walked_to_is_done():
    stage = Stage(Rig(seen=[person(0.9)]), Step(skill="wave"))
    stage.run(12.0)
    assert stage.outcomes == [("done", "")]


def test_a_wave_into_somebodys_face_is_refused_and_nothing_moves():
    rig = Rig(seen=[person(0.5)])
    stage = Stage(rig, Step(skill="wave"), Step(skill="bow"))
    stage.run(0.5)
    assert stage.outcomes == [("refused", "person_near")]
    assert stage.ended[0].facts == ("0.7",)
    assert stage.begun == ["wave"]
    assert stage.executive.is_idle


def test_a_dance_looks_for_room_away_from_somebody_and_is_done():
    rig = Rig(seen=[person(0.9)])
    stage = Stage(rig, Step(skill="dance"))
    while not stage.executive._is_performing:
        stage.run(0.02)
    assert math.dist(rig.position, (0.9, 0.0)) > 1.2
    stage.run(40.0)
    assert stage.outcomes == [("done", "")]


def test_whoever_comes_near_while_it_looks_for_room_keeps_the_dance_from_beginning():
    rig = Rig(seen=[person(0.9)])
    stage = Stage(rig, Step(skill="dance"))
    stage.run(1.0)
    assert stage.ended == []
    for _ in range(3000):
        x, y = rig.position
        rig.seen = [person(x + 0.9, y)] if stage.executive._is_performing else rig.seen
        stage.run(0.02)
        skill = stage.executive._skill
        if skill is None:
            break
        if math.dist((x, y), (0.9, 0.0)) > 1.25 and not skill.is_performing:
            rig.seen = [person(x + 1.0, y)]
    assert stage.outcomes == [("refused", "person_near")]


def test_the_robot_walks_slowly_past_somebody_and_at_its_own_pace_alone():
    fastest = []
    for seen in ([person(1.0, 0.75)], []):
        rig = Rig(plan=replace(ROOM, places=()), seen=seen)
        stage = Stage(rig, Step(skill="go", arguments=("forward", "1.8")))
        speeds = []
        for _ in range(600):
            stage.run(0.02)
            near = math.dist(rig.position, (1.0, 0.75)) < 0.8
            speeds += [math.hypot(*rig.tools.walker.command[:2])] if near else []
        fastest.append(max(speeds))
        assert stage.outcomes == [("done", "")]
    assert fastest[0] < 0.8 * fastest[1]


def test_forbidden_floor_is_walked_round_and_never_straight_over():
    zone = KeepOut(centre=(1.0, 0.0), size=(0.4, 1.0))
    rig = Rig(plan=replace(ROOM, keep_out=(zone,)))
    stage = Stage(rig, Step(skill="go", arguments=("forward", "1.5")))
    stage.run(0.2)
    assert stage.outcomes == [("refused", "keep_out")]
    stage = Stage(rig, Step(skill="go", arguments=("table",)))
    for _ in range(2000):
        stage.run(0.02)
        assert not zone.holds(tuple(rig.position))
        if stage.ended:
            break
    assert stage.outcomes == [("done", "")]


def test_a_full_hand_does_not_wave():
    rig = Rig()
    rig.tools.shared[HANDS] = SimpleNamespace(
        held_names=("red cup",), body=lambda percept, asked: asked
    )
    stage = Stage(rig, Step(skill="wave"))
    stage.run(0.1)
    assert stage.outcomes == [("refused", "hand_full")]


@pytest.mark.parametrize("reason", ["person_near", "unseen", "keep_out", "hand_full"])
def test_every_refusal_is_worded_in_both_languages(reason):
    assert reason in REPLIES
    outcome = Outcome(kind="refused", reason=reason, facts=("1.2",))
    assert word_outcome(outcome, "en").isascii()
    assert "，" in word_outcome(outcome, "zh-Hans") or "不能" in word_outcome(outcome, "zh-Hans")


def test_no_installed_skill_is_refused_to_a_robot_alone_with_its_hands_free():
    alone = Surroundings(here=(0.0, 0.0), yaw=0.0)
    for name, skill in installed_skills().items():
        assert judge_step(Step(skill=name, arguments=("table",)), skill.risk, alone) is None
