"""From keyframes to a motion: where every joint and the root should be, fifty times a second.

Feet that stand never slide: their places are fixed first, then the pelvis is put where the centre
of mass is over the wanted spot, then the legs are solved for (Gauss and Newton). Between keyframes
everything follows quintic splines whose speeds are those of a monotone interpolation (F. N. Fritsch
and J. Butland, 1984), so that nothing overshoots a keyframe and what turns round comes to rest.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yanshi.control.figure import Array, Figure, Sole
from yanshi.control.routine import LEFT, RIGHT, Footstep, Keyframe, Routine
from yanshi.core.frames import rotation_matrix

RATE_HZ = 50.0
END_S = 0.4
"""How long the stance is kept after the last keyframe."""
_ITERATIONS = 10
"""Of the search at a tick, which begins where the last one ended."""
_REACH_TICKS = 5
"""Between two looks at how far the robot reaches."""
_LINK_RADIUS_M = 0.06
"""Half a finger's length or a foot's toes beyond the origin of the link."""
LIFT_M = 0.07
"""How high a foot is lifted when no angles are written for its leg."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """A motion, one row per tick of 1 / `RATE_HZ`. The routine begins at the origin, facing x."""

    joint_position: Array
    """rad, shape (n, n_joints)."""
    joint_velocity: Array
    """rad/s, shape (n, n_joints)."""
    root_position: Array
    """m, shape (n, 3)."""
    root_orientation_wxyz: Array
    """Shape (n, 4), w ≥ 0 not promised: neighbours lie close together."""
    centre_of_mass: Array
    """m, shape (n, 3)."""
    stands: NDArray[np.bool_]
    """Whether left and right foot are planted, shape (n, 2)."""
    corners: Array
    """The soles' corners, m, shape (n, 2, n_corners, 3)."""
    gap: Array
    """From each planted sole's middle to its foothold, m, shape (n, 2)."""
    tilt: Array
    """Of each planted sole against the floor, rad, shape (n, 2)."""
    keyframe: NDArray[np.intp]
    """Index of the routine's keyframe that each tick leaves or holds, shape (n,)."""

    @property
    def ticks(self) -> int:
        """How many rows there are."""
        return len(self.joint_position)

    @property
    def duration_s(self) -> float:
        """From the first tick to the last."""
        return (self.ticks - 1) / RATE_HZ


@dataclass(slots=True, kw_only=True, eq=False)
class _Knot:
    """A keyframe, solved."""

    t_s: float
    frame: int
    stands: tuple[bool, bool]
    soles: tuple[Sole, Sole]
    """Where each foot is, or was before it was lifted."""
    pelvis: Array
    """Height, m, and yaw, pitch and roll, rad, shape (4,)."""
    centre: Array
    joints: Array


