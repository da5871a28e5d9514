"""Bound every joint target before it reaches the motors.

The gate is the last step of a control tick. It has no clock, no I/O and no memory: the
caller passes the time, what was measured, the target it sent last and who may write. Nothing
is let through that has not been found good: whatever else comes in, what goes out is finite,
moves no faster than the joints may, pulls no harder than their motors can and never leaves
the joint limits. A bad target is refused and the last one held; when nobody knows where the
joints are, they go limp under damping.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import BodyError, ConfigError
from yanshi.core.messages import JointTarget, RobotState, read_only
from yanshi.robots.spec import JointLimits
from yanshi.safety.faults import Fault

NO_FAULT: frozenset[Fault] = frozenset()
TARGET_STALE = frozenset({Fault.TARGET_STALE})
TARGET_MALFORMED = frozenset({Fault.TARGET_MALFORMED})
TARGET_FOREIGN = frozenset({Fault.TARGET_FOREIGN})
TARGET_LOST = frozenset({Fault.TARGET_LOST})
STATE_STALE = frozenset({Fault.STATE_STALE})
STATE_MALFORMED = frozenset({Fault.STATE_MALFORMED})
SOFTEST = 1e-9
"""N·m/rad: a softer joint may be sent anywhere, since it pulls at nothing."""
TORQUE_MAX = 10_000.0
"""N·m: no joint of a robot that walks among people pulls harder."""

Gains = NDArray[np.float64]
_smallest = np.minimum.reduce  # Half the time of the method; NaN comes through either way.
_largest = np.maximum.reduce


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """How far the gate trusts a target."""

    tick_s: float = 0.002
    """Control period. Fixed, so that a late tick never earns a longer step."""
    step_max: float = 0.075
    """Largest change of a target in a tick, rad: the fastest motor's 37 rad/s at 500 Hz. Binds
    where a slower tick would earn more."""
    angle_max: float = 12.6
    """What lies further from zero is no angle of a joint, rad: two turns."""
    target_age_max_s: float = 0.04
    """Oldest target obeyed: two periods of a 50 Hz policy."""
    target_lost_s: float = 0.06
    """So long the last target is held when none comes that may be obeyed, 0.1 s after the last
    one came: a robot that holds one stance falls with a time constant of 0.27 s."""
    state_age_max_s: float = 0.05
    """Oldest measurement that the torque is judged by: a fifth of the time in which a falling
    robot's lean grows by e."""
    stiffness_max: float = 500.0
    """Largest proportional gain let through, N·m/rad: the robot model's own stiffest servo."""
    damping_max: float = 50.0
    """Largest derivative gain let through, N·m·s/rad."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """What a target may be, worked out once from the robot's limits; see `Bounds.of`."""

    lower: NDArray[np.float64]
    """Smallest angle, rad, shape (n_joints,)."""
    upper: NDArray[np.float64]
    """Largest angle, rad, shape (n_joints,)."""
    torque: NDArray[np.float64]
    """Hardest pull either way, N·m, shape (n_joints,)."""
    step_up: NDArray[np.float64]
    """Largest change in a tick, rad, shape (n_joints,)."""
    step_down: NDArray[np.float64]
    """The same downwards, negative."""
    no_stiffness: NDArray[np.float64]
    """Zeros, shape (n_joints,)."""
    limp_damping: NDArray[np.float64]
    """What a limp joint is braked with, N·m·s/rad, shape (n_joints,)."""
    angle_max: float
    stiffness_max: float
    damping_max: float
    target_age_max_ns: int
    target_lost_ns: int
    state_age_max_ns: int

    @classmethod
    def of(
        cls,
        limits: JointLimits,
        damping: NDArray[np.float64],
        config: GateConfig | None = None,
    ) -> "Bounds":
        """Work out the bounds of a robot.

        Args:
            limits: Its joint limits.
            damping: Derivative gains of its joints when they are limp, N·m·s/rad.
            config: Bounds of the gate itself.

        Raises:
            ConfigError: They are no limits.
        """
        c = config or GateConfig()
        step = np.minimum(limits.velocity * c.tick_s, c.step_max)
        shape = limits.lower.shape
        are_limits = (
            len(shape) == 1
            and shape[0] > 0
            and all(a.shape == shape for a in (limits.upper, limits.torque, step, damping))
            and bool((np.abs(limits.lower) <= c.angle_max).all())
            and bool((np.abs(limits.upper) <= c.angle_max).all())
            and bool((limits.lower <= limits.upper).all())
            and _are_gains(step, c.step_max)
            and _are_gains(limits.torque, TORQUE_MAX)
            and _are_gains(damping, c.damping_max)
        )
        if not are_limits:
            raise ConfigError(
                "The gate was given limits that are none: each must be finite and of one shape, "
                f"angles within {c.angle_max} rad and lower before upper, speeds not negative, "
                f"torques up to {TORQUE_MAX} N·m, damping at most {c.damping_max}.",
                zh="安全门得到的关节限位无效：各项必须有限、形状一致，下限不大于上限，速度和力矩不为负。",
            )
        return cls(
            lower=read_only(limits.lower),
            upper=read_only(limits.upper),
            torque=read_only(limits.torque),
            step_up=read_only(step),
            step_down=read_only(-step),
            no_stiffness=read_only(np.zeros(shape)),
            limp_damping=read_only(damping),
            angle_max=c.angle_max,
            stiffness_max=c.stiffness_max,
            damping_max=c.damping_max,
            target_age_max_ns=round(c.target_age_max_s * 1e9),
            target_lost_ns=round(c.target_lost_s * 1e9),
            state_age_max_ns=round(c.state_age_max_s * 1e9),
        )


