"""Things: what they weigh, how they rest, what may be asked for."""

import colorsys

import mujoco
import numpy as np
import pytest

from yanshi.core.errors import ConfigError, UnknownNameError
from yanshi.worlds.things import (
    COLOURS,
    KINDS,
    PAINTS,
    SCALE_MAX,
    SCALE_MIN,
    add_thing,
    can_be_as_high,
    kind_of,
    vary_paint,
)

PAIRS = [(kind, kind_of(kind).colours[0]) for kind in KINDS]


def floor():
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=(2.0, 2.0, 0.1))
    return spec


@pytest.mark.parametrize(("kind", "colour"), PAIRS)
def test_a_thing_rests_where_it_was_put(kind, colour):
    spec = floor()
    thing = add_thing(
        spec, kind, colour, position=(0.1, 0.2, 0.0), yaw=0.7, rng=np.random.default_rng(3)
    )
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    before = data.body(thing.body).xpos.copy()
    for _ in range(750):
        mujoco.mj_step(model, data)
    body = data.body(thing.body)
    assert np.linalg.norm(body.xpos - before) < 0.003
    assert body.xmat[8] > 0.999
    assert data.warning.number.sum() == 0


@pytest.mark.parametrize(("kind", "colour"), PAIRS)
def test_a_thing_fits_the_cylinder_that_its_kind_states(kind, colour):
    spec = floor()
    thing = add_thing(spec, kind, colour, position=(0, 0, 0), yaw=0, rng=np.random.default_rng(5))
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    body = model.body(thing.body)
    geoms = np.flatnonzero(model.geom_bodyid == body.id)
    touched = [geom for geom in geoms if model.geom_contype[geom]]
    for geom in touched:
        middle, half = model.geom_aabb[geom, :3], model.geom_aabb[geom, 3:]
        corners = np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T * half + middle
        points = corners @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]
        assert (
            np.linalg.norm(points[:, :2], axis=1).max() < 1.45 * thing.radius
        )  # A box round a round thing.
    assert 0.01 < body.mass[0] < 0.6


def test_a_marble_dropped_into_a_bowl_stays_in_it():
    spec = floor()
    bowl = add_thing(spec, "bowl", "blue", position=(0, 0, 0), yaw=0, rng=np.random.default_rng(1))
    marble = spec.worldbody.add_body(name="marble", pos=(0.03, 0.0, 0.12))
    marble.add_freejoint()
    marble.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=(0.01, 0.0, 0.0), mass=0.01)
    model = spec.compile()
    data = mujoco.MjData(model)
    for _ in range(1000):
        mujoco.mj_step(model, data)
    offset = data.body("marble").xpos - data.body(bowl.body).xpos
    assert np.linalg.norm(offset[:2]) < 0.045
    assert 0.0 < data.body("marble").xpos[2] < 0.04


@pytest.mark.parametrize("colour", COLOURS)
def test_a_shade_stays_nearest_to_its_own_colour(colour):
    rng = np.random.default_rng(0)
    for _ in range(200):
        shade = np.array(vary_paint(colour, rng)[:3])
        nearest = min(PAINTS, key=lambda name: np.linalg.norm(shade - PAINTS[name]))
        assert nearest == colour


def test_white_is_the_only_colour_without_saturation():
    grey = [name for name, rgb in PAINTS.items() if colorsys.rgb_to_hsv(*rgb)[1] < 0.2]
    assert grey == ["white"]


def test_an_unknown_kind_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'bottle'"):
        add_thing(floor(), "botle", "red", position=(0, 0, 0), yaw=0, rng=np.random.default_rng())


def test_a_kind_is_refused_in_a_colour_that_it_does_not_come_in():
    with pytest.raises(ConfigError, match="A banana may be: yellow"):
        add_thing(floor(), "banana", "red", position=(0, 0, 0), yaw=0, rng=np.random.default_rng())


@pytest.mark.parametrize("kind", KINDS)
def test_a_thing_can_be_as_high_as_the_smallest_and_the_largest_of_its_kind(kind):
    usual = 2.0 * kind_of(kind).half_height
    for scale in (SCALE_MIN, 1.0, SCALE_MAX):
        assert can_be_as_high(kind, scale * usual)
    assert not can_be_as_high(kind, SCALE_MAX * usual + 0.011)
    assert not can_be_as_high(kind, SCALE_MIN * usual - 0.011)


def test_of_who_is_no_thing_nobody_knows_how_high():
    assert can_be_as_high("person", 1.9)
