"""Perform a routine: one skill for each that was learnt, named after its folder.

Who loses the balance in the middle is given to the walker, which may step where it must; then the
routine begins anew.
"""

import os
from collections.abc import Generator
from functools import cache
from typing import Any, ClassVar

import numpy as np

from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.ease import Ease
from yanshi.policies.performer import Performer
from yanshi.policies.repertoire import PLACES, Piece, repertoire
from yanshi.policies.walker import IN_STANCE
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import march, tick, walk_to_room
from yanshi.skills.skill import DONE, Outcome, Percept, Tools

_MARGIN_M = (0.3, 0.15)
"""Room beyond the routine's own reach: what is looked for, and what is enough."""
_TOGETHER_S = 1.2
"""A few steps on the spot bring feet together that stand apart."""
_APART_M = 0.08
"""How far they may be from where they are in the stance."""
_STILL_SPIN, _STILL_SPEED, _STILL_S = 0.3, 0.8, 0.3
"""A pelvis and joints no faster than this, rad/s, for so long, stand."""
_AT_REST_RAD = 0.2
"""Arms this near to the stance have been put down."""
_SETTLE_S = 3.0
"""Who does not stand by then begins as it is."""
_AFTER_S = 1.5
"""How long the walker stands before the routine counts as done."""
_CATCH_S = 2.0
"""How long the walker catches a robot that lost its balance."""
_PATIENCE = (1.0, 1.1, 1.5)
"""Who leans by more than this, times what the performer says, is caught; one for each try.

The sooner, the surer the walker catches it. But a robot that was caught for nothing must get to
the end the next time.
"""
_WALK_S = 60.0
"""Time for walking to a free spot."""


