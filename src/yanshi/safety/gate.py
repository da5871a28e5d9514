"""Bound every joint target before it reaches the motors.

The gate is the last step of a control tick. It has no clock, no I/O and no memory: the
caller passes the time and the target it sent last. Whatever a policy asks for, what is
sent moves no faster than the joints may and never leaves the joint limits.
"""

from dataclasses import dataclass, replace

import numpy as np

from yanshi.core.messages import JointTarget
from yanshi.robots.spec import JointLimits
from yanshi.safety.faults import Fault

NO_FAULT: frozenset[Fault] = frozenset()
STALE = frozenset({Fault.TARGET_STALE})
MALFORMED = frozenset({Fault.TARGET_MALFORMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """How far the gate trusts a target."""

    tick_s: float = 0.002
    """Control period. Fixed, so that a late tick never earns a longer step."""
    target_age_max_s: float = 0.04
    """Oldest target obeyed: two periods of a 50 Hz policy."""
    stiffness_max: float = 500.0
    """Largest proportional gain let through, N·m/rad: the robot model's own stiffest servo."""
    damping_max: float = 50.0
    """Largest derivative gain let through, N·m·s/rad."""


def gate_target(
    asked: JointTarget,
    sent: JointTarget,
    limits: JointLimits,
    config: GateConfig,
    *,
    now_ns: int,
) -> tuple[JointTarget, frozenset[Fault]]:
    """Return the target that is safe to send now, and the faults seen on the way.

    Args:
        asked: What the policy wants; positions in rad, shape (n_joints,).
        sent: What went to the motors on the last tick, same shape.
        limits: Joint limits in rad and rad/s, each of shape (n_joints,).
        config: Bounds of the gate itself.
        now_ns: Time of this tick on the run's clock.
    """
    age_s = (now_ns - asked.t_ns) * 1e-9
    if not 0.0 <= age_s <= config.target_age_max_s:
        return replace(sent, t_ns=now_ns), STALE
    if not _is_sound(asked, sent, config):
        return replace(sent, t_ns=now_ns), MALFORMED

    # Clip the goal, then the step: a joint that starts outside its limits is walked
    # back in at its velocity limit instead of being thrown there in one tick.
    step = np.maximum(asked.position, limits.lower)
    np.minimum(step, limits.upper, out=step)
    step -= sent.position
    step_max = limits.velocity * config.tick_s
    np.minimum(step, step_max, out=step)
    np.maximum(step, -step_max, out=step)
    step += sent.position
    return replace(asked, t_ns=now_ns, position=step), NO_FAULT


def _is_sound(asked: JointTarget, sent: JointTarget, config: GateConfig) -> bool:
    """Whether shapes agree and every number is finite and in bounds; NaN fails each test."""
    shape = sent.position.shape
    if asked.position.shape != shape or not np.isfinite(asked.position).all():
        return False
    return all(
        gain is before  # The very array that passed a tick ago; messages cannot be written to.
        or (gain.shape == shape and bool(gain.min() >= 0.0 and gain.max() <= gain_max))
        for gain, before, gain_max in (
            (asked.stiffness, sent.stiffness, config.stiffness_max),
            (asked.damping, sent.damping, config.damping_max),
        )
    )
