"""Routines that were learnt are skills: they find room, perform, and leave the robot standing."""

import numpy as np
import pytest
from tests.skills.rig import WALKER, Rig

from yanshi.core.messages import Plan, Step
from yanshi.policies.ease import EaseConfig
from yanshi.policies.repertoire import repertoire
from yanshi.runtime.executive import Executive
from yanshi.skills.perform import Perform, routine_skills
from yanshi.skills.skill import Outcome, installed_skills, make_skill
from yanshi.worlds.floor_plan import FloorPlan, Place

LEARNT = [name for name, piece in repertoire().items() if piece.is_learnt]
pytestmark = pytest.mark.skipif(not LEARNT, reason="no routine was learnt")
STEP = EaseConfig().step + 1e-6


def shortest(rig: Rig) -> Perform:
    """Return the skill that takes the least time."""
    skills = [make_skill(name, (), rig.tools) for name in LEARNT]
    return min(skills, key=lambda skill: skill.performer.duration_s)


def test_every_routine_that_was_learnt_is_a_skill_with_words():
    assert sorted(routine_skills()) == LEARNT
    for name in LEARNT:
        skill = installed_skills()[name]
        english, chinese = skill.called[""]
        assert english.isascii()
        assert not chinese.isascii()


def test_it_follows_its_motion_and_leaves_the_robot_standing(rig: Rig):
    rig.stand(0.5)
    skill = shortest(rig)
    name, performer = skill.piece.name, rig.tools.shared[f"performer of {skill.piece.name}"]
    errors: list[float] = []

    def watch(rig: Rig) -> None:
        if 0.0 < performer.elapsed_s < performer.duration_s:
            off = np.abs(rig.body.read().joint_position - performer.reference())
            errors.append(float(off.mean()))

    assert rig.do(name, watch=watch).kind == "done"
    assert performer.elapsed_s == performer.duration_s
    assert np.mean(errors) < 0.15
    before = rig.position
    rig.stand(2.0)
    assert rig.is_up
    assert np.linalg.norm(rig.position - before) < 0.15


def test_walker_and_performer_change_hands_without_a_jump(rig: Rig):
    rig.stand(0.5)
    skill = shortest(rig)
    performer = rig.tools.shared[f"performer of {skill.piece.name}"]
    ticks: list[float] = []
    rig.do(skill.piece.name, watch=lambda rig: ticks.append(performer.elapsed_s))
    targets = np.array([target.position for target in rig.targets])
    change = np.abs(np.diff(targets, axis=0)).max(axis=1)
    at = np.array(ticks)
    begun = int(np.argmax(at > 0.0))
    over = int(np.argmax(at == performer.duration_s))
    for hands in (begun, over + 1):
        assert change[hands - 2 : hands + 3].max() <= STEP
        # Who has caught up moves as the policy likes.
        assert change[hands - 2 : hands + 12].max() <= 1.5 * STEP


def test_it_waits_until_arms_have_been_put_down(rig: Rig):
    arm = {rig.tools.robot.joint_index("left_shoulder_pitch"): -1.2}
    from yanshi.policies.walker import UpperBody

    for _ in range(60):
        rig.body.write(WALKER.step(rig.percept().state, (0.0, 0.0, 0.0), UpperBody(joints=arm)))
        rig.body.advance(0.02)
    skill = shortest(rig)
    percept = rig.percept()
    skill.start(percept)
    while not skill.is_performing:
        assert not isinstance(target := skill.step(percept), Outcome)
        rig.body.write(target)
        rig.body.advance(0.02)
        percept = rig.percept()
    away = rig.body.read().joint_position - rig.tools.robot.default_position
    assert abs(away[next(iter(arm))]) < 0.25


