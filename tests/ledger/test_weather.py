import math
import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.ledger.catalog import Link, links
from yanshi.ledger.weather import Weather


def test_the_same_seed_gives_the_same_weather_and_another_another():
    def passages(seed):
        weather = Weather(links()["5g-poor"], seed)
        return [weather.passage_s(0.5 * n, 9000, 400) for n in range(400)]

    assert passages(1) == passages(1) != passages(2)


def test_delays_are_around_twice_the_median_and_loss_is_what_it_says():
    link = replace(links()["5g"], outage_every_s=0.0, loss=0.1)
    weather = Weather(link)
    passages = [weather.passage_s(0.0, 0, 0) for _ in range(4000)]
    there = [passage for passage in passages if passage is not None]
    mean_s = 2.0 * 0.010 * math.exp(0.5 * link.delay_spread**2)
    assert statistics.mean(there) == pytest.approx(mean_s, rel=0.05)
    assert len(there) / len(passages) == pytest.approx(0.9, abs=0.02)


def test_what_is_carried_takes_its_time():
    link = Link(id="thin", delay_ms=0.0, up_mbit_s=1.0, down_mbit_s=2.0)
    assert Weather(link).passage_s(0.0, 125_000, 250_000) == pytest.approx(2.0)


def test_outages_take_their_share_of_the_time():
    link = Link(id="breaks", delay_ms=1.0, outage_every_s=30.0, outage_s=10.0)
    weather = Weather(link, seed=5)
    out = [weather.passage_s(0.5 * n, 0, 0) is None for n in range(40_000)]
    assert sum(out) / len(out) == pytest.approx(10.0 / 40.0, abs=0.04)
    changes = sum(one != other for one, other in zip(out, out[1:], strict=False))
    assert 700 < changes < 1200  # About two for every 40 s of 20,000.


def test_no_link_carries_nothing():
    assert Weather(links()["none"]).passage_s(0.0, 1, 1) is None


@given(st.sampled_from(list(links())), st.integers(0, 99), st.floats(0.0, 1e5))
def test_nothing_comes_before_it_was_sent(name, seed, t_s):
    passage_s = Weather(links()[name], seed).passage_s(t_s, 1000, 100)
    assert passage_s is None or passage_s > 0.0
