"""What a policy can be trained for: a task that a fleet of robots does over and over."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from yanshi.train.observation import Mirror


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What one tick brought each of `n` robots."""

    reward: NDArray[np.float32]
    """Shape (n,)."""
    has_failed: NDArray[np.bool_]
    """Whose episode ended badly: nothing follows. Shape (n,)."""
    is_over: NDArray[np.bool_]
    """Whose episode ended because its time was up: life would have gone on. Shape (n,)."""
    last_critic_input: NDArray[np.float32]
    """What the critic would have seen next, before those that ended began anew, (n, width)."""
    parts: dict[str, float] = field(default_factory=dict)
    """Mean of each part of the reward, for the log."""


class Task(Protocol):
    """A task of `n` robots. Observations hold for the next `step`."""

    n: int
    actor_width: int
    critic_width: int
    action_width: int
    actor_mirror: Mirror
    critic_mirror: Mirror
    action_mirror: Mirror

    def observe(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what actor and critic see, (n, actor_width) and (n, critic_width)."""

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Do one tick; robots whose episode ends begin a new one."""

    def progress(self) -> dict[str, float]:
        """Return what a person should see of how it goes: falls a minute, the level, …"""

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on: levels, random generators."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""


def arrays_of(task: object) -> dict[str, NDArray[Any]]:
    """Return copies of the arrays that are a task's own attributes, by name."""
    return {
        name: value.copy() for name, value in vars(task).items() if isinstance(value, np.ndarray)
    }


def put_back(task: object, arrays: dict[str, NDArray[Any]]) -> None:
    """Fill a task's arrays with what `arrays_of` returned."""
    for name, value in arrays.items():
        getattr(task, name)[...] = value
