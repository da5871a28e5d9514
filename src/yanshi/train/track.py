"""Learn to perform a routine: follow a motion that was planned without physics, and stay up.

The method is that of X. B. Peng and others (DeepMimic, 2018): the nearer to the reference, the
better; episodes begin anywhere in it, on one foot, too, and end early when the robot is far from
it. They begin more often shortly before moments at which it has been falling. Those that begin with
the routine begin as a walker leaves the robot (`standing.py`), which is never quite the stance. The
action is what is added to the targets that bear the planned motion (`control/bearing.py`).
"""

from dataclasses import dataclass, field
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.control.bearing import Bearing
from yanshi.control.reference import RATE_HZ, Reference
from yanshi.policies.ease import EaseConfig, eased
from yanshi.robots.g1.spec import G1
from yanshi.train.fleet import Array, Fleet, FleetPhysics, gravity_in, heading, rotate_back
from yanshi.train.g1_fleet import FEET, INDICES, JOINTS, Variety, bank_of, training_model
from yanshi.train.observation import Mirror, Observation, layout
from yanshi.train.standing import Standing
from yanshi.train.task import Outcome, arrays_of, put_back

N = len(JOINTS)
ACTION_SCALE = 0.25 * G1.limits.torque[INDICES] / G1.stiffness[INDICES]
"""rad per unit of action, shape (29,): a quarter of the motor's torque."""
ACTION_LIMIT = 6.0
AHEAD_TICKS = 10
"""How far ahead `reference_next` looks: 0.2 s."""
TERMS = layout(
    [
        ("angular_velocity", 3, 0.25, 1),
        ("gravity", 3, 1.0, 1),
        ("joint_position", N, 1.0, 1),
        ("joint_velocity", N, 0.05, 1),
        ("last_action", N, 1.0, 1),
        ("reference_position", N, 1.0, 1),
        ("reference_next", N, 1.0, 1),
        ("reference_gravity", 3, 1.0, 1),
        ("motion_phase", 2, 1.0, 1),
    ]
)
PRIVATE = layout(
    [
        ("velocity", 3, 1.0, 1),
        ("offset", 3, 3.0, 1),
        ("turned", 1, 2.0, 1),
        ("feet_offset", 6, 5.0, 1),
        ("feet_velocity", 6, 0.3, 1),
        ("force", 3, 0.005, 1),
        ("friction", 1, 1.0, 1),
        ("delay", 1, 0.5, 1),
    ]
)
_BALANCING = ("hip", "knee", "ankle", "waist")
_TORSO = "torso_link"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackConfig:
    """What a performer meets while it learns."""

    robots: int = 256
    threads: int = 2
    episode_s: float = 30.0
    """At most; the routine may end sooner. Who always begins anew after a few seconds never meets
    the feet that are not quite where the steps before should have put them."""
    physics: FleetPhysics = field(default_factory=FleetPhysics)
    variety: Variety = field(
        default_factory=lambda: Variety(
            models=128, friction=(0.5, 1.2), strength=0.1, loaded_share=0.0
        )
    )
    first_share: float = 0.25
    """Share of the episodes that begin with the routine, as the walker hands over."""
    trouble_share: float = 0.5
    """Share of the others that begin up to `trouble_s` before a moment of many falls."""
    trouble_s: float = 2.5
    push_s: float = 0.1
    push_every_s: float = 3.0
    push_first: float = 2.0
    push_max: float = 15.0
    """N·s."""
    falls_a_minute: float = 1.5
    """Fewer falls than this of a robot in a minute make the pushes harder."""
    off_max_m: float = 0.5
    """Farther than this from where it should be an episode ends."""
    tilt_max: float = 0.8
    """As for the pelvis' tilt, rad."""
    noise: dict[str, float] = field(
        default_factory=lambda: {
            "angular_velocity": 0.1,
            "joint_position": 0.01,
            "joint_velocity": 0.4,
            "gravity": 0.02,
        }
    )
    """Largest error of each sensed term, before scaling."""


