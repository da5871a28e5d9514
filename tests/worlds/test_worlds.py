"""Worlds are found by name."""

import pytest

from yanshi.core.errors import UnknownNameError
from yanshi.worlds.worlds import WORLDS, find_world


@pytest.mark.parametrize("name", WORLDS)
def test_every_world_compiles_and_carries_its_own_name(name):
    world = find_world(name).build(5)
    assert world.floor_plan.name == name
    assert world.spec.compile().nbody >= 1
    assert all(find_world(name).summary)


def test_an_unknown_world_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="Did you mean 'home'.*empty, handover, home"):
        find_world("hoem")
