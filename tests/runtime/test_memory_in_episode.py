"""What a run holds of memory: nothing is given back while the robot is busy, all once it is not."""

import gc
import weakref

import numpy as np
from tests.runtime.stand_ins import Onlooker, prepare

from yanshi.runtime.observer import Snapshot


class Leaky(Onlooker):
    """Leaves something behind that holds itself, at every tick."""

    class Knot:
        def __init__(self) -> None:
            self.self = self

    def __init__(self) -> None:
        super().__init__()
        self.knots: list[weakref.ref[Leaky.Knot]] = []
        self.left: list[int] = []
        self.is_busy: list[bool] = []

    def on_tick(self, snapshot: Snapshot) -> None:
        super().on_tick(snapshot)
        self.knots.append(weakref.ref(Leaky.Knot()))
        self.left.append(sum(knot() is not None for knot in self.knots))
        self.is_busy.append(snapshot.step is not None)


def test_what_a_run_leaves_behind_goes_when_there_is_nothing_to_do_and_not_before():
    leaky = Leaky()
    run = prepare(onlooker=leaky)
    report = run.episode.run("wave; wait 1")
    assert report.outcome == "done"
    left, is_busy = np.array(leaky.left), np.array(leaky.is_busy)
    first, last = np.flatnonzero(is_busy)[[0, -1]]
    assert (np.diff(left[first : last + 1]) == 1).all()  # Nothing holds up a step.
    assert left[last + 2] <= 2
    assert gc.isenabled()
