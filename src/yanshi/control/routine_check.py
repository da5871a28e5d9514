"""Can a robot do what a routine asks? What is wrong with which keyframe, in words.

The motion is checked as it was planned, tick by tick: whether the legs reach their footholds;
limits, speeds and torques of the joints; links that would touch; feet that would go through the
floor; and whether the force on the floor that the motion needs acts under a foot that stands (its
zero-moment point, M. Vukobratović and B. Borovac, 2004, for all mass in one point).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from yanshi.control.bearing import bear, weight_shares
from yanshi.control.figure import Array, Figure
from yanshi.control.reference import RATE_HZ, Reference
from yanshi.control.routine import SIDES, Routine, side_sign
from yanshi.core.frames import rotation_matrix

_GRAVITY = 9.81


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckConfig:
    """What is let pass."""

    gap_m: float = 0.015
    """Largest distance between a standing sole and its foothold."""
    tilt: float = 0.05
    """Of a sole that carries, rad."""
    tilt_unloaded: float = 0.3
    """Of a sole that carries little and may stand on its edge, rad."""
    little: float = 0.3
    """Share of the weight that is little."""
    speed_share: float = 0.5
    """Of the motors' no-load speed; loaded, they are slower."""
    torque_share: float = 1.1
    """Of the motors' largest torque; a policy rounds peaks off, but not large ones."""
    overlap_m: float = 0.012
    """Contact shapes are a little larger than the links."""
    sunk_m: float = 0.008
    """How deep a lifted foot may seem to go into the floor."""
    balance_margin_m: float = 0.01
    """How far inside the soles the centre of mass lies in every keyframe."""
    push_off_m: float = 0.04
    """How far outside the soles the zero-moment point may lie while moving: a policy leans."""
    stance_m: float = 0.02
    stance_rad: float = 0.05
    """How far the last foothold may lie from the stance's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that is wrong."""

    keyframe: int
    """At or after which keyframe, as numbered in the file; 0 is the first stance."""
    t_s: float
    """When it is worst."""
    kind: str
    """`reach`, `limit`, `speed`, `torque`, `touch`, `floor`, `balance` or `stance`."""
    en: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """Something wrong at one tick."""

    tick: int
    kind: str
    what: str
    """Which joint, links or foot: complaints about the same are made once."""
    badness: float
    en: str
    zh: str


def check(
    routine: Routine, reference: Reference, figure: Figure, config: CheckConfig | None = None
) -> tuple[Complaint, ...]:
    """Return everything that is wrong with a motion, in the order of its keyframes."""
    config = config or CheckConfig()
    worst: dict[tuple[str, str, int], _Finding] = {}
    for part in (_reach, _limits, _speeds, _torques, _touches, _floor, _balance, _last_stance):
        for finding in part(routine, reference, figure, config):
            key = finding.kind, finding.what, int(reference.keyframe[finding.tick])
            if key not in worst or finding.badness > worst[key].badness:
                worst[key] = finding
    found = sorted(worst.values(), key=lambda finding: finding.tick)
    return tuple(_complaint(routine, reference, finding) for finding in found)


def _complaint(routine: Routine, reference: Reference, finding: _Finding) -> Complaint:
    t_s = finding.tick / RATE_HZ
    number = int(reference.keyframe[finding.tick])
    frame = routine.keyframes[number]
    following = routine.keyframes[min(number + 1, len(routine.keyframes) - 1)]
    if t_s >= following.time_s - 0.5 / RATE_HZ:
        frame, number = following, following.number
    if t_s <= frame.end_s + 0.5 / RATE_HZ or frame is following:
        where, where_zh = (
            f"Keyframe {number} (line {frame.line})",
            f"关键帧 {number}（第 {frame.line} 行）",
        )
    else:
        where = f"Between keyframes {number} and {number + 1} (line {following.line})"
        where_zh = f"关键帧 {number} 与 {number + 1} 之间（第 {following.line} 行）"
    return Complaint(
        keyframe=number,
        t_s=t_s,
        kind=finding.kind,
        en=f"{where}, {t_s:.2f} s: {finding.en}",
        zh=f"{where_zh}，{t_s:.2f} 秒：{finding.zh}",
    )


def _reach(
    routine: Routine, reference: Reference, figure: Figure, config: CheckConfig
) -> Iterator[_Finding]:
    gap, tilt = reference.gap, reference.tilt
    share = weight_shares(reference)
    most = np.where(share < config.little, config.tilt_unloaded, config.tilt)
    for tick, side in zip(*np.nonzero((gap > config.gap_m) | (tilt > most)), strict=True):
        off, turned = 100 * float(gap[tick, side]), float(np.rad2deg(tilt[tick, side]))
        yield _Finding(
            tick=int(tick),
            kind="reach",
            what=SIDES[side],
            badness=float(gap[tick, side] + tilt[tick, side]),
            en=f"the {SIDES[side]} foot misses its place by {off:.1f} cm and is tilted by "
            f"{turned:.0f}°; a shorter step, a lower pelvis or another `weight` would do.",
            zh=f"{'左右'[side]}脚离落点 {off:.1f} 厘米，倾斜 {turned:.0f}°；"
            "步子小些、骨盆低些或调整 `weight`。",
        )


