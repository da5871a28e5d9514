"""The contract of a skill, and how one is found by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Literal, Protocol

from yanshi.control.kinematics import Kinematics
from yanshi.core.errors import ConfigError, UnknownNameError
from yanshi.core.messages import BaseEstimate, JointTarget, RobotState, Scene
from yanshi.policies.walker import Walker
from yanshi.robots.spec import RobotSpec
from yanshi.worlds.floor_plan import FloorPlan

Risk = Literal["none", "moves", "travels"]


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
    """`done`, `failed`, `asked` or `refused`."""
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
    braces: {place} {thing} {person} {degrees} {metres} {seconds} {text}."""
    summary: ClassVar[tuple[str, str]]
    """What it does, for people: one line in English, one in Chinese."""
    called: ClassVar[Mapping[str, tuple[str, str]]]
    """What a step of it is called in English and Chinese, by its first argument; `""` for any
    other, with {0} for it. Empty: as a plan writes it."""
    words: ClassVar[tuple[str, ...]]
    """What else people call it, in either language, where nothing follows its name: enough for it
    to be understood without training."""
    verb: ClassVar[tuple[str, str] | None]
    """What the robot says that it can do, in English and Chinese; None: as its step is called."""
    risk: ClassVar[Risk]
    """What it moves: nothing (`none`), limbs on the spot (`moves`), the whole robot (`travels`)."""
    timeout_s: float
    """Longest time it may take before it counts as failed."""

    def check(self, percept: Percept) -> Outcome | None:
        """Return why the step cannot begin, or None when it can."""
        ...

    def start(self, percept: Percept) -> None:
        """Begin from where the robot is now; begin anew when it has fallen and stands again."""
        ...

    def step(self, percept: Percept) -> JointTarget | Outcome:
        """Propose the next target (called at 50 Hz), or say how the step ended."""
        ...

    # A skill that cannot be left at any moment may have a `halt(self) -> bool`: told to stop, it
    # returns whether it needs more ticks to come to a stand, and then ends as soon as it can.
    # One that first looks for room may have `is_performing: bool`, true from when it swings its
    # limbs: whether somebody is too near is judged then, and of every other skill when it starts.


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tools:
    """What skills are made with; shared by all the skills of one run."""

    robot: RobotSpec
    floor_plan: FloorPlan
    walker: Walker
    """Balance, steps and a free upper body."""
    kinematics: Kinematics
    """Poses of links, arm solutions."""
    waits: bool = True
    """Whether the run's clock stands still while somebody thinks: the simulated one does."""
    remark: Callable[["Outcome"], None] = lambda outcome: None
    """Says something while the step goes on, worded as an outcome is."""
    shared: dict[str, Any] = field(default_factory=dict)
    """What skills keep for the next skill of their kind, e.g. a loaded policy, by name."""


@cache
def _entry_points() -> dict[str, EntryPoint]:
    """Return where every installed skill is found; read from the disk once."""
    points = sorted(entry_points(group="yanshi.skills"), key=lambda point: point.name)
    return {point.name: point for point in points}


def installed_skills() -> dict[str, type[Any]]:
    """Return every installed skill class by name, ours, other people's and routines, sorted.

    Raises:
        ConfigError: A routine has the name of another skill.
    """
    from yanshi.skills.perform import routine_skills  # A skill, made of what this module defines.

    skills: dict[str, type[Any]] = {name: point.load() for name, point in _entry_points().items()}
    routines = routine_skills()
    if both := sorted(set(skills) & set(routines)):
        folder = routines[both[0]].piece.folder
        raise ConfigError(
            f"The routine in {folder} has the name of the skill {both[0]!r}; another name for its "
            "folder would do.",
            zh=f"{folder} 中的套路与技能 {both[0]!r} 重名；请给文件夹改名。",
        )
    return dict(sorted((skills | routines).items()))


def prepare_skills(tools: Tools) -> None:
    """Let every installed skill that has a `prepare` load what it needs, before motors are on.

    Raises:
        YanshiError: A skill cannot be prepared, e.g. its policy does not fit the robot.
    """
    for skill in installed_skills().values():
        prepare = getattr(skill, "prepare", None)
        if prepare is not None:
            prepare(tools)


def make_skill(name: str, arguments: Sequence[str], tools: Tools) -> Skill:
    """Make the installed skill called `name` for one step of a plan.

    Raises:
        UnknownNameError: No skill of that name is installed.
    """
    from yanshi.skills.perform import routine_skills

    points, routines = _entry_points(), routine_skills()
    if name not in points and name not in routines:
        raise UnknownNameError("skill", name, {*points, *routines})
    made: type[Any] = points[name].load() if name in points else routines[name]
    skill: Skill = made(tuple(arguments), tools)
    return skill
