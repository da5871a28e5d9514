"""The G1 as a MuJoCo model: the maker's links and meshes, motors as they are, cheap contacts.

Every collision mesh becomes the capsule that MuJoCo fits to it (a box for chest and palms),
which collides faster and rolls better in a grasp; the feet keep their four small spheres.
Links collide with the world, and arms and legs with the parts of the body they can reach.
"""

import json
from pathlib import Path

import mujoco
import numpy as np

from yanshi.assets import locate
from yanshi.robots.g1.spec import G1, HEAD_CAMERA

ROOT_LINK = "pelvis"
IMU_SITE = "imu_in_pelvis"
CONTACT_SHAPES = Path(__file__).with_name("contact_shapes.json")
"""Shapes fitted to the maker's meshes by `fit_contacts`, kept because fitting takes seconds."""

_BOXES = ("torso_link", "left_hand_palm_link", "right_hand_palm_link")

# What touches what, as MuJoCo's bits: two geoms collide when one's `contype` meets the
# other's `conaffinity`. The world has bit 0 of both.
_WORLD, _TRUNK, _LEFT_ARM, _LEFT_LEG = 1, 2, 4, 8
_FOREARM = ("elbow", "wrist", "hand_palm")


def load_g1(*, with_looks: bool = True) -> mujoco.MjSpec:
    """Return the G1 with its IMU, its motors and its head camera, without a floor.

    Bodies, joints and actuators are named as in `G1` (`left_knee`), links as in the maker's
    files (`left_knee_link`). The visible meshes are in geom group 2, the colliding shapes in
    group 3. Attach it to a world with `world.attach(load_g1(), frame=…)`.

    Args:
        with_looks: Whether to keep the visible meshes. They change nothing in the physics
            and cost most of the time to compile; only people and films look at them.

    Raises:
        AssetError: The robot's files are missing or changed.
    """
    spec = mujoco.MjSpec.from_file(str(locate("g1_with_hands") / "g1_with_hands.xml"))
    for item in [*spec.worldbody.lights, *spec.keys, *spec.sensors, *spec.actuators]:
        spec.delete(item)
    if not with_looks:
        for geom in [geom for geom in spec.geoms if geom.classname.name == "visual"]:
            spec.delete(geom)
    _simplify_contacts(spec)
    if not with_looks:
        for mesh in list(spec.meshes):
            spec.delete(mesh)
    spec.option.integrator = mujoco.MjSpec().option.integrator  # The world decides.
    _make_motors(spec)
    _add_senses(spec)
    for material in spec.materials:  # So that a world may have a "black" of its own.
        name = material.name
        material.name = f"g1_{name}"
        for geom in spec.geoms:
            if geom.material == name:
                geom.material = material.name
    return spec


def add_g1(world: mujoco.MjSpec) -> None:
    """Put the G1 into a world; the body that reads it decides where it stands."""
    world.attach(load_g1(), frame=world.worldbody.add_frame(), prefix="")


def fit_contacts() -> dict[str, dict[str, list[float]]]:
    """Fit the shapes of `contact_shapes.json` to the maker's meshes again (takes seconds)."""
    spec = mujoco.MjSpec.from_file(str(locate("g1_with_hands") / "g1_with_hands.xml"))
    colliding = {}
    for index, geom in enumerate(spec.geoms):
        if geom.classname.name == "collision" and geom.meshname:
            geom.type = _shape(geom.meshname)
            colliding[index] = geom.meshname
    model = spec.compile()
    return {
        mesh: {
            "size": np.round(model.geom_size[index], 5).tolist(),
            "pos": np.round(model.geom_pos[index], 5).tolist(),
            "quat_wxyz": np.round(model.geom_quat[index], 6).tolist(),
        }
        for index, mesh in colliding.items()
    }


def _shape(mesh: str) -> mujoco.mjtGeom:
    return mujoco.mjtGeom.mjGEOM_BOX if mesh in _BOXES else mujoco.mjtGeom.mjGEOM_CAPSULE


def _simplify_contacts(spec: mujoco.MjSpec) -> None:
    fitted = json.loads(CONTACT_SHAPES.read_text(encoding="utf8"))
    for geom in spec.geoms:
        if geom.classname.name not in ("collision", "foot"):
            continue
        geom.contype, geom.conaffinity = _bits(geom.meshname or geom.parent.name)
        if geom.meshname:
            shape = fitted[geom.meshname]
            geom.type = _shape(geom.meshname)
            geom.size, geom.pos, geom.quat = shape["size"], shape["pos"], shape["quat_wxyz"]
            geom.meshname = ""


def _bits(link: str) -> tuple[int, int]:
    """Return what the geom of a link is (`contype`) and what it feels (`conaffinity`)."""
    if any(part in link for part in _FOREARM):
        is_left = link.startswith("left")
        return (_LEFT_ARM, _WORLD | _TRUNK) if is_left else (0, _WORLD | _TRUNK | _LEFT_ARM)
    if "hip_yaw" in link or "knee" in link:
        is_left = link.startswith("left")
        return (_TRUNK | _LEFT_LEG, _WORLD) if is_left else (_TRUNK, _WORLD | _LEFT_LEG)
    if link in ("torso_link", "head_link", "pelvis_contour_link"):
        return _TRUNK, _WORLD
    return 0, _WORLD


def _make_motors(spec: mujoco.MjSpec) -> None:
    """Give every joint its motor, in the order of `G1.joint_names`, with the default gains."""
    for joint in spec.joints:
        if joint.type == mujoco.mjtJoint.mjJNT_FREE:
            joint.name = ROOT_LINK
            continue
        joint.name = joint.name.removesuffix("_joint")
        index = G1.joint_index(joint.name)
        joint.armature = G1.armature[index]
        joint.frictionloss = 0.0  # The gains of the ready policies contain it.
    for index, name in enumerate(G1.joint_names):
        motor = spec.add_actuator(
            name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT, ctrllimited=False
        )
        motor.set_to_position(kp=G1.stiffness[index], kv=G1.damping[index])
        motor.forcelimited = True
        motor.forcerange = [-G1.limits.torque[index], G1.limits.torque[index]]


def _add_senses(spec: mujoco.MjSpec) -> None:
    sensors = {
        "imu_orientation": mujoco.mjtSensor.mjSENS_FRAMEQUAT,
        "imu_angular_velocity": mujoco.mjtSensor.mjSENS_GYRO,
        "imu_acceleration": mujoco.mjtSensor.mjSENS_ACCELEROMETER,
    }
    for name, kind in sensors.items():
        spec.add_sensor(name=name, type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=IMU_SITE)
    T = HEAD_CAMERA.link_from_camera
    orientation_wxyz = np.zeros(4)
    # MuJoCo's cameras look along their -z, with y up.
    mujoco.mju_mat2Quat(orientation_wxyz, (T[:3, :3] * (1.0, -1.0, -1.0)).flatten())
    spec.body(HEAD_CAMERA.link).add_camera(
        name=HEAD_CAMERA.name,
        pos=T[:3, 3],
        quat=orientation_wxyz,
        fovy=HEAD_CAMERA.fov_deg,
        resolution=[HEAD_CAMERA.width, HEAD_CAMERA.height],
    )
