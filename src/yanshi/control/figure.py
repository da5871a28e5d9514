"""The robot as a jointed figure that can be put anywhere on a floor, to plan how it moves.

MuJoCo's kinematics alone, no physics: where soles and centre of mass are, which links touch, and
which leg angles bring the soles where they should stand.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.robots.links import LinkNames
from yanshi.robots.spec import RobotSpec

Array = NDArray[np.float64]
SIDES = ("left", "right")
_LEG_JOINTS = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
_WORTH = np.array([1.0, 1.0, 1.0, 0.2, 0.2, 0.2])
"""Of errors in m and rad, when not all can be mended."""
_DAMPED = 4e-6 * np.eye(6)
"""Of the least squares: a leg that is stretched to its end does not thrash."""
_STEP_MAX = 0.3
"""Largest change of an angle in one iteration, rad."""
_SHIFT_MAX = 0.1
"""Largest movement of the root in one iteration, m."""
_GOOD_ENOUGH = 3e-5
"""m and rad."""
_KNEE = 3
"""Its place among the joints of a leg."""
_KNEE_MIN = 0.05
"""A standing leg's knee never bends the wrong way, rad."""
_STRAIGHTEST = 0.25
"""How far a standing leg's knee stays bent when the leg is stretched to its end, rad."""
_SOFT_M = 0.004
"""The pelvis begins to sink this much before a leg is stretched to its end."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sole:
    """Where a sole is: its middle, and its rotation (x along the toes, z up when level)."""

    position: Array
    """m, shape (3,)."""
    rotation: Array
    """Shape (3, 3)."""


class Figure:
    """A robot without a world. `pose` it, then ask; angles follow `RobotSpec.joint_names`."""

    def __init__(self, robot: RobotSpec, spec: mujoco.MjSpec, links: LinkNames) -> None:
        """Prepare the figure.

        Args:
            robot: Gives the order of joints.
            spec: The robot's model with a free root and without a world; used up.
            links: What its links do.
        """
        self.robot = robot
        self.model = model = spec.compile()
        self._data = mujoco.MjData(model)
        names = robot.joint_names
        self._addresses = np.array([model.joint(name).qposadr[0] for name in names])
        self.feet = [model.body(foot).id for foot in links.feet]
        """Numbers of the links with the soles."""
        self._points = [self._corners(foot) for foot in self.feet]
        self._middles = [points.mean(axis=0) for points in self._points]
        legs = [[f"{side}_{joint}" for joint in _LEG_JOINTS] for side in SIDES]
        self.legs = [robot.joint_indices(leg) for leg in legs]
        self._dofs = [np.array([model.joint(name).dofadr[0] for name in leg]) for leg in legs]
        self._jacobian = np.zeros((6, model.nv))
        self.position = np.zeros(3)
        self.rotation = np.eye(3)
        self.joints = robot.default_position.copy()
        self._leg_limits = []
        for leg in self.legs:
            lower, upper = robot.limits.lower[leg].copy(), robot.limits.upper[leg]
            lower[_KNEE] = _KNEE_MIN
            self._leg_limits.append((lower, upper))
        self._hips = [model.joint(f"{side}_hip_roll").bodyid[0] for side in SIDES]
        self._reaches = self._measure_reaches()

    def _corners(self, foot: int) -> Array:
        model = self.model
        spheres = [
            geom
            for geom in range(model.ngeom)
            if model.geom_bodyid[geom] == foot
            and model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_SPHERE
        ]
        return np.array([model.geom_pos[g] - (0.0, 0.0, model.geom_size[g, 0]) for g in spheres])

    def _measure_reaches(self) -> list[float]:
        """Return how far the feet are from the hips when the knees are almost straight, m."""
        joints = self.joints.copy()
        for leg in self.legs:
            joints[leg] = 0.0
            joints[leg[_KNEE]] = _STRAIGHTEST
        self.pose(self.position, self.rotation, joints)
        origin = self._data.xpos
        return [
            float(np.linalg.norm(origin[hip] - origin[foot]))
            for hip, foot in zip(self._hips, self.feet, strict=True)
        ]

    def pose(self, position: Array, rotation: Array, joints: Array) -> None:
        """Put the figure somewhere.

        Args:
            position: Of the root link, m, shape (3,).
            rotation: Of the root link, shape (3, 3).
            joints: Angles, rad, shape (n_joints,).
        """
        self.position, self.rotation, self.joints = position.copy(), rotation, joints.copy()
        self._update()

    @property
    def qpos(self) -> Array:
        """What MuJoCo calls this pose; root position, orientation (wxyz), joints."""
        qpos: Array = self._data.qpos.copy()
        return qpos

    def _update(self) -> None:
        data = self._data
        data.qpos[:3] = self.position
        mujoco.mju_mat2Quat(data.qpos[3:7], self.rotation.ravel())
        data.qpos[self._addresses] = self.joints
        mujoco.mj_kinematics(self.model, data)
        mujoco.mj_comPos(self.model, data)

    @property
    def centre_of_mass(self) -> Array:
        """m, shape (3,)."""
        centre: Array = self._data.subtree_com[1].copy()
        return centre

    @property
    def link_positions(self) -> Array:
        """Origins of all links, m, shape (n_links, 3)."""
        positions: Array = self._data.xpos[1:].copy()
        return positions

    def sole(self, side: int) -> Sole:
        """Return where a sole is."""
        R = self._data.xmat[self.feet[side]].reshape(3, 3)
        middle = self._data.xpos[self.feet[side]] + R @ self._middles[side]
        return Sole(position=middle, rotation=R.copy())

    def corners(self, side: int) -> Array:
        """Return the points of a sole that touch the floor, m, shape (n, 3)."""
        R = self._data.xmat[self.feet[side]].reshape(3, 3)
        points: Array = self._data.xpos[self.feet[side]] + self._points[side] @ R.T
        return points

    def collisions(self) -> list[tuple[str, str, float]]:
        """Return pairs of links that overlap, and how deep, m."""
        model, data = self.model, self._data
        mujoco.mj_collision(model, data)
        found = []
        for contact in data.contact:
            one, two = (model.body(model.geom_bodyid[g]).name for g in contact.geom)
            found.append((*sorted((one, two)), -float(contact.dist)))
        return found

    def settle(self, centre: Array | None, soles: dict[int, Sole], *, iterations: int = 40) -> None:
        """Bend the legs until soles are where they should be, and shift the root sideways.

        Gauss and Newton's method on each leg, inside the robot's limits. The root keeps its
        orientation, and its height unless a leg is too short: then it sinks. All other joints stay.

        Args:
            centre: Where the centre of mass should be on the floor, m, shape (2,); None keeps
                the root where it is.
            soles: Wanted pose by side.
            iterations: At most.
        """
        height = float(self.position[2])
        for _ in range(iterations):
            shift = np.zeros(3)
            if centre is not None:
                shift[:2] = centre - self.centre_of_mass[:2]
            shift[2] = self._sunk(height, soles) - self.position[2]
            offs = {side: self._sole_error(side, sole) for side, sole in soles.items()}
            error = float(np.abs(np.concatenate([shift, *offs.values()])).max())
            if error < _GOOD_ENOUGH:
                return
            shift = np.minimum(np.maximum(shift, -_SHIFT_MAX), _SHIFT_MAX)
            for side, off in offs.items():
                off[:3] -= shift  # The legs go with the root.
                self._bend(side, off)
            self.position += shift
            self._update()

    def _sunk(self, height: float, soles: dict[int, Sole]) -> float:
        """Return the root's height at which no leg is too short for its foothold, m."""
        for side, sole in soles.items():
            ankle = sole.position - sole.rotation @ self._middles[side]
            hip = self._data.xpos[self._hips[side]]
            aside = np.hypot(*(hip - ankle)[:2])
            rise = np.sqrt(max(self._reaches[side] ** 2 - aside**2, 0.01))
            most = ankle[2] + rise - (hip[2] - self.position[2])
            height = most - _SOFT_M * float(np.logaddexp(0.0, (most - height) / _SOFT_M))
        return height

    def _sole_error(self, side: int, wanted: Sole) -> Array:
        now = self.sole(side)
        turned = wanted.rotation @ now.rotation.T
        twist = 0.5 * np.array(
            [turned[2, 1] - turned[1, 2], turned[0, 2] - turned[2, 0], turned[1, 0] - turned[0, 1]]
        )
        return np.concatenate([wanted.position - now.position, twist])

    def _bend(self, side: int, off: Array) -> None:
        """Move a leg's joints one step towards closing the gap `off`, shape (6,)."""
        jacobian, leg = self._jacobian, self.legs[side]
        point = self.sole(side).position
        mujoco.mj_jac(self.model, self._data, jacobian[:3], jacobian[3:], point, self.feet[side])
        J = _WORTH[:, None] * jacobian[:, self._dofs[side]]  # (6, 6)
        lower, upper = self._leg_limits[side]
        now = self.joints[leg]
        free = np.ones(len(leg), dtype=bool)
        step = np.zeros(len(leg))
        for _ in range(3):  # A joint that is pushed against its limit leaves the others to it.
            M = J * free
            step = np.linalg.solve(M.T @ M + _DAMPED, M.T @ (_WORTH * off)) * free
            stuck = ((now <= lower) & (step < 0.0)) | ((now >= upper) & (step > 0.0))
            if not (stuck & free).any():
                break
            free &= ~stuck
        step = np.minimum(np.maximum(step, -_STEP_MAX), _STEP_MAX)  # Quicker than np.clip.
        self.joints[leg] = np.minimum(np.maximum(now + step, lower), upper)
