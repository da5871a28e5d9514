import numpy as np
import pytest

from yanshi.core.messages import BaseEstimate, JointTarget, Plan, Step, Thing, read_only


def test_a_message_does_not_change_when_its_maker_writes_on():
    angles = np.zeros(3)
    target = JointTarget(t_ns=0, position=angles, stiffness=angles, damping=angles)
    angles[0] = 1.0
    assert target.position[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        target.position[0] = 2.0


def test_only_an_array_that_nobody_can_write_to_is_shared():
    frozen = read_only([1.0, 2.0])
    assert read_only(frozen) is frozen
    writable = np.zeros(3)
    view = writable[:]
    view.flags.writeable = False  # Its base can still be written to.
    assert read_only(view) is not view
    assert read_only(np.zeros(2, dtype=np.float32)).dtype == np.float64


def test_yaw_is_the_heading_of_the_pelvis():
    for yaw in (-2.0, 0.0, 0.7, 3.0):
        base = BaseEstimate(
            t_ns=0,
            position=np.zeros(3),
            orientation_wxyz=[np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)],
            velocity=np.zeros(3),
        )
        assert base.yaw == pytest.approx(yaw)


def test_plans_and_things_print_as_the_plan_language_writes_them():
    plan = Plan(steps=(Step(skill="go", arguments=("table",)), Step(skill="wave")))
    assert str(plan) == "go table; wave"
    person = Thing(kind="person", colour="", position=(0, 0, 1), confidence=0.9, t_ns=0)
    assert person.name == "person"
