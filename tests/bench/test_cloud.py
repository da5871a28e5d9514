"""Orders over a rough link: nothing stale, nothing twice; a short form of `yanshi bench cloud`."""

import pytest

from yanshi.bench.cloud import Barrage, Bench, outage, rows_of
from yanshi.bench.stand_in_endpoint import order


def test_a_stale_step_and_one_begun_twice_are_found():
    words = Barrage(5, 2)
    first, second = (order(number)[1].split("; ") for number in (5, 6))
    words.next(2_000_000_000, is_idle=True)
    words.on_event(0, "plan", order(5)[1])
    words.on_event(0, "begin", first[0])
    words.next(1 << 61, is_idle=True)
    words.on_event(0, "begin", second[0])  # In advance of its plan.
    words.on_event(0, "plan", order(6)[1])
    words.on_event(0, "begin", second[1])
    assert (words.strays, words.repeats) == ([], [])
    words.on_event(0, "begin", first[0])
    words.on_event(0, "begin", second[0])
    assert (words.strays, words.repeats) == ([first[0]], [second[0]])


def test_a_question_back_to_each_of_two_orders_is_neither():
    words = Barrage(5, 2)
    for t_ns in (2_000_000_000, 1 << 61):
        words.next(t_ns, is_idle=True)
        words.on_event(0, "plan", "ask unclear")
        words.on_event(0, "begin", "ask unclear")
    assert (words.strays, words.repeats) == ([], [])
    words.on_event(0, "begin", "ask unclear")
    assert words.repeats == ["ask unclear"]


def test_a_first_step_that_was_begun_in_advance_is_not_begun_again():
    words = Barrage(5, 1)
    words.next(2_000_000_000, is_idle=True)
    first = order(5)[1].split("; ")[0]
    words.on_event(0, "begin", first)
    words.on_event(0, "plan", order(5)[1])
    assert words.repeats == []
    words.on_event(0, "begin", first)
    assert words.repeats == [first]


@pytest.mark.alone
def test_over_a_rough_link_no_step_is_stale_or_done_twice():
    bench = Bench(seed=2)
    try:
        trials = [bench.batch(index, 12) for index in range(2)]
    finally:
        bench.close()
    rows = {row.name: row for row in rows_of(trials, {"failover_ms": [1.0], "return_s": [1.0]})}
    assert [len(trial["plans"]) for trial in trials] == [12, 12]
    for name in ("rough", "smooth"):
        assert rows[f"{name}: cloud's plans for another order"].value == 0.0
        assert rows[f"{name}: steps begun stale or twice"].value == 0
    assert rows["smooth: answered by the cloud"].value > 0.5
    assert all(trial["falls"] == 0 for trial in trials)


@pytest.mark.alone
def test_an_endpoint_that_goes_away_is_left_and_found_again():
    away = outage(times=1)
    assert max(away["failover_ms"]) < 3000.0
    assert max(away["return_s"]) < 30.0
