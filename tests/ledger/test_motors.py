import numpy as np
import pytest

from yanshi.ledger.motors import AMBIENT_C, RESISTIVE, TIME_CONSTANT_S, WARM_K, WARM_TORQUE, Motors
from yanshi.robots.spec import JointLimits


def limits(torque=(90.0, 30.0, 10.0), velocity=(30.0, 20.0, 10.0)):
    n = len(torque)
    return JointLimits(
        lower=np.full(n, -1.0),
        upper=np.full(n, 1.0),
        velocity=np.array(velocity),
        torque=np.array(torque),
    )


def test_motors_pay_for_the_work_they_do_and_get_nothing_back():
    motors = Motors(limits())
    watt = motors.draw(np.array([9.0, -3.0, 5.0]), np.array([2.0, -3.0, -40.0]), 0.5)
    copper = RESISTIVE * np.array([30.0 / 90.0 * 81.0, 20.0 / 30.0 * 9.0, 1.0 * 25.0])
    # The third brakes by more than it heats: it draws nothing and gives nothing.
    assert watt == pytest.approx(18.0 + copper[0] + 9.0 + copper[1])
    assert motors.work_joules == pytest.approx(0.5 * 27.0)
    assert motors.copper_joules == pytest.approx(0.5 * copper.sum())


def test_holding_still_costs_the_square_of_the_torque():
    motors = Motors(limits())
    still = np.zeros(3)
    once = motors.draw(np.array([10.0, 0.0, 0.0]), still, 0.02)
    assert motors.draw(np.array([20.0, 0.0, 0.0]), still, 0.02) == pytest.approx(4.0 * once)
    assert motors.draw(-np.array([20.0, 0.0, 0.0]), still, 0.02) == pytest.approx(4.0 * once)


def test_a_motor_under_a_load_comes_to_rest_where_it_was_said_and_cools_down_again():
    motors = Motors(limits())
    held, still = WARM_TORQUE * limits().torque, np.zeros(3)
    for _ in range(round(TIME_CONSTANT_S)):
        motors.draw(held, still, 1.0)
    # After one time constant, 1 - 1/e of the way.
    np.testing.assert_allclose(motors.temperature_c - AMBIENT_C, WARM_K * 0.632, rtol=0.01)
    for _ in range(round(9.0 * TIME_CONSTANT_S)):
        motors.draw(held, still, 1.0)
    np.testing.assert_allclose(motors.temperature_c - AMBIENT_C, WARM_K, rtol=0.001)
    for _ in range(round(9.0 * TIME_CONSTANT_S)):
        motors.draw(still, still, 1.0)
    np.testing.assert_allclose(motors.temperature_c, AMBIENT_C, atol=0.1)
