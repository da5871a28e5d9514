"""Somebody in the room who walks about and moves things, for experiments.

A visitor acts on the world as people do, outside the robot: it is moved along straight ways, and
what it picks up and puts down is somewhere else at once. Benches have visitors; nothing that the
robot runs knows of them.
"""

import math

import mujoco
import numpy as np

from yanshi.core.errors import ConfigError
from yanshi.worlds.home import Home
from yanshi.worlds.person import WALK_JOINTS

Point = tuple[float, float]
PACE_M_S = 0.9
TURN_RAD_S = 4.0


class Visitor:
    """The person of a world whose person can walk. Call `tick` at a steady pace."""

    def __init__(self, model: mujoco.MjModel, home: Home) -> None:
        """Take over the person.

        Raises:
            ConfigError: The world's person cannot walk.
        """
        ids = [mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, name) for name in WALK_JOINTS]
        if min(ids) < 0:
            raise ConfigError("A person who walks was asked for; `visit` is a world with one.")
        self._qpos = model.jnt_qposadr[ids]
        self._qvel = model.jnt_dofadr[ids]
        body = model.body(home.person)
        self._origin = np.array(body.pos[:2])
        w, z = body.quat[0], body.quat[3]
        self._yaw = 2.0 * math.atan2(z, w)
        self._home = home
        self._model = model
        self._pose = np.zeros(3)
        self._goal: Point | None = None

    @property
    def position(self) -> Point:
        """Where the person stands, m."""
        x, y = self._origin + self._pose[:2]
        return float(x), float(y)

    @property
    def is_walking(self) -> bool:
        """Whether it is on its way."""
        return self._goal is not None

    def walk_to(self, goal: Point) -> None:
        """Begin to walk straight to a point, m."""
        self._goal = goal

    def tick(self, data: mujoco.MjData, tick_s: float) -> None:
        """Walk on, and stand where it stands whatever pushes it."""
        velocity = np.zeros(3)
        if self._goal is not None:
            way = np.array(self._goal) - self.position
            left_m = float(np.hypot(*way))
            if left_m < PACE_M_S * tick_s:
                self._goal = None
            else:
                velocity[:2] = way / left_m * PACE_M_S
                turn = math.atan2(way[1], way[0]) - self._yaw - self._pose[2]
                turn = math.remainder(turn, math.tau)
                velocity[2] = np.clip(turn / tick_s, -TURN_RAD_S, TURN_RAD_S)
        data.qpos[self._qpos] = self._pose
        data.qvel[self._qvel] = velocity
        self._pose += velocity * tick_s

    def put(self, data: mujoco.MjData, thing: str, position: tuple[float, float, float]) -> None:
        """Put a thing somewhere, at rest and upright.

        Args:
            data: The world.
            thing: Its name.
            position: Of its middle, m.
        """
        placed = next(placed for placed in self._home.things if placed.name == thing)
        joint = self._model.body(placed.body).jntadr[0]
        qpos, qvel = self._model.jnt_qposadr[joint], self._model.jnt_dofadr[joint]
        data.qpos[qpos : qpos + 3] = position
        data.qpos[qpos + 3 : qpos + 7] = (1.0, 0.0, 0.0, 0.0)
        data.qvel[qvel : qvel + 6] = 0.0
