"""Carries out a plan, one step at a time, and never claims more than its senses saw.

The executive asks each step's skill whether it can begin, lets it propose targets until it
says how it ended, and gives up when its time is over. A step that fails ends the plan: what
was asked for after it was asked for on the assumption that it worked. Every step is judged by
`safety.plan_gate` when it starts, and at every tick the walker's speed is bounded by who is near.
A fall breaks the step under way off; once the robot stands again, the step begins anew from where
it is then.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from yanshi.core.errors import UnreachableError
from yanshi.core.messages import JointTarget, Plan, Scene, Step
from yanshi.safety.plan_gate import (
    Point,
    Refusal,
    Surroundings,
    judge_room,
    judge_step,
    people_in,
    speed_max,
)
from yanshi.skills.motion import HANDS, tick
from yanshi.skills.skill import Outcome, Percept, Skill, Tools, make_skill


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """What became of one step."""

    step: Step
    outcome: str
    """`done`, `failed`, `asked`, `refused` or `stopped`."""
    reason: str
    facts: tuple[str, ...]
    start_ns: int
    end_ns: int


REPLACED = Outcome(kind="stopped", reason="replaced")
"""How a step ends when something else was asked for meanwhile."""
FALLS_MAX = 3
"""A step in which the robot has fallen so often is given up."""


class Executive:
    """Turns a plan and what the robot perceives into joint targets, 50 times a second."""

    def __init__(
        self,
        tools: Tools,
        *,
        on_begin: Callable[[Step], None] = lambda step: None,
        on_end: Callable[[StepRecord], None] = lambda record: None,
    ) -> None:
        self._tools = tools
        self._on_begin = on_begin
        self._on_end = on_end
        self._waiting: list[Step] = []
        self._ahead: Step | None = None  # What was begun before its plan was whole.
        self._instead: list[Step] = []  # What is to be done once the step under way has ended.
        self._skill: Skill | None = None
        self._step: Step | None = None
        self._begun_ns = 0
        self._started_ns = 0  # Later than `_begun_ns` when a fall has made it begin anew.
        self._broken: Skill | None = None  # What a fall broke off.
        self._falls = 0  # In the step under way.
        self._finds_room = self._is_performing = False
        self._scene: Scene | None = None
        self._people: tuple[Point, ...] = ()
        self._places = {place.name: place.centre for place in tools.floor_plan.places}
        self._stop: Outcome | None = None
        self.speed_max = math.inf
        """How fast it may walk wherever people are, m/s."""
        self.records: list[StepRecord] = []

    @property
    def is_performing(self) -> bool:
        """Whether a dance or a routine has the robot, and no walker."""
        return self._is_performing

    @property
    def is_idle(self) -> bool:
        """Whether no step is under way or waiting."""
        return self._step is None and not self._waiting and not self._instead

    @property
    def current(self) -> Step | None:
        """The step under way."""
        return self._step

    @property
    def held(self) -> tuple[str, ...]:
        """What is in the robot's hands."""
        hands = self._tools.shared.get(HANDS)
        return hands.held_names if hands is not None else ()

    def follow(self, plan: Plan) -> None:
        """Take on a plan; its first step begins at the next tick.

        A step under way ends first, at a moment at which its skill may be left, unless it was
        begun in advance and is the plan's first.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None and plan.steps[0] == ahead:
            has_failed = self._step is None and not self._waiting and not self._is_done(ahead)
            self._waiting += [] if has_failed else plan.steps[1:]
            return
        if self._step is None:
            self._waiting = list(plan.steps)
            self._stop = None
            return
        self._instead = list(plan.steps)
        self._stop = REPLACED

    def _is_done(self, step: Step) -> bool:
        return (
            bool(self.records)
            and self.records[-1].step == step
            and (self.records[-1].outcome == "done")
        )

    def begin_ahead(self, step: Step) -> None:
        """Begin a plan's first step before the plan is whole; `follow` brings the rest."""
        self._waiting = [step]
        self._stop = None
        self._ahead = step

    def interrupt(self, outcome: Outcome) -> None:
        """End the step under way and the plan at the next tick, e.g. on a stop word.

        A skill that cannot be left at any moment (one foot is in the air) first comes to a stand,
        but only when the robot `stopped` by order: after a fault nobody may be trusted to.
        """
        self._stop = outcome
        self._instead, self._ahead = [], None

    def break_off(self) -> None:
        """Drop what the step under way was doing, as the robot has fallen.

        At the next tick it begins anew, or is given up if the robot has fallen in it too often.
        """
        if (hands := self._tools.shared.get(HANDS)) is not None:
            hands.drop_all()
        if self._skill is None:
            return
        self._broken, self._skill = self._skill, None
        self._falls += 1
        if self._falls >= FALLS_MAX:
            self.interrupt(Outcome(kind="failed", reason="fell_often"))

    def heed(self, percept: Percept) -> None:
        """End the plan if it was interrupted; moves nothing."""
        if self._stop is not None and not self._is_halting():
            self._give_up(self._stop, percept)
            self._stop = None

    def _is_halting(self) -> bool:
        """Whether the skill under way needs more ticks to come to a stand."""
        assert self._stop is not None
        halt = getattr(self._skill, "halt", None)
        return self._stop.kind == "stopped" and halt is not None and bool(halt())

    def tick(self, percept: Percept) -> JointTarget:
        """Return the next target: the skill's, or a standing one when none is at work."""
        self.heed(percept)
        self._look_for_people(percept)
        if self._broken is not None:
            self._start(self._broken, percept)
        if self._step is None and self._waiting:
            self._begin(self._waiting.pop(0), percept)
        if self._skill is None:
            return self._stand(percept)
        result = self._advance(self._skill, percept)
        if isinstance(result, Outcome):
            if self._stop is not None:
                self._give_up(self._stop, percept)
                self._stop = None
            else:
                self._end(result, percept)
            return self._stand(percept)
        return result

    def _begin(self, step: Step, percept: Percept) -> None:
        self._step = step
        self._falls = 0
        self._begun_ns = percept.state.t_ns
        self._start(make_skill(step.skill, step.arguments, self._tools), percept)

    def _start(self, skill: Skill, percept: Percept) -> None:
        assert self._step is not None
        self._broken = None
        self._started_ns = percept.state.t_ns
        self._on_begin(self._step)
        self._finds_room, self._is_performing = hasattr(skill, "is_performing"), False
        problem = self._judge(self._step, skill, percept) or skill.check(percept)
        if problem is not None:
            self._end(problem, percept)
            return
        skill.start(percept)
        self._skill = skill

    def _advance(self, skill: Skill, percept: Percept) -> JointTarget | Outcome:
        elapsed_s = (percept.state.t_ns - self._started_ns) * 1e-9
        if elapsed_s > skill.timeout_s:
            return Outcome(kind="failed", reason="timeout", facts=(f"{skill.timeout_s:.0f}",))
        try:
            result = skill.step(percept)
        except UnreachableError:
            return Outcome(kind="failed", reason="unreachable", facts=self._facts())
        if isinstance(result, JointTarget) and not np.isfinite(result.position).all():
            return Outcome(kind="failed", reason="not_finite")
        return (self._finds_room and self._judge_performing(skill, percept)) or result

    def _look_for_people(self, percept: Percept) -> None:
        """Walk slowly near people, and no faster anywhere than `speed_max`."""
        if percept.scene is not self._scene:
            self._scene, self._people = percept.scene, people_in(percept.scene)
        speed = self.speed_max
        if self._people:
            x, y, _ = percept.base.position.tolist()
            speed = min(speed, speed_max((x, y), self._people))
        self._tools.walker.speed_max = speed

    def _judge(self, step: Step, skill: Skill, percept: Percept) -> Outcome | None:
        """Return why a step may not begin here and now, whatever it was made from."""
        around = self._surroundings(percept)
        if self._finds_room:
            around = replace(around, people=(), seen_s=0.0)  # It looks for room first; see below.
        risk = getattr(skill, "risk", "travels")
        return _refused(judge_step(step, risk, around))

    def _judge_performing(self, skill: Skill, percept: Percept) -> Outcome | None:
        """Judge a step that has found room at the moment at which it would swing its limbs."""
        was_performing, now = self._is_performing, bool(getattr(skill, "is_performing", False))
        self._is_performing = now
        if not now or was_performing:
            return None
        assert self._step is not None
        return _refused(judge_room(self._step.skill, self._surroundings(percept)))

    def _surroundings(self, percept: Percept) -> Surroundings:
        x, y, _ = percept.base.position.tolist()
        return Surroundings(
            here=(x, y),
            yaw=percept.base.yaw,
            people=self._people,
            seen_s=(percept.state.t_ns - percept.scene.t_ns) * 1e-9,
            keep_out=self._tools.floor_plan.keep_out,
            places=self._places,
            in_hand=", ".join(self.held),
        )

    def _facts(self) -> tuple[str, ...]:
        return (" ".join(self._step.arguments),) if self._step else ()

    def _stand(self, percept: Percept) -> JointTarget:
        return tick(self._tools, percept)

    def _end(self, outcome: Outcome, percept: Percept, *, goes_on: bool = False) -> None:
        assert self._step is not None
        record = StepRecord(
            step=self._step,
            outcome=outcome.kind,
            reason=outcome.reason,
            facts=outcome.facts,
            start_ns=self._begun_ns,
            end_ns=percept.state.t_ns,
        )
        self._step = self._skill = self._broken = None
        if outcome.kind != "done" and not goes_on:
            self._waiting.clear()
        self.records.append(record)
        self._on_end(record)

    def _give_up(self, outcome: Outcome, percept: Percept) -> None:
        if self._step is None:
            self._step = self._waiting[0] if self._waiting else Step(skill="stop")
            self._begun_ns = percept.state.t_ns
        self._waiting.clear()
        self._waiting, self._instead = self._instead, []
        self._end(replace(outcome), percept, goes_on=bool(self._waiting))


def _refused(refusal: Refusal | None) -> Outcome | None:
    if refusal is None:
        return None
    return Outcome(kind="refused", reason=refusal.reason, facts=refusal.facts)
