"""Who looks on at a run: a terminal, a page, a log, a film, a judge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.core.messages import BaseEstimate, JointTarget, RobotState, Scene, Step
from yanshi.runtime.loops import Loop


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """What an onlooker may see at one policy tick."""

    t_ns: int
    state: RobotState
    target: JointTarget
    base: BaseEstimate
    scene: Scene
    step: Step | None
    """The step under way; None between steps."""
    loops: tuple[Loop, ...]


class Observer:
    """Looks on and does nothing; override what matters.

    It is called in the robot's own thread: an observer that is slow hands its work over.
    """

    wants_pictures: bool = False
    """Whether pictures should be sent over from the eyes' process."""

    @property
    def fault(self) -> str:
        """What went wrong with this onlooker, in a sentence; empty while all is well."""
        return ""

    def on_tick(self, snapshot: Snapshot) -> None:
        """See one policy tick."""

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        """Hear an event: `heard`, `plan`, `begin`, `end`, `say`, `see`, `fault`,
        `push` (from outside), `up` (it stands again after a fall), `lease` (another operator
        leads), `go_on` (a person has ended a stop), `down` (it sits limp)."""

    def on_picture(self, t_ns: int, rgb: NDArray[np.uint8]) -> None:
        """See what the head camera saw, shape (height, width, 3); only if wanted."""
