"""Learn to get up from the floor the way a person would trust.

The robot lies on its back, its front or a side, its limbs gathered, on a floor that may slope.
First a gentle crane at its torso helps, as long and as much as it must; some robots begin bent on
their feet and learn the end first. The more of them get up alone, the more firmly they are asked to
be slow and gentle. Targets are restrained from the first step, and to be higher than an even rise
would be is worth nothing, so a leap is nothing that could be learned.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yanshi.policies.riser import Restraint, restrained
from yanshi.robots.g1.spec import G1
from yanshi.train.fleet import Array, Fleet, FleetPhysics, gravity_in, rotate_back
from yanshi.train.floor_start import (
    POSE,
    N,
    add_touch,
    crouch,
    height_above_floor,
    is_absurd,
    lie_down,
)
from yanshi.train.g1_fleet import (
    INDICES,
    JOINTS,
    Variety,
    mirror_of_joints,
    standing_state,
    training_model,
    vary,
)
from yanshi.train.observation import Mirror, Observation, add_noise, layout, mirror_of
from yanshi.train.task import Outcome, arrays_of, put_back

_ASTRIDE = ("hip_roll", "hip_yaw", "waist")
ACTION_SCALE = np.clip(0.35 * G1.limits.torque[INDICES] / G1.stiffness[INDICES], 0.3, 0.8)
"""rad per unit of action, shape (29,): what a third of the motor's torque bends, or 0.3 rad."""
ACTION_LIMIT = 10.0
GENTLE_N = 300.0
"""The largest force on a hand or the head that a person would trust."""
_LOW_M = 0.15
"""How high the pelvis of a robot on the floor is, about."""
_STANCE = np.array([4.0 if any(p in name for p in _ASTRIDE) else 1.0 for name in JOINTS])
_STANCE /= _STANCE.sum()
"""How much each joint's place matters when it stands: walkers mind legs apart and a bent waist."""
TERMS = layout(
    [
        ("angular_velocity", 3, 0.25, 3),
        ("gravity", 3, 1.0, 3),
        ("joint_position", N, 1.0, 3),
        ("joint_velocity", N, 0.05, 1),
        ("last_action", N, 0.5, 1),
    ]
)
PRIVATE = layout(
    [
        ("velocity", 3, 1.0, 1),
        ("height", 1, 3.0, 1),
        ("floor", 3, 5.0, 1),
        ("hand_force", 2, 0.01, 1),
        ("head_force", 1, 0.01, 1),
        ("feet_height", 2, 3.0, 1),
        ("friction", 1, 1.0, 1),
        ("help", 1, 2.0, 1),
        ("care", 1, 1.0, 1),
        ("approach", 3, 0.5, 1),
        ("time", 1, 0.3, 1),
        ("up_time", 1, 0.5, 1),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetupConfig:
    """What a robot meets while it learns to get up."""

    robots: int = 512
    threads: int = 2
    episode_s: float = 9.0
    up_s: float = 1.5
    """Time on its feet after which an episode ends: soon, for a walker would stand there then."""
    rise_s: float = 2.0
    """Time to rise in; to be higher than an even rise would be is worth no more."""
    physics: FleetPhysics = field(default_factory=FleetPhysics)
    variety: Variety = field(
        default_factory=lambda: Variety(models=64, friction=(0.5, 1.2), loaded_share=0.0)
    )
    slope_max: float = 0.105
    """Steepest floor, rad; two of three floors slope."""
    torque_share: float = 0.8
    """What the motors give, as a share of their limits."""
    restraint: Restraint = field(default_factory=Restraint)
    ways_of_lying: int = 1024
    crouch_share: float = 0.1
    """Share of the episodes that begin on both feet, without help."""
    help_first: float = 0.7
    """The crane's pull to begin with, as a share of the weight."""
    help_less: float = 0.06
    """How much less it pulls after a success …"""
    help_more: float = 0.03
    """… and how much more after a failure."""
    care_first: float = 0.25
    """Share of the prices of haste and force while there is help."""
    care_step: float = 0.00003
    """How much dearer they get with each episode while robots get up alone, and how much cheaper
    while they do not any more."""
    good_share: float = 0.8
    """Share of successes from which on robots do get up; a seventh less, and they do not."""
    height: float = 0.74
    """Of the pelvis when it stands, m."""
    up_height: float = 0.7
    """Of the pelvis from which on it counts as up, m."""
    noise: dict[str, float] = field(
        default_factory=lambda: {
            "angular_velocity": 0.1,
            "joint_position": 0.01,
            "joint_velocity": 0.3,
            "gravity": 0.02,
        }
    )
    """Largest error of each sensed term, before scaling."""


class GetupTask:
    """The task of getting up for a fleet of G1s; see `Task`."""

    def __init__(self, config: GetupConfig, seed: int) -> None:
        self.config = config
        self._rng = rng = np.random.default_rng(seed)
        n = self.n = config.robots
        self.fleet, self._slope_of = _make_fleet(config, rng)
        fleet = self.fleet
        self._friction_of = np.array([m.geom_friction[0, 0] for m in fleet.bank])
        self._torso = fleet.model.body("torso_link").id
        self._weight = 9.81 * float(fleet.model.body_mass.sum())
        self._tick_s = config.physics.tick_s
        self._rates = config.restraint.rates(JOINTS)
        self._default = G1.default_position[INDICES]
        self._lower, self._upper = G1.limits.lower[INDICES], G1.limits.upper[INDICES]
        self._stiffness, self._damping = G1.stiffness[INDICES], G1.damping[INDICES]
        self._torque = G1.limits.torque[INDICES]

        self.care = config.care_first
        self._success = self._rise_s = 0.0
        self._gentle = np.zeros(2)
        self._shown: dict[str, float] = {}
        self._forces = np.zeros((n, fleet.model.nbody, 6))
        self._target = np.tile(self._default, (n, 1))
        self._action = np.zeros((n, N))
        self._tick = np.zeros(n, dtype=np.intp)
        self._up_ticks = np.zeros(n, dtype=np.intp)
        self._first_up_s = np.zeros(n)
        self._peak = np.zeros((n, 3))
        self._lay = np.ones(n, dtype=bool)
        self._help = np.full(n, config.help_first)

        self._seen = Observation(TERMS, n)
        self._private = Observation(PRIVATE, n)
        self.actor_width = TERMS[-1].stop
        self.critic_width = self.actor_width + PRIVATE[-1].stop
        self.action_width = N
        self.actor_mirror, self.critic_mirror, self.action_mirror = _mirrors()
        self._lying = lie_down(fleet, self._slope_of, rng, config.ways_of_lying, config.restraint)
        self._begin(np.arange(n))
        self._tick[:] = rng.integers(0, round(0.9 * config.episode_s / self._tick_s), n)

    # -- what is seen ----------------------------------------------------------------------

    def observe(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what actor and critic see."""
        values = self._sense()
        add_noise(values, self.config.noise, self._rng)
        return self._with_private(self._seen.add(values))

    def _sense(self) -> dict[str, Array]:
        fleet = self.fleet
        return {
            "angular_velocity": fleet.angular_velocity,
            "gravity": gravity_in(fleet.orientation_wxyz),
            "joint_position": fleet.joint_position - self._default,
            "joint_velocity": fleet.joint_velocity,
            "last_action": self._action,
        }

    def _with_private(
        self, seen: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        fleet = self.fleet
        orientation = fleet.orientation_wxyz
        slope = self._slope_of[fleet.model_of]
        normal = np.stack([np.sin(slope), np.zeros(self.n), np.cos(slope)], axis=1)
        hands, head = self._touch()
        private: dict[str, Array] = {
            "velocity": rotate_back(orientation, fleet.velocity),
            "height": self._height()[:, None],
            "floor": rotate_back(orientation, normal) + gravity_in(orientation),
            "hand_force": np.minimum(hands, 1000.0),
            "head_force": np.minimum(head, 1000.0)[:, None],
            "feet_height": self._feet_height(),
            "approach": self._approach(),
            "friction": self._friction_of[fleet.model_of][:, None],
            "help": (self._help * self._lay)[:, None],
            "care": np.full((self.n, 1), self.care),
            "time": self._tick_s * self._tick[:, None].astype(np.float64),
            "up_time": self._tick_s * self._up_ticks[:, None].astype(np.float64),
        }
        return seen, np.concatenate([seen, self._private.add(private)], axis=1)

    def _peek(self) -> NDArray[np.float32]:
        """Return what the critic would see next, without taking it in."""
        return self._with_private(self._seen.peek(self._sense()))[1]

    def _height(self) -> Array:
        return height_above_floor(self.fleet, self._slope_of)

    def _feet_height(self) -> Array:
        """Return how high both feet are above the floor, m, shape (n, 2)."""
        tangent = np.tan(self._slope_of[self.fleet.model_of])
        feet = [self.fleet.sensor(f"{side}_foot_position") for side in ("left", "right")]
        result: Array = np.stack([foot[:, 2] + tangent * foot[:, 0] for foot in feet], axis=1)
        return result

    def _touch(self) -> tuple[Array, Array]:
        """Return the largest force in the tick on each hand (n, 2) and on the head (n,), N."""
        left, right, head = (
            np.linalg.norm(self.fleet.sensor_steps(name), axis=2).max(axis=1)
            for name in ("left_hand_touch", "right_hand_touch", "head_touch")
        )
        return np.stack([left, right], axis=1), head

    def _approach(self) -> Array:
        """Return how fast hands and head come down close above the floor, m/s, shape (n, 3)."""
        fleet, tangent = self.fleet, np.tan(self._slope_of[self.fleet.model_of])
        coming = []
        for name in ("left_hand", "right_hand", "head"):
            middle, velocity = fleet.sensor(f"{name}_middle"), fleet.sensor(f"{name}_velocity")
            above = middle[:, 2] + tangent * middle[:, 0]
            coming.append(np.maximum(-velocity[:, 2], 0.0) * np.clip(1.5 - above / 0.2, 0.0, 1.0))
        return np.stack(coming, axis=1)

    # -- what happens ----------------------------------------------------------------------

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Do one tick; see `Task`."""
        fleet, config = self.fleet, self.config
        target_before, speed_before = self._target, fleet.joint_velocity.copy()
        wish = self._default + ACTION_SCALE * np.clip(action, -ACTION_LIMIT, ACTION_LIMIT)
        self._target = self._restrain(wish)
        self._action = (self._target - self._default) / ACTION_SCALE
        self._pull()
        blown_up = fleet.step(self._target, self._forces) | is_absurd(fleet)
        if blown_up.any():
            fleet.state[blown_up] = self._lying.state[0]
        self._tick += 1
        parts = self._worth() | self._price(wish, target_before, speed_before)
        self._follow_rise()
        # A robot that blew up lies there again: not its fault, and not worth a fall's price.
        is_over = (self._tick * self._tick_s >= config.episode_s) | blown_up
        is_over |= self._up_ticks * self._tick_s >= config.up_s
        reward = np.where(blown_up, 0.0, sum(parts.values())).astype(np.float32) * 0.1
        last = self._peek()
        ended = np.flatnonzero(is_over)
        if len(ended):
            self._judge(ended)
            self._begin(ended)
        return Outcome(
            reward=reward,
            has_failed=np.zeros(self.n, dtype=bool),
            is_over=is_over,
            last_critic_input=last,
            parts={name: float(part.mean()) for name, part in parts.items()},
        )

    def _restrain(self, wish: Array) -> Array:
        restraint = self.config.restraint
        rising_s = np.where(self._lay, (self._tick + 1) * self._tick_s, np.inf)
        return restrained(
            np.clip(wish, self._lower, self._upper),
            self._target,
            self.fleet.joint_position,
            self.fleet.joint_velocity,
            share=restraint.share,
            step=restraint.rates_after(restraint.gather_s + rising_s, self._rates) * self._tick_s,
            stiffness=self._stiffness,
            damping=self._damping,
            torque=restraint.torque_share * self._torque,
        )

    def _pull(self) -> None:
        """Let the crane lift the torso, keep it upright and its motion calm."""
        fleet, share = self.fleet, (self._help * self._lay)[:, None]
        up = np.cross(fleet.sensor("torso_ahead"), fleet.sensor("torso_left"))
        lever = np.stack([up[:, 1], -up[:, 0], np.zeros(self.n)], axis=1)  # up × z
        conjugate = fleet.orientation_wxyz * (1.0, -1.0, -1.0, -1.0)
        spin = rotate_back(conjugate, fleet.angular_velocity)  # In the world.
        slack = np.clip((0.8 - self._height()) / 0.12, 0.0, 1.0)
        force = -50.0 * share * fleet.velocity
        force[:, 2] += share[:, 0] * self._weight * slack
        self._forces[:, self._torso, :3] = force
        self._forces[:, self._torso, 3:] = share * (80.0 * lever - 6.0 * spin)

    def _worth(self) -> dict[str, Array]:
        """Return what being where the robots are is worth."""
        fleet = self.fleet
        gravity = gravity_in(fleet.orientation_wxyz)
        height = np.minimum(self._height(), self._asked_height())
        share = np.clip(height / self.config.height, 0.0, 1.0)
        tall = 1.0 / (1.0 + np.exp(-np.clip(20.0 * (height - 0.58), -30.0, 30.0)))
        off = (fleet.joint_position - self._default) ** 2 @ _STANCE
        moves = (fleet.velocity**2).sum(axis=1) + (fleet.angular_velocity**2).sum(axis=1)
        raised = np.maximum(self._feet_height() - 0.05, 0.0).sum(axis=1)
        between = fleet.sensor("left_foot_position") - fleet.sensor("right_foot_position")
        astride = np.abs(np.linalg.norm(between, axis=1) - 0.24)
        return {
            "height": 1.5 * share**2 + np.clip((height - 0.6) / 0.12, 0.0, 1.0),
            "upright": 0.5 * (1.0 - gravity[:, 2]) * (0.3 + 0.7 * share),
            "pose": tall * (np.exp(-off / 0.04) + np.exp(-off / 0.16)),
            "still": tall * 0.8 * np.exp(-moves),
            "level": tall * 0.5 * np.exp(-(gravity[:, :2] ** 2).sum(axis=1) / 0.1),
            "feet": tall * np.exp(-raised / 0.1 - astride / 0.15),
        }

    def _asked_height(self) -> Array:
        """Return how high the pelvises should be by now, m, shape (n,)."""
        share = np.where(self._lay, self._tick * self._tick_s / self.config.rise_s, 1.0)
        result: Array = _LOW_M + (self.config.height - _LOW_M) * np.minimum(share, 1.0)
        return result

    def _price(self, wish: Array, target_before: Array, speed_before: Array) -> dict[str, Array]:
        """Return what haste and force cost."""
        fleet, care = self.fleet, self.care
        position, speed = fleet.joint_position, fleet.joint_velocity
        torque = self._stiffness * (self._target - position) - self._damping * speed
        effort = np.minimum(np.abs(torque) / self._torque, 1.0)
        hands, head = self._touch()
        self._show(speed, effort, hands, head)
        np.maximum(self._peak, np.column_stack([hands, head]), out=self._peak)
        coming = np.clip(self._approach() - 0.6, 0.0, 3.0)
        moves = np.minimum(((self._target - target_before) / self._tick_s) ** 2, 100.0)
        jerks = np.minimum((speed - speed_before) ** 2, 25.0)
        fast = np.clip(np.abs(speed) - 4.0, 0.0, 10.0)
        beyond = np.clip(np.abs(wish - self._target) / ACTION_SCALE - 1.0, 0.0, 4.0)
        spin = np.linalg.norm(fleet.angular_velocity, axis=1)
        return {
            "smooth": -0.0008 * care * moves.sum(axis=1),
            "jerk": -0.003 * care * jerks.sum(axis=1),
            "beyond": -0.02 * beyond.sum(axis=1),
            "speed": -0.05 * care * (fast**2).sum(axis=1),
            "effort": -0.05 * care * (effort**2).sum(axis=1),
            "strain": -0.3 * care * np.maximum(effort - 0.6, 0.0).sum(axis=1),
            "rise": -6.0 * care * np.clip(np.abs(fleet.velocity[:, 2]) - 0.35, 0.0, 1.5),
            "spin": -0.3 * care * np.clip(spin - 2.0, 0.0, 5.0),
            "hands": -10.0 * care * np.clip(hands / 150.0 - 1.0, 0.0, 3.0).sum(axis=1),
            "head": -20.0 * care * np.clip(head / 150.0 - 1.0, 0.0, 5.0),
            "knocks": -care * coming @ (2.0, 2.0, 6.0),
        }

    def _show(self, speed: Array, effort: Array, hands: Array, head: Array) -> None:
        """Follow for the log how hasty and forceful those are who lay."""
        who = self._lay & (self._tick > 5)
        if not who.any():
            return
        for name, values in (
            ("rad/s", np.abs(speed)),
            ("torque", effort),
            ("hand, N", hands),
            ("head, N", head),
        ):
            now = float(np.percentile(values[who], 99.0))
            self._shown[name] = self._shown.get(name, now) * 0.99 + 0.01 * now

    def _follow_rise(self) -> None:
        upright = gravity_in(self.fleet.orientation_wxyz)[:, 2] < -0.9
        is_up = (self._height() > self.config.up_height) & upright
        self._up_ticks = np.where(is_up, self._up_ticks + 1, 0)
        first = is_up & (self._first_up_s == 0.0)
        self._first_up_s[first] = self._tick[first] * self._tick_s

    def _judge(self, who: NDArray[np.intp]) -> None:
        """Give less help after a success and more after a failure; ask for care without help.

        Care is asked for as long as robots get up, and less when they do not any more.
        """
        config = self.config
        who = who[self._lay[who]]
        if not len(who):
            return
        good = self._up_ticks[who] * self._tick_s > 0.8
        change = np.where(good, -config.help_less, config.help_more)
        self._help[who] = np.clip(self._help[who] + change, 0.0, 0.9)
        weight = 1.0 - 0.995 ** len(who)  # Over the last 200 episodes or so.
        self._success += weight * (good.mean() - self._success)
        if good.any():
            self._rise_s += weight * (self._first_up_s[who][good].mean() - self._rise_s)
        peak = self._peak[who]
        gentle = [(peak[:, :2].max(axis=1) < GENTLE_N).mean(), (peak[:, 2] < GENTLE_N).mean()]
        self._gentle += weight * (np.array(gentle) - self._gentle)
        is_alone = self._help.mean() < 0.05
        if self._success > config.good_share and is_alone:
            self.care = min(1.0, self.care + config.care_step * len(who))
        elif self._success < 6.0 / 7.0 * config.good_share:
            self.care = max(config.care_first, self.care - config.care_step * len(who))

    def _begin(self, who: NDArray[np.intp]) -> None:
        config, rng, fleet, k = self.config, self._rng, self.fleet, len(who)
        pick = rng.integers(len(self._lying.state), size=k)
        state = self._lying.state[pick]
        crouches = rng.random(k) < config.crouch_share
        state[crouches] = crouch(fleet.reference, rng, int(crouches.sum()))
        pose = state[:, POSE]
        fleet.model_of[who] = self._lying.model[pick]
        fleet.delay_steps[who] = rng.integers(config.physics.steps_a_tick, size=k)
        target = self._lying.target[pick]
        target[crouches] = pose[crouches]
        fleet.place(who, state, target)
        self._lay[who] = ~crouches
        self._target[who] = target
        self._action[who] = (target - self._default) / ACTION_SCALE
        self._peak[who] = 0.0
        self._tick[who] = self._up_ticks[who] = 0
        self._first_up_s[who] = 0.0
        self._seen.start(who)

    # -- for the log and for going on ------------------------------------------------------

    def progress(self) -> dict[str, float]:
        """Return how many get up, how fast, with how much help, and how gently."""
        return {
            "up": self._success,
            "rise, s": self._rise_s,
            "help": float(self._help.mean()),
            "care": self.care,
            "gentle hands": float(self._gentle[0]),
            "gentle head": float(self._gentle[1]),
            **self._shown,
        }

    def state_dict(self) -> dict[str, Any]:
        """Return everything that goes on, to the last bit."""
        return {
            "care": self.care,
            "success": self._success,
            "rise_s": self._rise_s,
            "shown": dict(self._shown),
            "rng": self._rng.bit_generator.state,
            "fleet": self.fleet.state_dict(),
            "seen": self._seen.state_dict(),
            "arrays": arrays_of(self),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.care, self._success = state["care"], state["success"]
        self._rise_s, self._shown = state["rise_s"], dict(state["shown"])
        self._rng.bit_generator.state = state["rng"]
        self.fleet.load_state_dict(state["fleet"])
        self._seen.load_state_dict(state["seen"])
        put_back(self, state["arrays"])


def _make_fleet(config: GetupConfig, rng: np.random.Generator) -> tuple[Fleet, Array]:
    """Return robots of many kinds, and how far the floor of each kind falls towards +x, rad."""
    model = training_model(config.physics, extend=add_touch)
    model.actuator_forcerange[:] *= config.torque_share
    bank, slopes = [], np.zeros(config.variety.models)
    for index in range(config.variety.models):
        other = vary(model, rng, config.variety) if index else copy.copy(model)
        slopes[index] = slope = config.slope_max * np.sqrt(rng.random()) if index % 3 else 0.0
        other.geom("floor").quat[:] = np.cos(0.5 * slope), 0.0, np.sin(0.5 * slope), 0.0
        bank.append(other)
    start = standing_state(model)
    robots, physics = config.robots, config.physics
    fleet = Fleet(bank, robots, physics, start, threads=config.threads, has_forces=True)
    return fleet, slopes


def _mirrors() -> tuple[Mirror, Mirror, Mirror]:
    """Return the mirrors of what the actor sees, what the critic sees, and of actions."""

    def signs(*values: float) -> Mirror:
        return np.arange(len(values)), np.array(values, np.float32)

    swapped: Mirror = np.array([1, 0]), np.ones(2, np.float32)
    twin, sign = mirror_of_joints(JOINTS)
    joints: Mirror = twin, sign.astype(np.float32)
    mirrors = {
        "last_action": joints,
        "joint_position": joints,
        "joint_velocity": joints,
        "angular_velocity": signs(-1.0, 1.0, -1.0),
        "gravity": signs(1.0, -1.0, 1.0),
        "velocity": signs(1.0, -1.0, 1.0),
        "floor": signs(1.0, -1.0, 1.0),
        "hand_force": swapped,
        "approach": (np.array([1, 0, 2]), np.ones(3, np.float32)),
        "feet_height": swapped,
    }
    actor, private = mirror_of(TERMS, mirrors), mirror_of(PRIVATE, mirrors)
    both = (
        np.concatenate([actor[0], TERMS[-1].stop + private[0]]),
        np.concatenate([actor[1], private[1]]),
    )
    return actor, both, joints
