"""Put faults into a simulated robot's readings and into what its policy says.

A run has these only when its body and its episode were made by the classes here, before it began:
nothing of `bodies/` or `runtime/` knows of them, and no option, word or file reaches them.

What a fault may be, after PX4's failure vocabulary: `off` (nothing comes any more), `stuck` (the
last value again and again), `garbage` (no number), `wrong` (a plausible number that is not true),
`slow` (later and later), `delayed` (all of it late), `intermittent` (some of it missing).
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.core.errors import BodyError, ConfigError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.robots.spec import RobotSpec
from yanshi.runtime.episode import Episode

IMU = ("orientation_wxyz", "angular_velocity", "acceleration")
COMBINATIONS: dict[str, dict[str, str]] = {
    "states": {
        "off": "the link is down: reading fails",
        "stuck": "the last sample comes again and again",
        "delayed": "every sample is {size:g} ms old",
        "intermittent": "{size:.0%} of the samples do not come",
    },
    "imu": {
        "garbage": "the IMU's rotation rate is no number",
        "stuck": "the IMU repeats itself",
        "intermittent": "the IMU's rotation rate is no number in {size:.0%} of the samples",
    },
    "gyro": {"wrong": "the rotation rate is off by {size:g} rad/s"},
    "tilt": {"wrong": "the orientation is off by {size:g}°"},
    "joint": {
        "off": "{joint} reads zero",
        "stuck": "{joint} repeats itself",
        "garbage": "{joint} reads no number",
        "wrong": "{joint} is off by {size:g} rad",
    },
    "policy": {
        "off": "the policy says nothing any more",
        "delayed": "the policy is {size:g} ms late, once",
        "garbage": "the policy's angles are no numbers",
        "wrong": "the policy's angles are {size:g} rad",
    },
}
"""What can be injected where, and what that is in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One fault in one part from a moment on."""

    part: str
    """A key of `COMBINATIONS`."""
    kind: str
    """A key of what it holds."""
    size: float = 0.0
    """How much of it; the words of `COMBINATIONS` say in what."""
    joint: str = ""
    """Which joint, where it is one."""
    last_s: float = np.inf
    """How long it lasts."""
    samples: float = np.inf
    """How many samples it spoils at most."""

    def __post_init__(self) -> None:
        if self.kind not in COMBINATIONS.get(self.part, {}):
            known = "; ".join(f"{part}: {', '.join(ks)}" for part, ks in COMBINATIONS.items())
            raise ConfigError(
                f"Nobody has learnt to inject {self.kind!r} into {self.part!r}. Known: {known}.",
                zh=f"无法向 {self.part!r} 注入 {self.kind!r}。可用的组合：{known}。",
            )

    def __str__(self) -> str:
        words = COMBINATIONS[self.part][self.kind].format(size=self.size, joint=self.joint)
        if self.samples < np.inf:
            words += f", in {self.samples:g} sample{'s' * (self.samples > 1)}"
        return words if self.last_s == np.inf else f"{words}, for {1e3 * self.last_s:g} ms"


class InjectedBody(MujocoBody):
    """A simulated robot that is read wrongly from a moment on, and a record of what it did."""

    def __init__(self, body: MujocoBody, injections: Sequence[Injection], at_s: float, seed: int):
        """Take over a body.

        Args:
            body: Not to be used any more.
            injections: What goes wrong.
            at_s: When.
            seed: Of what is left to chance.
        """
        self.__dict__.update(body.__dict__)
        self._injections = tuple(injections)
        self._at_ns = round(at_s * 1e9)
        self._chance = np.random.default_rng([seed, 0x666C74])
        self._held: dict[str, NDArray[np.float64]] = {}
        self._torso = self.model.body("torso_link").id
        self._delays = any(i.kind == "delayed" and i.part == "states" for i in injections)
        self._history = deque[RobotState](maxlen=64)
        self._last: RobotState = super().read()
        self._spoilt = 0
        self.bad_ns: int | None = None
        """When a reading was spoilt for the first time."""
        self.last_good_ns = 0
        """When the last reading was made that was not."""
        self.limp_ns: int | None = None
        """When the joints went limp."""
        self.fell_ns: int | None = None
        """When the torso leaned by 30° or the pelvis came below 0.5 m."""
        self.is_finite = True
        """Whether every target that was written was."""
        self.torque_over = 0.0
        """How far any motor's torque was beyond its limit, N·m."""
        self.written: list[tuple[int, NDArray[np.float64]]] = []
        """Time and angles of the targets after that moment."""

    def read(self) -> RobotState:
        """Return what is measured, or what is made of it."""
        now_ns = self._now_ns()
        if not self._injections or now_ns < self._at_ns:
            self._last = super().read()
            self.last_good_ns = now_ns
            return self._last
        for injection in self._injections:
            lasts = now_ns - self._at_ns < injection.last_s * 1e9
            if lasts and self._spoilt < injection.samples:
                self._spoilt += 1
                self.bad_ns = now_ns if self.bad_ns is None else self.bad_ns
                return self._spoil(injection)
        self._last = super().read()
        return self._last

    def _spoil(self, injection: Injection) -> RobotState:
        part, kind, size = injection.part, injection.kind, injection.size
        if part == "states":
            if kind == "off":
                raise BodyError("The robot's link is down.")
            if kind == "delayed":
                due_ns = self._now_ns() - size * 1e6
                return next((s for s in reversed(self._history) if s.t_ns <= due_ns), self._last)
            if kind == "stuck" or self._chance.random() < size:
                return self._last
            self._last = super().read()
            return self._last
        state = super().read()
        if part == "imu" and kind == "stuck":
            return self._hold(state, IMU)
        if part == "joint" and kind != "garbage":
            return self._mistake_joint(state, injection)
        return _SPOILS[part, kind](state, injection, self._chance, self.robot)

    def _hold(self, state: RobotState, names: Sequence[str]) -> RobotState:
        for name in names:
            self._held.setdefault(name, getattr(self._last, name))
        held: dict[str, Any] = {name: self._held[name] for name in names}
        return replace(state, **held)

    def _mistake_joint(self, state: RobotState, injection: Injection) -> RobotState:
        index = self.robot.joint_index(injection.joint)
        position, velocity = state.joint_position.copy(), state.joint_velocity.copy()
        if injection.kind == "wrong":
            position[index] += injection.size
        elif injection.kind == "off":
            position[index] = velocity[index] = 0.0
        else:
            position[index] = self._last.joint_position[index]
            velocity[index] = self._last.joint_velocity[index]
        return replace(state, joint_position=position, joint_velocity=velocity)

    def write(self, target: JointTarget) -> None:
        """Send a target on and keep it."""
        t_ns = self._now_ns()
        self.is_finite &= all(
            bool(np.isfinite(part).all())
            for part in (target.position, target.stiffness, target.damping)
        )
        if t_ns >= self._at_ns and t_ns - self._at_ns < 100_000_000:
            self.written.append((t_ns, target.position))
        if not target.stiffness.any():
            self._note_limp()
        super().write(target)

    def stop(self) -> None:
        """Let the joints go limp and keep when."""
        self._note_limp()
        super().stop()

    def advance(self, duration_s: float) -> None:
        """Let time pass and look what becomes of the robot."""
        super().advance(duration_s)
        if self._delays:
            self._history.append(super().read())
        force = self.data.actuator_force[self._motor]
        over = float((np.abs(force) - self.robot.limits.torque).max())
        self.torque_over = max(self.torque_over, over)
        if self.fell_ns is None and not self.is_upright:
            self.fell_ns = self._now_ns()

    @property
    def is_upright(self) -> bool:
        """Whether the torso leans by less than 30° and the pelvis is above 0.5 m, in truth."""
        return bool(self.lean_cosine > np.cos(np.radians(30.0)) and self.height > 0.5)

    @property
    def lean_cosine(self) -> float:
        """Cosine of the torso's lean, in truth."""
        return float(self.data.xmat[self._torso][8])

    @property
    def height(self) -> float:
        """How high the pelvis is, m, in truth."""
        return float(self.data.body("pelvis").xpos[2])

    def _note_limp(self) -> None:
        t_ns = self._now_ns()
        if self.limp_ns is None and t_ns >= self._at_ns:
            self.limp_ns = t_ns


