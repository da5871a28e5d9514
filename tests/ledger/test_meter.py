import math

import numpy as np
import pytest

from yanshi.core.errors import ConfigError, UnknownNameError
from yanshi.ledger import catalog
from yanshi.ledger.meter import ELECTRONICS_WATT, SENSORS_WATT, open_meter
from yanshi.ledger.roofline import NeededError
from yanshi.ledger.thinkers import InCloud
from yanshi.ledger.weather import Weather
from yanshi.robots.g1.spec import G1

N = len(G1.joint_names)
STILL = np.zeros(N)


def stand(meter, seconds, torque=0.0, velocity=0.0, tick_s=0.02):
    for _ in range(round(seconds / tick_s)):
        meter.tick(np.full(N, torque), np.full(N, velocity), tick_s)


def test_thoughts_are_counted_and_their_energy_is_power_by_time():
    meter = open_meter("orin-nx", G1.limits)
    took_s = [meter.think((10, 5), 0.0) for _ in range(3)]
    stand(meter, 10.0)
    bill = meter.bill(10.0)
    assert bill.thoughts == 3
    assert bill.thinking_s == pytest.approx(sum(took_s), abs=1e-4)
    # The board is given as 10 to 25 W: a thought takes half of what is between.
    assert bill.joules["board, thinking"] == pytest.approx(7.5 * sum(took_s), rel=0.01)
    assert bill.joules["board, idle"] == pytest.approx(100.0)
    assert bill.thought_watt == pytest.approx(10.0 + 0.75 * sum(took_s) + 7.5 * 0.3, rel=0.01)


def test_the_parts_add_up_to_what_the_battery_gave():
    meter = open_meter("rpi5", G1.limits, link=catalog.links()["5g"])
    meter.think((10, 5), 0.0)
    meter.carry((9000, 400), 0.4)
    stand(meter, 5.0, torque=2.0, velocity=1.0)
    bill = meter.bill(5.0)
    assert sum(bill.joules.values()) == pytest.approx(bill.watt_hours * 3600.0, rel=1e-3)
    assert bill.joules["motors"] == pytest.approx(bill.work_joules + bill.copper_joules, rel=1e-3)
    assert bill.joules["radio"] == pytest.approx(1.0 * 5.0 + 4.0 * 0.4, rel=0.01)
    assert bill.mean_watt == pytest.approx(bill.watt_hours * 3600.0 / 5.0, rel=0.01)


def test_endurance_is_the_battery_over_the_mean_power_with_and_without_the_board():
    meter = open_meter("t5000", G1.limits)
    stand(meter, 10.0)
    bill = meter.bill(10.0)
    assert bill.endurance_h == pytest.approx(432.0 / bill.mean_watt, rel=0.01)
    alone = ELECTRONICS_WATT + SENSORS_WATT
    assert bill.endurance_without_h == pytest.approx(432.0 / alone, rel=0.02)
    assert bill.endurance_h < bill.endurance_without_h


def test_a_board_that_works_gets_warmer_than_one_that_does_not():
    idle, busy = open_meter("rpi5", G1.limits), open_meter("rpi5", G1.limits)
    for _ in range(60):
        busy.think((400, 60), 0.0)
        stand(busy, 1.0)
    stand(idle, 60.0)
    assert busy.board_c > idle.board_c + 2.0 > 27.0


def test_a_thought_that_never_comes_is_counted_as_lost():
    meter = open_meter("rpi5", G1.limits)
    meter.thinker = InCloud(
        model=catalog.models()["deepseek-v3"], weather=Weather(catalog.links()["none"])
    )
    assert math.isinf(meter.think((10, 5), 0.0))
    assert (meter.thoughts, meter.lost) == (1, 1)


def test_a_board_that_cannot_be_charged_is_refused_before_anything_moves():
    with pytest.raises(UnknownNameError, match="orin-nx"):
        open_meter("orin-nx-17", G1.limits)
    with pytest.raises(NeededError, match="rdk-s100"):
        open_meter("rdk-s100", G1.limits)
    with pytest.raises(NeededError, match="battery_wh"):
        open_meter("rpi5", G1.limits, robot="galbot-g1")
    with pytest.raises(ConfigError, match="1 to 100"):
        open_meter("rpi5", G1.limits, charge=0.0)


def test_a_tick_costs_next_to_nothing():
    import timeit

    meter = open_meter("rpi5", G1.limits)
    # 20 ms of the robot's life; a fiftieth would be 2 % at real time.
    took_s = min(timeit.repeat(lambda: meter.tick(STILL, STILL, 0.02), number=200, repeat=5)) / 200
    assert took_s < 0.0004