def plan_reference(routine: Routine, figure: Figure) -> Reference:
    """Return the motion of a routine. What a robot could not do of it, `check` says."""
    knots = _knots(routine, figure)
    times = np.arange(0.0, knots[-1].t_s + END_S + 1e-9, 1.0 / RATE_HZ)
    at = np.array([knot.t_s for knot in knots])
    courses = np.array([[*knot.pelvis, *knot.centre] for knot in knots])
    angles = np.array([knot.joints for knot in knots])
    rates = _monotone_rates(at, angles)
    course_rates = _monotone_rates(at, courses)
    _match_rates(figure, knots, courses, course_rates, angles, rates)
    joints = quintic(at, angles, rates, times)
    course = quintic(at, courses, course_rates, times)
    interval = np.clip(np.searchsorted(at, times + 1e-9, side="right") - 1, 0, len(at) - 2)
    root, centre, corners, missed, stands = [], [], [], [], []
    figure.pose(np.array([0.0, 0.0, courses[0, 0]]), np.eye(3), angles[0])
    for tick, k in enumerate(interval):
        planted = _planted(knots[k], knots[k + 1])
        for side, leg in enumerate(figure.legs):
            if side in planted:  # Begin the search where the last tick ended.
                joints[tick, leg] = figure.joints[leg]
        _solve(figure, course[tick], joints[tick], planted, _ITERATIONS)
        joints[tick] = figure.joints
        root.append(figure.qpos[:7])
        centre.append(figure.centre_of_mass)
        corners.append([figure.corners(side) for side in (LEFT, RIGHT)])
        missed.append([_missed(figure, side, planted) for side in (LEFT, RIGHT)])
        stands.append([side in planted for side in (LEFT, RIGHT)])
    orientation = _continuous(np.array(root)[:, 3:])
    return Reference(
        joint_position=joints,
        joint_velocity=np.gradient(joints, 1.0 / RATE_HZ, axis=0),
        root_position=np.array(root)[:, :3],
        root_orientation_wxyz=orientation,
        centre_of_mass=np.array(centre),
        stands=np.array(stands),
        corners=np.array(corners),
        gap=np.array(missed)[:, :, 0],
        tilt=np.array(missed)[:, :, 1],
        keyframe=np.array([knots[k].frame for k in interval], dtype=np.intp),
    )


def measure_reach(reference: Reference, figure: Figure) -> float:
    """Return how far any part of the robot comes from where its pelvis began, on the floor, m.

    What a robot's links end in (hands, feet, elbows) is taken as balls of `_LINK_RADIUS_M`.
    """
    farthest = 0.0
    for tick in range(0, reference.ticks, _REACH_TICKS):
        position, wxyz = reference.root_position[tick], reference.root_orientation_wxyz[tick]
        figure.pose(position, rotation_matrix(wxyz), reference.joint_position[tick])
        away = figure.link_positions[:, :2] - reference.root_position[0, :2]
        farthest = max(farthest, float(np.hypot(*away.T).max()))
    return farthest + _LINK_RADIUS_M


def _solve(
    figure: Figure, course: Array, joints: Array, planted: dict[int, Sole], iterations: int = 40
) -> None:
    """Put the figure on a course (pelvis and centre of mass) with its planted feet."""
    height, yaw, pitch, roll = course[:4]
    position = np.array([*figure.position[:2], height])
    figure.pose(position, _rotation(yaw, pitch, roll), joints)
    figure.settle(course[4:], planted, iterations=iterations)


def _missed(figure: Figure, side: int, planted: dict[int, Sole]) -> tuple[float, float]:
    """Return how far a sole is from where it is planted, m, and how tilted it is, rad."""
    if side not in planted:
        return 0.0, 0.0
    sole = figure.sole(side)
    gap = float(np.linalg.norm(sole.position - planted[side].position))
    return gap, float(np.arccos(min(1.0, sole.rotation[2, 2])))


def _planted(before: _Knot, after: _Knot) -> dict[int, Sole]:
    """Return the feet that stand all the way between two knots, and where."""
    return {s: before.soles[s] for s in (LEFT, RIGHT) if before.stands[s] and after.stands[s]}


def _knots(routine: Routine, figure: Figure) -> list[_Knot]:
    """Solve the keyframes one after the other; one that is held becomes two knots."""
    robot = figure.robot
    start = np.array([0.0, 0.0, robot.standing_height])
    figure.pose(start, np.eye(3), robot.default_position)
    stance = figure.sole(LEFT), figure.sole(RIGHT)
    soles = _level(stance[LEFT]), _level(stance[RIGHT])
    middle = 0.5 * (soles[LEFT].position + soles[RIGHT].position)
    shift = figure.centre_of_mass[:2] - middle[:2]  # The stance's own balance, about the toes.
    width = float(soles[LEFT].position[1] - soles[RIGHT].position[1])
    knots: list[_Knot] = []
    for index, frame in enumerate(routine.keyframes):
        soles = _footholds(frame, soles, width)
        after = routine.keyframes[index + 1 :]
        lifted = _lifted(frame, soles, after, width)
        knot = _knot(figure, frame, soles, lifted, shift, knots[-1] if knots else None)
        knots.append(knot)
        if frame.hold_s > 0.0:
            knots.append(replace(knot, t_s=frame.end_s))
    return knots


