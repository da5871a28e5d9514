"""Which joint angles bring a palm to a pose: inverse kinematics of one arm.

The arm hangs on a torso that somebody else holds, so the skeleton that is solved has the arm's
seven joints and no others: legs, waist and the other arm are as they are given. Each step is a
quadratic programme (mink, solved by daqp) that trades the palm's error against a comfortable
posture, within the limits of angle and speed. The palm's frame has the axes of the hand's link: x
along the fingers, z from the middle finger to the index; the right palm faces y, the left one -y.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import mink
import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import ARM_JOINTS, LEFT, Kinematics
from yanshi.core.errors import UnknownNameError, UnreachableError

SIDES = ("left", "right")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmConfig:
    """How an arm is moved to a goal, and when it is there."""

    tick_s: float = 0.02
    """Period of `step`."""
    speed_max: float = 2.0
    """Fastest change of a joint's angle in `step`, rad/s; the walker grants 2.5."""
    orientation_cost: float = 0.3
    """m for a rad: how much the palm's direction counts beside its place."""
    posture_cost: float = 5e-3
    """m for a rad: how much a comfortable posture counts. A palm 1 rad from comfort stays
    under a tenth of a millimetre off."""
    limit_margin: float = 0.02
    """Distance kept from the ends of every joint, rad."""
    position_tolerance: float = 0.002
    """`solve` has arrived when the palm is this near, m …"""
    orientation_tolerance: float = 0.02
    """… and turned by less than this, rad."""
    leap_max: float = 0.4
    """Farthest that a joint goes in one step of `solve`, rad; longer ones overshoot."""
    solve_steps: int = 30
    """Steps before `solve` tries from another posture."""


