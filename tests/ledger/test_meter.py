import numpy as np
import pytest

from yanshi.core.errors import UnknownNameError
from yanshi.ledger.meter import open_meter
from yanshi.ledger.roofline import NeededError


def test_motors_pay_for_the_work_they_do_and_get_nothing_back():
    meter = open_meter("orin-nx")
    meter.move(np.array([10.0, -2.0, 5.0]), np.array([2.0, -3.0, -4.0]), 0.5)
    assert meter.motor_joules == pytest.approx(0.5 * (20.0 + 6.0))
    assert meter.bill(1.0).joules["motors, work alone"] == 13.0


def test_a_thought_takes_longer_with_more_tokens_and_on_a_smaller_board():
    small, large = open_meter("rpi5"), open_meter("t5000")
    assert small.thought_s((10, 5)) < small.thought_s((10, 10)) < small.thought_s((40, 10))
    assert small.thought_s((10, 5)) > 3.0 * large.thought_s((10, 5))


def test_thoughts_are_counted_and_their_energy_is_power_by_time():
    meter = open_meter("orin-nx")
    took_s = [meter.think((10, 5)) for _ in range(3)]
    bill = meter.bill(10.0)
    assert bill.thoughts == 3
    assert bill.thinking_s == pytest.approx(sum(took_s), abs=1e-4)
    assert bill.joules["board, thinking"] == pytest.approx(7.5 * sum(took_s), rel=0.01)
    assert bill.joules["board, idle"] == 100.0
    assert bill.board_watt == pytest.approx(10.0 + 0.75 * sum(took_s), rel=0.01)
    assert bill.endurance_h == pytest.approx(432.0 / (216.0 + bill.board_watt), rel=0.001)


def test_a_board_that_cannot_be_charged_is_refused_before_anything_moves():
    with pytest.raises(UnknownNameError, match="orin-nx"):
        open_meter("orin-nx-17")
    with pytest.raises(NeededError, match="rdk-s100"):
        open_meter("rdk-s100")
