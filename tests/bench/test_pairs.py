"""Every pair is broken once, and a robot that answers the lesser of two faults is found out."""

from collections import Counter
from itertools import combinations

import pytest

from yanshi.bench import pairs
from yanshi.bench.faults import CASES, NOT_SHOWN
from yanshi.bench.pairs import KINDS, break_two, holds, holds_and_stands, pairs_of
from yanshi.runtime.episode import Episode
from yanshi.runtime.recovery import Recovery
from yanshi.safety.faults import Action


def case_of(worst):
    return next(c for c in CASES if c.row == "H2" and c.options["worst"] == worst.name)


def number_of(worst, *names):
    return next(k for k, pair in enumerate(pairs_of(worst)) if set(pair) == set(names))


def test_every_pair_is_broken_once_in_the_default_run():
    cases = [case for case in CASES if case.row == "H2"]
    broken = Counter(
        frozenset(pairs_of(Action[case.options["worst"]])[k % case.ways])
        for case in cases
        for k in range(7, 7 + case.ways)  # From any seed on.
    )
    assert set(broken) == {frozenset(pair) for pair in combinations(KINDS, 2)}
    assert set(broken.values()) == {1}


def test_each_kind_is_of_a_row_that_is_shown_alone():
    shown = {case.row for case in CASES}
    assert {kind.row for kind in KINDS.values()} <= shown - set(NOT_SHOWN)


@pytest.mark.parametrize(
    ("worst", "names"),
    [
        (Action.DAMP, ("IMU garbage", "stop")),
        (Action.SIT, ("battery empty", "log lost")),
        (Action.HOLD, ("eyes gone", "another's order")),
    ],
)
def test_a_pair_of_each_sort_holds_and_is_broken_alike_each_time(worst, names):
    case, k = case_of(worst), number_of(worst, *names)
    trial = break_two(case, k)
    assert set(trial["pair"]) == set(names)
    assert holds(trial), trial
    assert case.passes(trial)
    if worst is Action.HOLD:
        assert break_two(case, k) == trial


def test_who_leans_far_and_catches_itself_stands_and_who_falls_untold_does_not():
    trial = {"violations": [], "is_finite": True, "torque_over": 0.0, "mujoco_warnings": 0}
    leant = trial | {"fell_ms": 300.0, "told_ms": None, "limp_ms": None, "is_upright": True}
    assert holds_and_stands(leant)
    assert not holds_and_stands(leant | {"is_upright": False})
    assert holds_and_stands(leant | {"is_upright": False, "told_ms": 200.0})
    assert not holds_and_stands(leant | {"is_upright": False, "told_ms": 400.0})
    assert not holds_and_stands(leant | {"violations": ["not whole"]})


def violations(worst, *names):
    trial = break_two(case_of(worst), number_of(worst, *names))
    assert not holds(trial)
    assert not holds_and_stands(trial)
    return " ".join(trial["violations"])


def test_who_does_not_go_limp_is_found_out(monkeypatch):
    monkeypatch.setattr(Recovery, "go_limp", lambda self: None)
    found = violations(Action.DAMP, "IMU garbage", "stop")
    assert "DAMP was asked for and not done" in found
    assert "IMU garbage: not limp after 30 ms" in found


def test_who_does_not_sit_is_found_out(monkeypatch):
    monkeypatch.setattr(Recovery, "sit_down", lambda self: None)
    assert "battery empty: does not sit" in violations(Action.SIT, "battery empty", "log lost")


def test_who_hears_no_stop_is_found_out(monkeypatch):
    monkeypatch.setattr(Episode, "stop", lambda self: None)
    found = violations(Action.HOLD, "stop", "another's order")
    assert "stop: not in force after 20 ms" in found


def test_who_goes_on_with_its_plan_without_eyes_is_found_out(monkeypatch):
    real = Episode._raise_fault

    def deaf(self, t_ns, fault, detail="", **more):
        if fault.name != "EYES_LOST":
            real(self, t_ns, fault, detail, **more)

    monkeypatch.setattr(Episode, "_raise_fault", deaf)
    assert "eyes gone: not in force" in violations(Action.HOLD, "eyes gone", "another's order")


def test_a_limp_robot_that_stiffens_again_is_found_out(monkeypatch):
    real = pairs.Judge.look

    def shake(self, snapshot):
        real(self, snapshot)
        if self.down_ns is not None:
            self.rig.body.write(snapshot.target)

    monkeypatch.setattr(pairs.Judge, "look", shake)
    assert "moved when limp" in violations(Action.DAMP, "IMU garbage", "stop")
