"""The learner, on tasks whose best policy is known."""

import copy
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from tests.train.toys import LEARNING, TERMS, Aim  # noqa: E402

from yanshi.train.ppo import PPO, DivergedError, Polish  # noqa: E402


class Reach(Aim):
    """A point on a line is moved by the action and pays its distance from 0 at every tick.

    With a discount near 1 the best action takes it all the way back at once.
    """

    actor_width = critic_width = action_width = 1
    actor_mirror = critic_mirror = action_mirror = (np.array([0]), np.array([-1.0], np.float32))

    def __init__(self, n, seed):
        super().__init__(n, seed)
        self._point = np.zeros((n, 1), np.float32)

    def observe(self):
        return self._point, self._point

    def step(self, action):
        self._ticks += 1
        self._point = self._point + np.clip(action, -2.0, 2.0).astype(np.float32)
        last = self._point.copy()
        over = np.full(self.n, self._ticks[0] % 5 == 0)
        self._point[over] = self._rng.uniform(-1.0, 1.0, (self.n, 1))[over]
        outcome = super().step(np.zeros((self.n, 1)))
        return replace(
            outcome, reward=-np.abs(last[:, 0]), is_over=over, last_critic_input=last, parts={}
        )


def weights(ppo):
    return torch.cat([p.detach().flatten() for p in ppo.policy.parameters()])


def test_ppo_finds_the_best_action_of_a_single_tick():
    ppo = PPO(Aim(64, 0), LEARNING, 0)
    for _ in range(60):
        ppo.advance()
    points = np.random.default_rng(1).uniform(-1.0, 1.0, (50, 3)).astype(np.float32)
    error = np.abs(ppo.act(points) - Aim.GAIN * points).mean()
    assert error < 0.05  # Doing nothing errs by 0.25.


def test_ppo_looks_ahead_to_the_ticks_that_follow():
    learning = replace(LEARNING, discount=0.9, horizon=20, first_log_std=-0.5)
    ppo = PPO(Reach(64, 0), learning, 0)
    for _ in range(60):
        ppo.advance()
    points = np.linspace(-1.0, 1.0, 21, dtype=np.float32)[:, None]
    assert np.abs(points + ppo.act(points)).mean() < 0.15


def test_a_policy_that_nothing_else_moves_becomes_its_own_mirror_image():
    class Careless(Reach):
        def step(self, action):
            return replace(super().step(action), reward=np.zeros(self.n, np.float32))

    asymmetry = []
    for weight in (0.0, 0.05):
        ppo = PPO(Careless(16, 0), replace(LEARNING, symmetry=weight), 0)
        with torch.no_grad():
            ppo.policy.actor[-1].bias += 0.3  # As lopsided as can be.
            ppo.policy.critic[-1].weight.zero_()
        for _ in range(20):
            ppo.advance()
        points = np.linspace(-1.0, 1.0, 21, dtype=np.float32)[:, None]
        asymmetry.append(np.abs(ppo.act(points) + ppo.act(-points)).mean())
    assert asymmetry[1] < 0.3 * asymmetry[0]


def test_the_same_seed_learns_the_same_and_another_something_else():
    found = []
    for seed in (0, 0, 1):
        ppo = PPO(Aim(8, seed), LEARNING, seed)
        for _ in range(3):
            ppo.advance()
        found.append(weights(ppo))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_going_on_from_a_saved_state_gives_the_numbers_of_a_run_without_interruption():
    whole = PPO(Aim(8, 0), LEARNING, 0)
    for _ in range(3):
        whole.advance()
    saved = copy.deepcopy(whole.state_dict())
    expected = [whole.advance() for _ in range(3)]

    other = PPO(Aim(8, 5), LEARNING, 5)
    other.advance()
    other.load_state_dict(saved)
    assert [other.advance() for _ in range(3)] == expected
    assert torch.equal(weights(other), weights(whole))


def test_other_random_numbers_can_be_wished_for_when_going_on():
    first = PPO(Aim(8, 0), LEARNING, 0)
    first.advance()
    saved = copy.deepcopy(first.state_dict())
    second = PPO(Aim(8, 0), LEARNING, 1)
    second.load_state_dict(saved, is_reseeded=True)
    assert torch.equal(weights(first), weights(second))
    assert first.advance() != second.advance()


def test_a_reward_that_is_not_finite_is_named_and_leaves_the_weights_alone():
    ppo = PPO(Aim(8, 0, spoilt_from=LEARNING.horizon), LEARNING, 0)
    ppo.advance()
    before = weights(ppo)
    with pytest.raises(DivergedError, match="the reward's part 'aim'") as caught:
        ppo.advance()
    assert "checkpoint" in caught.value.text("en")
    assert "检查点" in caught.value.text("zh")
    assert torch.equal(weights(ppo), before)


def test_an_observation_that_is_not_finite_is_named_by_its_term():
    task = Aim(8, 0)
    ppo = PPO(task, LEARNING, 0, terms=TERMS)
    observe = task.observe

    def spoilt():
        observe()
        task._point[3, 1] = np.inf
        return task._point, task._point

    task.observe = spoilt
    with pytest.raises(DivergedError, match="observed 'gravity'"):
        ppo.advance()


def test_learning_follows_the_change_of_the_policy():
    ppo = PPO(Aim(32, 0), replace(LEARNING, actor_rate=1e-2, kl_target=1e-6), 0)
    for _ in range(4):
        ppo.advance()
    assert ppo.actor_rate < 1e-2
    ppo = PPO(Aim(32, 0), replace(LEARNING, actor_rate=1e-4, kl_target=10.0), 0)
    for _ in range(4):
        ppo.advance()
    assert ppo.actor_rate > 1e-4


def test_only_the_critic_learns_at_first():
    ppo = PPO(Aim(8, 0), replace(LEARNING, critic_first=2), 0)
    actor = copy.deepcopy(ppo.policy.actor.state_dict())
    critic = copy.deepcopy(ppo.policy.critic.state_dict())
    ppo.advance()
    ppo.advance()
    assert all(torch.equal(ppo.policy.actor.state_dict()[k], v) for k, v in actor.items())
    assert not all(torch.equal(ppo.policy.critic.state_dict()[k], v) for k, v in critic.items())
    ppo.advance()
    assert not all(torch.equal(ppo.policy.actor.state_dict()[k], v) for k, v in actor.items())


def test_adam_knows_the_policy_s_gradients_before_the_policy_moves():
    ppo = PPO(Aim(8, 0), replace(LEARNING, critic_first=2), 0)
    before = weights(ppo)
    ppo.advance()
    ppo.advance()
    moments = ppo.state_dict()["actor_optimiser"]["state"].values()
    assert all(float(moment["exp_avg_sq"].max()) > 0.0 for moment in moments)
    assert not torch.equal(weights(ppo), before)  # The critic's.


def test_polishing_takes_the_noise_away_towards_the_end_of_the_training():
    polish = Polish(share=0.4, log_std=-2.0, kl_target=0.001)
    ppo = PPO(Aim(8, 0), replace(LEARNING, log_std_min=-1.0, polish=polish), 0)
    found = [ppo.advance(progress).std for progress in (0.0, 0.6, 0.8, 1.0)]
    assert found[0] >= found[1] == pytest.approx(np.exp(-1.0))
    assert found[2:] == pytest.approx([np.exp(-1.5), np.exp(-2.0)])
    assert ppo._kl_target == pytest.approx(0.001)
