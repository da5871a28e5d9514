"""How hard a push does a walker bear while it walks and its arms move?

`push`: 35 N·s on the torso within 0.1 s, in eight directions. `half`: the push that fells it half
of the time, per direction. Each trial of `half` is a search: every push is as hard as the pushes
before it make the half-way point most likely to be (Watson and Pelli's QUEST). All pushes of a
direction together then say where that point lies, with a 95 % credible interval.

Sources: A. B. Watson, D. G. Pelli, "QUEST: a Bayesian adaptive psychometric method", Perception &
Psychophysics 33 (1983), 113-120.
"""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yanshi.bench.contest import Contest, Discipline, select
from yanshi.bench.proving_ground import (
    TICK_S,
    Contender,
    ProvingGround,
    Watch,
    direction,
    ticks_of,
)
from yanshi.bench.rows import Row, Trial, rate_row, report
from yanshi.core.files import write_whole
from yanshi.policies.walker import Velocity
from yanshi.robots.g1.links import G1_LINKS

DIRECTIONS = (
    "ahead",
    "ahead left",
    "left",
    "back left",
    "back",
    "back right",
    "right",
    "ahead right",
)
"""Where a push goes, from the robot's own heading."""
WALK: Velocity = (0.5, 0.0, 0.0)
PUSH_S = 0.1
PUSH_NS = 35.0
"""N·s."""
FIRST_S = (2.5, 3.5)
"""When the push comes: any moment of a stride."""
AFTER_S = 5.0
SEARCH_PUSHES = 10
LEVELS = np.geomspace(5.0, 250.0, 200)
"""Where the half-way point may lie, N·s."""
SPREADS = np.geomspace(0.05, 0.6, 12)
"""How gradually falls set in about it: the logistic curve's scale, in units of ln(N·s)."""


def bench_push(
    contenders: Sequence[Contender],
    n: int,
    seed: int,
    out: Path | None,
    workers: int,
    picture: Path | None = None,
) -> int:
    """Push all walkers, print the rows and return the exit code: 1 for a missed target."""
    trials = make_contest(contenders, n, seed).run_all(out, workers)
    picture = picture or (out.with_suffix(".svg") if out else None)
    if picture:
        write_whole(picture, draw_polar(half_points(contenders, trials)))
    return report(f"pushed while walking, n = {n}", make_rows(contenders, trials), out)


def make_contest(
    contenders: Sequence[Contender], n: int, seed: int, *, pushes: int = SEARCH_PUSHES
) -> Contest:
    """Return the trials of this bench: n pushes, and a search per direction for every 26.

    Args:
        pushes: How many pushes a search has.
    """
    everybody = tuple(contenders)
    searches = len(DIRECTIONS) * max(1, round(n / 26))
    disciplines = (
        Discipline(name="push", run=push_once, n=n, contenders=everybody),
        Discipline(
            name="half", run=partial(search, pushes=pushes), n=searches, contenders=everybody
        ),
    )
    return Contest(name="push", seed=seed, disciplines=disciplines)


# -- the disciplines ---------------------------------------------------------------------------


def push_once(
    contender: Contender, rng: np.random.Generator, k: int, watch: Watch | None = None
) -> Trial:
    """Push it once with 35 N·s."""
    heading = DIRECTIONS[k % len(DIRECTIONS)]
    return {"direction": heading, **_push(contender, rng, heading, PUSH_NS, watch)}


def search(
    contender: Contender,
    rng: np.random.Generator,
    k: int,
    watch: Watch | None = None,
    *,
    pushes: int = SEARCH_PUSHES,
) -> Trial:
    """Push it again and again, each time afresh, about as hard as it can just bear."""
    heading = DIRECTIONS[k % len(DIRECTIONS)]
    found: list[dict[str, Any]] = []
    for _ in range(pushes):
        level = _locate(found).middle * math.exp(rng.uniform(-0.15, 0.15))
        found.append(_push(contender, rng, heading, level, watch))
    return {"direction": heading, "pushes": found}


def _push(
    contender: Contender,
    rng: np.random.Generator,
    heading: str,
    push_ns: float,
    watch: Watch | None,
) -> dict[str, Any]:
    ground = ProvingGround(contender, rng, watch=watch)
    torso = ground.model.body(G1_LINKS.torso).id
    begin, length = ticks_of(rng.uniform(*FIRST_S)), ticks_of(PUSH_S)
    angle = 2.0 * math.pi * DIRECTIONS.index(heading) / len(DIRECTIONS)
    for tick in range(begin + length + ticks_of(AFTER_S)):
        if tick == begin:
            force = push_ns / (length * TICK_S)
            ground.push(torso, force * direction(float(ground.pose[2]) + angle))
        elif tick == begin + length:
            ground.push(torso, 0.0)
        ground.tick(WALK)
        if ground.has_fallen:
            break
    return {
        "push_ns": round(push_ns, 2),
        "pushed_s": round(begin * TICK_S, 2),
        "fell": ground.has_fallen,
        "t_s": round(ground.t_s, 2),
        "mujoco_warnings": ground.body.warnings(),
    }


# -- the half-way point ------------------------------------------------------------------------


