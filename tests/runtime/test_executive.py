"""Plans go on after a fall: the step under way begins anew, and says nothing twice."""

import numpy as np
import pytest
from tests.skills.rig import Rig

from yanshi.core.messages import JointTarget, Plan, Step
from yanshi.runtime.executive import FALLS_MAX, Executive, StepRecord
from yanshi.skills.skill import Outcome, Percept

TICK_S = 0.02


class Stage:
    """An executive with a robot, and what it told."""

    def __init__(self, rig: Rig, *steps: Step) -> None:
        self.rig = rig
        self.begun: list[str] = []
        self.ended: list[StepRecord] = []
        self.executive = Executive(
            rig.tools,
            on_begin=lambda step: self.begun.append(str(step)),
            on_end=self.ended.append,
        )
        self.executive.follow(Plan(steps=steps))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.rig.body.write(self.executive.tick(self.rig.percept()))
            self.rig.body.advance(TICK_S)

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(record.outcome, record.reason) for record in self.ended]


def test_a_step_that_a_fall_broke_off_begins_anew_and_counts_from_its_first_beginning(rig: Rig):
    stage = Stage(rig, Step(skill="wait", arguments=("1",)), Step(skill="wave"))
    stage.run(0.8)
    stage.executive.break_off()
    assert not stage.executive.is_idle
    stage.run(0.8)
    assert stage.begun == ["wait 1", "wait 1"]
    assert stage.ended == []
    stage.run(0.4)
    assert stage.outcomes == [("done", "")]
    assert stage.begun[2:] == ["wave"]
    assert stage.ended[0].start_ns == 0


def test_what_was_said_before_a_fall_is_not_said_again(rig: Rig):
    stage = Stage(
        rig, Step(skill="say", arguments=('"你好"',)), Step(skill="wait", arguments=("2",))
    )
    stage.run(1.0)
    stage.executive.break_off()
    stage.run(2.5)
    assert [record.step.skill for record in stage.ended] == ["say", "wait"]


def test_a_fall_between_steps_breaks_nothing_off(rig: Rig):
    stage = Stage(rig, Step(skill="wait", arguments=("1",)))
    stage.executive.break_off()
    stage.run(1.2)
    assert stage.begun == ["wait 1"]
    assert stage.outcomes == [("done", "")]


def test_a_step_in_which_the_robot_falls_again_and_again_is_given_up(rig: Rig):
    stage = Stage(rig, Step(skill="wait", arguments=("1",)), Step(skill="wave"))
    for _ in range(FALLS_MAX):
        stage.run(0.2)
        stage.executive.break_off()
    stage.run(0.2)
    assert stage.outcomes == [("failed", "fell_often")]
    assert stage.executive.is_idle


def test_an_order_to_stop_is_heeded_without_moving(rig: Rig):
    stage = Stage(rig, Step(skill="wait", arguments=("1",)))
    stage.run(0.2)
    stage.executive.break_off()
    stage.executive.interrupt(Outcome(kind="stopped", reason="stopped"))
    stage.executive.heed(rig.percept())
    assert stage.outcomes == [("stopped", "stopped")]
    assert stage.executive.is_idle


def test_a_way_straight_ahead_ends_where_it_was_to_end_before_the_fall(rig: Rig):
    start = rig.position
    stage = Stage(rig, Step(skill="go", arguments=("forward", "1")))
    stage.run(2.0)
    gone = np.linalg.norm(rig.position - start)
    assert gone > 0.3
    stage.executive.break_off()
    stage.run(6.0)
    assert stage.outcomes == [("done", "")]
    assert abs(np.linalg.norm(rig.position - start) - 1.0) < 0.15


class Balancing:
    """A skill that needs ten ticks to put its other foot down."""

    timeout_s = 5.0

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.left = -1

    def check(self, percept: Percept) -> Outcome | None:
        return None

    def start(self, percept: Percept) -> None:
        self.left = -1

    def halt(self) -> bool:
        self.left = 10 if self.left < 0 else self.left
        return True

    def step(self, percept: Percept) -> JointTarget | Outcome:
        self.left -= self.left > 0
        if self.left == 0:
            return Outcome(kind="done")
        return self.rig.tools.walker.step(percept.state, (0.0, 0.0, 0.0))


@pytest.fixture
def balancing(rig: Rig, monkeypatch) -> Stage:
    skill = Balancing(rig)
    monkeypatch.setattr("yanshi.runtime.executive.make_skill", lambda *_: skill)
    stage = Stage(rig, Step(skill="balance"), Step(skill="balance"))
    stage.run(0.2)
    return stage


def test_a_skill_on_one_foot_is_stopped_once_it_has_put_the_other_down(balancing: Stage):
    balancing.executive.interrupt(Outcome(kind="stopped", reason="stopped"))
    balancing.run(0.1)
    assert balancing.outcomes == []
    balancing.run(0.2)
    assert balancing.outcomes == [("stopped", "stopped")]
    assert balancing.executive.is_idle


def test_a_fault_stops_it_at_once(balancing: Stage):
    balancing.executive.interrupt(Outcome(kind="failed", reason="not_finite"))
    balancing.run(0.02)
    assert balancing.outcomes == [("failed", "not_finite")]


def test_one_that_falls_while_it_is_to_stop_does_not_begin_anew(balancing: Stage):
    balancing.executive.interrupt(Outcome(kind="stopped", reason="stopped"))
    balancing.run(0.1)
    balancing.executive.break_off()
    balancing.run(0.1)
    assert balancing.outcomes == [("stopped", "stopped")]
    assert balancing.begun == ["balance"]


def wait(seconds: int) -> Step:
    return Step(skill="wait", arguments=(str(seconds),))


@pytest.mark.parametrize("later_s", [0.0, 0.5, 1.5])
def test_a_step_begun_ahead_of_its_plan_is_done_once_and_the_rest_after_it(rig: Rig, later_s):
    stage = Stage(rig)
    stage.executive.begin_ahead(wait(1))
    stage.run(later_s)
    stage.executive.follow(Plan(steps=(wait(1), wait(2), wait(1))))
    stage.run(4.5)
    assert stage.begun == ["wait 1", "wait 2", "wait 1"]
    assert stage.executive.is_idle


def test_a_step_begun_ahead_that_was_not_meant_gives_way(rig: Rig):
    stage = Stage(rig)
    stage.executive.begin_ahead(wait(5))
    stage.run(0.2)
    stage.executive.follow(Plan(steps=(wait(1),)))
    stage.run(1.5)
    assert stage.begun == ["wait 5", "wait 1"]
    assert stage.outcomes == [("stopped", "replaced"), ("done", "")]


def test_what_was_to_follow_a_step_that_failed_ahead_is_not_done(rig: Rig):
    lost = Step(skill="go", arguments=("forward", "9"))
    stage = Stage(rig)
    stage.executive.begin_ahead(lost)
    stage.run(0.1)
    assert stage.outcomes == [("failed", "blocked")]
    stage.executive.follow(Plan(steps=(lost, wait(1))))
    stage.run(0.5)
    assert stage.begun == ["go forward 9"]
    assert stage.executive.is_idle


def test_another_plan_takes_the_place_of_the_one_under_way(rig: Rig):
    stage = Stage(rig, wait(5), wait(6))
    stage.run(0.2)
    stage.executive.follow(Plan(steps=(wait(1), wait(2))))
    stage.run(3.5)
    assert stage.begun == ["wait 5", "wait 1", "wait 2"]
    assert stage.outcomes == [("stopped", "replaced"), ("done", ""), ("done", "")]
