import pytest

from yanshi.bench import charge
from yanshi.bench.charge import bench_charge, measure_tick_us, rows_of


class NoBrain:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_the_figure_is_the_median_of_ratios_within_pairs():
    # What else the machine does makes whole pairs slower, not one of the two.
    pairs = [{"with": 1.01 * bare, "without": bare} for bare in (0.2, 0.4, 1.0)]
    ratio, bare, tick, share = rows_of(pairs, 10.0)
    assert (ratio.value, ratio.n, ratio.passed) == (pytest.approx(1.01), 3, True)
    assert ratio.interval == pytest.approx((1.01, 1.01))
    assert bare.value == 0.4
    # 10 µs of a tick of 20 ms, which takes 8 ms of the wall.
    assert (tick.value, share.value) == (10.0, pytest.approx(1.00125))
    assert not rows_of([{"with": 1.03, "without": 1.0}], 10.0)[0].passed


def test_charged_and_free_runs_take_turns_in_the_same_home(monkeypatch, tmp_path):
    runs = []

    def run_once(brain, seed, board):
        runs.append((seed, board))
        return 1.05 if board else 1.0

    monkeypatch.setattr(charge, "run_once", run_once)
    monkeypatch.setattr(charge, "Brain", NoBrain)
    assert bench_charge(2, 7, tmp_path / "out.json", "rpi5") == 1
    assert runs == [(7, ""), (7, ""), (7, "rpi5"), (8, "rpi5"), (8, "")]
    assert bench_charge(2, 7, tmp_path / "out.json", "rpi5") == 1
    assert len(runs) == 6  # Nothing but the one that warms up: the pairs are on record.


def test_a_tick_of_the_meter_takes_microseconds():
    assert 0.1 < measure_tick_us("rpi5") < 1000.0
