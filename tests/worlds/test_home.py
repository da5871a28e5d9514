"""Homes: reachable, stable, the same for the same seed."""

from collections import deque

import mujoco
import numpy as np
import pytest

from yanshi.worlds.home import build_home
from yanshi.worlds.layout import front_point, measure_clearance, reachable_cells

SEEDS = range(100, 124)


def put_post(spec, name, radius):
    """Add a post that can be moved about as a probe; it collides with everything."""
    post = spec.worldbody.add_body(name=name, mocap=True, pos=(0.0, 0.0, 5.0))
    post.add_geom(
        name=name, type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(radius, 0.5, 0.0), margin=0.0
    )


def touches(model, data, name, point):
    """Return the names of furniture, walls and people that the post would touch there."""
    body = model.body(name)
    data.mocap_pos[body.mocapid[0]] = (*point, 0.6)
    mujoco.mj_forward(model, data)
    geom, found = model.geom(name).id, set()
    for other in range(model.ngeom):
        fixed = model.body_weldid[model.geom_bodyid[other]] == 0
        floor = model.geom_type[other] == mujoco.mjtGeom.mjGEOM_PLANE
        if other == geom or floor or not fixed or not model.geom_contype[other]:
            continue
        if mujoco.mj_geomDistance(model, data, geom, other, 0.01, None) < -0.002:
            found.add(model.body(model.geom_bodyid[other]).name or model.geom(other).name)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_on_the_furniture_stays_there(seed):
    home = build_home(seed)
    home.spec.option.timestep = 0.002
    model = home.spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    before = {thing.body: data.body(thing.body).xpos.copy() for thing in home.things}
    for _ in range(250):
        mujoco.mj_step(model, data)
    for thing in home.things:
        assert np.linalg.norm(data.body(thing.body).xpos - before[thing.body]) < 0.004, thing.name
    assert data.warning.number.sum() == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_post_as_wide_as_the_robot_fits_before_every_place_and_at_the_start(seed):
    home = build_home(seed)
    put_post(home.spec, "wide", 0.8)
    put_post(home.spec, "robot", 0.38)
    model = home.spec.compile()
    data = mujoco.MjData(model)
    plan = home.floor_plan
    assert touches(model, data, "wide", plan.start[:2]) == set()
    data.mocap_pos[:, 2] = 5.0
    for place in plan.places:
        assert touches(model, data, "robot", front_point(place)) == set(), place.name


@pytest.mark.parametrize("seed", SEEDS)
def test_every_place_the_person_and_a_dance_floor_can_be_walked_to(seed):
    home = build_home(seed)
    plan = home.floor_plan
    model = home.spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    person = tuple(data.body(home.person).xpos[:2])
    clearance = measure_clearance(plan.size, plan.places, person)
    free = clearance.distance >= 0.4
    # The oracle: a plain breadth-first walk, cell by cell.
    start = clearance.cell(plan.start[:2])
    seen, queue = {start}, deque([start])
    while queue:
        i, j = queue.popleft()
        for cell in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
            inside = 0 <= cell[0] < free.shape[0] and 0 <= cell[1] < free.shape[1]
            if inside and free[cell] and cell not in seen:
                seen.add(cell)
                queue.append(cell)
    assert {tuple(map(int, c)) for c in np.argwhere(reachable_cells(free, start))} == seen
    for place in plan.places:
        assert clearance.cell(front_point(place)) in seen, place.name
    assert max(clearance.distance[cell] for cell in seen) >= 1.1
    gaps = [np.hypot(clearance.x[i] - person[0], clearance.y[j] - person[1]) for i, j in seen]
    assert min(gaps) < 0.95


@pytest.mark.parametrize("seed", SEEDS)
def test_things_stand_on_surfaces_and_none_is_there_twice(seed):
    home = build_home(seed)
    model = home.spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    names = [thing.name for thing in home.things]
    assert len(set(names)) == len(names)
    assert 5 <= len(names) <= 8
    heights = {place.height for place in home.floor_plan.places if place.has_surface}
    for thing in home.things:
        z = data.body(thing.body).xpos[2]
        assert any(0.005 < z - height < 0.13 for height in heights), thing.name


def test_the_same_seed_builds_the_same_home_and_another_seed_another():
    first, again, other = (build_home(seed) for seed in (7, 7, 8))
    models = [home.spec.compile() for home in (first, again)]
    for field in ("geom_pos", "geom_rgba", "geom_size", "body_pos", "mesh_vert", "tex_data"):
        np.testing.assert_array_equal(*(getattr(model, field) for model in models))
    assert first.floor_plan == again.floor_plan
    assert first.floor_plan != other.floor_plan


@pytest.mark.parametrize(
    ("seed", "names", "last", "total"),
    [
        (
            0,
            "blue plate, brown sausage, orange plate, blue book, green cup, yellow ball, "
            "yellow cube, yellow cup",
            (-1.841817, -1.832487, 0.798536),
            9.769977,
        ),
        (
            7,
            "yellow box, yellow banana, yellow book, green book, green bowl, white cup, white can",
            (0.446706, -0.950201, 0.828816),
            -0.266007,
        ),
    ],
)
def test_homes_stay_as_they_were_when_other_worlds_get_more_kinds(seed, names, last, total):
    home = build_home(seed)
    qpos = home.spec.compile().qpos0
    assert [thing.name for thing in home.things] == names.split(", ")
    np.testing.assert_allclose(qpos[-7:-4], last, atol=2e-6)
    assert qpos.sum() == pytest.approx(total, abs=2e-6)


def test_sixty_homes_use_every_kind_and_colour():
    things = [thing for seed in range(60) for thing in build_home(seed).things]
    assert len({thing.kind for thing in things}) == 13
    assert len({thing.colour for thing in things}) == 8
