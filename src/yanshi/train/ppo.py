"""Proximal policy optimisation for fleets of robots on a CPU.

The method is that of J. Schulman and others (Proximal policy optimization algorithms, 2017) with
generalised advantages and a learning rate that follows the policy's change, as is usual for
legged robots. The critic sees about half of its samples in a mirror, and the policy is drawn
towards doing in a mirror what it does without (W. Yu and others, Learning symmetric and low-energy
locomotion, 2018). Mirrored samples must not enter the policy's own loss: where the policy is not
symmetric yet, every bad sample would drive it farther from symmetry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from yanshi.core.errors import YanshiError
from yanshi.policies.contract import Term
from yanshi.train.gather import Experience, Gatherer, LocalGatherer, Shard, Traits, mean_action
from yanshi.train.task import Task

_LOG_TWO_PI = float(np.log(2.0 * np.pi))


class DivergedError(YanshiError):
    """Training made numbers that are not finite; the last good checkpoint stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polish:
    """How a training ends: with less and less noise, and small changes, a policy becomes exact."""

    share: float = 0.3
    """Share of the training time."""
    log_std: float = -1.6
    """Of the noise in the end."""
    kl_target: float = 0.004
    """Of the change of the policy in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PPOConfig:
    """How a policy learns from what the fleet did."""

    horizon: int = 24
    """Ticks between two updates."""
    epochs: int = 3
    minibatches: int = 4
    discount: float = 0.99
    trace: float = 0.95
    """λ of the generalised advantage."""
    clip: float = 0.2
    entropy: float = 0.0005
    kl_target: float = 0.01
    """Change of the policy in an update that the learning rate is steered to, nats."""
    polish: Polish | None = None
    """How the training ends; None for as it goes on."""
    actor_rate: float = 1e-4
    """Learning rate to begin with."""
    actor_rate_range: tuple[float, float] = (1e-5, 1e-3)
    critic_rate: float = 1e-3
    critic_first: int = 10
    """Updates in which only the critic learns, so that it does not lead a warm start astray.

    Adam's moments of the policy settle meanwhile: its first steps would else be as long as it may.
    """
    symmetry: float = 0.05
    """Weight of the policy's difference from its mirror image, counted in its variances."""
    gain_max: float = 4.0
    """Bound of an advantage, in standard deviations: falls must not drown everything else."""
    grad_norm: float = 1.0
    first_log_std: float = -1.0
    log_std_min: float = -2.5
    actor_layers: tuple[int, ...] = (512, 256, 128)
    critic_layers: tuple[int, ...] = (256, 256, 128)


def perceptron(inputs: int, outputs: int, layers: Sequence[int]) -> nn.Sequential:
    """Return fully connected layers with ELU between them."""
    parts: list[nn.Module] = []
    for width in layers:
        parts += [nn.Linear(inputs, width), nn.ELU()]
        inputs = width
    return nn.Sequential(*parts, nn.Linear(inputs, outputs))


