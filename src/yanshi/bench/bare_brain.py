"""A brain without models, for benches of everything else: plans are spoken as they are written."""

import numpy as np
from numpy.typing import NDArray

from yanshi.core.messages import Plan, Step
from yanshi.mind.dialogue import NOWHERE, Context, Turn
from yanshi.mind.mind import Source, Understanding
from yanshi.runtime.eyes_process import EyesProcess, Glance
from yanshi.senses.map_match import Viewpoint
from yanshi.senses.scene_memory import Surfaces


class PlanReader:
    """Takes a sentence for the plan that it is: `go forward 2; wave`."""

    deadline_s = 0.3

    def __init__(self) -> None:
        self._answer: Understanding | None = None

    def ask(self, sentence: str, context: Context = NOWHERE) -> None:
        """Read it."""
        steps = (part.split() for part in sentence.split(";"))
        plan = Plan(steps=tuple(Step(skill=s, arguments=tuple(a)) for s, *a in steps))
        self._answer = _understood(plan, "rule")

    def poll(self, timeout_s: float = 0.0) -> Understanding | None:
        """Return what it read."""
        return self._answer

    def first_step(self) -> Step | None:
        """Return nothing: the whole plan comes at once."""
        return None

    def say_again(self, sentence: str) -> Understanding:
        """Ask back."""
        return _understood(Plan(steps=(Step(skill="ask", arguments=("what",)),)), "none")

    def stopped(self, sentence: str) -> Understanding:
        """Return an order to stop."""
        return _understood(Plan(steps=(Step(skill="stop"),)), "stop")


def _understood(plan: Plan, source: Source) -> Understanding:
    return Understanding(
        plan=plan, language="en", source=source, latency_s=0.0, turn=Turn(plan=plan)
    )


class ClosedEyes(EyesProcess):
    """Sees nothing, in time, in no process of its own."""

    def __init__(self) -> None:
        self.pending = 0
        self._t_ns = 0

    def look(
        self,
        t_ns: int,
        qpos: NDArray[np.float64],
        viewpoint: Viewpoint,
        *,
        want_rgb: bool = False,
    ) -> None:
        """Do not."""
        self._t_ns, self.pending = t_ns, 1

    def collect(self, timeout_s: float) -> Glance | None:
        """Return that nothing was seen."""
        self.pending = 0
        surfaces = Surfaces(depth=np.zeros((4, 4), dtype=np.float32), focal_length=4.0)
        return Glance(
            t_ns=self._t_ns,
            detections=(),
            solids=(),
            surfaces=surfaces,
            match=None,
            took_ms=1.0,
            rgb=None,
        )
