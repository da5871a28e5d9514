"""Points all over the arm's shapes, measured against the boxes by hand, judge its ways."""

from contextlib import suppress

import mujoco
import numpy as np
import pytest

from yanshi.control.arm import Arm
from yanshi.control.arm_path import ArmPlanner
from yanshi.control.clearance import Box, Clearance
from yanshi.control.kinematics import LEFT, RIGHT, Kinematics
from yanshi.core.errors import UnreachableError
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA

TICK_S = 0.02


def box(middle, half_size):
    T = np.eye(4)
    T[:3, 3] = middle
    return Box(pelvis_from_box=T, half_size=np.array(half_size))


TABLE = box((0.48, 0.0, 0.0), (0.25, 0.6, 0.02))
BOARD = box((0.48, 0.0, 0.4), (0.2, 0.6, 0.01))


def planner_of(side):
    kinematics = Kinematics(G1, load_g1(with_looks=False), G1_LINKS, HEAD_CAMERA)
    arm = Arm(kinematics, load_g1(with_looks=False), side)
    return ArmPlanner(arm, Clearance(G1, load_g1(with_looks=False), G1_LINKS, side))


@pytest.fixture(scope="module")
def right():
    return planner_of(RIGHT)


class Outline:
    """Points on the surface of one arm's shapes, in the robot's own model."""

    def __init__(self, side):
        spec = load_g1(with_looks=False)
        root = spec.worldbody.first_body()
        for joint in list(root.joints):
            spec.delete(joint)
        root.pos = (0.0, 0.0, 0.0)
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self.addresses = [self.model.joint(name).qposadr[0] for name in G1.joint_names]
        self.points = []
        prefix = ("left", "right")[side]
        for geom in range(self.model.ngeom):
            link = self.model.body(self.model.geom_bodyid[geom]).name
            if link.startswith(prefix) and any(
                part in link for part in ("shoulder_yaw", "elbow", "wrist", "hand")
            ):
                self.points.append((geom, self.surface(geom)))

    def surface(self, geom):
        size = self.model.geom_size[geom]
        if self.model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_BOX:
            ticks = np.linspace(-1.0, 1.0, 7)
            return np.stack(np.meshgrid(ticks, ticks, ticks), axis=-1).reshape(-1, 3) * size
        up, round_ = np.linspace(0.0, np.pi, 9), np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
        u, v = (grid.ravel() for grid in np.meshgrid(up, round_))
        ball = size[0] * np.stack([np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)], axis=1)
        shifts = np.linspace(-size[1], size[1], 5)
        return np.concatenate([ball + (0.0, 0.0, shift) for shift in shifts])

    def distance(self, joints, boxes):
        """Return the least distance of the points from the boxes, m."""
        self.data.qpos[self.addresses] = joints
        mujoco.mj_kinematics(self.model, self.data)
        points = np.concatenate(
            [
                p @ self.data.geom_xmat[geom].reshape(3, 3).T + self.data.geom_xpos[geom]
                for geom, p in self.points
            ]
        )
        least = np.inf
        for b in boxes:
            out = np.abs((points - b.pelvis_from_box[:3, 3]) @ b.pelvis_from_box[:3, :3])
            out = np.maximum(out - b.half_size, 0.0)
            least = min(least, np.linalg.norm(out, axis=1).min())
        return least


@pytest.fixture(scope="module")
def outline():
    return Outline(RIGHT)


def wandering(planner, boxes, seed):
    """Yield random postures of the arm in the air about the boxes."""
    rng = np.random.default_rng(seed)
    arm = planner.arm
    rest = G1.default_position[arm.joints]
    while True:
        joints = G1.default_position.copy()
        joints[arm.joints] = rest + 0.8 * (rng.uniform(arm.lower, arm.upper) - rest)
        ahead, _, up = arm.pelvis_from_palm(joints)[:3, 3]
        planner.clearance.surround(boxes)
        if (
            ahead > 0.1
            and -0.25 < up < 0.45
            and planner.clearance.from_boxes(joints) > 0.025
            and planner.clearance.from_body(joints) > 0.02
        ):
            yield joints


def test_distances_are_those_of_the_arms_own_surface(right, outline):
    """The cover of the hand's boxes is at most 16 mm thicker, at its ends, and never thinner."""
    right.clearance.surround([TABLE])
    rng = np.random.default_rng(0)
    near = 0
    while near < 150:
        joints = G1.default_position.copy()
        joints[right.arm.joints] = rng.uniform(right.arm.lower, right.arm.upper)
        truth = outline.distance(joints, [TABLE])
        if 0.0 < truth < 0.08:
            near += 1
            found = right.clearance.from_boxes(joints, 0.1)
            assert truth - 0.016 < found < truth + 0.002


def test_a_tilted_box_is_where_it_is_said_to_be(right, outline):
    T = np.eye(4)
    T[:2, :2] = [[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]]
    T[:3, 3] = (0.5, -0.1, 0.2)
    boxes = [Box(pelvis_from_box=T, half_size=np.array([0.03, 0.1, 0.2]))]
    right.clearance.surround([TABLE, BOARD])
    right.clearance.surround(boxes)  # The others are gone.
    joints = over_the_table(right)
    truth = outline.distance(joints, boxes)
    assert 0.01 < truth < 0.15
    assert right.clearance.from_boxes(joints, 0.3) == pytest.approx(truth, abs=0.016)


def test_an_arm_in_the_chest_is_in_the_body(right):
    joints = G1.default_position.copy()
    assert right.clearance.from_body(joints) > 0.02
    joints[right.arm.joints] = (0.0, 0.2, 0.9, 0.0, 0.0, 0.0, 0.0)
    assert right.clearance.from_body(joints) < 0.0