def _no_number(
    state: RobotState, injection: Injection, chance: np.random.Generator, robot: RobotSpec
) -> RobotState:
    if injection.kind == "intermittent" and chance.random() >= injection.size:
        return state
    if injection.part == "joint":
        position = state.joint_position.copy()
        position[robot.joint_index(injection.joint)] = np.nan
        return replace(state, joint_position=position)
    return replace(state, angular_velocity=np.array([np.nan, 0.0, np.inf]))


def _turn_too_fast(
    state: RobotState, injection: Injection, chance: np.random.Generator, robot: RobotSpec
) -> RobotState:
    return replace(state, angular_velocity=state.angular_velocity + [0.0, injection.size, 0.0])


def _lean(
    state: RobotState, injection: Injection, chance: np.random.Generator, robot: RobotSpec
) -> RobotState:
    half = 0.5 * np.radians(injection.size)
    aw, ay = np.cos(half), np.sin(half)
    w, x, y, z = state.orientation_wxyz
    turned = np.array([w * aw - y * ay, x * aw - z * ay, y * aw + w * ay, z * aw + x * ay])
    return replace(state, orientation_wxyz=turned)


_SPOILS: dict[tuple[str, str], Callable[..., RobotState]] = {
    ("imu", "garbage"): _no_number,
    ("imu", "intermittent"): _no_number,
    ("joint", "garbage"): _no_number,
    ("gyro", "wrong"): _turn_too_fast,
    ("tilt", "wrong"): _lean,
}


class InjectedEpisode(Episode):
    """A run whose policy fails at a moment; see `misguide`."""

    _misguided: tuple[Injection, int] | None = None

    def misguide(self, injection: Injection, at_s: float) -> None:
        """Spoil what the policy says from a moment on."""
        self._misguided = injection, round(at_s * 1e9)

    def _policy_tick(self, t_ns: int) -> None:
        if self._misguided is None or t_ns < self._misguided[1]:
            super()._policy_tick(t_ns)
            return
        injection, at_ns = self._misguided
        since_ms = (t_ns - at_ns) * 1e-6
        is_silent = injection.kind == "off" or (
            injection.kind == "delayed" and since_ms < injection.size
        )
        if is_silent:  # All else of the tick goes on: the robot is felt and the run ends.
            self._sense_body(t_ns)
            self._now_ns = t_ns
            return
        super()._policy_tick(t_ns)
        if injection.kind != "delayed" and since_ms < injection.last_s * 1e3:
            value = np.nan if injection.kind == "garbage" else injection.size
            angles = np.full(self._asked.position.shape, value)
            self._asked = replace(self._asked, position=angles)