class Perform(Flow):
    """Find room, stand, perform, and stand again. `routine_skills` makes a class for each piece."""

    syntax = ("",)
    summary: ClassVar[tuple[str, str]]
    risk = "travels"
    piece: ClassVar[Piece]

    def __init__(self, arguments: tuple[str, ...], tools: Tools) -> None:
        super().__init__(arguments, tools)
        self.prepare(tools)
        self.performer: Performer = tools.shared[self._key()]
        self.timeout_s = len(_PATIENCE) * self.performer.duration_s + _WALK_S
        self.is_performing = False
        """Whether the performer has the robot."""
        self.losses = 0
        """How often it has lost its balance."""
        self._is_to_halt = False

    @classmethod
    def _key(cls) -> str:
        return f"performer of {cls.piece.name}"

    @classmethod
    def prepare(cls, tools: Tools) -> None:
        """Load the performer and check it against the robot.

        Raises:
            ConfigError: Its folder lacks something.
            ContractError: It does not fit.
        """
        if cls._key() not in tools.shared:
            tools.shared[cls._key()] = Performer(tools.robot, cls.piece.folder)

    def halt(self) -> bool:
        """End at the next moment at which both feet stand; return whether that takes a while."""
        self._is_to_halt = self.is_performing
        return self._is_to_halt

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Make room, stand, perform, stand."""
        self._is_to_halt = self.is_performing = False
        self.losses = 0
        enough = self.performer.motion.reach + _MARGIN_M[1]
        rooms = (self.performer.motion.reach + _MARGIN_M[0], enough)
        while self.losses < len(_PATIENCE):
            percept, has_room = yield from walk_to_room(self.tools, percept, rooms)
            if not has_room:
                return Outcome(kind="failed", reason="no_room", facts=(f"{enough:.1f}",))
            percept, target = yield from self._settle(percept)
            self.is_performing = True
            losses = self.losses
            percept, target = yield from self._perform(percept, target)
            if self.losses == losses:
                yield from self._hand_over(percept, target)
            else:
                percept = yield from self._catch(percept, target)
            self.is_performing = False
            if self.losses == losses or self._is_to_halt:
                return DONE
        return Outcome(kind="failed", reason="off_balance")

    def _settle(self, percept: Percept) -> Generator[JointTarget, Percept, tuple[Percept, Any]]:
        """Stand under the walker until nothing moves; return its last target, too."""
        if self._are_feet_apart(percept.state):
            percept = yield from march(self.tools, percept, _TOGETHER_S)
        began_ns = moved_ns = percept.state.t_ns
        while True:
            target = tick(self.tools, percept, upper_body=IN_STANCE)
            percept = yield target
            state = percept.state
            if not self._is_still(state):
                moved_ns = state.t_ns
            still_s, stood_s = (state.t_ns - moved_ns) * 1e-9, (state.t_ns - began_ns) * 1e-9
            if still_s >= _STILL_S or stood_s >= _SETTLE_S:
                return percept, target

    def _perform(
        self, percept: Percept, target: JointTarget
    ) -> Generator[JointTarget, Percept, tuple[Percept, JointTarget]]:
        """Follow the performer to its end, or to the first moment at which it may be left.

        Or at which it must be: a loss of balance is counted.
        """
        performer = self.performer
        lean_max = _PATIENCE[self.losses] * performer.lean_max
        performer.start(target.position)
        while not (self._is_to_halt and performer.may_stop):
            if not performer.lean(percept.state) <= lean_max:  # True for NaN, too.
                self.losses += 1
                break
            following = performer.step(percept.state)
            if following is None:
                break
            target = following
            percept = yield target
        return percept, target

    def _hand_over(self, percept: Percept, target: JointTarget) -> Behaviour[Percept]:
        """Let the walker in, and let it bring the feet together if they are apart."""
        tools, ease = self.tools, Ease(target.position)
        tools.walker.reset(percept.state)
        end_ns = percept.state.t_ns + round(_AFTER_S * 1e9)
        while percept.state.t_ns < end_ns:
            percept = yield ease(tick(tools, percept, upper_body=IN_STANCE))
        if self._are_feet_apart(percept.state):
            percept = yield from march(tools, percept, _TOGETHER_S)
        return percept

    def _catch(self, percept: Percept, target: JointTarget) -> Behaviour[Percept]:
        """Let the walker in, knees bent, to step wherever it must."""
        ease = Ease(target.position)
        self.tools.walker.reset(percept.state)
        end_ns = percept.state.t_ns + round(_CATCH_S * 1e9)
        while percept.state.t_ns < end_ns:
            percept = yield ease(tick(self.tools, percept))
        return percept

    def _is_still(self, state: RobotState) -> bool:
        arms = self.tools.robot.joint_indices(_ARMS)
        away = np.abs(state.joint_position - self.tools.robot.default_position)[arms].max()
        return bool(
            np.linalg.norm(state.angular_velocity) < _STILL_SPIN
            and np.abs(state.joint_velocity).max() < _STILL_SPEED
            and away < _AT_REST_RAD
        )

    def _are_feet_apart(self, state: RobotState) -> bool:
        """Whether the feet stand otherwise than in the stance."""
        kinematics, stance = self.tools.kinematics, self.tools.robot.default_position
        now, wanted = (
            np.subtract(*kinematics.soles_in_pelvis(pose).mean(axis=1))[:2]
            for pose in (state.joint_position, stance)
        )
        return bool(np.hypot(*(now - wanted)) > _APART_M)


_ARMS = tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow")
)


def routine_skills() -> dict[str, type[Perform]]:
    """Return a skill for each routine that was learnt, by name.

    Raises:
        ConfigError: What should be a routine is none.
    """
    return _routine_skills(os.environ.get(PLACES, ""))


@cache
def _routine_skills(places: str) -> dict[str, type[Perform]]:
    return {name: skill_of(piece) for name, piece in repertoire().items() if piece.is_learnt}


def skill_of(piece: Piece) -> type[Perform]:
    """Return the skill that performs a piece."""
    title = piece.title
    members = {
        "__doc__": f"Perform {title.en}.",
        "piece": piece,
        "called": {"": (f"perform {title.en}", f"表演{title.zh}")},
        "summary": (f"Perform a routine: {title.en}", f"表演套路：{title.zh}"),
    }
    return type(f"Perform_{piece.name}", (Perform,), members)
