"""Keep the robot on its feet, walk it after a velocity, and let the upper body do other things.

The network was trained with its arms swinging and its waist straight. It falls, or walks
off, when it sees an arm raised that it did not raise itself. So what the upper body does on
its own is taken out of what the network sees: an arm that is borrowed looks to it as if it
hung at rest, a waist that bows as if it were upright. Measured with arms moving at random,
this keeps the robot within centimetres where the network fell or drifted by metres.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import ConfigError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import load_contract, policy_folder
from yanshi.policies.network import Network
from yanshi.robots.spec import RobotSpec

DEFAULT_WALKER = "g1_walk_ppo"

Velocity = tuple[float, float, float]
"""Ahead and to the left in m/s, turning to the left in rad/s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpperBody:
    """What the upper body should do beside walking; joints not named stay with the walker."""

    joints: Mapping[int, float] = field(default_factory=dict)
    """Angles by joint index in rad, for arms and hands."""
    waist: Mapping[int, float] = field(default_factory=dict)
    """Angles added to the walker's own, by joint index in rad, for the waist."""
    effort: Mapping[int, float] = field(default_factory=dict)
    """Torques to add by joint index, N·m, against the weight of what is held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkerConfig:
    """How the walker shares the body."""

    lend_s: float = 0.4
    """Time over which a joint goes from the network to the upper body's wish."""
    return_s: float = 0.8
    """Time over which it goes back."""
    speed_max: float = 2.5
    """Fastest change of a borrowed joint's target, rad/s."""
    waist_stiffening: float = 3.0
    """How much stiffer the waist becomes while arms are held out, so that it bears them."""
    effort_rate_max: float = 40.0
    """Fastest change of an added torque, N·m/s."""
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


AT_REST = UpperBody()


