"""How well does a walker walk, stand, arrive and crouch while the arms do what they like?

Five disciplines. `roam`: 60 s of changing velocities. `load`: the same with 2 kg in each palm.
`stand`: it walks, is told to stop, and is watched for 10 s. `arrive`: a pose 3 m away, any
direction, any heading, the true error fed to the rule of `control.approach`. `posture`: pelvis
heights and torso pitches, for walkers that take such orders.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.bench.contest import Contest, Discipline, select
from yanshi.bench.proving_ground import (
    STILL,
    TICK_S,
    Contender,
    Guide,
    ProvingGround,
    Watch,
    direction,
    rounded,
    ticks_of,
    walker_of,
    wrap,
)
from yanshi.bench.rows import Row, Trial, mean_row, percentile_row, rate_row, report
from yanshi.policies.walker import Velocity

SPEED_MIN = (-0.5, -0.3, -0.8)
SPEED_MAX = (0.8, 0.3, 0.8)
"""Bounds of the velocities asked: ahead and to the left, m/s, and turning, rad/s."""
STAND_SHARE = 0.2
ORDER_S = (3.0, 6.0)
SETTLE_S = 1.5
WINDOW_S = 1.0
ROAM_S = 60.0
LOAD_KG = 2.0
"""In each palm."""
WALK_FIRST_S, STOP_S, STAND_S = 3.0, 2.0, 10.0
DRIFT_M, DRIFT_DEG = 0.05, 5.0
SOLE_M = 0.01
"""A foot is down while the lowest point of its sole is not higher than this."""
DISTANCE_M = 3.0
ARRIVED_M, ARRIVED_DEG = 0.10, 6.0
STAY_S = 1.0
"""Arrived is who stands, this near, for so long."""
GIVE_UP_S = 20.0
POSTURES, POSTURE_S = 4, 4.0
"""So many postures in a trial, each held so long."""
HEIGHT = (0.45, 0.78)
PITCH = (-0.1, 0.6)


def bench_walk(
    contenders: Sequence[Contender], n: int, seed: int, out: Path | None, workers: int
) -> int:
    """Run all disciplines, print the rows and return the exit code: 1 for a missed target."""
    contest = make_contest(contenders, n, seed)
    trials = contest.run_all(out, workers)
    return report(f"walking with moving arms, n = {n}", make_rows(contenders, trials), out)


def make_contest(
    contenders: Sequence[Contender], n: int, seed: int, *, roam_s: float = ROAM_S
) -> Contest:
    """Return the trials of this bench, n of each discipline for each walker.

    Args:
        roam_s: How long the disciplines `roam` and `load` last.
    """
    everybody = tuple(contenders)
    crouchers = tuple(c for c in contenders if takes_posture(c))
    disciplines = (
        Discipline(name="roam", run=partial(roam, duration_s=roam_s), n=n, contenders=everybody),
        Discipline(
            name="load",
            run=partial(roam, duration_s=roam_s, load_kg=LOAD_KG),
            n=n,
            contenders=everybody,
        ),
        Discipline(name="stand", run=stand, n=n, contenders=everybody),
        Discipline(name="arrive", run=arrive, n=n, contenders=everybody),
        Discipline(name="posture", run=crouch, n=n, contenders=crouchers),
    )
    return Contest(name="walk", seed=seed, disciplines=disciplines)


def takes_posture(contender: Contender) -> bool:
    """Whether a walker can be told how high to hold its pelvis and how far to lean."""
    terms = walker_of(contender.folder).contract.observation
    return any(term.name == "posture_command" for term in terms)


# -- the disciplines ---------------------------------------------------------------------------


def roam(
    contender: Contender,
    rng: np.random.Generator,
    k: int,
    watch: Watch | None = None,
    *,
    duration_s: float = ROAM_S,
    load_kg: float = 0.0,
) -> Trial:
    """Walk after velocities that change every few seconds, until it falls or time is up."""
    ground = ProvingGround(contender, rng, load_kg=load_kg, watch=watch)
    windows: list[list[float]] = []
    velocity = STILL
    while ground.t_s < duration_s - 0.5 * TICK_S and not ground.has_fallen:
        velocity = _order(rng)
        ticks = ticks_of(min(rng.uniform(*ORDER_S), duration_s - ground.t_s))
        windows += _follow(ground, velocity, ticks)
    return {
        **_ending(ground),
        "last_order": rounded(velocity),
        "windows": windows,
    }


def _order(rng: np.random.Generator) -> Velocity:
    ahead, left, turn = rng.uniform(SPEED_MIN, SPEED_MAX).tolist()
    return STILL if rng.random() < STAND_SHARE else (ahead, left, turn)


def _follow(ground: ProvingGround, velocity: Velocity, ticks: int) -> list[list[float]]:
    """Walk for some ticks; return velocity asked and walked in each whole second once settled."""
    settle, window = ticks_of(SETTLE_S), ticks_of(WINDOW_S)
    moved: list[NDArray[np.float64]] = []
    for _ in range(ticks):
        before = ground.pose
        ground.tick(velocity)
        if ground.has_fallen:
            break
        moved.append(_moved(before, ground.pose))
    whole = range(settle, len(moved) - window + 1, window)
    means = [np.sum(moved[i : i + window], axis=0) / WINDOW_S for i in whole]
    return [[*rounded(velocity), *rounded(mean)] for mean in means]


def _moved(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far a tick went ahead and to the left, m, and round, rad, shape (3,)."""
    turn = wrap(float(after[2] - before[2]))
    yaw = before[2] + 0.5 * turn
    dx, dy = after[:2] - before[:2]
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([cos * dx + sin * dy, cos * dy - sin * dx, turn])


