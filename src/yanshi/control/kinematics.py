"""Where the robot's links are, from its joint angles alone.

The robot's own model, without world or meshes, is posed by MuJoCo's kinematics. Nothing
here knows of a simulation: on hardware it is the same model and the same encoders.
"""

from collections.abc import Mapping

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import UnknownNameError, UnreachableError
from yanshi.robots.links import LinkNames
from yanshi.robots.spec import CameraSpec, RobotSpec

LEFT, RIGHT = 0, 1


class Kinematics:
    """Poses of links in the pelvis frame, and arm angles that point at something."""

    def __init__(
        self, robot: RobotSpec, spec: mujoco.MjSpec, links: LinkNames, camera: CameraSpec
    ) -> None:
        """Prepare the robot's skeleton.

        Args:
            robot: Gives the order of joints.
            spec: The robot's model without a world, as `load_g1()` makes it; used up.
            links: What its links do.
            camera: Where its camera sits.

        Raises:
            UnknownNameError: The model lacks one of the joints or links.
        """
        self.robot = robot
        self.links = links
        self.camera = camera
        self._soles = np.array([_sole_points(spec, foot) for foot in links.feet])
        self._sole_middles = self._soles.mean(axis=1)
        skin = _skin(spec)
        self._model = _skeleton(spec)
        self._data = mujoco.MjData(self._model)
        self._turns, self._places = self._data.xmat.reshape(-1, 3, 3), self._data.xpos  # Views.
        names = [self._model.joint(i).name for i in range(self._model.njnt)]
        for name in robot.joint_names:
            if name not in names:
                raise UnknownNameError("joint", name, names)
        self._addresses = np.array(
            [self._model.joint(name).qposadr[0] for name in robot.joint_names], dtype=np.intp
        )
        self._dofs = np.array(
            [self._model.joint(name).dofadr[0] for name in robot.joint_names], dtype=np.intp
        )
        self._torque = np.zeros(self._model.nv)
        self._bodies = {self._model.body(i).name: i for i in range(self._model.nbody)}
        self._feet = [self._body(foot) for foot in links.feet]
        self._skin = np.array([self._bodies[link] for link, _, _ in skin], dtype=np.intp)
        self._skin_in_link = np.array([centre for _, centre, _ in skin])
        self.skin_radius: NDArray[np.float64] = np.array([radius for _, _, radius in skin])
        """Radii of the balls that stand for what can touch the floor, m, shape (n,)."""
        self._link_from_camera = camera.link_from_camera
        self._posed = np.full(len(robot.joint_names), np.nan)
        self._felt_position, self._felt_torque = self._posed.copy(), self._posed.copy()
        self._foot_forces = np.zeros((2, 3))  # N, for the two above.
        self._arms = tuple(
            [robot.joint_index(f"{side}_{joint}") for joint in ARM_JOINTS]
            for side in ("left", "right")
        )
        self._legs = np.array(
            [
                [robot.joint_index(f"{side}_{joint}") for joint in _LOADED_JOINTS]
                for side in ("left", "right")
            ]
        )
        self._leg_dofs = self._dofs[self._legs]
        self._whole_legs = np.array(
            [
                [robot.joint_index(f"{side}_{joint}") for joint in (*_LOADED_JOINTS, *_ANKLE)]
                for side in ("left", "right")
            ]
        )
        self.knees = self._whole_legs[:, 3].copy()
        """Where both knees are in all joints, shape (2,)."""
        self._whole_leg_dofs = self._dofs[self._whole_legs]
        self._jacobian, self._turning = np.zeros((2, 3, self._model.nv))
        self._reaches = self._measure_reaches()

    def pelvis_from_link(
        self, joint_position: NDArray[np.float64], link: str
    ) -> NDArray[np.float64]:
        """Return the pose of a link in the pelvis frame, shape (4, 4)."""
        self._pose(joint_position)
        body = self._body(link)
        T = np.eye(4)
        T[:3, :3] = self._turns[body]
        T[:3, 3] = self._places[body]
        return T

    def pelvis_from_head_camera(self, joint_position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pose of the camera (x right, y down, z ahead) in the pelvis frame."""
        return self.pelvis_from_link(joint_position, self.camera.link) @ self._link_from_camera

    def soles_in_pelvis(self, joint_position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the lowest points of both soles when level, shape (2, n_points, 3)."""
        self._pose(joint_position)
        turns = self._turns[self._feet].transpose(0, 2, 1)
        soles: NDArray[np.float64] = self._soles @ turns + self._places[self._feet][:, None]
        return soles

    def feet_ahead_in_pelvis(self, joint_position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where both feet point, from heel to toe, unit vectors, shape (2, 3)."""
        self._pose(joint_position)
        ahead: NDArray[np.float64] = self._turns[self._feet, :, 0]
        return ahead

    def skin_in_pelvis(
        self, joint_position: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the balls that stand for what can touch the floor, all over the body.

        Returns:
            Their middles, shape (n, 3), and the rotations of the links they are fixed to, shape
            (n, 3, 3); `skin_radius` holds their radii.
        """
        self._pose(joint_position)
        turns = self._turns[self._skin]
        middles = np.einsum("nij,nj->ni", turns, self._skin_in_link) + self._places[self._skin]
        return middles, turns

    def shoulder_in_pelvis(
        self, joint_position: NDArray[np.float64], side: int
    ) -> NDArray[np.float64]:
        """Return where an upper arm turns (`LEFT` or `RIGHT`), shape (3,)."""
        return self.pelvis_from_link(joint_position, self.links.shoulders[side])[:3, 3]

    def hand_in_pelvis(self, joint_position: NDArray[np.float64], side: int) -> NDArray[np.float64]:
        """Return the middle of a palm, shape (3,)."""
        T = self.pelvis_from_link(joint_position, self.links.hands[side])
        palm: NDArray[np.float64] = T[:3, :3] @ np.array(self.links.palm) + T[:3, 3]
        return palm

    def point_arm(
        self,
        joint_position: NDArray[np.float64],
        side: int,
        target_in_pelvis: NDArray[np.float64],
    ) -> Mapping[int, float]:
        """Find arm angles that put the palm on the line from the shoulder to a target.

        The arm is nearly straight unless the target is so near that it would be touched.
        Newton's method on shoulder pitch and roll; the other joints of the body stay.

        Returns:
            Angles in rad by joint index, for the seven joints of the arm.

        Raises:
            UnreachableError: The palm stays more than 4° off the line.
        """
        arm = self._arms[side]
        q = joint_position.copy()
        q[arm] = _POINTING_POSE
        q[arm[1]] = _POINTING_ROLL[side]
        limits = self.robot.limits
        turning = arm[:2]
        shoulder = self.shoulder_in_pelvis(q, side)
        distance = float(np.linalg.norm(target_in_pelvis - shoulder))
        q[arm[3]] = np.interp(distance - _SHORT_OF_TARGET_M, self._reaches, _ELBOWS)
        for _ in range(20):
            error = self._pointing_error(q, side, target_in_pelvis)
            if np.linalg.norm(error) < 1e-3:
                break
            jacobian = np.empty((3, 2))
            for column, joint in enumerate(turning):
                nudged = q.copy()
                nudged[joint] += 1e-4
                jacobian[:, column] = (
                    self._pointing_error(nudged, side, target_in_pelvis) - error
                ) / 1e-4
            damped = jacobian.T @ jacobian + 1e-3 * np.eye(2)
            step = np.linalg.solve(damped, -jacobian.T @ error)
            q[turning] += np.clip(step, -0.4, 0.4)
            q[turning] = np.clip(q[turning], limits.lower[turning], limits.upper[turning])
        off = float(np.linalg.norm(self._pointing_error(q, side, target_in_pelvis)))
        if off > np.deg2rad(4.0):
            raise UnreachableError(
                f"An arm cannot point at {np.round(target_in_pelvis, 2)} in the pelvis frame: "
                f"it stays {np.rad2deg(off):.0f}° off. A target ahead and to its side works."
            )
        return {int(joint): float(q[joint]) for joint in arm}

    def leg_loads(
        self,
        joint_position: NDArray[np.float64],
        joint_torque: NDArray[np.float64],
        up_in_pelvis: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return how hard the floor seems to push each foot up, N, shape (2,).

        The force at the sole that would explain the torques of hip and knee, as if the leg had
        no weight and the ankle bore no moment: good enough to tell which foot carries.
        """
        if not (
            _is_same(joint_position, self._felt_position)
            and _is_same(joint_torque, self._felt_torque)
        ):  # Several senses ask for the same sample.
            self._felt_position[:], self._felt_torque[:] = joint_position, joint_torque
            self._feel_feet(joint_position, joint_torque)
        loads: NDArray[np.float64] = self._foot_forces @ up_in_pelvis
        return loads

    def _feel_feet(
        self, joint_position: NDArray[np.float64], joint_torque: NDArray[np.float64]
    ) -> None:
        """Reckon with what force the floor seems to push each foot, in the pelvis frame."""
        self._pose(joint_position)
        mujoco.mj_comPos(self._model, self._data)
        J = np.empty((2, 3, self._legs.shape[1]))
        for side, foot in enumerate(self._feet):
            sole = self._places[foot] + self._turns[foot] @ self._sole_middles[side]
            mujoco.mj_jac(self._model, self._data, self._jacobian, None, sole, foot)
            J[side] = self._jacobian.take(self._leg_dofs[side], axis=1)
        damped = J @ J.transpose(0, 2, 1) + _DAMPING
        pushed = J @ joint_torque.take(self._legs)[..., None]  # (2, 3, 1)
        self._foot_forces[:] = -np.linalg.solve(damped, pushed)[..., 0]

    def foot_wrenches(
        self, joint_position: NDArray[np.float64], joint_torque: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what the floor seems to do to each foot, in the pelvis frame, shape (2, 6).

        Force, N, and moment, N·m, at the middle of the sole that would explain all six torques
        of the leg, as if it had no weight: truer than `leg_loads` when the robot stands on its
        toes or bears something in front of it, and twice the work.
        """
        self._pose(joint_position)
        mujoco.mj_comPos(self._model, self._data)
        J = np.empty((2, 6, 6))
        for side, foot in enumerate(self._feet):
            sole = self._places[foot] + self._turns[foot] @ self._sole_middles[side]
            mujoco.mj_jac(self._model, self._data, self._jacobian, self._turning, sole, foot)
            dofs = self._whole_leg_dofs[side]
            J[side, :3] = self._jacobian.take(dofs, axis=1)
            J[side, 3:] = self._turning.take(dofs, axis=1)
        J *= _WRENCH_SCALE
        damped = J @ J.transpose(0, 2, 1) + _UNIT
        pushed = J @ joint_torque.take(self._whole_legs)[..., None]  # (2, 6, 1)
        wrenches: NDArray[np.float64] = (-_WRENCH_SCALE * np.linalg.solve(damped, pushed))[..., 0]
        return wrenches

    def holding_torque(
        self, joint_position: NDArray[np.float64], up_in_pelvis: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the torques that hold the links against gravity, N·m, shape (n_joints,).

        Only what hangs free on the pelvis counts: true for arms, not for legs on the floor.
        """
        self._posed[:] = np.nan  # What follows poses the links, but not by `_pose`.
        self._data.qpos[self._addresses] = joint_position
        self._model.opt.gravity[:] = -9.81 * up_in_pelvis
        mujoco.mj_fwdPosition(self._model, self._data)
        mujoco.mj_rne(self._model, self._data, 0, self._torque)
        torque: NDArray[np.float64] = self._torque[self._dofs]
        return torque

    def _pointing_error(
        self, joint_position: NDArray[np.float64], side: int, target: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the difference of the unit vectors shoulder → palm and shoulder → target."""
        hand = self.hand_in_pelvis(joint_position, side)
        shoulder = self.shoulder_in_pelvis(joint_position, side)
        to_hand, to_target = hand - shoulder, target - shoulder
        difference: NDArray[np.float64] = to_hand / np.linalg.norm(
            to_hand
        ) - to_target / np.linalg.norm(to_target)
        return difference

    def _measure_reaches(self) -> NDArray[np.float64]:
        """Return the distance from shoulder to palm for each of `_ELBOWS`, m."""
        q = self.robot.default_position.copy()
        q[self._arms[LEFT]] = _POINTING_POSE
        reaches = []
        for elbow in _ELBOWS:
            q[self._arms[LEFT][3]] = elbow
            arm = self.hand_in_pelvis(q, LEFT) - self.shoulder_in_pelvis(q, LEFT)
            reaches.append(float(np.linalg.norm(arm)))
        return np.array(reaches)

    def _pose(self, joint_position: NDArray[np.float64]) -> None:
        if _is_same(joint_position, self._posed):
            return
        self._posed[:] = joint_position
        self._data.qpos[self._addresses] = joint_position
        mujoco.mj_kinematics(self._model, self._data)

    def _body(self, link: str) -> int:
        if link not in self._bodies:
            raise UnknownNameError("link", link, self._bodies)
        return self._bodies[link]


def _is_same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return a.tobytes() == b.tobytes()


_DAMPING = 1e-6 * np.eye(3)
"""Keeps forces finite where a leg is straight."""
_UNIT = np.eye(6)
_WRENCH_SCALE = np.repeat([400.0, 20.0], 3)[:, None]
"""What a foot may bear, N and N·m: of the wrenches that explain the torques within 1 N·m, which
are many where a leg is straight, the one is taken that is least in these units."""
_LOADED_JOINTS = ("hip_pitch", "hip_roll", "hip_yaw", "knee")
_ANKLE = ("ankle_pitch", "ankle_roll")
ARM_JOINTS = (
    "shoulder_pitch",
    "shoulder_roll",
    "shoulder_yaw",
    "elbow",
    "wrist_roll",
    "wrist_pitch",
    "wrist_yaw",
)
_POINTING_POSE = (-0.9, 0.0, 0.0, 1.45, 0.0, 0.0, 0.0)
"""Arm ahead and nearly straight: an elbow of π/2 is straight."""
_POINTING_ROLL = (0.15, -0.15)
_ELBOWS = np.linspace(-0.9, 1.45, 16)
"""From folded to nearly straight, rad."""
_SHORT_OF_TARGET_M = 0.27
"""The palm stops this far before a near target: fingers and some air."""


def _skeleton(spec: mujoco.MjSpec) -> mujoco.MjModel:
    """Compile the robot's links and joints with its root fixed at the origin."""
    for item in [*spec.geoms, *spec.meshes, *spec.actuators, *spec.sensors, *spec.cameras]:
        spec.delete(item)
    root = spec.worldbody.first_body()
    for joint in list(root.joints):
        spec.delete(joint)
    root.pos = (0.0, 0.0, 0.0)
    root.quat = (1.0, 0.0, 0.0, 0.0)
    return spec.compile()


def _sole_points(spec: mujoco.MjSpec, foot: str) -> NDArray[np.float64]:
    """Return the bottoms of the spheres under a foot in its own frame, shape (n, 3)."""
    body = spec.body(foot)
    if body is None:
        raise UnknownNameError("link", foot, (other.name for other in spec.bodies))
    spheres = [geom for geom in body.geoms if geom.type == mujoco.mjtGeom.mjGEOM_SPHERE]
    return np.array([geom.pos - (0.0, 0.0, geom.size[0]) for geom in spheres])


def _skin(spec: mujoco.MjSpec) -> list[tuple[str, NDArray[np.float64], float]]:
    """Return balls that stand for the geoms that touch: their link, middle and radius.

    A capsule is the balls at its ends, a box its corners, a cylinder the ball about its middle.
    """
    for item in [*spec.actuators, *spec.sensors]:
        spec.delete(item)
    model = spec.compile()
    balls = []
    for geom in range(model.ngeom):
        if not (model.geom_contype[geom] or model.geom_conaffinity[geom]):
            continue  # Only to be looked at.
        R = np.zeros(9)
        mujoco.mju_quat2Mat(R, model.geom_quat[geom])
        link = model.body(model.geom_bodyid[geom]).name
        offsets, radius = _balls_of(model.geom_type[geom], model.geom_size[geom])
        for middle in model.geom_pos[geom] + offsets @ R.reshape(3, 3).T:
            balls.append((link, middle, radius))
    return balls


def _balls_of(kind: int, size: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the middles, shape (n, 3), and the radius of the balls that stand for a geom."""
    match mujoco.mjtGeom(kind):
        case mujoco.mjtGeom.mjGEOM_CAPSULE:
            return np.array([[0.0, 0.0, -size[1]], [0.0, 0.0, size[1]]]), float(size[0])
        case mujoco.mjtGeom.mjGEOM_BOX:
            return (2.0 * np.array(list(np.ndindex(2, 2, 2))) - 1.0) * size, 0.0
        case _:
            return np.zeros((1, 3)), float(size[0])
