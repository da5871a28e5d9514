"""A small robot is stood in a home."""

import mujoco
import numpy as np

from yanshi.worlds.home import build_home
from yanshi.worlds.scene import put_robot

ROBOT = """
<mujoco><option timestep="0.001" integrator="implicitfast"><flag autoreset="disable"/></option>
<worldbody><body name="pelvis" pos="0 0 0.3"><freejoint name="floating_base"/>
  <geom name="hull" type="box" size=".1 .1 .1"/>
  <body name="arm" pos="0 0 .1"><joint name="shoulder" axis="0 1 0"/>
    <geom type="capsule" fromto="0 0 0 0 0 .2" size=".03"/></body></body></worldbody>
<actuator><position name="shoulder" joint="shoulder" kp="10"/></actuator></mujoco>
"""


def test_the_robot_stands_at_the_start_under_its_own_names_and_options():
    home = build_home(3)
    robot = mujoco.MjSpec.from_string(ROBOT)
    put_robot(home.spec, robot, start=(0.4, -0.2, 1.2), standing_height=0.5)
    model = home.spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    np.testing.assert_allclose(data.body("pelvis").xpos, (0.4, -0.2, 0.5), atol=1e-12)
    np.testing.assert_allclose(data.body("pelvis").xmat[:2], (np.cos(1.2), -np.sin(1.2)))
    assert model.actuator("shoulder").id == 0
    assert model.opt.timestep == 0.001
    assert model.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    assert model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_AUTORESET


def test_things_at_rest_sleep_and_the_robot_never_does():
    home = build_home(4)
    put_robot(
        home.spec,
        mujoco.MjSpec.from_string(ROBOT),
        start=home.floor_plan.start,
        standing_height=0.1,
    )
    model = home.spec.compile()
    data = mujoco.MjData(model)
    for _ in range(1500):
        mujoco.mj_step(model, data)
    awake = {model.body(i).name for i in range(1, model.nbody) if data.body_awake[i] == 1}
    assert awake & {"pelvis", "arm"} == {"pelvis", "arm"}
    assert awake.isdisjoint(thing.body for thing in home.things)