class Half:
    """What pushes tell of the one that fells a walker half of the time."""

    def __init__(self, weight: NDArray[np.float64]) -> None:
        """Take the probability of each of `LEVELS`."""
        self._sum = np.cumsum(weight)

    def _quantile(self, share: float) -> float:
        return float(np.exp(np.interp(share, self._sum, np.log(LEVELS))))

    @property
    def middle(self) -> float:
        """Its median, N·s."""
        return self._quantile(0.5)

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % credible interval, N·s."""
        return self._quantile(0.025), self._quantile(0.975)


def locate_half(pushes_ns: Sequence[float], fell: Sequence[bool]) -> Half:
    """Return where falling becomes as likely as not.

    The chance of a fall is taken for a logistic function of the push's logarithm. Half-way point
    and spread lie on a grid, every point of it equally likely beforehand.

    Args:
        pushes_ns: How hard each push was, N·s.
        fell: What came of it.
    """
    offset = np.log(np.asarray(pushes_ns, dtype=np.float64))[:, None] - np.log(LEVELS)  # (k, m)
    score = offset[:, :, None] / SPREADS  # (k, m, spreads)
    sign = np.where(fell, 1.0, -1.0).reshape(-1, 1, 1)
    likelihood = -np.logaddexp(0.0, -sign * score).sum(axis=0)
    weight = np.exp(likelihood - likelihood.max()).sum(axis=1)
    return Half(weight / weight.sum())


def _locate(pushes: Sequence[dict[str, Any]]) -> Half:
    # One that fell before it was pushed says nothing about pushes.
    pushed = [p for p in pushes if p["t_s"] >= p["pushed_s"]]
    return locate_half([p["push_ns"] for p in pushed], [p["fell"] for p in pushed])


# -- the figures -------------------------------------------------------------------------------


def half_points(
    contenders: Sequence[Contender], trials: Sequence[Trial]
) -> dict[str, dict[str, tuple[Half, int]]]:
    """Return the half-way point and the number of pushes by walker and direction."""
    found: dict[str, dict[str, tuple[Half, int]]] = {}
    for contender in contenders:
        searches = select(trials, contender, "half")
        found[contender.name] = {}
        for heading in DIRECTIONS:
            pushes = [p for t in searches if t["direction"] == heading for p in t["pushes"]]
            found[contender.name][heading] = _locate(pushes), len(pushes)
    return found


def make_rows(contenders: Sequence[Contender], trials: Sequence[Trial]) -> list[Row]:
    """Return the figures of all walkers; the target is for ours."""
    halves = half_points(contenders, trials)
    rows = []
    for contender in contenders:
        upright = [
            not t["fell"] and not t["mujoco_warnings"] for t in select(trials, contender, "push")
        ]
        target = ">= 0.95" if contender.is_ours else ""
        rows.append(rate_row(f"{contender.name}: upright after 35 N·s", upright, target))
        for heading, (half, n) in halves[contender.name].items():
            rows.append(
                Row(
                    name=f"{contender.name}: half fall, {heading}",
                    value=half.middle,
                    interval=half.interval,
                    n=n,
                    target="",
                    unit="N·s",
                )
            )
    return rows


_COLOURS = ("#c0392b", "#2c6fbb", "#8fb8de", "#3a8f5c", "#a8d5b5", "#8e6bb0", "#666666")
_SIZE, _MIDDLE, _RADIUS = 440, 200, 160


def draw_polar(halves: dict[str, dict[str, tuple[Half, int]]]) -> str:
    """Return a picture (SVG) of the half-way points: the robot in the middle, its heading up."""
    most = max(half.middle for way in halves.values() for half, _ in way.values())
    scale = _RADIUS / (20.0 * math.ceil(most / 20.0))
    height = _SIZE + 18 * len(halves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {height}" '
        f'font-family="sans-serif" font-size="12">',
        f'<rect width="{_SIZE}" height="{height}" fill="white"/>',
    ]
    for ring in range(20, round(_RADIUS / scale) + 1, 20):
        parts.append(
            f'<circle cx="{_SIZE / 2}" cy="{_MIDDLE}" r="{ring * scale:.1f}" fill="none" '
            f'stroke="#ddd"/><text x="{_SIZE / 2 + 3}" y="{_MIDDLE - ring * scale - 2:.1f}" '
            f'fill="#999">{ring} N·s</text>'
        )
    for index, heading in enumerate(DIRECTIONS):
        x, y = _place(index, _RADIUS + 22.0)
        parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" fill="#555">{heading}</text>'
        )
    for number, (name, way) in enumerate(halves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        corners = [_place(i, way[h][0].middle * scale) for i, h in enumerate(DIRECTIONS)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        line = _SIZE - 8 + 18 * number
        parts.append(
            f'<polygon points="{points}" fill="{colour}" fill-opacity="0.08" stroke="{colour}" '
            f'stroke-width="2"/><rect x="20" y="{line - 9}" width="12" height="12" '
            f'fill="{colour}"/><text x="38" y="{line + 2}">{name}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _place(index: int, radius: float) -> tuple[float, float]:
    """Return where a direction's point lies in the picture: ahead is up, left is left."""
    angle = 2.0 * math.pi * index / len(DIRECTIONS)
    return _SIZE / 2 - radius * math.sin(angle), _MIDDLE - radius * math.cos(angle)
