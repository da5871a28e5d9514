"""The speed bench measures what it says."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")

from yanshi.train.g1_fleet import Variety  # noqa: E402
from yanshi.train.gather import Experience, Traits, make_shard  # noqa: E402
from yanshi.train.lessons import walk_lesson  # noqa: E402
from yanshi.train.ppo import PPO  # noqa: E402
from yanshi.train.speed import Take, measure_speeds  # noqa: E402
from yanshi.train.walk import WalkConfig  # noqa: E402

ROBOTS = 4


@pytest.fixture(scope="module")
def lesson():
    return walk_lesson(
        WalkConfig(robots=ROBOTS, variety=Variety(models=2), handed_share=0.0), is_warm=False
    )


@pytest.fixture
def shard(lesson):
    return make_shard(lesson.make, robots=ROBOTS, threads=1, seed=0, index=0)


def test_a_take_is_done_again_exactly_as_it_was(lesson, shard):
    ppo = PPO(shard.task, lesson.ppo, 0)
    take = Take(shard, ppo)
    end = shard.task.fleet.state.copy()
    take.do()
    np.testing.assert_array_equal(shard.task.fleet.state, end)


def test_what_mujoco_does_alone_is_what_it_did_in_the_task(lesson, shard):
    ppo = PPO(shard.task, lesson.ppo, 0)
    take = Take(shard, ppo)
    after = shard.task.fleet._after.copy()
    shard.task.fleet._after[:] = 0.0
    take.simulate()
    np.testing.assert_array_equal(shard.task.fleet._after, after)


def test_every_way_is_measured_and_the_shares_of_the_time_add_up(lesson):
    speeds = measure_speeds(lesson, robots=ROBOTS, threads=1, repeats=1)
    assert speeds.raw.median > 0.0
    assert speeds.task.median > 0.0
    assert speeds.training.median > 0.0
    assert sum(speeds.shares.values()) == pytest.approx(1.0)
    assert all(len(other.per_second) in (0, 1) for other in speeds.others)


def test_a_task_is_a_vector_environment_for_stable_baselines3(shard):
    pytest.importorskip("stable_baselines3", reason="needs the extra `compare`")
    from yanshi.train.vec_env import TaskVecEnv

    env = TaskVecEnv(shard.task)
    assert env.reset().shape == (ROBOTS, shard.task.actor_width)
    room = Experience.empty(1, Traits.of(shard.task))
    ended = 0
    for _ in range(100):  # Nobody stands still with such actions.
        action = np.full_like(room.acted[0], 3.0)
        seen, reward, over, infos = env.step(action)
        assert seen.shape == (ROBOTS, shard.task.actor_width)
        for who in range(ROBOTS):
            assert ("terminal_observation" in infos[who]) == over[who]
        ended += int(over.sum())
    assert ended > 0
