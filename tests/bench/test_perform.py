"""The judge of performances is checked against motions that are known, and rows against trials."""

import numpy as np
import pytest

from yanshi.bench import perform
from yanshi.bench.perform import (
    FRICTION,
    MASS,
    Meter,
    Performance,
    choose_pieces,
    is_at_once,
    is_success,
    lag_s,
    rows_of,
    vary,
)
from yanshi.bench.proving_ground import TICK_S, endless_floor
from yanshi.bench.rows import Trial
from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.core.errors import ConfigError
from yanshi.policies.repertoire import repertoire
from yanshi.policies.walker import Walker
from yanshi.robots.g1.spec import G1

LEARNT = [piece for piece in repertoire().values() if piece.is_learnt]
needs_routine = pytest.mark.skipif(not LEARNT, reason="no routine was learnt")
TRIAL: Trial = {
    "routine": "kick",
    "pushed": False,
    "upright": True,
    "end": "done",
    "losses": 0,
    "performed_s": 5.4,
    "warnings": 0,
    "energy_j": 500.0,
    "speed": 9.0,
    "jumps": [0.08, 0.1],
    "error": 0.05,
    "error_p95": 0.15,
    "lag_s": 0.03,
}


def value_of(name: str, trials: list[Trial]) -> float:
    return next(row.value for row in rows_of(trials) if row.name == name)


@pytest.mark.parametrize("late_s", [-0.07, 0.0, 0.033, 0.12])
def test_a_motion_that_comes_late_is_late_by_as_much(late_s):
    at = np.arange(0.0, 6.0, TICK_S)

    def motion(t):
        return np.stack([np.sin(2.0 * t), np.cos(3.0 * t), 0.3 * np.sin(5.0 * t)], axis=1)

    assert lag_s(motion(at - late_s), motion(at)) == pytest.approx(late_s, abs=2e-3)


def test_a_standing_robot_works_and_moves_hardly_and_a_limp_one_not_at_all():
    body = MujocoBody(G1, endless_floor())
    meter = Meter(body)
    for _ in range(100):
        body.advance(0.002)
        meter.look()
    standing = meter.energy_j
    assert 0.0 < standing < 60.0
    assert meter.speed < 2.0
    body.stop()
    limp = Meter(body)
    body.model.actuator_forcerange[:] = 0.0
    body.advance(0.002)
    limp.look()
    assert limp.energy_j == 0.0


def test_bodies_and_floors_differ_within_their_bounds():
    plain = MujocoBody(G1, endless_floor()).model
    masses, frictions = [], []
    for seed in range(6):
        model = MujocoBody(G1, endless_floor()).model
        vary(model, np.random.default_rng(seed))
        moving = plain.body_mass > 0.0
        masses.append(model.body_mass[moving] / plain.body_mass[moving])
        frictions.append(model.geom_friction[:, 0])
        assert np.ptp(frictions[-1]) == 0.0
    assert np.abs(np.array(masses) - 1.0).max() <= MASS
    assert np.abs(np.array(masses) - 1.0).max() > 0.5 * MASS
    assert FRICTION[0] <= np.min(frictions) < np.max(frictions) <= FRICTION[1]


def test_only_who_stood_to_the_end_without_a_warning_succeeded():
    assert is_success(TRIAL)
    for change in ({"upright": False}, {"warnings": 1}):
        assert not is_success(TRIAL | change)


def test_who_began_anew_succeeded_but_not_at_once():
    anew = TRIAL | {"losses": 1, "error": 9.0}
    assert is_success(anew)
    assert not is_at_once(anew)
    assert is_at_once(TRIAL)
    assert value_of("kick: to the end at once", [TRIAL, anew]) == 0.5
    assert value_of("kick: joint error, mean", [TRIAL, anew]) == TRIAL["error"]


def test_falls_are_counted_apart_for_those_that_were_pushed():
    fell = TRIAL | {"upright": False, "end": "", "performed_s": 2.0}
    trials = [TRIAL, TRIAL, fell, TRIAL | {"pushed": True}, fell | {"pushed": True}]
    assert value_of("kick: upright to 3 s after", trials) == pytest.approx(2 / 3)
    assert value_of("kick: the same, pushed by 10 N·s", trials) == 0.5
    assert value_of("kick: energy", trials) == 500.0
    assert value_of("kick: change of a target in a tick at its end, p99", trials) == 0.1


def test_each_routine_has_rows_of_its_own():
    names = [row.name for row in rows_of([TRIAL, TRIAL | {"routine": "taichi"}])]
    assert sum(name.startswith("kick: ") for name in names) == 11
    assert sum(name.startswith("taichi: ") for name in names) == 11


def test_a_routine_that_was_not_learnt_is_refused_with_those_that_were():
    with pytest.raises(ConfigError, match="yanshi train track"):
        choose_pieces(["nosuch"])


@needs_routine
def test_a_performance_is_the_same_again_and_its_push_is_felt():
    piece = min(LEARNT, key=lambda piece: (piece.folder / "motion.npz").stat().st_size)
    walker = Walker(G1)

    def trial(seed: int, *, is_pushed: bool) -> Trial:
        rng = np.random.default_rng(seed)
        return perform.perform(piece, walker, rng, is_pushed=is_pushed)

    one, again = (trial(5, is_pushed=False) for _ in range(2))
    assert one == again
    assert one["upright"]
    assert one["performed_s"] == pytest.approx(
        Performance(
            piece, walker, np.random.default_rng(0), is_pushed=False
        ).skill.performer.duration_s
    )
    assert one["jumps"][0] <= 0.25  # Beyond a tenth: the performer's own, once it has caught up.
    assert 0.0 < one["error"] < 0.2
    assert trial(5, is_pushed=True)["energy_j"] != one["energy_j"]
