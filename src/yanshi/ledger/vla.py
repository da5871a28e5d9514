"""How long a vision-language-action network takes for a chunk of actions on a board: a roofline.

Its parts run one after another: eyes, language model, action layers (once for each denoising step)
or, where actions are words, the language model again for each word. A part takes as long as its
products need to be formed or its weights to be read, whichever is longer. On top of that every
layer costs a while: little where kernels are replayed from a graph or an engine, much where PyTorch
launches them one by one, less the faster a core of the CPU; and the harness of a framework costs
the CPU a while for each chunk:

    t = a · Σ max(2 · parameters · tokens · passes / rate, bytes · passes / bandwidth)
      + b · layers · passes, replayed + c · layers · passes, launched / core + d · harness / core

t, b, c and d in ms; a, in no unit, tells how far from perfect boards are; core is the speed of one
of the CPU's, AGX Orin's being 1. The factors are common to all boards and networks, none below 0,
and fitted by least squares of the relative error to what `data/measurements.toml` has of category
"vla". Figures of networks and boards, with sources: `data/models.toml`, `data/boards.toml`.

Errors by `yanshi bench fit`: in the mean 15 % on boards, 24 % on families of networks, that were
left out of the fit. A roofline of VLAs that nothing is fitted to: VLA-Perf (arXiv:2602.18397).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yanshi.ledger.catalog import Board, Model, boards, models
from yanshi.ledger.roofline import (
    MS,
    Estimate,
    NeededError,
    bandwidth_gb_s,
    full_rate_flops,
    need,
    nonnegative,
    tables,
)

TIERS = ("launched", "replayed", "tuned")
"""How kernels get to the GPU: one by one from eager PyTorch; from a graph or an engine that a
framework made (torch.compile, JAX, TensorRT, MLC); the same, written by hand and without a harness
around it (Triton, FlashRT)."""
FORMATS = {
    "bf16": (16.0, 1.0),
    "fp8": (8.0, 2.0),
    "int8": (8.0, 2.0),
    "nvfp4": (4.5, 4.0),
    "q8": (8.0, 1.0),
    "int4": (4.3, 1.0),
}
"""Bits of a weight, and how many times as fast as with 16 bits products are formed; the last two
are unpacked to 16 bits first. Data sheets of GeForce cards tell twice as many of 8 bits, with sums
of 16 bits; recollection, not verified."""
SETTINGS = {
    "views": "views",
    "prompt_tokens": "prompt_tokens",
    "chunk": "action_chunk",
    "steps": "denoise_steps",
    "tokens": "tokens_per_action",
}
"""What the setting of a measurement may say otherwise, and the model's figure of it."""
EYES, LANGUAGE, ACTION = (
    ("eyes_layers", "eyes_params_b"),
    ("layers", "language_params_b"),
    ("action_layers", "action_params_b"),
)
"""A model's figures of its parts: how many layers, and how large all of them are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A network that makes a chunk of actions: which, where and how."""

    vla: Model
    board: Board
    tier: str
    """One of `TIERS`."""
    weights: str = "bf16"
    """One of `FORMATS`."""
    backbone: str = ""
    """Tier of eyes and language model, where it is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A published time and what it is the time of."""

    name: str
    run: Run
    time_ms: float


@dataclass(frozen=True, slots=True)
class Part:
    """A stack of layers at work."""

    layers: float
    params_b: float
    tokens: float
    """At once."""
    passes: float
    tier: str


def parts(run: Run) -> Iterator[Part]:
    """Give what is run, in order."""
    vla, backbone = run.vla, run.backbone or run.tier
    views, words = need(vla, "views"), vla.tokens_per_action or 0.0
    read = views * need(vla, "view_tokens") + need(vla, "prompt_tokens")
    if views:
        yield _part(vla, EYES, views * need(vla, "view_patches"), 1.0, backbone)
    if read:
        yield _part(vla, LANGUAGE, read, 1.0, backbone)
        words -= 1.0  # The first one comes with the prompt.
    if words > 0.0:
        yield _part(vla, LANGUAGE, 1.0, words, backbone)
    if vla.denoise_steps:
        tokens = need(vla, "action_chunk") + 1.0  # The robot's state is the first one.
        yield _part(vla, ACTION, tokens, vla.denoise_steps, run.tier)


def _part(vla: Model, figures: tuple[str, str], tokens: float, passes: float, tier: str) -> Part:
    layers, params_b = (need(vla, figure) for figure in figures)
    return Part(layers, params_b, tokens, passes, tier)


