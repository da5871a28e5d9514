"""The task of performing: its reference is physics' own motion, and nearness is rewarded."""

from dataclasses import replace

import numpy as np
import pytest

from yanshi.control.bearing import bear
from yanshi.control.figure import Figure
from yanshi.control.reference import RATE_HZ, plan_reference
from yanshi.control.routine import read_routine
from yanshi.core.errors import ConfigError
from yanshi.policies.contract import policy_folder
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1
from yanshi.train.g1_fleet import Variety
from yanshi.train.track import N, TrackConfig, TrackTask, angular_velocity

ONE = Variety(models=1, loaded_share=0.0)
CONFIG = TrackConfig(robots=12, threads=1, variety=ONE, push_first=0.0)


@pytest.fixture(scope="module")
def kick():
    """The football kick's motion, and what bears it."""
    figure = Figure(G1, load_g1(with_looks=False), G1_LINKS)
    reference = plan_reference(read_routine(policy_folder("g1_kick") / "routine.toml", G1), figure)
    return reference, bear(reference, figure)


@pytest.fixture
def task(kick):
    return TrackTask(CONFIG, *kick, seed=0)


def test_the_angular_velocity_of_a_steady_spin_is_its_axis_times_its_rate():
    axis, rate = np.array([0.6, 0.0, 0.8]), 1.7
    half = 0.5 * rate * np.arange(50) / RATE_HZ
    wxyz = np.concatenate([np.cos(half)[:, None], np.sin(half)[:, None] * axis], axis=1)
    found = angular_velocity(wxyz, 1.0 / RATE_HZ)
    np.testing.assert_allclose(found[1:-1], np.tile(rate * axis, (48, 1)), atol=2e-3)


def test_the_reference_places_its_feet_where_it_was_planned_to(task, kick):
    planted = kick[0].stands
    height = task.motion.feet[..., 2]
    assert np.ptp(height[planted]) < 1e-3
    assert height[~planted].max() > height[planted].max() + 0.2  # The kick.