class Walker:
    """A walking policy on its robot. Call `step` once a period, whatever the robot does."""

    def __init__(
        self,
        robot: RobotSpec,
        folder: Path | None = None,
        config: WalkerConfig | None = None,
    ) -> None:
        """Load the policy and check it.

        Raises:
            ContractError: The policy does not fit the robot.
        """
        self.robot = robot
        self.config = config or WalkerConfig()
        self.contract = contract = load_contract(folder or policy_folder(DEFAULT_WALKER), robot)
        self._network = Network(contract)
        self._indices = robot.joint_indices(contract.joint_names)
        self._spans = {term.name: term.span for term in contract.observation}
        self._scale = np.ones(len(self._network.observation), dtype=np.float32)
        for term in contract.observation:
            self._scale[term.span] = term.scale
        self._period_s = 1.0 / contract.rate_hz
        self._phase_step = 2.0 * np.pi * contract.setting("gait_hz") * self._period_s
        self._stand_below = float(contract.setting("stand_below"))
        most, gain = contract.setting("command_max"), contract.setting("command_gain")
        if len(most) != 3 or len(gain) != 3:
            raise ConfigError(f"{contract.name}: command_max and command_gain take three numbers.")
        steps = [change * self._period_s for change in self.config.acceleration]
        self._axes = tuple(zip(steps, map(float, most), map(float, gain), strict=True))
        self._rise = self._period_s / self.config.lend_s
        self._fall = self._period_s / self.config.return_s
        n = len(robot.joint_names)
        self._waist = [i for i, name in enumerate(robot.joint_names) if name.startswith("waist")]
        self._legs = np.array([any(k in j for k in _LEG) for j in robot.joint_names])
        self.stiffness = robot.stiffness.copy()
        self.damping = robot.damping.copy()
        self.stiffness[self._indices] = contract.stiffness
        self.damping[self._indices] = contract.damping
        for gains in (self.stiffness, self.damping):
            gains.flags.writeable = False  # So that every target can share them.
        self._lower, self._upper = robot.limits.lower, robot.limits.upper
        self._stiffened = self.stiffness, self.damping
        self._stiffened_for = 0.0
        self._share = np.zeros(n)  # 0: the network's joint, 1: the upper body's.
        self._wish = robot.default_position.copy()
        self._is_lending = False
        self._lean = np.zeros(n)  # What the waist adds to the network's wish.
        self._effort = np.zeros(n)
        self._start = robot.default_position.copy()
        self._action = np.zeros(len(self._indices))
        self._command = [0.0, 0.0, 0.0]
        self._phase = [0.0, math.pi]
        self._heading: float | None = None  # Where to face while standing.
        self._is_regaining = False
        self._ticks = 0
        self._last_ns: int | None = None
        self.is_standing = True

    @property
    def command(self) -> Velocity:
        """The velocity that is being walked now: bounded and smoothed."""
        ahead, left, turn = (
            command * gain for command, (_, _, gain) in zip(self._command, self._axes, strict=True)
        )
        return ahead, left, turn

    def reset(self, state: RobotState) -> None:
        """Take over the robot as it is now, e.g. from a dance."""
        self._start[:] = state.joint_position
        self._wish[:] = state.joint_position
        self._share[:] = 0.0
        self._lean[:] = 0.0
        self._effort[:] = 0.0
        self._action[:] = 0.0
        self._command = [0.0, 0.0, 0.0]
        self._phase = [math.pi, math.pi]
        self._is_lending = False
        self._heading = None
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
            upper_body: What arms, hands and waist should do meanwhile.
        """
        if self._last_ns is None or state.t_ns - self._last_ns > self.config.gap_s * 1e9:
            self.reset(state)
        self._last_ns = state.t_ns
        self._ticks += 1
        self._follow_command(self._hold_heading(state, velocity))
        self._lend(upper_body)
        self._observe(state)
        self._network.run()
        limit = self.contract.action_limit
        np.maximum(self._network.action, -limit, out=self._action)
        np.minimum(self._action, limit, out=self._action)
        return self._target(state)

    def _hold_heading(self, state: RobotState, velocity: Velocity) -> Velocity:
        """Return the velocity, or a turn back to the heading at which standing began."""
        if any(abs(part) >= self._stand_below for part in velocity):
            self._heading = None
            self._is_regaining = False
            return velocity
        w, x, y, z = state.orientation_wxyz.tolist()
        heading = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
        if self._heading is None:
            self._heading = heading
        error = (self._heading - heading + math.pi) % _TURN - math.pi
        config = self.config
        slack = config.heading_regained if self._is_regaining else config.heading_slack
        self._is_regaining = abs(error) > slack
        if not self._is_regaining:
            return 0.0, 0.0, 0.0
        return 0.0, 0.0, _clamp(2.0 * error, 0.5)

    def _follow_command(self, velocity: Velocity) -> None:
        # Plain floats: NumPy takes longer over three numbers than Python does.
        for axis, (step, most, gain) in enumerate(self._axes):
            wanted = _clamp(velocity[axis] / gain, most)
            self._command[axis] += _clamp(wanted - self._command[axis], step)
        ahead, left, turn = self._command
        was_standing = self.is_standing
        self.is_standing = (
            math.hypot(ahead, left) < self._stand_below and abs(turn) < self._stand_below
        )
        if self.is_standing:
            self._phase = [math.pi, math.pi]
        elif was_standing:
            self._phase = [0.0, math.pi]
        else:
            step = self._phase_step
            self._phase = [(angle + step + math.pi) % _TURN - math.pi for angle in self._phase]

    def _lend(self, upper_body: UpperBody) -> None:
        """Move shares and wishes one tick towards what the upper body asks."""
        is_asked = bool(upper_body.joints or upper_body.waist or upper_body.effort)
        if not (is_asked or self._is_lending):
            return  # The common case: nothing is lent and nothing on its way back.
        config, period_s = self.config, self._period_s
        step = config.speed_max * period_s
        self._share -= self._fall
        for joint, angle in upper_body.joints.items():
            # Nobody's joint takes the wish as it is; a lent one moves towards it.
            far = angle - self._wish[joint]
            is_lent = self._share[joint] > -self._fall
            self._wish[joint] += _clamp(far, step) if is_lent else far
            self._share[joint] += self._fall + self._rise
        self._share[self._legs] = 0.0
        np.maximum(self._share, 0.0, out=self._share)
        np.minimum(self._share, 1.0, out=self._share)
        for joint in self._waist:
            self._lean[joint] += _clamp(upper_body.waist.get(joint, 0.0) - self._lean[joint], step)
        wanted = np.zeros(len(self._effort))
        for joint, torque in upper_body.effort.items():
            wanted[joint] = torque
        step = config.effort_rate_max * period_s
        wanted -= self._effort
        np.maximum(wanted, -step, out=wanted)
        np.minimum(wanted, step, out=wanted)
        self._effort += wanted
        self._is_lending = is_asked or bool(
            self._share.any() or self._lean.any() or self._effort.any()
        )

    def _observe(self, state: RobotState) -> None:
        """Fill in the observation, with what the upper body does by itself taken out."""
        seen, at = self._network.observation, self._spans
        position = state.joint_position.take(self._indices)
        position -= self.contract.action_offset
        speed = state.joint_velocity.take(self._indices)
        if self._is_lending:
            kept = 1.0 - self._share[self._indices]
            position -= self._lean[self._indices]
            position *= kept
            speed *= kept
        w, x, y, z = state.orientation_wxyz.tolist()
        left, right = self._phase
        seen[at["last_action"]] = self._action
        seen[at["angular_velocity"]] = state.angular_velocity
        seen[at["turn_command"]] = self._command[2:]
        seen[at["velocity_command"]] = self._command[:2]
        seen[at["phase_cosine"]] = (math.cos(left), math.cos(right))
        seen[at["phase_sine"]] = (math.sin(left), math.sin(right))
        seen[at["joint_position"]] = position
        seen[at["joint_velocity"]] = speed
        seen[at["gravity"]] = (
            2.0 * (w * y - x * z),
            -2.0 * (y * z + w * x),
            2.0 * (x * x + y * y) - 1.0,
        )
        seen *= self._scale

    def _target(self, state: RobotState) -> JointTarget:
        action = self._action * self.contract.action_scale
        action += self.contract.action_offset
        position = self.robot.default_position.copy()
        position.put(self._indices, action)
        stiffness, damping = self.stiffness, self.damping
        if self._is_lending:
            position += self._lean
            share = self._share * self._share * (3.0 - 2.0 * self._share)
            position += share * (self._wish - position)
            stiffness, damping = self._gains()
            # A motor is a spring: to add torque, ask for an angle farther on.
            position += self._effort / stiffness
        started = self._ticks * self._period_s / self.config.start_s
        if started < 1.0:
            position = self._start + started * (position - self._start)
        np.maximum(position, self._lower, out=position)
        np.minimum(position, self._upper, out=position)
        position.flags.writeable = False  # The message may keep it as it is.
        return JointTarget(t_ns=state.t_ns, position=position, stiffness=stiffness, damping=damping)

    def _gains(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return stiffness and damping of all joints, with a stiffer waist under held-out arms."""
        held_out = float(self._share.max())
        if held_out == 0.0:
            return self.stiffness, self.damping
        if held_out != self._stiffened_for:
            self._stiffened_for = held_out
            more = 1.0 + held_out * (self.config.waist_stiffening - 1.0)
            stiffness, damping = self.stiffness.copy(), self.damping.copy()
            for gains in (stiffness, damping):
                gains[self._waist] *= more
                gains.flags.writeable = False
            self._stiffened = stiffness, damping
        return self._stiffened


def _clamp(value: float, most: float) -> float:
    """Return `value` bounded to plus or minus `most`."""
    return most if value > most else -most if value < -most else value


_TURN = 2.0 * math.pi
_LEG = ("hip", "knee", "ankle")
"""What marks the name of a leg's joint; legs are never lent."""