class Policy(nn.Module):
    """A Gaussian policy and its critic."""

    def __init__(self, traits: Traits, config: PPOConfig) -> None:
        super().__init__()
        self.actor = perceptron(traits.actor_width, traits.action_width, config.actor_layers)
        self.critic = perceptron(traits.critic_width, 1, config.critic_layers)
        last = self.actor[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.mul_(0.01)
        self.log_std = nn.Parameter(torch.full((traits.action_width,), config.first_log_std))

    def log_probability(self, mean: Tensor, action: Tensor) -> Tensor:
        """Return the logarithm of the density at `action`, shape (n,)."""
        z = (action - mean) / self.log_std.exp()
        return (-0.5 * z * z - self.log_std - 0.5 * _LOG_TWO_PI).sum(dim=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What one round of collecting and learning brought."""

    reward: float
    """Mean reward a tick."""
    fail_share: float
    """Share of the ticks that ended an episode badly."""
    kl: float
    actor_rate: float
    std: float
    value_loss: float
    parts: dict[str, float]


class PPO:
    """Lets a fleet act and learns from it. `advance` is one round."""

    def __init__(
        self,
        robots: Task | Gatherer,
        config: PPOConfig,
        seed: int,
        *,
        terms: Sequence[Term] = (),
    ) -> None:
        """Begin with a network of noise.

        Args:
            robots: Who gathers experience; a task alone does so as one shard.
            config: How to learn from it.
            seed: Of the first weights and of everything random.
            terms: What the actor sees, to name what is not finite.
        """
        if not isinstance(robots, Gatherer):
            robots = LocalGatherer([Shard(robots, seed)])
        self.gatherer, self.config, self._terms = robots, config, tuple(terms)
        torch.manual_seed(seed)
        traits = robots.traits
        self.policy = Policy(traits, config)
        self.actor_rate = config.actor_rate
        self._actor_optimiser = torch.optim.Adam(
            [*self.policy.actor.parameters(), self.policy.log_std], lr=config.actor_rate
        )
        self._critic_optimiser = torch.optim.Adam(
            self.policy.critic.parameters(), lr=config.critic_rate
        )
        self.rounds = 0
        self._kl_target = config.kl_target
        self._log_std_range = (config.log_std_min, torch.inf)
        self._got = Experience.empty(config.horizon, traits)
        self._mirrors = [
            (torch.tensor(twin), torch.tensor(sign))
            for twin, sign in (traits.actor_mirror, traits.critic_mirror, traits.action_mirror)
        ]

    @property
    def steps_a_round(self) -> int:
        """Robot ticks in one round."""
        return self.config.horizon * self.gatherer.traits.n

    def advance(self, progress: float = 0.0) -> Update:
        """Collect one horizon of experience and learn from it.

        Args:
            progress: How much of the training is over, from 0 to 1.

        Raises:
            DivergedError: Something is not finite; it names what. Experience that is not finite
                leaves the weights as they were.
        """
        self._plan(progress)
        std = self.policy.log_std.detach().exp()
        parts = self.gatherer.collect(self.policy.actor, std.numpy(), self._got)
        self._refuse(self._not_finite(parts))
        kl, value_loss = self.learn()
        return Update(
            reward=float(self._got.reward.mean()),
            fail_share=float(self._got.has_failed.mean()),
            kl=kl,
            actor_rate=self.actor_rate,
            std=float(std.mean()),
            value_loss=value_loss,
            parts=parts,
        )

    def learn(self) -> tuple[float, float]:
        """Learn from what was collected last; return the policy's change and the value's loss.

        Raises:
            DivergedError: A weight is not finite.
        """
        kl, value_loss = self._learn(*self._advantages())
        self._follow_change(kl)
        self.rounds += 1
        if not all(bool(p.isfinite().all()) for p in self.policy.parameters()):
            self._refuse(["a weight of the network"])
        return kl, value_loss

    def evaluate(self, rounds: int) -> tuple[float, float]:
        """Let the fleet act without noise.

        Returns:
            Mean reward a tick, and the share of the ticks that ended an episode badly.
        """
        no_noise = np.zeros(self.gatherer.traits.action_width, np.float32)
        reward, failed = [], []
        for _ in range(rounds):
            self.gatherer.collect(self.policy.actor, no_noise, self._got)
            reward.append(self._got.reward.mean())
            failed.append(self._got.has_failed.mean())
        return float(np.mean(reward)), float(np.mean(failed))

    def act(self, seen: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean action, shape (n, action_width)."""
        return mean_action(self.policy.actor, seen)

    def _plan(self, progress: float) -> None:
        """Set how much the policy may change, and between which bounds its noise is."""
        config, polish = self.config, self.config.polish
        self._kl_target = config.kl_target
        if polish is None or progress < 1.0 - polish.share:
            return
        done = min(1.0, (progress - 1.0 + polish.share) / polish.share)
        self._kl_target += done * (polish.kl_target - self._kl_target)
        log_std = config.log_std_min + done * (polish.log_std - config.log_std_min)
        self._log_std_range = (log_std, log_std)
        with torch.no_grad():
            self.policy.log_std.clamp_(*self._log_std_range)

    def _advantages(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return advantages and value targets, each (horizon, n)."""
        config = self.config
        got = self._got
        h, n = got.reward.shape
        with torch.no_grad():
            value = self.policy.critic(_flat(got.valued)).numpy().reshape(h, n)
            after = self.policy.critic(_flat(got.valued_after)).numpy().reshape(h, n)
        # What the critic did see next, where it did, with the noise that it sees everywhere.
        after[:-1] = np.where(got.has_ended[:-1] > 0.0, after[:-1], value[1:])
        change = got.reward + config.discount * after * (1.0 - got.has_failed) - value
        advantage = np.zeros_like(value)
        running = np.zeros(n, np.float32)
        for tick in reversed(range(h)):
            kept = config.discount * config.trace * (1.0 - got.has_ended[tick])
            running = change[tick] + kept * running
            advantage[tick] = running
        return advantage, advantage + value

    def _learn(
        self, advantage: NDArray[np.float32], target: NDArray[np.float32]
    ) -> tuple[float, float]:
        config, policy, got = self.config, self.policy, self._got
        rate = self.actor_rate if self.rounds >= config.critic_first else 0.0
        for group in self._actor_optimiser.param_groups:
            group["lr"] = rate
        gain = _flat((advantage - advantage.mean()) / (advantage.std() + 1e-6))
        gain = gain.clamp(-config.gain_max, config.gain_max)
        aim, n = _flat(target), target.size
        # Every sample and, n rows later, what it looks like in a mirror.
        seen = _with_mirrored(got.seen, self._mirrors[0])
        valued = _with_mirrored(got.valued, self._mirrors[1])
        acted = _flat(got.acted)
        with torch.no_grad():
            before = policy.log_probability(policy.actor(seen[:n]), acted)
        changes, value_losses = [], []
        for _ in range(config.epochs):
            for who in torch.randperm(n).chunk(config.minibatches):
                mean = policy.actor(seen[who])
                log_ratio = policy.log_probability(mean, acted[who]) - before[who]
                ratio = log_ratio.exp()
                bounded = ratio.clamp(1.0 - config.clip, 1.0 + config.clip)
                loss = -torch.min(ratio * gain[who], bounded * gain[who]).mean()
                loss = loss - config.entropy * policy.log_std.sum()
                if config.symmetry > 0.0:
                    loss = loss + config.symmetry * self._asymmetry(seen, who, mean)
                self._actor_optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(policy.actor.parameters(), config.grad_norm)
                self._actor_optimiser.step()
                with torch.no_grad():
                    policy.log_std.clamp_(*self._log_std_range)
                    changes.append(float((ratio - 1.0 - log_ratio).mean()))
                row = who + n * (torch.rand(len(who)) < 0.5)
                value_loss = (policy.critic(valued[row])[:, 0] - aim[who]).square().mean()
                self._critic_optimiser.zero_grad()
                value_loss.backward()
                self._critic_optimiser.step()
                value_losses.append(float(value_loss.detach()))
        return float(np.mean(changes)), float(np.mean(value_losses))

    def _asymmetry(self, seen: Tensor, who: Tensor, mean: Tensor) -> Tensor:
        """Return how far the policy in a mirror is from its mirror image, in variances."""
        some = max(1, len(who) // 4)
        twin, sign = self._mirrors[2]
        wanted = (mean[:some].detach()[:, twin] * sign).detach()
        found = self.policy.actor(seen[who[:some] + len(seen) // 2])
        variance = (2.0 * self.policy.log_std.detach()).exp()
        return ((found - wanted).square() / variance).mean()

    def _follow_change(self, kl: float) -> None:
        """Learn more slowly after a large change of the policy, faster after a small one."""
        if self.rounds < self.config.critic_first:
            return
        low, high = self.config.actor_rate_range
        if kl > 1.5 * self._kl_target:
            self.actor_rate = max(low, self.actor_rate / 1.3)
        elif kl < 0.7 * self._kl_target:
            self.actor_rate = min(high, self.actor_rate * 1.3)

    def _not_finite(self, parts: dict[str, float]) -> list[str]:
        """Return the names of what was gathered and is not finite."""
        got = self._got
        wrong = [f"the reward's part {name!r}" for name, v in parts.items() if not np.isfinite(v)]
        if not np.isfinite(got.reward).all() and not wrong:
            wrong.append("the reward")
        flat = got.seen.reshape(-1, got.seen.shape[-1])
        seen = np.asarray(np.isfinite(flat).all(axis=0))  # (actor_width,)
        wrong += [
            f"the observed {term.name!r}"
            for term in self._terms
            if not seen[term.start : term.stop].all()
        ]
        if not seen.all() and not self._terms:
            wrong.append("what the actor sees")
        is_valued = np.isfinite(got.valued).all() and np.isfinite(got.valued_after).all()
        if not is_valued and seen.all():
            wrong.append("what only the critic sees")
        if not np.isfinite(got.acted).all() and not wrong:
            wrong.append("the actions")
        return wrong

    def _refuse(self, wrong: list[str]) -> None:
        if wrong:
            raise DivergedError(
                f"Training made numbers that are not finite in round {self.rounds}: "
                f"{', '.join(wrong)}. The last good checkpoint stands; go on from it with "
                "--resume and another --seed.",
                zh=f"第 {self.rounds} 轮训练出现非有限数：{'、'.join(wrong)}。"
                "上一个完好的检查点仍在；用 --resume 和另一个 --seed 从它继续。",
            )

    def state_dict(self) -> dict[str, Any]:
        """Return all that `load_state_dict` needs to go on as if never interrupted."""
        return {
            "policy": self.policy.state_dict(),
            "actor_optimiser": self._actor_optimiser.state_dict(),
            "critic_optimiser": self._critic_optimiser.state_dict(),
            "actor_rate": self.actor_rate,
            "rounds": self.rounds,
            "torch_rng": torch.get_rng_state(),
            "shards": self.gatherer.state_dicts(),
        }

    def load_state_dict(self, state: dict[str, Any], *, is_reseeded: bool = False) -> None:
        """Go on from a saved state.

        Args:
            state: What `state_dict` returned. The state of a lone shard may stand for the list.
            is_reseeded: Whether to keep this object's random numbers instead of the saved ones.
        """
        self.policy.load_state_dict(state["policy"])
        self._actor_optimiser.load_state_dict(state["actor_optimiser"])
        self._critic_optimiser.load_state_dict(state["critic_optimiser"])
        self.actor_rate = state["actor_rate"]
        self.rounds = state["rounds"]
        shards = state.get("shards", [state])
        if is_reseeded:
            shards = [{"task": shard["task"]} for shard in shards]
        else:
            torch.set_rng_state(state["torch_rng"])
        self.gatherer.load_state_dicts(shards)


def _flat(array: NDArray[np.float32]) -> Tensor:
    """Return (horizon, n, …) as a tensor of shape (horizon · n, …) without copying."""
    return torch.from_numpy(array.reshape(-1, *array.shape[2:]))


def _with_mirrored(array: NDArray[np.float32], mirror: tuple[Tensor, Tensor]) -> Tensor:
    """Return all samples, and after them all of them in a mirror, (2 · horizon · n, width)."""
    flat, (twin, sign) = _flat(array), mirror
    return torch.cat([flat, flat[:, twin] * sign])
