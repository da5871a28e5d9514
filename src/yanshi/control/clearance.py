"""How much air is between an arm, boxes about the robot and the rest of its body.

Distances are MuJoCo's between the robot's own collision shapes, posed by its joint angles. Tables,
boards and neighbouring things are boxes in the pelvis frame. Nothing here knows of a simulation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import ConfigError
from yanshi.robots.links import LinkNames
from yanshi.robots.spec import RobotSpec

BOXES_MAX = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Box:
    """Something to keep away from."""

    pelvis_from_box: NDArray[np.float64]
    """Pose of its middle, shape (4, 4)."""
    half_size: NDArray[np.float64]
    """Half its edges, m, shape (3,)."""


class Clearance:
    """Distances of one arm from what it might hit."""

    def __init__(self, robot: RobotSpec, spec: mujoco.MjSpec, links: LinkNames, side: int) -> None:
        """Prepare the robot's shapes.

        Args:
            robot: Gives the order of joints.
            spec: The robot's model without a world, as `load_g1()` makes it; used up.
            links: What its links do.
            side: Whose arm: `LEFT` or `RIGHT`.
        """
        self._model = _shapes(spec, links)
        self._data = mujoco.MjData(self._model)
        self._addresses = np.array(
            [self._model.joint(name).qposadr[0] for name in robot.joint_names], dtype=np.intp
        )
        prefix = ("left", "right")[side]
        self._held = self._model.geom(_HELD[side]).id
        self._hand_from_palm = np.array(links.palm)
        self._boxes = np.array(
            [self._model.geom(f"box_{i}").id for i in range(BOXES_MAX)], dtype=np.intp
        )
        arm, body = self._sort_shapes(prefix, links)
        # The upper arm is always near the chest.
        fore = [geom for geom in arm if "shoulder" not in self._link(geom)]
        self._empty, self._full = (
            (
                np.array([*arm, *more], dtype=np.intp),
                np.array([(a, b) for a in (*fore, *more) for b in body], dtype=np.intp),
            )
            for more in ((), (self._held,))
        )
        self._arm, self._pairs = self._empty
        self._sizes = np.zeros((0, 3))
        self._turns = np.zeros((0, 3, 3))
        self._middles = np.zeros((0, 3))

    def surround(self, boxes: Sequence[Box]) -> None:
        """Set the boxes for all that is asked from now on.

        Raises:
            ConfigError: There are too many.
        """
        if len(boxes) > BOXES_MAX:
            raise ConfigError(
                f"{len(boxes)} boxes surround the arm, but at most {BOXES_MAX} are looked at; "
                "those within its reach would do."
            )
        for geom, box in zip(self._boxes, boxes, strict=False):
            self._model.geom_size[geom] = box.half_size
            self._model.geom_rbound[geom] = np.linalg.norm(box.half_size)
            self._model.geom_pos[geom] = box.pelvis_from_box[:3, 3]
            mujoco.mju_mat2Quat(self._model.geom_quat[geom], box.pelvis_from_box[:3, :3].flatten())
        n = len(boxes)
        self._sizes = np.array([box.half_size for box in boxes]).reshape(n, 3)
        self._turns = np.array([box.pelvis_from_box[:3, :3] for box in boxes]).reshape(n, 3, 3)
        self._middles = np.array([box.pelvis_from_box[:3, 3] for box in boxes]).reshape(n, 3)

    def hold(
        self,
        palm_from_thing: NDArray[np.float64] | None,
        size: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        """Count what the hand holds to the arm for all that is asked from now on.

        Args:
            palm_from_thing: Pose of its middle in the palm's frame, shape (4, 4); None: nothing.
            size: Its edges along its own axes, m. It is taken for a capsule along the longest.
        """
        if palm_from_thing is None:
            self._arm, self._pairs = self._empty
            return
        self._arm, self._pairs = self._full
        model, geom = self._model, self._held
        _, middle, long = np.argsort(size, kind="stable")
        radius = 0.5 * size[middle]
        half = max(0.5 * size[long] - radius, 1e-4)
        model.geom_size[geom] = radius, half, 0.0
        model.geom_rbound[geom] = radius + half
        model.geom_pos[geom] = self._hand_from_palm + palm_from_thing[:3, 3]
        # A capsule lies along its z: turn the axes round until that is the longest.
        turned = np.roll(palm_from_thing[:3, :3], 2 - long, axis=1)
        mujoco.mju_mat2Quat(model.geom_quat[geom], turned.flatten())

    def from_boxes(self, joint_position: NDArray[np.float64], far: float = 0.05) -> float:
        """Return the least distance of the arm from a box, m; `far` if it is more than that.

        Inside a box it is negative.
        """
        self._pose(joint_position)
        return self._least(self._pairs_near_boxes(far), far)

    def from_body(self, joint_position: NDArray[np.float64], far: float = 0.05) -> float:
        """Return the least distance of forearm and hand from the rest of the body, as above."""
        self._pose(joint_position)
        return self._least(self._pairs_near_body(far), far)

    def _pose(self, joint_position: NDArray[np.float64]) -> None:
        self._data.qpos[self._addresses] = joint_position
        mujoco.mj_kinematics(self._model, self._data)

    def _least(self, pairs: NDArray[np.intp], far: float) -> float:
        least = far
        for first, second in pairs.tolist():
            least = min(
                least, mujoco.mj_geomDistance(self._model, self._data, first, second, least, None)
            )
        return least

    def _pairs_near_boxes(self, far: float) -> NDArray[np.intp]:
        """Return the pairs that may be nearer than `far`, by balls about the arm's shapes."""
        offset = self._data.geom_xpos[self._arm][:, None] - self._middles  # (n_arm, n_boxes, 3)
        in_box = np.einsum("bij,abi->abj", self._turns, offset)
        outside = np.maximum(np.abs(in_box) - self._sizes, 0.0)
        radius = self._model.geom_rbound[self._arm]
        a, b = np.nonzero(np.linalg.norm(outside, axis=2) < far + radius[:, None])
        return np.stack([self._arm[a], self._boxes[b]], axis=1)

    def _pairs_near_body(self, far: float) -> NDArray[np.intp]:
        a, b = self._pairs.T
        apart = np.linalg.norm(self._data.geom_xpos[a] - self._data.geom_xpos[b], axis=1)
        bound = self._model.geom_rbound
        near: NDArray[np.intp] = self._pairs[apart < bound[a] + bound[b] + far]
        return near

    def _sort_shapes(self, prefix: str, links: LinkNames) -> tuple[list[int], list[int]]:
        """Return the shapes of the arm, and those of the rest of the body that it may hit."""
        arm, body = [], []
        for geom in range(self._model.ngeom):
            link = self._link(geom)
            if link == "world" or self._model.geom(geom).name in _HELD:
                continue
            if link.startswith(prefix) and any(part in link for part in _ARM_PARTS):
                arm.append(geom)
            elif link not in links.feet and not link.startswith(f"{prefix}_shoulder"):
                body.append(geom)
        return arm, body

    def _link(self, geom: int) -> str:
        name: str = self._model.body(self._model.geom_bodyid[geom]).name
        return name


