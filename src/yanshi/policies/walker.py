"""Keep the robot on its feet and walk it after a velocity, while the upper body does other things.

Two kinds of networks walk here. Ready ones command every joint and know only arms that swing; ours
command legs and waist, see the arms, and squat and lean when told to. `upper_body` says how each
shares the body. The steps' rhythm, the smoothing of commands and the heading are the same for both.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from yanshi.control.kinematics import Kinematics
from yanshi.core.errors import ContractError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import Contract, load_contract, policy_folder
from yanshi.policies.network import Network
from yanshi.policies.observation import Observation, Values, gravity
from yanshi.policies.poise import Poise
from yanshi.policies.upper_body import (
    RELAXED,
    UPRIGHT,
    Arms,
    HiddenArms,
    Posture,
    SeenArms,
    UpperBody,
    UpperBodyConfig,
    clamp,
)
from yanshi.robots.spec import RobotSpec

__all__ = [
    "AT_REST",
    "IN_STANCE",
    "UPRIGHT",
    "Posture",
    "UpperBody",
    "Velocity",
    "Walker",
    "WalkerConfig",
]

DEFAULT_WALKER = "g1_walk"

Velocity = tuple[float, float, float]
"""Ahead and to the left in m/s, turning to the left in rad/s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkerConfig:
    """How the walker takes commands and shares the body."""

    upper_body: UpperBodyConfig = field(default_factory=UpperBodyConfig)
    start_s: float = 0.3
    """Time over which targets move from where the joints are, after a reset."""
    gap_s: float = 0.05
    """A pause longer than this means somebody else moved the robot: start afresh."""
    acceleration: Velocity = (1.2, 1.0, 3.0)
    """Fastest change of the velocity command, m/s² and rad/s²."""
    heading_slack: float = 0.09
    """Standing, the robot creeps round. Farther than this, rad, it steps back …"""
    heading_regained: float = 0.03
    """… until it is this close, rad."""
    heading_slack_poised: float = 0.2
    """As `heading_slack`, for one whose hips turn it back without a step; see `poise`."""
    heading_after_s: float = 1.0
    """That one comes to rest first, and keeps the heading that it has then."""


AT_REST = UpperBody()
IN_STANCE = UpperBody(posture=RELAXED)
"""Arms at rest, legs and waist in the default pose."""


