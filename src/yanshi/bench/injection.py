"""Put faults into a simulated robot's readings and into what its policy says.

A run has these only when its body and its episode were made by the classes here, before it began:
nothing of `bodies/` or `runtime/` knows of them, and no option, word or file reaches them.

What a fault may be, after PX4's failure vocabulary: `off` (nothing comes any more), `stuck` (the
last value again and again), `garbage` (no number), `wrong` (plausible and not as it should be),
`moved` (wrong for all who ask), `slow` (hard to move), `delayed` (all of it late), `intermittent`
(some of it missing).
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.core.errors import BodyError, ConfigError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.robots.spec import RobotSpec
from yanshi.runtime.episode import Episode

BODILY = ("motor", "floor", "load")
"""Parts that are neither read nor thought: they change what physics does."""
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
        "wrong": "{joint} reads {size:g} rad too much",
        "moved": "{joint}'s zero has moved by {size:g} rad, for its motor, too",
    },
    "motor": {
        "off": "{joint}'s motor does not pull any more",
        "wrong": "{joint}'s motor pulls with {size:.0%} of its strength at most",
        "slow": "{joint} rubs with {size:g} N·m",
    },
    "floor": {
        "off": "a crane lifts the robot by {size:g} m",
        "wrong": "the floor's friction is {size:g}",
    },
    "load": {"wrong": "{size:g} kg hang on the right hand"},
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
    after_s: float = 0.0
    """How much later than the first thing that breaks it begins."""
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


ROPE_M = 1.0
"""How far above the torso the crane's hook is."""
ROPE_STIFFNESS, ROPE_DAMPING = 1e4, 300.0
"""N/m and N·s/m: the robot's weight stretches it by 3.4 cm."""
LIFTS_S = 0.5
"""How long the crane takes."""


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
        self._strength = np.ones(len(self.robot.joint_names))
        self._broken: set[Injection] = set()
        self._torso = self.model.body("torso_link").id
        self._delays = any(i.kind == "delayed" and i.part == "states" for i in injections)
        self._history = deque[RobotState](maxlen=64)
        self._last: RobotState = super().read()
        self._spoilt = [0] * len(self._injections)
        self._held: dict[Injection, RobotState] = {}  # What each that is stuck repeats.
        self.bad_ns: int | None = None
        """When a reading was spoilt for the first time."""
        self.last_good_ns = 0
        """When the last reading was made that was not."""
        self.limp_ns: int | None = None
        """When the joints went limp."""
        self.stiff_ns = 0
        """When a target that pulls was written last."""
        self.fell_ns: int | None = None
        """When the torso leaned by 30° or the pelvis came below 0.5 m."""
        self.is_finite = True
        """Whether every target that was written was."""
        self.torque_over = 0.0
        """How far any motor's torque was beyond its limit, N·m."""
        self._hook: NDArray[np.float64] | None = None  # Where the crane's was at the start.
        self._feet = [self.model.body(f"{side}_ankle_roll_link").id for side in ("left", "right")]
        self._speed = np.zeros(6)
        self.off_ns: int | None = None
        """Since when no foot touched anything when the joints went limp, on a crane."""
        self.limp_speed = 0.0
        """The fastest that a joint moved more than 0.3 s later, rad/s."""
        for crane in self._cranes:
            if self._at_ns <= 0:  # It hangs before the run begins.
                self.data.qpos[self._root_qpos + 2] += crane.size
                mujoco.mj_forward(self.model, self.data)
        self.written: list[tuple[int, NDArray[np.float64]]] = []
        """Time and angles of the targets after that moment."""

    def read(self) -> RobotState:
        """Return what is measured, or what is made of it by all that has gone wrong."""
        now_ns = self._now_ns()
        spoilers = [one for i, one in enumerate(self._injections) if self._spoils(i, now_ns)]
        if spoilers:
            self.bad_ns = now_ns if self.bad_ns is None else self.bad_ns
        else:
            self.last_good_ns = now_ns
        state = self._receive([i for i in spoilers if i.part == "states"])
        if state is not self._last:  # What comes again has been spoilt before.
            for injection in spoilers:
                if injection.part != "states":
                    state = self._spoil(state, injection)
        self._last = state
        return state

    def _spoils(self, i: int, now_ns: int) -> bool:
        """Whether an injection spoils this reading; counts it."""
        injection = self._injections[i]
        if injection.part in BODILY:
            return False
        since_s = (now_ns - self._at_ns) * 1e-9 - injection.after_s
        spoils = 0.0 <= since_s < injection.last_s and self._spoilt[i] < injection.samples
        self._spoilt[i] += spoils
        return spoils

    def _receive(self, links: Sequence[Injection]) -> RobotState:
        """Return what comes over the link to the robot: the newest sample, an old one or none."""
        late_ms = 0.0
        for link in links:
            if link.kind == "off":
                raise BodyError("The robot's link is down.")
            if link.kind == "stuck" or (
                link.kind == "intermittent" and self._chance.random() < link.size
            ):
                return self._last
            late_ms += link.size if link.kind == "delayed" else 0.0
        if not late_ms:
            return super().read()
        due_ns = self._now_ns() - late_ms * 1e6
        return next((s for s in reversed(self._history) if s.t_ns <= due_ns), self._last)

    def _spoil(self, state: RobotState, injection: Injection) -> RobotState:
        part, kind = injection.part, injection.kind
        if part == "imu" and kind == "stuck":
            before = self._held.setdefault(injection, self._last)
            held: dict[str, Any] = {name: getattr(before, name) for name in IMU}
            return replace(state, **held)
        if part == "joint" and kind != "garbage":
            return self._mistake_joint(state, injection)
        return _SPOILS[part, kind](state, injection, self._chance, self.robot)

    def _mistake_joint(self, state: RobotState, injection: Injection) -> RobotState:
        index = self.robot.joint_index(injection.joint)
        position, velocity = state.joint_position.copy(), state.joint_velocity.copy()
        if injection.kind in ("wrong", "moved"):
            position[index] += injection.size
        elif injection.kind == "off":
            position[index] = velocity[index] = 0.0
        else:
            before = self._held.setdefault(injection, self._last)
            position[index] = before.joint_position[index]
            velocity[index] = before.joint_velocity[index]
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
        if target.stiffness.any():
            self.stiff_ns = t_ns
        else:
            self._note_limp()
        super().write(target)
        for injection in self._injections:
            if injection.kind == "moved" and self._has_begun(injection):
                motor = self._motor[self.robot.joint_index(injection.joint)]
                self.data.ctrl[motor] -= injection.size

    def stop(self) -> None:
        """Let the joints go limp and keep when."""
        self._note_limp()
        super().stop()

    def advance(self, duration_s: float) -> None:
        """Let time pass and look what becomes of the robot."""
        for injection in self._injections:
            is_due = injection.part in BODILY and self._has_begun(injection)
            if is_due and injection not in self._broken:
                self._broken.add(injection)
                self._break(injection)
        for crane in self._cranes:
            if self._has_begun(crane):
                self._pull(crane)
        super().advance(duration_s)
        if self._cranes:
            self._look_at_feet()
        if self._delays:
            self._history.append(super().read())
        force = self.data.actuator_force[self._motor]
        over = float((np.abs(force) - self.robot.limits.torque).max())
        self.torque_over = max(self.torque_over, over)
        if self.fell_ns is None and not self.is_upright:
            self.fell_ns = self._now_ns()

    def _has_begun(self, injection: Injection) -> bool:
        return self._now_ns() >= self._at_ns + injection.after_s * 1e9

    def _break(self, injection: Injection) -> None:
        """Break something of the robot's body, or under its feet."""
        if injection in self._cranes:
            self._hook = self.data.xpos[self._torso] + (0.0, 0.0, ROPE_M)
        elif injection.part == "floor":
            self.model.geom_friction[:, 0] = injection.size  # Of two, the larger counts.
        elif injection.part == "load":
            hand = self.model.body("right_wrist_yaw_link").id
            self.data.xfrc_applied[hand, 2] = -9.81 * injection.size
        elif injection.kind == "slow":
            dof = self._dof[self.robot.joint_index(injection.joint)]
            self.model.dof_frictionloss[dof] += injection.size
        else:
            share = injection.size if injection.kind == "wrong" else 0.0
            self._strength[self.robot.joint_index(injection.joint)] = share
            self._set_torque_limits(-self.robot.limits.torque, self.robot.limits.torque)

    @property
    def _cranes(self) -> tuple[Injection, ...]:
        return tuple(i for i in self._injections if (i.part, i.kind) == ("floor", "off"))

    def _pull(self, crane: Injection) -> None:
        """Pull the rope, from the torso to the hook, which rises."""
        assert self._hook is not None
        since_s = (self._now_ns() - self._at_ns) * 1e-9 - crane.after_s
        weight = 9.81 * float(self.model.body("pelvis").subtreemass[0])
        height = weight / ROPE_STIFFNESS
        if self._at_ns > 0:
            height = min(1.0, since_s / LIFTS_S) * (crane.size + height)
        rope = self._hook + (0.0, 0.0, height) - self.data.xpos[self._torso]
        length = float(np.linalg.norm(rope))
        mujoco.mj_objectVelocity(
            self.model, self.data, mujoco.mjtObj.mjOBJ_BODY, self._torso, self._speed, 0
        )
        away = -float(rope @ self._speed[3:]) / length
        tension = ROPE_STIFFNESS * (length - ROPE_M) + ROPE_DAMPING * away
        is_taut = length > ROPE_M and tension > 0.0
        self.data.xfrc_applied[self._torso, :3] = tension / length * rope if is_taut else 0.0

    def _look_at_feet(self) -> None:
        """Note since when no foot touches anything, and how fast limp joints move."""
        t_ns = self._now_ns()
        if self.limp_ns is not None:
            if t_ns - self.limp_ns > 300_000_000:
                speed = float(np.abs(self.data.qvel[self._dof]).max())
                self.limp_speed = max(self.limp_speed, speed)
            return
        bodies = self.model.geom_bodyid[self.data.contact.geom]  # (n_contacts, 2)
        if np.isin(bodies, self._feet).any():
            self.off_ns = None
        elif self.off_ns is None:
            self.off_ns = t_ns

    def _set_torque_limits(self, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> None:
        super()._set_torque_limits(lower * self._strength, upper * self._strength)

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

    _misguided: tuple[Injection, ...] = ()
    _misguided_ns = 0

    def misguide(self, injections: Sequence[Injection], at_s: float) -> None:
        """Spoil what the policy says from a moment on."""
        self._misguided, self._misguided_ns = tuple(injections), round(at_s * 1e9)

    def _policy_tick(self, t_ns: int) -> None:
        since_ms = [(t_ns - self._misguided_ns) * 1e-6 - 1e3 * i.after_s for i in self._misguided]
        acting = [(i, ms) for i, ms in zip(self._misguided, since_ms, strict=True) if ms >= 0.0]
        if any(i.kind == "off" or (i.kind == "delayed" and ms < i.size) for i, ms in acting):
            # All else of the tick goes on: the robot is pushed and felt, and the run ends.
            self._pusher.tick(t_ns)
            self._sense_body(t_ns)
            self._now_ns = t_ns
            return
        super()._policy_tick(t_ns)
        for injection, ms in acting:
            if injection.kind != "delayed" and ms < 1e3 * injection.last_s:
                value = np.nan if injection.kind == "garbage" else injection.size
                angles = np.full(self._asked.position.shape, value)
                self._asked = replace(self._asked, position=angles)