class Arm:
    """One arm of the robot: where its palm is, and angles that bring it elsewhere."""

    def __init__(
        self,
        kinematics: Kinematics,
        spec: mujoco.MjSpec,
        side: int,
        config: ArmConfig | None = None,
    ) -> None:
        """Prepare the arm's skeleton.

        Args:
            kinematics: The robot's own, for the pose of its torso.
            spec: The robot's model without a world, as `load_g1()` makes it; used up.
            side: `LEFT` or `RIGHT`.
            config: How it is moved.

        Raises:
            UnknownNameError: The model lacks one of the arm's joints.
        """
        self.kinematics = kinematics
        self.side = side
        self.config = config or ArmConfig()
        robot, links = kinematics.robot, kinematics.links
        names = [f"{SIDES[side]}_{joint}" for joint in ARM_JOINTS]
        self.joints = robot.joint_indices(names)
        """Places of the arm's seven joints in every joint array."""
        self.lower = robot.limits.lower[self.joints] + self.config.limit_margin
        self.upper = robot.limits.upper[self.joints] - self.config.limit_margin
        self._model = _arm_alone(spec, names, links.hands[side], links.palm)
        self._configuration = mink.Configuration(self._model)
        torso = self._configuration.get_transform_frame_to_world(links.torso, "body")
        self._model_from_torso: NDArray[np.float64] = torso.as_matrix()
        mirror = np.array(_MIRROR if side == LEFT else np.ones(7))
        self._starts = [mirror * start for start in np.array(_STARTS)]
        self._palm = mink.FrameTask(
            _PALM,
            "site",
            position_cost=1.0,
            orientation_cost=self.config.orientation_cost,
            lm_damping=1e-3,
        )
        self._posture = mink.PostureTask(self._model, cost=self.config.posture_cost)
        self._posture.set_target(self._starts[0])
        self._angle_limit = mink.ConfigurationLimit(
            self._model, min_distance_from_limits=self.config.limit_margin
        )
        self._tick_limit, self._leap_limit = (
            mink.VelocityLimit(self._model, dict.fromkeys(names, speed))
            for speed in (self.config.speed_max, self.config.leap_max / self.config.tick_s)
        )
        straight = kinematics.robot.default_position.copy()
        straight[self.joints] = mirror * np.array(_STRAIGHT)
        palm = self.pelvis_from_palm(straight)[:3, 3]
        shoulder = kinematics.shoulder_in_pelvis(straight, side)
        self.reach = float(np.linalg.norm(palm - shoulder))
        """From the shoulder to the palm of the straight arm, m."""

    def pelvis_from_palm(self, joint_position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pose of the palm in the pelvis frame, shape (4, 4)."""
        links = self.kinematics.links
        T = self.kinematics.pelvis_from_link(joint_position, links.hands[self.side])
        T[:3, 3] += T[:3, :3] @ np.array(links.palm)
        return T

    def step(
        self, joint_position: NDArray[np.float64], pelvis_from_palm: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Move one tick towards a goal.

        Args:
            joint_position: Where all joints are; for a smooth motion, the arm's of the last step.
            pelvis_from_palm: Wanted pose of the palm, shape (4, 4). It need not be within reach.

        Returns:
            Angles of the arm's joints after one tick, inside their limits, shape (7,).
        """
        self._aim(joint_position, pelvis_from_palm)
        self._configuration.update(self._inside(joint_position[self.joints]))
        return self._advance(limits=[self._angle_limit, self._tick_limit])

    def solve(
        self,
        joint_position: NDArray[np.float64],
        pelvis_from_palm: NDArray[np.float64],
        starts: Iterable[NDArray[np.float64]] = (),
    ) -> NDArray[np.float64]:
        """Find angles that bring the palm to a goal, however far it is from there.

        Args:
            joint_position: Where all joints are; the search starts here.
            pelvis_from_palm: Wanted pose of the palm, shape (4, 4).
            starts: Other angles of the arm to start from before its usual ones, each of shape (7,).

        Returns:
            Angles of the arm's joints, inside their limits, shape (7,).

        Raises:
            UnreachableError: The palm stays farther from the goal than the tolerances.
        """
        nearest = (np.inf, np.inf)
        for angles, off in self._searches(joint_position, pelvis_from_palm, starts):
            if self._is_near(off):
                return angles
            nearest = min(nearest, off)
        raise UnreachableError(self._why(joint_position, pelvis_from_palm, nearest))

    def solutions(
        self,
        joint_position: NDArray[np.float64],
        pelvis_from_palm: NDArray[np.float64],
        starts: Iterable[NDArray[np.float64]] = (),
    ) -> Iterator[NDArray[np.float64]]:
        """Yield the answers of `solve` from each of its starts; they differ by the elbow.

        Some starts find none, and two may find the same.
        """
        for angles, off in self._searches(joint_position, pelvis_from_palm, starts):
            if self._is_near(off):
                yield angles

    def torque(
        self,
        joint_position: NDArray[np.float64],
        force_in_pelvis: NDArray[np.float64],
        at: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the torques with which the hand pushes on something, N·m, shape (7,).

        Args:
            joint_position: Where all joints are.
            force_in_pelvis: What the thing is to feel, N, shape (3,).
            at: Where it is pushed, in the palm's frame, m, shape (3,).
        """
        force = self.pelvis_from_palm(joint_position)[:3, :3].T @ force_in_pelvis
        self._configuration.update(joint_position[self.joints])
        J = self._configuration.get_frame_jacobian(_PALM, "site")  # (6, 7), in the palm's frame.
        torque: NDArray[np.float64] = J[:3].T @ force + J[3:].T @ np.cross(at, force)
        return torque

    def dexterity(self, joint_position: NDArray[np.float64]) -> float:
        """Return how freely the palm moves from here, from 0 (stuck) to about 1.

        The smallest stretch by which the joints move the palm (m/rad, a turn of 1 rad counting as
        0.3 m), over 0.1, times a share for the joint nearest to its end.
        """
        angles = joint_position[self.joints]
        self._configuration.update(angles)
        J = self._configuration.get_frame_jacobian(_PALM, "site")  # (6, 7)
        J = J * np.array([1.0, 1.0, 1.0, *[self.config.orientation_cost] * 3])[:, None]
        stretch = np.linalg.svd(J, compute_uv=False)[-1]
        room = np.minimum(angles - self.lower, self.upper - angles).min()
        return float(min(1.0, stretch / 0.1) * np.clip(room / 0.25, 0.0, 1.0))

    def _aim(
        self, joint_position: NDArray[np.float64], pelvis_from_palm: NDArray[np.float64]
    ) -> None:
        """Set the goal, seen from the torso, which leans as the waist is bent."""
        torso = self.kinematics.links.torso
        pelvis_from_torso = self.kinematics.pelvis_from_link(joint_position, torso)
        goal = self._model_from_torso @ np.linalg.solve(pelvis_from_torso, pelvis_from_palm)
        self._palm.set_target(mink.SE3.from_matrix(goal))

    def _searches(
        self,
        joint_position: NDArray[np.float64],
        pelvis_from_palm: NDArray[np.float64],
        starts: Iterable[NDArray[np.float64]],
    ) -> Iterator[tuple[NDArray[np.float64], tuple[float, float]]]:
        """Yield where a search from each start ends, and how far that is from the goal."""
        for start in (joint_position[self.joints], *starts, *self._starts):
            self._aim(joint_position, pelvis_from_palm)  # Anew: others may have aimed meanwhile.
            self._configuration.update(self._inside(start))
            last = np.inf
            for _ in range(self.config.solve_steps):
                angles = self._advance(limits=[self._angle_limit, self._leap_limit])
                off = self._off()
                error = off[0] + self.config.orientation_cost * off[1]
                if self._is_near(off) or abs(last - error) < _STUCK_M:
                    break
                last = error
            yield angles, off

    def _advance(self, limits: list[mink.Limit]) -> NDArray[np.float64]:
        velocity = mink.solve_ik(
            self._configuration,
            [self._palm, self._posture],
            self.config.tick_s,
            "daqp",
            damping=1e-6,
            limits=limits,
        )
        self._configuration.integrate_inplace(velocity, self.config.tick_s)
        return self._inside(self._configuration.q)

    def _off(self) -> tuple[float, float]:
        """Return how far the palm is from its goal, m and rad."""
        error = self._palm.compute_error(self._configuration)
        return float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:]))

    def _is_near(self, off: tuple[float, float]) -> bool:
        return (
            off[0] < self.config.position_tolerance and off[1] < self.config.orientation_tolerance
        )

    def _inside(self, angles: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip(angles, self.lower, self.upper)

    def _why(
        self,
        joint_position: NDArray[np.float64],
        goal: NDArray[np.float64],
        nearest: tuple[float, float],
    ) -> str:
        """Say what was asked, what was found and what would work."""
        shoulder = self.kinematics.shoulder_in_pelvis(joint_position, self.side)
        distance = float(np.linalg.norm(goal[:3, 3] - shoulder))
        near = _TURNABLE * self.reach
        if distance > near:
            remedy = f"One within {near:.2f} m of the shoulder would; this is {distance:.2f} m."
        else:
            remedy = "Another direction of the palm or another stance would."
        return (
            f"The {SIDES[self.side]} palm does not come to {np.round(goal[:3, 3], 2)} in the "
            f"pelvis frame: it stays {100.0 * nearest[0]:.1f} cm off and turned by "
            f"{np.rad2deg(nearest[1]):.0f}°. {remedy}"
        )


_PALM = "palm"
_STUCK_M = 3e-5
"""A search that gains less than this in a step ends."""
_STRAIGHT = (0.0, 0.0, 0.0, 0.5 * np.pi, 0.0, 0.0, 0.0)
_TURNABLE = 0.9
"""Share of the straight arm's reach at which the palm may still be turned."""
# The right arm's postures to start from: forearm ahead; palm down; hand low and near; arm aside.
_STARTS = (
    (0.0, -0.25, 0.0, 0.5, 0.0, 0.0, 0.0),
    (-0.3, -0.4, 0.3, -0.2, -1.2, 0.4, 0.3),
    (0.5, -0.3, 0.0, -0.2, 0.3, 0.5, 0.0),
    (-0.2, -0.9, 0.6, 0.3, -0.8, 0.0, 0.5),
)
_MIRROR = (1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0)
"""Signs that turn angles of one arm into the mirrored ones of the other."""


def _arm_alone(
    spec: mujoco.MjSpec, names: list[str], hand: str, palm: tuple[float, float, float]
) -> mujoco.MjModel:
    """Compile the robot with its root at the origin and no joints but the arm's."""
    spec.body(hand).add_site(name=_PALM, pos=palm)
    for item in [*spec.geoms, *spec.meshes, *spec.actuators, *spec.sensors, *spec.cameras]:
        spec.delete(item)
    known = [joint.name for joint in spec.joints]
    for name in names:
        if name not in known:
            raise UnknownNameError("joint", name, known)
    for joint in list(spec.joints):
        if joint.name not in names:
            spec.delete(joint)
    root = spec.worldbody.first_body()
    root.pos = (0.0, 0.0, 0.0)
    root.quat = (1.0, 0.0, 0.0, 0.0)
    return spec.compile()
