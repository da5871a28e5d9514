"""The G1 as training steps it: fingers fixed, contacts of a run, and bodies that vary.

Real robots differ from their model and from each other. A policy that was trained on a bank
of models with other masses, loads, floors and motors does not mind which one it meets.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1
from yanshi.train.fleet import FleetPhysics

JOINTS = tuple(name for name in G1.joint_names if "hand" not in name)
"""The joints that are simulated in training, in the robot's order."""
INDICES = G1.joint_indices(JOINTS)
FEET = ("left_ankle_roll_link", "right_ankle_roll_link")
HANDS = ("left_wrist_yaw_link", "right_wrist_yaw_link")
_PALM = np.array([0.12, 0.0, 0.0])
"""Where a load sits in the frame of the last wrist link, m."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variety:
    """How far the bodies of a bank lie from the model."""

    models: int = 256
    mass: float = 0.15
    """Largest relative change of each link's mass."""
    strength: float = 0.15
    """Largest relative change of each motor's gains and torque."""
    friction: tuple[float, float] = (0.3, 1.2)
    """Sliding friction between feet and floor."""
    load_kg: float = 6.0
    """Largest mass in both hands together."""
    loaded_share: float = 0.5
    """Share of the models that carry anything."""


def training_model(
    physics: FleetPhysics,
    *,
    slope: float = 0.0,
    extend: Callable[[mujoco.MjSpec], None] | None = None,
) -> mujoco.MjModel:
    """Return the G1 on a floor, with sensors on its torso, feet and hands.

    Args:
        physics: Step and solver.
        slope: How far the floor falls towards +x, rad.
        extend: What a task adds to the world before it is compiled, e.g. more sensors.
    """
    robot = load_g1(with_looks=False)
    for actuator in [a for a in robot.actuators if a.name not in JOINTS]:
        robot.delete(actuator)
    for joint in [j for j in robot.joints if "hand" in j.name]:
        robot.delete(joint)
    for geom in [g for g in robot.geoms if "hand" in g.parent.name and "palm" not in g.parent.name]:
        robot.delete(geom)
    world = mujoco.MjSpec()
    world.compiler.fusestatic = True
    world.option.timestep = physics.step_s
    world.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    world.option.jacobian = mujoco.mjtJacobian.mjJAC_SPARSE  # A tenth faster; MuJoCo chooses dense.
    world.option.iterations = physics.solver_iterations
    world.option.ls_iterations = physics.line_search_iterations
    world.worldbody.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[0.0, 0.0, 0.05],
        quat=[np.cos(0.5 * slope), 0.0, np.sin(0.5 * slope), 0.0],
    )
    robot.option.integrator = world.option.integrator
    world.attach(robot, frame=world.worldbody.add_frame(), prefix="")
    _add_sensors(world)
    if extend is not None:
        extend(world)
    return world.compile()


def standing_state(model: mujoco.MjModel) -> NDArray[np.float64]:
    """Return the state of a G1 that stands relaxed: time, pose, velocity."""
    qpos = mujoco.MjData(model).qpos.copy()
    qpos[2] = G1.standing_height
    qpos[7:] = G1.default_position[INDICES]
    return np.concatenate([[0.0], qpos, np.zeros(model.nv)])


def vary(model: mujoco.MjModel, rng: np.random.Generator, variety: Variety) -> mujoco.MjModel:
    """Return a copy with other masses, friction and motors, and perhaps a load in each hand."""
    other = copy.copy(model)
    scale = rng.uniform(1.0 - variety.mass, 1.0 + variety.mass, other.nbody)
    other.body_mass[:] *= scale
    other.body_inertia[:] *= scale[:, None]
    low, high = variety.friction
    # Smooth floors are rare: nearly all falls would be on them, and drown what others teach.
    other.geom_friction[:, 0] = low + (high - low) * np.sqrt(rng.random())
    strength = rng.uniform(1.0 - variety.strength, 1.0 + variety.strength, other.nu)
    other.actuator_gainprm[:, 0] *= strength
    other.actuator_biasprm[:, 1:3] *= strength[:, None]
    other.actuator_forcerange[:] *= strength[:, None]
    if rng.random() < variety.loaded_share:
        total = rng.uniform(0.0, variety.load_kg)
        left = rng.choice([0.5, rng.random()])
        for hand, share in zip(HANDS, (left, 1.0 - left), strict=True):
            add_load(other, hand, total * share)
    mujoco.mj_setConst(other, mujoco.MjData(other))
    return other


def add_load(model: mujoco.MjModel, link: str, mass_kg: float) -> None:
    """Put a small heavy thing into a hand; call `mj_setConst` afterwards."""
    body = model.body(link).id
    own = float(model.body_mass[body])
    middle = model.body_ipos[body].copy()
    both = own + mass_kg
    arm = _PALM - middle
    model.body_mass[body] = both
    model.body_ipos[body] = (own * middle + mass_kg * _PALM) / both
    # The links' own axes are nearly the frame's: add the two masses' share about each axis.
    reduced = own * mass_kg / both
    model.body_inertia[body] += reduced * (arm @ arm - arm**2)


def bank_of(
    model: mujoco.MjModel, variety: Variety, rng: np.random.Generator
) -> list[mujoco.MjModel]:
    """Return the model itself and `variety.models - 1` others like it."""
    return [model, *(vary(model, rng, variety) for _ in range(variety.models - 1))]


def mirror_of_joints(names: tuple[str, ...]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return for each joint its twin on the other side, and the sign its angle has there.

    A pose `q` seen in a mirror is `sign * q[twin]`.
    """
    twin, sign = [], []
    for name in names:
        side, _, rest = name.partition("_")
        other = {"left": f"right_{rest}", "right": f"left_{rest}"}.get(side, name)
        twin.append(names.index(other))
        sign.append(-1.0 if name.endswith(("_roll", "_yaw")) else 1.0)
    return np.array(twin, dtype=np.intp), np.array(sign)


def _add_sensors(world: mujoco.MjSpec) -> None:
    kinds, body = mujoco.mjtSensor, mujoco.mjtObj.mjOBJ_XBODY

    def add(name: str, kind: mujoco.mjtSensor, link: str) -> None:
        world.add_sensor(name=name, type=kind, objtype=body, objname=link)

    for side, foot, hand in zip(("left", "right"), FEET, HANDS, strict=True):
        add(f"{side}_foot_position", kinds.mjSENS_FRAMEPOS, foot)
        add(f"{side}_foot_velocity", kinds.mjSENS_FRAMELINVEL, foot)
        add(f"{side}_foot_up", kinds.mjSENS_FRAMEZAXIS, foot)
        add(f"{side}_hand_position", kinds.mjSENS_FRAMEPOS, hand)
    add("torso_ahead", kinds.mjSENS_FRAMEXAXIS, "torso_link")
    add("torso_left", kinds.mjSENS_FRAMEYAXIS, "torso_link")
    add("head_position", kinds.mjSENS_FRAMEPOS, "torso_link")
