"""Shards bring the same experience wherever they live."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from tests.train.toys import LEARNING, Aim, aim_lesson  # noqa: E402

from yanshi.core.errors import ConfigError  # noqa: E402
from yanshi.train.gather import (  # noqa: E402
    Experience,
    LocalGatherer,
    Shard,
    Traits,
    make_shard,
    split,
)
from yanshi.train.ppo import PPO  # noqa: E402

SIZES = split(11, 2)


def local(threads=1, seed=4):
    make = aim_lesson().make
    shards = [
        make_shard(make, robots=size, threads=1, seed=seed, index=index)
        for index, size in enumerate(SIZES)
    ]
    return LocalGatherer(shards, threads=threads)


def learnt(gatherer):
    """Return what a few rounds bring, and the weights after them."""
    ppo = PPO(gatherer, LEARNING, 4)
    updates = [ppo.advance() for _ in range(3)]
    return updates, torch.cat([p.detach().flatten() for p in ppo.policy.parameters()])


def test_robots_are_split_evenly_and_none_is_lost():
    assert SIZES == [6, 5]
    assert split(11, 3) == [4, 4, 3]


def test_every_shard_has_random_numbers_of_its_own():
    gatherer = local()
    room = Experience.empty(2, gatherer.traits)
    actor = torch.nn.Linear(3, 3)
    gatherer.collect(actor, np.ones(3, np.float32), room)
    assert len(np.unique(room.seen[0, :, 0])) == 11
    noise = room.acted - actor(torch.from_numpy(room.seen)).detach().numpy()
    assert len(np.unique(noise[0, :, 0].round(6))) == 11


def test_a_shards_part_of_the_experience_is_its_own():
    traits = Traits.of(Aim(5, 0))
    room = Experience.empty(4, traits)
    room.of(slice(2, 4)).reward[:] = 1.0
    np.testing.assert_array_equal(room.reward[0], [0, 0, 1, 1, 0])
    other = Experience.empty(4, Traits.of(Aim(5, 0)))
    other.take(room)
    np.testing.assert_array_equal(other.reward, room.reward)


def test_experience_holds_what_the_task_said():
    task = Aim(6, 3)
    room = Experience.empty(10, Traits.of(task))
    Shard(task, 0).collect(torch.nn.Linear(3, 3), np.full(3, 0.1, np.float32), room)
    wanted = -((room.acted - Aim.GAIN * room.seen) ** 2).sum(axis=2)
    np.testing.assert_allclose(room.reward, wanted, atol=1e-5)
    np.testing.assert_array_equal(room.has_ended[:, 0], [0, 0, 0, 0, 1, 0, 0, 0, 0, 1])
    assert not room.has_failed.any()


def test_threads_bring_the_same_to_the_last_bit():
    (one, weights_one), (two, weights_two) = learnt(local(1)), learnt(local(2))
    assert one == two
    assert torch.equal(weights_one, weights_two)


def test_gathering_leaves_the_learners_threads_as_they_were():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        learnt(local(2))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_two_workers_of_ray_bring_the_same_to_the_last_bit():
    pytest.importorskip("ray", reason="needs the extra `ray`")
    from yanshi.train.ray_fleet import RayGatherer

    far = RayGatherer(aim_lesson().make, SIZES, 4, "local")
    try:
        (here, weights_here), (there, weights_there) = learnt(local()), learnt(far)
        assert here == there
        assert torch.equal(weights_here, weights_there)
        states = far.state_dicts()
        assert [float(state["task"]["arrays"]["_ticks"][0]) for state in states] == [24.0] * 2
        far.load_state_dicts(states)
        assert far.progress() == {"ticks": 24.0}
    finally:
        far.close()


def test_without_ray_it_is_said_how_to_get_it(monkeypatch):
    from yanshi.core import cluster
    from yanshi.train import ray_fleet

    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"yanshi-robot\[ray\]") as caught:
        ray_fleet.RayGatherer(aim_lesson().make, SIZES, 0, "local")
    assert "安装" in caught.value.text("zh")
