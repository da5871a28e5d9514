"""How long a language model takes on a board: a roofline, and what published figures add to it.

A token is decoded as fast as its weights and its memory of the text can be read, a prompt is read
as fast as its products can be formed and its weights be read once; every layer adds a while, less
the higher clock and bandwidth (`pace`), and layers that go through the text token by token add it
for each:

    decode:   t = a · bytes / bandwidth + b · layers / pace + c · layers of a mixture / pace
                + layers · cycles / clock, where a processor's cores run them (`cores.py`)
    prefill:  t = a · products / rate + b · bytes / bandwidth + c · layers / clock
                + d · recurrent layers · tokens / clock

The factors a, b, c, d ≥ 0 are fitted to the measurements in `data/measurements.toml` by least
squares of the relative error, apart for each runtime (decode) and format of the weights (prefill).
Boards can be left out, which is how the error is told (`yanshi bench fit`). The method is that of
the roofline (S. Williams, A. Waterman, D. Patterson, Communications of the ACM 52 (2009), 65-76).
"""

import math
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import ConfigError
from yanshi.ledger.catalog import DATA, Board, Model, boards, models

FORMATS = ("unpacked", "4-bit floats", "as they are")
PRECISIONS = {
    "q3": 2.7,
    "q4": 4.85,
    "int4": 4.3,
    "nvfp4": 4.5,
    "q8": 8.5,
    "int8": 8.0,
    "fp8": 8.0,
    "bf16": 16.0,
    "fp16": 16.0,
}
"""Bits of a weight, its scales counted in. llama.cpp's Q3_K_S as published, Q4_K_M and Q8_0 by
their layout; AWQ and GPTQ with groups of 128; NVFP4 with groups of 16."""
HEAD_BITS = {"tensorrt": 16.0, "vllm": 16.0, "rkllm": 8.0, "llama.cpp": 6.56}
"""Bits of a weight of the last matrix, where the runtime keeps it larger than the rest."""
RUNTIMES = ("tensorrt", "vllm", "mlc", "llama.cpp", "rkllm")
KV_BYTES = 2.0
"""Of a number in the memory of the text."""
RIDGE = 0.02
"""Pull of the factors towards what a perfect board would have (1, 0, 0), where data are few."""
MS = 1e3
CORE_LAYER_CYCLES = 0.474e6
"""What a layer takes for each token where cores of a processor run them and wait for one another:
`ledger/cores.py`, 0.182 ms at 2600 MHz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is run where."""

    model: Model
    board: Board
    precision: str
    runtime: str
    tokens: float = 0.0
    """Of the prompt."""
    context: float = 0.0
    """Tokens that are remembered already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A published time and what it is the time of."""

    name: str
    phase: str
    """`decode`, for a token, or `prefill`, for a prompt."""
    job: Job
    time_ms: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its error bar."""

    value: float
    low: float
    high: float
    """Where half of the error on boards that were not fitted lies below and above, doubled."""
    confidence: str
    source: str


class NeededError(ConfigError):
    """A figure that a prediction needs is not known."""


def need(record: Board | Model, figure: str) -> float:
    """Return a figure of a record.

    Raises:
        NeededError: It is not known.
    """
    value = getattr(record, figure)
    if value is None:
        sort = "boards" if isinstance(record, Board) else "models"
        raise NeededError(
            f"{figure} of {record.id} is not known. Put it into a file, [{sort}.{record.id}] with "
            f"{figure} = …, and name that in YANSHI_LEDGER.",
            zh=f"不知道 {record.id} 的 {figure}。请写进文件的 [{sort}.{record.id}] 表，"
            "并用 YANSHI_LEDGER 指定该文件。",
        )
    return float(value)


def head_params_b(model: Model) -> float:
    """Return the size of the last matrix, in billions."""
    return need(model, "vocabulary") * need(model, "hidden") * 1e-9


def decoder_params_b(model: Model) -> float:
    """Return what is read for one token without the last matrix, in billions."""
    active = model.decoder_params_b or need(model, "params_active_b")
    return active - head_params_b(model) * (2 if model.has_own_head else 1)


def token_bytes(job: Job) -> float:
    """Return how many bytes one token reads: weights, last matrix, memory of the text."""
    bits = PRECISIONS[job.precision]
    head_bits = max(bits, HEAD_BITS.get(job.runtime, bits))
    weights = decoder_params_b(job.model) * bits + head_params_b(job.model) * head_bits
    return weights * 1e9 / 8.0 + job.context * kv_bytes(job.model)


def kv_bytes(model: Model) -> float:
    """Return how many bytes a token takes in the memory of the text; 0 where that is not known."""
    if not (model.kv_heads and model.head_dim and model.layers):
        return 0.0
    return 2.0 * model.layers * model.kv_heads * model.head_dim * KV_BYTES


def rate_flops(job: Job) -> float:
    """Return how many products a second the board forms at best for that precision."""
    board = job.board
    if job.precision == "nvfp4" and board.fp4_tflops_dense:
        return board.fp4_tflops_dense * 1e12
    if job.precision == "int8" and board.int8_tops_dense:
        return board.int8_tops_dense * 1e12
    # Other formats are unpacked to 16 bits first.
    return full_rate_flops(board)


def full_rate_flops(board: Board) -> float:
    """Return how many products of 16 bits a board forms in a second.

    Half of those of 8 bits, where only these are known.
    """
    if board.fp16_tflops_dense is None and board.int8_tops_dense is not None:
        return 0.5 * board.int8_tops_dense * 1e12
    return need(board, "fp16_tflops_dense") * 1e12


def bandwidth_gb_s(board: Board) -> float:
    """Return what a board's memory gives: as measured, or else by its data sheet."""
    return board.bandwidth_measured_gb_s or need(board, "bandwidth_gb_s")


