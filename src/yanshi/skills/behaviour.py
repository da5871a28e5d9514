"""A skill written as one flow: it yields a target each tick and receives the next percept.

def act(self, percept):
    percept = yield from stand(self.tools, percept, seconds=1.0)
    percept = yield from turn_to(self.tools, percept, yaw=0.0)
    return DONE
"""

from collections.abc import Callable, Generator, Mapping
from typing import ClassVar, TypeVar

from yanshi.core.errors import UnreachableError
from yanshi.core.messages import JointTarget
from yanshi.skills.skill import Outcome, Percept, Risk, Tools

T = TypeVar("T")
Behaviour = Generator[JointTarget, Percept, T]


def as_long_as(
    percept: Percept, behaviour: Behaviour[T], holds: Callable[[Percept], bool]
) -> Behaviour[tuple[Percept, T | None]]:
    """Go on with a behaviour as long as something holds.

    Returns:
        The newest percept, and what the behaviour came to; None where it was broken off.
    """
    try:
        target = next(behaviour)
        while True:
            percept = yield target
            if not holds(percept):
                behaviour.close()
                return percept, None
            target = behaviour.send(percept)
    except StopIteration as end:
        return percept, end.value


def as_far_as(percept: Percept, way: Behaviour[Percept]) -> Behaviour[tuple[Percept, bool]]:
    """Follow a way until its end, or until it turns out that it does not lead there.

    Whoever goes on from where the body stopped needs what is known there, not what was known
    before it set out: a target is refused that was made of what is long past.

    Returns:
        The newest percept, and whether the way led to its end.
    """
    try:
        target = next(way)
        while True:
            percept = yield target
            target = way.send(percept)
    except UnreachableError:
        return percept, False
    except StopIteration as end:
        return end.value, True


class Flow:
    """What every skill does with its `act`; see `Skill` for the contract."""

    timeout_s: float = 30.0
    called: ClassVar[Mapping[str, tuple[str, str]]] = {}
    words: ClassVar[tuple[str, ...]] = ()
    verb: ClassVar[tuple[str, str] | None] = None
    risk: ClassVar[Risk] = "travels"

    def __init__(self, arguments: tuple[str, ...], tools: Tools) -> None:
        self.arguments = arguments
        self.tools = tools
        self._behaviour: Behaviour[Outcome] | None = None
        self._has_begun = False

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Do it, from where the robot is now, and return how it ended."""
        raise NotImplementedError

    def check(self, percept: Percept) -> Outcome | None:
        """Return why the step cannot begin, or None when it can."""
        return None

    def start(self, percept: Percept) -> None:
        """Begin from where the robot is now."""
        self._behaviour = self.act(percept)
        self._has_begun = False

    def step(self, percept: Percept) -> JointTarget | Outcome:
        """Propose the next target, or say how the step ended."""
        assert self._behaviour is not None, "start() comes first"
        try:
            if self._has_begun:
                return self._behaviour.send(percept)
            self._has_begun = True
            return next(self._behaviour)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
