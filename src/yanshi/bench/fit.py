"""How far do the ledger's predictions err? Boards are left out of the fit one at a time."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from yanshi.bench.rows import Row, Trial, mean_row, percentile_row, report
from yanshi.ledger import roofline
from yanshi.ledger.roofline import Measured, measurements

PREFILL, DECODE = "prefill", "decode"
ORIN = ("agx-orin-64gb", "agx-orin-32gb", "orin-nx-16gb", "orin-nano-8gb", "orin-nano-super")


def bench_fit(out: Path | None = None, plot: Path | None = None) -> int:
    """Predict each board from the others, print how far that errs and return 1 for a missed target.

    Args:
        out: File for the figures.
        plot: File for a plot of predicted against measured times.
    """
    trials = left_out()
    code = report(f"fit, {len(trials)} measurements", rows_of(trials), out)
    if plot is not None:
        draw(trials, plot)
    return code


def left_out() -> list[Trial]:
    """Return every measurement with what is predicted without its board."""
    rows = measurements()
    trials: list[Trial] = []
    for board in sorted({row.job.board.id for row in rows}):
        others = roofline.fit(rows, [board])
        mine = [row for row in rows if row.job.board.id == board]
        trials += [
            _trial(row, others.time_ms(row.phase, row.job)) for row in mine if others.knows(row)
        ]
    return trials


def _trial(row: Measured, predicted_ms: float) -> Trial:
    return {
        "name": row.name,
        "phase": row.phase,
        "board": row.job.board.id,
        "model": row.job.model.id,
        "runtime": row.job.runtime,
        "is_dense": not row.job.model.is_mixture,
        "measured_ms": row.time_ms,
        "predicted_ms": predicted_ms,
        "error": abs(predicted_ms / row.time_ms - 1.0),
    }


def rows_of(trials: list[Trial]) -> list[Row]:
    """Turn the trials into figures."""
    rows: list[Row] = []
    for phase, target in ((DECODE, "<= 0.1"), (PREFILL, "<= 0.15")):
        of_phase = [trial for trial in trials if trial["phase"] == phase]
        rows.append(mean_row(f"{phase}: mean error", _errors(of_phase), target))
        rows.append(percentile_row(f"{phase}: median error", _errors(of_phase), 50))
        runtimes = sorted({trial["runtime"] for trial in of_phase})
        for runtime in runtimes if len(runtimes) > 1 else []:
            some = [trial for trial in of_phase if trial["runtime"] == runtime]
            rows.append(mean_row(f"{phase}: {runtime}", _errors(some)))
        boards = sorted({trial["board"] for trial in of_phase})
        for board in boards:
            some = [trial for trial in of_phase if trial["board"] == board]
            rows.append(mean_row(f"{phase}: without {board}", _errors(some)))
        dense = [t for t in of_phase if t["is_dense"] and t["board"] in (*ORIN, "t5000")]
        dense = [trial for trial in dense if trial["runtime"] == "tensorrt"]
        rows.append(mean_row(f"{phase}: dense, TensorRT, Orin and Thor", _errors(dense), target))
    return rows


def _errors(trials: Iterable[Trial]) -> list[float]:
    return [trial["error"] for trial in trials]


def draw(trials: list[Trial], path: Path) -> None:
    """Draw predicted against measured times, each board in its colour."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, both = pyplot.subplots(1, 2, figsize=(11.0, 5.2))
    boards = sorted({trial["board"] for trial in trials})
    colours = dict(zip(boards, pyplot.get_cmap("tab10")(np.arange(len(boards))), strict=True))
    for axes, phase in zip(both, (DECODE, PREFILL), strict=True):
        of_phase: list[Any] = [trial for trial in trials if trial["phase"] == phase]
        times = [t[key] for t in of_phase for key in ("measured_ms", "predicted_ms")]
        ends = np.array([0.8 * min(times), 1.25 * max(times)])
        axes.fill_between(ends, ends / 1.2, ends * 1.2, color="0.93", label="within 20 %")
        axes.plot(ends, ends, color="0.6", linewidth=1.0)
        for board in boards:
            some = [trial for trial in of_phase if trial["board"] == board]
            if some:
                axes.scatter(
                    [trial["measured_ms"] for trial in some],
                    [trial["predicted_ms"] for trial in some],
                    s=22,
                    color=colours[board],
                    label=board,
                )
        what = "a token" if phase == DECODE else "a prompt"
        axes.set(
            xscale="log",
            yscale="log",
            xlim=ends,
            ylim=ends,
            xlabel=f"measured, ms for {what}",
            ylabel="predicted from the other boards, ms",
            title=phase,
        )
        axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
