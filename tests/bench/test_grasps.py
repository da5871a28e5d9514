"""What is walled in has no grasp; what stands free has one."""

from dataclasses import replace

import numpy as np
import pytest

from yanshi.bench.grasps import GraspsBench, list_failures, make_rows, measured, search
from yanshi.bench.hands import reach_tools

HOME = 5012
"""In it a cube touches a bottle."""


def posts(thing, gap):
    """Return four posts, 30 cm high, about a thing."""
    x, y, z = thing.solid.position
    bottom, away = z - 0.5 * thing.solid.size[2], 0.5 * max(thing.solid.size) + gap + 0.02
    return [
        replace(
            thing,
            colour=f"post {number}",
            solid=replace(
                thing.solid,
                position=(x + away * np.cos(angle), y + away * np.sin(angle), bottom + 0.15),
                size=(0.04, 0.04, 0.3),
            ),
        )
        for number, angle in enumerate(np.arange(4) * 0.5 * np.pi)
    ]


def test_a_cube_beside_a_bottle_is_taken_and_one_among_four_posts_is_not():
    simulation, tools = reach_tools("tidy", HOME)
    things = {thing.name: thing for thing in measured(simulation)}
    cube = things.pop("white cube")
    tries, plan_s = search(simulation, tools, cube, list(things.values()))
    assert tries == len(plan_s)
    assert min(plan_s) > 0.0
    assert search(simulation, tools, cube, posts(cube, 0.3))[0] is not None
    tries, plan_s = search(simulation, tools, cube, posts(cube, 0.0))
    assert tries is None
    assert len(plan_s) > 0


def test_a_home_is_told_thing_by_thing_and_the_same_each_time():
    first, again = (GraspsBench(HOME)(0) for _ in range(2))
    names = [thing["thing"] for thing in first["things"]]
    assert "white cube" in names
    assert len(set(names)) == len(names)
    for one, other in zip(first["things"], again["things"], strict=True):
        assert one | {"plan_s": []} == other | {"plan_s": []}


def test_rows_and_failures_are_those_of_the_things():
    free = {"thing": "red can", "height_m": 0.75, "is_grasped": True, "at_first": True}
    late = free | {"at_first": False, "height_m": 0.45}
    stuck = free | {"is_grasped": False, "at_first": False, "is_grasped_alone": True}
    stuck |= {"blocked_by": ["blue bottle"]}
    far = stuck | {"is_grasped_alone": False, "blocked_by": [], "height_m": 1.0}
    things = [thing | {"plan_s": [0.1]} for thing in (free, late, stuck, far)]
    trials = [{"seed": 7, "things": things}]
    values = {row.name: (row.value, row.n) for row in make_rows(trials)}
    assert values["things with a grasp"] == (0.5, 4)
    assert values["… at the first stance"] == (0.25, 4)
    assert values["… of those lower than 0.6 m"] == (1.0, 1)
    assert values["… of those higher than 0.9 m"] == (0.0, 1)
    assert values["none, but for what is about it"] == (0.25, 4)
    assert values["none, but for one neighbour"] == (0.25, 4)
    assert values["a plan takes, median"][0] == pytest.approx(0.1)
    blocked, alone = list_failures(trials)
    assert "blue bottle" in blocked
    assert "not even alone" in alone
