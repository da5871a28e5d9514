"""Walks are measured by the simulator, not by what the robot believes."""

from dataclasses import replace

import numpy as np
import pytest
from tests.skills.rig import TABLE, Rig, thing

from yanshi.skills.ground import edge_distance


def test_going_to_the_table_ends_before_it_and_facing_it(rig: Rig):
    assert rig.do("go", "table").kind == "done"
    assert 0.3 < edge_distance(TABLE, tuple(rig.position)) < 0.55
    assert rig.off(*TABLE.centre) < np.deg2rad(8.0)


def test_going_to_a_person_keeps_a_polite_distance():
    rig = Rig(seen=[thing("person", -1.6, -0.8, 1.0)])
    assert rig.do("go", "person").kind == "done"
    assert np.linalg.norm(rig.position - (-1.6, -0.8)) == pytest.approx(0.9, abs=0.12)
    assert rig.off(-1.6, -0.8) < np.deg2rad(8.0)


@pytest.mark.parametrize(
    ("way", "metres", "expected"),
    [
        ("forward", "0.8", (0.8, 0.0)),
        ("back", "0.5", (-0.5, 0.0)),
        ("left", "0.5", (0.0, 0.5)),
        ("right", "0.4", (0.0, -0.4)),
    ],
)
def test_straight_ways_keep_the_heading(rig: Rig, way, metres, expected):
    assert rig.do("go", way, metres).kind == "done"
    np.testing.assert_allclose(rig.position, expected, atol=0.1)
    assert abs(rig.yaw) < np.deg2rad(8.0)


def test_a_way_into_the_table_is_refused_before_a_step(rig: Rig):
    outcome = rig.do("go", "forward", "1.5")
    assert (outcome.kind, outcome.reason) == ("failed", "blocked")
    assert rig.body.data.time == 0.0


def test_a_way_into_what_is_not_on_the_map_is_given_up_after_a_few_seconds():
    rig = Rig(world="home")
    assert rig.do("go", "table").kind == "done"
    rig.tools = replace(rig.tools, floor_plan=replace(rig.plan, places=()))
    before, before_s = rig.position, rig.body.data.time
    outcome = rig.do("go", "forward", "1.5")
    assert (outcome.kind, outcome.reason) == ("failed", "blocked")
    assert np.linalg.norm(rig.position - before) < 0.6
    assert rig.body.data.time - before_s < 10.0


def test_two_cups_make_it_ask_which_without_moving():
    rig = Rig(seen=[thing("red cup", 1.8, 0.4), thing("blue cup", 1.8, -0.4)])
    outcome = rig.do("go", "cup")
    assert (outcome.kind, outcome.facts) == ("asked", ("blue cup", "red cup"))
    assert rig.body.data.time == 0.0