def _footholds(frame: Keyframe, soles: tuple[Sole, Sole], width: float) -> tuple[Sole, Sole]:
    """Return where the feet stand after a keyframe's steps."""
    new = list(soles)
    for side, step in enumerate(frame.posture.steps):
        if step is None:
            continue
        if not isinstance(step, Footstep):
            step = Footstep(ahead=0.0, out=width, turn=0.0)
        outwards = 1.0 if side == LEFT else -1.0
        other = soles[1 - side]
        offset = other.rotation @ np.array([step.ahead, outwards * step.out, 0.0])
        turned = _rotation(_yaw(other.rotation) + outwards * step.turn, 0.0, 0.0)
        new[side] = Sole(position=other.position + offset, rotation=turned)
    return new[LEFT], new[RIGHT]


def _lifted(
    frame: Keyframe, soles: tuple[Sole, Sole], after: tuple[Keyframe, ...], width: float
) -> dict[int, Sole]:
    """Return where a lifted foot hangs whose leg has no angles: over the middle of its way."""
    lifted = {}
    for side, stands in enumerate(frame.posture.stands):
        name = ("left_", "right_")[side]
        legs = tuple(name + part for part in ("hip", "knee", "ankle"))
        if stands or any(joint.startswith(legs) for joint in frame.posture.joints):
            continue
        down = next((f for f in after if f.posture.stands[side]), frame)
        last, following = soles[side], _footholds(down, soles, width)[side]
        position = 0.5 * (last.position + following.position) + (0.0, 0.0, LIFT_M)
        turn = _yaw(last.rotation.T @ following.rotation)
        rotation = _rotation(_yaw(last.rotation) + 0.5 * turn, 0.0, 0.0)
        lifted[side] = Sole(position=position, rotation=rotation)
    return lifted


def _knot(
    figure: Figure,
    frame: Keyframe,
    soles: tuple[Sole, Sole],
    lifted: dict[int, Sole],
    shift: Array,
    before: _Knot | None,
) -> _Knot:
    posture, robot = frame.posture, figure.robot
    standing = {side: soles[side] for side in (LEFT, RIGHT) if posture.stands[side]}
    yaws = [_yaw(sole.rotation) for sole in standing.values()]
    # The mean of two headings, and the turn of it that is nearest to the last.
    yaw = float(np.angle(np.exp(1j * np.array(yaws)).sum())) + posture.turn
    last_yaw = before.pelvis[1] if before else 0.0
    yaw = last_yaw + (yaw - last_yaw + np.pi) % (2.0 * np.pi) - np.pi
    height = robot.standing_height if posture.height is None else posture.height
    share = posture.weight if len(standing) == 2 else float(posture.stands[LEFT])
    left, right = soles[LEFT].position[:2], soles[RIGHT].position[:2]
    cos, sin = np.cos(yaw), np.sin(yaw)
    centre = share * left + (1.0 - share) * right + np.array([[cos, -sin], [sin, cos]]) @ shift
    joints = robot.default_position.copy()
    for name, angle in posture.joints.items():
        joints[robot.joint_index(name)] = angle
    if before:  # Begin the search near the last keyframe.
        for side in (*standing, *lifted):
            joints[figure.legs[side]] = before.joints[figure.legs[side]]
            joints[figure.legs[side][3]] = max(0.3, joints[figure.legs[side][3]])
    pelvis = np.array([height, yaw, posture.pitch, posture.roll])
    figure.position[:2] = centre
    _solve(figure, np.array([*pelvis, *centre]), joints, standing | lifted)
    return _Knot(
        t_s=frame.time_s,
        frame=frame.number,
        stands=posture.stands,
        soles=soles,
        pelvis=pelvis,
        centre=centre,
        joints=figure.joints.copy(),
    )


