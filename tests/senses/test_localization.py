"""The simulator's pelvis is the truth; pictures are the head camera's."""

from collections.abc import Iterator

import numpy as np
import pytest

from yanshi.bodies.mujoco_camera import MujocoCamera
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.messages import BaseEstimate
from yanshi.policies.walker import Velocity, Walker
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.senses.localization import Localization
from yanshi.senses.map_match import MapMatcher
from yanshi.senses.odometry import Odometry
from yanshi.senses.scene_memory import Surfaces

TICK_S = 0.02
WALKER = Walker(G1)
STILL: Velocity = (0.0, 0.0, 0.0)


class Walk:
    """A robot in a home that walks, looks and believes to be somewhere."""

    def __init__(self, *, seed: int = 3, off: tuple[float, float] = (0.0, 0.0)) -> None:
        self.simulation: Simulation = simulate("home", seed)
        self.body = self.simulation.body
        self.camera = MujocoCamera(self.body.model, HEAD_CAMERA)
        plan = self.simulation.floor_plan
        x, y, yaw = plan.start
        start = (x + off[0], y + off[1], yaw)
        kinematics = self.simulation.kinematics
        self.place = Localization(kinematics, start)
        self.matcher = MapMatcher(plan)
        self.legs = Odometry(kinematics, start)
        self.ticks, self.look_ticks = 0, 10
        self.has_feet = True
        WALKER.reset(self.body.read())

    def run(self, seconds: float, velocity: Velocity = STILL, *, looks: bool = True) -> None:
        for _ in range(round(seconds / TICK_S)):
            state = self.body.read()
            self.base = self.place.update(state, has_feet=self.has_feet)
            self.reckoned = self.legs.update(state)
            if looks and self.ticks % self.look_ticks == 0:
                viewpoint = self.place.viewpoint(state)
                image = self.camera.capture_at(self.body.data.qpos, state.t_ns)
                self.place.correct(
                    viewpoint, self.matcher.explain(Surfaces.of(image), (), viewpoint)
                )
            self.ticks += 1
            self.body.write(WALKER.step(state, velocity))
            self.body.advance(TICK_S)

    def fall(self) -> None:
        """Let it lose its feet for a moment, as far as it knows."""
        for self.has_feet in (False, True):
            self.run(TICK_S, looks=False)

    def error(self, base: BaseEstimate) -> float:
        return float(np.linalg.norm(base.position[:2] - self.body.data.body("pelvis").xpos[:2]))


@pytest.fixture
def walk() -> Iterator[Walk]:
    walk = Walk()
    yield walk
    walk.camera.close()


@pytest.fixture
def strayed() -> Iterator[Walk]:
    """A robot that stands 0.5 m from where it believes to be."""
    walk = Walk(off=(0.4, -0.3))
    yield walk
    walk.camera.close()


def test_after_a_fall_the_eyes_find_the_place_again(strayed):
    strayed.fall()
    assert strayed.base.position_sd > 0.4
    strayed.run(2.5)
    assert strayed.error(strayed.base) < 0.03
    assert strayed.base.position_sd < 0.12
    assert strayed.error(strayed.reckoned) > 0.45


def test_the_place_is_put_right_without_a_jump(strayed):
    strayed.fall()
    shifts = []
    for _ in range(100):
        strayed.run(TICK_S)
        shifts.append((strayed.base.position - strayed.reckoned.position)[:2])
    assert np.linalg.norm(shifts[-1]) > 0.45
    steps = np.linalg.norm(np.diff(shifts, axis=0), axis=1)
    assert steps.max() < 0.3 * TICK_S + 1e-4  # What it may move at, and the turn of the sway.


def test_who_has_not_fallen_does_not_believe_one_picture_that_asks_for_half_a_metre(strayed):
    strayed.run(TICK_S)
    before = strayed.base.position
    strayed.run(1.0)
    assert np.linalg.norm((strayed.base.position - before)[:2]) < 0.02


def test_what_many_pictures_ask_for_comes_true(strayed):
    """It slipped, and no fall was noticed."""
    strayed.look_ticks = 5
    strayed.run(7.0)
    assert strayed.error(strayed.base) < 0.03


def test_without_pictures_the_doubt_stays(strayed):
    strayed.fall()
    strayed.run(1.0, looks=False)
    assert strayed.base.position_sd > 0.4
    assert strayed.error(strayed.base) > 0.45


def test_a_picture_from_before_a_fall_tells_nothing_after_it(strayed):
    strayed.run(TICK_S, looks=False)
    state = strayed.body.read()
    viewpoint = strayed.place.viewpoint(state)
    surfaces = Surfaces.of(strayed.camera.capture_at(strayed.body.data.qpos, state.t_ns))
    strayed.fall()
    match = strayed.matcher.explain(surfaces, (), viewpoint)
    found = strayed.place.correct(viewpoint, match)
    np.testing.assert_array_equal(found, viewpoint.map_from_camera)
    strayed.run(0.2, looks=False)
    assert strayed.base.position_sd > 0.4
    assert strayed.error(strayed.base) > 0.45


def test_a_walk_with_open_eyes_ends_nearer_to_the_truth_than_one_on_the_legs_alone():
    walk = Walk(seed=4)
    seen, reckoned = [], []
    walk.run(1.0)
    for _ in range(2):
        for velocity in ((0.4, 0.0, 0.0), STILL, (0.0, 0.0, 0.7), (-0.4, 0.0, 0.0), STILL):
            walk.run(1.5, velocity)
            seen.append(walk.error(walk.base))
            reckoned.append(walk.error(walk.reckoned))
    assert walk.body.data.body("pelvis").xpos[2] > 0.6
    assert max(seen) < 0.025
    assert np.mean(seen[-5:]) < 0.6 * np.mean(reckoned[-5:])
