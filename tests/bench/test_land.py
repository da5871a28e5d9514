"""The judge of falls is checked against the robot's weight, and against leans of known ways."""

import numpy as np
import pytest

from yanshi.bench import land
from yanshi.bench.land import PARTS, WAYS, Fall, ForceMeter, Start, rows_of, start_of, way_of
from yanshi.bench.proving_ground import endless_floor, find_contender
from yanshi.bench.rows import Trial
from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.core.messages import RobotState
from yanshi.robots.g1.spec import G1


def one_fall(limp_n: float, landed_n: float, hit_s: float | None = 0.2) -> Trial:
    def felt(force: float) -> Trial:
        parts = dict.fromkeys(PARTS, force)
        return {
            "peak_n": force,
            "smooth_n": 0.5 * force,
            "parts_n": parts,
            "hit_s": hit_s,
            "warnings": 0,
        }

    return {"walks": False, "way": "left", "limp": felt(limp_n), "landed": felt(landed_n)}


def value_of(name: str, trials: list[Trial]) -> float:
    return next(row.value for row in rows_of(trials) if row.name == name)


def test_a_robot_that_lies_still_is_felt_with_all_its_weight():
    body = MujocoBody(G1, endless_floor())
    body.data.qpos[2:7] = 0.3, np.sqrt(0.5), 0.0, -np.sqrt(0.5), 0.0
    body.stop()
    body.advance(3.0)
    felt = []
    for _ in range(100):
        meter = ForceMeter(body.model)
        body.advance(body.config.step_s)
        meter.look(body.data)
        felt.append(meter.peak[: len(PARTS)].sum())
    weight = 9.81 * float(body.model.body_mass.sum())
    assert np.mean(felt) == pytest.approx(weight, rel=0.15)


@pytest.mark.parametrize(
    ("way", "axis"),
    [("ahead", (0, 1, 0)), ("back", (0, -1, 0)), ("left", (-1, 0, 0)), ("right", (1, 0, 0))],
)
def test_a_lean_has_the_name_of_where_it_goes(way: str, axis: tuple[int, int, int]):
    n = len(G1.joint_names)
    state = RobotState(
        t_ns=0,
        joint_position=np.zeros(n),
        joint_velocity=np.zeros(n),
        joint_torque=np.zeros(n),
        orientation_wxyz=np.array([np.cos(0.4), *(np.sin(0.4) * np.array(axis))]),
        angular_velocity=np.zeros(3),
        acceleration=np.zeros(3),
    )
    assert way_of(state) == way
    assert way in WAYS


def test_falls_go_everywhere_standing_and_walking():
    starts = [start_of(index, 0) for index in range(16)]
    eighths = {round(start.heading / (0.25 * np.pi)) % 8 for start in starts}
    assert eighths == set(range(8))
    assert {start.walks for start in starts} == {True, False}
    assert len({start.seed for start in starts}) == 16


def test_the_very_same_fall_can_be_gone_through_twice():
    contender = find_contender("g1_walk_ppo")
    start = Start(seed=3, heading=1.5, walks=True)
    one, other = Fall(start, contender), Fall(start, contender)
    assert one.is_certain
    np.testing.assert_array_equal(one.ground.data.qpos, other.ground.data.qpos)
    felt = one.land(None)
    assert felt == other.land(None)
    assert felt["peak_n"] > 300.0
    assert max(felt["parts_n"]["head"], felt["parts_n"]["torso"]) <= felt["peak_n"]
    assert felt["smooth_n"] < felt["peak_n"]


def test_a_fall_half_as_hard_is_half_as_hard():
    trials = [one_fall(4000.0, 1000.0), one_fall(1000.0, 1000.0)]
    assert value_of("peak force, limp", trials) == pytest.approx(2000.0)
    assert value_of("peak force, landed to limp", trials) == pytest.approx(0.5)
    assert value_of("left: smooth force, landed", trials) == pytest.approx(500.0)


def test_who_stays_up_has_not_fallen_and_who_is_hardly_touched_counts_little():
    up: Trial = {"walks": True, "way": "ahead"}
    trials = [up, one_fall(2000.0, 0.0, hit_s=None)]
    assert value_of("fell", trials) == 0.5
    assert value_of("peak force, landed", trials) == pytest.approx(land.LEAST_N)
