"""What is kept of a failure is the robot's moment before it, and all of it."""

import numpy as np

from yanshi.train.retry import Retries

N, PERIOD = 6, 4


def moments(tick):
    """Return rows that say who and when."""
    who = np.arange(N)
    return {"tick": np.full(N, tick), "who": np.stack([who, 10 * who], axis=1)}


def watched(ticks, *, room=8):
    retries = Retries(N, moments(0), period=PERIOD, room=room)
    for tick in range(1, ticks + 1):
        retries.note(moments(tick))
    return retries


def drawn(retries, draws=40):
    rows = {"tick": np.zeros(draws, dtype=int), "who": np.zeros((draws, 2), dtype=int)}
    retries.put_back(np.arange(draws), rows, np.random.default_rng(0))
    return rows


def test_the_moment_is_one_to_two_periods_old_and_the_failing_robots_own():
    for ticks in range(2 * PERIOD, 5 * PERIOD):
        retries = watched(ticks)
        retries.keep(np.array([1, 4]))
        rows = drawn(retries)
        age = ticks - rows["tick"]
        assert ((age >= PERIOD) & (age < 2 * PERIOD)).all()
        assert set(rows["who"][:, 0].tolist()) == {1, 4}
        np.testing.assert_array_equal(rows["who"][:, 1], 10 * rows["who"][:, 0])


def test_a_failure_too_soon_after_a_start_leaves_nothing():
    retries = watched(3 * PERIOD)
    retries.begin(np.array([2]))
    for tick in range(3 * PERIOD + 1, 4 * PERIOD + 1):
        retries.note(moments(tick))
    retries.keep(np.array([2]))
    assert len(retries) == 0
    retries.keep(np.array([3]))
    assert len(retries) == 1


def test_only_the_latest_failures_are_kept():
    retries = watched(4 * PERIOD, room=2)
    for who in (0, 1, 2):
        retries.keep(np.array([who]))
    assert len(retries) == 2
    assert set(drawn(retries)["who"][:, 0].tolist()) == {1, 2}


def test_saved_notes_go_on_as_if_never_interrupted():
    one, other = watched(9), Retries(N, moments(0), period=PERIOD, room=8)
    other.load_state_dict(one.state_dict())
    for tick in range(10, 15):
        for retries in (one, other):
            retries.note(moments(tick))
    for retries in (one, other):
        retries.keep(np.array([5]))
    for name, rows in drawn(one).items():
        np.testing.assert_array_equal(rows, drawn(other)[name])
