"""The fleet beside one robot stepped by hand."""

import mujoco
import numpy as np
import pytest

from yanshi.train.fleet import Fleet, FleetPhysics, gravity_in, heading, rotate_back

LEG = """
<mujoco>
  <option timestep="0.00667" integrator="implicitfast"/>
  <worldbody>
    <geom type="plane" size="5 5 .1"/>
    <body name="trunk" pos="0 0 .5">
      <freejoint/>
      <geom type="box" size=".1 .1 .1" mass="3"/>
      <body name="leg" pos="0 0 -.1">
        <joint name="hip" axis="0 1 0" range="-1 1"/>
        <geom type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <position joint="hip" kp="40" kv="2"/>
  </actuator>
  <sensor>
    <framepos name="trunk_position" objtype="body" objname="trunk"/>
    <framepos name="leg_position" objtype="xbody" objname="leg"/>
  </sensor>
</mujoco>
"""
PHYSICS = FleetPhysics(step_s=0.00667, steps_a_tick=3)


def models():
    light = mujoco.MjModel.from_xml_string(LEG)
    heavy = mujoco.MjModel.from_xml_string(LEG.replace('mass="3"', 'mass="6"'))
    return light, heavy


def make_fleet(n=4, threads=1, **settings):
    bank = models()
    reference = np.concatenate([[0.0], mujoco.MjData(bank[0]).qpos, np.zeros(bank[0].nv)])
    return Fleet(bank, n, PHYSICS, reference, threads=threads, **settings)


@pytest.fixture
def fleet():
    fleet = make_fleet()
    yield fleet
    fleet.close()


def state_of(data):
    return np.concatenate([[data.time], data.qpos, data.qvel])


def test_a_robot_of_a_fleet_moves_as_one_stepped_by_hand(fleet):
    rng = np.random.default_rng(0)
    fleet.model_of[:] = [0, 1, 0, 1]
    alone = [mujoco.MjData(fleet.bank[kind]) for kind in fleet.model_of]
    for _ in range(30):
        target = rng.uniform(-1.0, 1.0, (4, 1))
        assert not fleet.step(target).any()
        for robot, data in enumerate(alone):
            data.ctrl[:] = target[robot]
            mujoco.mj_step(fleet.bank[fleet.model_of[robot]], data, PHYSICS.steps_a_tick)
            # rollout starts every tick without the solver's last guess.
            np.testing.assert_allclose(fleet.state[robot], state_of(data), atol=1e-4)


def test_the_views_are_of_the_state(fleet):
    fleet.step(np.full((4, 1), 0.5))
    np.testing.assert_array_equal(fleet.position[2], fleet.state[2, 1:4])
    np.testing.assert_array_equal(fleet.orientation_wxyz[2], fleet.state[2, 4:8])
    np.testing.assert_array_equal(fleet.joint_position[2], fleet.state[2, 8:9])
    fleet.joint_velocity[1] = 7.0
    assert fleet.state[1, -1] == 7.0


def test_a_robot_with_delay_obeys_its_last_target_for_so_many_steps(fleet):
    fleet.delay_steps[:] = [0, 1, 3, 0]
    fleet.step(np.zeros((4, 1)))
    before = fleet.state.copy()
    fleet.step(np.ones((4, 1)))
    by_hand = []
    for late in (0, 1, 3):
        data = mujoco.MjData(fleet.model)
        data.time, data.qpos[:], data.qvel[:] = before[0, 0], before[0, 1:9], before[0, 9:]
        for step in range(PHYSICS.steps_a_tick):
            data.ctrl[:] = 0.0 if step < late else 1.0
            mujoco.mj_step(fleet.model, data)
        by_hand.append(data.qpos[7])
    np.testing.assert_allclose(fleet.joint_position[:3, 0], by_hand, atol=1e-5)
    assert by_hand[0] > by_hand[1] > by_hand[2]


def test_a_force_on_a_link_accelerates_the_whole_as_newton_says():
    fleet = make_fleet(has_forces=True)
    fleet.position[:, 2] = 50.0  # Nothing to touch.
    forces = np.zeros((4, fleet.model.nbody, 6))
    forces[1, fleet.model.body("trunk").id, 0] = 12.0
    fleet.step(np.zeros((4, 1)), forces)
    momentum = []
    for robot in range(2):
        data = mujoco.MjData(fleet.model)
        data.qpos[:], data.qvel[:] = fleet.state[robot, 1:9], fleet.state[robot, 9:]
        mujoco.mj_forward(fleet.model, data)
        mujoco.mj_subtreeVel(fleet.model, data)
        momentum.append(4.0 * data.subtree_linvel[1, 0])
    assert momentum[1] - momentum[0] == pytest.approx(12.0 * PHYSICS.tick_s, rel=1e-3)
    fleet.step(np.zeros((4, 1)), np.zeros_like(forces))
    fleet.close()


def test_sensors_show_the_world_one_physics_step_ago(fleet):
    fleet.position[:] += [[1.0, 2.0, 3.0]]
    fleet.step(np.zeros((4, 1)))
    shown = fleet.sensor("trunk_position")
    np.testing.assert_allclose(shown, fleet.position, atol=0.01)
    assert fleet.sensor("leg_position").shape == (4, 3)


def test_a_robot_whose_physics_blows_up_is_told_from_the_others(fleet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log of its warnings.
    fleet.joint_velocity[2] = 1e6
    fleet.velocity[3] = np.nan
    assert fleet.step(np.zeros((4, 1))).tolist() == [False, False, True, True]


def test_placed_robots_hold_the_target_they_were_placed_with(fleet):
    fleet.delay_steps[:] = 3
    fleet.place(np.array([1]), fleet.reference[None], np.array([[0.8]]))
    fleet.step(np.zeros((4, 1)))
    assert fleet.joint_position[1, 0] > 0.05
    assert abs(fleet.joint_position[0, 0]) < 0.05


def test_threads_do_not_change_what_happens():
    ends = []
    for threads in (1, 3):
        fleet = make_fleet(n=7, threads=threads)
        for _ in range(10):
            fleet.step(np.linspace(-1.0, 1.0, 7)[:, None])
        ends.append(fleet.state.copy())
        fleet.close()
    np.testing.assert_array_equal(*ends)


def test_a_saved_fleet_goes_on_to_the_last_bit(fleet):
    fleet.delay_steps[:] = 2
    fleet.step(np.full((4, 1), 0.7))
    saved = fleet.state_dict()
    fleet.step(np.full((4, 1), -0.7))
    expected = fleet.state.copy()
    fleet.load_state_dict(saved)
    fleet.step(np.full((4, 1), -0.7))
    np.testing.assert_array_equal(fleet.state, expected)


def test_frames_agree_with_mujocos():
    rng = np.random.default_rng(3)
    quaternions = rng.standard_normal((20, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    vectors = rng.standard_normal((20, 3))
    back, down, yaw = [], [], []
    for quaternion, vector in zip(quaternions, vectors, strict=True):
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, quaternion)
        world_from_robot = matrix.reshape(3, 3)
        back.append(world_from_robot.T @ vector)
        down.append(world_from_robot.T @ [0.0, 0.0, -1.0])
        yaw.append(np.arctan2(world_from_robot[1, 0], world_from_robot[0, 0]))
    np.testing.assert_allclose(rotate_back(quaternions, vectors), back, atol=1e-12)
    np.testing.assert_allclose(gravity_in(quaternions), down, atol=1e-12)
    np.testing.assert_allclose(heading(quaternions), yaw, atol=1e-12)
