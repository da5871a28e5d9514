"""MuJoCo's physics is the judge: what is said to be held rises with the hand and stays in it.

The pelvis is held by the world here and the waist is stiff, as the walker would hold them; arms and
fingers have the real motors, and friction alone carries the thing.
"""

from functools import cache

import mujoco
import numpy as np
import pytest

from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.control.arm import Arm
from yanshi.control.fingers import CAGE, INDEX, MIDDLE, OPEN, THUMB, Fingers
from yanshi.control.kinematics import LEFT, RIGHT, Kinematics
from yanshi.core.messages import JointTarget
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.worlds.scene import put_robot

TICK_S = 0.02
TABLE_M = 0.78
UP = np.array([0.0, 0.0, 1.0])
MIRROR = np.diag([1.0, -1.0, 1.0, 1.0])
BOTH = pytest.mark.parametrize("side", [LEFT, RIGHT], ids=["left", "right"])
NO_TORQUE = np.zeros(len(G1.joint_names))


def torques(fingers, each):
    """Return torques of all joints with which every digit presses with `each`, N·m."""
    closing = fingers.angles((1.0, 1.0, 1.0)) - fingers.angles(OPEN)
    torque = NO_TORQUE.copy()
    torque[fingers.joints] = np.sign(closing) * each
    return torque


def at(fingers, closure):
    joints = G1.default_position.copy()
    joints[fingers.joints] = fingers.angles(closure)
    return joints


@BOTH
def test_open_and_closed_hands_keep_the_limits(side):
    fingers = Fingers(G1, side)
    for closure in (OPEN, CAGE, (1.0, 1.0, 1.0), (-1.0, 2.0, 9.0)):
        angles = fingers.angles(closure)
        assert (angles >= G1.limits.lower[fingers.joints]).all()
        assert (angles <= G1.limits.upper[fingers.joints]).all()


def test_hands_close_as_mirror_images():
    left, right = Fingers(G1, LEFT), Fingers(G1, RIGHT)
    np.testing.assert_allclose(left.angles((0.3, 0.5, 0.7)), -right.angles((0.3, 0.5, 0.7)))


@BOTH
def test_the_closure_of_a_hand_is_read_from_its_joints(side):
    fingers = Fingers(G1, side)
    closure = (0.2, 0.5, 0.8)
    np.testing.assert_allclose(fingers.closure(at(fingers, closure)), closure)


@BOTH
def test_a_hand_that_feels_nothing_closes_at_its_speed_to_the_end(side):
    fingers = Fingers(G1, side)
    closure, ticks = np.array(OPEN), 0
    while not fingers.has_closed(closure, NO_TORQUE):
        after = fingers.close(closure, NO_TORQUE)
        assert np.abs(after - closure).max() <= fingers.config.speed * TICK_S + 1e-12
        closure, ticks = after, ticks + 1
    np.testing.assert_array_equal(closure, 1.0)
    assert ticks * TICK_S == pytest.approx(1.0 / fingers.config.speed, abs=TICK_S)


@BOTH
def test_a_digit_that_presses_stays_while_the_others_close_on(side):
    fingers = Fingers(G1, side)
    torque = torques(fingers, 0.0)
    torque[fingers.joints[3]] = torques(fingers, 0.7)[fingers.joints[3]]
    closure = fingers.close(np.array([0.4, 0.4, 0.4]), torque)
    assert closure[INDEX] == 0.4
    assert min(closure[THUMB], closure[MIDDLE]) > 0.4
    assert fingers.close(np.array([0.4, 0.4, 0.4]), torque, firmly=True).min() > 0.4
    hard = torques(fingers, fingers.config.hold_torque)
    assert fingers.close(np.array([0.4, 0.4, 0.4]), hard, firmly=True).max() == 0.4


@BOTH
def test_a_torque_that_opens_a_digit_is_no_load(side):
    fingers = Fingers(G1, side)
    assert (fingers.load(-torques(fingers, 1.0)) < 0.0).all()
    assert not fingers.holds(at(fingers, (0.5, 0.5, 0.5)), -torques(fingers, 1.0))


