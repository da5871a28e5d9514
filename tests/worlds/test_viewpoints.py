import numpy as np

from yanshi.worlds.floor_plan import FloorPlan
from yanshi.worlds.layout import measure_clearance, sample_layout
from yanshi.worlds.viewpoints import STAND_FREE_M, sample_stand


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
