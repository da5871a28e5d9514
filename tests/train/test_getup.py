"""Getting up as it is taught: what lies there, what helps, what it costs, and what is seen."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from yanshi.bodies.simulation import simulate
from yanshi.core.messages import RobotState
from yanshi.policies.riser import Riser
from yanshi.robots.g1.spec import G1
from yanshi.train import getup
from yanshi.train.export import export_policy
from yanshi.train.fleet import gravity_in
from yanshi.train.floor_start import POSE, N, any_way_of_lying, crouch, times
from yanshi.train.g1_fleet import INDICES, JOINTS, Variety
from yanshi.train.getup import GetupConfig, GetupTask
from yanshi.train.getup_lesson import getup_lesson

QUIET = GetupConfig(
    robots=16,
    threads=1,
    variety=Variety(models=4, friction=(0.9, 1.0), loaded_share=0.0),
    ways_of_lying=16,
    crouch_share=0.0,
    noise={},
)
STILL = np.zeros((16, N), np.float32)


@pytest.fixture(scope="module")
def kept() -> Iterator[GetupTask]:
    task = GetupTask(QUIET, 0)
    yield task
    task.fleet.close()


@pytest.fixture
def task(kept: GetupTask) -> GetupTask:
    """Return the task with all episodes begun anew."""
    kept._help[:] = 0.0
    kept.care = QUIET.care_first
    kept._begin(np.arange(kept.n))
    return kept


def test_robots_begin_nearly_at_rest_on_the_floor(task: GetupTask):
    assert (task._height() < 0.4).all()
    assert np.percentile(np.abs(task.fleet.joint_velocity), 90) < 1.0
    assert np.median(np.linalg.norm(task.fleet.velocity, axis=1)) < 0.2


def test_robots_begin_with_their_limbs_drawn_together(task: GetupTask):
    off = np.abs(task.fleet.joint_position - G1.default_position[INDICES])
    assert np.median(off) < 0.2
    assert np.percentile(off, 90) < 0.8
    reach = 0.8 * G1.limits.torque[INDICES] / G1.stiffness[INDICES]
    still = np.abs(task.fleet.joint_velocity) < 0.05
    assert (np.abs(task._target - task.fleet.joint_position) < reach)[still].all()


def test_all_ways_of_lying_occur(task: GetupTask):
    rng = np.random.default_rng(0)
    gravity = gravity_in(any_way_of_lying(rng, 400))
    for axis in (0, 1):
        assert (gravity[:, axis] > 0.7).mean() > 0.1
        assert (gravity[:, axis] < -0.7).mean() > 0.1


def test_a_squat_has_both_soles_flat_on_the_floor(task: GetupTask):
    fleet = task.fleet
    state = crouch(fleet.reference, np.random.default_rng(0), task.n, spread=0.0)
    fleet.place(np.arange(task.n), state, state[:, POSE])
    fleet.model_of[:] = 0  # A level floor.
    height = fleet.position[:, 2].copy()
    fleet.step(fleet.joint_position.copy())
    assert np.ptp(height) > 0.2
    np.testing.assert_allclose(task._feet_height(), 0.045, atol=0.02)
    for side in ("left", "right"):
        assert (fleet.sensor(f"{side}_foot_up")[:, 2] > 0.98).all()


def test_no_squats_can_be_asked_for(task: GetupTask):
    assert crouch(task.fleet.reference, np.random.default_rng(0), 0).shape[0] == 0


def test_the_crane_lifts_the_robot_by_its_torso(task: GetupTask):
    def highest(share: float) -> float:
        task._begin(np.arange(task.n))
        for _ in range(75):
            task._help[:] = share
            task.step(STILL)
        return float(np.median(task._height()))

    assert highest(0.9) > highest(0.0) + 0.1


def test_who_begins_on_its_feet_has_no_crane(task: GetupTask):
    task._help[:] = 0.9
    task._lay[:] = False
    task._pull()
    assert not task._forces.any()


def test_success_takes_help_away_and_failure_gives_it_back(task: GetupTask):
    task._help[:] = 0.5
    task._up_ticks[:8], task._up_ticks[8:] = 100, 0
    task._judge(np.arange(task.n))
    np.testing.assert_allclose(task._help[:8], 0.5 - QUIET.help_less)
    np.testing.assert_allclose(task._help[8:], 0.5 + QUIET.help_more)


def test_haste_is_priced_only_when_robots_get_up_alone(task: GetupTask):
    task._success, task._help[:] = 0.95, 0.5
    task._judge(np.arange(4))
    assert task.care == QUIET.care_first
    task._success, task._help[:], task._up_ticks[:] = 0.95, 0.0, 100
    task._judge(np.arange(4))
    assert task.care > QUIET.care_first


def test_less_care_is_asked_for_when_robots_do_not_get_up_any_more(task: GetupTask):
    task.care, task._success, task._up_ticks[:] = 0.8, 0.5, 0
    task._judge(np.arange(4))
    assert QUIET.care_first < task.care < 0.8


def test_to_be_up_early_is_worth_no_more_than_to_be_on_the_way(task: GetupTask):
    fleet = task.fleet
    fleet.model_of[:] = 0  # A level floor.
    fleet.state[:] = fleet.reference
    worth = []
    for tick in (0, 50, 100, 200):
        task._tick[:] = tick
        worth.append(float(task._worth()["height"][0]))
    assert worth[0] < 0.1 * worth[2]
    assert worth[0] < worth[1] < worth[2] == worth[3]


def test_a_rise_begins_slowly(task: GetupTask):
    restraint = QUIET.restraint

    def change() -> float:
        before = task._target.copy()
        task.step(np.full((task.n, N), 10.0, np.float32))
        return float(np.median(np.abs(task._target - before))) / 0.02

    assert change() < 1.2 * restraint.gather_rate
    task._tick[:] = 400
    task._target[:] = task.fleet.joint_position
    assert change() > 2.0 * restraint.gather_rate


def test_harder_knocks_cost_more_and_the_head_is_dearest(task: GetupTask):
    def cost(place: str, force: float) -> float:
        task.fleet._measured[:] = 0.0
        task.fleet.sensor_steps(f"{place}_touch")[:, 1, 2] = force
        price = task._price(task._target, task._target, task.fleet.joint_velocity)
        return float((price["hands"] + price["head"]).max())

    for place in ("left_hand", "head"):
        assert cost(place, 140.0) == 0.0
        assert 0.0 > cost(place, 200.0) > cost(place, 400.0)
    assert cost("head", 300.0) < cost("right_hand", 300.0) == cost("left_hand", 300.0)


def test_what_falls_onto_the_floor_is_seen_to_come(task: GetupTask):
    fleet = task.fleet
    fleet.model_of[:] = 0
    fleet.state[:, POSE.stop :] = 0.0
    fleet.velocity[:, 2] = -2.0
    fleet.step(fleet.joint_position.copy())
    coming = task._approach()
    assert 0.5 < coming.max() < 2.5
    fleet.position[:, 2] += 1.0
    fleet.step(fleet.joint_position.copy())
    assert not task._approach().any()


def test_the_motors_give_no_more_than_their_share(task: GetupTask):
    for _ in range(10):
        task.step(np.full((task.n, N), 10.0, np.float32))
    for model in task.fleet.bank[:1]:
        wanted = 0.8 * G1.limits.torque[INDICES]
        np.testing.assert_allclose(model.actuator_forcerange[:, 1], wanted)
    fleet = task.fleet
    torque = G1.stiffness[INDICES] * (task._target - fleet.joint_position)
    torque -= G1.damping[INDICES] * fleet.joint_velocity
    share = np.abs(torque) / G1.limits.torque[INDICES]
    assert np.percentile(share, 95) < 0.8


def test_the_head_of_a_robot_on_its_back_is_felt(task: GetupTask):
    # Whatever lies on its back rests its head on the floor after a while, with part of its weight.
    for _ in range(40):
        task.step(STILL * 0.0)
    hands, head = task._touch()
    assert (head >= 0.0).all()
    assert head.max() > 5.0
    assert (np.concatenate([hands, head[:, None]], axis=1) < 3.0 * task._weight).all()


def test_a_state_seen_in_a_mirror_is_the_mirror_of_what_was_seen(task: GetupTask):
    task.fleet.model_of[:] = 0  # A level floor.
    rng = np.random.default_rng(1)
    fleet, n = task.fleet, task.n
    half = n // 2
    state = fleet.state[:half].copy()
    state[:, 4:8] = any_way_of_lying(rng, half)
    state[:, 8 + N :] = rng.normal(0.0, 1.0, (half, 6 + N))
    twin, sign = task.action_mirror
    mirrored = state.copy()
    mirrored[:, 2] *= -1.0  # The plane of the mirror is x, z.
    mirrored[:, 4:8] *= (1.0, -1.0, 1.0, -1.0)
    mirrored[:, POSE] = state[:, POSE][:, twin] * sign
    velocity = state[:, 8 + N :]
    mirrored[:, 8 + N : 14 + N] = velocity[:, :6] * (1.0, -1.0, 1.0, -1.0, 1.0, -1.0)
    mirrored[:, 14 + N :] = velocity[:, 6:][:, twin] * sign
    fleet.state[:] = np.concatenate([state, mirrored])
    action = rng.normal(0.0, 1.0, (half, N))
    task._action[:] = np.concatenate([action, action[:, twin] * sign])
    task._tick[:] = task._up_ticks[:] = 0
    fleet._measured[:] = 0.0
    task._seen.start(np.arange(n))
    seen, valued = task.observe()
    twin, sign = task.actor_mirror
    np.testing.assert_allclose(seen[:half][:, twin] * sign, seen[half:], atol=1e-5)
    twin, sign = task.critic_mirror
    np.testing.assert_allclose(valued[:half][:, twin] * sign, valued[half:], atol=1e-5)


def test_the_riser_sees_and_does_what_was_trained(task: GetupTask, tmp_path: Path):
    torch.manual_seed(0)
    actor = nn.Sequential(nn.Linear(task.actor_width, 16), nn.ELU(), nn.Linear(16, N))
    lesson = getup_lesson(QUIET)
    export_policy(
        tmp_path / "g1_getup",
        actor,
        getup.TERMS,
        joints=JOINTS,
        acts_on=JOINTS,
        action_scale=lesson.action_scale,
        action_offset=lesson.action_offset,
        action_limit=lesson.action_limit,
        source="a test",
        licence="Apache-2.0",
        settings=lesson.settings,
    )
    riser = Riser(G1, simulate("empty", 0).kinematics, tmp_path / "g1_getup")
    # Robots in training have drawn their limbs together already.
    state = _as_state(task, -1)
    riser.reset(state)
    riser._last_ns, riser._target[INDICES] = state.t_ns, task._target[0]
    riser._try_ticks = round(riser.restraint.gather_s / 0.02)
    for tick in range(30):
        state = _as_state(task, tick)
        seen, _ = task.observe()
        target = riser.step(state)
        np.testing.assert_allclose(riser._network.observation, seen[0], atol=1e-5)
        with torch.no_grad():
            action = actor(torch.from_numpy(seen)).numpy()
        task.step(action)
        np.testing.assert_allclose(target.position[INDICES], task._target[0], atol=1e-5)


def _as_state(task: GetupTask, tick: int) -> RobotState:
    """Return what the first robot's sensors would say without noise."""
    fleet = task.fleet
    position, velocity = G1.default_position.copy(), np.zeros(len(G1.joint_names))
    position[INDICES] = fleet.joint_position[0]
    velocity[INDICES] = fleet.joint_velocity[0]
    return RobotState(
        t_ns=tick * 20_000_000,
        joint_position=position,
        joint_velocity=velocity,
        joint_torque=np.zeros_like(position),
        orientation_wxyz=fleet.orientation_wxyz[0],
        angular_velocity=fleet.angular_velocity[0],
        acceleration=np.zeros(3),
    )


def test_training_goes_on_exactly_where_it_stood():
    config = replace(QUIET, robots=4, ways_of_lying=4, noise=GetupConfig().noise)

    def run(task: GetupTask, ticks: int) -> float:
        total = 0.0
        for _ in range(ticks):
            task.observe()
            total += float(task.step(STILL[: task.n]).reward.sum())
        return total

    first, second = GetupTask(config, 3), GetupTask(config, 3)
    run(first, 5)
    second.load_state_dict(first.state_dict())
    assert run(first, 5) == run(second, 5)


def test_quaternions_multiply_like_turns():
    quarter = np.array([[np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]])
    np.testing.assert_allclose(times(quarter, quarter), [[0.0, 0.0, 0.0, 1.0]], atol=1e-12)