def stand(
    contender: Contender,
    rng: np.random.Generator,
    k: int,
    watch: Watch | None = None,
    *,
    stand_s: float = STAND_S,
) -> Trial:
    """Walk for three seconds, stop, and stay where it is for ten."""
    ground = ProvingGround(contender, rng, watch=watch)
    velocity = _order(rng)
    for velocity_now, seconds in ((velocity, WALK_FIRST_S), (STILL, STOP_S)):
        _follow(ground, velocity_now, ticks_of(seconds))
    spot, begun_s = ground.pose, ground.t_s
    drift = turned = lifted = 0.0
    soles = list(ground.soles)
    while ground.t_s < begun_s + stand_s - 0.5 * TICK_S and not ground.has_fallen:
        ground.tick()
        pose = ground.pose
        drift = max(drift, float(np.hypot(*(pose - spot)[:2])))
        turned = max(turned, abs(wrap(float(pose[2] - spot[2]))))
        lifted = max(lifted, *(ground.lowest(sole) for sole in soles))
    return {
        **_ending(ground),
        "before": rounded(velocity),
        "drift_m": round(drift, 4),
        "turned_deg": round(float(np.rad2deg(turned)), 3),
        "sole_m": round(lifted, 4),
    }


def arrive(
    contender: Contender, rng: np.random.Generator, k: int, watch: Watch | None = None
) -> Trial:
    """Go to a pose 3 m away and stand there."""
    bearing, heading = rng.uniform(-np.pi, np.pi, 2)
    goal = DISTANCE_M * direction(bearing)
    goal[2] = heading
    ground = ProvingGround(contender, rng, watch=watch)
    guide = Guide()
    there_since: float | None = None
    error = ground.error_to(goal)
    while ground.t_s < GIVE_UP_S and not ground.has_fallen:
        ground.tick(guide.velocity(error))
        error = ground.error_to(goal)
        is_there = guide.is_there and _is_within(error)
        there_since = (there_since or ground.t_s) if is_there else None
        if there_since and ground.t_s - there_since >= STAY_S:
            break
    is_reached = there_since is not None and ground.t_s - there_since >= STAY_S
    return {
        **_ending(ground),
        "goal": rounded(goal),
        "reached_s": round(there_since, 2) if is_reached and there_since else None,
        "error_m": round(float(np.hypot(*error[:2])), 4),
        "error_deg": round(float(np.rad2deg(abs(error[2]))), 3),
    }


def _is_within(error: NDArray[np.float64]) -> bool:
    angle_deg = np.rad2deg(abs(error[2]))
    return bool(np.hypot(*error[:2]) <= ARRIVED_M and angle_deg <= ARRIVED_DEG)


