"""Begin with what somebody else's policy can do: imitate it where the pupil itself goes.

The method is DAgger (S. Ross and others, A reduction of imitation learning and structured
prediction to no-regret online learning, 2011): the pupil acts more and more by itself, the
teacher says what it would have done there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from yanshi.core.errors import ContractError
from yanshi.policies.contract import Contract
from yanshi.train.gather import mean_action
from yanshi.train.observation import Mirror


@dataclass(frozen=True, slots=True, kw_only=True)
class ImitationConfig:
    """How long and how fast."""

    rounds: int = 60
    horizon: int = 24
    """Ticks in a round."""
    teacher_rounds: int = 15
    """Rounds over which the acting passes from the teacher to the pupil."""
    epochs: int = 3
    batch: int = 512
    rate: float = 1e-3
    """Learning rate to begin with; it falls …"""
    rate_end: float = 1e-4
    """… to this."""
    noise: float = 0.2
    """Standard deviation of what is added to every action, so that mistakes are seen."""


class Pupil(Protocol):
    """A task that a ready policy can teach; see `Task`."""

    n: int
    actor_mirror: Mirror
    action_mirror: Mirror

    def observe(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Task`."""

    def step(self, action: NDArray[np.float32]) -> object:
        """See `Task`."""

    def teach(self, teacher: "Teacher") -> NDArray[np.float32]:
        """Return what the teacher would do now, shape (n, action_width)."""


class Teacher:
    """A ready policy that answers for many robots at once."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.command_gain = np.asarray(contract.setting("command_gain"), float)
        """What it does of what it is asked, (3,)."""
        self.command_max = np.asarray(contract.setting("command_max"), float)
        """m/s, m/s, rad/s, (3,)."""
        self._network = network_of(contract)

    def ask(self, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float32]:
        """Return its actions, shape (n, n_joints), from what it sees, by term, unscaled."""
        terms = self.contract.observation
        seen = np.concatenate([term.scale * values[term.name] for term in terms], axis=1)
        return mean_action(self._network, seen.astype(np.float32))


def imitate(
    actor: nn.Sequential, pupil: Pupil, teacher: Teacher, config: ImitationConfig, seed: int
) -> Iterator[float]:
    """Teach `actor` what the teacher does; yield the mean square error of each round."""
    optimiser = torch.optim.Adam(actor.parameters(), lr=config.rate)
    rng = np.random.default_rng(seed)
    shuffle = torch.Generator().manual_seed(seed)
    for number in range(config.rounds):
        seen, wanted = [], []
        for _ in range(config.horizon):
            observation, _ = pupil.observe()
            lesson = pupil.teach(teacher)
            taught = max(0.0, 1.0 - number / config.teacher_rounds)
            follows = rng.random((pupil.n, 1)) < taught
            action = np.where(follows, lesson, mean_action(actor, observation))
            seen.append(observation.copy())
            wanted.append(lesson)
            noise = rng.standard_normal(action.shape, dtype=np.float32)
            pupil.step((action + config.noise * noise).astype(np.float32))
        x = _with_mirrored(seen, pupil.actor_mirror)
        y = _with_mirrored(wanted, pupil.action_mirror)
        for group in optimiser.param_groups:
            group["lr"] = config.rate * (config.rate_end / config.rate) ** (number / config.rounds)
        losses = []
        for _ in range(config.epochs):
            for who in torch.randperm(len(x), generator=shuffle).split(config.batch):
                loss = (actor(x[who]) - y[who]).square().mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                losses.append(float(loss.detach()))
        yield float(np.mean(losses))


def _with_mirrored(parts: Sequence[NDArray[np.float32]], mirror: Mirror) -> torch.Tensor:
    """Return all rows and, after them, what they look like in a mirror."""
    rows, (twin, sign) = np.concatenate(parts), mirror
    return torch.from_numpy(np.concatenate([rows, sign * rows[:, twin]]).astype(np.float32))


def network_of(contract: Contract) -> nn.Sequential:
    """Return the fully connected network of a contract, ELU between its layers.

    Raises:
        ContractError: It is another kind of network.
    """
    graph = onnx.load(contract.network).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    parts: list[nn.Module] = []
    for node in graph.node:
        if node.op_type == "Elu":
            parts.append(nn.ELU())
        if node.op_type != "Gemm":
            continue
        weight, bias = arrays[node.input[1]], arrays[node.input[2]]
        if not any(a.name == "transB" and a.i for a in node.attribute):
            weight = weight.T
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight.copy()))
            layer.bias.copy_(torch.from_numpy(bias.copy()))
        parts.append(layer)
    if not parts:
        kinds = sorted({node.op_type for node in graph.node})
        raise ContractError(
            f"The network of {contract.name} consists of {kinds}; fully connected layers (Gemm) "
            "with ELU between them can be imitated."
        )
    return nn.Sequential(*parts)