def test_a_robot_on_its_reference_earns_all_there_is_to_earn(task):
    at = np.full(task.n, 5)
    task._at[:] = at
    task.fleet.state[:] = task.motion.state[at]
    task.fleet.sensor("left_foot_position")[:] = task.motion.feet[at, 0]
    task.fleet.sensor("right_foot_position")[:] = task.motion.feet[at, 1]
    gravity = task.motion.gravity[at]
    parts = task._reward(task._action, gravity)
    wanted = {"angles": 1.5, "speeds": 0.4, "tilt": 0.6, "height": 0.4, "place": 0.5}
    wanted |= {"heading": 0.5, "feet": 1.0}
    for name, most in wanted.items():
        np.testing.assert_allclose(parts[name], most, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("part", ["angles", "tilt", "height", "place", "heading"])
def test_every_way_of_being_off_costs_its_own_part(task, part):
    at = np.zeros(task.n, dtype=np.intp)
    task._at[:] = at
    state = task.motion.state[at].copy()
    match part:
        case "angles":
            state[:, 8 + 20] += 0.5
        case "height":
            state[:, 3] -= 0.05
        case "place":
            state[:, 1] += 0.15
        case "heading":
            state[:, 4:8] = (np.cos(0.15), 0.0, 0.0, np.sin(0.15))
        case "tilt":
            state[:, 4:8] = (np.cos(0.1), 0.0, np.sin(0.1), 0.0)
    from yanshi.train.fleet import gravity_in

    task.fleet.state[:] = task.motion.state[at]
    best = task._reward(task._action, task.motion.gravity[at])
    task.fleet.state[:] = state
    worse = task._reward(task._action, gravity_in(task.fleet.orientation_wxyz))
    assert (worse[part] < 0.9 * best[part]).all()
    others = {"angles", "tilt", "height", "place", "heading"} - {part}
    for other in others:
        np.testing.assert_allclose(worse[other], best[other], rtol=0.05, err_msg=other)


def test_episodes_begin_anywhere_but_in_the_last_second(task, kick):
    reference, _ = kick
    starts = task._starts(5000)
    assert starts.min() == 0
    assert starts.max() == reference.ticks - round(1.0 * RATE_HZ) - 1
    assert not reference.stands[starts].all()


def test_only_robots_that_a_walker_handed_over_creep_towards_their_first_target(task):
    task._begin(np.arange(task.n))
    task._target[:] = 0.0
    task._is_caught[:] = True
    task._is_caught[0] = False
    task.step(np.zeros((task.n, N), np.float32))
    most = np.abs(task._target).max(axis=1)
    assert most[0] <= task._ease.step + 1e-12
    assert (most[1:] > task._ease.step).all()


def test_episodes_begin_more_often_shortly_before_falls(kick):
    task = TrackTask(CONFIG, *kick, seed=1)
    strike = round(2.4 * RATE_HZ)
    before = task._starts(2000)
    task._trouble[strike] = 50.0
    after = task._starts(2000)

    def share(ticks):  # After the last landing, long after the strike.
        return np.mean(ticks > strike)

    assert share(after) < 0.7 * share(before)


def test_falling_far_from_the_reference_ends_an_episode_badly(task):
    task._tick[:] = 0
    task._at[:] = 0
    task.fleet.state[:] = task.motion.state[0]
    task.fleet.position[:4, 0] += 0.6
    task.fleet.state[4:8, 4:8] = (np.cos(0.6), np.sin(0.6), 0.0, 0.0)
    task.fleet.position[4:8, 2] += 0.2
    outcome = task.step(np.zeros((task.n, N), np.float32))
    assert outcome.has_failed[:8].all()
    assert not outcome.has_failed[8:].any()
    np.testing.assert_allclose(outcome.reward[:8], -0.5)


def test_robots_that_are_borne_keep_their_posture_while_they_last(task, kick):
    """Nothing balances without a policy, but for a third of a second the joints should not sag."""

    def sag(bearing):
        task = TrackTask(CONFIG, kick[0], bearing, seed=0)
        task._tick[:] = task._at[:] = 0
        task.fleet.state[:] = task.motion.state[0]
        for _ in range(16):
            outcome = task.step(np.zeros((task.n, N), np.float32))
            assert np.isfinite(outcome.last_critic_input).all()
        assert (task._at == 16).all()
        legs = task.fleet.joint_position[:, :15] - task.motion.joints[16, :15]
        return np.abs(legs).max(axis=1).mean()

    held_at_the_reference = replace(kick[1], target=kick[0].joint_position)
    assert sag(kick[1]) < 0.6 * sag(held_at_the_reference)


def test_the_last_tick_ends_an_episode_well(task):
    task._tick[:] = 0
    task._at[:] = task.motion.ticks - 2
    task.fleet.state[:] = task.motion.state[-2]
    outcome = task.step(np.zeros((task.n, N), np.float32))
    assert outcome.is_over.all()
    assert not outcome.has_failed.any()


def test_a_saved_task_goes_on_to_the_last_bit(kick):
    config = TrackConfig(robots=6, threads=1, variety=ONE)
    rng = np.random.default_rng(0)
    actions = rng.normal(0.0, 0.3, (12, 6, N)).astype(np.float32)
    one = TrackTask(config, *kick, seed=5)
    for action in actions[:6]:
        one.observe()
        one.step(action)
    saved = one.state_dict()
    other = TrackTask(config, *kick, seed=5)
    other.load_state_dict(saved)
    for action in actions[6:]:
        for mine, its in zip(one.observe(), other.observe(), strict=True):
            np.testing.assert_array_equal(mine, its)
        np.testing.assert_array_equal(one.step(action).reward, other.step(action).reward)


def test_a_routine_with_faults_is_not_trained_for(tmp_path):
    pytest.importorskip("torch")
    from yanshi.train.track_lesson import plan_piece

    path = tmp_path / "bad.toml"
    text = "[[keyframe]]\ntakes = 1\nleft.elbow = 140\n[[keyframe]]\ntakes = 1\n"
    path.write_text(f'[name]\nzh = "坏"\nen = "bad"\n{text}', encoding="utf8")
    with pytest.raises(ConfigError, match="left.elbow is 140") as refusal:
        plan_piece(path)
    assert "yanshi choreograph" in str(refusal.value)
    assert "left.elbow" in refusal.value.zh


def test_the_lesson_is_named_after_its_routine_and_makes_its_task():
    pytest.importorskip("torch")
    from yanshi.train.track_lesson import plan_piece, track_lesson

    lesson = track_lesson(plan_piece(policy_folder("g1_kick") / "routine.toml"))
    assert lesson.name == "track_kick"
    task = lesson.make(robots=2, threads=1, seed=0)
    seen, valued = task.observe()
    assert seen.shape == (2, lesson.terms[-1].stop)
    assert valued.shape == (2, task.critic_width)
    assert task.action_width == len(lesson.acts_on) == len(lesson.action_scale)
