"""Thinking beside the balance: ticks go on, and what comes of it is handed back."""

import threading
from dataclasses import replace

import pytest
from tests.skills.rig import Rig

from yanshi.core.errors import UnreachableError
from yanshi.core.messages import JointTarget
from yanshi.skills.aside import CHARGE_TICKS, aside


def think_beside(rig: Rig, tools, think, ticks_max=1000, at_tick=lambda number: None):
    """Return how many ticks a thought took, and what came of it."""
    behaviour = aside(tools, rig.percept(), think)
    target, ticks = next(behaviour), 0
    try:
        while ticks < ticks_max:
            assert isinstance(target, JointTarget)
            ticks += 1
            at_tick(ticks)
            target = behaviour.send(rig.percept())
    except StopIteration as end:
        _, answer = end.value
        return ticks, answer
    raise AssertionError("It never ended.")


def test_a_thought_takes_the_same_time_on_the_simulated_clock_however_long_it_is(rig: Rig):
    gate = threading.Event()

    def open_gate(number):
        if number == CHARGE_TICKS:
            gate.set()

    assert think_beside(rig, rig.tools, lambda: 7) == (CHARGE_TICKS, 7)
    slow = think_beside(rig, rig.tools, lambda: gate.wait(10.0), at_tick=open_gate)
    assert slow == (CHARGE_TICKS, True)


def test_on_the_wall_clock_the_robot_stands_until_the_thought_is_there(rig: Rig):
    gate = threading.Event()
    tools = replace(rig.tools, waits=False)
    late = 3 * CHARGE_TICKS

    def open_gate(number):
        if number == late:
            gate.set()

    ticks, answer = think_beside(
        rig, tools, lambda: gate.wait(10.0), ticks_max=10**6, at_tick=open_gate
    )
    assert ticks >= late
    assert answer is True


def test_why_there_is_no_way_is_handed_back_and_other_errors_are_raised(rig: Rig):
    def no_way():
        raise UnreachableError("A wall.")

    def broken():
        raise ZeroDivisionError

    ticks, answer = think_beside(rig, rig.tools, no_way)
    assert ticks == CHARGE_TICKS
    assert isinstance(answer, UnreachableError)
    with pytest.raises(ZeroDivisionError):
        think_beside(rig, rig.tools, broken)
