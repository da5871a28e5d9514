"""The judge of rises is checked against poses that were put there and rises that never happened."""

import mujoco
import numpy as np
import pytest

from yanshi.bench import getup
from yanshi.bench.getup import (
    SLOPE,
    WAYS,
    Meter,
    Start,
    height_above_floor,
    is_success,
    lie_down,
    percentile,
    pooled,
    rows_of,
    start_of,
    way_of_lying,
)
from yanshi.bench.rows import Trial
from yanshi.robots.g1.spec import G1

TRIAL: Trial = {
    "way": "back",
    "slope": 0.0,
    "up_s": 3.0,
    "low_m": 0.72,
    "handed_s": 3.5,
    "jump": 0.1,
    "hand_n": 100.0,
    "head_n": 50.0,
    "hand_smooth_n": 80.0,
    "head_smooth_n": 40.0,
    "speed": [[10, 99], [20, 1]],
    "torque": [[5, 100]],
    "warnings": 0,
}


def value_of(name: str, trials: list[Trial]) -> float:
    return next(row.value for row in rows_of(trials) if row.name == name)


def test_every_way_of_lying_comes_on_level_and_on_sloping_floors():
    starts = [start_of(index, 0) for index in range(8)]
    assert {(s.way, s.slope) for s in starts} == {(w, s) for w in WAYS for s in (0.0, SLOPE)}
    assert len({s.seed for s in starts}) == 8


@pytest.mark.parametrize("way", WAYS)
def test_a_robot_dropped_on_its_back_front_or_side_lies_still_there(way: str):
    # Limp legs roll a robot about: some seed in three leaves it as it was dropped.
    bodies = [lie_down(Start(way=way, slope=0.0, seed=seed)) for seed in range(3)]
    assert way in {way_of_lying(body) for body in bodies}
    for body in bodies:
        assert height_above_floor(body, 0.0) < 0.35
        assert np.abs(body.data.qvel).max() < 1.0 or body.data.time > 3.9


def test_height_is_measured_from_the_sloping_floor_below():
    body = lie_down(Start(way="front", slope=SLOPE, seed=0))
    body.data.qpos[:3] = 2.0, 0.0, 0.5 - 2.0 * np.tan(SLOPE)
    mujoco.mj_kinematics(body.model, body.data)
    assert height_above_floor(body, SLOPE) == pytest.approx(0.5)


def test_a_robot_at_rest_presses_no_harder_than_its_weight():
    body = lie_down(Start(way="back", slope=0.0, seed=0))
    meter = Meter(body)
    for _ in range(100):
        body.advance(0.002)
        meter.look()
    assert 0.0 < meter.hand_n + meter.head_n < 3.0 * 9.81 * G1.mass_kg
    assert 0.0 < meter.hand_smooth_n < meter.hand_n
    assert meter.head_smooth_n <= meter.head_n
    assert percentile(meter.counts["speed"], "speed", 99.0) < 1.0
    assert meter.counts["speed"].sum() == 100 * 29


def test_percentiles_of_a_histogram_are_those_of_the_numbers():
    rng = np.random.default_rng(0)
    speeds = np.abs(rng.normal(0.0, 3.0, 10_000))
    counts, _ = np.histogram(speeds, getup._EDGES["speed"])
    assert percentile(counts, "speed", 99.0) == pytest.approx(np.percentile(speeds, 99.0), abs=0.11)


def test_histograms_of_trials_add_up():
    assert pooled([TRIAL, TRIAL], "speed")[[10, 20]].tolist() == [198, 2]


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({"up_s": None, "low_m": None}, False),
        ({"low_m": 0.45}, False),
        ({"warnings": 1}, False),
    ],
)
def test_who_sinks_again_did_not_get_up(change: Trial, good: bool):
    assert is_success(TRIAL | change) is good


def test_the_table_tells_success_haste_and_force():
    trials = [TRIAL, TRIAL | {"up_s": 1.0}, TRIAL | {"low_m": 0.1, "hand_n": 400.0}]
    assert value_of("got up and stayed up", trials) == pytest.approx(2 / 3)
    assert value_of("up within 2 to 6 s", trials) == pytest.approx(1 / 2)
    assert value_of("hands never above 300 N", trials) == pytest.approx(2 / 3)
    assert value_of("hands never above 300 N for 10 ms", trials) == 1.0
    assert value_of("joint speed, p99", trials) == pytest.approx(1.1)
