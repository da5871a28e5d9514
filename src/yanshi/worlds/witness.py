"""What really happened? A witness watches the simulator, for judges alone.

Nothing that the robot runs may read a witness: it knows the truth. Benches and tests sample it
every 20 ms and put goals (`worlds.goals`) to it afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import ConfigError, UnknownNameError
from yanshi.worlds.floor_plan import FloorPlan
from yanshi.worlds.home import Home
from yanshi.worlds.shapes import CAPSULE, CYLINDER, ELLIPSOID, SPHERE

FALLEN_HEIGHT_M = 0.40
"""A pelvis lower than this has fallen; the lowest squat that is asked for holds it at 0.437 m."""
BEARING_UP = 0.5
"""Least upward part of a push that counts as bearing a thing."""
FALLEN_UP = 0.5
"""Cosine of the pelvis' tilt below which the robot counts as fallen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limbs:
    """Names of the links that a witness watches; those of the Unitree G1 by default."""

    base: str = "pelvis"
    torso: str = "torso_link"
    shoulders: tuple[str, str] = ("left_shoulder_roll_link", "right_shoulder_roll_link")
    elbows: tuple[str, str] = ("left_elbow_link", "right_elbow_link")
    hands: tuple[str, str] = ("left_wrist_yaw_link", "right_wrist_yaw_link")
    leg_words: tuple[str, ...] = ("hip", "knee", "ankle")
    """A joint whose name holds one of these words belongs to a leg."""
    arm_words: tuple[str, ...] = ("shoulder", "elbow", "wrist")
    """The same for an arm; `left` and `right` tell which."""


