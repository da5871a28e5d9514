"""How does a robot get into a world?"""

import math

import mujoco

from yanshi.worlds.furniture import FLOOR_FRICTION
from yanshi.worlds.shapes import yaw_quaternion

OPTION_FIELDS = (
    "timestep",
    "integrator",
    "cone",
    "impratio",
    "iterations",
    "ls_iterations",
    "solver",
    "disableflags",
    "enableflags",
)
"""Physics options that the robot brings along: its motors and feet were tuned with them."""


def put_robot(
    world: mujoco.MjSpec,
    robot: mujoco.MjSpec,
    *,
    start: tuple[float, float, float],
    standing_height: float,
) -> mujoco.MjSpec:
    """Stand a robot in a world; names stay as they are in both.

    Args:
        world: A room without a robot; changed in place. Compile it afterwards.
        robot: A robot whose one free body stands at its own origin; not usable afterwards.
        start: Where it stands: x, y in m and yaw in rad.
        standing_height: Height of its free body above the floor, m.

    Returns:
        `world`, with the robot's bodies, motors, sensors and physics options in it.
    """
    base = robot.worldbody.first_body()
    base.pos = (0.0, 0.0, 0.0)
    base.quat = (1.0, 0.0, 0.0, 0.0)
    x, y, yaw = start
    frame = world.worldbody.add_frame(pos=(x, y, standing_height), quat=yaw_quaternion(yaw))
    for name in OPTION_FIELDS:
        setattr(world.option, name, getattr(robot.option, name))
    # Resting things cost as much as the robot unless they may sleep; motors keep it awake.
    world.option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)
    base.sleep = mujoco.mjtSleepPolicy.mjSLEEP_NEVER
    world.attach(robot, frame=frame, prefix="", suffix="")
    return world


def stand_on_floor(
    robot: mujoco.MjSpec, *, standing_height: float, slope: float = 0.0
) -> mujoco.MjSpec:
    """Return an endless floor with a robot on it; see `put_robot`.

    Args:
        robot: See `put_robot`.
        standing_height: See `put_robot`.
        slope: How far the floor falls towards x, rad.
    """
    world = mujoco.MjSpec()
    world.worldbody.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(0.0, 0.0, 0.05),
        quat=(math.cos(0.5 * slope), 0.0, math.sin(0.5 * slope), 0.0),
        friction=FLOOR_FRICTION,
    )
    # The same equations in a third less time than with dense matrices, for one robot alone.
    world.option.jacobian = mujoco.mjtJacobian.mjJAC_SPARSE
    return put_robot(world, robot, start=(0.0, 0.0, 0.0), standing_height=standing_height)