def crouch(
    contender: Contender,
    rng: np.random.Generator,
    k: int,
    watch: Watch | None = None,
    *,
    postures: int = POSTURES,
) -> Trial:
    """Stand in one posture after the other; what counts is the end of each."""
    ground = ProvingGround(contender, rng, watch=watch)
    found: list[list[float]] = []
    for _ in range(postures):
        ground.posture = height, pitch = float(rng.uniform(*HEIGHT)), float(rng.uniform(*PITCH))
        _follow(ground, STILL, ticks_of(POSTURE_S - WINDOW_S))
        held = []
        for _ in range(ticks_of(WINDOW_S)):
            if ground.has_fallen:
                break
            ground.tick()
            held.append((ground.pelvis_height, ground.torso_pitch))
        if ground.has_fallen:
            break
        found.append([*rounded((height, pitch)), *rounded(np.mean(held, axis=0))])
    return {**_ending(ground), "postures": found}


def _ending(ground: ProvingGround) -> Trial:
    return {
        "fell": ground.has_fallen,
        "t_s": round(ground.t_s, 2),
        "pose": rounded(ground.pose),
        "mujoco_warnings": ground.body.warnings(),
    }


# -- the figures -------------------------------------------------------------------------------


def make_rows(contenders: Sequence[Contender], trials: Sequence[Trial]) -> list[Row]:
    """Return the figures of all walkers; targets are for ours."""
    return [row for contender in contenders for row in _rows_of(contender, trials)]


def _rows_of(contender: Contender, trials: Sequence[Trial]) -> list[Row]:
    def of(kind: str) -> list[Trial]:
        return select(trials, contender, kind)

    def name(figure: str) -> str:
        return f"{contender.name}: {figure}"

    def aim(target: str) -> str:
        return target if contender.is_ours else ""

    drifts = [t["drift_m"] for t in of("stand") if not t["fell"]]
    reached = [t["reached_s"] for t in of("arrive") if t["reached_s"] is not None]
    rows = [
        rate_row(name("60 s without a fall"), _upright(of("roam")), aim(">= 0.99")),
        rate_row(name("60 s with 4 kg in the hands"), _upright(of("load")), aim(">= 0.97")),
        mean_row(name("velocity error"), speed_errors(of("roam")), aim("<= 0.1"), "m/s"),
        mean_row(name("turning error"), turn_errors(of("roam")), aim("<= 0.1"), "rad/s"),
        rate_row(name("stands 10 s"), [stood_still(t) for t in of("stand")], aim(">= 0.95")),
        percentile_row(name("stands 10 s, median drift"), drifts, 50, unit="m"),
        rate_row(
            name("arrives 3 m away"),
            [t["reached_s"] is not None for t in of("arrive")],
            aim(">= 0.95"),
        ),
        percentile_row(name("arrives, median time"), reached, 50, unit="s"),
    ]
    if not of("posture"):
        return rows
    asked_and_found = [p for t in of("posture") for p in t["postures"]]
    return [
        *rows,
        rate_row(name("crouches upright"), _upright(of("posture"))),
        mean_row(name("height error"), [abs(p[0] - p[2]) for p in asked_and_found], unit="m"),
        mean_row(name("pitch error"), [abs(p[1] - p[3]) for p in asked_and_found], unit="rad"),
    ]


def _upright(trials: Sequence[Trial]) -> list[bool]:
    return [not t["fell"] and not t["mujoco_warnings"] for t in trials]


def speed_errors(trials: Sequence[Trial]) -> list[float]:
    """Return each trial's mean length of the difference between asked and walked velocity, m/s."""
    return [
        float(np.mean([np.hypot(w[0] - w[3], w[1] - w[4]) for w in t["windows"]]))
        for t in trials
        if t["windows"]
    ]


def turn_errors(trials: Sequence[Trial]) -> list[float]:
    """Return each trial's mean difference between asked and turned rate, rad/s."""
    return [
        float(np.mean([abs(w[2] - w[5]) for w in t["windows"]])) for t in trials if t["windows"]
    ]


def stood_still(trial: Trial) -> bool:
    """Whether it stayed on its spot, with both feet down."""
    return bool(
        not trial["fell"]
        and trial["drift_m"] <= DRIFT_M
        and trial["turned_deg"] <= DRIFT_DEG
        and trial["sole_m"] <= SOLE_M
    )
