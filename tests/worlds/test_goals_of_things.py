"""Goals about things, judged on a hand that is put where the script says and on real physics."""

from collections.abc import Callable

import mujoco
import numpy as np
import pytest

from yanshi.core.errors import UnknownNameError
from yanshi.worlds import goals
from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.home import Home
from yanshi.worlds.matter import give_matter, set_solver
from yanshi.worlds.things import THING_KINDS, add_thing
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


def rise(t: float) -> tuple[float, float, float]:
    return (0.1, 0.2, 0.78 + 0.1 * min(t, 1.0))


def test_a_cube_that_a_hand_takes_up_is_lifted_and_held():
    room = table_with_cube().rest()
    seen = room.act(2.0, carried(room, rise)).witness
    assert goals.lifted("red cube").is_met(seen)
    assert goals.held("red cube").is_met(seen)
    assert not goals.lifted("red cube", 0.12).is_met(seen)


def test_a_cube_that_rises_without_a_hand_is_neither():
    room = table_with_cube().rest()
    seen = room.act(2.0, lambda t: room.put("red_cube", rise(t))).witness
    assert not goals.lifted("red cube").is_met(seen)
    assert not goals.held("red cube").is_met(seen)


def test_a_cube_that_is_touched_where_it_stands_or_pushed_along_is_not_held():
    room = table_with_cube().rest()
    path = carried(room, lambda t: (0.1, 0.2 - 0.1 * t, 0.7799))
    assert not goals.held("red cube").is_met(room.act(2.0, path).witness)


def test_a_cube_that_slips_through_the_hand_is_not_held():
    room = table_with_cube().rest()
    seen = room.act(1.6, carried(room, lambda t: (0.1 - 0.04 * t, 0.2, 0.9), slip=0.04)).witness
    assert not goals.held("red cube").is_met(seen)


def test_a_tray_with_a_cube_on_it_is_held_and_the_cube_is_not():
    room = Room(("white tray", (0.0, 0.0, 0.75)), ("red cube", (0.0, 0.0, 0.7579)))

    def script(t: float) -> None:
        room.put("white_tray", (0.0, 0.0, 0.9))
        room.put("red_cube", (0.0, 0.0, 0.9 - 0.015 + 0.0379))
        room.put_hand((0.0, -0.109, 0.9))

    seen = room.rest(0.2).act(1.0, script).witness
    assert goals.held("white tray").is_met(seen)
    assert goals.lifted("white tray").is_met(seen)
    assert not goals.held("red cube").is_met(seen)


@pytest.mark.parametrize(
    ("spot", "place"),
    [((0.1, 0.2, 0.78), "table"), ((0.0, 2.2, 0.48), "shelf"), ((0.1, 1.8, 1.03), "shelf")],
)
def test_a_cube_that_was_left_on_a_place_is_on_it(spot, place):
    room = table_with_cube()
    seen = room.act(1.0, lambda t: room.put("red_cube", spot)).witness
    for name in ("table", "shelf"):
        assert goals.on("red cube", name).is_met(seen) is (name == place)


@pytest.mark.parametrize(
    "spot", [(0.1, 0.2, 0.85), (0.1, 0.2, 0.6), (0.1, 0.2, 0.03), (0.7, 0, 0.78)]
)
def test_a_cube_above_below_or_beside_a_table_is_not_on_it(spot):
    room = table_with_cube()
    seen = room.act(1.0, lambda t: room.put("red_cube", spot)).witness
    assert not goals.on("red cube", "table").is_met(seen)


def test_a_cube_that_still_moves_or_is_still_touched_is_not_left_on_the_table():
    room = table_with_cube()
    rolling = room.act(2.0, lambda t: room.put("red_cube", (0.1, 0.2 - 0.1 * t, 0.78))).witness
    assert not goals.on("red cube", "table").is_met(rolling)
    room = table_with_cube()
    touched = room.act(1.0, carried(room, lambda t: (0.1, 0.2, 0.78))).witness
    assert not goals.on("red cube", "table").is_met(touched)


def bowl_and_walnut(spot) -> Witness:
    room = Room(("blue bowl", (0.0, 0.0, 0.75)), ("brown walnut", (0.3, 0.3, 0.75)))
    return room.act(1.0, lambda t: room.put("brown_walnut", spot)).witness


@pytest.mark.parametrize(
    ("spot", "is_in"),
    [
        ((0.0, 0.0, 0.75 + 0.006 + 0.0257), True),
        ((0.02, 0.01, 0.79), True),
        ((0.062, 0.0, 0.75 + 0.0257), False),  # Beside its foot, below its rim.
        ((0.0, 0.0, 0.86), False),
        ((0.09, 0.0, 0.79), False),
    ],
)
def test_a_walnut_is_in_a_bowl_when_it_is_over_its_floor_and_below_its_rim(spot, is_in):
    assert goals.inside("brown walnut", "blue bowl").is_met(bowl_and_walnut(spot)) is is_in


