"""What can be learnt: a task, how it is taught, and the contract its policy is shipped with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from yanshi.policies.contract import Contract, Term
from yanshi.robots.spec import RobotSpec
from yanshi.train.gather import MakeTask
from yanshi.train.ppo import Policy, PPOConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whose network a training began with."""

    name: str
    source: str
    licence: str

    @classmethod
    def of(cls, contract: Contract) -> "Origin":
        """Return the origin that a ready policy is."""
        return cls(name=contract.name, source=contract.source, licence=contract.licence)


class Begin(Protocol):
    """Gives new networks a start, for instance by copying a ready policy."""

    def __call__(
        self, policy: Policy, *, seed: int, threads: int, say: Callable[[str], None]
    ) -> Origin:
        """Change the networks and return whose they were; `say` tells how it goes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesson:
    """All that `train` must know of one kind of training."""

    name: str
    """As in `yanshi train NAME`."""
    about: str
    """What the policy does, in a sentence."""
    robot: RobotSpec
    make: MakeTask
    tick_s: float
    """Time between two actions."""
    terms: tuple[Term, ...]
    """What the actor sees."""
    joints: tuple[str, ...]
    """The joints that it sees, in the robot's order."""
    acts_on: tuple[str, ...]
    """The joints that it commands."""
    action_scale: tuple[float, ...]
    """rad per unit of action, one a commanded joint."""
    action_offset: tuple[float, ...]
    """Joint angles of action zero, rad."""
    action_limit: float
    """Actions are clipped to ± this."""
    ppo: PPOConfig = field(default_factory=PPOConfig)
    robots: int = 256
    begin: Begin | None = None
    """Gives the new networks a start; None begins with noise."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The table `[settings]` of the contract."""
