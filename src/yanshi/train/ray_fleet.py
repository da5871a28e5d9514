"""Gather experience on the machines of a Ray cluster.

Every shard lives in a worker process with a processor of its own. A round sends the actor out and
brings the experience back; the random numbers stay with the shards, so the same seed and the
same shards learn the same as on one machine, to the last bit where the processors are alike.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from yanshi.core.cluster import LOCAL, connect
from yanshi.train.gather import (
    Experience,
    Gatherer,
    MakeTask,
    Traits,
    add_up,
    make_shard,
    mean_of,
)


class Worker:
    """One shard in a process of its own."""

    def __init__(self, make: MakeTask, robots: int, seed: int, index: int) -> None:
        torch.set_num_threads(1)
        self._shard = make_shard(make, robots=robots, threads=1, seed=seed, index=index)
        self._room: Experience | None = None

    def traits(self) -> Traits:
        """Return the traits of the shard's task."""
        return Traits.of(self._shard.task)

    def collect(
        self, actor: nn.Module, std: NDArray[np.float32], horizon: int
    ) -> tuple[Experience, dict[str, float]]:
        """Act for one horizon; return it and the mean of each part of the reward."""
        if self._room is None or len(self._room.reward) != horizon:
            self._room = Experience.empty(horizon, self.traits())
        parts = self._shard.collect(actor, std, self._room)
        return self._room, parts

    def progress(self) -> dict[str, float]:
        """Return what the task says of its progress."""
        return self._shard.task.progress()

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on."""
        return self._shard.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._shard.load_state_dict(state)


class RayGatherer(Gatherer):
    """Shards in the workers of a Ray cluster."""

    def __init__(self, make: MakeTask, sizes: Sequence[int], seed: int, address: str) -> None:
        """Start a worker for each shard.

        Args:
            make: Makes a shard's task; it is sent to the workers.
            sizes: How many robots each shard has.
            seed: Of everything random.
            address: Of the cluster's head, `local` to start one here, or `auto`.

        Raises:
            ConfigError: Ray is not installed, or no cluster answers at the address.
        """
        self._ray = ray = connect(address, len(sizes))
        self._is_ours = address == LOCAL
        worker = ray.remote(num_cpus=1)(Worker)
        self._workers = [worker.remote(make, size, seed, index) for index, size in enumerate(sizes)]
        traits = ray.get([worker.traits.remote() for worker in self._workers])
        self.traits, self._places = add_up(traits)

    def collect(
        self, actor: nn.Module, std: NDArray[np.float32], into: Experience
    ) -> dict[str, float]:
        """See `Gatherer`."""
        sent = self._ray.put(actor)
        jobs = [worker.collect.remote(sent, std, len(into.reward)) for worker in self._workers]
        parts = []
        for place, (experience, part) in zip(self._places, self._ray.get(jobs), strict=True):
            into.of(place).take(experience)
            parts.append(part)
        return mean_of(parts)

    def progress(self) -> dict[str, float]:
        """See `Gatherer`."""
        return mean_of(self._ray.get([worker.progress.remote() for worker in self._workers]))

    def state_dicts(self) -> list[dict[str, Any]]:
        """See `Gatherer`."""
        states: list[dict[str, Any]] = self._ray.get(
            [worker.state_dict.remote() for worker in self._workers]
        )
        return states

    def load_state_dicts(self, states: Sequence[dict[str, Any]]) -> None:
        """See `Gatherer`."""
        self._ray.get(
            [
                worker.load_state_dict.remote(state)
                for worker, state in zip(self._workers, states, strict=True)
            ]
        )

    def close(self) -> None:
        """See `Gatherer`."""
        for worker in self._workers:
            self._ray.kill(worker)
        self._ray.shutdown()
