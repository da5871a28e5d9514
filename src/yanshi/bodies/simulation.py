"""A robot in a world, simulated: everything a run needs, made from a name and a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from yanshi.bodies.mujoco_body import MujocoBody, SensorNoise
from yanshi.control.kinematics import Kinematics
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.robots.spec import RobotSpec
from yanshi.safety.plan_gate import KeepOut
from yanshi.worlds.floor_plan import FloorPlan
from yanshi.worlds.home import Home
from yanshi.worlds.scene import put_robot
from yanshi.worlds.worlds import build_world


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A simulated robot and where it is."""

    world: str
    seed: int
    robot: RobotSpec
    kinematics: Kinematics
    """The robot's own skeleton; it knows nothing of the world."""
    body: MujocoBody
    home: Home
    """The world with everything in it; for judges alone."""

    @property
    def floor_plan(self) -> FloorPlan:
        """What the robot is told of the world at switch-on."""
        return self.home.floor_plan

    def forbid(self, floor: Sequence[KeepOut]) -> "Simulation":
        """Return the same with floor on its plan that the robot must not tread on."""
        plan = replace(self.floor_plan, keep_out=(*self.floor_plan.keep_out, *floor))
        return replace(self, home=replace(self.home, floor_plan=plan))


def simulate(world: str, seed: int, *, with_looks: bool = False) -> Simulation:
    """Build a world and put the robot where its floor plan says.

    The same name and seed give the same world in every process.

    Args:
        world: Its name in `worlds.worlds`.
        seed: Which of the worlds of that name.
        with_looks: Whether the robot gets its visible meshes: for films and pages.

    Raises:
        UnknownNameError: There is no such world.
        AssetError: The robot's meshes are missing or are not the pinned ones.
    """
    home = build_world(world, seed)
    start = home.floor_plan.start
    put_robot(
        home.spec, load_g1(with_looks=with_looks), start=start, standing_height=G1.standing_height
    )
    body = MujocoBody(G1, home.spec, start, noise=SensorNoise(), seed=seed)
    skeleton = Kinematics(G1, load_g1(with_looks=False), G1_LINKS, HEAD_CAMERA)
    return Simulation(world=world, seed=seed, robot=G1, kinematics=skeleton, body=body, home=home)
