"""Each bound is told at once, and no temperature that swings makes the robot flap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.safety.faults import Fault
from yanshi.safety.heat import LEVELS, Heat

S = 1_000_000_000
WARM, HOT, SCORCHED = LEVELS


@pytest.mark.parametrize(
    ("hottest_c", "fault"),
    [
        (25.0, None),
        (79.9, None),
        (80.0, WARM),
        (89.9, WARM),
        (90.0, HOT),
        (99.9, HOT),
        (100.0, SCORCHED),
        (1e9, SCORCHED),
        (np.inf, SCORCHED),
        (np.nan, SCORCHED),
        (-np.inf, None),
    ],
)
def test_each_bound_is_told_at_once(hottest_c, fault):
    assert Heat().update(hottest_c, 0) is fault


def test_the_levels_are_told_from_mild_to_severe():
    assert LEVELS == (Fault.MOTOR_WARM, Fault.MOTOR_HOT, Fault.MOTOR_SCORCHED)


def levels(temperatures_c, heat=None):
    """Return what is told of temperatures that come once a second."""
    heat = heat or Heat()
    return [heat.update(c, k * S) for k, c in enumerate(temperatures_c)]


def test_a_level_ends_ten_seconds_after_it_has_become_five_degrees_cooler():
    assert levels([80.0] + [74.9] * 11) == [WARM] * 11 + [None]
    assert levels([80.0] + [75.0] * 60) == [WARM] * 61
    assert levels([90.0] + [84.9] * 11) == [HOT] * 11 + [WARM]
    assert levels([100.0] + [20.0] * 11) == [SCORCHED] * 11 + [None]


def test_whoever_gets_warm_again_in_between_has_ten_more_seconds():
    assert levels([80.0] + [70.0] * 9 + [76.0] + [70.0] * 11) == [WARM] * 21 + [None]


def test_it_is_told_again_and_the_next_bound_is_told_though_the_last_one_is_cooling():
    assert levels([80.0] + [70.0] * 11 + [80.0])[-2:] == [None, WARM]
    assert levels([80.0, 70.0, 91.0]) == [WARM, WARM, HOT]


@given(st.lists(st.floats(60.0, 110.0), max_size=200))
def test_a_level_is_never_left_sooner_than_ten_seconds_after_it_was_taken_up(temperatures_c):
    told = levels(temperatures_c)
    rank = [0 if fault is None else 1 + LEVELS.index(fault) for fault in told]
    since = 0
    for k, (a, b) in enumerate(zip(rank, rank[1:], strict=False), start=1):
        if b < a:
            assert k - since > 10
        if b != a:
            since = k
    due = [sum(c >= bound for bound in (80, 90, 100)) for c in temperatures_c]
    assert all(r >= d for r, d in zip(rank, due, strict=True))
