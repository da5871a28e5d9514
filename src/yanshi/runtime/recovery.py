"""A fall is not the end: notice it, lie limp until still, get up, and let the plan go on.

Upright, every percept is looked at for a fall. From then on the robot belongs to the skill
`getup` alone, whatever the plan wants, until it stands under the walker again or stays down.
"""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from yanshi.core.messages import JointTarget, Step
from yanshi.senses.balance import Balance
from yanshi.skills.getup import Getup, can_rise
from yanshi.skills.skill import Outcome, Percept, Tools

RISING = Step(skill="getup")
"""What a robot that has fallen is doing."""


class Stage(Enum):
    """What the robot's balance allows."""

    UPRIGHT = auto()
    """The plan has the robot."""
    RISING = auto()
    """It has fallen and is getting up."""
    DOWN = auto()
    """It has fallen and stays down, limp. Does not end within a run."""


@dataclass(slots=True, kw_only=True)
class Fall:
    """One fall and what became of it."""

    t_ns: int
    """When it was noticed."""
    end_ns: int | None = None
    """When the robot stood again, None while it does not."""
    tries: int = 0
    """How often it began to rise."""


class Recovery:
    """Has the robot while it is not on its feet. Call `tick` once a policy period."""

    def __init__(self, tools: Tools) -> None:
        """Look out for falls.

        Args:
            tools: The run's own, prepared; without a riser among the shared ones a robot that
                has fallen stays down.
        """
        self._tools = tools
        self._balance = Balance()
        self._getup: Getup | None = None
        self.stage = Stage.UPRIGHT
        self.falls: list[Fall] = []

    @property
    def has_feet(self) -> bool:
        """Whether the feet carry the robot, so that they tell how it moves."""
        return self.stage is Stage.UPRIGHT or (
            self._getup is not None and self._getup.is_on_feet and self.stage is Stage.RISING
        )

    def tick(self, percept: Percept) -> JointTarget | None:
        """Return the next target, or None when the robot is upright or stays down limp."""
        if self.stage is Stage.UPRIGHT and self._balance.update(percept.state, percept.base):
            self._fall(percept)
        if self.stage is not Stage.RISING:
            return None
        assert self._getup is not None
        result = self._getup.step(percept)
        self.falls[-1].tries = self._getup.tries
        if isinstance(result, Outcome):
            self._end(result, percept)
            return None
        if not np.isfinite(result.position).all():
            self.stay_down()
            return None
        return result

    def stay_down(self) -> None:
        """Never force a rise: what lies goes limp; what has its feet back may stand up."""
        if self.stage is Stage.RISING and not self.has_feet:
            self.stage = Stage.DOWN

    def _fall(self, percept: Percept) -> None:
        self.falls.append(Fall(t_ns=percept.state.t_ns))
        if not can_rise(self._tools):
            self.stage = Stage.DOWN
            return
        self._getup = Getup((), self._tools)
        self._getup.start(percept)
        self.stage = Stage.RISING

    def _end(self, outcome: Outcome, percept: Percept) -> None:
        if outcome.kind != "done":
            self.stage = Stage.DOWN
            return
        self.falls[-1].end_ns = percept.state.t_ns
        self._balance.reset()
        self.stage = Stage.UPRIGHT