def _match_rates(
    figure: Figure,
    knots: list[_Knot],
    courses: Array,
    course_rates: Array,
    angles: Array,
    rates: Array,
) -> None:
    """Let a leg leave the floor, and come back to it, with the speed that it has standing."""
    at = np.array([knot.t_s for knot in knots])
    nudge = 0.25 / RATE_HZ
    for k in range(1, len(knots) - 1):
        before, after = _planted(knots[k - 1], knots[k]), _planted(knots[k], knots[k + 1])
        for side in set(before) ^ set(after):
            sign, planted = (-1.0, before) if side in before else (1.0, after)
            t_s = np.array([at[k] + sign * nudge])
            course = quintic(at, courses, course_rates, t_s)[0]
            figure.position[:2] = knots[k].centre
            _solve(figure, course, angles[k], planted)
            leg = figure.legs[side]
            rates[k, leg] = sign * (figure.joints[leg] - angles[k, leg]) / nudge


def _monotone_rates(at: Array, values: Array) -> Array:
    """Return speeds at the knots: none where a value turns round or rests, else the mean's.

    Args:
        at: Times, s, shape (k,).
        values: Shape (k, n).
    """
    slope = np.diff(values, axis=0) / np.diff(at)[:, None]
    rates = np.zeros_like(values)
    one, two = slope[:-1], slope[1:]
    goes_on = one * two > 1e-12
    total = np.where(goes_on, one + two, 1.0)
    rates[1:-1] = np.where(goes_on, 2.0 * one * two / total, 0.0)
    return rates


def quintic(at: Array, values: Array, rates: Array, times: Array) -> Array:
    """Return quintic splines through values with given speeds and no acceleration at the knots.

    Args:
        at: Times of the knots, s, shape (k,).
        values: Shape (k, n).
        rates: Speeds, shape (k, n).
        times: When to evaluate, s, shape (m,); beyond the ends the ends are kept.

    Returns:
        Shape (m, n).
    """
    times = np.clip(times, at[0], at[-1])
    k = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(at) - 2)
    span = (at[k + 1] - at[k])[:, None]
    u = (times[:, None] - at[k][:, None]) / span
    rise = u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
    leave = u - u**3 * (6.0 - 8.0 * u + 3.0 * u**2)
    arrive = u**3 * (-4.0 + 7.0 * u - 3.0 * u**2)
    result: Array = (
        values[k]
        + rise * (values[k + 1] - values[k])
        + span * (leave * rates[k] + arrive * rates[k + 1])
    )
    return result


def _rotation(yaw: float, pitch: float, roll: float) -> Array:
    """Return the rotation by roll about x, then pitch about y, then yaw about z."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    about_z = np.array([[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]])
    about_y = np.array([[cp, 0.0, sp], [0.0, 1.0, 0.0], [-sp, 0.0, cp]])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cr, -sr], [0.0, sr, cr]])
    rotation: Array = about_z @ about_y @ about_x
    return rotation


def _yaw(rotation: Array) -> float:
    return float(np.arctan2(rotation[1, 0], rotation[0, 0]))


def _level(sole: Sole) -> Sole:
    """Return the sole flat on the floor."""
    position = sole.position * (1.0, 1.0, 0.0)
    return Sole(position=position, rotation=_rotation(_yaw(sole.rotation), 0.0, 0.0))


def _continuous(wxyz: Array) -> Array:
    """Return the same orientations with the signs that bring neighbours close together."""
    flips = np.cumprod(np.where((wxyz[1:] * wxyz[:-1]).sum(axis=1) < 0.0, -1.0, 1.0))
    result: Array = wxyz * np.concatenate([[1.0], flips])[:, None]
    return result
