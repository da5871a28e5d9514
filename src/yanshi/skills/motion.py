"""What the skills' flows are made of: stand, turn, walk, move an arm."""

from collections.abc import Mapping

import numpy as np

from yanshi.control.route import STILL, Floor, Follower, FollowerConfig, Point, wrap
from yanshi.core.easing import smoothstep
from yanshi.core.errors import UnreachableError
from yanshi.core.frames import rotation_matrix
from yanshi.core.messages import JointTarget
from yanshi.policies.walker import AT_REST, UpperBody, Velocity
from yanshi.skills.behaviour import Behaviour, as_far_as
from yanshi.skills.ground import ROBOT_RADIUS_M, Pose, floor_of
from yanshi.skills.skill import Percept, Tools

HANDS = "hands"
"""Where `Tools.shared` keeps the run's `skills.hands.Hands`."""
LEAN_STIFFNESS = 50.0
"""N·m/rad: leaning back by this balances what is held out, as the upper body weighs 20 kg with
its middle 0.25 m above the waist."""
_FREE_M = 0.75
"""With less room than this round it the robot draws an arm back before raising it."""
_BACK_SHOULDER, _TUCKED_ELBOW, _FOLDED_ELBOW = 0.8, -0.6, -0.3
"""Angles of an arm on its way up, rad."""
_LEAST_TURN = 0.02
"""rad/s."""
LEVEL_M = 0.03
"""Feet that are no farther one ahead of the other stand side by side."""
_LEVEL_S, _NEAR_S, _NEAR_M, _REST_S = (0.8, 4.0), 2.5, 0.04, 0.3
"""How long it steps to bring them there at least and at most, until when it does not stop farther
than so much from its goal, and how long it rests then."""
_LEVEL_TRIES = 3
_LEVELLING = FollowerConfig(
    settle_m=np.inf, position_tolerance_m=0.0, patience_s=0.5, insist=(0.8, 0.2)
)
REPLAN_S = 1.0
"""How often a way is looked for anew, since a person may have been seen on it."""

WALK_SPEED, HELD_UP_M, HELD_UP_S = 0.2, 0.15, 4.0
"""Who is told to walk faster than this, m/s, and comes no farther for so long walks against
something."""
LAST_M, LAST_S = 0.25, 12.0
"""So near to its goal it may take longer: who carries something steps short."""


def tick(
    tools: Tools, percept: Percept, velocity: Velocity = STILL, upper_body: UpperBody = AT_REST
) -> JointTarget:
    """Return the walker's next target; hands that hold something go on holding it."""
    if (hands := tools.shared.get(HANDS)) is not None:
        upper_body = hands.body(percept, upper_body)
    target: JointTarget = tools.walker.step(percept.state, velocity, upper_body)
    return target


def here(percept: Percept) -> Point:
    """Return where the pelvis is on the floor."""
    x, y, _ = percept.base.position
    return float(x), float(y)


def heading_to(percept: Percept, point: Point) -> float:
    """Return the yaw at which the robot faces a point."""
    x, y = here(percept)
    return float(np.arctan2(point[1] - y, point[0] - x))


def stand(
    tools: Tools, percept: Percept, seconds: float, upper_body: UpperBody = AT_REST
) -> Behaviour[Percept]:
    """Stand for a while."""
    end_ns = percept.state.t_ns + round(seconds * 1e9)
    while percept.state.t_ns < end_ns:
        percept = yield tick(tools, percept, STILL, upper_body)
    return percept


def march(tools: Tools, percept: Percept, seconds: float) -> Behaviour[Percept]:
    """Step on the spot, which brings the feet under the hips."""
    spot, yaw = np.array(here(percept)), percept.base.yaw
    end_ns = percept.state.t_ns + round(seconds * 1e9)
    while percept.state.t_ns < end_ns:
        turn = float(np.clip(wrap(yaw - percept.base.yaw), -0.4, 0.4))
        ahead, left = _back_to(spot, percept)
        # Never all zeros, which would mean standing.
        velocity = (ahead, left, turn if abs(turn) > _LEAST_TURN else _LEAST_TURN)
        percept = yield tick(tools, percept, velocity)
    return percept


