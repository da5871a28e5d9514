"""Learn to walk while arms, loads, floors and fists do what they like.

Legs and waist are the policy's. The arms move at random, carry up to 6 kg and are only seen; the
robot is told how fast to walk, how high to hold its pelvis and how far to lean. All of it becomes
harder as long as it stays up: floors smoother, loads heavier, moves wider, blows stronger.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.control.approach import ApproachConfig, approach
from yanshi.policies.ease import EaseConfig, eased
from yanshi.policies.upper_body import RELAXED, UPRIGHT
from yanshi.robots.g1.spec import G1
from yanshi.robots.g1.stance import HEIGHTS, LEAN_MAX, LEAN_MIN, LEG_ANGLES
from yanshi.train.fleet import Array, Fleet, FleetPhysics, gravity_in, heading, rotate_back
from yanshi.train.g1_fleet import (
    INDICES,
    JOINTS,
    Variety,
    bank_of,
    mirror_of_joints,
    standing_state,
    training_model,
)
from yanshi.train.observation import Mirror, Observation, add_noise, layout, mirror_of
from yanshi.train.standing import Standing
from yanshi.train.task import Outcome, arrays_of, put_back

OWN = 15
"""Legs and waist: the first joints of the robot, and the policy's own."""
ARMS = len(JOINTS) - OWN
LEG_YAWS = [JOINTS.index(f"{side}_hip_yaw") for side in ("left", "right")]
ACTION_SCALE = 0.25
"""rad per unit of action."""
ACTION_LIMIT = 20.0
"""Actions are clipped to ± this."""
GAIT_HZ = 1.0
SWING_M = 0.08
"""How high a foot swings: without being asked to step, a walker learns to shuffle."""
RECOVERY_S = 1.2
"""So long after the strongest blow the feet may go where they must, whatever the rhythm."""
SOLE_M = 0.035
"""Height of a foot's frame while its sole is on the floor."""
HISTORY = 3
_NEVER = 1e9
"""In ticks: longer than any training."""
HANDED_S = 2.5
"""How long a robot that has just got up is left alone."""
FORESIGHT_S = 1.0
"""How long before they come the critic knows of a blow and of the next order.

Of what nobody could foresee the actions before it would be praised or blamed.
"""
TERMS = layout(
    [
        ("last_action", OWN, 1.0, HISTORY),
        ("arm_goal", ARMS, 1.0 / ACTION_SCALE, 1),
        ("angular_velocity", 3, 0.25, HISTORY),
        ("turn_command", 1, 1.0, 1),
        ("velocity_command", 2, 1.0, 1),
        ("posture_command", 2, 2.0, 1),
        ("phase_cosine", 2, 1.0, 1),
        ("phase_sine", 2, 1.0, 1),
        ("joint_position", len(JOINTS), 1.0, HISTORY),
        ("joint_velocity", len(JOINTS), 0.05, HISTORY),
        ("gravity", 3, 1.0, HISTORY),
    ]
)
PRIVATE = layout(
    [
        ("velocity", 3, 1.0, 1),
        ("mean_velocity", 3, 1.0, 1),
        ("height", 1, 4.0, 1),
        ("torso", 2, 2.0, 1),
        ("feet_height", 2, 5.0, 1),
        ("feet_velocity", 6, 0.3, 1),
        ("blow", 3, 0.005, 1),
        ("blow_place", 3, 2.0, 1),
        ("blow_near", 1, 1.0, 1),
        ("blow_left", 1, 0.2, 1),
        ("wish", 3, 1.0, 1),
        ("order_near", 1, 1.0, 1),
        ("friction", 1, 1.0, 1),
        ("load", 2, 0.3, 1),
        ("delay", 1, 0.5, 1),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkConfig:
    """What a walker meets while it learns."""

    robots: int = 256
    threads: int = 2
    episode_s: float = 20.0
    physics: FleetPhysics = field(default_factory=FleetPhysics)
    variety: Variety = field(default_factory=Variety)
    speed_min: tuple[float, float, float] = (-0.6, -0.4, -1.0)
    speed_max: tuple[float, float, float] = (1.0, 0.4, 1.0)
    acceleration: tuple[float, float, float] = (1.2, 1.0, 3.0)
    """Fastest change of the velocity command, m/s² and rad/s²; as in a run."""
    nominal_height: float = RELAXED[0]
    """Of the pelvis in the relaxed stance, m; postures are seen as differences from it."""
    upright_height: float = UPRIGHT[0]
    """Of the pelvis where no other is asked for, m: with its knees bent a walker bears more."""
    height: tuple[float, float] = (0.45, 0.78)
    pitch: tuple[float, float] = (-0.15, 0.7)
    posture_rate: tuple[float, float] = (0.3, 0.8)
    """Fastest change of the height, m/s, and of the lean, rad/s."""
    posture_share: float = 0.35
    """Share of the orders that ask for another posture than standing upright."""
    stand_share: float = 0.35
    goal_share: float = 0.4
    """Share of the orders that are a pose to go to instead of a velocity."""
    order_s: tuple[float, float] = (2.0, 8.0)
    arm_speed_max: float = 1.5
    """rad/s."""
    arm_still_share: float = 0.15
    blow_s: tuple[float, float] = (0.06, 0.1)
    blow_every_s: tuple[float, float] = (1.0, 5.0)
    """Mean time between two blows; every episode has its own."""
    calm_share: float = 0.3
    """Share of the episodes without blows: to walk exactly and stand still is learnt there."""
    blow_max_n: float = 600.0
    handed_share: float = 0.15
    """Share of the episodes that begin as a riser or a performer hands the robot over."""
    first_level: float = 0.0
    """How hard everything is to begin with, from 0 to 1."""
    falls_a_minute: float = 2.5
    """Fewer falls than this of a robot in a minute make everything harder."""
    hardening: float = 5e-5
    """How much harder a tick, from 0 to 1."""
    noise: dict[str, float] = field(
        default_factory=lambda: {
            "angular_velocity": 0.1,
            "joint_position": 0.01,
            "joint_velocity": 0.4,
            "gravity": 0.02,
        }
    )
    """Largest error of each sensed term, before scaling."""


class WalkTask:
    """The walker's task for a fleet of G1s; see `Task`."""

    def __init__(self, config: WalkConfig, seed: int, handed: Standing | None = None) -> None:
        """Prepare the fleet.

        Args:
            config: What the walker meets while it learns.
            seed: Of everything random.
            handed: Robots as others hand them over, as which some episodes begin; none if None.
        """
        self.config = config
        self._handed = handed
        self._rng = rng = np.random.default_rng(seed)
        n = self.n = config.robots
        model = training_model(config.physics)
        bank = sorted(bank_of(model, config.variety, rng), key=partial(_hardness, model, config))
        self.fleet = Fleet(
            bank,
            n,
            config.physics,
            standing_state(model),
            threads=config.threads,
            has_forces=True,
        )
        self._measure(model, bank)
        self._tick_s = config.physics.tick_s
        self._approach = ApproachConfig(speed_max=(0.8, 0.4, 1.0))

        self.level = config.first_level
        """How hard everything is, from 0 to 1."""
        self._fall_rate = 0.0
        self._tick = np.zeros(n, dtype=np.intp)
        self._order_ends = np.zeros(n, dtype=np.intp)
        self._wish = np.zeros((n, 5))
        self._command = np.zeros((n, 5))
        self._goal = np.zeros((n, 3))
        self._has_goal = np.zeros(n, dtype=bool)
        self._at_goal = np.zeros(n, dtype=bool)
        self._stands = np.ones(n, dtype=bool)
        self._phase = np.zeros((n, 2))
        self._arm = np.zeros((n, ARMS))
        self._arm_goal = np.zeros((n, ARMS))
        self._arm_speed = np.zeros((n, ARMS))
        self._arm_kind = np.zeros(n, dtype=np.intp)
        self._action = np.zeros((n, OWN))
        self._blow = np.zeros((n, 3))
        self._blow_link = np.zeros(n, dtype=np.intp)
        self._blow_at = np.zeros(n, dtype=np.intp)
        """Tick at which each robot's blow begins."""
        self._blow_ticks = np.ones(n, dtype=np.intp)
        """How many of its ticks are left."""
        self._calm = np.zeros(n)
        """s since the last blow and the recovery from it."""
        self._blow_every = np.ones(n)
        """Mean time between two blows, ticks."""
        self._forces = np.zeros((n, model.nbody, 6))
        self._mean = np.zeros((n, 3))
        self._mean_command = np.zeros((n, 3))
        self._target = np.tile(self._default, (n, 1))
        self._stance = np.zeros((n, len(JOINTS)))
        self._ease = EaseConfig(period_s=self._tick_s)
        self._is_caught = np.ones((n, len(JOINTS)), dtype=bool)
        """Which targets have caught up after the hand-over; see `policies.ease.Ease`."""

        self._seen = Observation(TERMS, n)
        self._private = Observation(PRIVATE, n)
        self.actor_width = TERMS[-1].stop
        self.critic_width = self.actor_width + PRIVATE[-1].stop
        self.action_width = OWN
        self.actor_mirror, self.critic_mirror, self.action_mirror = _mirrors()
        self._begin(np.arange(n))
        self._tick[:] = rng.integers(0, round(0.9 * config.episode_s / self._tick_s), n)
        self._order_ends += self._tick
        self._blow_at += self._tick

    def _measure(self, model: mujoco.MjModel, bank: list[mujoco.MjModel]) -> None:
        """Note what does not change: of the robot, and of each body of the bank."""
        self._friction = np.array([m.geom_friction[0, 0] for m in bank])
        hands = [model.body(f"{side}_wrist_yaw_link").id for side in ("left", "right")]
        self._load = np.array([m.body_mass[hands] for m in bank]) - model.body_mass[hands]
        self._links = np.array([model.joint(name).bodyid[0] for name in JOINTS])
        self._link_places = _standing_places(model)
        limits = G1.limits
        self._default = G1.default_position[INDICES]
        self._lower, self._upper = limits.lower[INDICES], limits.upper[INDICES]
        self._stiffness = G1.stiffness[INDICES][:OWN]
        self._damping = G1.damping[INDICES][:OWN]
        self._torque = limits.torque[INDICES][:OWN]
        self._arm_lower, self._arm_upper = 0.65 * self._lower[OWN:], 0.65 * self._upper[OWN:]

    # -- what is seen ----------------------------------------------------------------------

    def observe(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what actor and critic see."""
        return self._look()

    def _look(self, *, is_final: bool = False) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        fleet = self.fleet
        orientation = fleet.orientation_wxyz
        gravity = gravity_in(orientation)
        velocity = rotate_back(orientation, fleet.velocity)
        values: dict[str, Array] = {
            "last_action": self._action,
            "arm_goal": self._arm - self._default[OWN:],
            "angular_velocity": fleet.angular_velocity,
            "turn_command": self._command[:, 2:3],
            "velocity_command": self._command[:, :2],
            "posture_command": self._command[:, 3:] - (self.config.nominal_height, 0.0),
            "phase_cosine": np.cos(self._phase),
            "phase_sine": np.sin(self._phase),
            # Squatting looks like standing: what balances one balances the other.
            "joint_position": fleet.joint_position - self._default - self._stance,
            "joint_velocity": fleet.joint_velocity,
            "gravity": gravity,
        }
        feet = ("left_foot", "right_foot")
        models = fleet.model_of
        yaw = heading(orientation)
        private = {
            "velocity": velocity,
            "mean_velocity": self._mean,
            "height": fleet.position[:, 2:] - self._command[:, 3:4],
            "torso": self._torso_tilt() - self._command[:, 4:] * (1.0, 0.0),
            "feet_height": np.stack(
                [fleet.sensor(f"{foot}_position")[:, 2] for foot in feet], axis=1
            ),
            "feet_velocity": np.concatenate(
                [_turn(fleet.sensor(f"{foot}_velocity"), -yaw) for foot in feet], axis=1
            ),
            **self._foresee(),
            "friction": self._friction[models][:, None],
            "load": self._load[models],
            "delay": fleet.delay_steps[:, None].astype(float),
        }
        if is_final:  # Seen by the critic alone, to value what an ended episode would have become.
            seen = self._seen.peek(values)
        else:
            add_noise(values, self.config.noise, self._rng)
            seen = self._seen.add(values)
        return seen, np.concatenate([seen, self._private.add(private)], axis=1)

    def _foresee(self) -> dict[str, Array]:
        """Return what the critic knows of a blow, now or soon, and of the next order."""
        near = self._nearness(self._blow_at)
        return {
            "blow": near * rotate_back(self.fleet.orientation_wxyz, self._blow),
            "blow_place": near * self._link_places[self._blow_link],
            "blow_near": near,
            "blow_left": near * self._blow_ticks[:, None],
            "wish": self._wish[:, :3],
            "order_near": self._nearness(self._order_ends),
        }

    def _nearness(self, at: NDArray[np.intp]) -> Array:
        """Return 1 for what is now, 0 for what is beyond foresight, shape (n, 1)."""
        near: Array = np.clip(1.0 - (at - self._tick) * self._tick_s / FORESIGHT_S, 0.0, 1.0)
        return near[:, None]

    def _torso_tilt(self) -> Array:
        """Return how far the torso leans ahead and to the left, rad, shape (n, 2)."""
        fleet = self.fleet
        ahead = -fleet.sensor("torso_ahead")[:, 2]
        left = -fleet.sensor("torso_left")[:, 2]
        return np.arcsin(np.clip(np.stack([ahead, left], axis=1), -1.0, 1.0))

    # -- what is asked ---------------------------------------------------------------------

    def _give_orders(self) -> None:
        who = np.flatnonzero(self._tick >= self._order_ends)
        if len(who):
            self._order(who)

    def _order(self, who: NDArray[np.intp]) -> None:
        config, rng, k = self.config, self._rng, len(who)
        span = rng.uniform(*config.order_s, k) / self._tick_s
        self._order_ends[who] = self._tick[who] + span.astype(np.intp)
        velocity = rng.uniform(config.speed_min, config.speed_max, (k, 3))
        velocity *= rng.random((k, 3)) > 0.3
        velocity[rng.random(k) < config.stand_share] = 0.0
        upright = np.array([config.upright_height, 0.0])
        posture = np.stack([rng.uniform(*config.height, k), rng.uniform(*config.pitch, k)], axis=1)
        posture = upright + min(1.0, 0.3 + 2.0 * self.level) * (posture - upright)
        posture[rng.random(k) > config.posture_share] = upright
        is_crouched = (posture[:, 0] < 0.65) | (np.abs(posture[:, 1]) > 0.3)
        velocity[is_crouched] *= 0.4
        velocity[is_crouched & (rng.random(k) < 0.6)] = 0.0
        self._wish[who, :3], self._wish[who, 3:] = velocity, posture
        goes = (rng.random(k) < config.goal_share) & ~is_crouched
        self._has_goal[who], self._at_goal[who] = goes, False
        distance, direction = rng.uniform(0.0, 3.0, k), rng.uniform(-np.pi, np.pi, k)
        place = self.fleet.position[who, :2]
        step = distance[:, None] * np.stack([np.cos(direction), np.sin(direction)], axis=1)
        self._goal[who, :2] = place + step
        self._goal[who, 2] = rng.uniform(-np.pi, np.pi, k)
        # Time enough to arrive there and to stand.
        self._order_ends[who] += np.where(goes, (2.0 * distance + 3.0) / self._tick_s, 0.0).astype(
            np.intp
        )

    def _follow_orders(self) -> None:
        """Bring commands and gait a tick closer to what was ordered."""
        fleet = self.fleet
        yaw = heading(fleet.orientation_wxyz)
        error = np.empty((self.n, 3))
        error[:, :2] = _turn(self._goal[:, :2] - fleet.position[:, :2], -yaw)
        error[:, 2] = (self._goal[:, 2] - yaw + np.pi) % (2.0 * np.pi) - np.pi
        velocity, self._at_goal = approach(error, self._at_goal, self._approach)
        self._wish[self._has_goal, :3] = velocity[self._has_goal]
        rate = np.array([*self.config.acceleration, *self.config.posture_rate]) * self._tick_s
        self._command += np.clip(self._wish - self._command, -rate, rate)
        least = np.interp(self._command[:, 3], HEIGHTS, LEAN_MIN)
        np.maximum(self._command[:, 4], least, out=self._command[:, 4])
        self._stance[:] = stance(self._command[:, 3:])
        was_standing = self._stands
        self._stands = np.abs(self._command[:, :3]).max(axis=1) < 0.01
        self._phase = (
            np.fmod(self._phase + 2.0 * np.pi * GAIT_HZ * self._tick_s + np.pi, 2.0 * np.pi) - np.pi
        )
        self._phase[self._stands] = np.pi
        self._phase[~self._stands & was_standing] = (0.0, np.pi)

    def _move_arms(self) -> None:
        """Move the arms' targets: some wander, some go from pose to pose, some rest."""
        rng, most = self._rng, self.config.arm_speed_max
        wanders = self._arm_kind == 0
        kick = rng.standard_normal((self.n, ARMS), dtype=np.float32)
        self._arm_speed += np.where(wanders[:, None], 0.3 * kick, 0.0)
        np.clip(self._arm_speed, -most, most, out=self._arm_speed)
        renew = np.flatnonzero((self._arm_kind == 1) & (rng.random(self.n) < 0.015))
        if len(renew):
            width = min(1.0, 0.3 + 2.0 * self.level)
            poses = rng.uniform(self._arm_lower, self._arm_upper, (len(renew), ARMS))
            rest = self._default[OWN:]
            self._arm_goal[renew] = rest + width * (poses - rest)
            # Some moves are slow, most quick.
            self._arm_speed[renew] = rng.uniform(0.2, 1.0, (len(renew), 1)) * most
        step = np.abs(self._arm_speed) * self._tick_s
        goal = np.clip(self._arm_goal - self._arm, -step, step)
        self._arm += np.where(wanders[:, None], self._arm_speed * self._tick_s, goal)
        beyond = (self._arm < self._arm_lower) | (self._arm > self._arm_upper)
        self._arm_speed[beyond & wanders[:, None]] *= -1.0
        np.clip(self._arm, self._arm_lower, self._arm_upper, out=self._arm)

    # -- what happens ----------------------------------------------------------------------

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Do one tick; see `Task`."""
        fleet = self.fleet
        before = self._action
        self._action = np.clip(action, -ACTION_LIMIT, ACTION_LIMIT).astype(np.float64)
        held = self._target.copy()
        self._target[:, :OWN] = self._action * ACTION_SCALE + self._default[:OWN]
        self._target[:, :OWN] += self._stance[:, :OWN]
        self._target[:, OWN:] = self._arm
        np.clip(self._target, self._lower, self._upper, out=self._target)
        self._is_caught |= np.abs(self._target - held) <= self._ease.step
        slowly = eased(held, self._target, self._ease.step)
        np.copyto(self._target, slowly, where=~self._is_caught)
        self._strike()
        blown_up = fleet.step(self._target, self._forces)
        if blown_up.any():
            fleet.state[blown_up] = fleet.reference
        self._tick += 1
        self._follow_velocity()
        parts = self._reward(before)
        gravity = gravity_in(fleet.orientation_wxyz)
        failed = (gravity[:, 2] > -0.5) | (fleet.position[:, 2] < 0.28) | blown_up
        over = (self._tick * self._tick_s >= self.config.episode_s) & ~failed
        reward = np.where(failed, -5.0, sum(parts.values())).astype(np.float32) * 0.1
        self._raise_level(int(failed.sum()))
        # Before the critic looks ahead: a clock that lags would look like a gait that leads.
        self._give_orders()
        self._follow_orders()
        self._move_arms()
        _, last = self._look(is_final=True)
        ended = np.flatnonzero(failed | over)
        if len(ended):
            self._begin(ended)
        return Outcome(
            reward=reward,
            has_failed=failed,
            is_over=over,
            last_critic_input=last,
            parts={name: float(part.mean()) for name, part in parts.items()},
        )

    def _strike(self) -> None:
        """Strike whose time has come, and leave alone who was struck long enough."""
        self._calm += self._tick_s
        strikes = self._tick >= self._blow_at
        over = strikes & (self._blow_ticks == 0)
        if over.any():
            who = np.flatnonzero(over)
            self._forces[who] = 0.0
            self._plan_blow(who)
        who = np.flatnonzero(strikes & ~over)
        self._forces[who, self._blow_link[who], :3] = self._blow[who]
        self._blow_ticks[who] -= 1
        force = np.linalg.norm(self._blow[who], axis=1)
        self._calm[who] = -RECOVERY_S * force / self.config.blow_max_n

    def _plan_blow(self, who: NDArray[np.intp]) -> None:
        config, rng, k = self.config, self._rng, len(who)
        direction = rng.standard_normal((k, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        force_max = max(0.05, self.level) * config.blow_max_n
        # Most are strong: of weak ones there is little to learn.
        self._blow[who] = direction * np.sqrt(rng.uniform(0.01, 1.0, (k, 1))) * force_max
        self._blow_link[who] = self._links[rng.integers(len(self._links), size=k)]
        span = rng.uniform(*config.blow_s, k) / self._tick_s
        self._blow_ticks[who] = np.maximum(1, np.round(span)).astype(np.intp)
        wait = rng.exponential(self._blow_every[who])
        self._blow_at[who] = self._tick[who] + 1 + wait.astype(np.intp)

    def _follow_velocity(self) -> None:
        """Follow the velocity over about a stride: a walking pelvis sways."""
        fleet = self.fleet
        yaw = heading(fleet.orientation_wxyz)
        now = np.concatenate(
            [_turn(fleet.velocity[:, :2], -yaw), fleet.angular_velocity[:, 2:]], axis=1
        )
        share = self._tick_s / 0.5
        self._mean += share * (now - self._mean)
        self._mean_command += share * (self._command[:, :3] - self._mean_command)

    def _reward(self, action_before: Array) -> dict[str, Array]:
        fleet, command = self.fleet, self._command
        yaw = heading(fleet.orientation_wxyz)
        velocity = _turn(fleet.velocity[:, :2], -yaw)
        torso = self._torso_tilt()
        slow = np.linalg.norm((self._mean - self._mean_command)[:, :2], axis=1)
        spin = np.abs((self._mean - self._mean_command)[:, 2])
        own = fleet.joint_velocity[:, :OWN]
        position = fleet.joint_position[:, :OWN]
        torque = self._stiffness * (self._target[:, :OWN] - position) - self._damping * own
        effort = np.minimum(np.abs(torque) / self._torque, 1.5)
        left, right = fleet.sensor("left_foot_position"), fleet.sensor("right_foot_position")
        feet_height = np.stack([left[:, 2], right[:, 2]], axis=1)
        # Each foot swings in the half of its cycle about phase 0; standing, both are at π.
        swing = SWING_M * np.maximum(np.cos(self._phase), 0.0)
        off_gait = np.abs(feet_height - SOLE_M - swing).sum(axis=1)
        off_gait[self._calm < 0.0] = 0.0
        feet_apart = _turn((left - right)[:, :2], -yaw)
        sway = np.linalg.norm(fleet.position[:, :2] - 0.5 * (left + right)[:, :2], axis=1)
        twist = np.abs(position[:, LEG_YAWS].mean(axis=1))
        on_floor = feet_height < SOLE_M + 0.01
        slip = np.stack(
            [
                np.linalg.norm(fleet.sensor(f"{side}_foot_velocity")[:, :2], axis=1)
                for side in ("left", "right")
            ],
            axis=1,
        )
        calm = (self._stands & (self._calm > 1.0)).astype(float)
        poised = calm * (command[:, 3] > 0.66) * (np.abs(command[:, 4]) < 0.1)
        still = (own[:, :12] ** 2).sum(axis=1)
        return {
            "velocity": 1.5 * np.exp(-((velocity - command[:, :2]) ** 2).sum(axis=1) / 0.15),
            "mean_velocity": 1.8 * _near(slow, 0.1, 0.8),
            "turn": 0.8 * np.exp(-((fleet.angular_velocity[:, 2] - command[:, 2]) ** 2) / 0.25),
            "mean_turn": 1.8 * _near(spin, 0.1, 0.8),
            "height": 1.2 * _near(fleet.position[:, 2] - command[:, 3], 0.04, 0.3),
            "lean": 0.9 * _near(torso[:, 0] - command[:, 4], 0.1, 0.6),
            "gait": 2.5 * _near(off_gait, 0.03, 0.12),
            "upright": -2.0 * np.minimum(torso[:, 1] ** 2, 1.0),
            "smooth": -0.01 * np.minimum(((self._action - action_before) ** 2).sum(axis=1), 100.0),
            "speed": -3e-5 * np.minimum((own**2).sum(axis=1), 2e4),
            "effort": -0.08 * (effort**2).sum(axis=1),
            "strain": -0.5 * np.maximum(effort - 0.9, 0.0).sum(axis=1),
            "still": calm * (0.8 * on_floor.all(axis=1) - 0.02 * np.minimum(still, 20.0)),
            "planted": 0.8 * calm * _near(slip.sum(axis=1), 0.02, 0.4),
            "poise": poised * (2.4 * _near(sway, 0.02, 0.15) + 0.8 * _near(twist, 0.03, 0.3)),
            "slip": -0.3 * np.minimum(slip * on_floor, 2.0).sum(axis=1),
            "apart": -4.0 * np.maximum(0.17 - feet_apart[:, 1], 0.0)
            - 2.0 * np.maximum(feet_apart[:, 1] - 0.45, 0.0),
            "waist": -0.3 * np.abs(position[:, 12:14]).sum(axis=1),
            "hips": -0.15 * np.abs(position[:, LEG_YAWS]).sum(axis=1),
        }

    def _raise_level(self, falls: int) -> None:
        minutes = self.n * self._tick_s / 60.0
        # Averaged over some ten seconds of the fleet.
        self._fall_rate += 0.002 * (falls / minutes - self._fall_rate)
        if self._fall_rate < self.config.falls_a_minute:
            self.level = min(1.0, self.level + self.config.hardening)

    def _begin(self, who: NDArray[np.intp]) -> None:
        config, rng, k = self.config, self._rng, len(who)
        fleet = self.fleet
        state = np.tile(fleet.reference, (k, 1))
        state[:, 3] += rng.uniform(-0.02, 0.02, k)
        yaw = rng.uniform(-np.pi, np.pi, k)
        state[:, 4], state[:, 7] = np.cos(0.5 * yaw), np.sin(0.5 * yaw)
        joints = slice(8, 8 + len(JOINTS))
        state[:, joints] += rng.normal(0.0, 0.03, (k, len(JOINTS)))
        state[:, 8 + len(JOINTS) :] = rng.normal(0.0, 0.05, (k, state.shape[1] - 8 - len(JOINTS)))
        # The bank is in order of hardness.
        easy = 0.2 + 0.8 * min(1.0, 2.0 * self.level)
        fleet.model_of[who] = (rng.random(k) * easy * len(fleet.bank)).astype(np.intp)
        fleet.delay_steps[who] = rng.integers(config.physics.steps_a_tick + 1, size=k)
        self._arm_kind[who] = rng.choice(
            3, k, p=[0.45, 0.55 - config.arm_still_share, config.arm_still_share]
        )
        self._arm[who] = self._default[OWN:]
        self._arm_goal[who] = self._arm[who]
        self._arm_speed[who] = 0.0
        fleet.place(who, state, np.tile(self._default, (k, 1)))
        self._tick[who] = 0
        self._order_ends[who] = 0
        self._action[who] = 0.0
        self._command[who] = (0.0, 0.0, 0.0, config.nominal_height, 0.0)
        self._stance[who] = 0.0
        self._mean[who] = self._mean_command[who] = 0.0
        self._stands[who] = True
        self._phase[who] = np.pi
        self._forces[who] = 0.0
        often, rare = (np.log(wait_s / self._tick_s) for wait_s in config.blow_every_s)
        is_calm = rng.random(k) < config.calm_share
        self._blow_every[who] = np.where(is_calm, _NEVER, np.exp(rng.uniform(often, rare, k)))
        self._plan_blow(who)
        self._blow_at[who] += round(0.5 / self._tick_s)
        self._calm[who] = 10.0
        self._target[who] = self._default
        self._is_caught[who] = True
        self._seen.start(who)
        if self._handed is not None:
            self._take_over(who[rng.random(k) < config.handed_share], self._handed)

    def _take_over(self, who: NDArray[np.intp], handed: Standing) -> None:
        """Begin as others hand robots over, and let them stand for a while."""
        rng, k, ticks = self._rng, len(who), round(HANDED_S / self._tick_s)
        pick = rng.integers(len(handed.state), size=k)
        state, target = handed.state[pick], handed.target[pick]
        state[:, 8:] += rng.normal(0.0, 0.03, state[:, 8:].shape)
        self.fleet.place(who, state, target)
        self._target[who] = target
        self._is_caught[who] = False
        self._wish[who] = self._command[who]
        self._wish[who, 3] = rng.choice([self.config.nominal_height, self.config.upright_height], k)
        self._has_goal[who] = False
        self._order_ends[who] = ticks
        self._blow_at[who] += ticks
        self._calm[who] = -RECOVERY_S
        self._arm_kind[who] = 1  # They hang, soon.
        self._arm_goal[who] = self._default[OWN:]
        self._arm[who] = np.clip(target[:, OWN:], self._arm_lower, self._arm_upper)
        self._arm_speed[who] = self.config.arm_speed_max

    # -- for the log and for going on ------------------------------------------------------

    def progress(self) -> dict[str, float]:
        """Return falls of a robot in a minute and how hard everything is, from 0 to 1."""
        return {"falls a minute": self._fall_rate, "level": self.level}

    def state_dict(self) -> dict[str, Any]:
        """Return everything that goes on, to the last bit."""
        return {
            "level": self.level,
            "fall_rate": self._fall_rate,
            "rng": self._rng.bit_generator.state,
            "fleet": self.fleet.state_dict(),
            "seen": self._seen.state_dict(),
            "arrays": arrays_of(self),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state; one without robots begins all episodes anew."""
        self.level, self._fall_rate = state["level"], state["fall_rate"]
        self._rng.bit_generator.state = state["rng"]
        if "fleet" not in state:
            self._begin(np.arange(self.n))
            return
        self.fleet.load_state_dict(state["fleet"])
        self._seen.load_state_dict(state["seen"])
        put_back(self, state["arrays"])


def stance(posture: Array) -> Array:
    """Return what a posture adds to the angles of the relaxed stance, rad, shape (n, n_joints).

    Args:
        posture: Height of the pelvis, m, and lean of the torso, rad, shape (n, 2).
    """
    added = np.zeros((len(posture), len(JOINTS)))
    for joint, angles in LEG_ANGLES.items():
        bend = np.interp(posture[:, 0], HEIGHTS, angles)
        for side in ("left", "right"):
            index = JOINTS.index(f"{side}_{joint}")
            added[:, index] = bend - G1.default_position[INDICES[index]]
    added[:, JOINTS.index("waist_pitch")] = np.clip(posture[:, 1], -LEAN_MAX, LEAN_MAX)
    return added


def _near(error: Array, close: float, far: float) -> Array:
    """Return 1 for no error, less and less for more, with a slope from afar to the very end."""
    size = np.abs(error)
    result: Array = 0.5 * np.exp(-size / close) + 0.5 * np.maximum(1.0 - size / far, 0.0)
    return result


def _hardness(plain: mujoco.MjModel, config: WalkConfig, model: mujoco.MjModel) -> float:
    """Return how hard a body of the bank is to walk with, from 0 to 1."""
    low, high = config.variety.friction
    slippery = (high - float(model.geom_friction[0, 0])) / max(high - low, 1e-9)
    load = float(model.body_mass.sum() - plain.body_mass.sum()) / config.variety.load_kg
    return max(slippery, load)


def _standing_places(model: mujoco.MjModel) -> Array:
    """Return where each link is while the robot stands, from its pelvis, m, shape (nbody, 3)."""
    data = mujoco.MjData(model)
    data.qpos[:] = standing_state(model)[1 : 1 + model.nq]
    mujoco.mj_kinematics(model, data)
    places: Array = data.xpos - data.qpos[:3]
    return places


def _turn(vector: Array, angle: Array) -> Array:
    """Return the horizontal parts of vectors, turned by angles to the left, shape (n, ≥ 2)."""
    cos, sin = np.cos(angle), np.sin(angle)
    turned = vector.copy()
    turned[:, 0] = cos * vector[:, 0] - sin * vector[:, 1]
    turned[:, 1] = sin * vector[:, 0] + cos * vector[:, 1]
    return turned


def _mirrors() -> tuple[Mirror, Mirror, Mirror]:
    """Return the mirrors of what the actor sees, what the critic sees, and of actions."""

    def signs(*values: float) -> Mirror:
        return np.arange(len(values)), np.array(values, np.float32)

    def joints(names: tuple[str, ...]) -> Mirror:
        twin, sign = mirror_of_joints(names)
        return twin, sign.astype(np.float32)

    def swapped(width: int) -> Mirror:
        half = width // 2
        return np.roll(np.arange(width), half), np.ones(width, np.float32)

    own, everything = joints(JOINTS[:OWN]), joints(JOINTS)
    mirrors = {
        "last_action": own,
        "arm_goal": joints(JOINTS[OWN:]),
        "angular_velocity": signs(-1.0, 1.0, -1.0),
        "turn_command": signs(-1.0),
        "velocity_command": signs(1.0, -1.0),
        "phase_cosine": swapped(2),
        "phase_sine": swapped(2),
        "joint_position": everything,
        "joint_velocity": everything,
        "gravity": signs(1.0, -1.0, 1.0),
        "velocity": signs(1.0, -1.0, 1.0),
        "mean_velocity": signs(1.0, -1.0, -1.0),
        "torso": signs(1.0, -1.0),
        "feet_height": swapped(2),
        "feet_velocity": (np.roll(np.arange(6), 3), np.array([1, -1, 1] * 2, np.float32)),
        "blow": signs(1.0, -1.0, 1.0),
        "blow_place": signs(1.0, -1.0, 1.0),
        "wish": signs(1.0, -1.0, -1.0),
        "load": swapped(2),
    }
    actor = mirror_of(TERMS, mirrors)
    private = mirror_of(PRIVATE, mirrors)
    both = (
        np.concatenate([actor[0], TERMS[-1].stop + private[0]]),
        np.concatenate([actor[1], private[1]]),
    )
    return actor, both, own
