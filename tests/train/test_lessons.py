"""A walker that goes on learning begins as the one that it is told to, at the hardest level."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from yanshi.policies.contract import load_contract, policy_folder  # noqa: E402
from yanshi.policies.network import Network  # noqa: E402
from yanshi.robots.g1.spec import G1  # noqa: E402
from yanshi.train import walk  # noqa: E402
from yanshi.train.gather import Traits  # noqa: E402
from yanshi.train.lessons import walk_lesson  # noqa: E402
from yanshi.train.ppo import Policy  # noqa: E402
from yanshi.train.walk import WalkConfig, WalkTask  # noqa: E402


def test_a_practised_walker_begins_as_itself_past_included():
    contract = load_contract(policy_folder("g1_walk"), G1)
    lesson = walk_lesson(after=contract)
    task = WalkTask(WalkConfig(robots=2, threads=1), 0)
    policy = Policy(Traits.of(task), lesson.ppo)
    assert lesson.begin is not None
    origin = lesson.begin(policy, seed=0, threads=1, say=lambda text: None)
    assert origin.name == "g1_walk"
    network = Network(contract)
    rng = np.random.default_rng(0)
    for _ in range(5):
        seen = rng.normal(0.0, 1.0, walk.TERMS[-1].stop).astype(np.float32)
        network.observation[:] = seen
        network.run()
        with torch.no_grad():
            found = policy.actor(torch.from_numpy(seen[None])).numpy()[0]
        np.testing.assert_allclose(found, np.ravel(network.action), atol=1e-4)


def test_who_has_learnt_before_meets_everything_at_once():
    contract = load_contract(policy_folder("g1_walk"), G1)
    assert walk_lesson().ppo.first_log_std > walk_lesson(after=contract).ppo.first_log_std
    task = WalkTask(WalkConfig(robots=2, threads=1, first_level=1.0), 0)
    assert task.progress()["level"] == 1.0
