"""A push gives as much momentum as was asked for, where it was asked for."""

import math

import mujoco
import numpy as np
import pytest

from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.bodies.push import Push, Pusher, read_push
from yanshi.core.errors import ConfigError
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1

TICK_NS = 20_000_000


def momentum(body: MujocoBody) -> np.ndarray:
    mujoco.mj_subtreeVel(body.model, body.data)
    return body.data.subtree_linvel[0] * body.model.body_subtreemass[0]


@pytest.mark.parametrize("way", ["ahead", "left", "back", "right", "30"])
def test_a_push_gives_its_impulse_level_and_from_the_robots_own_heading(way):
    heading = 0.7
    body = MujocoBody(G1, load_g1(with_looks=False), (0.0, 0.0, heading))
    pusher = Pusher(body, [read_push(f"12@0.1:{way}")], "torso_link")
    begun = []
    for tick in range(20):
        begun += [tick] if pusher.tick(tick * TICK_NS) else []
        body.advance(0.02)
    assert begun == [5]
    angle = (
        heading
        + {"ahead": 0.0, "left": 90.0, "back": 180.0, "right": 270.0, "30": 30.0}[way]
        * math.pi
        / 180.0
    )
    # Nothing but the push acts sideways on a robot without a floor.
    np.testing.assert_allclose(
        momentum(body)[:2], 12.0 * np.array([np.cos(angle), np.sin(angle)]), atol=0.15
    )


def test_pushes_come_one_after_the_other_and_end():
    body = MujocoBody(G1, load_g1(with_looks=False))
    pushes = [Push(impulse=5.0, at_s=0.3), Push(impulse=5.0, at_s=0.1)]
    pusher = Pusher(body, pushes, "torso_link")
    begun = [tick for tick in range(30) if pusher.tick(tick * TICK_NS)]
    assert begun == [5, 15]
    assert not body.data.xfrc_applied.any()


def test_a_push_is_read_as_people_write_it():
    assert read_push("60@8") == Push(impulse=60.0, at_s=8.0, way="ahead")
    assert read_push(" 35.5@0.5:left ").angle == pytest.approx(0.5 * math.pi)
    assert read_push("60@8:-45").angle == pytest.approx(-0.25 * math.pi)
    assert str(read_push("60@8:back")) == "60@8:back"


@pytest.mark.parametrize(
    "text",
    ["", "60", "@8", "60@", "hard@8", "60@8:up", "60@8:", "-60@8", "60@-1", "nan@1", "1e9@1"],
)
def test_what_is_no_push_is_refused_with_what_would_work(text):
    with pytest.raises(ConfigError, match="60@8:left") as caught:
        read_push(text)
    assert "60@8:left" in caught.value.zh


def test_a_push_that_would_throw_the_robot_across_the_room_is_refused():
    with pytest.raises(ConfigError, match="1000"):
        read_push("100000@8")
