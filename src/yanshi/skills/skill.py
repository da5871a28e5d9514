"""The contract of a skill, and how one is found by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, ClassVar, Protocol

from yanshi.core.errors import UnknownNameError
from yanshi.core.messages import BaseEstimate, JointTarget, RobotState, Scene
from yanshi.robots.spec import RobotSpec
from yanshi.worlds.floor_plan import FloorPlan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Percept:
    """All that a skill may know at one tick: from the robot's own senses alone."""

    state: RobotState
    base: BaseEstimate
    scene: Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a step ended, as a message key and its facts; `mind.replies` words it."""

    kind: str
    """`done`, `failed` or `asked`."""
    reason: str = ""
    """Key of the sentence to say, e.g. `not_found`, `saw`; empty for none."""
    facts: tuple[str, ...] = ()
    """What fills the sentence: plan-language names and numbers."""


DONE = Outcome(kind="done")


class Skill(Protocol):
    """One behaviour, made anew for each step. It proposes targets and never touches a motor."""

    syntax: ClassVar[tuple[str, ...]]
    """What may follow the skill's name in a plan, one alternative each, e.g. `("{place}",
    "{thing}", "forward {metres}")`; `("",)` when nothing does. `mind.language` defines the
    braces: {place} {thing} {person} {turn} {degrees} {metres} {seconds} {text}."""
    summary: ClassVar[tuple[str, str]]
    """What it does, for people: one line in English, one in Chinese."""
    timeout_s: float
    """Longest time it may take before it counts as failed."""

    def check(self, percept: Percept) -> Outcome | None:
        """Return why the step cannot begin, or None when it can."""
        ...

    def start(self, percept: Percept) -> None:
        """Begin from where the robot is now."""
        ...

    def step(self, percept: Percept) -> JointTarget | Outcome:
        """Propose the next target (called at 50 Hz), or say how the step ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tools:
    """What skills are made with; shared by all the skills of one run."""

    robot: RobotSpec
    floor_plan: FloorPlan
    walker: Any  # A policies.walker.Walker: balance, steps and a free upper body.
    kinematics: Any  # A control.kinematics.Kinematics: poses of links, arm solutions.


def installed_skills() -> dict[str, type[Any]]:
    """Return every installed skill class by name, ours and other people's, sorted."""
    points = sorted(entry_points(group="yanshi.skills"), key=lambda point: point.name)
    return {point.name: point.load() for point in points}


def make_skill(name: str, arguments: Sequence[str], tools: Tools) -> Skill:
    """Make the installed skill called `name` for one step of a plan."""
    installed = installed_skills()
    if name not in installed:
        raise UnknownNameError("skill", name, installed)
    skill: Skill = installed[name](tuple(arguments), tools)
    return skill
