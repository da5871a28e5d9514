"""How far do the ledger's predictions err? Boards are left out of the fit one at a time.

Of networks for actions, whole families are left out, too, and the error stands beside what VLA-Perf
(arXiv:2602.18397), the closest published model, says of itself.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from yanshi.bench.rows import Row, Trial, mean_row, percentile_row, report
from yanshi.ledger import cores, roofline, vla
from yanshi.ledger.roofline import Measured, measurements, tables

PREFILL, DECODE, ACT = "prefill", "decode", "act"
WHAT = {DECODE: "a token", PREFILL: "a prompt", ACT: "a chunk of actions"}
ORIN = ("agx-orin-64gb", "agx-orin-32gb", "orin-nx-16gb", "orin-nano-8gb", "orin-nano-super")


def bench_fit(out: Path | None = None, plot: Path | None = None) -> int:
    """Predict each board from the others, print how far that errs and return 1 for a missed target.

    Small models on a processor's cores are left out one at a time instead.

    Args:
        out: File for the figures.
        plot: File for a plot of predicted against measured times.
    """
    trials, acts = left_out(), acts_left_out(vla.board_of)
    rows = [*rows_of(trials), *rows_of_cores()]
    rows += rows_of_acts(acts, acts_left_out(vla.family_of))
    code = report(f"fit, {len(trials) + len(acts)} measurements", rows, out, [act_factors()])
    if plot is not None:
        draw([*trials, *acts], plot)
    return code


def left_out() -> list[Trial]:
    """Return every measurement of a language model with what is predicted without its board."""
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


def acts_left_out(group: Callable[[vla.Measured], str]) -> list[Trial]:
    """Return every measurement of an action chunk with what is predicted without its group."""
    rows = vla.measurements()
    times = vla.left_out(rows, group).tolist()
    return [
        {
            "name": row.name,
            "phase": ACT,
            "board": row.run.board.id,
            "model": row.run.vla.id,
            "family": row.run.vla.family,
            "runtime": row.run.tier,
            "measured_ms": row.time_ms,
            "predicted_ms": predicted_ms,
            "error": abs(predicted_ms / row.time_ms - 1.0),
        }
        for row, predicted_ms in zip(rows, times, strict=True)
    ]


def act_factors() -> str:
    """Tell the factors of action chunks, and between what they lie with each board left out."""
    rows = vla.measurements()
    boards = {vla.board_of(row) for row in rows}
    less = [vla.fit(row for row in rows if vla.board_of(row) != board) for board in boards]
    told = (
        f"{name} {value:.3g}{unit} ({low:.3g} … {high:.3g})"
        for name, unit, value, low, high in zip(
            "abcd",
            ("", " ms", " ms", " ms"),
            vla.fit(rows),
            np.min(less, axis=0),
            np.max(less, axis=0),
            strict=True,
        )
    )
    return f"act: factors, and their range with each board left out: {', '.join(told)}"


def rows_of(trials: list[Trial]) -> list[Row]:
    """Turn the trials of language models into figures."""
    rows: list[Row] = []
    for phase, target in ((DECODE, "<= 0.1"), (PREFILL, "<= 0.15")):
        of_phase = [trial for trial in trials if trial["phase"] == phase]
        rows += _rows_of_phase(phase, of_phase, target)
        dense = [t for t in of_phase if t["is_dense"] and t["board"] in (*ORIN, "t5000")]
        dense = [trial for trial in dense if trial["runtime"] == "tensorrt"]
        rows.append(mean_row(f"{phase}: dense, TensorRT, Orin and Thor", _errors(dense), target))
    return rows


def rows_of_cores() -> list[Row]:
    """Return how far small models on a processor's cores err: left out by turns, and ours."""
    rows: list[Row] = []
    found = [(row, abs(time_ms / row.time_ms - 1.0)) for row, time_ms in cores.left_out()]
    for name, is_prompt in (("a token", False), ("a prompt", True)):
        some = [(row, error) for row, error in found if (row.tokens > 0) is is_prompt]
        others = [error for row, error in some if row.is_fitted]
        ours = [error for row, error in some if row.model == cores.OURS]
        rows.append(mean_row(f"cores: {name}, models left out", others))
        rows.append(mean_row(f"cores: {name}, ours, never fitted", ours, "<= 0.15"))
    return rows


def rows_of_acts(trials: list[Trial], without_family: list[Trial]) -> list[Row]:
    """Turn the trials of networks for actions into figures.

    Args:
        trials: With each board left out.
        without_family: With each family of networks left out.
    """
    target = "<= 0.25"
    rows = _rows_of_phase(ACT, trials, target)
    rows.append(mean_row("act: families left out, mean error", _errors(without_family), target))
    for family in sorted({trial["family"] for trial in without_family}):
        some = [trial for trial in without_family if trial["family"] == family]
        rows.append(mean_row(f"act: without {family}", _errors(some)))
    theirs = {
        table["setting"]["measured"]: 1.0 - table["setting"]["accuracy_pct"] / 100.0
        for table in tables().values()
        if "accuracy_pct" in table.get("setting", {})
    }
    ours = [trial for trial in trials if trial["name"] in theirs]
    rows.append(mean_row("act: VLA-Perf of itself", list(theirs.values())))
    rows.append(mean_row("act: ours on its measurements", _errors(ours)))
    return rows


def _rows_of_phase(phase: str, trials: list[Trial], target: str) -> list[Row]:
    """Return the errors of all, by runtime and by board."""
    rows = [
        mean_row(f"{phase}: mean error", _errors(trials), target),
        percentile_row(f"{phase}: median error", _errors(trials), 50),
    ]
    runtimes = sorted({trial["runtime"] for trial in trials})
    for runtime in runtimes if len(runtimes) > 1 else []:
        some = [trial for trial in trials if trial["runtime"] == runtime]
        rows.append(mean_row(f"{phase}: {runtime}", _errors(some)))
    for board in sorted({trial["board"] for trial in trials}):
        some = [trial for trial in trials if trial["board"] == board]
        rows.append(mean_row(f"{phase}: without {board}", _errors(some)))
    return rows


def _errors(trials: Iterable[Trial]) -> list[float]:
    return [trial["error"] for trial in trials]


def draw(trials: list[Trial], path: Path) -> None:
    """Draw predicted against measured times, each board in its colour."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, all_axes = pyplot.subplots(1, len(WHAT), figsize=(16.0, 5.2))
    boards = sorted({trial["board"] for trial in trials})
    colours = dict(zip(boards, pyplot.get_cmap("tab20")(np.arange(len(boards))), strict=True))
    for axes, phase in zip(all_axes, WHAT, strict=True):
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
        axes.set(
            xscale="log",
            yscale="log",
            xlim=ends,
            ylim=ends,
            xlabel=f"measured, ms for {WHAT[phase]}",
            ylabel="predicted from the other boards, ms",
            title=phase,
        )
        axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
