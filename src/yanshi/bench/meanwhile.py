"""Something else for the machine to do while one part of it is measured: the robot walks about."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from yanshi.core.errors import BodyError
from yanshi.core.messages import Plan
from yanshi.mind.dialogue import NOWHERE, Context, Turn
from yanshi.mind.language import PlanLanguage
from yanshi.mind.mind import Understanding

READY_S = 120.0
WALK = "go table; go door; go shelf; go sofa; look around; go plant"


@contextmanager
def walking(seed: int) -> Iterator[None]:
    """Let a robot walk about a home on the wall clock, with its eyes open, in its own processes.

    Raises:
        BodyError: It could not be set up.
    """
    context = multiprocessing.get_context("spawn")
    connection, child = context.Pipe()
    process = context.Process(target=_walk, args=(child, seed), name="walking")
    process.start()
    child.close()
    try:
        if not connection.poll(READY_S) or not connection.recv():
            raise BodyError(
                f"A robot was to walk about while this is measured and was not ready in "
                f"{READY_S:.0f} s. `yanshi doctor` says what is missing."
            )
        yield
    finally:
        with suppress(OSError):
            connection.send(None)
        process.join(timeout=10.0)
        if process.is_alive():
            process.kill()
            process.join()


class _Told:
    """In the place of a mind: was told the plan, so that no second model thinks."""

    deadline_s = 0.3

    def __init__(self, plan: Plan) -> None:
        self._answer = Understanding(
            plan=plan, language="en", source="rule", latency_s=0.0, turn=Turn(plan=plan)
        )

    def ask(self, sentence: str, context: Context = NOWHERE) -> None:
        pass

    def poll(self, timeout_s: float = 0.0) -> Understanding:
        return self._answer

    def first_step(self) -> None:
        pass

    def say_again(self, sentence: str) -> Understanding:
        return self._answer

    def stopped(self, sentence: str) -> Understanding:
        return self._answer


def _walk(connection: Connection, seed: int) -> None:
    """Run one walk after another until told to end."""
    from yanshi.bodies.simulation import simulate
    from yanshi.runtime.episode import Episode
    from yanshi.runtime.eyes_process import EyesProcess

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    eyes = EyesProcess()
    is_first = True
    try:
        while not connection.poll():
            simulation = simulate("home", seed)
            eyes.enter("home", seed)
            eyes.wait_ready()
            mind = _Told(PlanLanguage.of(simulation.floor_plan).parse(WALK))
            episode = Episode(simulation, mind, eyes, is_real_time=True)
            if is_first:
                connection.send(True)
                is_first = False
            episode.run(WALK)
            simulation.body.close()
    finally:
        eyes.close()
        os._exit(0)
