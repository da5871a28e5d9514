import mujoco
import numpy as np
import pytest

from yanshi.bodies.simulation import simulate
from yanshi.core.errors import ConfigError
from yanshi.worlds.home import build_home, build_visited_home
from yanshi.worlds.visitor import PACE_M_S, Visitor

SEED = 4


@pytest.fixture
def room():
    home = build_visited_home(SEED)
    model = home.spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return home, model, data


def walk(visitor, model, data, seconds):
    for _ in range(round(seconds / 0.02)):
        visitor.tick(data, 0.02)
        for _ in range(round(0.02 / model.opt.timestep)):
            mujoco.mj_step(model, data)


def test_the_visited_home_is_the_home_but_for_the_person_who_can_walk(room):
    _, model, data = room
    plain = build_home(SEED).spec.compile()
    other = mujoco.MjData(plain)
    mujoco.mj_forward(plain, other)
    assert model.nbody == plain.nbody
    assert model.njnt == plain.njnt + 3
    names = [plain.body(i).name for i in range(plain.nbody)]
    for name in names:
        np.testing.assert_allclose(data.body(name).xpos, other.body(name).xpos, atol=0.011)


def test_the_person_walks_straight_at_its_pace_and_stands_there(room):
    home, model, data = room
    visitor = Visitor(model, home)
    start = np.array(visitor.position)
    goal = start + [0.6, -0.3]
    visitor.walk_to((float(goal[0]), float(goal[1])))
    walk(visitor, model, data, 0.4)
    way = data.body(home.person).xpos[:2] - start
    assert np.linalg.norm(way) == pytest.approx(0.4 * PACE_M_S, abs=0.04)
    assert way[0] * -0.3 - way[1] * 0.6 == pytest.approx(0.0, abs=0.01)
    walk(visitor, model, data, 1.0)
    assert not visitor.is_walking
    np.testing.assert_allclose(data.body(home.person).xpos[:2], goal, atol=0.03)
    walk(visitor, model, data, 0.5)
    np.testing.assert_allclose(data.body(home.person).xpos[:2], goal, atol=0.03)


def test_the_person_faces_where_it_goes(room):
    home, model, data = room
    visitor = Visitor(model, home)
    x, y = visitor.position
    visitor.walk_to((x - 0.8, y + 0.8))
    walk(visitor, model, data, 0.8)
    ahead = data.body(home.person).xmat.reshape(3, 3)[:2, 0]
    np.testing.assert_allclose(ahead, [-np.sqrt(0.5), np.sqrt(0.5)], atol=0.05)


def test_what_is_put_somewhere_lies_there(room):
    home, model, data = room
    thing = home.things[0]
    shelf = home.floor_plan.place("shelf")
    visitor = Visitor(model, home)
    visitor.put(data, thing.name, (*shelf.centre, shelf.height + 0.3))
    mujoco.mj_forward(model, data)
    np.testing.assert_allclose(data.body(thing.body).xpos[:2], shelf.centre)
    np.testing.assert_allclose(data.body(thing.body).cvel, 0.0, atol=1e-9)


def test_a_person_without_joints_cannot_be_a_visitor():
    simulation = simulate("home", SEED)
    with pytest.raises(ConfigError, match="visit"):
        Visitor(simulation.body.model, simulation.home)
    simulation.body.close()
