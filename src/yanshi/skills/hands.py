"""Both hands of the robot: where the arms are wanted, what is held, and how that stays so.

One `Hands` lives as long as the run. Every skill's tick, and the executive's between steps, goes
through `Hands.body`, so that an arm that holds something goes on holding it whatever else is done.

An arm's motors are soft springs. The torques that the arm's own weight asks are added to them, and
what is missing beyond that, the load's weight and friction, is learnt by a slow integral of the
angles' error; that integral is also how heavy the robot feels a thing to be.

A box between both hands is a `Load`: the arms push against each other with a torque, follow the
box's own width, and are told only where the box is to be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from yanshi.control.arm import SIDES, Arm
from yanshi.control.arm_path import ArmPath, ArmPathConfig, ArmPlanner
from yanshi.control.clearance import Box, Clearance
from yanshi.control.fingers import OPEN, Fingers
from yanshi.control.grasp import GraspConfig
from yanshi.control.kinematics import LEFT, RIGHT, Kinematics
from yanshi.control.palm import NO_LEAN, Approach, Lean, palm_turn
from yanshi.control.two_palms import PUSH_AT, Pose, palms_about
from yanshi.core.errors import UnreachableError
from yanshi.core.frames import rotation_matrix
from yanshi.policies.walker import UpperBody
from yanshi.robots.g1.model import load_g1
from yanshi.skills.motion import HANDS
from yanshi.skills.skill import Percept, Tools

Angles = NDArray[np.float64]

INTEGRAL_PER_S = 1.5
"""Share of the angles' error that is made good in a second."""
WEIGHT_PER_MS, WEIGHT_MAX = 500.0, 60.0
"""How quickly a load's weight is learnt, N for a metre missed during a second, and its end, N."""
HEAVIER = 1.2
"""How much heavier than it was when it was weighed a load may seem: palms that do not get where
they are wanted, in a squat, are not to be thrown up by what they seem to lack."""
LOAD_FIRMNESS = 3.0
"""How many times as stiff as usual arms are that hold a load."""
ARM_FIRMNESS = 2.0
"""… and arms with their fingers that hold a thing, or are led while the robot stands: soft ones
swing with it, and it creeps out of soft fingers. What is low is pinched, and firm fingers squeeze
it out: for that they stay as soft as usual."""
WAIST_FIRMNESS = 3.0
"""How many times as stiff as usual the waist rolls and pitches under a load, or when the robot
stands and an arm is led: steps are shorter so, but a soft waist sways under an arm by 6 cm."""
GONE_M = 0.03
"""Palms that are nearer to each other than a load is wide by more than this have lost it."""
GONE_SHARE = 0.1
"""… and so have those that bear no more than this share of what it weighed."""
BIAS_MAX = 0.35
"""rad; 5 N·m at the shoulder."""
READY = (0.3, -0.5, -0.3, -1.0, 0.0, -0.8, 0.0)
"""The right arm folded: hand before the chest, no farther ahead than a knee."""
ARM_STEP = 1.6 * 0.02
"""How far a joint of an arm that goes by itself moves in a tick, rad."""
_MIRROR = np.array([1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
FLAT_M = GraspConfig().low
"""Over a thing lower than this the fingers may close."""
HOLD_PALMS = ((0.26, -0.18, 0.17), (0.28, -0.20, 0.10), (0.24, -0.22, 0.22), (0.30, -0.16, 0.05))
"""Where the right palm may be while the robot walks with a thing, in the pelvis frame, m; the
first that the arm comes to."""
RAISED_MAX_M = 0.45
"""How high above the pelvis a palm is held at most: from 0.5 m on the walker sways and wanders."""
AIRS = (ArmPathConfig(), ArmPathConfig(box_gap=0.008, body_gap=0.006))
"""How near an arm may come to things, at first and if there is no other way."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """A thing in a hand."""

    name: str
    """Colour and kind."""
    palm_from_thing: NDArray[np.float64]
    """Pose of its middle in the palm's frame, shape (4, 4)."""
    size: tuple[float, float, float]
    approach: Approach
    grip_height: float
    """How far above its lowest point it is gripped, m."""
    lean: Lean = NO_LEAN
    """How the palm leaned when it took it."""
    is_heavy: bool = False
    """Whether things of its kind weigh so much that they slip out of a loose grip."""


@dataclass(slots=True, eq=False)
class Load:
    """A box that both hands press between them, are about to or have just let go."""

    name: str
    """Colour and kind."""
    size: tuple[float, float, float]
    """Along the way the robot faces, across it, and its height, m."""
    level_from_box: Pose
    """Where its middle is wanted, x ahead and z up, in a pelvis frame that neither rolls nor
    pitches."""
    width: float | None
    """From palm to palm where nothing is pressed yet, m; None: as wide as the box makes it."""
    push: float = 0.0
    """With which each hand presses, N."""
    weight: float = 0.0
    """What it takes to keep it as high as it is wanted, N; learnt."""
    weighed: float = 0.0
    """The weight that was felt when it had been lifted, N."""
    is_held: bool = False

    @property
    def palm_distance(self) -> float:
        """From palm to palm when both touch it, m."""
        left, right = palms_about(self.size)
        return float(left[1, 3] - right[1, 3])


@dataclass(slots=True, eq=False)
class Hand:
    """One of them, and the arm it is on."""

    side: int
    arm: Arm
    planners: tuple[ArmPlanner, ...]
    """The first keeps more air than the next, which is for narrow places."""
    fingers: Fingers
    angles: Angles | None = None
    """Where the arm is wanted, rad, shape (7,); None while it hangs at rest."""
    closure: Angles | None = None
    held: Held | None = None
    pinches: bool = False
    """Whether its straight fingers press something low, or are about to."""
    bias: Angles | None = None
    """What is added to the angles for the arm to get there, rad, shape (7,)."""
    goal: Angles | None = None
    """Where the arm goes by itself, whatever else is done meanwhile."""
    is_resting: bool = False
    """Whether it hangs once it is there."""


class Hands:
    """The robot's two hands."""

    def __init__(self, tools: Tools) -> None:
        """Prepare arms, distances and fingers of both sides."""
        self._tools = tools
        robot, links = tools.robot, tools.kinematics.links
        self.kinematics = Kinematics(
            robot, load_g1(with_looks=False), links, tools.kinematics.camera
        )
        """A skeleton of their own: what is thought in a thread must not pose the run's."""
        self.load: Load | None = None
        self.hands: list[Hand] = []
        for side in (LEFT, RIGHT):
            arm = Arm(self.kinematics, load_g1(with_looks=False), side)
            clearance = Clearance(robot, load_g1(with_looks=False), links, side)
            planners = tuple(ArmPlanner(arm, clearance, config) for config in AIRS)
            self.hands.append(Hand(side, arm, planners, Fingers(robot, side)))
        self._rest = robot.default_position
        self._lower, self._upper = robot.limits.lower, robot.limits.upper

    def __getitem__(self, side: int) -> Hand:
        return self.hands[side]

    @property
    def free(self) -> tuple[int, ...]:
        """The sides that hold nothing."""
        if self.load is not None:
            return ()
        return tuple(hand.side for hand in self.hands if hand.held is None)

    @property
    def held_names(self) -> tuple[str, ...]:
        """What is in the hands."""
        load = (self.load.name,) if self.load is not None and self.load.is_held else ()
        return load + tuple(hand.held.name for hand in self.hands if hand.held is not None)

    def holding(self, name: str) -> Hand | None:
        """Return the hand that holds a thing of this name: `red cup`, or `cup` of any colour."""
        for hand in self.hands:
            if hand.held is not None and name in (hand.held.name, hand.held.name.split()[-1]):
                return hand
        return None

    def drop_all(self) -> None:
        """Forget what was held and let both arms hang: after a fall."""
        self.load = None
        for hand in self.hands:
            hand.angles = hand.closure = hand.held = hand.bias = hand.goal = None
            hand.pinches = False

    def free_way(
        self,
        side: int,
        joints: Angles,
        pelvis_from_palm: NDArray[np.float64],
        boxes: Sequence[Box],
        goes_on: Callable[[Angles], object] | None = None,
    ) -> ArmPath:
        """Return a way of an arm to a pose, with as much air as there is.

        Arguments as those of `ArmPlanner.free_way`.

        Raises:
            UnreachableError: There is none.
        """
        *wider, narrowest = self.hands[side].planners
        held = self.hands[side].held
        if held is None:
            narrowest.clearance.hold(None)  # All planners of a hand share it.
        else:
            narrowest.clearance.hold(held.palm_from_thing, held.size)
        for planner in wider:
            try:
                return planner.free_way(joints, pelvis_from_palm, boxes, goes_on=goes_on)
            except UnreachableError:
                continue
        return narrowest.free_way(joints, pelvis_from_palm, boxes, goes_on=goes_on)

    def fold(self, percept: Percept, sides: Sequence[int]) -> None:
        """Let arms fold before the chest while the robot goes on."""
        for side in sides:
            self._send(percept, self.hands[side], self.ready(side), is_resting=False)

    def raise_held(self, percept: Percept, side: int, height: float) -> None:
        """Let an arm go to hold what is in its hand higher: the palm at a height, m, if it can.

        It is held no higher than the robot stands still with.
        """
        hand = self.hands[side]
        assert hand.held is not None
        above = min(height - float(percept.base.position[2]), RAISED_MAX_M)
        joints = percept.state.joint_position.copy()
        try:
            goal = self.carry_angles(side, hand.held.approach, joints, hand.held.lean, above)
        except UnreachableError:
            return
        self._send(percept, hand, goal, is_resting=False)

    def feels_held(self, percept: Percept, side: int) -> bool:
        """Whether the fingers of a hand feel what it is thought to hold."""
        hand = self.hands[side]
        return hand.held is not None and feels(percept, hand, hand.held.size[2])

    def lower(self, percept: Percept, sides: Sequence[int]) -> None:
        """Let arms go to hang while the robot goes on."""
        for side in sides:
            hand = self.hands[side]
            hand.closure, hand.pinches = None, False
            if hand.angles is not None:
                self._send(percept, hand, self._rest[hand.arm.joints], is_resting=True)

    def _send(self, percept: Percept, hand: Hand, goal: Angles, *, is_resting: bool) -> None:
        if hand.angles is None:
            hand.angles = percept.state.joint_position[hand.arm.joints].copy()
        hand.goal, hand.is_resting = goal, is_resting

    def _go_on(self, hand: Hand) -> None:
        """Move an arm one tick towards where it goes by itself."""
        assert hand.angles is not None
        assert hand.goal is not None
        way = hand.goal - hand.angles
        hand.angles = hand.angles + np.clip(way, -ARM_STEP, ARM_STEP)
        if np.abs(way).max() <= ARM_STEP:
            hand.goal = None
            if hand.is_resting:
                hand.angles = hand.bias = None

    def ready(self, side: int) -> Angles:
        """Return the angles of an arm that is folded before the chest."""
        return np.array(READY) * (1.0 if side == RIGHT else _MIRROR)

    def carry_angles(
        self,
        side: int,
        approach: Approach,
        joints: Angles,
        lean: Lean = NO_LEAN,
        height: float | None = None,
    ) -> Angles:
        """Return angles that hold a thing before the chest as it was taken, the robot upright.

        A palm that leaned then leans on if the arm comes there so; else the thing leans.

        Args:
            side: Whose hand.
            approach: How it was taken.
            joints: Where all joints are.
            lean: Of the palm.
            height: Of the palm above the pelvis, m; None where it is easiest.

        Raises:
            UnreachableError: The arm comes to none of the places for that.
        """
        hand, mirror = self.hands[side], 1.0 if side == RIGHT else -1.0
        leans = dict.fromkeys((lean, NO_LEAN))
        for turned, place, heading in product(leans, HOLD_PALMS, (0.5, 0.2, 0.8, 0.0)):
            goal = np.eye(4)
            goal[:3, :3] = palm_turn(approach, side, mirror * heading, turned)
            goal[:3, 3] = np.array(place) * (1.0, mirror, 1.0)
            if height is not None:
                goal[2, 3] = height
            try:
                return hand.arm.solve(joints, goal)
            except UnreachableError:
                continue
        raise UnreachableError(f"The {SIDES[side]} arm cannot hold a thing before the chest.")

    def body(self, percept: Percept, asked: UpperBody) -> UpperBody:
        """Return what the upper body should do: what is asked, and what the hands do beside it.

        Joints that are asked for come first: who waves waves.
        """
        if self.load is not None:
            self._follow_load(percept, self.load)
        for hand in self.hands:
            if hand.goal is not None:
                self._go_on(hand)
        busy = [hand for hand in self.hands if hand.angles is not None or hand.closure is not None]
        if not busy:
            return asked
        joints: dict[int, float] = {}
        for hand in busy:
            if hand.angles is not None and hand.arm.joints[0] not in asked.joints:
                joints |= self._arm(percept, hand)
            if hand.held is not None and hand.closure is not None:
                # What has slipped a little is gripped anew.
                hand.closure = hand.fingers.close(
                    hand.closure, percept.state.joint_torque, firmly=hand.held.is_heavy
                )
            if hand.closure is not None and hand.fingers.joints[0] not in asked.joints:
                angles = hand.fingers.angles(hand.closure)
                joints |= dict(zip(hand.fingers.joints.tolist(), angles.tolist(), strict=True))
        effort = dict(asked.effort)
        arms = [j for hand in busy if hand.angles is not None for j in hand.arm.joints.tolist()]
        if arms:
            posed = percept.state.joint_position.copy()
            for hand in busy:
                if hand.angles is not None:
                    posed[hand.arm.joints] = hand.angles
            up = rotation_matrix(percept.base.orientation_wxyz)[2]
            torque = self._tools.kinematics.holding_torque(posed, up)
            if self.load is not None:
                self._add_push(percept, self.load, torque)
            effort |= {j: float(torque[j]) for j in arms if j not in asked.joints}
        is_led = self.load is not None or (bool(arms) and self._tools.walker.is_standing)
        is_firm = is_led or any(hand.held is not None for hand in self.hands)
        pinches = any(hand.pinches for hand in busy)
        firmness = ARM_FIRMNESS if is_firm and not pinches else asked.firmness
        return UpperBody(
            joints=joints | dict(asked.joints),
            waist=asked.waist,
            effort=effort,
            posture=asked.posture,
            firmness=firmness if self.load is None else LOAD_FIRMNESS,
            waist_firmness=WAIST_FIRMNESS if is_led else asked.waist_firmness,
        )

    def palm_distance(self, percept: Percept) -> float:
        """Return how far the palms are from each other, m."""
        left, right = self._palms(percept)
        return float(np.linalg.norm(left[:3, 3] - right[:3, 3]))

    def presses_load(self, percept: Percept) -> bool:
        """Whether a box is still between the palms: they are as far apart as it is wide."""
        if self.load is None or not self.load.is_held:
            return False
        return self.palm_distance(percept) > self.load.palm_distance - GONE_M

    def bears_load(self, percept: Percept) -> bool:
        """Whether it is there and its weight is felt."""
        load = self.load
        is_felt = load is not None and load.weight > GONE_SHARE * load.weighed
        return is_felt and self.presses_load(percept)

    def load_on_map(self, percept: Percept) -> NDArray[np.float64]:
        """Return the middle between the palms on the map, m, shape (3,)."""
        left, right = (map_from_pelvis(percept) @ palm for palm in self._palms(percept))
        middle: NDArray[np.float64] = 0.5 * (left[:3, 3] + right[:3, 3])
        return middle

    def _palms(self, percept: Percept) -> list[Pose]:
        joints = percept.state.joint_position
        return [hand.arm.pelvis_from_palm(joints) for hand in self.hands]

    def _follow_load(self, percept: Percept, load: Load) -> None:
        """Move both arms one tick to where they hold a load, and learn its weight."""
        width = self.palm_distance(percept) if load.width is None else load.width
        wanted = []
        map_from_box = map_from_level(percept) @ load.level_from_box
        pelvis_from_box = np.linalg.inv(map_from_pelvis(percept)) @ map_from_box
        for hand, box_from_palm in zip(self.hands, palms_about(load.size), strict=True):
            goal = box_from_palm.copy()
            goal[1, 3] = 0.5 * width if hand.side == LEFT else -0.5 * width
            wanted.append(pelvis_from_box @ goal)
            joints = percept.state.joint_position.copy()
            if hand.angles is not None:
                joints[hand.arm.joints] = hand.angles
            hand.angles, hand.bias, hand.goal = hand.arm.step(joints, wanted[-1]), None, None
        if load.width is None:
            missing = np.mean([w[:3, 3] for w in wanted], axis=0) - np.mean(
                [palm[:3, 3] for palm in self._palms(percept)], axis=0
            )
            up = rotation_matrix(percept.base.orientation_wxyz)[2]
            more = WEIGHT_PER_MS * 0.02 * float(np.clip(missing @ up, -0.05, 0.05))
            most = HEAVIER * load.weighed if load.weighed else WEIGHT_MAX
            load.weight = float(np.clip(load.weight + more, 0.0, most))

    def _add_push(self, percept: Percept, load: Load, torque: Angles) -> None:
        """Add to the arms' torques what presses a load and bears it."""
        left, right = self._palms(percept)
        across = right[:3, 3] - left[:3, 3]
        across /= np.linalg.norm(across)
        up = rotation_matrix(percept.base.orientation_wxyz)[2]
        for hand, inward in zip(self.hands, (across, -across), strict=True):
            force = load.push * inward + 0.5 * load.weight * up
            joints = percept.state.joint_position
            torque[hand.arm.joints] += hand.arm.torque(joints, force, np.array(PUSH_AT))

    def _arm(self, percept: Percept, hand: Hand) -> dict[int, float]:
        """Return an arm's joints, with what the integral adds to them."""
        assert hand.angles is not None
        if self.load is not None:
            return dict(zip(hand.arm.joints.tolist(), hand.angles.tolist(), strict=True))
        if hand.bias is None:
            hand.bias = np.zeros(len(hand.angles))
        error = hand.angles - percept.state.joint_position[hand.arm.joints]
        hand.bias += INTEGRAL_PER_S * 0.02 * np.clip(error, -0.1, 0.1)
        # Beyond a joint's limit nothing is asked, so nothing is learnt there.
        lower = np.maximum(self._lower[hand.arm.joints] - hand.angles, -BIAS_MAX)
        upper = np.minimum(self._upper[hand.arm.joints] - hand.angles, BIAS_MAX)
        np.clip(hand.bias, lower, upper, out=hand.bias)
        wanted = hand.angles + hand.bias
        return dict(zip(hand.arm.joints.tolist(), wanted.tolist(), strict=True))


def hands_of(tools: Tools) -> Hands:
    """Return the run's hands; they are made when first asked for."""
    if HANDS not in tools.shared:
        tools.shared[HANDS] = Hands(tools)
    hands: Hands = tools.shared[HANDS]
    return hands


def is_low(height: float) -> bool:
    """Whether a thing of a height, m, is pinched by straight fingers."""
    return height < FLAT_M


def feels(percept: Percept, hand: Hand, height: float) -> bool:
    """Whether a hand's fingers feel a thing of a height, m, between them."""
    state = percept.state
    return hand.fingers.holds(state.joint_position, state.joint_torque, is_low=is_low(height))


def map_from_pelvis(percept: Percept) -> NDArray[np.float64]:
    """Return the pelvis' pose on the map, shape (4, 4)."""
    T = np.eye(4)
    T[:3, :3] = rotation_matrix(percept.base.orientation_wxyz)
    T[:3, 3] = percept.base.position
    return T


def map_from_level(percept: Percept) -> NDArray[np.float64]:
    """Return the pelvis' pose on the map as if it stood upright, shape (4, 4)."""
    cos, sin = np.cos(percept.base.yaw), np.sin(percept.base.yaw)
    T = np.eye(4)
    T[:2, :2] = [[cos, -sin], [sin, cos]]
    T[:3, 3] = percept.base.position
    return T


def open_fingers(closure: Sequence[float] = OPEN) -> Angles:
    """Return the closures of the three digits of an open hand."""
    return np.array(closure, dtype=np.float64)
