"""What this machine is as a board, and how near the ledger comes to our base model on it."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import psutil

from yanshi.bench.rows import Row, report
from yanshi.ledger.catalog import Board
from yanshi.ledger.cores import CLOCK_MHZ, shapes, time_ms
from yanshi.ledger.roofline import need
from yanshi.mind.model import BARE, Llama

CORES = 2
"""As many as our model thinks with."""
BLOCK_BYTES = 128 * 1024 * 1024
"""Of numbers that each core reads: more than any cache holds."""
SIDE = 1024
REPEATS = 7
BASE = "gemma-3-270m"
"""Its shape in `ledger/data/cores.toml`."""
LENGTH = 14
"""Tokens that are written."""
BUSY = "This machine has more to do than it has cores: what was measured is too slow."
PROMPT = "走到桌子前，看看桌上有什么，跳个舞，走到门口，挥挥手，再走到架子那里\n"


def measure_machine() -> Board:
    """Return this machine as a board: what it reads and multiplies with two cores.

    Medians of seven. Nothing else should run meanwhile.
    """
    with ThreadPoolExecutor(CORES) as pool:
        blocks = [np.ones(BLOCK_BYTES // 4, dtype=np.float32) for _ in range(CORES)]
        read_s = _median_s(lambda: list(pool.map(lambda block: block.max(), blocks)))
        square = np.ones((SIDE, SIDE), dtype=np.float32)
        multiply_s = _median_s(lambda: square @ square)
    frequency = psutil.cpu_freq()
    clock_mhz = (frequency.max or frequency.current) if frequency else 0.0
    return Board(
        id="this-machine",
        name="this machine, two cores",
        bandwidth_gb_s=CORES * BLOCK_BYTES / read_s * 1e-9,
        fp16_tflops_dense=2.0 * SIDE**3 / multiply_s * 1e-12,
        clock_mhz=clock_mhz or None,
        memory_gb=psutil.virtual_memory().total * 1e-9,
        runtime="llama.cpp",
        source="measured just now",
        confidence="high",
        notes="products of 32-bit floats",
    )


def _median_s(run: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        began_s = time.perf_counter()
        run()
        times.append(time.perf_counter() - began_s)
    return statistics.median(times)


def measure_model() -> tuple[float, float, int]:
    """Return how long llama.cpp takes for a token and for a prompt, in ms, and the prompt's length.

    By its own clock, without a grammar. The model is the base of ours as it was published: the
    ledger counts what llama.cpp does.

    Raises:
        AssetError: There is no model.
    """
    model = Llama(replace(BARE, threads=CORES))
    times = [model.times(PROMPT, LENGTH) for _ in range(REPEATS + 1)][1:]  # The first one warms up.
    token_ms, prompt_ms, read = (statistics.median(column) for column in zip(*times, strict=True))
    return token_ms, prompt_ms, round(read)


def predict(board: Board, tokens: int) -> float:
    """Return how long that is to take there for a token (`tokens` 0) or a prompt, in ms."""
    return time_ms(
        shapes()[BASE],
        CORES,
        tokens,
        clock_mhz=board.clock_mhz or CLOCK_MHZ,
        bandwidth_gb_s=need(board, "bandwidth_gb_s"),
    )


def measure() -> int:
    """Measure this machine, print prediction and reality; return 1 when they differ by 15 %."""
    board = measure_machine()
    token_ms, prompt_ms, read = measure_model()
    token, prompt = predict(board, 0), predict(board, read)
    rows = [
        _row("bandwidth, two cores reading", board.bandwidth_gb_s or 0.0, "GB/s"),
        _row("products, 32-bit floats", (board.fp16_tflops_dense or 0.0) * 1e3, "GFLOPS"),
        _row("clock", board.clock_mhz or 0.0, "MHz"),
        _row("a token, measured", token_ms, "ms"),
        _row("a token, predicted", token, "ms"),
        _row(f"a prompt of {read} tokens, measured", prompt_ms, "ms"),
        _row(f"a prompt of {read} tokens, predicted", prompt, "ms"),
        _row("error, a token", abs(token / token_ms - 1.0), "", "<= 0.15"),
        _row("error, a prompt", abs(prompt / prompt_ms - 1.0), "", "<= 0.15"),
    ]
    return report("this machine", rows, None, [BUSY] if psutil.getloadavg()[0] > CORES else [])


def _row(name: str, value: float, unit: str, target: str = "") -> Row:
    return Row(name=name, value=value, interval=None, n=REPEATS, target=target, unit=unit)