_HELD = ("held_left", "held_right")
_ARM_PARTS = ("shoulder_yaw", "elbow", "wrist", "hand")


def _shapes(spec: mujoco.MjSpec, links: LinkNames) -> mujoco.MjModel:
    """Compile the robot's collision shapes with its root fixed at the origin, and spare ones."""
    for item in [*spec.actuators, *spec.sensors, *spec.cameras]:
        spec.delete(item)
    for geom in list(spec.geoms):
        if geom.classname.name == "visual":
            spec.delete(geom)
    root = spec.worldbody.first_body()
    for joint in [j for j in root.joints if j.type == mujoco.mjtJoint.mjJNT_FREE]:
        spec.delete(joint)
    root.pos = (0.0, 0.0, 0.0)
    root.quat = (1.0, 0.0, 0.0, 0.0)
    _round_off(spec)
    for name, hand in zip(_HELD, links.hands, strict=True):
        spec.body(hand).add_geom(
            name=name,
            type=mujoco.mjtGeom.mjGEOM_CAPSULE,
            size=(0.01, 0.01, 0.0),
            pos=(0.1, 0.2, 0.3),  # Neither here nor below at the origin: see the boxes.
            quat=(0.5, 0.5, 0.5, 0.5),
        )
    for index in range(BOXES_MAX):
        spec.worldbody.add_geom(
            name=f"box_{index}",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=(0.1, 0.1, 0.1),
            # Anywhere but at the origin: MuJoCo would take such a geom to stay there.
            pos=(1.0, 2.0, 3.0),
            quat=(0.5, 0.5, 0.5, 0.5),
        )
    return spec.compile()


def _round_off(spec: mujoco.MjSpec) -> None:
    """Cover the boxes of arms and hands by capsules.

    MuJoCo 3.10 finds a distance of 0 between one pair of boxes in twenty that are centimetres
    apart; a capsule's distances from boxes are right. The cover is up to 7 mm thicker and 15 mm
    longer.
    """
    for body in spec.bodies:
        if not any(part in body.name for part in _ARM_PARTS):
            continue
        for geom in [geom for geom in body.geoms if geom.type == mujoco.mjtGeom.mjGEOM_BOX]:
            thin, wide, long = np.argsort(geom.size)
            a, b, c = geom.size[[thin, wide, long]]
            R = np.zeros(9)
            mujoco.mju_quat2Mat(R, geom.quat)
            axes = R.reshape(3, 3)
            for offset in np.unique([a - b, 0.0, b - a]):
                middle = geom.pos + offset * axes[:, wide]
                along = (c - 0.5 * a) * axes[:, long]
                body.add_geom(
                    type=mujoco.mjtGeom.mjGEOM_CAPSULE,
                    size=(np.sqrt(2.0) * a, 0.0, 0.0),
                    fromto=(*(middle - along), *(middle + along)),
                )
            spec.delete(geom)