class Walker:
    """A walking policy on its robot. Call `step` once a period, whatever the robot does."""

    def __init__(
        self,
        robot: RobotSpec,
        folder: Path | None = None,
        config: WalkerConfig | None = None,
        kinematics: Kinematics | None = None,
    ) -> None:
        """Load the policy and check it.

        Args:
            robot: What walks.
            folder: The policy; the default one if None.
            config: How it takes commands.
            kinematics: The robot's own, by which a walker of ours stands still; see `poise`.

        Raises:
            ContractError: The policy does not fit the robot, or is no walker.
        """
        self.robot = robot
        self.config = config or WalkerConfig()
        self.contract = contract = load_contract(folder or policy_folder(DEFAULT_WALKER), robot)
        self._network = Network(contract)
        self._observation = Observation(contract.observation, self._network.observation)
        self._seen = robot.joint_indices(contract.joint_names)
        self._acted = robot.joint_indices(contract.acts_on)
        terms = contract.require("a walker", _TERMS, "velocity_command")
        self._period_s = 1.0 / contract.rate_hz
        self._phase_step = 2.0 * np.pi * contract.number("gait_hz") * self._period_s
        self._stand_below = contract.number("stand_below")
        most, gain = contract.numbers("command_max", 3), contract.numbers("command_gain", 3)
        least = tuple(-bound for bound in most)
        if "command_min" in contract.settings:
            least = contract.numbers("command_min", 3)
        steps = (change * self._period_s for change in self.config.acceleration)
        self._axes = tuple(zip(steps, least, most, gain, strict=True))
        self._postures: tuple[tuple[float, float, float, float], ...] = ()
        if "posture_command" in terms:
            names = ("posture_rate", "posture_min", "posture_max", "posture_nominal")
            rate, low, high, nominal = (contract.numbers(name, 2) for name in names)
            steps = (change * self._period_s for change in rate)
            self._postures = tuple(zip(steps, low, high, nominal, strict=True))
        self._stance = Stance(robot, contract) if "stance_heights" in contract.settings else None
        self._poise: Poise | None = None
        if kinematics is not None and self._stance is not None:
            self._poise = Poise(robot, kinematics, self._period_s)
        stiffness, damping = robot.stiffness.copy(), robot.damping.copy()
        firmness = self._firmness()
        stiffness[self._acted] = firmness * contract.stiffness
        damping[self._acted] = firmness * contract.damping
        for part in (stiffness, damping):
            part.flags.writeable = False  # So that every target can share them.
        share = SeenArms if "arm_goal" in terms else HiddenArms
        gains = stiffness, damping
        self._arms: Arms = share(robot, contract, self.config.upper_body, gains)
        self._start = robot.default_position.copy()
        self._action = np.zeros(len(self._acted))
        self._command = [0.0, 0.0, 0.0]
        self._posture = [nominal for *_, nominal in self._postures]
        self._bend()
        self._phase = [0.0, math.pi]
        self._heading: float | None = None  # Where to face while standing.
        self._stood_ticks = 0
        self._is_regaining = False
        self._ticks = 0
        self._last_ns: int | None = None
        self.is_standing = True
        self.speed_max = math.inf
        """How fast it may walk now, m/s, whatever it is told."""

    def _firmness(self) -> float:
        """Return how many times as stiff as in training the network's joints are held.

        Raises:
            ContractError: No walker was ever tried so soft or so stiff.
        """
        contract, (low, high) = self.contract, _FIRMNESS
        if "firmness" not in contract.settings:
            return 1.0
        firmness = contract.number("firmness")
        if not low <= firmness <= high:
            raise ContractError(
                f"{contract.name}: settings.firmness is {firmness:g}, "
                f"but a number in [{low:g}, {high:g}] would agree.",
                zh=f"{contract.name}：settings.firmness 是 {firmness:g}，"
                f"应在 {low:g} 到 {high:g} 之间。",
            )
        return firmness

    @property
    def command(self) -> Velocity:
        """The velocity that is being walked now: bounded and smoothed."""
        ahead, left, turn = (
            command * gain for command, (*_, gain) in zip(self._command, self._axes, strict=True)
        )
        return ahead, left, turn

    @property
    def posture(self) -> Posture:
        """The posture that is being held now; upright for a walker that knows no other."""
        if not self._posture:
            return UPRIGHT
        height, pitch = self._posture
        return height, pitch

    def posed(self, height: float, pitch: float) -> np.ndarray:
        """Return all joint angles of a posture, arms hanging, rad.

        Args:
            height: Of the pelvis above the floor, m.
            pitch: Lean of the torso, rad.
        """
        position = self.robot.default_position.copy()
        if self._stance is not None:
            stance = Stance(self.robot, self.contract)
            stance.take(height, max(pitch, stance.least_lean(height)))
            position += stance.added
        return position

    def reset(self, state: RobotState) -> None:
        """Take over the robot as it is now, e.g. from a dance."""
        self._start[:] = state.joint_position
        self._arms.reset(state)
        self._observation.forget()
        if self._poise is not None:
            self._poise.release()
        self._action[:] = 0.0
        self._command = [0.0, 0.0, 0.0]
        self._posture = [nominal for *_, nominal in self._postures]
        self._bend()
        self._phase = [math.pi, math.pi]
        self._heading = None
        self._stood_ticks = 0
        self._is_regaining = False
        self._ticks = 0
        self._last_ns = None
        self.is_standing = True

    def step(
        self, state: RobotState, velocity: Velocity, upper_body: UpperBody = AT_REST
    ) -> JointTarget:
        """Return the next target of all joints; call it at the contract's rate.

        Args:
            state: What the sensors measured now.
            velocity: Where to walk; zeros (or less than the contract's `stand_below`) mean
                standing still. It is bounded and its changes are smoothed.
            upper_body: What arms, hands and waist should do meanwhile, and how high to stand.
        """
        if self._last_ns is None or state.t_ns - self._last_ns > self.config.gap_s * 1e9:
            self.reset(state)
        self._last_ns = state.t_ns
        self._ticks += 1
        if (speed := math.hypot(velocity[0], velocity[1])) > self.speed_max:
            slow = self.speed_max / speed
            velocity = slow * velocity[0], slow * velocity[1], velocity[2]
        self._follow_command(self._hold_heading(state, velocity))
        before = self._posture.copy()
        for axis, (step, low, high, _) in enumerate(self._postures):
            wanted = min(max(upper_body.posture[axis], low), high)
            self._posture[axis] += clamp(wanted - self._posture[axis], step)
        if self._stance is not None:
            self._posture[1] = max(self._posture[1], self._stance.least_lean(self._posture[0]))
        self._bend()
        if self._poise is not None:
            if self.is_standing and self._posture == before:
                self._poise.hold(state)
            else:
                self._poise.release()
        self._arms.follow(upper_body)
        self._observe(state)
        self._network.run()
        limit = self.contract.action_limit
        np.maximum(self._network.action, -limit, out=self._action)
        np.minimum(self._action, limit, out=self._action)
        return self._target(state)

    def _hold_heading(self, state: RobotState, velocity: Velocity) -> Velocity:
        """Return the velocity, or a turn back to the heading at which the robot came to rest."""
        if any(abs(part) >= self._stand_below for part in velocity):
            self._heading = None
            self._stood_ticks = 0
            self._is_regaining = False
            return velocity
        config, is_poised = self.config, self._poise is not None
        self._stood_ticks += 1
        if is_poised and self._stood_ticks * self._period_s < config.heading_after_s:
            return 0.0, 0.0, 0.0
        w, x, y, z = state.orientation_wxyz.tolist()
        heading = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
        if self._heading is None:
            self._heading = heading
        error = (self._heading - heading + math.pi) % _TURN - math.pi
        slack = config.heading_slack_poised if is_poised else config.heading_slack
        if self._is_regaining:
            slack = config.heading_regained
        self._is_regaining = abs(error) > slack
        if not self._is_regaining:
            return 0.0, 0.0, 0.0
        return 0.0, 0.0, clamp(2.0 * error, 0.5)

    def _follow_command(self, velocity: Velocity) -> None:
        # Plain floats: NumPy takes longer over three numbers than Python does.
        for axis, (step, least, most, gain) in enumerate(self._axes):
            wanted = min(max(velocity[axis] / gain, least), most)
            self._command[axis] += clamp(wanted - self._command[axis], step)
        was_standing = self.is_standing
        self.is_standing = max(map(abs, self._command)) < self._stand_below
        if self.is_standing:
            self._phase = [math.pi, math.pi]
        elif was_standing:
            self._phase = [0.0, math.pi]
        else:
            step = self._phase_step
            self._phase = [(angle + step + math.pi) % _TURN - math.pi for angle in self._phase]

    def _bend(self) -> None:
        """Bend the legs and the waist for the posture of this tick."""
        if self._stance is not None:
            height, pitch = self._posture
            self._stance.take(height, pitch)

    def _observe(self, state: RobotState) -> None:
        position = state.joint_position.take(self._seen)
        position -= self.contract.joint_zero
        if self._stance is not None:  # Squatting looks like standing to the network.
            position -= self._stance.added.take(self._seen)
        velocity = state.joint_velocity.take(self._seen)
        arm_goal = self._arms.see(position, velocity)
        left, right = self._phase
        values: dict[str, Values] = {
            "last_action": self._action,
            "angular_velocity": state.angular_velocity,
            "turn_command": self._command[2:],
            "velocity_command": self._command[:2],
            "phase_cosine": (math.cos(left), math.cos(right)),
            "phase_sine": (math.sin(left), math.sin(right)),
            "joint_position": position,
            "joint_velocity": velocity,
            "gravity": self._down(state),
            "arm_goal": arm_goal,
            "posture_command": [
                now - nominal
                for now, (*_, nominal) in zip(self._posture, self._postures, strict=True)
            ],
        }
        self._observation.add(values)

    def _down(self, state: RobotState) -> tuple[float, float, float]:
        """Return the direction of gravity as the network is to see it."""
        x, y, z = gravity(state.orientation_wxyz)
        if self._poise is None:
            return x, y, z
        ahead, left = self._poise.lean.tolist()
        return x + ahead, y + left, z

    def _target(self, state: RobotState) -> JointTarget:
        action = self._action * self.contract.action_scale
        action += self.contract.action_offset
        position = self.robot.default_position.copy()
        position.put(self._acted, action)
        if self._stance is not None:
            position += self._stance.added
        if self._poise is not None:
            position[self._poise.hips] += self._poise.turn
        started = self._ticks * self._period_s / self.config.start_s
        if started < 1.0:
            position = self._start + started * (position - self._start)
        self._arms.move(position)
        limits = self.robot.limits
        np.maximum(position, limits.lower, out=position)
        np.minimum(position, limits.upper, out=position)
        position.flags.writeable = False  # The message may keep it as it is.
        return JointTarget(
            t_ns=state.t_ns,
            position=position,
            stiffness=self._arms.stiffness,
            damping=self._arms.damping,
        )


