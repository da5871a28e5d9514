"""Bench results: rows with an interval and a target, written so that a run can be resumed.

Every bench is a list of independent trials, numbered from 0. Each finished trial is one
line of `FILE.trials.jsonl`; a run that was interrupted skips the lines it finds there. The
rows are computed from the trials at the end.
"""

import json
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from yanshi.core.cluster import connect
from yanshi.core.errors import ConfigError
from yanshi.core.files import write_whole
from yanshi.core.machine import machine

Trial = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of a bench."""

    name: str
    value: float
    interval: tuple[float, float] | None
    """95 % interval: Wilson's for a rate, a percentile bootstrap for others."""
    n: int
    target: str
    """What was aimed at, e.g. `>= 0.9`; empty for a figure without a target."""
    unit: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the value meets the target; None without a target."""
        if not self.target:
            return None
        relation, bound = self.target.split()
        limit = float(bound)
        return bool({"<=": self.value <= limit, ">=": self.value >= limit}[relation])


def wilson(k: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Return Wilson's 95 % score interval for a rate of k successes in n trials.

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if n == 0:
        return 0.0, 1.0
    rate = k / n
    spread = z * math.sqrt(rate * (1.0 - rate) / n + z * z / (4.0 * n * n))
    centre, scale = rate + z * z / (2.0 * n), 1.0 + z * z / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def rate_row(name: str, successes: Iterable[bool], target: str = "") -> Row:
    """Make the row of a success rate."""
    results = list(successes)
    k, n = sum(results), len(results)
    return Row(name=name, value=k / max(n, 1), interval=wilson(k, n), n=n, target=target)


def percentile_row(
    name: str, values: Sequence[float], percent: float, target: str = "", unit: str = ""
) -> Row:
    """Make the row of a percentile, with a bootstrap interval from 500 seeded resamples."""
    return _statistic_row(
        name, values, lambda data: np.percentile(data, percent, axis=-1), target, unit
    )


def mean_row(name: str, values: Sequence[float], target: str = "", unit: str = "") -> Row:
    """Make the row of a mean, with a bootstrap interval from 500 seeded resamples."""
    return _statistic_row(name, values, lambda data: np.mean(data, axis=-1), target, unit)


def _statistic_row(
    name: str,
    values: Sequence[float],
    statistic: Callable[[NDArray[np.float64]], Any],
    target: str,
    unit: str,
) -> Row:
    """Make the row of a statistic, which is taken along the last axis."""
    data = np.asarray(values, dtype=np.float64)
    if not len(data):
        return Row(name=name, value=math.nan, interval=None, n=0, target=target, unit=unit)
    rng = np.random.default_rng(0)
    sample = data if len(data) <= 20_000 else rng.choice(data, 20_000, replace=False)
    picks = rng.integers(len(sample), size=(500, min(len(sample), 2_000)))
    spread = np.percentile(statistic(sample[picks]), [2.5, 97.5])
    return Row(
        name=name,
        value=float(statistic(data)),
        interval=(float(spread[0]), float(spread[1])),
        n=len(data),
        target=target,
        unit=unit,
    )


def run_trials(
    trial: Callable[[int], Trial],
    n: int,
    *,
    out: Path | None,
    settings: dict[str, Any],
    workers: int = 1,
    ray: str = "",
) -> list[Trial]:
    """Run trials 0 to n-1 that are not on record yet and return all of them, in order.

    Args:
        trial: Runs one trial and returns what can be written as JSON. With more than one
            worker it is pickled and must do the same in whichever process it runs.
        out: The bench's JSON file; trials are kept beside it. None keeps nothing.
        settings: What makes two runs the same bench, e.g. the seed.
        workers: How many processes run trials; one is this process itself.
        ray: Address of a Ray cluster whose processes run them instead, or `local`.

    Raises:
        ConfigError: The record beside `out` was made with other settings, or Ray is not to be had.
    """
    path = out.with_suffix(".trials.jsonl") if out else None
    done = _load_trials(path, settings) if path else {}
    missing = [index for index in range(n) if index not in done]
    if ray:
        finished = _on_cluster(trial, missing, ray, workers)
    elif workers == 1:
        finished = _in_turn(trial, missing)
    else:
        finished = _side_by_side(trial, missing, workers)
    console = Console(stderr=True)
    for index, result in track(
        finished, description="bench", total=n, completed=n - len(missing), console=console
    ):
        done[index] = result
        if path:
            with path.open("a", encoding="utf8") as file:
                file.write(json.dumps({"index": index, "trial": result}) + "\n")
    return [done[index] for index in range(n)]


def _in_turn(trial: Callable[[int], Trial], indices: Iterable[int]) -> Iterator[tuple[int, Trial]]:
    for index in indices:
        yield index, trial(index)


def _side_by_side(
    trial: Callable[[int], Trial], indices: Iterable[int], workers: int
) -> Iterator[tuple[int, Trial]]:
    """Run trials in processes of their own and yield each as it is finished."""
    # Spawned, not forked: MuJoCo, the renderer and ONNX Runtime do not survive a fork.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin_worker)
    try:
        index_of = {pool.submit(trial, index): index for index in indices}
        for future in as_completed(index_of):
            yield index_of[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _on_cluster(
    trial: Callable[[int], Trial], indices: Iterable[int], address: str, workers: int
) -> Iterator[tuple[int, Trial]]:
    """Run trials in the processes of a Ray cluster and yield each as it is finished."""
    ray = connect(address, workers)
    try:
        # A process runs many trials, and keeps what it has made for the first.
        remote = ray.remote(num_cpus=1)(lambda index: trial(index))
        index_of = {remote.remote(index): index for index in indices}
        while index_of:
            done, _ = ray.wait(list(index_of))
            for future in done:
                yield index_of.pop(future), ray.get(future)
    finally:
        ray.shutdown()


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker in the middle of its trial when nobody is left who asked for it."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _load_trials(path: Path, settings: dict[str, Any]) -> dict[int, Trial]:
    wanted = json.loads(json.dumps(settings))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"settings": wanted}) + "\n", encoding="utf8")
        return {}
    done: dict[int, Trial] = {}
    for line in path.read_text(encoding="utf8").splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue  # The last line of a run that was killed while writing it.
        if "settings" in record and record["settings"] != wanted:
            raise ConfigError(
                f"{path} was made with {record['settings']}, this bench has {wanted}. "
                "Name another --json file or remove that one."
            )
        if "trial" in record:
            done[record["index"]] = record["trial"]
    return done


def report(title: str, rows: Sequence[Row], out: Path | None, notes: Sequence[str] = ()) -> int:
    """Print the rows, write them to `out` and return the exit code: 1 for a missed target."""
    table = Table(title=title, title_justify="left")
    for column in ("figure", "value", "95 % interval", "n", "target", ""):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for row in rows:
        interval = f"{row.interval[0]:.4g} … {row.interval[1]:.4g}" if row.interval else ""
        verdict = {None: "", True: "[green]met", False: "[red]missed"}[row.passed]
        value = f"{row.value:.4g} {row.unit}".strip() if row.n else "–"
        table.add_row(row.name, value, interval, str(row.n), row.target, verdict)
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(table)
    for note in notes:
        console.print(note, highlight=False)
    if out:
        write_rows(title, rows, out)
    return 1 if any(row.passed is False for row in rows) else 0


def write_rows(title: str, rows: Sequence[Row], out: Path) -> None:
    """Write the rows with the command and the machine that they come from."""
    record = {
        "bench": title,
        "command": " ".join(["yanshi", *sys.argv[1:]]),
        "machine": machine(),
        "wall_time": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": [_record(row) for row in rows],
    }
    write_whole(out, json.dumps(record, indent=1, ensure_ascii=False))


def _record(row: Row) -> dict[str, Any]:
    value = None if math.isnan(row.value) else row.value  # JSON has no NaN.
    return {**asdict(row), "value": value, "pass": row.passed}