class Witness:
    """Remembers the robot's and the things' motion in the world frame.

    Arrays have one row per sample. The left side comes before the right one.
    """

    def __init__(self, model: mujoco.MjModel, home: Home, limbs: Limbs | None = None) -> None:
        """Prepare to watch.

        Args:
            model: The compiled world with the robot in it.
            home: What the world holds.
            limbs: Which of the robot's links matter.

        Raises:
            UnknownNameError: The model lacks one of the links or things.
        """
        self.home = home
        self.limbs = limbs or Limbs()
        links = (
            self.limbs.base,
            self.limbs.torso,
            *self.limbs.shoulders,
            *self.limbs.elbows,
            *self.limbs.hands,
        )
        self._links = _body_ids(model, links)
        self._things = _body_ids(model, tuple(thing.body for thing in home.things))
        self._person = _body_ids(model, (home.person,) if home.person else ())
        self._model = model
        self._touched = _TouchedShapes(model, self._things)
        self._is_robot = model.body_rootid == model.body_rootid[self._links[0]]
        self._hand_of = np.full(model.nbody, -1, dtype=np.intp)
        for body in range(model.nbody):  # Parents come first.
            parent = self._hand_of[model.body_parentid[body]]
            is_hand = np.flatnonzero(self._links[6:8] == body)
            self._hand_of[body] = is_hand[0] if len(is_hand) else parent
        self._thing_of = np.full(model.nbody, -1, dtype=np.intp)
        self._thing_of[self._things] = np.arange(len(self._things))
        self._joints, sides = _joint_addresses(model, self.limbs)
        self._legs, self._left_arm, self._right_arm = sides
        self._rows: list[NDArray[np.float64]] = []

    def sample(self, data: mujoco.MjData) -> None:
        """Remember this instant; call it at a steady pace, e.g. every 20 ms."""
        self._rows.append(
            np.concatenate(
                [
                    [data.time],
                    data.xpos[self._links].ravel(),
                    data.xmat[self._links[:2]].ravel(),
                    data.xpos[self._things].ravel(),
                    data.xpos[self._person].ravel(),
                    data.qvel[self._joints],
                    data.xmat[self._links[6:8]].ravel(),
                    data.xmat[self._things].ravel(),
                    *self._touched.pose(data),
                    *self._grips(data),
                ]
            )
        )
        self.__dict__.pop("_columns", None)

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self._rows)

    def is_gripped_now(self, thing: int) -> bool:
        """Whether a hand touched a thing at the last sample."""
        first = len(self._rows[-1]) - 3 * len(self._things)
        return bool(self._rows[-1][first + 2 * thing : first + 2 * thing + 2].any())

    def _grips(self, data: mujoco.MjData) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return which hand touches which thing, shape (2k,), and what is borne otherwise, (k,).

        One is yes, zero is no. Things that sleep touch nothing here; what a robot touches is
        always awake.
        """
        is_gripped, is_borne = np.zeros((len(self._things), 2)), np.zeros(len(self._things))
        bodies = self._model.geom_bodyid[data.contact.geom]  # (ncon, 2)
        things = self._thing_of[bodies]
        if (things >= 0).any():
            push = data.contact.frame[:, 2]  # Upward, on the second of two geoms.
            for this, other, up in ((0, 1, -push), (1, 0, push)):
                thing, hand = things[:, this], self._hand_of[bodies[:, other]]
                by_hand = (thing >= 0) & (hand >= 0)
                is_gripped[thing[by_hand], hand[by_hand]] = 1.0
                by_others = (thing >= 0) & ~self._is_robot[bodies[:, other]] & (up > BEARING_UP)
                is_borne[thing[by_others]] = 1.0
        return is_gripped.ravel(), is_borne

    @cached_property
    def _columns(self) -> Mapping[str, NDArray[np.float64]]:
        if not self._rows:
            raise ConfigError("The witness saw nothing; call sample() while the robot moves.")
        table, count = np.stack(self._rows), len(self._rows)
        widths = {
            "t": 1,
            "links": 3 * len(self._links),
            "turns": 18,
            "things": 3 * len(self._things),
            "person": 3 * len(self._person),
            "joints": len(self._joints),
            "hand_turns": 18,
            "thing_turns": 9 * len(self._things),
            "geom_z": self._touched.count,
            "geom_rows": 3 * self._touched.count,
            "gripped": 2 * len(self._things),
            "borne": len(self._things),
        }
        ends = np.cumsum(list(widths.values()))
        parts = dict(zip(widths, np.split(table, ends[:-1], axis=1), strict=True))
        return {
            **parts,
            "t": parts["t"][:, 0],
            "links": parts["links"].reshape(count, -1, 3),
            "turns": parts["turns"].reshape(count, 2, 3, 3),
            "things": parts["things"].reshape(count, -1, 3),
            "person": parts["person"].reshape(count, -1, 3),
            "hand_turns": parts["hand_turns"].reshape(count, 2, 3, 3),
            "thing_turns": parts["thing_turns"].reshape(count, -1, 3, 3),
            "lowest": self._touched.lowest(
                parts["geom_z"], parts["geom_rows"].reshape(count, -1, 3)
            ),
            "gripped": parts["gripped"].reshape(count, -1, 2),
        }

    @property
    def t(self) -> NDArray[np.float64]:
        """Time of each sample, s."""
        return self._columns["t"]

    @property
    def base(self) -> NDArray[np.float64]:
        """Pelvis, m, shape (n, 3)."""
        return self._columns["links"][:, 0]

    @property
    def shoulders(self) -> NDArray[np.float64]:
        """m, shape (n, 2, 3)."""
        return self._columns["links"][:, 2:4]

    @property
    def elbows(self) -> NDArray[np.float64]:
        """m, shape (n, 2, 3)."""
        return self._columns["links"][:, 4:6]

    @property
    def hands(self) -> NDArray[np.float64]:
        """m, shape (n, 2, 3)."""
        return self._columns["links"][:, 6:8]

    @property
    def hands_in_torso(self) -> NDArray[np.float64]:
        """Hands in the torso's frame, m, shape (n, 2, 3)."""
        offset = self.hands - self._columns["links"][:, 1:2]
        return np.asarray(np.einsum("nij,nki->nkj", self._columns["turns"][:, 1], offset))

    @property
    def yaw(self) -> NDArray[np.float64]:
        """Heading of the pelvis, rad, unwrapped, shape (n,)."""
        turn = self._columns["turns"][:, 0]
        return np.asarray(np.unwrap(np.arctan2(turn[:, 1, 0], turn[:, 0, 0])))

    @property
    def up(self) -> NDArray[np.float64]:
        """Cosine of the pelvis' tilt, 1 when upright, shape (n,)."""
        return self._columns["turns"][:, 0, 2, 2]

    @property
    def torso_pitch(self) -> NDArray[np.float64]:
        """How far the torso leans ahead, rad, shape (n,)."""
        turn = self._columns["turns"][:, 1]
        return np.asarray(np.arctan2(-turn[:, 2, 0], np.hypot(turn[:, 2, 1], turn[:, 2, 2])))

    @property
    def joint_speeds(self) -> NDArray[np.float64]:
        """Mean joint speed of the legs, the left and the right arm, rad/s, shape (n, 3)."""
        speed = np.abs(self._columns["joints"])
        groups = (self._legs, self._left_arm, self._right_arm)
        means = [speed[:, group].mean(axis=1) for group in groups if group.any()]
        return np.stack(means, axis=1) if len(means) == 3 else np.zeros((len(speed), 3))

    @property
    def things(self) -> NDArray[np.float64]:
        """Middles of the things in the order of `home.things`, m, shape (n, k, 3)."""
        return self._columns["things"]

    @property
    def thing_turns(self) -> NDArray[np.float64]:
        """World from thing, shape (n, k, 3, 3)."""
        return self._columns["thing_turns"]

    @property
    def lowest(self) -> NDArray[np.float64]:
        """Height of each thing's lowest point, m, shape (n, k)."""
        return self._columns["lowest"]

    @property
    def is_gripped(self) -> NDArray[np.bool_]:
        """Whether the left and the right hand touch each thing, shape (n, k, 2)."""
        return np.asarray(self._columns["gripped"] > 0.0)

    @property
    def is_borne(self) -> NDArray[np.bool_]:
        """Whether something awake that is not the robot holds each thing up, shape (n, k)."""
        return np.asarray(self._columns["borne"] > 0.0)

    def in_hands(self, thing: int) -> NDArray[np.float64]:
        """Return a thing's middle in both hands' frames, m, shape (n, 2, 3)."""
        offset = self.things[:, [thing]] - self.hands
        return np.asarray(np.einsum("nsij,nsi->nsj", self._columns["hand_turns"], offset))

    def half_size(self, thing: int) -> NDArray[np.float64]:
        """Return half the size of the box round a thing in its own frame, m, shape (3,)."""
        return self._touched.half_size(thing)

    def thing_number(self, name: str) -> int:
        """Return where a thing is among `home.things`.

        Raises:
            UnknownNameError: There is no such thing here.
        """
        names = [thing.name for thing in self.home.things]
        if name not in names:
            raise UnknownNameError("thing", name, names)
        return names.index(name)

    def outline(self, name: str) -> NDArray[np.float64]:
        """Return the points that stand for a target at each sample, m, shape (n or 1, k, 3).

        A thing is its middle; a person a line from the knees to the head; a place its box.

        Raises:
            UnknownNameError: There is no such place, thing or person here.
        """
        names = [thing.name for thing in self.home.things]
        if name in names:
            return self._columns["things"][:, [names.index(name)]]
        if name == self.home.person:
            return self._columns["person"] + np.linspace(0.4, 1.6, 9)[:, None] * [0.0, 0.0, 1.0]
        return place_points(self.home.floor_plan, name, (*names, self.home.person))[None]

    @property
    def has_fallen(self) -> bool:
        """Whether the pelvis was ever low or lying over."""
        return bool(self._is_down.any())

    @property
    def is_down(self) -> bool:
        """Whether it was when last seen."""
        return bool(self._is_down[-1])

    @property
    def _is_down(self) -> NDArray[np.bool_]:
        return np.asarray((self.base[:, 2] < FALLEN_HEIGHT_M) | (self.up < FALLEN_UP))


