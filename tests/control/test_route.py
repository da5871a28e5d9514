"""Ways are checked against a fine grid of clearances; the follower against a point that moves."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.control.route import Box, Disc, Floor, Follower, FollowerConfig, wrap
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import BaseEstimate

ROOM = (6.0, 5.0)
TABLE = Box(centre=(0.5, 0.0), size=(0.8, 1.6), yaw=0.4)
PERSON = Disc(centre=(-1.5, 1.0), radius=0.3)
FLOOR = Floor(ROOM, [TABLE], [PERSON])
RADIUS = 0.38


def room_along(path: np.ndarray, floor: Floor) -> float:
    """Return the least clearance on a path, leaving out its ends."""
    least = np.inf
    for start, end in zip(path[:-1], path[1:], strict=True):
        for share in np.linspace(0.0, 1.0, 60):
            point = start + share * (end - start)
            if min(np.linalg.norm(point - path[0]), np.linalg.norm(point - path[-1])) > 0.5:
                least = min(least, floor.clearance((point[0], point[1])))
    return least


def test_clearance_is_the_distance_to_the_nearest_thing():
    assert FLOOR.clearance((-2.5, -2.0)) == pytest.approx(0.5)
    assert FLOOR.clearance((-1.5, 0.2)) == pytest.approx(0.5)
    assert FLOOR.clearance((0.5, 0.0)) == 0.0
    turned = Floor(ROOM, [Box(centre=(0.0, 0.0), size=(1.0, 1.0), yaw=np.pi / 4)])
    assert turned.clearance((1.0, 0.0)) == pytest.approx(1.0 - np.sqrt(0.5))


def test_a_free_way_is_straight():
    np.testing.assert_allclose(
        FLOOR.find_path((-2.0, -1.5), (2.0, -1.8), RADIUS), [(-2.0, -1.5), (2.0, -1.8)]
    )


@settings(max_examples=40, deadline=None)
@given(st.floats(-2.5, 2.5), st.floats(-2.0, 2.0), st.floats(-2.5, 2.5), st.floats(-2.0, 2.0))
def test_every_way_keeps_its_distance(x0, y0, x1, y1):
    start, goal = (x0, y0), (x1, y1)
    if FLOOR.clearance(start) < RADIUS or FLOOR.clearance(goal) < RADIUS:
        return
    path = FLOOR.find_path(start, goal, RADIUS)
    np.testing.assert_allclose(path[[0, -1]], [start, goal])
    assert room_along(path, FLOOR) > RADIUS - 0.12  # A cell's diagonal.


def test_no_way_leads_through_a_wall_of_boxes():
    wall = Box(centre=(0.0, 0.0), size=(0.2, 5.0), yaw=0.0)
    with pytest.raises(UnreachableError, match="No way"):
        Floor(ROOM, [wall]).find_path((-2.0, 0.0), (2.0, 0.0), RADIUS)


def test_a_robot_close_to_a_table_finds_its_way_off():
    close = (-0.25, 0.0)
    assert 0.2 < FLOOR.clearance(close) < RADIUS
    path = FLOOR.find_path(close, (2.2, 1.5), RADIUS)
    assert len(path) > 2


def test_the_freest_point_has_the_room_asked_for():
    point = FLOOR.freest_point((0.0, -1.2), RADIUS, 1.0)
    assert point is not None
    assert FLOOR.clearance(point) >= 1.0
    assert FLOOR.freest_point((0.0, -1.2), RADIUS, 2.6) is None


class Glider:
    """A point that moves exactly as told, with a lag like a walking robot's."""

    def __init__(self, x: float, y: float, yaw: float) -> None:
        self.position = np.array([x, y])
        self.yaw = yaw
        self.velocity = np.zeros(3)
        self.t_ns = 0

    def base(self) -> BaseEstimate:
        return BaseEstimate(
            t_ns=self.t_ns,
            position=[*self.position, 0.75],
            orientation_wxyz=[np.cos(0.5 * self.yaw), 0.0, 0.0, np.sin(0.5 * self.yaw)],
            velocity=[0.0, 0.0, 0.0],
        )

    def move(self, velocity: tuple[float, float, float]) -> None:
        self.velocity += 0.1 * (np.array(velocity) - self.velocity)
        ahead, left, turn = self.velocity
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        self.position += 0.02 * np.array([cos * ahead - sin * left, sin * ahead + cos * left])
        self.yaw += 0.02 * turn
        self.t_ns += 20_000_000


def follow(follower: Follower, glider: Glider, ticks_max: int = 3000) -> float:
    """Follow to the end and return the least clearance met on FLOOR."""
    least = np.inf
    for _ in range(ticks_max):
        velocity = follower.velocity(glider.base())
        if velocity is None:
            return least
        glider.move(velocity)
        least = min(least, FLOOR.clearance((glider.position[0], glider.position[1])))
    raise AssertionError("The follower never arrived.")


LOW = Box(centre=(0.0, 0.0), size=(0.5, 0.9), yaw=0.0)
"""A low table whose front is at x = -0.25."""
BESIDE_IT = Floor(ROOM, [LOW])
AT_FRONT = (-0.45, 0.2)