def test_pushed_off_its_balance_it_is_caught_and_performs_anew(rig: Rig):
    rig.stand(0.5)
    skill = shortest(rig)
    performer = rig.tools.shared[f"performer of {skill.piece.name}"]
    torso = rig.body.model.body("torso_link").id
    begun: list[float] = []
    pushed: list[float] = []

    def push(rig: Rig) -> None:
        begun.append(performer.elapsed_s)
        is_now = performer.elapsed_s / performer.duration_s > 0.3 and len(pushed) < 5
        pushed.extend([1.0] * is_now)
        rig.body.data.xfrc_applied[torso, :2] = 100.0 * np.array([0.0, -1.0]) * is_now

    assert rig.do(skill.piece.name, watch=push).kind == "done"
    assert performer.elapsed_s == performer.duration_s
    restarts = np.flatnonzero(np.diff(begun) < 0.0)
    assert len(restarts) == 1
    assert begun[restarts[0]] < 0.6 * performer.duration_s
    rig.stand(1.0)
    assert rig.is_up


def test_who_loses_the_balance_every_time_gives_up_on_its_feet(rig: Rig, monkeypatch):
    rig.stand(0.5)
    name = shortest(rig).piece.name
    performer = rig.tools.shared[f"performer of {name}"]
    monkeypatch.setattr(performer, "lean", lambda state: float("nan"))
    outcome = rig.do(name)
    assert (outcome.kind, outcome.reason) == ("failed", "off_balance")
    assert rig.is_up


def test_without_room_it_is_refused_with_words():
    closet = FloorPlan(name="closet", size=(1.2, 1.2), places=(), start=(0.0, 0.0, 0.0))
    rig = Rig(plan=closet)
    outcome = rig.do(LEARNT[0])
    assert (outcome.kind, outcome.reason) == ("failed", "no_room")


def test_beside_furniture_it_walks_to_free_floor_first():
    shelf = Place(name="shelf", centre=(0.75, 0.0), size=(0.4, 1.0), yaw=np.pi, height=0.9)
    rig = Rig(plan=FloorPlan(name="r", size=(6.0, 6.0), places=(shelf,), start=(0.0, 0.0, 0.0)))
    skill = shortest(rig)
    percept = rig.percept()
    skill.start(percept)
    for _ in range(900):
        if skill.is_performing:
            break
        target = skill.step(percept)
        assert not isinstance(target, Outcome)
        rig.body.write(target)
        rig.body.advance(0.02)
        percept = rig.percept()
    assert skill.is_performing
    assert 0.55 - rig.position[0] > skill.performer.motion.reach or abs(rig.position[1]) > 0.5


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_told_to_stop_it_ends_with_both_feet_down_under_the_walker(rig: Rig, share: float):
    ended: list[str] = []
    executive = Executive(rig.tools, on_end=lambda record: ended.append(record.outcome))
    name = shortest(rig).piece.name
    performer = rig.tools.shared[f"performer of {name}"]
    executive.follow(Plan(steps=(Step(skill=name), Step(skill="wave"))))
    asked_s = None
    for _ in range(1500):
        if asked_s is None and performer.elapsed_s > share * performer.duration_s:
            asked_s = performer.elapsed_s
            executive.interrupt(Outcome(kind="stopped", reason="stopped"))
        rig.body.write(executive.tick(rig.percept()))
        rig.body.advance(0.02)
        if ended:
            break
    assert ended == ["stopped"]
    assert executive.is_idle
    assert performer.may_stop
    assert performer.motion.stands[round(50 * performer.elapsed_s)].all()
    rig.stand(2.0)
    assert rig.is_up


def test_a_fault_does_not_wait_for_a_good_moment(rig: Rig):
    ended: list[str] = []
    executive = Executive(rig.tools, on_end=lambda record: ended.append(record.reason))
    name = shortest(rig).piece.name
    performer = rig.tools.shared[f"performer of {name}"]
    executive.follow(Plan(steps=(Step(skill=name),)))
    while not 0.5 < performer.elapsed_s < performer.duration_s:
        rig.body.write(executive.tick(rig.percept()))
        rig.body.advance(0.02)
    executive.interrupt(Outcome(kind="failed", reason="not_finite"))
    executive.tick(rig.percept())
    assert ended == ["not_finite"]


def test_asked_for_again_it_begins_at_its_beginning(rig: Rig):
    skill = shortest(rig)
    percept = rig.percept()
    skill.start(percept)
    while skill.performer.elapsed_s < 0.5:
        rig.body.write(skill.step(percept))
        rig.body.advance(0.02)
        percept = rig.percept()
    skill.start(percept)
    skill.step(percept)
    assert not skill.is_performing