@BOTH
def test_holding_takes_the_thumb_and_a_finger_with_something_between(side):
    fingers = Fingers(G1, side)
    half, pressed = at(fingers, (0.5, 0.5, 0.5)), torques(fingers, 0.5)
    assert fingers.holds(half, pressed)
    assert not fingers.holds(half, NO_TORQUE)
    fist = at(fingers, (0.5, 1.0, 1.0))
    assert fingers.holds(fist, pressed, is_low=True)  # The thumb presses it into the fingers.
    assert not fingers.holds(fist, pressed)  # What is high would keep them apart.
    assert not fingers.holds(at(fingers, (1.0, 1.0, 1.0)), pressed, is_low=True)
    no_thumb = pressed.copy()
    no_thumb[fingers.joints[:3]] = 0.0
    assert not fingers.holds(half, no_thumb)


def turned(yaw, pitch, roll):
    """Return the rotation about x by `roll`, then y by `pitch`, then z by `yaw`, shape (3, 3)."""
    (sz, sy, sx), (cz, cy, cx) = np.sin([yaw, pitch, roll]), np.cos([yaw, pitch, roll])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
    about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    about_z = np.array([[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]])
    return about_z @ about_y @ about_x


@cache
def skeleton():
    return Kinematics(G1, load_g1(with_looks=False), G1_LINKS, HEAD_CAMERA)


@cache
def arm_of(side):
    return Arm(skeleton(), load_g1(with_looks=False), side)


class Bench:
    """The robot at a table with one thing on it, and the arm that is to lift it."""

    def __init__(self, side, shape, size, mass_kg, half_height):
        self.side, self.fingers = side, Fingers(G1, side)
        self.kinematics, self.arm = skeleton(), arm_of(side)
        self.middle = np.array([0.33, -0.16 if side == RIGHT else 0.16, TABLE_M + half_height])
        self.body = self._build(shape, size, mass_kg)
        self.joints = G1.default_position.copy()
        self.closure = np.array(OPEN)
        self.waist = G1.joint_indices(["waist_yaw", "waist_roll", "waist_pitch"])
        self.stiffness, self.damping = G1.stiffness.copy(), G1.damping.copy()
        self.stiffness[self.waist], self.damping[self.waist] = 400.0, 15.0

    def _build(self, shape, size, mass_kg):
        spec = mujoco.MjSpec()
        box = mujoco.mjtGeom.mjGEOM_BOX
        spec.worldbody.add_geom(type=box, size=(0.25, 0.5, 0.02), pos=(0.43, 0.0, TABLE_M - 0.02))
        thing = spec.worldbody.add_body(name="thing", pos=self.middle)
        thing.add_freejoint()
        thing.add_geom(type=shape, size=size, mass=mass_kg, friction=(0.9, 0.01, 0.002), condim=4)
        height = G1.standing_height
        robot = load_g1(with_looks=False)
        put_robot(spec, robot, start=(0.0, 0.0, 0.0), standing_height=height)
        hold = spec.add_equality(
            type=mujoco.mjtEq.mjEQ_WELD, objtype=mujoco.mjtObj.mjOBJ_BODY, name1="pelvis"
        )
        hold.data[:] = (0.0, 0.0, 0.0, 0.0, 0.0, -height, 1.0, 0.0, 0.0, 0.0, 1.0)
        return MujocoBody(G1, spec)

    def put_arm(self, turn, point, closure):
        """Start with the arm there, which spares the test the way round the table."""
        self.closure = np.array(closure)
        self.joints[self.arm.joints] = self.angles(turn, point)
        for name, angle in zip(G1.joint_names, self.joints, strict=True):
            self.body.data.joint(name).qpos[0] = angle
        for _ in range(20):
            self.tick()

    def angles(self, turn, point):
        """Return the arm's angles for a palm turned so, at a point of the world."""
        pelvis_from_palm = np.eye(4)
        pelvis_from_palm[:3, :3] = turn
        pelvis_from_palm[:3, 3] = point - (0.0, 0.0, G1.standing_height)
        return self.arm.solve(self.joints, pelvis_from_palm)

    def move(self, turn, point, seconds):
        start, end = self.joints[self.arm.joints], self.angles(turn, point)
        ticks = round(seconds / TICK_S)
        for share in np.arange(1, ticks + 1) / ticks:
            smooth = share * share * (3.0 - 2.0 * share)
            self.joints[self.arm.joints] = start + smooth * (end - start)
            self.tick()

    def tick(self):
        """Send the joints where they should be, with the torques that their weight asks."""
        self.joints[self.fingers.joints] = self.fingers.angles(self.closure)
        weight = self.kinematics.holding_torque(self.joints, UP)
        position = self.joints.copy()
        borne = [*self.waist, *self.arm.joints]
        position[borne] += weight[borne] / self.stiffness[borne]
        self.body.write(
            JointTarget(t_ns=0, position=position, stiffness=self.stiffness, damping=self.damping)
        )
        self.body.advance(TICK_S)

    def close(self):
        for _ in range(150):
            state = self.body.read()
            self.closure = self.fingers.close(self.closure, state.joint_torque)
            self.tick()
            if self.fingers.has_closed(self.closure, state.joint_torque):
                return
        raise AssertionError("the hand did not come to rest")

    def holds(self):
        state = self.body.read()
        return self.fingers.holds(state.joint_position, state.joint_torque)

    def thing(self):
        return self.body.data.body("thing").xpos.copy()

    def thing_in_hand(self):
        hand = self.body.data.body(G1_LINKS.hands[self.side])
        return hand.xmat.reshape(3, 3).T @ (self.thing() - hand.xpos)


