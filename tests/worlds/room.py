"""A table, a shelf, a bin and two hands: what happens there is made up, or left to physics."""

from collections.abc import Callable

import mujoco
import numpy as np

from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.home import Home
from yanshi.worlds.matter import give_matter, set_solver
from yanshi.worlds.things import add_thing
from yanshi.worlds.witness import Witness

TABLE = Place(
    name="table", centre=(0.0, 0.0), size=(0.6, 1.2), yaw=0.0, height=0.75, has_surface=True
)
SHELF = Place(
    name="shelf",
    centre=(0.0, 2.0),
    size=(0.4, 1.0),
    yaw=0.0,
    height=1.0,
    has_surface=True,
    boards=(0.45, 1.0),
)
BIN = Place(name="bin", centre=(1.0, 0.0), size=(0.28, 0.28), yaw=0.0, height=0.32)
LINKS = (
    *("torso_link", "left_shoulder_roll_link", "right_shoulder_roll_link"),
    *("left_elbow_link", "right_elbow_link"),
)


class Room:
    """A table, a shelf, a bin and some things, with a robot that is little but two hands."""

    def __init__(self, *things: tuple[str, tuple[float, float, float]]) -> None:
        spec = mujoco.MjSpec()
        spec.option.timestep = 0.002
        set_solver(spec)
        spec.worldbody.add_geom(
            name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=(0.0, 0.0, 0.1)
        )
        for place in (TABLE, SHELF):
            for height in place.surface_heights:
                self._add_board(spec, place, height - 0.01)
        self._add_board(spec, BIN, 0.01)
        for sx, sy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            spec.worldbody.add_geom(
                type=mujoco.mjtGeom.mjGEOM_BOX,
                size=(0.005 if sx else 0.14, 0.005 if sy else 0.14, 0.16),
                pos=(1.0 + 0.135 * sx, 0.135 * sy, 0.16),
            )
        robot = spec.worldbody.add_body(name="pelvis", pos=(3.0, 0.0, 0.8))
        for link in LINKS:
            robot.add_body(name=link)
        for side in ("left", "right"):
            wrist = robot.add_body(name=f"{side}_wrist_yaw_link")
            for index, axis in enumerate(np.eye(3)):
                wrist.add_joint(name=f"{side}_{index}", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=axis)
            finger = wrist.add_body(name=f"{side}_finger")
            finger.add_geom(size=(0.01, 0.0, 0.0), mass=0.1)
        rng = np.random.default_rng(0)
        placed = []
        for name, position in things:
            colour, kind = name.split()
            thing = add_thing(spec, kind, colour, position=position, yaw=0.0, rng=rng, scale=1.0)
            give_matter(spec, thing, rng)
            placed.append(thing)
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        plan = FloorPlan(
            name="test", size=(8.0, 8.0), places=(TABLE, SHELF, BIN), start=(3.0, 0.0, 0.0)
        )
        home = Home(spec=spec, floor_plan=plan, things=tuple(placed), person="")
        self.witness = Witness(self.model, home)

    @staticmethod
    def _add_board(spec: mujoco.MjSpec, place: Place, z: float) -> None:
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=(place.size[0] / 2.0, place.size[1] / 2.0, 0.01),
            pos=(*place.centre, z),
        )

    def put(self, body: str, position) -> None:
        self.data.joint(body).qpos[:3] = position

    def put_hand(self, position) -> None:
        """Put the right hand's ball there."""
        for index, value in enumerate(np.subtract(position, (3.0, 0.0, 0.8))):
            self.data.joint(f"right_{index}").qpos[0] = value

    def act(self, seconds: float, script: Callable[[float], None]) -> "Room":
        """Make up what happens: the script puts things and the hand somewhere at each time."""
        for index in range(round(seconds / 0.02)):
            script(index * 0.02)
            mujoco.mj_kinematics(self.model, self.data)
            mujoco.mj_comPos(self.model, self.data)
            mujoco.mj_collision(self.model, self.data)
            self.data.time += 0.02
            self.witness.sample(self.data)
        return self

    def rest(self, seconds: float = 1.0) -> "Room":
        return self.act(seconds, lambda t: None)

    def fall(self, seconds: float = 2.0) -> "Room":
        """Let physics act; the hands are held where they are."""
        hands = [self.model.joint(f"{side}_{k}").id for side in ("left", "right") for k in range(3)]
        dofs, qpos = self.model.jnt_dofadr[hands], self.model.jnt_qposadr[hands]
        at = self.data.qpos[qpos].copy()
        for _ in range(round(seconds / 0.02)):
            for _ in range(10):
                mujoco.mj_step(self.model, self.data)
                self.data.qpos[qpos], self.data.qvel[dofs] = at, 0.0
            self.witness.sample(self.data)
        return self


def table_with_cube() -> Room:
    return Room(("red cube", (0.1, 0.2, 0.75)))


def carried(room: Room, path: Callable[[float], tuple[float, float, float]], slip: float = 0.0):
    """Script a hand that touches the cube's top and takes it along a path of its middle."""

    def script(t: float) -> None:
        middle = np.array(path(t))
        room.put("red_cube", middle)
        room.put_hand(middle + [slip * t, 0.0, 0.039])

    return script
