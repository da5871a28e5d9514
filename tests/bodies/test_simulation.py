"""A simulated robot in a world, made from a name and a seed."""

from yanshi.bodies.simulation import simulate
from yanshi.safety.plan_gate import KeepOut


def test_floor_that_is_forbidden_stands_on_the_plan_and_changes_nothing_else():
    plain = simulate("empty", 0)
    here, there = (KeepOut(centre=(x, 1.0), size=(0.5, 0.5)) for x in (1.0, 2.0))
    forbidden = plain.forbid([here]).forbid([there])
    assert plain.floor_plan.keep_out == ()
    assert forbidden.floor_plan.keep_out == (here, there)
    assert forbidden.floor_plan.size == plain.floor_plan.size
    assert forbidden.body is plain.body
    assert plain.forbid([]).floor_plan == plain.floor_plan
