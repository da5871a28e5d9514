"""A fall is not the end: notice it, land, lie limp until still, get up, and let the plan go on.

Upright, every percept is looked at for a fall. From then on the robot belongs to the lander, and
then to the skill `getup` alone, whatever the plan wants, until it stands under the walker again or
stays down.
A fall throws it off its reckoning: on its feet, it looks round for where it is before it goes on.
"""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from yanshi.core.messages import JointTarget, Step
from yanshi.policies.contract import installed_policies
from yanshi.policies.lander import DEFAULT_LANDER, Lander
from yanshi.policies.walker import UpperBody
from yanshi.senses.balance import Balance
from yanshi.skills.behaviour import Behaviour
from yanshi.skills.getup import Getup, can_rise
from yanshi.skills.motion import stand
from yanshi.skills.search import get_bearings
from yanshi.skills.skill import Outcome, Percept, Tools


class Stage(Enum):
    """What the robot's balance allows."""

    UPRIGHT = auto()
    """The plan has the robot."""
    LANDING = auto()
    """It falls for certain, and spares its head and torso."""
    RISING = auto()
    """It has fallen and is getting up."""
    LOOKING = auto()
    """It stands again and looks round for where it is."""
    SITTING = auto()
    """It sinks as low as its legs carry, to go limp there."""
    DOWN = auto()
    """It has fallen, or sat down, and stays down, limp. Does not end within a run."""


DOING = {
    Stage.LANDING: Step(skill="getup"),
    Stage.RISING: Step(skill="getup"),
    Stage.LOOKING: Step(skill="look", arguments=("around",)),
    Stage.SITTING: Step(skill="stop"),
}
"""What a robot that has fallen is doing, as a step of a plan would."""


STANDING = (Stage.UPRIGHT, Stage.LOOKING, Stage.SITTING)
FALLEN = (Stage.LANDING, Stage.RISING)
CROUCH_S = 2.0
"""How long a robot that sits down takes to sink as low as its walker goes."""
CROUCH_LEAN = 0.0
"""How far its torso leans ahead then, rad; low down the walker leans as far as it must."""


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
        self._balance = Balance(tools.robot)
        installed = installed_policies()
        self._lander = Lander(tools.robot) if DEFAULT_LANDER in installed else None
        self._getup: Getup | None = None
        self._look: Behaviour[Percept] | None = None
        self._crouch: Behaviour[Percept] | None = None
        self._may_rise = True
        self.stage = Stage.UPRIGHT
        self.falls: list[Fall] = []

    @property
    def has_feet(self) -> bool:
        """Whether the feet carry the robot, so that they tell how it moves."""
        return self.stage in STANDING or (
            self._getup is not None and self._getup.is_on_feet and self.stage is Stage.RISING
        )

    def tick(self, percept: Percept) -> JointTarget | None:
        """Return the next target, or None when the robot is upright or stays down limp."""
        if self.stage in STANDING and self._balance.update(percept.state, percept.base):
            self._fall(percept)
        if self.stage is Stage.SITTING:
            return self._sink(percept)
        if self.stage is Stage.LOOKING:
            return self._look_round(percept)
        if self.stage is Stage.LANDING and (target := self._land(percept)) is not None:
            return target
        if self.stage is not Stage.RISING:
            return None
        assert self._getup is not None
        result = self._getup.step(percept)
        self.falls[-1].tries = self._getup.tries
        if isinstance(result, Outcome):
            return self._end(result, percept)
        if not np.isfinite(result.position).all():
            self.stay_down()
            return None
        return result

    def stay_down(self) -> None:
        """Never force a rise: what lies goes limp; what has its feet back may stand up.

        A fall that is under way is landed all the same.
        """
        if self.stage is Stage.LOOKING:
            self.stage = Stage.UPRIGHT
        elif self.stage is Stage.RISING and not self.has_feet:
            self.stage = Stage.DOWN

    def go_limp(self) -> None:
        """Let the joints go limp wherever the robot is, for good: nobody can balance it."""
        self.stage = Stage.DOWN

    def sit_down(self) -> None:
        """Sink and go limp, for good; only who stands can."""
        if self.stage is Stage.UPRIGHT:
            self._crouch = None
            self.stage = Stage.SITTING

    def _sink(self, percept: Percept) -> JointTarget | None:
        try:
            if self._crouch is None:
                body = UpperBody(posture=(0.0, CROUCH_LEAN))
                self._crouch = stand(self._tools, percept, CROUCH_S, body)
                return next(self._crouch)
            return self._crouch.send(percept)
        except StopIteration:
            self.stage = Stage.DOWN
            return None

    def _fall(self, percept: Percept) -> None:
        self.falls.append(Fall(t_ns=percept.state.t_ns))
        self._may_rise = self.stage is not Stage.SITTING
        if self._lander is None:
            self._lie(percept)
            return
        self._lander.reset(percept.state)
        self.stage = Stage.LANDING

    def _land(self, percept: Percept) -> JointTarget | None:
        """Return the lander's next target, None once the robot is to lie limp."""
        assert self._lander is not None
        if not self._lander.is_over(percept.state):
            target = self._lander.step(percept.state)
            if np.isfinite(target.position).all():
                return target
        self._lie(percept)
        return None

    def _lie(self, percept: Percept) -> None:
        """Go limp: until the robot may rise, or for good where it never learnt to or was to sit."""
        if not (self._may_rise and can_rise(self._tools)):
            self.stage = Stage.DOWN
            return
        self._getup = Getup((), self._tools)
        self._getup.start(percept)
        self.stage = Stage.RISING

    def _end(self, outcome: Outcome, percept: Percept) -> JointTarget | None:
        if outcome.kind != "done":
            self.stage = Stage.DOWN
            return None
        self.falls[-1].end_ns = percept.state.t_ns
        self._balance.reset()
        self._look = None
        self.stage = Stage.LOOKING
        return self._look_round(percept)

    def _look_round(self, percept: Percept) -> JointTarget | None:
        try:
            if self._look is None:
                self._look = get_bearings(self._tools, percept)
                return next(self._look)
            return self._look.send(percept)
        except StopIteration:
            self.stage = Stage.UPRIGHT
            return None