# Turns of the right palm; where in its frame the thing's middle is; from where the hand comes.
FROM_ABOVE = (turned(0.0, 0.3, -np.pi / 2.0), (0.01, 0.07, 0.0), (0.0, 0.0, 0.1), CAGE)
FROM_THE_SIDE = (turned(0.2, 0.0, 0.0), (0.01, 0.053, 0.0), (-0.08, -0.06, 0.0), OPEN)
LEANING = (turned(0.0, 0.3, -np.pi / 2.0 + 0.7), (0.01, 0.07, 0.0), (0.0, -0.064, 0.076), CAGE)
LOW = (turned(0.0, 0.4, -np.pi / 2.0), (0.01, 0.07, 0.0), (0.0, 0.0, 0.1), OPEN)
SAUSAGE = (mujoco.mjtGeom.mjGEOM_BOX, (0.0175, 0.06, 0.0175), 0.08, 0.0175)
CUBE = (mujoco.mjtGeom.mjGEOM_BOX, (0.025, 0.025, 0.025), 0.08, 0.025)
CYLINDER = (mujoco.mjtGeom.mjGEOM_CYLINDER, (0.025, 0.06, 0.0), 0.15, 0.06)


def reach_and_close(side, thing, way):
    bench = Bench(side, *thing)
    turn, grip, before, closure = way
    mirror = np.eye(3) if side == RIGHT else MIRROR[:3, :3]
    turn, grip, before = mirror @ turn @ mirror, mirror @ grip, mirror @ before
    palm = bench.middle - turn @ grip
    bench.put_arm(turn, palm + before, closure)
    bench.move(turn, palm, 0.8)
    bench.close()
    return bench, turn, palm


@pytest.mark.parametrize(
    ("side", "thing", "way"),
    [
        (RIGHT, CUBE, FROM_ABOVE),
        (LEFT, CYLINDER, FROM_THE_SIDE),
        (LEFT, CUBE, LEANING),
        (RIGHT, SAUSAGE, LOW),
    ],
    ids=["cube", "cylinder", "leaning", "low"],
)
def test_what_the_hand_says_it_holds_is_lifted_and_stays(side, thing, way):
    bench, turn, palm = reach_and_close(side, thing, way)
    assert bench.holds()
    low, in_hand = bench.thing(), bench.thing_in_hand()
    bench.move(turn, palm + 0.12 * UP, 1.2)
    for _ in range(round(3.0 / TICK_S)):
        bench.tick()
        assert bench.holds()
    assert bench.thing()[2] - low[2] > 0.08
    assert np.linalg.norm(bench.thing_in_hand() - in_hand) < 0.005
    assert bench.body.warnings() == 0


def test_a_hand_that_closes_beside_the_thing_says_so():
    beside = (FROM_ABOVE[0], np.array([0.01, 0.07, -0.1]), *FROM_ABOVE[2:])
    bench, _, _ = reach_and_close(RIGHT, CUBE, beside)
    np.testing.assert_array_equal(bench.closure, 1.0)
    assert not bench.holds()
    assert np.linalg.norm(bench.thing() - bench.middle) < 0.005
