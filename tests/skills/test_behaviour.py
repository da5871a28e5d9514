"""Behaviours that are broken off."""

import pytest

from yanshi.core.errors import UnreachableError
from yanshi.skills.behaviour import as_far_as, as_long_as


def counting(end: int, log: list[str]):
    try:
        percept = None
        for number in range(end):
            percept = yield number
        return percept
    finally:
        log.append("closed")


def carry_on(behaviour, percepts):
    """Send percepts until it ends; return what was yielded, and the result."""
    targets = [next(behaviour)]
    for percept in percepts:
        try:
            targets.append(behaviour.send(percept))
        except StopIteration as end:
            return targets, end.value
    return targets, "goes on"


def test_while_it_holds_a_behaviour_goes_on_to_its_end():
    log: list[str] = []
    outer = as_long_as(0, counting(3, log), lambda percept: True)
    assert carry_on(outer, [1, 2, 3]) == ([0, 1, 2], (3, 3))
    assert log == ["closed"]


def test_when_it_holds_no_more_the_behaviour_is_closed_and_came_to_nothing():
    log: list[str] = []
    outer = as_long_as(0, counting(9, log), lambda percept: percept < 2)
    assert carry_on(outer, [1, 2, 3]) == ([0, 1], (2, None))
    assert log == ["closed"]


def test_what_ends_at_once_yields_nothing():
    outer = as_long_as(7, counting(0, []), lambda percept: False)
    with pytest.raises(StopIteration) as end:
        next(outer)
    assert end.value.value == (7, None)


def test_a_way_that_ends_early_leaves_what_is_known_where_it_ended():
    def way(end: int):
        yield from counting(end, [])
        raise UnreachableError("Something unseen stands there.")

    assert carry_on(as_far_as(0, way(2)), [1, 2]) == ([0, 1], (2, False))
    assert carry_on(as_far_as(0, counting(2, [])), [1, 2]) == ([0, 1], (2, True))
    with pytest.raises(StopIteration) as end:
        next(as_far_as(7, way(0)))
    assert end.value.value == (7, False)
