"""Pushes, and the search for the one that fells a walker half of the time."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from yanshi.bench import push
from yanshi.bench.proving_ground import Contender, find_contender

CLAD = "g1_walk_ppo"


@pytest.fixture(scope="module")
def contender() -> Contender:
    return find_contender(CLAD)


def falls(level: np.ndarray, half: float, spread: float, rng: np.random.Generator) -> np.ndarray:
    return rng.random(len(level)) < 1.0 / (1.0 + (half / level) ** (1.0 / spread))


def test_the_half_way_point_lies_in_its_interval_95_times_in_100():
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(300):
        half, spread = rng.uniform(15.0, 80.0), rng.uniform(0.08, 0.4)
        levels = half * np.exp(rng.uniform(-0.7, 0.7, 40))
        found = push.locate_half(levels.tolist(), falls(levels, half, spread, rng).tolist())
        low, high = found.interval
        hits.append(low <= half <= high)
    assert 0.9 < np.mean(hits) < 0.99


def test_a_walker_twice_as_strong_has_a_half_way_point_twice_as_high():
    levels = np.array([10.0, 15.0, 20.0, 25.0, 30.0])
    fell = [False, False, True, False, True]
    one, two = push.locate_half(levels, fell), push.locate_half(2.0 * levels, fell)
    assert two.middle / one.middle == pytest.approx(2.0, rel=0.02)


def test_without_a_push_nothing_is_known():
    low, high = push.locate_half([], []).interval
    assert low < 6.0
    assert high > 200.0


def test_harder_pushes_fell_and_softer_ones_do_not(contender: Contender):
    soft, hard = (
        push._push(contender, np.random.default_rng(0), "left", level, None)
        for level in (8.0, 120.0)
    )
    assert not soft["fell"]
    assert soft["t_s"] == pytest.approx(soft["pushed_s"] + push.PUSH_S + push.AFTER_S, abs=0.03)
    assert hard["fell"]
    assert hard["t_s"] > hard["pushed_s"]


@pytest.mark.parametrize(("heading", "side"), [("left", 1.0), ("right", -1.0)])
def test_a_push_goes_where_its_name_says(contender: Contender, heading: str, side: float):
    left = []
    push._push(
        contender, np.random.default_rng(0), heading, 60.0, lambda data: left.append(data.qpos[1])
    )
    assert side * (left[-1] - left[100]) > 0.15


def test_a_search_closes_in_on_the_edge_between_standing_and_falling(contender: Contender):
    trial = push.search(contender, np.random.default_rng(0), 4, pushes=3)
    assert trial["direction"] == "back"
    levels = [p["push_ns"] for p in trial["pushes"]]
    for before, level, fell in zip(
        levels, levels[1:], [p["fell"] for p in trial["pushes"]], strict=False
    ):
        assert (level < before * 1.36) if fell else (level > before / 1.36)


def made_up(name: str, strengths: np.ndarray) -> list[dict]:
    rng = np.random.default_rng(0)
    trials = []
    for k, (heading, half) in enumerate(zip(push.DIRECTIONS, strengths, strict=True)):
        levels = half * np.exp(rng.uniform(-0.5, 0.5, 60))
        pushes = [
            {"push_ns": level, "fell": fell, "pushed_s": 3.0, "t_s": 4.0}
            for level, fell in zip(levels, falls(levels, half, 0.1, rng), strict=True)
        ]
        pushes += [{"push_ns": 8.0, "fell": True, "pushed_s": 3.0, "t_s": 1.0}] * 20
        who = {"walker": name, "k": k, "direction": heading}
        trials.append(who | {"kind": "half", "pushes": pushes})
        trials.append(who | {"kind": "push", "fell": k == 0, "mujoco_warnings": 0})
    return trials


def test_rows_tell_the_rate_and_every_directions_half_way_point(contender: Contender):
    strengths = np.linspace(20.0, 60.0, 8)
    rows = push.make_rows([contender], made_up(CLAD, strengths))
    assert rows[0].value == pytest.approx(7 / 8)
    assert rows[0].passed is None
    # One that fell before it was pushed is left out.
    np.testing.assert_allclose([row.value for row in rows[1:]], strengths, rtol=0.15)
    assert all(row.interval[0] < row.value < row.interval[1] for row in rows[1:])


def test_the_picture_shows_ahead_above_and_left_to_the_left(contender: Contender):
    strengths = np.full(8, 30.0)
    strengths[2] = 50.0
    halves = push.half_points([contender], made_up(CLAD, strengths))
    root = ElementTree.fromstring(push.draw_polar(halves))
    space = "{http://www.w3.org/2000/svg}"
    polygon = root.find(f"{space}polygon").get("points").split()
    points = np.array([[float(v) for v in point.split(",")] for point in polygon])
    middle = np.array([push._SIZE / 2, push._MIDDLE])
    ahead, left = points[0] - middle, points[2] - middle
    assert ahead[1] < 0.0
    assert abs(ahead[0]) < 0.1
    assert left[0] < 0.0
    assert np.hypot(*left) / np.hypot(*ahead) == pytest.approx(5 / 3, rel=0.2)
    assert CLAD in [text.text for text in root.iter(f"{space}text")]
