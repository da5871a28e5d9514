"""Goals about things, judged on a hand that is put where the script says and on real physics."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest
from tests.worlds.room import Room, carried, table_with_cube

from yanshi.core.errors import UnknownNameError
from yanshi.worlds import goals
from yanshi.worlds.things import THING_KINDS
from yanshi.worlds.witness import Witness


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


def test_what_a_hand_touches_now_is_what_it_touched_at_the_last_sample():
    room = Room(("red cube", (0.1, 0.2, 0.75)), ("blue can", (0.1, -0.2, 0.75))).rest(0.1)
    cube, can = (room.witness.thing_number(name) for name in ("red cube", "blue can"))
    assert not room.witness.is_gripped_now(cube)
    room.act(0.1, carried(room, rise))
    assert room.witness.is_gripped_now(cube)
    assert not room.witness.is_gripped_now(can)
    room.put_hand((0.1, -0.2, 0.75 + 0.12 + 0.008))
    room.rest(0.02)
    assert not room.witness.is_gripped_now(cube)
    assert room.witness.is_gripped_now(can)
    for number in (cube, can):
        was = room.witness.is_gripped[-1, number].any()
        assert room.witness.is_gripped_now(number) is bool(was)


@pytest.mark.parametrize(
    ("spot", "is_handed"),
    [
        ((2.0, 0.0, 0.98), True),
        ((2.07, 0.0, 0.985), True),
        ((2.2, 0.0, 0.98), False),
        ((2.0, 0.0, 1.1), False),
        ((2.0, 0.0, 0.03), False),
    ],
)
def test_a_cube_that_lies_on_the_open_hand_is_handed_over(spot, is_handed):
    room = table_with_cube()
    seen = room.act(1.0, lambda t: room.put("red_cube", spot)).witness
    assert not goals.handed("red cube").is_met(seen)  # There is nobody.
    seen.home = replace(seen.home, open_hand=(2.0, 0.0, 0.95))
    assert goals.handed("red cube").is_met(seen) is is_handed


def test_a_cube_that_the_robot_still_touches_is_not_handed_over():
    room = table_with_cube()
    seen = room.act(1.0, carried(room, lambda t: (2.0, 0.0, 0.98))).witness
    seen.home = replace(seen.home, open_hand=(2.0, 0.0, 0.95))
    assert not goals.handed("red cube").is_met(seen)


@pytest.mark.parametrize(("way", "is_shifted"), [(0.03, False), (0.07, True)])
def test_a_cube_that_was_left_farther_away_is_shifted(way, is_shifted):
    room = table_with_cube().rest(0.5)
    seen = room.act(2.0, lambda t: room.put("red_cube", (0.1, 0.2 + way * min(t, 1.0), 0.78)))
    assert goals.shifted("red cube").is_met(seen.witness) is is_shifted


def test_a_can_that_was_knocked_over_is_not_shifted():
    room = Room(("blue can", (0.0, 0.0, 0.75))).rest(0.5)

    def script(t: float) -> None:
        room.data.joint("blue_can").qpos[3:] = (np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0)
        room.put("blue_can", (0.1, 0.0, 0.78))

    assert not goals.shifted("blue can").is_met(room.act(1.0, script).witness)