def level_feet(tools: Tools, percept: Percept, pose: Pose) -> Behaviour[Percept]:
    """Step about a pose until the feet are side by side, and stand.

    Who sinks low with one foot ahead turns meanwhile, leans over and steps aside.
    """
    for _ in range(_LEVEL_TRIES):
        if stagger(tools, percept) < LEVEL_M:
            break
        percept = yield from _step_about(tools, percept, pose)
        percept = yield from stand(tools, percept, _REST_S)
    return percept


def _step_about(tools: Tools, percept: Percept, pose: Pose) -> Behaviour[Percept]:
    """Step about a pose until the feet are side by side."""
    floor = floor_of(tools.floor_plan, percept.scene)
    follower = Follower(np.array([here(percept), pose[:2]]), pose[2], _LEVELLING, floor)
    least_s, longest_s = _LEVEL_S
    start_ns = percept.state.t_ns
    while (elapsed_s := (percept.state.t_ns - start_ns) * 1e-9) < longest_s:
        away = float(np.linalg.norm(follower.goal - here(percept)))
        is_near = away < _NEAR_M or elapsed_s > _NEAR_S
        if elapsed_s > least_s and is_near and stagger(tools, percept) < LEVEL_M:
            break
        ahead, left, turn = follower.velocity(percept.base) or STILL
        # Never all zeros, which would mean standing.
        turn = turn if abs(turn) > _LEAST_TURN else _LEAST_TURN
        percept = yield tick(tools, percept, (ahead, left, turn))
    return percept


def stagger(tools: Tools, percept: Percept) -> float:
    """Return how far one foot is ahead of the other, m."""
    soles = tools.kinematics.soles_in_pelvis(percept.state.joint_position)  # (2, n, 3)
    x, y, _ = rotation_matrix(percept.base.orientation_wxyz) @ (soles[0] - soles[1]).mean(axis=0)
    return float(abs(np.cos(percept.base.yaw) * x + np.sin(percept.base.yaw) * y))


def walk_to(
    tools: Tools, percept: Percept, pose: Pose, config: FollowerConfig | None = None
) -> Behaviour[Percept]:
    """Walk round furniture and people to a pose, and stand there.

    Args:
        tools: The run's.
        percept: What is known now.
        pose: Where to.
        config: How; as usual if None.

    Raises:
        UnreachableError: No way leads there, or something that was not seen stands in it.
    """
    x, y, yaw = pose
    # Choosing the pose took time already: look for the way in a tick of its own.
    percept = yield tick(tools, percept)
    floor = floor_of(tools.floor_plan, percept.scene)
    path = floor.find_path(here(percept), (x, y), ROBOT_RADIUS_M)
    follower = Follower(path, yaw, config, floor)
    people = _people(percept)
    planned_ns = percept.state.t_ns
    progress = _Progress((x, y))
    while (velocity := follower.velocity(percept.base)) is not None:
        if progress.is_held_up(percept, velocity):
            raise UnreachableError(f"Something unseen stands on the way to ({x:.1f}, {y:.1f}).")
        percept = yield tick(tools, percept, velocity)
        is_due = percept.state.t_ns - planned_ns > REPLAN_S * 1e9
        if is_due and not follower.is_settling and _has_moved(people, _people(percept)):
            planned_ns = percept.state.t_ns
            people = _people(percept)
            floor = floor_of(tools.floor_plan, percept.scene)
            path = floor.find_path(here(percept), (x, y), ROBOT_RADIUS_M)
            follower = Follower(path, yaw, config, floor)
    return percept


