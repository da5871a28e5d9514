"""Get up from the floor and stand, as a step of a plan and after every fall.

Limp until the robot lies still, since that is how the policy that rises was taught to begin; up;
then over to the walker without a jump, and a moment on the feet.
"""

import math
from dataclasses import dataclass

import numpy as np

from yanshi.core.messages import JointTarget
from yanshi.policies.contract import installed_policies, policy_folder
from yanshi.policies.riser import DEFAULT_RISER, Riser
from yanshi.policies.walker import IN_STANCE
from yanshi.senses.balance import tilt_and_rate
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import tick
from yanshi.skills.skill import DONE, Outcome, Percept, Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class GetupConfig:
    """How patiently the robot gets up."""

    tries: int = 3
    """How often it tries before it stays down."""
    spin_max: float = 0.15
    """A pelvis that turns no faster, rad/s, …"""
    speed_max: float = 0.3
    """… and joints no faster than this, rad/s, …"""
    still_s: float = 0.3
    """… for this long are still."""
    patience_s: float = 4.0
    """What is not still by then is taken as it lies."""
    rise_s: float = 10.0
    """Longest time that one try may take from lying to standing."""
    settle_s: float = 1.5
    """How long the walker must stand before the robot counts as up."""
    tilt_lost: float = math.radians(45.0)
    """On its feet again, a pelvis that leans more than this, rad, …"""
    height_lost: float = 0.45
    """… or comes lower above the soles than this, m, has fallen anew."""


class Getup(Flow):
    """Rise from lying in any way, and stand under the walker."""

    syntax = ("",)
    summary = ("Get up from the floor", "从地上站起来")
    called = {"": ("get up", "站起来")}
    risk = "moves"
    timeout_s = 60.0

    def __init__(
        self, arguments: tuple[str, ...], tools: Tools, config: GetupConfig | None = None
    ) -> None:
        super().__init__(arguments, tools)
        self.config = config or GetupConfig()
        self.tries = 0
        """How often it has begun to rise."""
        self.is_on_feet = False
        """Whether the feet carry again: the walker stands, or is about to."""
        self._limp = np.zeros(len(tools.robot.joint_names))
        self._limp.flags.writeable = False  # So that every target can share it.

    @staticmethod
    def prepare(tools: Tools) -> None:
        """Load the policy that rises and check it against the robot, if there is one.

        Raises:
            ContractError: It does not fit.
        """
        if "riser" not in tools.shared and DEFAULT_RISER in installed_policies():
            folder = policy_folder(DEFAULT_RISER)
            tools.shared["riser"] = Riser(tools.robot, tools.kinematics, folder)

    def check(self, percept: Percept) -> Outcome | None:
        """Say so when the robot stands already, and refuse when rising was never learnt."""
        if not self._is_down(percept):
            return Outcome(kind="done", reason="is_up")
        self.prepare(self.tools)
        return None if can_rise(self.tools) else Outcome(kind="failed", reason="cannot_rise")

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Lie still, rise, stand; anew where that did not go well."""
        while self.tries < self.config.tries:
            percept = yield from self._lie_still(percept)
            self.tries += 1
            percept = yield from self._rise(percept)
            if self.is_on_feet:
                percept = yield from self._hand_over(percept)
            if self.is_on_feet:
                return DONE
        return Outcome(kind="failed", reason="fell")

    def _lie_still(self, percept: Percept) -> Behaviour[Percept]:
        """Let the joints go limp and wait until nothing moves any more."""
        config = self.config
        began_ns = moved_ns = percept.state.t_ns
        while True:
            state = percept.state
            spin = float(np.linalg.norm(state.angular_velocity))
            if spin > config.spin_max or np.abs(state.joint_velocity).max() > config.speed_max:
                moved_ns = state.t_ns
            lain_s, still_s = (state.t_ns - began_ns) * 1e-9, (state.t_ns - moved_ns) * 1e-9
            if still_s >= config.still_s or lain_s >= config.patience_s:
                return percept
            percept = yield JointTarget(
                t_ns=state.t_ns,
                position=state.joint_position,
                stiffness=self._limp,
                damping=self.tools.robot.damping,
            )

    def _rise(self, percept: Percept) -> Behaviour[Percept]:
        """Follow the policy until it stands steadily or its time is over."""
        riser: Riser = self.tools.shared["riser"]
        riser.reset(percept.state)
        while riser.elapsed_s < self.config.rise_s:
            percept = yield riser.step(percept.state)
            if riser.is_up(percept.state):
                self.is_on_feet = True
                break
        return percept

    def _hand_over(self, percept: Percept) -> Behaviour[Percept]:
        """Let the walker in, and stand for a while, up as high as it goes; knees bend later."""
        riser: Riser = self.tools.shared["riser"]
        self.tools.walker.reset(percept.state)
        end_ns = percept.state.t_ns + round(self.config.settle_s * 1e9)
        while percept.state.t_ns < end_ns:
            percept = yield riser.ease(tick(self.tools, percept, upper_body=IN_STANCE))
            if self._is_down(percept):
                self.is_on_feet = False
                break
        return percept

    def _is_down(self, percept: Percept) -> bool:
        tilt, _ = tilt_and_rate(percept.state)
        height = float(percept.base.position[2])
        return tilt > self.config.tilt_lost or height < self.config.height_lost


def can_rise(tools: Tools) -> bool:
    """Whether a policy that rises is there."""
    return "riser" in tools.shared
