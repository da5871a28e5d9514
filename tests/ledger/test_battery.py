import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.ledger.battery import EMPTY, LOW, Battery


def test_a_small_load_gets_nearly_the_whole_capacity():
    battery = Battery(capacity_wh=432.0)
    hours = 0.0
    while battery.charge > 0.0:
        battery.drain(43.2, 60.0)
        hours += 1.0 / 60.0
    # The curve's mean voltage is a little above the nominal one.
    assert 10.0 <= hours <= 10.6
    assert battery.heat_joules < 0.01 * battery.drawn_joules


def test_a_large_load_sags_the_voltage_and_loses_more_as_heat():
    lost = []
    for watt in (100.0, 400.0):
        battery = Battery(capacity_wh=432.0)
        battery.drain(watt, 3600.0 * 10.0 / watt)  # 10 Wh.
        lost.append(battery.heat_joules)
        ampere = watt / battery.volt
        assert battery.open_volt > battery.volt
        assert battery.heat_joules == pytest.approx(
            (Battery(capacity_wh=432.0).open_volt - battery.volt) * ampere * 36000.0 / watt
        )
    assert lost[1] > 3.9 * lost[0]


def test_more_than_it_can_give_is_not_given_and_noted():
    battery = Battery(capacity_wh=432.0)
    battery.drain(1e6, 0.1)
    assert battery.is_overdrawn
    assert battery.volt == pytest.approx(Battery(capacity_wh=432.0).open_volt / 2.0)
    assert battery.drawn_joules < 1e5


def test_it_is_low_before_it_is_empty():
    assert not Battery(capacity_wh=1.0, charge=LOW).is_low
    low = Battery(capacity_wh=1.0, charge=LOW - 0.01)
    assert low.is_low
    assert not low.is_empty
    assert Battery(capacity_wh=1.0, charge=EMPTY - 0.01).is_empty


@given(st.floats(10.0, 3000.0), st.floats(0.0, 1.0), st.floats(0.0, 5000.0))
def test_charge_only_falls_and_energy_is_never_made(capacity_wh, charge, watt):
    battery = Battery(capacity_wh=capacity_wh, charge=charge)
    before = battery.charge
    battery.drain(watt, 0.02)
    assert 0.0 <= battery.charge <= before
    assert battery.heat_joules >= 0.0
    assert battery.volt <= battery.open_volt + 1e-9 + 0.01 * battery.cells
