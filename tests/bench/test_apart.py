"""A trial with three processes ends one of them and tells what the body did then."""

import pytest

from yanshi.bench.apart import lose_a_process


@pytest.mark.alone
def test_a_process_that_balances_and_is_killed_leaves_a_limp_robot_and_nobody_behind():
    for k in (3, 4, 5):
        trial = lose_a_process("killed", "wait 60", k)
        if trial["limp_ms"] > 0.0:  # Else this machine held the balance up for 50 ms before.
            break
    assert trial["limp_ms"] > 0.0
    assert trial["why"] in ("watch", "silence")  # Whichever this machine lets run first.
    assert trial["end"] == "lies"
    assert trial["mujoco_warnings"] == 0
