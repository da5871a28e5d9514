from dataclasses import replace

import numpy as np

from yanshi.worlds.floor_plan import FloorPlan
from yanshi.worlds.layout import measure_clearance, sample_layout
from yanshi.worlds.tidy import build_tidy
from yanshi.worlds.viewpoints import NEAR_EDGE_M, STAND_FREE_M, sample_near_stand, sample_stand


def test_stands_are_free_of_furniture_walls_and_people():
    rng = np.random.default_rng(0)
    layout = sample_layout(rng)
    plan = FloorPlan(name="home", size=layout.size, places=layout.places, start=layout.start)
    clearance = measure_clearance(layout.size, layout.places, layout.person)
    for _ in range(30):
        x, y, _ = sample_stand(plan, layout.person, rng)
        assert clearance.distance[clearance.cell((x, y))] >= STAND_FREE_M


def test_many_stands_look_at_the_table():
    rng = np.random.default_rng(1)
    layout = sample_layout(rng)
    plan = FloorPlan(name="home", size=layout.size, places=layout.places, start=layout.start)
    table = plan.place("table").centre
    looking = 0
    for _ in range(60):
        x, y, heading = sample_stand(plan, layout.person, rng)
        bearing = np.arctan2(table[1] - y, table[0] - x) - heading
        looking += abs(np.arctan2(np.sin(bearing), np.cos(bearing))) < 0.6
    assert looking >= 20


def test_who_takes_something_stands_close_before_the_front_edge():
    home = build_tidy(3)
    plan, rng = home.floor_plan, np.random.default_rng(2)
    for name in ("table", "coffee_table", "shelf"):
        place = plan.place(name)
        ahead = np.array([np.cos(place.yaw), np.sin(place.yaw)])
        for _ in range(20):
            x, y, heading = sample_near_stand(plan, place, None, rng)
            offset = np.array([x, y]) - place.centre
            before = offset @ ahead - place.size[0] / 2.0
            assert NEAR_EDGE_M[0] - 1e-9 <= before <= NEAR_EDGE_M[1] + 1e-9
            assert np.cos(heading) * ahead[0] + np.sin(heading) * ahead[1] < -0.3


def test_who_cannot_stand_before_a_place_is_told_so():
    home = build_tidy(3)
    plan, rng = home.floor_plan, np.random.default_rng(2)
    table = plan.place("table")
    walled_in = replace(table, name="block", size=(9.0, 9.0), has_surface=False)
    blocked = replace(plan, places=(*plan.places, walled_in))
    assert sample_near_stand(blocked, table, None, rng) is None