def terms(run: Run) -> NDArray[np.float64]:
    """Return the terms of a chunk's time, shape (4,).

    The roofline in ms; layers replayed; layers launched, and the harness, each over the core.

    Raises:
        NeededError: A figure of the board or the network is not known.
    """
    bits, speed = FORMATS[run.weights]
    if run.weights == "nvfp4" and run.board.fp4_tflops_dense is None:
        speed = 1.0  # Such a board unpacks them.
    core = need(run.board, "core_speed")
    bandwidth = bandwidth_gb_s(run.board)
    rate = full_rate_flops(run.board) * speed
    found = np.zeros(4)
    for part in parts(run):
        products = 2e9 * part.params_b * part.tokens * part.passes / rate
        reading = part.params_b * bits / 8.0 * part.passes / bandwidth
        found[0] += max(products, reading) * MS
        layers = part.layers * part.passes
        if part.tier == "launched":
            found[2] += layers / core
        else:
            found[1] += layers
    found[3] = (run.tier != "tuned") / core
    return found


def fit(rows: Iterable[Measured]) -> NDArray[np.float64]:
    """Return the factors a, b, c, d of the least squared relative error, none below 0."""
    sides = np.array([terms(row.run) / row.time_ms for row in rows])
    return nonnegative(sides, np.ones(len(sides)))


def left_out(rows: Iterable[Measured], group: Callable[[Measured], str]) -> NDArray[np.float64]:
    """Return the time of each row in ms by factors that were fitted without its group."""
    rows = list(rows)
    groups = [group(row) for row in rows]
    factors = {
        its: fit(row for row, other in zip(rows, groups, strict=True) if other != its)
        for its in set(groups)
    }
    return np.array([terms(row.run) @ factors[its] for row, its in zip(rows, groups, strict=True)])


def board_of(row: Measured) -> str:
    """Return the board of a measurement."""
    return row.run.board.id


def family_of(row: Measured) -> str:
    """Return the family of a measurement's network: the same layers, trained or ended otherwise."""
    return row.run.vla.family or row.run.vla.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The factors, and how far they err."""

    factors: NDArray[np.float64]
    errors: dict[str, float]
    """Median of the relative error on boards that were left out, by tier."""
    error_elsewhere: float
    """The same on families of networks that were left out."""
    families: frozenset[str]

    def time_ms(self, run: Run) -> float:
        """Return the time of a chunk.

        Raises:
            NeededError: A figure of the board or the network is not known.
        """
        return float(self.factors @ terms(run))

    def estimate(self, run: Run) -> Estimate:
        """Return the time of a chunk in ms with its error bar, twice the median error."""
        is_known = run.vla.family in self.families
        error = self.errors[run.tier] if is_known else self.error_elsewhere
        time_ms = self.time_ms(run)
        # No more than medium, as the speeds of cores are.
        sure = ("medium", run.board.confidence, run.vla.confidence)
        return Estimate(
            value=time_ms,
            low=time_ms / (1.0 + 2.0 * error),
            high=time_ms * (1.0 + 2.0 * error),
            confidence=min(sure, key=("low", "medium", "high").index) if is_known else "low",
            source=f"roofline fitted to measurements of {', '.join(sorted(self.families))}",
        )


@cache
def fitted() -> Fit:
    """Return the fit to all measurements, with its errors on what was left out."""
    rows = measurements()
    times = np.array([row.time_ms for row in rows])
    by_board, by_family = (
        np.abs(left_out(rows, group) / times - 1.0) for group in (board_of, family_of)
    )
    tiers = np.array([row.run.tier for row in rows])
    return Fit(
        factors=fit(rows),
        errors={tier: float(np.median(by_board[tiers == tier])) for tier in TIERS},
        error_elsewhere=float(np.median(by_family)),
        families=frozenset(family_of(row) for row in rows),
    )


@cache
def measurements() -> tuple[Measured, ...]:
    """Return the published times of networks on board whose setting is told."""
    rows = (_measured(name, table) for name, table in tables().items())
    return tuple(row for row in rows if row is not None)


def _measured(name: str, table: dict[str, Any]) -> Measured | None:
    """Read one measurement; None where its record has no tier or figures are not known."""
    setting = table.get("setting", {})
    vla, board = models().get(table["model"]), boards().get(table["board"])
    if "tier" not in setting or vla is None or board is None:
        return None
    told = {SETTINGS[key]: value for key, value in setting.items() if key in SETTINGS}
    run = Run(
        vla=replace(vla, **told),
        board=board,
        tier=setting["tier"],
        weights=setting["weights"],
        backbone=setting.get("backbone", ""),
    )
    try:
        terms(run)
    except NeededError:
        return None
    value = float(table["value"])
    time_ms = MS / value if table["unit"] == "Hz" else value
    return Measured(name=name, run=run, time_ms=time_ms)
