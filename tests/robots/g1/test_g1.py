"""The maker's model file is the oracle for the numbers, the ready policy's for the gains."""

import json

import mujoco
import numpy as np
import onnxruntime
import pytest

from yanshi.assets import locate
from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.robots.g1.model import add_g1, load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA


@pytest.fixture(scope="module")
def model():
    return load_g1().compile()


@pytest.fixture(scope="module")
def makers():
    return mujoco.MjModel.from_xml_path(str(locate("g1_with_hands") / "g1_with_hands.xml"))


def world():
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0.0, 0.0, 0.1])
    return spec


def test_the_joint_order_is_that_of_the_makers_actuators(makers):
    names = tuple(makers.actuator(i).name.removesuffix("_joint") for i in range(makers.nu))
    assert names == G1.joint_names


def test_ranges_and_torques_are_the_makers(makers):
    joints = [makers.joint(f"{name}_joint") for name in G1.joint_names]
    np.testing.assert_allclose(G1.limits.lower, [joint.range[0] for joint in joints])
    np.testing.assert_allclose(G1.limits.upper, [joint.range[1] for joint in joints])
    torque = [makers.jnt_actfrcrange[joint.id, 1] for joint in joints]
    np.testing.assert_allclose(G1.limits.torque, torque)


def test_mass_and_links_are_the_makers(model, makers):
    assert model.body("pelvis").subtreemass[0] == pytest.approx(
        makers.body("pelvis").subtreemass[0]
    )
    assert G1.mass_kg == pytest.approx(makers.body("pelvis").subtreemass[0], abs=0.1)


def test_default_gains_and_inertias_are_those_that_the_ready_walker_was_trained_with():
    session = onnxruntime.InferenceSession(str(locate("g1_walk_ppo")))
    metadata = session.get_modelmeta().custom_metadata_map
    names = [name.removesuffix("_joint") for name in json.loads(metadata["dof_names"])]
    index = G1.joint_indices(names)
    np.testing.assert_allclose(G1.stiffness[index], json.loads(metadata["kp"]), rtol=1e-6)
    np.testing.assert_allclose(G1.damping[index], json.loads(metadata["kd"]), rtol=1e-6)
    natural = 2.0 * np.pi * 10.0
    np.testing.assert_allclose(
        G1.armature[index], np.array(json.loads(metadata["kp"])) / natural**2, rtol=1e-6
    )


def test_the_model_has_the_specs_motors_in_its_order(model):
    assert tuple(model.actuator(i).name for i in range(model.nu)) == G1.joint_names
    np.testing.assert_allclose(model.actuator_gainprm[:, 0], G1.stiffness)
    np.testing.assert_allclose(model.actuator_biasprm[:, 2], -G1.damping)
    np.testing.assert_allclose(model.actuator_forcerange[:, 1], G1.limits.torque)
    dofs = [model.joint(name).dofadr[0] for name in G1.joint_names]
    np.testing.assert_allclose(model.dof_armature[dofs], G1.armature)


def test_left_and_right_mirror_each_other():
    position = dict(zip(G1.joint_names, G1.default_position, strict=True))
    lower = dict(zip(G1.joint_names, G1.limits.lower, strict=True))
    upper = dict(zip(G1.joint_names, G1.limits.upper, strict=True))
    for left in (name for name in G1.joint_names if name.startswith("left")):
        right = left.replace("left", "right", 1)
        same = (lower[left], upper[left], position[left])
        turned = (-upper[left], -lower[left], -position[left])
        assert (lower[right], upper[right], position[right]) in (same, turned)


def test_the_soles_touch_the_floor_in_the_default_pose_at_the_standing_height():
    spec = world()
    add_g1(spec)
    body = MujocoBody(G1, spec)
    spheres = body.model.geom_type == mujoco.mjtGeom.mjGEOM_SPHERE
    lowest = (body.data.geom_xpos[spheres, 2] - body.model.geom_size[spheres, 0]).min()
    assert lowest == pytest.approx(0.0, abs=1e-3)


def test_nothing_of_the_robot_touches_itself_in_the_default_pose(model):
    data = mujoco.MjData(model)
    for name, angle in zip(G1.joint_names, G1.default_position, strict=True):
        data.joint(name).qpos[0] = angle
    mujoco.mj_forward(model, data)
    assert data.ncon == 0


def test_crossed_legs_and_an_arm_in_the_chest_collide(model):
    data = mujoco.MjData(model)
    for joints in ({"left_hip_roll": -0.5, "right_hip_roll": 0.5}, {"left_shoulder_yaw": -1.5}):
        mujoco.mj_resetData(model, data)
        for name, angle in joints.items():
            data.joint(name).qpos[0] = angle
        data.joint("left_elbow").qpos[0] = 0.0
        mujoco.mj_forward(model, data)
        assert data.ncon > 0, joints


@pytest.mark.parametrize(
    "link", ["left_wrist_yaw_link", "right_hand_index_1_link", "left_knee_link", "torso_link"]
)
def test_a_link_collides_with_the_world(link):
    spec = load_g1(with_looks=False)
    touched = spec.body(link).geoms[-1]
    touched.name = "touched"
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.005, 0, 0], pos=data.geom("touched").xpos
    )
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert any(model.geom("touched").id in contact.geom for contact in data.contact)


def test_the_head_camera_sits_where_its_spec_says(model):
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    link = data.body(HEAD_CAMERA.link)
    world_from_link = np.eye(4)
    world_from_link[:3, :3], world_from_link[:3, 3] = link.xmat.reshape(3, 3), link.xpos
    world_from_camera = world_from_link @ HEAD_CAMERA.link_from_camera
    camera = data.camera(HEAD_CAMERA.name)
    np.testing.assert_allclose(camera.xpos, world_from_camera[:3, 3], atol=1e-9)
    # MuJoCo's camera frame has y up and looks along -z.
    R = camera.xmat.reshape(3, 3) * (1.0, -1.0, -1.0)
    np.testing.assert_allclose(R, world_from_camera[:3, :3], atol=1e-9)


def test_the_robot_may_join_a_world_with_materials_and_a_light_of_its_own():
    spec = world()
    spec.add_material(name="black")
    spec.worldbody.add_light(pos=[0.0, 0.0, 3.0])
    add_g1(spec)
    assert spec.compile().nlight == 1