class TrackTask:
    """The task of performing one routine for a fleet of G1s; see `Task`."""

    def __init__(
        self,
        config: TrackConfig,
        reference: Reference,
        bearing: Bearing,
        seed: int,
        standing: Standing | None = None,
    ) -> None:
        """Prepare the fleet.

        Args:
            config: What the performer meets while it learns.
            reference: The motion.
            bearing: What bears it.
            seed: Of everything random.
            standing: How robots stand that begin with the routine; in the stance if None.
        """
        self.config = config
        self._rng = rng = np.random.default_rng(seed)
        n = self.n = config.robots
        model = training_model(config.physics)
        bank = bank_of(model, config.variety, rng)
        self.motion = Motion(reference, bearing, model)
        self._first, self._first_target = self._how_it_begins(standing)
        self.fleet = Fleet(
            bank,
            n,
            config.physics,
            self.motion.state[0],
            threads=config.threads,
            has_forces=True,
        )
        self._measure(model, bank)
        self._tick_s = config.physics.tick_s

        self.push = config.push_first
        self._fall_rate = 0.0
        self._trouble = np.zeros(self.motion.ticks)
        self._at = np.zeros(n, dtype=np.intp)
        """Tick of the motion that each robot is at."""
        self._tick = np.zeros(n, dtype=np.intp)
        self._action = np.zeros((n, N))
        self._target = np.tile(self._default, (n, 1))
        self._ease = EaseConfig(period_s=self._tick_s)
        self._is_caught = np.ones((n, N), dtype=bool)
        """Which targets have caught up after the hand-over; see `policies.ease.Ease`."""
        self._forces = np.zeros((n, model.nbody, 6))
        self._force_ticks = np.zeros(n, dtype=np.intp)
        self._seen = Observation(TERMS, n)
        self._private = Observation(PRIVATE, n)
        self.actor_width = TERMS[-1].stop
        self.critic_width = self.actor_width + PRIVATE[-1].stop
        self.action_width = N
        self.actor_mirror = _same(self.actor_width)
        self.critic_mirror = _same(self.critic_width)
        self.action_mirror = _same(N)
        self._begin(np.arange(n))
        self._tick[:] = rng.integers(0, round(0.9 * config.episode_s / self._tick_s), n)

    def _measure(self, model: mujoco.MjModel, bank: list[mujoco.MjModel]) -> None:
        """Note what does not change: of the robot, and of each body of the bank."""
        self._friction = np.array([m.geom_friction[0, 0] for m in bank])
        self._torso = model.body(_TORSO).id
        self._default = G1.default_position[INDICES]
        self._lower, self._upper = G1.limits.lower[INDICES], G1.limits.upper[INDICES]
        self._stiffness, self._damping = G1.stiffness[INDICES], G1.damping[INDICES]
        self._torque = G1.limits.torque[INDICES]
        # A leg that balances must differ from its reference; arms have no excuse.
        self._worth = np.array([0.5 if any(b in j for b in _BALANCING) else 1.0 for j in JOINTS])

    def _how_it_begins(self, standing: Standing | None) -> tuple[Array, Array]:
        """Return states and targets with which the routine begins, one a row."""
        if standing is None:
            return self.motion.state[:1], self.motion.target[:1]
        state = standing.state.copy()
        state[:, 1:3] += self.motion.feet[0].mean(axis=0)[:2]
        return state, standing.target

    # -- what is seen ----------------------------------------------------------------------

    def observe(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what actor and critic see."""
        return self._look()

    def _look(self, *, is_final: bool = False) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        fleet, motion, at = self.fleet, self.motion, self._at
        orientation = fleet.orientation_wxyz
        phase = motion.phase(at)
        values: dict[str, Array] = {
            "angular_velocity": fleet.angular_velocity,
            "gravity": gravity_in(orientation),
            "joint_position": fleet.joint_position - self._default,
            "joint_velocity": fleet.joint_velocity,
            "last_action": self._action,
            "reference_position": motion.joints[motion.later(at, 1)] - self._default,
            "reference_next": motion.joints[motion.later(at, AHEAD_TICKS)] - self._default,
            "reference_gravity": motion.gravity[motion.later(at, 1)],
            "motion_phase": np.stack([np.sin(phase), np.cos(phase)], axis=1),
        }
        private = {
            "velocity": rotate_back(orientation, fleet.velocity),
            "offset": rotate_back(orientation, fleet.position - motion.root[at, :3]),
            "turned": self._turned()[:, None],
            "feet_offset": self._feet_offset().reshape(self.n, 6),
            "feet_velocity": np.concatenate(
                [fleet.sensor(f"{side}_foot_velocity") for side in ("left", "right")], axis=1
            ),
            "force": rotate_back(orientation, self._forces[:, self._torso, :3]),
            "friction": self._friction[fleet.model_of][:, None],
            "delay": fleet.delay_steps[:, None].astype(float),
        }
        known = self._private.add(private)
        if is_final:  # The critic's last look: without noise, and without a trace in the past.
            seen = np.concatenate(
                [(term.scale * values[term.name]).astype(np.float32) for term in TERMS], axis=1
            )
            return seen, np.concatenate([seen, known], axis=1)
        for name, most in self.config.noise.items():
            values[name] = values[name] + self._rng.uniform(-most, most, values[name].shape)
        seen = self._seen.add(values)
        return seen, np.concatenate([seen, known], axis=1)

    def _turned(self) -> Array:
        """Return how far each robot's heading is from its reference's, rad, shape (n,)."""
        off = heading(self.fleet.orientation_wxyz) - self.motion.heading[self._at]
        result: Array = (off + np.pi) % (2.0 * np.pi) - np.pi
        return result

    def _feet_offset(self) -> Array:
        """Return where the feet are, seen from where they should be, m, shape (n, 2, 3)."""
        fleet = self.fleet
        now = np.stack(
            [fleet.sensor("left_foot_position"), fleet.sensor("right_foot_position")], axis=1
        )
        offset: Array = now - self.motion.feet[self._at]
        return offset

    # -- what happens ----------------------------------------------------------------------

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Do one tick; see `Task`."""
        fleet, motion, config = self.fleet, self.motion, self.config
        before = self._action
        self._action = np.clip(action, -ACTION_LIMIT, ACTION_LIMIT).astype(np.float64)
        following = motion.later(self._at, 1)
        held = self._target.copy()
        self._target[:] = motion.target[following] + ACTION_SCALE * self._action
        np.clip(self._target, self._lower, self._upper, out=self._target)
        self._is_caught |= np.abs(self._target - held) <= self._ease.step
        slowly = eased(held, self._target, self._ease.step)
        np.copyto(self._target, slowly, where=~self._is_caught)
        self._push()
        blown_up = fleet.step(self._target, self._forces)
        if blown_up.any():
            fleet.state[blown_up] = fleet.reference
        self._at = following
        self._tick += 1
        gravity = gravity_in(fleet.orientation_wxyz)
        parts = self._reward(before, gravity)
        tilt = np.arccos(np.clip((gravity * motion.gravity[self._at]).sum(axis=1), -1.0, 1.0))
        off = fleet.position - motion.root[self._at, :3]
        failed = blown_up | (tilt > config.tilt_max) | (off[:, 2] < -0.25)
        failed |= np.hypot(off[:, 0], off[:, 1]) > config.off_max_m
        failed |= np.abs(self._turned()) > 1.2
        over = self._tick * self._tick_s >= config.episode_s
        over = (over | (self._at == motion.ticks - 1)) & ~failed
        self._learn_from(failed)
        reward = np.where(failed, -5.0, sum(parts.values())).astype(np.float32) * 0.1
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

    def _push(self) -> None:
        config, rng = self.config, self._rng
        self._force_ticks -= 1
        self._forces[self._force_ticks == 0] = 0.0
        chance = self._tick_s / config.push_every_s
        who = np.flatnonzero((rng.random(self.n) < chance) & (self._force_ticks <= 0))
        if not len(who):
            return
        direction = rng.uniform(-np.pi, np.pi, len(who))
        force = self.push * rng.uniform(0.2, 1.0, len(who)) / config.push_s
        self._forces[who, self._torso, 0] = force * np.cos(direction)
        self._forces[who, self._torso, 1] = force * np.sin(direction)
        self._force_ticks[who] = round(config.push_s / self._tick_s)

    def _reward(self, action_before: Array, gravity: Array) -> dict[str, Array]:
        fleet, motion, at = self.fleet, self.motion, self._at
        position, speed = fleet.joint_position, fleet.joint_velocity
        angle_error = ((position - motion.joints[at]) ** 2 * self._worth).mean(axis=1)
        speed_error = ((speed - motion.joint_rates[at]) ** 2 * self._worth).mean(axis=1)
        off = fleet.position - motion.root[at, :3]
        feet = self._feet_offset()
        slip = np.stack(
            [
                np.linalg.norm(fleet.sensor(f"{side}_foot_velocity")[:, :2], axis=1)
                for side in ("left", "right")
            ],
            axis=1,
        )
        torque = self._stiffness * (self._target - position) - self._damping * speed
        effort = np.minimum(np.abs(torque) / self._torque, 1.5)
        change = ((self._action - action_before) ** 2).sum(axis=1)
        tilt = ((gravity - motion.gravity[at]) ** 2).sum(axis=1)
        return {
            "angles": 1.5 * np.exp(-angle_error / 0.02),
            "speeds": 0.4 * np.exp(-speed_error / 3.0),
            "tilt": 0.6 * np.exp(-tilt / 0.02),
            "height": 0.4 * np.exp(-((off[:, 2] / 0.04) ** 2)),
            "place": 0.5 * np.exp(-(off[:, :2] ** 2).sum(axis=1) / 0.02),
            "heading": 0.5 * np.exp(-(self._turned() ** 2) / 0.05),
            "feet": 1.0 * np.exp(-(feet**2).sum(axis=(1, 2)) / 0.02),
            "slip": -0.3 * (np.minimum(slip, 2.0) * motion.stands[at]).sum(axis=1),
            "smooth": -0.01 * np.minimum(change, 100.0),
            "effort": -0.04 * (effort**2).sum(axis=1),
        }

    def _learn_from(self, failed: NDArray[np.bool_]) -> None:
        """Note where the falls are, and push harder when they are few."""
        self._trouble *= 0.9995
        np.add.at(self._trouble, self._at[failed], 1.0)
        minutes = self.n * self._tick_s / 60.0
        self._fall_rate += 0.002 * (float(failed.sum()) / minutes - self._fall_rate)
        if self._fall_rate < self.config.falls_a_minute and self._tick.any():
            self.push = min(self.config.push_max, self.push * 1.0004)

    def _begin(self, who: NDArray[np.intp]) -> None:
        config, rng, fleet, motion, k = self.config, self._rng, self.fleet, self.motion, len(who)
        is_first = rng.random(k) < config.first_share
        at = np.where(is_first, 0, self._starts(k))
        state, target = motion.state[at].copy(), motion.target[at].copy()
        pick = rng.integers(len(self._first), size=k)[is_first]
        state[is_first], target[is_first] = self._first[pick], self._first_target[pick]
        state[:, 8 : 8 + N] += rng.normal(0.0, 0.02, (k, N))
        state[:, 8 + N :] += rng.normal(0.0, 0.1, (k, state.shape[1] - 8 - N))
        state[:, 1:3] += rng.normal(0.0, 0.01, (k, 2))
        fleet.model_of[who] = rng.integers(len(fleet.bank), size=k)
        fleet.delay_steps[who] = rng.integers(config.physics.steps_a_tick + 1, size=k)
        fleet.place(who, state, target)
        self._target[who] = target
        self._is_caught[who] = ~is_first[:, None]
        self._at[who] = at
        self._tick[who] = 0
        self._action[who] = 0.0
        self._force_ticks[who] = 0
        self._forces[who] = 0.0
        self._seen.start(who)

    def _starts(self, k: int) -> NDArray[np.intp]:
        """Return ticks to begin at, shape (k,): anywhere, or shortly before trouble."""
        rng, starts = self._rng, self.motion.starts
        anywhere: NDArray[np.intp] = rng.integers(starts, size=k)
        total = self._trouble.sum()
        if total < 1.0:
            return anywhere
        trouble = rng.choice(len(self._trouble), k, p=self._trouble / total)
        wanted = trouble - rng.integers(10, round(self.config.trouble_s / self._tick_s), k)
        wanted = np.clip(wanted, 0, starts - 1)
        return np.where(rng.random(k) < self.config.trouble_share, wanted, anywhere)

    # -- for the log and for going on ------------------------------------------------------

    def progress(self) -> dict[str, float]:
        """Return falls of a robot in a minute and the hardest push."""
        return {"falls a minute": self._fall_rate, "push, N s": self.push}

    def state_dict(self) -> dict[str, Any]:
        """Return everything that goes on, to the last bit."""
        return {
            "push": self.push,
            "fall_rate": self._fall_rate,
            "rng": self._rng.bit_generator.state,
            "fleet": self.fleet.state_dict(),
            "seen": self._seen.state_dict(),
            "private": self._private.state_dict(),
            "arrays": arrays_of(self),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.push, self._fall_rate = state["push"], state["fall_rate"]
        self._rng.bit_generator.state = state["rng"]
        self.fleet.load_state_dict(state["fleet"])
        self._seen.load_state_dict(state["seen"])
        self._private.load_state_dict(state["private"])
        put_back(self, state["arrays"])


class Motion:
    """A reference as the fleet needs it: the joints of training, and where that brings the feet."""

    def __init__(self, reference: Reference, bearing: Bearing, model: mujoco.MjModel) -> None:
        self.ticks = reference.ticks
        self.target = bearing.target[:, INDICES]
        self.joints = reference.joint_position[:, INDICES]
        self.joint_rates = reference.joint_velocity[:, INDICES]
        self.root = np.concatenate(
            [reference.root_position, reference.root_orientation_wxyz], axis=1
        )
        self.stands = reference.stands
        wxyz = reference.root_orientation_wxyz
        self.gravity = gravity_in(wxyz)
        self.heading = heading(wxyz)
        velocity = np.gradient(reference.root_position, 1.0 / RATE_HZ, axis=0)
        spin = angular_velocity(wxyz, 1.0 / RATE_HZ)
        zeros = np.zeros((self.ticks, 1))
        self.state = np.concatenate(
            [zeros, self.root, self.joints, velocity, spin, self.joint_rates], axis=1
        )
        """As `Fleet.state`, shape (ticks, width)."""
        self.feet = self._place_feet(model)
        """Origins of the feet's links, m, shape (ticks, 2, 3)."""
        self.starts = self.ticks - round(1.0 * RATE_HZ)
        """Episodes may begin at ticks before this one."""

    def later(self, at: NDArray[np.intp], ticks: int) -> NDArray[np.intp]:
        """Return ticks later in the motion; it ends in its last one."""
        return np.minimum(at + ticks, self.ticks - 1)

    def phase(self, at: NDArray[np.intp]) -> Array:
        """Return how far the motion is, from 0 to π, shape as `at`: its sine and cosine tell."""
        result: Array = np.pi * at / (self.ticks - 1)
        return result

    def _place_feet(self, model: mujoco.MjModel) -> Array:
        data = mujoco.MjData(model)
        feet = [model.body(foot).id for foot in FEET]
        places = np.empty((self.ticks, 2, 3))
        for tick, pose in enumerate(np.concatenate([self.root, self.joints], axis=1)):
            data.qpos[:] = pose
            mujoco.mj_kinematics(model, data)
            places[tick] = data.xpos[feet]
        return places


def angular_velocity(wxyz: Array, period_s: float) -> Array:
    """Return the angular velocities of a turning body in its own frame, rad/s, shape (n, 3).

    Args:
        wxyz: Its orientations, one a period, shape (n, 4).
        period_s: Time between two of them.
    """
    rate = np.gradient(wxyz, period_s, axis=0)
    w, u = wxyz[:, :1], wxyz[:, 1:]
    result: Array = 2.0 * (w * rate[:, 1:] - rate[:, :1] * u - np.cross(u, rate[:, 1:]))
    return result


def _same(width: int) -> Mirror:
    """Return the mirror that shows things as they are: a routine has a left and a right."""
    return np.arange(width), np.ones(width, np.float32)