def pace(board: Board) -> float:
    """Return how fast a board gets from layer to layer, in no unit.

    Its clock in MHz times the root of its bandwidth in GB/s: of eight such scales that were tried,
    the one that errs least on boards left out.
    """
    return need(board, "clock_mhz") * math.sqrt(need(board, "bandwidth_gb_s"))


def decode_terms(job: Job) -> NDArray[np.float64]:
    """Return the terms of a token's time in ms, shape (3,)."""
    layers = need(job.model, "layers") / pace(job.board)
    reading = token_bytes(job) / bandwidth_gb_s(job.board) * 1e-6
    return np.array([reading, layers, layers * job.model.is_mixture])


def waiting_ms(phase: str, job: Job) -> float:
    """Return how long the cores of a processor wait for one another at a token, layer by layer."""
    if phase != "decode" or not job.board.cores:
        return 0.0
    return need(job.model, "layers") * CORE_LAYER_CYCLES / need(job.board, "clock_mhz") * 1e-3


def prefill_terms(job: Job) -> NDArray[np.float64]:
    """Return the terms of a prompt's time in ms, shape (6,): the first three by format."""
    model, tokens = job.model, job.tokens
    layers = need(model, "layers") / need(job.board, "clock_mhz")
    weights = 2.0 * decoder_params_b(model) * 1e9 * tokens
    attention = 2.0 * need(model, "layers") * need(model, "hidden") * tokens**2
    read = token_bytes(job)
    if model.is_mixture:  # Most experts are wanted by some token of the prompt.
        read += (need(model, "params_total_b") - need(model, "params_active_b")) * (
            1e9 / 8.0 * PRECISIONS[job.precision]
        )
    full = full_rate_flops(job.board)
    products = (weights / rate_flops(job) + attention / full) * MS
    return np.array(
        [
            *(products * (_format(job) == form) for form in FORMATS),
            read / bandwidth_gb_s(job.board) * 1e-6,
            layers,
            layers * tokens * model.is_recurrent * (_format(job) == FORMATS[0]),
        ]
    )