def test_ways_keep_their_distance_their_limits_and_their_ends(right, outline):
    """200 goals round a table, each from the last; every fifth with a board above the table."""
    arm, config = right.arm, right.config
    for number, boxes in ((160, [TABLE]), (40, [TABLE, BOARD])):
        postures = wandering(right, boxes, seed=number)
        joints, refused = next(postures), 0
        for index in range(number):
            goal = arm.pelvis_from_palm(next(postures))
            try:
                way = right.free_way(joints, goal, boxes, seed=index)
            except UnreachableError:
                refused += 1
                continue
            start = joints[arm.joints]
            angles = np.vstack([start, start, way.angles])
            speed = np.diff(angles, axis=0) / TICK_S
            assert np.abs(speed).max() < config.speed + 1e-6
            change = np.diff(speed, axis=0) / TICK_S
            assert np.abs(change).max() < config.acceleration
            assert np.abs(np.diff(change, axis=0)).max() / TICK_S < config.jerk
            assert (angles >= arm.lower - 1e-9).all()
            assert (angles <= arm.upper + 1e-9).all()
            for posture in way.angles[::3]:
                joints[arm.joints] = posture
                assert outline.distance(joints, boxes) > 0.01
            joints[arm.joints] = way.angles[-1]
            found = arm.pelvis_from_palm(joints)
            assert np.linalg.norm(found[:3, 3] - goal[:3, 3]) < 0.004
        assert refused <= 0.05 * number


def test_the_same_question_has_the_same_answer(right):
    postures = wandering(right, [TABLE, BOARD], seed=3)
    start, goal = next(postures), right.arm.pelvis_from_palm(next(postures))
    ways = [right.free_way(start, goal, [TABLE, BOARD], seed=1) for _ in range(2)]
    np.testing.assert_array_equal(ways[0].angles, ways[1].angles)


def palm_down(x, y, z):
    T = np.eye(4)
    T[:3, :3] = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]
    T[:3, 3] = (x, y, z)
    return T


def over_the_table(planner):
    joints = G1.default_position.copy()
    joints[planner.arm.joints] = planner.arm.solve(joints, palm_down(0.3, -0.15, 0.25))
    return joints


def test_a_straight_way_keeps_the_palm_on_its_line(right):
    joints = over_the_table(right)
    way = right.straight_way(joints, palm_down(0.3, -0.15, 0.15), [TABLE])
    for angles in way.angles:
        joints[right.arm.joints] = angles
        palm = right.arm.pelvis_from_palm(joints)
        np.testing.assert_allclose(palm[:2, 3], (0.3, -0.15), atol=0.005)
        assert np.trace(palm[:3, :3].T @ palm_down(0, 0, 0)[:3, :3]) > 1.0 + 2.0 * np.cos(0.06)
    assert palm[2, 3] == pytest.approx(0.15, abs=0.004)


def test_a_straight_way_into_the_table_is_refused(right):
    with pytest.raises(UnreachableError, match="cannot go straight"):
        right.straight_way(over_the_table(right), palm_down(0.3, -0.15, 0.03), [TABLE])


def test_a_goal_in_the_table_is_refused(right):
    with pytest.raises(UnreachableError, match=r"within 0\.\d+ m of a box"):
        right.free_way(over_the_table(right), palm_down(0.3, -0.15, 0.03), [TABLE])


def test_a_way_ends_only_where_the_arm_can_go_on_and_keeps_away_from_its_own_boxes(right, outline):
    start = over_the_table(right)

    def ends_at(goal):
        """Return all that is asked to go on."""
        asked = []
        with suppress(UnreachableError):
            right.free_way(start, goal, [TABLE], goes_on=asked.append)
        return asked

    goals = (right.arm.pelvis_from_palm(joints) for joints in wandering(right, [TABLE], seed=7))
    goal = next(goal for goal in goals if len(ends_at(goal)) > 1)
    usual = right.free_way(start, goal, [TABLE]).angles[-1]

    def not_from_the_usual(angles):
        if np.abs(angles - usual).max() < 0.1:
            raise UnreachableError("not from there")
        right.clearance.surround([])  # As a straight way does that may touch a thing.

    other = right.free_way(start, goal, [TABLE], goes_on=not_from_the_usual).angles
    assert np.abs(other[-1] - usual).max() > 0.1
    assert right.clearance.from_boxes(over_the_table(right), 1.0) < 1.0  # They are there again.
    ends = start.copy()
    ends[right.arm.joints] = other[-1]
    np.testing.assert_allclose(right.arm.pelvis_from_palm(ends)[:3, 3], goal[:3, 3], atol=0.004)
    for angles in other[::3]:
        ends[right.arm.joints] = angles
        assert outline.distance(ends, [TABLE]) > 0.01

    def never(angles):
        raise UnreachableError("nowhere on from there")

    with pytest.raises(UnreachableError, match="nowhere on"):
        right.free_way(start, goal, [TABLE], goes_on=never)


def test_the_left_arm_goes_round_a_table_too():
    left = planner_of(LEFT)
    postures = wandering(left, [TABLE], seed=5)
    start, goal = next(postures), left.arm.pelvis_from_palm(next(postures))
    way = left.free_way(start, goal, [TABLE])
    assert 0.2 < way.duration_s < 8.0
    outline = Outline(LEFT)
    for angles in way.angles:
        start[left.arm.joints] = angles
        assert outline.distance(start, [TABLE]) > 0.01
