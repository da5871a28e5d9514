"""The judge of hands: what it asks, what it counts as done, and how it names what went wrong."""

import dataclasses
from types import SimpleNamespace

import mujoco
import numpy as np
import pytest
from tests.worlds.room import Room, carried, table_with_cube

from yanshi.bench import hands
from yanshi.bench.hands import Judge, Task, judge, list_failures, make_rows
from yanshi.bench.told import Told
from yanshi.core.errors import PlanError
from yanshi.core.messages import Scene, Solid, Thing
from yanshi.mind.language import TAUGHT, PlanLanguage
from yanshi.worlds import goals
from yanshi.worlds.home import build_home
from yanshi.worlds.tidy import GRASPABLE, build_tidy
from yanshi.worlds.worlds import build_world

PICK = Task(kind="pick", seed=0, thing="red cube")
HAND = Task(kind="hand", seed=0, thing="red cube")
PUSH = Task(kind="push", seed=0, thing="red cube")
ON_TABLE = Task(kind="place", seed=0, thing="red cube", goal=("table",))


def told(outcome="done", reason="", falls=0):
    """Return what a robot reports of itself."""
    step = SimpleNamespace(reason=reason, start_s=2.0, end_s=9.5)
    return SimpleNamespace(outcome=outcome, steps=[step], falls=falls)


def verdict(task, room, result):
    return judge(task, result, SimpleNamespace(witness=room.witness, error_m=0.004))


def rise(t):
    return (0.1, 0.2, 0.78 + 0.1 * min(t, 1.0))


def lifted_cube() -> Room:
    """A hand has taken the cube up and holds it."""
    room = table_with_cube().rest(0.5)
    return room.act(2.5, carried(room, rise))


def test_a_cube_in_the_hand_at_the_end_is_picked():
    seen = verdict(PICK, lifted_cube(), told())
    assert seen.pop("away_m") == pytest.approx(np.hypot(2.9, 0.2), abs=0.01)  # From (3, 0).
    assert seen == {
        "is_done": True,
        "cause": "",
        "was_taken": True,
        "has_fallen": False,
        "knocked_off": False,
        "disturbed": False,
        "error_m": 0.004,
        "seconds": 7.5,
    }


def test_a_cube_that_was_lifted_and_lost_again_is_dropped_whatever_the_robot_says():
    room = lifted_cube()
    room.put_hand((0.0, 0.0, 1.5))
    room.act(1.5, lambda t: room.put("red_cube", (0.1, 0.2, 0.78)))
    assert goals.lifted("red cube").is_met(room.witness)
    seen = verdict(PICK, room, told())
    assert (seen["is_done"], seen["cause"]) == (False, "dropped")


@pytest.mark.parametrize(
    ("result", "cause"),
    [
        (told(), "dropped"),
        (told("failed", "missed"), "missed"),
        (told("failed", "no_grasp"), "not reachable"),
        (told("failed", "not_found"), "not seen"),
        (told("failed", "timeout"), "late"),
        (told("asked", "which"), "asked"),
        (told("failed", "odd_reason"), "odd_reason"),
        (told("stopped"), "stopped"),
        (told("failed", "missed", falls=1), "fell"),
    ],
)
def test_a_cube_that_was_not_touched_is_not_picked_and_the_robot_says_why(result, cause):
    seen = verdict(PICK, table_with_cube().rest(2.0), result)
    assert (seen["is_done"], seen["cause"]) == (False, cause)
    assert seen["has_fallen"] is (result.falls > 0)


def test_what_was_done_without_the_robot_knowing_does_not_count():
    seen = verdict(PICK, lifted_cube(), told("failed", "slipped"))
    assert (seen["is_done"], seen["cause"]) == (False, "not believed")


@pytest.mark.parametrize(("spot", "is_done"), [((0.1, 0.2, 0.78), True), ((1.0, 1.0, 0.03), False)])
def test_a_cube_is_placed_on_the_table_when_it_lies_there(spot, is_done):
    room = table_with_cube()
    room.act(1.0, lambda t: room.put("red_cube", spot))
    assert verdict(ON_TABLE, room, told())["is_done"] is is_done


def test_a_walnut_is_placed_in_the_bowl_it_lies_in_and_the_bowl_may_move():
    task = Task(kind="place", seed=0, thing="brown walnut", goal=("in", "blue bowl"))
    for way, is_done in ((0.0, True), (0.2, False)):
        room = Room(("blue bowl", (0.0, 0.0, 0.75)), ("brown walnut", (0.3, 0.3, 0.75))).rest(0.2)

        def script(t, room=room, way=way):
            shift = min(0.1 * t, 0.06)
            room.put("blue_bowl", (shift, 0.0, 0.78))
            room.put("brown_walnut", (shift + way, 0.0, 0.75 + 0.006 + 0.0257))

        seen = verdict(task, room.act(2.0, script), told())
        assert (seen["is_done"], seen["disturbed"]) == (is_done, False)