def test_nothing_is_in_a_bowl_that_lies_on_its_side():
    room = Room(("blue bowl", (0.0, 0.0, 0.75)), ("brown walnut", (0.3, 0.3, 0.75)))

    def script(t: float) -> None:
        room.put("brown_walnut", (0.0, 0.0, 0.82))
        room.data.joint("blue_bowl").qpos[3:] = (np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0)
        room.put("blue_bowl", (0.0, 0.0, 0.80))

    seen = room.act(1.0, script).witness
    assert not goals.inside("brown walnut", "blue bowl").is_met(seen)


def test_a_bottle_that_falls_over_or_a_cup_that_is_shoved_is_a_disturbance():
    def room() -> Room:
        return Room(
            ("red cube", (0.1, 0.2, 0.75)),
            ("blue bottle", (0.1, 0.0, 0.75)),
            ("green cup", (0.1, -0.2, 0.75)),
        ).rest(0.2)

    calm = room()
    seen = calm.act(1.0, lambda t: calm.put("red_cube", (0.1, 0.4, 0.9))).witness
    assert goals.undisturbed("red cube").is_met(seen)
    assert not goals.undisturbed().is_met(seen)
    shoved = room()
    shoved.act(1.0, lambda t: shoved.put("green_cup", (0.1, -0.2 - 0.06 * t, 0.795)))
    assert not goals.undisturbed("red cube").is_met(shoved.witness)
    nudged = room()
    nudged.act(1.0, lambda t: nudged.put("green_cup", (0.1, -0.2 - 0.04 * t, 0.795)))
    assert goals.undisturbed("red cube").is_met(nudged.witness)
    tipped = room()
    tipped.data.joint("blue_bottle").qvel[3] = 20.0
    assert not goals.undisturbed("red cube").is_met(tipped.fall().witness)


def test_things_dropped_over_bowl_bin_table_and_floor_are_where_physics_takes_them():
    room = Room(
        ("blue bowl", (0.0, -0.3, 0.75)),
        ("brown walnut", (0.0, -0.3, 0.85)),
        ("red cube", (1.0, 0.0, 0.5)),
        ("green cup", (0.0, 0.3, 0.80)),
        ("red can", (0.6, 0.3, 0.3)),
    )
    seen = room.fall(3.0).witness
    met = {
        (thing, goal.__name__, where): goal(thing, where).is_met(seen)
        for thing in ("brown walnut", "red cube", "green cup", "red can")
        for goal, places in ((goals.on, ("table",)), (goals.inside, ("blue bowl", "bin")))
        for where in places
    }
    assert {key for key, is_met in met.items() if is_met} == {
        ("brown walnut", "inside", "blue bowl"),
        ("brown walnut", "on", "table"),  # In a bowl that stands on it.
        ("red cube", "inside", "bin"),
        ("green cup", "on", "table"),
    }
    assert not goals.lifted("red can").is_met(seen)


def test_a_cube_dropped_on_a_table_lies_on_it_and_was_never_held():
    room = table_with_cube()
    room.put("red_cube", (0.1, 0.2, 1.2))
    seen = room.fall().witness
    assert goals.on("red cube", "table").is_met(seen)
    assert not goals.held("red cube").is_met(seen)
    assert not goals.lifted("red cube").is_met(seen)


@pytest.mark.parametrize("kind", ["ball", "can", "banana", "cube", "apple", "sausage"])
def test_the_lowest_point_of_a_turned_thing_is_where_it_meets_the_floor(kind):
    colour = THING_KINDS[kind].colours[0]
    room = Room((f"{colour} {kind}", (2.0, -2.0, 0.0)))
    body, rng = f"{colour}_{kind}", np.random.default_rng(1)
    floor = room.model.geom("floor").id
    for _ in range(5):
        turn = rng.normal(size=4)
        room.data.joint(body).qpos[:] = (2.0, -2.0, 0.4, *(turn / np.linalg.norm(turn)))
        room.rest(0.02)
        geoms = np.flatnonzero(
            (room.model.geom_bodyid == room.model.body(body).id) & (room.model.geom_contype > 0)
        )
        expected = min(
            mujoco.mj_geomDistance(room.model, room.data, floor, int(geom), 1.0, None)
            for geom in geoms
        )
        assert room.witness.lowest[-1, 0] == pytest.approx(expected, abs=1e-4)


def test_an_unknown_thing_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'red cube'"):
        goals.lifted("red cub").is_met(table_with_cube().rest().witness)