@pytest.mark.parametrize("start", [(0.1, -0.6), (-0.2, 0.6), (-0.5, -0.4)])
def test_small_steps_lead_round_a_corner_and_come_as_near_as_the_goal_is(start):
    def nearest(floor: Floor | None) -> float:
        glider = Glider(*start, 0.0)
        config = FollowerConfig(settle_m=np.inf)
        follower = Follower(np.array([start, AT_FRONT]), 0.0, config, floor)
        met = [BESIDE_IT.clearance(start)]
        while (velocity := follower.velocity(glider.base())) is not None:
            glider.move(velocity)
            met.append(BESIDE_IT.clearance((glider.position[0], glider.position[1])))
            assert len(met) < 2000
        assert np.linalg.norm(glider.position - AT_FRONT) < 0.1
        return min(met) - min(met[0], BESIDE_IT.clearance(AT_FRONT))

    assert nearest(BESIDE_IT) > -0.04
    if start[0] > -0.3:  # From beside it the straight way cuts the corner.
        assert nearest(None) < -0.06


def test_far_from_things_and_off_them_a_velocity_is_what_it_was():
    for point, velocity in (((-1.5, 0.0), (0.4, 0.1)), ((-0.5, 0.1), (-0.2, 0.3))):
        asked = np.array(velocity)
        np.testing.assert_array_equal(BESIDE_IT.turn_aside(point, AT_FRONT, asked), asked)


@settings(max_examples=60, deadline=None)
@given(st.floats(-1.0, 1.0), st.floats(-1.2, 1.2), st.floats(-0.4, 0.4), st.floats(-0.4, 0.4))
def test_who_is_beside_something_is_never_led_nearer_by_less_than_the_room_there_is(x, y, u, v):
    room = BESIDE_IT.clearance((x, y))
    if not 0.02 < room < 0.3:
        return
    goal = (-0.9, 0.0)
    u, v = BESIDE_IT.turn_aside((x, y), goal, np.array([u, v]))
    later = BESIDE_IT.clearance((x + 0.02 * u, y + 0.02 * v))
    assert later > room - 1e-3
    assert later > room or room > 0.25


def test_a_goal_that_was_passed_is_insisted_on_no_more():
    config = FollowerConfig(settle_m=np.inf)
    glider = Glider(0.0, -1.5, 0.0)
    follower = Follower(np.array([(0.0, -1.5), (0.2, -1.5)]), 0.0, config)
    for _ in range(500):  # Held fast until it asks for as much as it may.
        assert follower.velocity(glider.base())[0] > 0.2
        glider.t_ns += 20_000_000
    glider.position[0] = 0.3
    ahead, _, _ = follower.velocity(glider.base())
    assert ahead == pytest.approx(-1.2 * 0.1, abs=0.01)


@pytest.mark.parametrize("yaw", [-3.0, -1.0, 0.5, 2.2])
def test_the_follower_ends_at_the_pose_asked_and_cuts_no_corner(yaw):
    glider = Glider(-1.0, -1.5, 1.0)
    path = FLOOR.find_path((-1.0, -1.5), (1.6, 1.6), RADIUS)
    least = follow(Follower(path, yaw), glider)
    assert np.linalg.norm(glider.position - (1.6, 1.6)) < 0.1
    assert abs(wrap(glider.yaw - yaw)) < np.deg2rad(6.0)
    assert least > 0.25


def test_a_goal_underfoot_is_reached_without_walking_away():
    glider = Glider(0.0, -1.5, 0.0)
    follower = Follower(np.array([(0.0, -1.5), (0.0, -1.5)]), 1.2)
    follow(follower, glider)
    assert np.linalg.norm(glider.position - (0.0, -1.5)) < 0.1
    assert abs(wrap(glider.yaw - 1.2)) < 0.1


class ShortGlider(Glider):
    """One that carries something: of every step a little is missing, and small ones are none."""

    def move(self, velocity: tuple[float, float, float]) -> None:
        ahead, left, turn = velocity
        short = [np.sign(v) * max(abs(v) - 0.12, 0.0) for v in (ahead, left)]
        super().move((short[0], short[1], turn))


@pytest.mark.parametrize("start", [(-0.2, -1.5), (0.0, -1.3), (0.15, -1.62)])
def test_who_steps_short_comes_to_the_goal_by_and_by_and_only_by_insisting(start):
    config = FollowerConfig(settle_m=np.inf)
    path = np.array([start, (0.0, -1.5)])
    glider = ShortGlider(*start, 0.3)
    follow(Follower(path, 0.3, config), glider)
    assert np.linalg.norm(glider.position - (0.0, -1.5)) < config.position_accepted_m
    meek = ShortGlider(*start, 0.3)
    with pytest.raises(AssertionError, match="never arrived"):
        follow(Follower(path, 0.3, replace(config, insist=(0.0, 0.0))), meek)


def test_insisting_begins_after_its_time_and_has_a_bound():
    """The robot is held fast 20 cm from its goal."""
    config = FollowerConfig(settle_m=np.inf, step_speed=(9.0, 9.0))
    glider = Glider(0.0, -1.5, 0.0)
    follower = Follower(np.array([(0.0, -1.5), (0.2, -1.5)]), 0.0, config)
    asked = []
    for _ in range(2000):
        asked.append(follower.velocity(glider.base()))
        glider.t_ns += 20_000_000
    ahead, left, turn = np.array(asked).T
    patient = round(config.patience_s / 0.02)
    np.testing.assert_allclose(ahead[:patient], 1.2 * 0.2)
    gain, most = config.insist
    np.testing.assert_allclose(np.diff(ahead[patient : patient + 50]), gain * 0.2 * 0.02)
    assert ahead.max() == pytest.approx(1.2 * 0.2 + most)
    assert ahead[-1] == ahead.max()
    np.testing.assert_allclose((left, turn), 0.0, atol=1e-12)
