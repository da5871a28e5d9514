"""Landing as it is taught: where falls begin, what a blow costs, and what is done in a run."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from yanshi.core.messages import RobotState
from yanshi.policies.lander import Lander
from yanshi.robots.g1.spec import G1
from yanshi.senses.balance import BalanceConfig
from yanshi.train import land
from yanshi.train.export import export_policy
from yanshi.train.falls import begun_falls
from yanshi.train.fleet import gravity_in
from yanshi.train.g1_fleet import INDICES, JOINTS, Variety
from yanshi.train.land import ACTION_SCALE, LIMP_AFTER_S, LandConfig, LandTask, N
from yanshi.train.land_lesson import land_lesson

QUIET = LandConfig(
    robots=8,
    threads=1,
    variety=Variety(models=1, loaded_share=0.0),
    spread=0.0,
    pushes=6,
    noise={},
)
LIMP = np.zeros((8, N), np.float32)
TICKS = round(LIMP_AFTER_S / 0.02)


@pytest.fixture(scope="module")
def kept() -> Iterator[LandTask]:
    task = LandTask(QUIET, 0, begun_falls(QUIET.pushes))
    yield task
    task.fleet.close()


@pytest.fixture
def task(kept: LandTask) -> LandTask:
    """Return the task with all falls begun anew, every second robot the mirror image of another."""
    kept._begin(np.arange(kept.n))
    kept.fleet.state[:] = kept._falls.state[: kept.n]
    kept.fleet.delay_steps[:] = 0
    return kept


def test_every_fall_is_certain_and_nobody_lies_yet(task: LandTask):
    state = task._falls.state
    assert len(state) >= 8
    tilt = np.degrees(np.arccos(-gravity_in(state[:, 4:8])[:, 2]))
    assert (tilt > np.degrees(BalanceConfig().doubtful)).all()
    assert (tilt < 80.0).all()
    assert np.median(state[:, 3]) > 0.35


def test_a_mirror_shows_the_same_fall_to_the_other_side(task: LandTask):
    seen, _ = task.observe()
    twin, sign = task.actor_mirror
    np.testing.assert_allclose(seen[1::2], (sign * seen[:, twin])[::2], atol=1e-5)
    for _ in range(3):  # The robot's model is not quite its own mirror image: it shows with time.
        task.step(LIMP)
    heights = task.fleet.position[:, 2]
    np.testing.assert_allclose(heights[::2], heights[1::2], atol=2e-3)


def test_the_prices_of_a_fall_add_up_to_its_hardest_blow(task: LandTask):
    prices = task_prices(task)
    hardest = task._peak[:, 0]
    assert hardest.max() > 1000.0
    np.testing.assert_allclose(-prices, 1e-3 * hardest, rtol=1e-6)


def task_prices(task: LandTask) -> np.ndarray:
    """Let all robots fall limp and return what head and torso cost, the sum of forces left out."""
    total = np.zeros(task.n)
    for _ in range(TICKS - 1):
        task.fleet.step(task.fleet.joint_position)
        total += task._prices()["torso"] + 2e-5 * task._force[:, 0]
    return total


def test_a_torso_that_is_held_up_in_the_end_costs_as_if_let_go(task: LandTask):
    task._peak[:] = 0.0
    task.fleet.sensor("head_middle")[:, 2] = 0.5
    held = task._drop()
    task.fleet.sensor("head_middle")[:, 2] = 0.1
    assert (held > 2.0).all()
    assert not task._drop().any()
    task.fleet.sensor("head_middle")[:, 2] = 0.5
    task._peak[:, 0] = 9000.0  # It has hit harder than that before.
    assert not task._drop().any()


def test_a_fall_ends_when_the_robot_goes_limp_and_nothing_follows(task: LandTask):
    task._tick[:] = 0
    for _ in range(TICKS - 1):
        assert not task.step(LIMP).has_failed.any()
    outcome = task.step(LIMP)
    assert outcome.has_failed.all()
    assert not outcome.is_over.any()
    assert (task._tick == 0).all()
    assert not task._peak.any()


def test_a_saved_training_goes_on_to_the_last_bit(task: LandTask):
    saved = task.state_dict()
    first = task.step(LIMP + 0.5).reward.copy()
    task.load_state_dict(saved)
    np.testing.assert_array_equal(task.step(LIMP + 0.5).reward, first)


def test_a_run_asks_for_what_training_did(task: LandTask, tmp_path):
    torch.manual_seed(0)
    lesson = land_lesson(replace(QUIET, pushes=6))
    actor = nn.Sequential(nn.Linear(task.actor_width, 8), nn.ELU(), nn.Linear(8, N))
    export_policy(
        tmp_path / "lander",
        actor,
        lesson.terms,
        joints=lesson.joints,
        acts_on=lesson.acts_on,
        action_scale=lesson.action_scale,
        action_offset=lesson.action_offset,
        action_limit=lesson.action_limit,
        source="a test",
        licence="Apache-2.0",
        settings=lesson.settings,
    )
    lander = Lander(G1, tmp_path / "lander")
    fleet = task.fleet
    task._action[:] = 0.0
    for tick in range(4):
        seen, _ = task.observe()
        with torch.no_grad():
            action = actor(torch.from_numpy(seen)).numpy()
        state = state_of(fleet, tick)
        if tick == 0:
            lander.reset(state)
        target = lander.step(state).position[INDICES]
        wish = fleet.joint_position[0] + ACTION_SCALE * np.clip(action[0], -2.0, 2.0)
        lower, upper = G1.limits.lower[INDICES], G1.limits.upper[INDICES]
        np.testing.assert_allclose(target, np.clip(wish, lower, upper), atol=1e-4)
        task.step(action)


def state_of(fleet, tick: int) -> RobotState:
    """Return what the first robot of a fleet would measure."""
    position, velocity = G1.default_position.copy(), np.zeros(len(G1.joint_names))
    position[INDICES], velocity[INDICES] = fleet.joint_position[0], fleet.joint_velocity[0]
    return RobotState(
        t_ns=tick * 20_000_000,
        joint_position=position,
        joint_velocity=velocity,
        joint_torque=np.zeros_like(velocity),
        orientation_wxyz=fleet.orientation_wxyz[0].copy(),
        angular_velocity=fleet.angular_velocity[0].copy(),
        acceleration=np.zeros(3),
    )


def test_every_joint_but_the_fingers_is_moved():
    assert land_lesson().acts_on == JOINTS
    assert land.TERMS[-1].width == N == 29