def _limits(
    routine: Routine, reference: Reference, figure: Figure, config: CheckConfig
) -> Iterator[_Finding]:
    robot = figure.robot
    lower, upper = robot.limits.lower, robot.limits.upper
    angles = reference.joint_position
    beyond = np.maximum(lower - angles, angles - upper)
    for tick, joint in zip(*np.nonzero(beyond > 1e-3), strict=True):
        name = robot.joint_names[joint]
        sign = side_sign(robot, name)
        ends = np.rad2deg(np.sort(sign * np.array([lower[joint], upper[joint]])))
        angle, shown = np.rad2deg(sign * angles[tick, joint]), name.replace("_", ".")
        yield _Finding(
            tick=int(tick),
            kind="limit",
            what=name,
            badness=float(beyond[tick, joint]),
            en=f"{shown} is {angle:.0f}°; it goes from {ends[0]:.0f}° to {ends[1]:.0f}°.",
            zh=f"{shown} 为 {angle:.0f}°；范围是 {ends[0]:.0f}° 到 {ends[1]:.0f}°。",
        )


def _speeds(
    routine: Routine, reference: Reference, figure: Figure, config: CheckConfig
) -> Iterator[_Finding]:
    robot = figure.robot
    most = config.speed_share * robot.limits.velocity
    speeds = np.abs(reference.joint_velocity)
    for tick, joint in zip(*np.nonzero(speeds > most), strict=True):
        name, speed = robot.joint_names[joint], float(speeds[tick, joint])
        shown = name.replace("_", ".")
        yield _Finding(
            tick=int(tick),
            kind="speed",
            what=name,
            badness=speed / float(most[joint]),
            en=f"{shown} turns at {speed:.1f} rad/s; {most[joint]:.1f} is the most. Take longer.",
            zh=f"{shown} 的速度为 {speed:.1f} rad/s，最多 {most[joint]:.1f}。时间放长些。",
        )


def _torques(
    routine: Routine, reference: Reference, figure: Figure, config: CheckConfig
) -> Iterator[_Finding]:
    robot = figure.robot
    most = config.torque_share * robot.limits.torque
    torques = np.abs(bear(reference, figure).torque)
    for tick, joint in zip(*np.nonzero(torques > most), strict=True):
        name, torque = robot.joint_names[joint], float(torques[tick, joint])
        shown, limit = name.replace("_", "."), float(robot.limits.torque[joint])
        yield _Finding(
            tick=int(tick),
            kind="torque",
            what=name,
            badness=torque / limit,
            en=f"{shown} would need {torque:.0f} N·m of its motor's {limit:.0f}. Move more "
            "slowly, or stand so that it bears less.",
            zh=f"{shown} 需要 {torque:.0f} N·m，电机最多 {limit:.0f}。"
            "动作放慢，或换个更省力的姿势。",
        )


def _touches(
    routine: Routine, reference: Reference, figure: Figure, config: CheckConfig
) -> Iterator[_Finding]:
    for tick in range(0, reference.ticks, 2):
        figure.pose(
            reference.root_position[tick],
            rotation_matrix(reference.root_orientation_wxyz[tick]),
            reference.joint_position[tick],
        )
        for one, two, depth in figure.collisions():
            if depth <= config.overlap_m:
                continue
            yield _Finding(
                tick=tick,
                kind="touch",
                what=f"{one} {two}",
                badness=depth,
                en=f"{_plain(one)} and {_plain(two)} go {100 * depth:.1f} cm into each other.",
                zh=f"{_plain(one)} 与 {_plain(two)} 相碰，重叠 {100 * depth:.1f} 厘米。",
            )


def _plain(link: str) -> str:
    return link.removesuffix("_link").replace("_", " ")


def _floor(
    routine: Routine, reference: Reference, figure: Figure, config: CheckConfig
) -> Iterator[_Finding]:
    height = reference.corners[..., 2].min(axis=2)
    for tick, side in zip(*np.nonzero((height < -config.sunk_m) & ~reference.stands), strict=True):
        depth = -float(height[tick, side])
        yield _Finding(
            tick=int(tick),
            kind="floor",
            what=SIDES[side],
            badness=depth,
            en=f"the {SIDES[side]} foot goes {100 * depth:.1f} cm into the floor; "
            "lift it higher before it moves.",
            zh=f"{'左右'[side]}脚陷入地面 {100 * depth:.1f} 厘米；移动前抬高些。",
        )


