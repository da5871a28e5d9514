"""What stands in the way of a hand."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.skills.rig import thing

from yanshi.core.messages import Scene, Solid, Thing
from yanshi.skills.fetch import CLOSE_M, in_the_way

APPLE = 0.07
"""Its width, m."""


def solid_thing(name: str, x: float, y: float, size=(0.06, 0.06, 0.12), z: float = 0.8) -> Thing:
    """Return a thing that stands on something at a height, seen from near."""
    solid = Solid(shape="box", position=(x, y, z + 0.5 * size[2]), size=size, yaw=0.0)
    return replace(thing(name, *solid.position), solid=solid)


WANTED = solid_thing("red apple", 1.0, 0.0, (APPLE, APPLE, APPLE))


def blocker(*others: Thing) -> str | None:
    """Return the name of what is in the way of the apple."""
    found = in_the_way(Scene(t_ns=0, things=(*others, WANTED)), WANTED)
    return found and found.name


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 0.3), st.floats(0.0, 0.3))
def test_the_nearest_is_in_the_way_if_it_is_close(one, other):
    can = solid_thing("red can", 1.0 + 0.065 + one, 0.0)
    cup = solid_thing("blue cup", 1.0, 0.065 + other)
    near, gap = min(((can.name, one), (cup.name, other)), key=lambda pair: pair[1])
    if abs(one - other) > 1e-6 and abs(gap - CLOSE_M) > 1e-6:
        assert blocker(can, cup) == (near if gap < CLOSE_M else None)


def test_what_no_hand_takes_is_not_put_aside_and_neither_is_what_is_not_sure():
    assert blocker(solid_thing("red bowl", 1.12, 0.0, (0.16, 0.16, 0.06))) is None
    assert blocker(solid_thing("red plate", 1.08, 0.0, (0.08, 0.08, 0.02))) is None
    assert blocker(solid_thing("red can", 1.08, 0.0)) == "red can"
    assert blocker(replace(solid_thing("red can", 1.08, 0.0), confidence=0.3)) is None
    assert blocker(replace(solid_thing("red can", 1.08, 0.0), solid=None)) is None
    assert blocker(replace(solid_thing("red can", 1.08, 0.0), kind="person")) is None


def test_what_stands_on_another_board_or_is_the_thing_itself_is_not_in_the_way():
    assert blocker(solid_thing("red can", 1.08, 0.0, z=1.1)) is None
    assert blocker(solid_thing("red ball", 1.01, 0.0, (APPLE, APPLE, APPLE))) is None


def test_alone_or_unmeasured_nothing_is_in_the_way():
    assert blocker() is None
    unmeasured = replace(WANTED, solid=None)
    scene = Scene(t_ns=0, things=(unmeasured, solid_thing("red can", 1.08, 0.0)))
    assert in_the_way(scene, unmeasured) is None