class Stance:
    """What a posture adds to the angles of the relaxed stance, by a table of the contract.

    The contract's `stance_…` lists give the joints of both legs at the heights of
    `stance_heights`; the waist takes the lean up to `stance_lean_max`, and low down at least
    `stance_lean_min`: ankles bend only so far, and the pelvis is behind the feet then.
    """

    def __init__(self, robot: RobotSpec, contract: Contract) -> None:
        n = len(contract.settings["stance_heights"])
        self._heights = contract.numbers("stance_heights", n)
        self._lean_min = contract.numbers("stance_lean_min", n)
        self._lean_max = contract.number("stance_lean_max")
        self._waist = robot.joint_index("waist_pitch")
        self._legs = []
        for joint in ("hip_pitch", "knee", "ankle_pitch"):
            pair = robot.joint_indices([f"left_{joint}", f"right_{joint}"])
            rest = float(robot.default_position[pair[0]])
            angles = [angle - rest for angle in contract.numbers(f"stance_{joint}", n)]
            self._legs.append((pair, angles))
        self.added = np.zeros(len(robot.joint_names))
        """rad, shape (n_joints,)."""
        self._taken: tuple[float, float] | None = None

    def least_lean(self, height: float) -> float:
        """Return how far the torso must lean at a height, m, to stay above the feet, rad."""
        return float(np.interp(height, self._heights, self._lean_min))

    def take(self, height: float, pitch: float) -> None:
        """Compute `added` for a height of the pelvis, m, and a lean of the torso, rad."""
        if (height, pitch) == self._taken:
            return
        self._taken = height, pitch
        for pair, angles in self._legs:
            self.added[pair] = np.interp(height, self._heights, angles)
        self.added[self._waist] = clamp(pitch, self._lean_max)


_FIRMNESS = (0.8, 1.25)
_TURN = 2.0 * math.pi
_TERMS = {
    "last_action",
    "angular_velocity",
    "turn_command",
    "velocity_command",
    "posture_command",
    "phase_cosine",
    "phase_sine",
    "joint_position",
    "joint_velocity",
    "arm_goal",
    "gravity",
}