class _Progress:
    """Tells of somebody who walks and does not get anywhere."""

    def __init__(self, goal: Point) -> None:
        self._goal = np.array(goal)
        self._since_ns = 0
        self._from: Point | None = None

    def is_held_up(self, percept: Percept, velocity: Velocity) -> bool:
        """Whether who is told to walk so has come nowhere for a while."""
        x, y = here(percept)
        if np.hypot(velocity[0], velocity[1]) < WALK_SPEED:
            self._from = None
        elif self._from is None or np.hypot(x - self._from[0], y - self._from[1]) > HELD_UP_M:
            self._since_ns, self._from = percept.state.t_ns, (x, y)
        else:
            is_near = np.linalg.norm(self._goal - (x, y)) < LAST_M
            longest_s = LAST_S if is_near else HELD_UP_S
            return (percept.state.t_ns - self._since_ns) * 1e-9 > longest_s
        return False


def walk_to_room(
    tools: Tools, percept: Percept, room: tuple[float, float]
) -> Behaviour[tuple[Percept, bool]]:
    """Walk to the nearest spot with room about it, unless there is enough here.

    Args:
        tools: The run's.
        percept: What is known now.
        room: What is looked for about a spot and what is enough, m.

    Returns:
        The last percept, and whether there is enough room now.
    """
    wanted, enough = room
    floor = floor_of(tools.floor_plan, percept.scene)
    if floor.clearance(here(percept)) >= enough:
        return percept, True
    spots = (floor.freest_point(here(percept), ROBOT_RADIUS_M, r) for r in (wanted, enough))
    spot = next((spot for spot in spots if spot is not None), None)
    if spot is None:
        return percept, False
    return (yield from as_far_as(percept, walk_to(tools, percept, (*spot, percept.base.yaw))))


def step_to(
    tools: Tools,
    percept: Percept,
    pose: Pose,
    config: FollowerConfig | None = None,
    longest_s: float = np.inf,
) -> Behaviour[Percept]:
    """Step to a pose in any direction without turning to it first, straight or round corners.

    Args:
        tools: The run's.
        percept: What is known now.
        pose: Where to.
        config: How; as usual if None.
        longest_s: By then it stays where it has come to.

    Raises:
        UnreachableError: Something that was not seen stands in the way, and there is no such time.
    """
    x, y, yaw = pose
    path = np.array([here(percept), (x, y)])
    floor = floor_of(tools.floor_plan, percept.scene)
    follower = Follower(path, yaw, config or FollowerConfig(settle_m=np.inf), floor)
    began_ns = percept.state.t_ns
    progress = _Progress((x, y))
    while (velocity := follower.velocity(percept.base)) is not None:
        if (percept.state.t_ns - began_ns) * 1e-9 > longest_s:
            break
        if progress.is_held_up(percept, velocity) and np.isinf(longest_s):
            raise UnreachableError(f"Something unseen stands before ({x:.1f}, {y:.1f}).")
        percept = yield tick(tools, percept, velocity)
    return percept


def turn_to(tools: Tools, percept: Percept, yaw: float) -> Behaviour[Percept]:
    """Turn on the spot to a heading, and stand."""
    follower = Follower(np.array([here(percept), here(percept)]), yaw)
    while (velocity := follower.velocity(percept.base)) is not None:
        percept = yield tick(tools, percept, velocity)
    return percept


def turn_by(
    tools: Tools, percept: Percept, angle: float, speed: float | None = None
) -> Behaviour[Percept]:
    """Turn on the spot by an angle of any size, counter-clockwise if positive, and stand."""
    fast = FollowerConfig().turn_speed if speed is None else speed
    spot = np.array(here(percept))
    goal_yaw = percept.base.yaw + angle
    turned, last = 0.0, percept.base.yaw
    while abs(angle) - np.sign(angle) * turned > 0.8:
        turn = float(np.sign(angle) * fast)
        percept = yield tick(tools, percept, (*_back_to(spot, percept), turn))
        turned += wrap(percept.base.yaw - last)
        last = percept.base.yaw
    percept = yield from turn_to(tools, percept, wrap(goal_yaw))
    return percept


