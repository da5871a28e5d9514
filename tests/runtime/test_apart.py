"""Body and watch in processes of their own: the robot goes limp whoever dies."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from tests.runtime.stand_ins import ClosedEyes, Onlooker, PlainMind, prepare

from yanshi.bodies.remote_body import Limp, RemoteBody
from yanshi.bodies.simulation import simulate
from yanshi.runtime.apart import Apart
from yanshi.runtime.episode import Episode, EpisodeConfig
from yanshi.safety.faults import Fault

PATIENCE_S = 10.0


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Stand for the process that balances the robot, and does nothing."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def comes(what: Callable[[], object]) -> bool:
    until_s = time.monotonic() + PATIENCE_S
    while not what() and time.monotonic() < until_s:
        os.sched_yield()
    return bool(what())


def test_a_death_makes_the_watch_tell_the_body_which_goes_limp_and_outlives_it(sleeper):
    simulation = simulate("empty", 1)
    with Apart(simulation, pid=sleeper.pid) as apart:
        lines = apart.lines
        body = RemoteBody(simulation.body, lines)
        assert not lines.damp.t_ns
        sleeper.kill()
        assert comes(lambda: lines.damp.t_ns)
        body.begin(time.monotonic_ns())
        assert comes(lambda: lines.limp.t_ns)
        why = np.zeros(1)
        assert lines.limp.read(why)
        assert why[0] == Limp.WATCH
        assert body.missing() is Fault.BODY_LIMP
        first = lines.state.count
        assert comes(lambda: lines.state.count > first + 20)  # It lies and is still felt.
    assert not apart.body.is_alive()
    assert not apart.watch.is_alive()


def test_who_hangs_is_told_of_like_who_dies(sleeper):
    simulation = simulate("empty", 1)
    with Apart(simulation, pid=sleeper.pid) as apart:
        RemoteBody(simulation.body, apart.lines).begin(time.monotonic_ns())
        assert comes(lambda: apart.lines.damp.t_ns)
        assert sleeper.poll() is None


def test_a_run_whose_body_is_elsewhere_does_what_it_is_told():
    simulation = simulate("empty", 1)
    with Apart(simulation) as apart:
        body = RemoteBody(simulation.body, apart.lines)
        onlooker = Onlooker()
        episode = Episode(
            replace(simulation, body=body),
            PlainMind(),
            ClosedEyes(),
            is_real_time=True,
            observers=[onlooker],
            peer=body,
            config=EpisodeConfig(settle_ms=200),
        )
        report = episode.run("wait 1")
    assert report.clock == "wall"
    assert report.mujoco_warnings == 0
    assert report.steps


@pytest.mark.parametrize(
    ("fault", "end"), [(Fault.WATCH_LOST, "sits limp"), (Fault.BODY_LIMP, None)]
)
def test_what_is_wrong_with_the_others_ends_the_plan_for_good(fault, end):
    class Peer:
        trouble: Fault | None = None

        def missing(self) -> Fault | None:
            return self.trouble

    peer = Peer()
    run = prepare(peer=peer, config=EpisodeConfig(longest_s=6.0))

    def lose() -> None:
        peer.trouble = fault

    run.onlooker.at = {2000: lose}
    report = run.episode.run("go forward 2; wave")
    assert run.onlooker.ends() == ["go forward 2: failed"]
    assert fault.name.lower() in report.faults
    down = [text for _, kind, text in run.onlooker.events if kind == "down"]
    assert down == ([end] if end else [])
    assert report.exit_code == 4