def _balance(
    routine: Routine, reference: Reference, figure: Figure, config: CheckConfig
) -> Iterator[_Finding]:
    moment = zero_moment_point(reference.centre_of_mass)
    held = [
        (round(f.time_s * RATE_HZ), round(f.end_s * RATE_HZ) + 1) for f in routine.keyframes[1:]
    ]
    is_still = np.zeros(reference.ticks, dtype=bool)
    for begin, end in held:
        is_still[begin:end] = True
    for tick in range(reference.ticks):
        corners = reference.corners[tick][reference.stands[tick]].reshape(-1, 3)[:, :2]
        if not len(corners):
            continue
        if is_still[tick]:
            inside = inside_hull(corners, reference.centre_of_mass[tick, :2])
            missing = config.balance_margin_m - inside
        if not is_still[tick] or missing <= 0.0:
            inside = inside_hull(corners, moment[tick])
            missing = -config.push_off_m - inside
            if missing > 0.0:
                yield _Finding(
                    tick=tick,
                    kind="balance",
                    what="moving",
                    badness=missing,
                    en=f"it would tip over: the push from the floor has to act {-100 * inside:.0f} "
                    "cm outside the feet that stand. Move more slowly, or shift the weight first.",
                    zh=f"会倾倒：地面支撑力需作用在支撑脚之外 {-100 * inside:.0f} 厘米处。"
                    "动作放慢，或先移重心。",
                )
            continue
        yield _Finding(
            tick=tick,
            kind="balance",
            what="still",
            badness=missing,
            en=f"the centre of mass is {100 * missing:.1f} cm too far out over the feet that "
            "stand; `weight` shifts it.",
            zh=f"重心超出支撑脚范围 {100 * missing:.1f} 厘米；用 `weight` 移动重心。",
        )


def _last_stance(
    routine: Routine, reference: Reference, figure: Figure, config: CheckConfig
) -> Iterator[_Finding]:
    first, last = (_feet_apart(reference.corners[tick]) for tick in (0, -1))
    off, turned = float(np.hypot(*(last - first)[:2])), abs(float(last[2] - first[2]))
    if off > config.stance_m or turned > config.stance_rad:
        yield _Finding(
            tick=reference.ticks - 1,
            kind="stance",
            what="",
            badness=off,
            en=f"the feet do not end as in the stance (off by {100 * off:.0f} cm and "
            f'{np.rad2deg(turned):.0f}°); a last `….step = "stance"` mends it.',
            zh=f"双脚结束时不在站姿（差 {100 * off:.0f} 厘米、{np.rad2deg(turned):.0f}°）；"
            '最后用 `….step = "stance"` 收脚。',
        )


def _feet_apart(corners: Array) -> Array:
    """Return where the right foot is seen from the left: ahead, left, m, and turn, rad."""
    middles = corners.mean(axis=1)[:, :2]
    toes = corners[:, 2:, :2].mean(axis=1) - corners[:, :2, :2].mean(axis=1)
    yaw = np.arctan2(toes[:, 1], toes[:, 0])
    cos, sin = np.cos(yaw[0]), np.sin(yaw[0])
    gap = np.array([[cos, sin], [-sin, cos]]) @ (middles[1] - middles[0])
    return np.array([*gap, (yaw[1] - yaw[0] + np.pi) % (2.0 * np.pi) - np.pi])


def zero_moment_point(centre: Array) -> Array:
    """Return where the floor has to push, m, shape (n, 2), for a centre of mass, shape (n, 3)."""
    acceleration = np.gradient(np.gradient(centre, 1.0 / RATE_HZ, axis=0), 1.0 / RATE_HZ, axis=0)
    # Over a tenth of a second: a robot is not moved by shorter jerks of its plan.
    window = np.ones(5) / 5.0
    padded = np.pad(acceleration, ((2, 2), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(column, window, "valid") for column in padded.T], axis=1)
    lever = centre[:, 2:] / (_GRAVITY + smooth[:, 2:])
    result: Array = centre[:, :2] - lever * smooth[:, :2]
    return result


def inside_hull(corners: Array, point: Array) -> float:
    """Return how far a point lies inside the convex hull of others, m; negative outside.

    Args:
        corners: Shape (n, 2), not all on one line.
        point: Shape (2,).
    """
    hull = _hull(corners)
    edges = np.roll(hull, -1, axis=0) - hull
    lengths = np.linalg.norm(edges, axis=1)
    to_point = point - hull
    depth = (edges[:, 0] * to_point[:, 1] - edges[:, 1] * to_point[:, 0]) / lengths
    if (depth >= 0.0).all():
        return float(depth.min())
    along = np.clip((to_point * edges).sum(axis=1) / lengths**2, 0.0, 1.0)
    gaps = np.linalg.norm(to_point - along[:, None] * edges, axis=1)
    return -float(gaps.min())


def _hull(corners: Array) -> Array:
    """Return the convex hull counter-clockwise (A. M. Andrew's monotone chain, 1979)."""
    points = sorted(map(tuple, np.round(corners, 9)))
    chains = []
    for ordered in (points, points[::-1]):
        chain: list[tuple[float, ...]] = []
        for p in ordered:
            while len(chain) > 1:
                (ax, ay), (bx, by) = chain[-2:]
                if (bx - ax) * (p[1] - ay) - (by - ay) * (p[0] - ax) > 1e-12:
                    break
                chain.pop()
            chain.append(p)
        chains.append(chain[:-1])
    return np.array([*chains[0], *chains[1]])