@pytest.mark.parametrize(("task", "world"), [(PICK, "tidy"), (PUSH, "tidy"), (HAND, "handover")])
def test_things_are_handed_over_where_somebody_holds_a_hand_out(task, world):
    assert task.world == world
    assert task.plan == f"{task.kind} red cube"


@pytest.mark.parametrize(
    ("falls_later", "is_done", "cause"), [(False, True, ""), (True, False, "dropped")]
)
def test_a_cube_is_handed_over_when_it_stays_on_the_open_hand(falls_later, is_done, cause):
    room = table_with_cube()
    room.act(2.0, lambda t: room.put("red_cube", (2.0, 0.0, 0.98)))
    if falls_later:
        room.act(2.0, lambda t: room.put("red_cube", (2.2, 0.0, 0.03)))
    home = room.witness.home
    room.witness.home = dataclasses.replace(home, open_hand=(2.0, 0.0, 0.95))
    seen = verdict(HAND, room, told())
    assert (seen["is_done"], seen["cause"]) == (is_done, cause)


@pytest.mark.parametrize(
    ("end", "is_done"),
    [((0.2, 0.2, 0.78), True), ((0.12, 0.2, 0.78), False), ((0.6, 0.2, 0.03), False)],
    ids=["pushed", "touched", "pushed off"],
)
def test_a_cube_is_pushed_when_it_lies_farther_off_on_the_same_table(end, is_done):
    room = table_with_cube().rest(0.5)
    room.act(2.0, lambda t: room.put("red_cube", end if t > 0.5 else (0.1, 0.2, 0.78)))
    assert verdict(PUSH, room, told())["is_done"] is is_done


@pytest.mark.parametrize(
    ("spot", "disturbed", "knocked_off"),
    [
        ((0.1, -0.2, 0.81), False, False),
        ((0.1, -0.3, 0.81), True, False),
        ((0.9, -0.2, 0.06), True, True),
    ],
)
def test_what_else_was_moved_or_knocked_off_is_told(spot, disturbed, knocked_off):
    room = Room(("red cube", (0.1, 0.2, 0.75)), ("blue can", (0.1, -0.2, 0.75))).rest(0.2)
    room.act(1.0, lambda t: room.put("blue_can", spot))
    seen = verdict(PICK, room, told())
    assert (seen["disturbed"], seen["knocked_off"]) == (disturbed, knocked_off)


def cube_seen_at(x, y):
    """Return what the robot knows of a cube whose shape it has measured there."""
    solid = Solid(shape="box", position=(x, y, 0.78), size=(0.06, 0.06, 0.06), yaw=0.0)
    cube = Thing(
        kind="cube", colour="red", position=solid.position, confidence=0.9, t_ns=0, solid=solid
    )
    return SimpleNamespace(scene=Scene(t_ns=0, things=(cube,)))


def test_how_well_the_place_was_known_counts_until_a_hand_touches_the_thing():
    room = table_with_cube()
    room.rest(0.02)
    body = SimpleNamespace(model=room.model, data=room.data)
    watcher = Judge(SimpleNamespace(home=room.witness.home, body=body), "red cube")
    watcher.on_tick(SimpleNamespace(scene=Scene(t_ns=0)))
    assert watcher.error_m is None
    for off in (0.05, 0.01):
        for _ in range(2):
            watcher.on_tick(cube_seen_at(0.1 + 0.6 * off, 0.2 - 0.8 * off))
        assert watcher.error_m == pytest.approx(off)
    room.act(0.1, carried(room, rise))
    watcher.on_tick(cube_seen_at(0.4, 0.2))
    watcher.on_tick(cube_seen_at(0.4, 0.2))
    assert watcher.error_m == pytest.approx(0.01)


def test_the_same_seed_asks_the_same_and_only_what_is_there():
    tasks = hands.choose_tasks(1, 3, hands.KINDS)
    hands.reach_tools.cache_clear()
    assert hands.choose_tasks(1, 3, hands.KINDS) == tasks
    assert [task.kind for task in tasks] == list(hands.KINDS)
    language = dataclasses.replace(PlanLanguage.of(build_tidy(3).floor_plan), syntaxes=dict(TAUGHT))
    for task in tasks:
        assert task.seed >= 3
        home = build_world(hands.WORLDS[task.kind], task.seed)
        names = [thing.name for thing in home.things]
        assert names.count(task.thing) == 1
        assert task.thing.split()[-1] in (*GRASPABLE, "box")
        if len(task.goal) == 2:
            assert task.goal[1] in names
        assert str(language.parse(task.plan)) == task.plan
    first, second = hands.choose_tasks(2, 3, ("push",))
    assert first in tasks
    assert first.seed < second.seed


