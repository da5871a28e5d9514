"""How fast training is, beside what it cannot be faster than and beside stable-baselines3.

All figures are robot ticks a second, on the same machine in the same minutes, with robots that do
the same: one horizon of the walker is recorded and then repeated in every way.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import nn

from yanshi.core.clock import MonotonicClock
from yanshi.policies.contract import load_contract, policy_folder
from yanshi.train.gather import Experience, LocalGatherer, Shard, Traits, make_shard, split
from yanshi.train.lesson import Lesson
from yanshi.train.ppo import PPO
from yanshi.train.walk import WalkTask
from yanshi.train.warm_start import network_of

if find_spec("stable_baselines3") is not None:
    import stable_baselines3
    from stable_baselines3.common.vec_env import SubprocVecEnv, VecEnv

    from yanshi.train.vec_env import RobotEnv, TaskVecEnv


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One way of doing it, measured several times."""

    name: str
    per_second: tuple[float, ...]
    """Robot ticks a second, each time; none where it could not be measured."""

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.per_second)) if self.per_second else np.nan

    def over(self, other: "Speed") -> tuple[float, float, float]:
        """Return how many times as fast as another it is: the middle, least and most of turns."""
        times = [a / b for a, b in zip(self.per_second, other.per_second, strict=True)]
        return float(np.median(times)), min(times), max(times)

    @property
    def range(self) -> tuple[float, float]:
        """The slowest and the fastest."""
        return min(self.per_second), max(self.per_second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """What `measure_speeds` found."""

    raw: Speed
    """MuJoCo's rollout of the same robots, and nothing else."""
    task: Speed
    """With rewards, observations, orders, new episodes."""
    training: Speed
    """With the networks and learning."""
    others: tuple[Speed, Speed]
    """stable-baselines3's PPO with our network: on all robots as one vector environment, and on
    environments of one robot, each in a process, as is usual there."""
    shares: dict[str, float]
    """Where the time of one thread goes, by name, adding up to 1."""


def measure_speeds(
    lesson: Lesson, *, robots: int, threads: int, repeats: int, seed: int = 0
) -> Speeds:
    """Measure a lesson whose tasks are `WalkTask`s.

    Args:
        lesson: What is trained.
        robots: How many at once.
        threads: Also the number of shards, and of torch's threads.
        repeats: How often each way is measured, one after the other in turns.
        seed: Of everything random.
    """
    torch.set_num_threads(threads)
    shards = [
        make_shard(lesson.make, robots=size, threads=1, seed=seed, index=index)
        for index, size in enumerate(split(robots, threads))
    ]
    ppo = PPO(LocalGatherer(shards, threads=threads), replace(lesson.ppo, critic_first=0), seed)
    _start_skilled(lesson, ppo)
    ppo.advance()
    takes = [Take(shard, ppo) for shard in shards]
    ways: dict[str, Callable[[], object]] = {
        "mujoco.rollout alone": lambda: _at_once([take.simulate for take in takes]),
        "the task": lambda: _at_once([take.do for take in takes]),
        "our training": ppo.advance,
    }
    names = ("stable-baselines3 on our fleet", "stable-baselines3 on single robots")
    with ExitStack() as stack:
        if find_spec("stable_baselines3") is not None:
            env = TaskVecEnv(lesson.make(robots=robots, threads=threads, seed=seed))
            ways[names[0]] = _other_trainer(env, ppo, seed)
            single = partial(_make_single, lesson, seed)
            processes = SubprocVecEnv([single] * threads)
            stack.callback(processes.close)
            ways[names[1]] = _other_trainer(processes, ppo, seed)
            torch.set_num_threads(threads)
        ticks = ppo.steps_a_round
        turns = [{n: ticks / seconds_of(way) for n, way in ways.items()} for _ in range(repeats)]
    raw, task, training, *others = (
        Speed(name=name, per_second=tuple(turn[name] for turn in turns if name in turn))
        for name in (*list(ways)[:3], *names)
    )
    shares = _shares(shards[0], takes[0], ppo)
    ppo.gatherer.close()
    return Speeds(
        raw=raw, task=task, training=training, others=(others[0], others[1]), shares=shares
    )


def _start_skilled(lesson: Lesson, ppo: PPO) -> None:
    """Begin with the policy that comes with Yanshi, if there is one: fallen robots cost more."""
    folder = policy_folder(f"g1_{lesson.name}")
    if folder.exists():
        ready = network_of(load_contract(folder, lesson.robot))
        ppo.policy.actor.load_state_dict(ready.state_dict())


def seconds_of(way: Callable[[], object]) -> float:
    """Return how long a call takes."""
    clock = MonotonicClock()
    began_ns = clock.now_ns()
    way()
    return (clock.now_ns() - began_ns) * 1e-9


class Take:
    """One horizon of a shard, recorded, to be repeated with and without the task around it."""

    def __init__(self, shard: Shard, ppo: PPO) -> None:
        task = shard.task
        assert isinstance(task, WalkTask)
        self._task, self._pool = task, task.fleet.pool
        self._before = task.state_dict()
        self._acted = Experience.empty(ppo.config.horizon, Traits.of(task))
        self._calls: list[tuple[Sequence[Any], dict[str, Any]]] = []
        task.fleet.pool = self
        no_noise = np.zeros(task.action_width, np.float32)
        shard.collect(ppo.policy.actor, no_noise, self._acted)
        task.fleet.pool = self._pool

    def rollout(self, *arguments: Any, **options: Any) -> None:
        """Stand in for MuJoCo's threads: note what was asked, then pass it on."""
        models, data, state, control = arguments
        self._calls.append(((models, data, state.copy(), control.copy()), options))
        self._pool.rollout(*arguments, **options)

    def simulate(self) -> None:
        """Step the robots from tick to tick and do nothing else."""
        for arguments, options in self._calls:
            self._pool.rollout(*arguments, **options)

    def do(self) -> None:
        """Do the task again, with the actions as they were."""
        self._task.load_state_dict(self._before)
        for action in self._acted.acted:
            self._task.observe()
            self._task.step(action)


def _at_once(works: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(works)) as pool:
        for job in [pool.submit(work) for work in works]:
            job.result()


def _shares(shard: Shard, take: Take, ppo: PPO) -> dict[str, float]:
    """Return where one thread's time goes in a round."""
    torch.set_num_threads(1)
    before = dict(shard.seconds)
    room = Experience.empty(ppo.config.horizon, Traits.of(shard.task))
    std = np.full(shard.task.action_width, 0.3, np.float32)
    shard.collect(ppo.policy.actor, std, room)
    spent = {name: shard.seconds[name] - before[name] for name in before}
    simulate = seconds_of(take.simulate)
    parts = {
        "simulate": simulate,
        "judge: rewards, falls, new episodes": spent["step"] - simulate,
        "observe": spent["observe"],
        "act": spent["act"],
    }
    # Learning is of all shards' robots.
    parts["learn"] = seconds_of(ppo.learn) * shard.task.n / ppo.gatherer.traits.n
    whole = sum(parts.values())
    return {name: seconds / whole for name, seconds in parts.items()}


def _make_single(lesson: Lesson, seed: int) -> "RobotEnv":
    return RobotEnv(lesson.make(robots=1, threads=1, seed=seed))


def _other_trainer(env: "VecEnv", ppo: PPO, seed: int) -> Callable[[], object]:
    """Return a round of stable-baselines3's PPO that begins with our actor."""
    config, ticks = ppo.config, ppo.steps_a_round
    layers = {"pi": list(config.actor_layers), "vf": list(config.critic_layers)}
    model = stable_baselines3.PPO(
        "MlpPolicy",
        env,
        n_steps=ticks // env.num_envs,
        batch_size=ticks // config.minibatches,
        n_epochs=config.epochs,
        policy_kwargs={
            "net_arch": layers,
            "activation_fn": nn.ELU,
            "log_std_init": config.first_log_std,
        },
        device="cpu",
        seed=seed,
    )
    ours = [layer for layer in ppo.policy.actor if isinstance(layer, nn.Linear)]
    hidden = [m for m in model.policy.mlp_extractor.policy_net if isinstance(m, nn.Linear)]
    for layer, source in zip([*hidden, model.policy.action_net], ours, strict=True):
        layer.load_state_dict(source.state_dict())
    model.learn(ticks)
    return lambda: model.learn(ticks, reset_num_timesteps=False)