class Gated(JointTarget):
    """A target that may go to the motors. Only this module makes them."""

    __slots__ = ()


def first_target(state: RobotState, stiffness: Gains, damping: Gains, bounds: Bounds) -> Gated:
    """Return the target to begin with: the joints stay where they are.

    Args:
        state: What was measured last.
        stiffness: Proportional gains in N·m/rad, shape (n_joints,).
        damping: Derivative gains in N·m·s/rad, shape (n_joints,).
        bounds: What a target may be.

    Raises:
        BodyError: Measurements or gains are not those of a robot that may be moved.
    """
    target = Gated(
        t_ns=state.t_ns, position=state.joint_position, stiffness=stiffness, damping=damping
    )
    shape = bounds.lower.shape
    if not (
        target.position.shape == stiffness.shape == damping.shape == shape
        and _largest(np.abs(target.position)) <= bounds.angle_max
        and _are_gains(stiffness, bounds.stiffness_max)
        and _are_gains(damping, bounds.damping_max)
    ):
        raise BodyError(
            f"The robot cannot be held where it is: {shape[0]} finite angles within "
            f"{bounds.angle_max} rad and as many gains within {bounds.stiffness_max} N·m/rad and "
            f"{bounds.damping_max} N·m·s/rad are needed; measured: {target.position}.",
            zh=f"无法让机器人保持原位：需要 {shape[0]} 个有效的关节角和增益；"
            f"测得 {target.position}。",
        )
    return target


def gate_target(
    asked: JointTarget,
    sent: Gated,
    state: RobotState,
    bounds: Bounds,
    *,
    token: int,
    writer: int,
    now_ns: int,
) -> tuple[Gated, frozenset[Fault]]:
    """Return the target that is safe to send now, and the fault seen on the way.

    Of several faults the one with the most severe response is told.

    Args:
        asked: What the policy wants; positions in rad, shape (n_joints,).
        sent: What went to the motors on the last tick.
        state: What was measured last; tells how hard a target pulls.
        bounds: What a target may be.
        token: The right under which `asked` was written.
        writer: The right under which one may write now; see `safety.stop`.
        now_ns: Time of this tick on the run's clock.
    """
    shape = bounds.lower.shape
    measured = state.joint_position
    if measured.shape != shape or not _largest(np.abs(measured)) <= bounds.angle_max:
        return _limp(sent, bounds, now_ns), STATE_MALFORMED
    if not 0 <= now_ns - state.t_ns <= bounds.state_age_max_ns:
        return _limp(sent, bounds, now_ns), STATE_STALE

    faults = NO_FAULT
    if not 0 <= now_ns - asked.t_ns <= bounds.target_age_max_ns:
        asked, faults = sent, TARGET_STALE
    elif not _is_sound(asked, sent, bounds):
        asked, faults = sent, TARGET_MALFORMED
    elif token != writer:
        asked, faults = sent, TARGET_FOREIGN

    # Only the spring's pull counts: damping brakes, and a brake is not to be let off.
    reach = bounds.torque / np.maximum(asked.stiffness, SOFTEST)
    step = np.maximum(asked.position, measured - reach)
    reach += measured
    np.minimum(step, reach, out=step)
    # Clip the goal, then the step: a joint that starts outside its limits is walked
    # back in at its velocity limit instead of being thrown there in one tick.
    np.maximum(step, bounds.lower, out=step)
    np.minimum(step, bounds.upper, out=step)
    step -= sent.position
    np.minimum(step, bounds.step_up, out=step)
    np.maximum(step, bounds.step_down, out=step)
    step += sent.position
    step.flags.writeable = False  # Spares the message a copy.
    target = Gated(t_ns=now_ns, position=step, stiffness=asked.stiffness, damping=asked.damping)
    return target, faults


def is_target_lost(obeyed_ns: int, bounds: Bounds, *, now_ns: int) -> bool:
    """Whether the last target is held for so long that it no longer keeps the robot up.

    Args:
        obeyed_ns: When a target was last let through.
        bounds: How long one may be held.
        now_ns: Time of this tick on the run's clock.
    """
    return now_ns - obeyed_ns >= bounds.target_lost_ns


def _limp(sent: Gated, bounds: Bounds, now_ns: int) -> Gated:
    """Let the joints go limp under damping; where they were to be no longer matters."""
    return Gated(
        t_ns=now_ns,
        position=sent.position,
        stiffness=bounds.no_stiffness,
        damping=bounds.limp_damping,
    )


def _is_sound(asked: JointTarget, sent: Gated, bounds: Bounds) -> bool:
    """Whether shapes agree and every number is finite and in bounds; NaN fails each test."""
    shape = bounds.lower.shape
    if asked.position.shape != shape or not _largest(np.abs(asked.position)) <= bounds.angle_max:
        return False
    return all(
        gain is before  # The very array that passed a tick ago; messages cannot be written to.
        or (gain.shape == shape and _are_gains(gain, gain_max))
        for gain, before, gain_max in (
            (asked.stiffness, sent.stiffness, bounds.stiffness_max),
            (asked.damping, sent.damping, bounds.damping_max),
        )
    )


def _are_gains(gains: Gains, gain_max: float) -> bool:
    return bool(_smallest(gains) >= 0.0 and _largest(gains) <= gain_max)
