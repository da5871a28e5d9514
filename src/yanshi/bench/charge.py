"""`yanshi bench charge`: how much longer a run takes that pays for its thoughts.

The same sentence in the same home is run with and without a meter by turns, the first of each pair
alternating, so that what else the machine does meets both alike. With a board an answer arrives
later in the world and the run lasts longer there, so what is compared is the wall time of a second
of the robot's. Beside it stands what a tick of the meter takes alone.
"""

import time
from pathlib import Path

import numpy as np

from yanshi.bench.rows import Row, Trial, percentile_row, report, run_trials
from yanshi.bodies.simulation import simulate
from yanshi.ledger.meter import open_meter
from yanshi.robots.g1.spec import G1
from yanshi.runtime.brain import Brain
from yanshi.runtime.episode import Episode

WORLD = "home"
SENTENCE = "go to the table, then wave"
MOST = "<= 1.02"
TICK_S, TICKS = 0.02, 2_000


def bench_charge(n: int, seed: int, out: Path | None = None, board: str = "orin-nx-16gb") -> int:
    """Run n pairs, print how much longer the charged ones took and return 1 for a missed target.

    Args:
        n: How many pairs.
        seed: Of the first pair's home; the others follow.
        out: File for the figures; goes on from the pairs beside it.
        board: What is charged.

    Raises:
        UnknownNameError: There is no such board.
        NeededError: A figure that charging needs is not known.
    """
    tick_us = measure_tick_us(board)
    with Brain() as brain:
        run_once(brain, seed, "")  # Warms up caches and drivers.

        def pair(index: int) -> Trial:
            turns = ("", board) if index % 2 == 0 else (board, "")
            took = {turn: run_once(brain, seed + index, turn) for turn in turns}
            return {"with": took[board], "without": took[""]}

        settings = {"seed": seed, "board": board, "sentence": SENTENCE}
        trials = run_trials(pair, n, out=out, settings=settings)
    return report("charging", rows_of(trials, tick_us), out)


def run_once(brain: Brain, seed: int, board: str) -> float:
    """Return how long a second of the robot's takes on the wall, in s; charged if a board is."""
    brain.enter(WORLD, seed)
    simulation = simulate(WORLD, seed)
    brain.wait_ready(simulation)
    meter = open_meter(board, G1.limits) if board else None
    episode = Episode(simulation, brain.mind, brain.eyes, meter=meter)
    result = episode.run(SENTENCE)
    simulation.body.close()
    return result.wall_s / result.sim_s


def measure_tick_us(board: str) -> float:
    """Return what a tick of the meter takes alone, in µs: the median of some thousands."""
    meter = open_meter(board, G1.limits)
    torque = np.zeros(len(G1.joint_names))
    took_ns = []
    for _ in range(TICKS):
        began_ns = time.perf_counter_ns()
        meter.tick(torque, torque, TICK_S)
        took_ns.append(time.perf_counter_ns() - began_ns)
    return float(np.median(took_ns)) * 1e-3


def rows_of(trials: list[Trial], tick_us: float) -> list[Row]:
    """Turn pairs into figures: the median ratio with its interval, and the meter's own share."""
    ratios = [trial["with"] / trial["without"] for trial in trials]
    bare = [trial["without"] for trial in trials]
    share = 1.0 + tick_us * 1e-6 / TICK_S / float(np.median(bare))
    return [
        percentile_row("with a board over without, median", ratios, 50.0, MOST),
        percentile_row("a second of the robot's, without", bare, 50.0, unit="s"),
        Row(
            name="a tick of the meter", value=tick_us, interval=None, n=TICKS, target="", unit="µs"
        ),
        Row(name="the same as a ratio", value=share, interval=None, n=TICKS, target=MOST),
    ]