def test_what_stands_too_far_is_not_asked_for():
    simulation, tools = hands.reach_tools.__wrapped__("tidy", 3)
    can = next(t for t in simulation.home.things if t.name == "blue can")
    tray = next(t for t in simulation.home.things if t.kind == "tray")
    assert hands.reachable(simulation, tools, can)
    assert hands.reachable(simulation, tools, tray, must_fit=False)
    assert not hands.reachable(simulation, tools, tray)  # No hand closes round it.
    simulation.body.data.joint(can.body).qpos[:3] = (0.0, 0.0, 0.06)  # On the floor.
    mujoco.mj_kinematics(simulation.body.model, simulation.body.data)
    assert not hands.reachable(simulation, tools, can)


def trial(kind="pick", cause="", **others):
    """Return a trial's record."""
    return {
        "kind": kind,
        "seed": 5,
        "thing": "red cube",
        "goal": (),
        "is_done": not cause,
        "cause": cause,
        "away_m": 1.0,
        "was_taken": True,
        "has_fallen": cause == "fell",
        "knocked_off": False,
        "disturbed": False,
        "error_m": 0.01,
        "seconds": 30.0,
        "said": ["So it went."],
        "mujoco_warnings": 0,
        "real_time_factor": 3.0,
    } | others


def test_the_rows_count_what_was_done_and_each_cause():
    trials = [
        trial(seconds=20.0),
        trial(seconds=40.0),
        trial(cause="missed", seconds=99.0, knocked_off=True),
        trial(cause="missed", error_m=None),
        trial("place", cause="fell", error_m=0.03),
    ]
    onto = [
        trial("place", goal=("in", "red tray"), away_m=away, seconds=seconds)
        for away, seconds in ((1.9, 10.0), (2.4, 40.0), (3.0, 50.0), (3.1, 90.0))
    ]
    onto += [trial("place", goal=("table",), away_m=2.5, seconds=99.0)]
    (far,) = [row for row in make_rows(onto) if "tray" in row.name]
    assert (far.value, far.n) == (45.0, 2)
    rows = {row.name: row for row in make_rows(trials)}
    carried = [trial("carry", mass_kg=1.0), trial("carry", cause="too heavy", mass_kg=3.8)]
    of_boxes = {row.name: row for row in make_rows(carried)}
    assert (of_boxes["carry: done"].value, of_boxes["carry: done"].n) == (0.5, 2)
    assert of_boxes["carry: done, below 3.5 kg"].value == 1.0
    assert of_boxes["carry: done, below 3.5 kg"].n == 1
    assert (rows["pick: done"].value, rows["pick: done"].n) == (0.5, 4)
    assert (rows["pick: missed"].value, rows["pick: missed"].n) == (0.5, 4)
    assert (rows["place: done"].value, rows["place: done"].n) == (0.0, 1)
    assert rows["place: fell"].value == 1.0
    assert rows["pick: takes, median"].value == 30.0
    assert rows["pick: takes, median"].n == 2
    assert np.isnan(rows["place: takes, median"].value)
    assert (rows["fell"].value, rows["fell"].n) == (0.2, 5)
    assert rows["a thing knocked off"].value == 0.2
    assert rows["place of the thing, median error"].n == 4
    assert rows["place of the thing, median error"].value == pytest.approx(1.0)
    assert rows["no MuJoCo warning"].passed
    assert rows["pick: done"].passed is False
    assert "place: done" not in {row.name for row in make_rows(trials[:4])}
    assert len(list_failures(trials)) == 3
    assert "missed" in list_failures(trials)[0]


def test_a_mind_that_is_told_plans_understands_plans_alone():
    mind = Told(PlanLanguage.of(build_home(0).floor_plan))
    assert mind.poll() is None
    mind.ask("go table; bow")
    assert str(mind.poll().plan) == "go table; bow"
    assert mind.poll().turn.plan == mind.poll().plan
    with pytest.raises(PlanError):
        mind.ask("please go to the table")
    assert str(mind.say_again("what?").plan) == "ask what"
    assert str(mind.stopped("stop").plan) == "stop"
    assert mind.first_step() is None