IDEAL = {"decode": np.array([1.0, 0.0, 0.0]), "prefill": np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0])}
"""The factors of a board that does nothing but what is needed."""
LEAST = {"decode": IDEAL["decode"], "prefill": np.zeros(6)}
"""No board reads faster than its memory allows; products and reading of a prompt may overlap."""
TERMS: dict[str, Callable[[Job], NDArray[np.float64]]] = {
    "decode": decode_terms,
    "prefill": prefill_terms,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The factors of each phase and runtime, and how far they err."""

    factors: dict[tuple[str, str], NDArray[np.float64]]
    errors: dict[tuple[str, str], float]
    """Median of the relative error on boards that were left out."""

    def knows(self, row: Measured) -> bool:
        """Whether there are factors for a measurement."""
        return (row.phase, _like(row.phase, row.job)) in self.factors

    def time_ms(self, phase: str, job: Job) -> float:
        """Return the time of a token or of a prompt.

        Raises:
            NeededError: A figure of the board or the model is not known.
        """
        key = (phase, _like(phase, job))
        if key not in self.factors:  # Nothing was published of that runtime.
            key = (phase, "all" if phase == "prefill" else "llama.cpp")
        return float(self.factors[key] @ TERMS[phase](job)) + waiting_ms(phase, job)

    def estimate(self, phase: str, job: Job) -> Estimate:
        """Return the time of a token or of a prompt with its error bar."""
        time_ms = self.time_ms(phase, job)
        runtime = _like(phase, job)
        error = self.errors.get((phase, runtime), 0.5)
        sure = [job.board.confidence, job.model.confidence]
        return Estimate(
            value=time_ms,
            low=time_ms / (1.0 + 2.0 * error),
            high=time_ms * (1.0 + 2.0 * error),
            confidence="low" if "low" in sure or runtime != job.runtime else min(sure, key=_RANK),
            source=f"roofline fitted to {runtime} measurements",
        )


_RANK = ("low", "medium", "high").index


def _like(phase: str, job: Job) -> str:
    """Return whose factors are used: a prompt's are common to all but one runtime."""
    if phase == "prefill":
        return "rkllm" if job.runtime == "rkllm" else "all"
    return job.runtime if job.runtime in RUNTIMES else "llama.cpp"


def _format(job: Job) -> str:
    """Return what sets the pace of a prompt: whether weights are unpacked before they are used."""
    if job.precision == "nvfp4":
        return "4-bit floats"
    return "unpacked" if PRECISIONS[job.precision] < 6.0 else "as they are"


def fit(measured: Iterable[Measured], leave_out: Iterable[str] = ()) -> Fit:
    """Fit the factors to measurements, without those of some boards."""
    left_out = set(leave_out)
    rows = [row for row in measured if row.job.board.id not in left_out]
    keys = {(row.phase, _like(row.phase, row.job)) for row in rows}
    factors = {}
    for phase, runtime in sorted(keys):
        mine = [row for row in rows if row.phase == phase and _like(phase, row.job) == runtime]
        factors[phase, runtime] = _factors(mine)
    return Fit(factors=factors, errors={})


def _factors(rows: list[Measured]) -> NDArray[np.float64]:
    """Return the factors of the least relative error, none below `LEAST`."""
    ideal, least = IDEAL[rows[0].phase], LEAST[rows[0].phase]
    terms = np.array([TERMS[row.phase](row.job) / row.time_ms for row in rows])
    scale = np.maximum(np.sqrt((terms**2).mean(axis=0)), 1e-9)
    pull = RIDGE * np.sqrt(len(rows)) * np.diag(scale)
    sides = np.vstack([terms, pull])
    rest = np.array([1.0 - waiting_ms(row.phase, row.job) / row.time_ms for row in rows])
    left = np.concatenate([rest, pull @ ideal]) - sides @ least
    return least + nonnegative(sides, left)


def nonnegative(sides: NDArray[np.float64], left: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the x ≥ 0 of the least squares of sides @ x - left: what comes out below 0 is 0."""
    free = np.ones(sides.shape[1], dtype=bool)
    found = np.zeros(sides.shape[1])
    while free.any():
        solution = np.linalg.lstsq(sides[:, free], left, rcond=None)[0]
        if (solution > -1e-12).all():
            found[free] = solution
            break
        free[np.flatnonzero(free)[int(np.argmin(solution))]] = False
    return found


@cache
def fitted() -> Fit:
    """Return the fit to all measurements, with its errors on boards left out one at a time."""
    rows = measurements()
    errors: dict[tuple[str, str], list[float]] = {}
    for board in sorted({row.job.board.id for row in rows}):
        others = fit(rows, [board])
        for row in rows:
            key = (row.phase, _like(row.phase, row.job))
            if row.job.board.id == board and key in others.factors:
                errors.setdefault(key, []).append(
                    abs(others.time_ms(row.phase, row.job) / row.time_ms - 1.0)
                )
    whole = fit(rows)
    return Fit(
        factors=whole.factors,
        errors={key: float(np.median(values)) for key, values in errors.items()},
    )


@cache
def tables() -> dict[str, dict[str, Any]]:
    """Return the records of all published measurements by name."""
    return tomllib.loads((DATA / "measurements.toml").read_text(encoding="utf8"))


@cache
def measurements() -> tuple[Measured, ...]:
    """Return the published times of language models that the terms can be formed of."""
    llms = {name: table for name, table in tables().items() if table["category"] == "llm"}
    rows = (_measured(name, table) for name, table in llms.items())
    return tuple(row for row in rows if row is not None)


def _measured(name: str, table: dict[str, Any]) -> Measured | None:
    """Read one measurement; None where it or its setting cannot be used."""
    model, board = models().get(table["model"]), boards().get(table["board"])
    setting = table.get("setting", {})
    precision, runtime = _precision(setting), _runtime(setting, table["board"])
    if model is None or board is None or not precision or not runtime:
        return None
    tokens = float(setting.get("prompt_tokens", 0) or _digits(setting.get("test", "")))
    metric, value = table["metric"], float(table["value"])
    context = float(setting.get("past_kv", 0))
    if metric == "decode":
        phase, time_ms = "decode", MS / value
    elif metric in ("prefill", "ttft") and tokens:
        phase, time_ms = "prefill", value
    elif metric == "prefill_rate" and tokens:
        phase, time_ms = "prefill", tokens / value * MS
    else:
        return None
    job = Job(
        model=model,
        board=board,
        precision=precision,
        runtime=runtime,
        tokens=tokens,
        context=context,
    )
    try:
        TERMS[phase](job)
    except NeededError:
        return None
    return Measured(name=name, phase=phase, job=job, time_ms=time_ms, source=table["source"])


def _precision(setting: dict[str, Any]) -> str:
    text = " ".join(str(setting.get(key, "")) for key in ("precision", "quant", "backend")).lower()
    signs = (
        ("nvfp4", "nvfp4"),
        ("q3_k", "q3"),
        ("q4", "q4"),
        ("int4", "int4"),
        ("w4a16", "int4"),
        ("w8a8", "int8"),
        ("bf16", "bf16"),
        ("fp16", "fp16"),
        ("vllm", "int4"),  # The tables without a precision are of 4-bit weights.
    )
    return next((name for sign, name in signs if sign in text), "")


def _runtime(setting: dict[str, Any], board: str) -> str:
    text = " ".join(str(setting.get(key, "")) for key in ("backend", "tool", "quant")).lower()
    signs = (
        ("edge-llm", "tensorrt"),
        ("llm_bench", "tensorrt"),
        ("vllm", "vllm"),
        ("mlc", "mlc"),
        ("llama", "llama.cpp"),
        ("q4_k", "llama.cpp"),
    )
    found = next((name for sign, name in signs if sign in text), "")
    return found or boards()[board].runtime if board in boards() else found


def _digits(text: str) -> float:
    digits = "".join(c for c in text if c.isdigit())
    return float(digits) if text.startswith("pp") and digits else 0.0
