"""The soak: a leak is found among the noise, and a short one runs for real."""

import gc
import json
import mmap
import os
import subprocess
import sys
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest

from yanshi.bench import soak
from yanshi.bench.soak import (
    WEIGHED_EVERY_S,
    Orders,
    Scales,
    anonymous_mb,
    growth_of,
)


@pytest.mark.parametrize("leak", [0.0, 0.5, 30.0])
def test_a_leak_is_measured_among_what_comes_and_goes(leak):
    rng = np.random.default_rng(0)
    t_s = np.arange(0.0, 3600.0, WEIGHED_EVERY_S)
    comes_and_goes = 3.0 * (rng.random(t_s.size) < 0.2)
    warm_up = 40.0 * np.exp(-t_s / 100.0)
    mb = 300.0 + leak * t_s / 3600.0 + comes_and_goes - warm_up
    growth = growth_of(t_s.tolist(), mb.tolist())
    assert growth.mb_per_h == pytest.approx(leak, abs=0.2)
    assert growth.interval[0] <= growth.mb_per_h <= growth.interval[1]


def test_what_is_given_back_all_the_time_is_no_leak_and_does_not_hide_one():
    rng = np.random.default_rng(0)
    t_s = np.arange(0.0, 3600.0, WEIGHED_EVERY_S)
    for leak in (0.0, 3.0):
        found = [
            growth_of(t_s, leak * t_s / 3600.0 + rng.uniform(0.0, 8.0, t_s.size)) for _ in range(20)
        ]
        assert max(abs(growth.mb_per_h - leak) for growth in found) < 0.7
        covers = [growth.interval[0] <= leak <= growth.interval[1] for growth in found]
        assert sum(covers) >= 16


def test_from_a_moment_no_growth_can_be_told():
    growth = growth_of([0.0, 1.0], [100.0, 200.0])
    assert (growth.mb_per_h, growth.interval, growth.n) == (0.0, None, 1)


def test_an_order_is_given_when_there_is_nothing_to_do_and_none_after_the_end():
    orders = Orders(end_ns=10_000_000_000)
    assert orders.next(0, is_idle=True) is None
    first = orders.next(1_000_000_000, is_idle=True)
    assert orders.next(2_000_000_000, is_idle=False) is None
    second = orders.next(3_000_000_000, is_idle=True)
    assert second.sentence != first.sentence
    assert second.number > first.number
    assert orders.next(10_000_000_000, is_idle=True) is None
    assert orders.is_over
    assert orders.count == 2


def tick(scales, t_s):
    scales.on_tick(SimpleNamespace(t_ns=round(t_s * 1e9)))


def test_scales_weigh_when_it_is_time_and_keep_nothing_but_the_figures():
    def count_futures():
        gc.collect()
        return sum(isinstance(one, Future) for one in gc.get_objects())

    before = count_futures()
    with Scales({"own": os.getpid()}) as scales:
        for t_s in np.arange(0.0, 20.0 * WEIGHED_EVERY_S, 0.5 * WEIGHED_EVERY_S):
            tick(scales, t_s)
    assert scales.t_s == pytest.approx(np.arange(20.0) * WEIGHED_EVERY_S)
    assert all(mb > 20.0 for mb in scales.mb["own"])
    assert count_futures() <= before


def test_a_process_that_is_gone_is_told_in_the_end():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    scales = Scales({"gone": gone.pid})
    tick(scales, 0.0)
    with pytest.raises(OSError, match="No such"):
        scales.close()


def test_a_short_one_weighs_every_process_and_counts_what_was_done(tmp_path):
    out = tmp_path / "s.json"
    soak.bench_soak(0.1, 1, out, is_real_time=False)
    rows = {row["name"]: row["value"] for row in json.loads(out.read_text())["rows"]}
    assert rows["minutes"] >= 0.1
    assert rows["orders"] >= 1
    assert rows["falls"] == rows["MuJoCo warnings"] == 0
    # The process that balances is the tests' own here.
    own_mb = anonymous_mb(os.getpid())
    assert rows["balance: memory in the end"] == pytest.approx(own_mb, rel=0.3)
    for name in ("mind", "eyes"):
        assert 20.0 < rows[f"{name}: memory in the end"] < 800.0


def test_apart_body_and_watch_are_weighed_too(tmp_path):
    out = tmp_path / "s.json"
    soak.bench_soak(0.05, 1, out, is_real_time=True, apart=True)
    rows = {row["name"]: row["value"] for row in json.loads(out.read_text())["rows"]}
    for name in ("balance", "body", "watch", "mind", "eyes"):
        assert rows[f"{name}: memory in the end"] > 5.0
    assert 0.0 <= rows["reflex ticks that were late"] <= 1.0


def test_what_a_process_takes_for_itself_is_weighed_and_pages_of_files_are_not(tmp_path):
    before_mb = anonymous_mb(os.getpid())
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(30_000_000)
    pages = np.memmap(path, dtype=np.uint8, mode="r")
    assert pages.sum() == 0  # Every page has been fetched.
    assert anonymous_mb(os.getpid()) - before_mb < 5.0
    # Nothing here is of the heap, which may have so much to spare, or keep it.
    own = mmap.mmap(-1, 30_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for page in range(0, len(own), mmap.PAGESIZE):
        own[page] = 1
    assert anonymous_mb(os.getpid()) - before_mb > 25.0
    own.close()
