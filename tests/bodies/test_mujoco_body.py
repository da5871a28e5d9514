"""Physics is the oracle: a pendulum with one motor stands in for a robot."""

import mujoco
import numpy as np
import pytest

from yanshi.bodies.mujoco_body import MujocoBody, PhysicsConfig, SensorNoise
from yanshi.core.errors import BodyError
from yanshi.core.messages import JointTarget
from yanshi.robots.spec import JointLimits, RobotSpec

G = 9.81
ARM = RobotSpec(
    name="arm",
    joint_names=("elbow",),
    limits=JointLimits(
        lower=np.array([-9e3]),
        upper=np.array([9e3]),
        velocity=np.array([5.0]),
        torque=np.array([2.0]),
    ),
    armature=np.array([0.01]),
    default_position=np.array([0.0]),
    stiffness=np.array([50.0]),
    damping=np.array([5.0]),
    standing_height=1.0,
    mass_kg=11.0,
    battery_wh=1.0,
    price_usd=1.0,
)
WORLD = """
<mujoco>
  <worldbody>
    {floor}
    <body name="pelvis" pos="0 0 1">
      <freejoint name="pelvis"/>
      <geom type="box" size="0.2 0.2 1" mass="10"/>
      <site name="imu"/>
      <body name="forearm" pos="0 0.3 0">
        <joint name="elbow" axis="0 0 1" armature="0.01"/>
        <geom type="box" size="0.1 0.02 0.02" mass="1"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <position name="elbow" joint="elbow" kp="50" kv="5" forcerange="-2 2"/>
  </actuator>
  <sensor>
    <framequat name="imu_orientation" objtype="site" objname="imu"/>
    <gyro name="imu_angular_velocity" site="imu"/>
    <accelerometer name="imu_acceleration" site="imu"/>
  </sensor>
</mujoco>
"""
FLOOR = '<geom type="plane" size="0 0 0.1"/>'


def body(floor=FLOOR, **options):
    return MujocoBody(ARM, mujoco.MjSpec.from_string(WORLD.format(floor=floor)), **options)


def target(position, stiffness=50.0, damping=5.0):
    return JointTarget(t_ns=0, position=[position], stiffness=[stiffness], damping=[damping])


def test_a_body_without_a_floor_falls_half_g_t_squared_and_its_accelerometer_reads_nothing():
    falling = body(floor="")
    falling.advance(0.5)
    height = falling.data.qpos[2]
    assert 1.0 - height == pytest.approx(0.5 * G * 0.5**2, rel=0.01)
    np.testing.assert_allclose(falling.read().acceleration, 0.0, atol=1e-6)


def test_the_accelerometer_of_a_body_at_rest_reads_g_upwards():
    standing = body()
    standing.advance(1.0)
    np.testing.assert_allclose(standing.read().acceleration, [0.0, 0.0, G], atol=0.05)


def test_orientation_is_measured_from_the_heading_at_switch_on():
    for yaw in (0.0, 1.0, -2.5):
        state = body(start=(1.0, 2.0, yaw)).read()
        np.testing.assert_allclose(state.orientation_wxyz, [1.0, 0.0, 0.0, 0.0], atol=1e-12)


def test_time_is_the_simulations_and_rounds_to_whole_steps():
    standing = body(config=PhysicsConfig(step_s=0.002))
    standing.advance(0.02)
    assert standing.read().t_ns == 20_000_000


def test_time_is_on_the_tick_after_hours_of_steps_that_each_are_a_little_off():
    arm = body()
    for _ in range(1_000_000):
        arm.data.time += 0.002
    assert round(arm.data.time * 1e9) != 2_000_000_000_000
    assert arm.read().t_ns == 2_000_000_000_000


def test_a_written_target_is_reached_and_the_torque_stays_inside_the_motors_limit():
    arm = body()
    arm.write(target(0.8))
    torques = []
    for _ in range(100):
        arm.advance(0.02)
        torques.append(arm.read().joint_torque[0])
    assert arm.read().joint_position[0] == pytest.approx(0.8, abs=0.02)
    assert max(np.abs(torques)) == pytest.approx(2.0)


def test_a_motor_cannot_drive_its_joint_past_the_no_load_speed():
    arm = body()
    arm.write(target(1e3))
    speeds = []
    for _ in range(100):
        arm.advance(0.02)
        speeds.append(arm.read().joint_velocity[0])
    assert 4.9 < max(speeds) < 5.001


def test_a_motor_above_its_no_load_speed_can_still_brake_with_full_torque():
    arm = body()
    arm.data.qvel[-1] = 8.0
    arm.write(target(0.0))
    arm.advance(0.002)
    assert arm.read().joint_torque[0] == pytest.approx(-2.0)


def test_the_full_torque_comes_back_when_the_joint_has_slowed_down():
    arm = body()
    arm.write(target(1e3))
    arm.advance(1.0)
    arm.write(target(arm.read().joint_position[0]))
    arm.advance(1.0)
    arm.write(target(1e3))
    arm.advance(0.002)
    assert arm.read().joint_torque[0] == pytest.approx(2.0)


def test_gains_can_change_between_two_writes():
    soft, stiff = body(), body()
    soft.write(target(0.02, stiffness=5.0))
    stiff.write(target(0.02, stiffness=50.0))
    for arm in (soft, stiff):
        arm.advance(0.002)
    ratio = stiff.read().joint_torque[0] / soft.read().joint_torque[0]
    assert ratio == pytest.approx(10.0, rel=0.05)


def test_a_stopped_body_damps_and_no_longer_holds_a_position():
    arm = body()
    arm.write(target(0.8))
    arm.stop()
    arm.data.qvel[-1] = 0.2
    arm.advance(0.002)
    assert arm.read().joint_torque[0] == pytest.approx(-5.0 * 0.2, rel=0.1)
    arm.advance(2.0)
    assert abs(arm.read().joint_velocity[0]) < 1e-3
    assert abs(arm.read().joint_position[0]) < 0.1


def test_the_same_seed_gives_the_same_noise_and_another_seed_another():
    readings = [body(noise=SensorNoise(), seed=seed).read().angular_velocity for seed in (1, 1, 2)]
    np.testing.assert_array_equal(readings[0], readings[1])
    assert not np.array_equal(readings[0], readings[2])


def test_noise_has_the_deviation_that_it_was_given():
    arm = body(noise=SensorNoise(acceleration=0.3))
    arm.advance(1.0)
    readings = np.array([arm.read().acceleration for _ in range(500)])
    np.testing.assert_allclose(readings.std(axis=0), 0.3, rtol=0.15)


def test_a_broken_simulation_is_counted_and_not_put_back_to_the_start():
    arm = body()
    arm.advance(0.1)
    arm.data.qvel[0] = 1e12
    arm.advance(0.1)
    assert arm.warnings() > 0
    assert arm.data.time == pytest.approx(0.2)


def test_a_sound_simulation_gives_no_warning():
    arm = body()
    arm.advance(0.5)
    assert arm.warnings() == 0


def test_a_world_without_the_robot_is_refused_with_what_is_missing():
    with pytest.raises(BodyError, match="elbow"):
        MujocoBody(ARM, mujoco.MjSpec.from_string("<mujoco><worldbody/></mujoco>"))
