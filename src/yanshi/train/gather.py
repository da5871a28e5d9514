"""Let a fleet act with the policy of the moment and keep what came of it.

The robots are split into shards, each with a task, random numbers and passes through the network
of its own. So it does not matter where a shard lives: in a thread here or in a process of
another machine, the same seed and the same shards bring the same experience to the last bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from yanshi.core.clock import MonotonicClock
from yanshi.train.observation import Mirror
from yanshi.train.task import Task


class MakeTask(Protocol):
    """Makes the task of one shard. Ray sends it to other processes, so it can be pickled."""

    def __call__(self, *, robots: int, threads: int, seed: int) -> Task:
        """Return a task of so many robots, simulated in so many threads."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traits:
    """What a learner must know of a task; see `Task`."""

    n: int
    actor_width: int
    critic_width: int
    action_width: int
    actor_mirror: Mirror
    critic_mirror: Mirror
    action_mirror: Mirror

    @classmethod
    def of(cls, task: Task) -> Self:
        """Return the traits of a task."""
        return cls(**{field.name: getattr(task, field.name) for field in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Experience:
    """What `n` robots did in one horizon; all arrays are (horizon, n, …) of float32."""

    seen: NDArray[np.float32]
    """What the actor saw, (…, actor_width)."""
    valued: NDArray[np.float32]
    """What the critic saw, (…, critic_width)."""
    valued_after: NDArray[np.float32]
    """What the critic would have seen next, had no episode begun anew, (…, critic_width)."""
    acted: NDArray[np.float32]
    """(…, action_width)."""
    reward: NDArray[np.float32]
    has_failed: NDArray[np.float32]
    """1 where an episode ended badly."""
    has_ended: NDArray[np.float32]
    """1 where an episode ended, badly or not."""

    @classmethod
    def empty(cls, horizon: int, traits: Traits) -> Self:
        """Return room for a horizon."""
        widths = {
            "seen": (traits.actor_width,),
            "valued": (traits.critic_width,),
            "valued_after": (traits.critic_width,),
            "acted": (traits.action_width,),
        }
        return cls(
            **{
                field.name: np.zeros((horizon, traits.n, *widths.get(field.name, ())), np.float32)
                for field in fields(cls)
            }
        )

    def of(self, robots: slice) -> Self:
        """Return a view of some of the robots."""
        return type(self)(
            **{field.name: getattr(self, field.name)[:, robots] for field in fields(self)}
        )

    def take(self, other: Self) -> None:
        """Copy everything from an experience of the same shape."""
        for field in fields(self):
            getattr(self, field.name)[:] = getattr(other, field.name)


class Shard:
    """Some of the robots, with their own random numbers."""

    def __init__(self, task: Task, seed: int | Sequence[int]) -> None:
        self.task = task
        self._rng = np.random.default_rng(seed)
        self._clock = MonotonicClock()
        self.seconds = {"observe": 0.0, "act": 0.0, "step": 0.0}
        """Where the time went so far."""

    def collect(
        self, actor: nn.Module, std: NDArray[np.float32], into: Experience
    ) -> dict[str, float]:
        """Act for one horizon and return the mean of each part of the reward."""
        task, seconds, now_ns = self.task, self.seconds, self._clock.now_ns
        parts: dict[str, float] = {}
        horizon = len(into.reward)
        for tick in range(horizon):
            began_ns = now_ns()
            seen, valued = task.observe()
            into.seen[tick], into.valued[tick] = seen, valued
            seen_ns = now_ns()
            noise = self._rng.standard_normal((task.n, task.action_width), dtype=np.float32)
            action = mean_action(actor, seen) + std * noise
            acted_ns = now_ns()
            outcome = task.step(action)
            into.acted[tick] = action
            into.reward[tick] = outcome.reward
            into.has_failed[tick] = outcome.has_failed
            into.has_ended[tick] = outcome.has_failed | outcome.is_over
            into.valued_after[tick] = outcome.last_critic_input
            for name, value in outcome.parts.items():
                parts[name] = parts.get(name, 0.0) + value / horizon
            seconds["observe"] += (seen_ns - began_ns) * 1e-9
            seconds["act"] += (acted_ns - seen_ns) * 1e-9
            seconds["step"] += (now_ns() - acted_ns) * 1e-9
        return parts

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on."""
        return {"rng": self._rng.bit_generator.state, "task": self.task.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state; without "rng" it keeps its own random numbers."""
        if "rng" in state:
            self._rng.bit_generator.state = state["rng"]
        self.task.load_state_dict(state["task"])


class Gatherer(ABC):
    """Gathers experience from all shards."""

    traits: Traits
    """Of all shards together."""

    @abstractmethod
    def collect(
        self, actor: nn.Module, std: NDArray[np.float32], into: Experience
    ) -> dict[str, float]:
        """Act for one horizon and return the mean of each part of the reward."""

    @abstractmethod
    def progress(self) -> dict[str, float]:
        """Return the mean over the shards of what `Task.progress` says."""

    @abstractmethod
    def state_dicts(self) -> list[dict[str, Any]]:
        """Return the state of each shard."""

    @abstractmethod
    def load_state_dicts(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from saved states, one for each shard."""

    @abstractmethod
    def close(self) -> None:
        """End threads and processes."""


class LocalGatherer(Gatherer):
    """Shards of this process, as many at a time as there are threads for them.

    Python's own part of one shard runs while another one simulates, which releases the
    interpreter.
    """

    def __init__(self, shards: Sequence[Shard], *, threads: int = 1) -> None:
        self.shards = tuple(shards)
        self.traits, self._places = add_up([Traits.of(shard.task) for shard in shards])
        workers = min(threads, len(shards))
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def collect(
        self, actor: nn.Module, std: NDArray[np.float32], into: Experience
    ) -> dict[str, float]:
        """See `Gatherer`."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # The pool's threads take this over when they first compute.
        try:
            rooms = [into.of(place) for place in self._places]
            work = list(zip(self.shards, rooms, strict=True))
            if self._pool is None:
                parts = [shard.collect(actor, std, room) for shard, room in work]
            else:
                jobs = [self._pool.submit(shard.collect, actor, std, room) for shard, room in work]
                parts = [job.result() for job in jobs]
        finally:
            torch.set_num_threads(threads)
        return mean_of(parts)

    def progress(self) -> dict[str, float]:
        """See `Gatherer`."""
        return mean_of([shard.task.progress() for shard in self.shards])

    def state_dicts(self) -> list[dict[str, Any]]:
        """See `Gatherer`."""
        return [shard.state_dict() for shard in self.shards]

    def load_state_dicts(self, states: Sequence[dict[str, Any]]) -> None:
        """See `Gatherer`."""
        for shard, state in zip(self.shards, states, strict=True):
            shard.load_state_dict(state)

    def close(self) -> None:
        """See `Gatherer`."""
        if self._pool is not None:
            self._pool.shutdown()


def make_shard(make: MakeTask, *, robots: int, threads: int, seed: int, index: int) -> Shard:
    """Make one shard; its random numbers follow from the seed and its index alone."""
    own = int(np.random.SeedSequence([seed, index]).generate_state(1)[0])
    return Shard(make(robots=robots, threads=threads, seed=own), (seed, index))


def split(robots: int, shards: int) -> list[int]:
    """Return how many robots each shard has: all of them, as evenly as can be."""
    return [robots // shards + (index < robots % shards) for index in range(shards)]


def mean_action(actor: nn.Module, seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the actor does without noise, shape (n, action_width)."""
    with torch.inference_mode():
        return np.asarray(actor(torch.from_numpy(seen)).numpy())


def mean_of(tables: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each entry of tables with the same keys."""
    return {key: sum(table[key] for table in tables) / len(tables) for key in tables[0]}


def add_up(traits: Sequence[Traits]) -> tuple[Traits, list[slice]]:
    """Return the traits of all shards together, and which robots are whose."""
    ends = np.cumsum([part.n for part in traits]).tolist()
    starts = [0, *ends[:-1]]
    first = {field.name: getattr(traits[0], field.name) for field in fields(Traits)}
    return Traits(**{**first, "n": ends[-1]}), list(map(slice, starts, ends))