def _back_to(spot: np.ndarray, percept: Percept) -> tuple[float, float]:
    """Return the small velocity that keeps the robot on its spot while it turns."""
    offset = spot - percept.base.position[:2]
    cos, sin = np.cos(percept.base.yaw), np.sin(percept.base.yaw)
    ahead, left = cos * offset[0] + sin * offset[1], -sin * offset[0] + cos * offset[1]
    return float(np.clip(ahead, -0.15, 0.15)), float(np.clip(left, -0.1, 0.1))


def move_arm(
    tools: Tools,
    percept: Percept,
    start: Mapping[int, float],
    end: Mapping[int, float],
    seconds: float,
) -> Behaviour[Percept]:
    """Move joints of the upper body smoothly from one posture to another while standing."""
    start_ns = percept.state.t_ns
    share = 0.0
    while share < 1.0:
        share = min(1.0, (percept.state.t_ns - start_ns) * 1e-9 / seconds)
        smooth = smoothstep(share)
        joints = {j: start[j] + smooth * (end[j] - start[j]) for j in end}
        percept = yield tick(tools, percept, STILL, held_out(tools, percept, joints))
    return percept


def way_up(
    tools: Tools, percept: Percept, side: str, posture: Mapping[int, float]
) -> list[dict[int, float]]:
    """Return the postures through which an arm is raised clear of what may be above the hand.

    The forearm folds first; near furniture the arm is drawn back before that, as the hand may
    hang under the edge of a table.

    Args:
        side: `left` or `right`.
        posture: Where the arm is to go, angles by joint index in rad.
    """
    elbow = tools.robot.joint_index(f"{side}_elbow")
    shoulder = tools.robot.joint_index(f"{side}_shoulder_pitch")
    folded = {**posture, elbow: _FOLDED_ELBOW}
    floor = floor_of(tools.floor_plan, percept.scene)
    if floor.clearance(here(percept)) > _FREE_M:
        return [folded]
    resting = {joint: float(tools.robot.default_position[joint]) for joint in posture}
    back = resting | {shoulder: _BACK_SHOULDER}
    return [back, back | {elbow: _TUCKED_ELBOW}, folded]


def held_out(tools: Tools, percept: Percept, joints: Mapping[int, float]) -> UpperBody:
    """Return a posture of the arms with the torques that its weight asks of arms and waist."""
    up = rotation_matrix(percept.base.orientation_wxyz)[2]
    resting = tools.robot.default_position.copy()
    waist = [i for i, name in enumerate(tools.robot.joint_names) if name.startswith("waist")]
    resting[waist] = percept.state.joint_position[waist]
    posed = resting.copy()
    posed[list(joints)] = list(joints.values())
    torque = tools.kinematics.holding_torque(posed, up)
    # The walker knows the weight of arms at rest; the waist must bear the difference.
    more = torque - tools.kinematics.holding_torque(resting, up)
    effort = {joint: float(torque[joint]) for joint in joints}
    effort |= {joint: float(more[joint]) for joint in waist}
    lean = {joint: float(more[joint]) / LEAN_STIFFNESS for joint in waist}
    return UpperBody(joints=joints, waist=lean, effort=effort)


def is_line_free(floor: Floor, start: Point, end: Point) -> bool:
    """Whether the robot fits on the straight way between two points."""
    shares = np.linspace(0.0, 1.0, 20)
    points = [tuple(np.array(start) + s * (np.array(end) - np.array(start))) for s in shares]
    room = [floor.clearance((float(x), float(y))) for x, y in points]
    return all(r >= 0.3 or r >= room[0] for r in room)


def _people(percept: Percept) -> list[Point]:
    return [(t.position[0], t.position[1]) for t in percept.scene.things if t.kind == "person"]


def _has_moved(before: list[Point], now: list[Point]) -> bool:
    """Whether people were seen that were not expected where they are."""
    return any(all(np.hypot(x - u, y - v) > 0.2 for u, v in before) for x, y in now)