class _TouchedShapes:
    """Where the touched geoms of the things end."""

    def __init__(self, model: mujoco.MjModel, bodies: NDArray[np.intp]) -> None:
        touched = np.isin(model.geom_bodyid, bodies) & (model.geom_contype > 0)
        self._geoms = np.flatnonzero(touched)
        order = {int(body): number for number, body in enumerate(bodies)}
        self._thing = np.array([order[b] for b in model.geom_bodyid[self._geoms]], dtype=np.intp)
        self._thing_count = len(bodies)
        self.count = len(self._geoms)
        self._size = model.geom_size[self._geoms]
        kind = model.geom_type[self._geoms]
        self._is_round = np.isin(kind, (SPHERE, ELLIPSOID))
        self._is_rod = np.isin(kind, (CAPSULE, CYLINDER))
        self._has_caps = kind == CAPSULE
        self._size[kind == SPHERE] = self._size[kind == SPHERE, :1]
        turns = np.zeros((len(self._geoms), 9))
        for turn, geom in zip(turns, self._geoms, strict=True):
            mujoco.mju_quat2Mat(turn, model.geom_quat[geom])
        rows = turns.reshape(-1, 3, 3)
        reach = np.stack([self._reach(rows[:, axis]) for axis in range(3)], axis=1)
        self._far = np.abs(model.geom_pos[self._geoms]) + reach

    def pose(self, data: mujoco.MjData) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what `lowest` asks for of one moment, shapes (g,) and (3g,)."""
        return data.geom_xpos[self._geoms, 2], data.geom_xmat[self._geoms, 6:].ravel()

    def lowest(self, z: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the height of each thing's lowest point, m, shape (n, k).

        Args:
            z: Heights of the geoms' middles, m, shape (n, g).
            rows: The world's upward direction in each geom's frame, shape (n, g, 3).
        """
        ends = z - self._reach(rows)
        things = range(self._thing_count)
        lows = [ends[:, self._thing == k].min(axis=1, initial=np.inf) for k in things]
        return np.stack(lows, axis=1) if lows else np.zeros((len(z), 0))

    def half_size(self, thing: int) -> NDArray[np.float64]:
        """Return half the size of the box round a thing's geoms, about its middle, m, (3,)."""
        return np.asarray(self._far[self._thing == thing].max(axis=0))

    def _reach(self, direction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far each geom reaches along a unit vector of its frame, m, shape (…, g)."""
        size, along = self._size, np.abs(direction)
        box = (size * along).sum(axis=-1)
        ellipsoid = np.linalg.norm(size * along, axis=-1)
        across = np.where(self._has_caps, 1.0, np.hypot(along[..., 0], along[..., 1]))
        rod = size[:, 1] * along[..., 2] + size[:, 0] * across
        return np.asarray(np.where(self._is_round, ellipsoid, np.where(self._is_rod, rod, box)))


def place_points(plan: FloorPlan, name: str, others: tuple[str, ...] = ()) -> NDArray[np.float64]:
    """Return points all over a place's box, m, shape (k, 3)."""
    if name not in {place.name for place in plan.places}:
        known = [place.name for place in plan.places]
        raise UnknownNameError("place, thing or person", name, [*known, *filter(None, others)])
    place = plan.place(name)
    grid = np.meshgrid(
        np.linspace(-0.5, 0.5, 5) * place.size[0],
        np.linspace(-0.5, 0.5, 9) * place.size[1],
        np.linspace(0.25, 1.0, 4) * place.height,
        indexing="ij",
    )
    along, across, up = (axis.ravel() for axis in grid)
    cos, sin = np.cos(place.yaw), np.sin(place.yaw)
    x = place.centre[0] + along * cos - across * sin
    y = place.centre[1] + along * sin + across * cos
    return np.stack([x, y, up], axis=1)


def _body_ids(model: mujoco.MjModel, names: tuple[str, ...]) -> NDArray[np.intp]:
    """Return the model's numbers of bodies."""
    known = [model.body(index).name for index in range(model.nbody)]
    for name in names:
        if name not in known:
            raise UnknownNameError("body", name, known)
    return np.array([known.index(name) for name in names], dtype=np.intp)


def _joint_addresses(
    model: mujoco.MjModel, limbs: Limbs
) -> tuple[NDArray[np.intp], tuple[NDArray[np.bool_], ...]]:
    """Return the robot's joint speeds' places, and which are legs, left arm and right arm."""
    hinge = mujoco.mjtJoint.mjJNT_HINGE
    joints = [model.joint(i) for i in range(model.njnt) if model.jnt_type[i] == hinge]

    def holds(words: tuple[str, ...], side: str = "") -> NDArray[np.bool_]:
        return np.array(
            [any(w in joint.name for w in words) and side in joint.name for joint in joints],
            dtype=np.bool_,
        )

    groups = (
        holds(limbs.leg_words),
        holds(limbs.arm_words, "left"),
        holds(limbs.arm_words, "right"),
    )
    return np.array([joint.dofadr[0] for joint in joints], dtype=np.intp), groups
