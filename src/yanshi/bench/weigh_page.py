"""What brains weigh, as a table in the terminal, as JSON and as a page of its own with plots."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from yanshi.bench.rows import Row, Trial
from yanshi.bench.weigh import ALLOWED_S, REFERENCE, STAND_IN, Weight
from yanshi.core.files import write_whole
from yanshi.core.machine import machine
from yanshi.ledger.verdict import LOOP_MS, PRICE_USD

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS_SHADE, OTHERS_SHADE, CLOUD_SHADE = "#1b6ca8", "#c8553d", "#8e5ea2"
REFERENCE_SHADE = "#8a8a8a"
NOTE = (
    f"Success: done, and seen in the world no more than {ALLOWED_S:g} s after a brain that takes "
    f"no time; at all: however late. * {STAND_IN}: only time, energy and money are that model's. "
    "Simulated clock; power, prices and links as the ledger has them, many of low confidence "
    "(`yanshi fit --sources`)."
)
HEADS = (("brain", "success", "at all"), ("reaction, s", "99th", "falls", "J a task", "W"))
"""Columns before and after those of the tasks."""
LAST = ("hours", "$", "$/1000", "$ a task")


def show(found: Sequence[Weight], homes: int, console: Console) -> None:
    """Print the table."""
    tasks = [name for name in found[0].success if name != "all"]
    table = Table(title=f"yanshi weigh: {len(tasks)} tasks, {homes} homes", title_justify="left")
    table.add_column("brain")
    for column in (
        "success",
        "at all",
        *tasks,
        "reaction, s",
        "99th",
        "falls",
        "J a task",
        "W",
        "hours",
    ):
        table.add_column(column, justify="right")
    table.add_column("$", justify="right")
    table.add_column("$/1000", justify="right")
    table.add_column("$ a task", justify="right")
    for weight in found:
        table.add_row(*_cells(weight, tasks))
    if console.width < 150 and not sys.stdout.isatty():
        console = Console(width=190)
    console.print(table)
    console.print(NOTE, highlight=False)
    for asked in _asked(found):
        console.print(asked, highlight=False, markup=False)


def _asked(found: Sequence[Weight]) -> list[str]:
    """Return what is asked for, each once."""
    return list(dict.fromkeys(weight.candidate.asks for weight in found if weight.candidate.asks))


def _cells(weight: Weight, tasks: Sequence[str]) -> list[str]:
    """Return one row of the table."""
    candidate = weight.candidate
    mark = "" if candidate.is_ours or candidate.name == REFERENCE else " *"
    price = candidate.price_usd
    return [
        candidate.name + mark,
        _share(weight.success["all"]),
        f"{100.0 * weight.otherwise[-1].value:.0f} %",
        *(_count(weight.success[task]) for task in tasks),
        _seconds(weight, 0.5),
        _seconds(weight, 0.99),
        str(weight.falls),
        f"{weight.joules_per_task.value:,.0f}",
        f"{weight.thought_watt:.1f}",
        f"{weight.endurance_h:.2f} (−{100.0 * weight.endurance_lost:.0f} %)",
        "?" if price is None else f"{price:,.0f}",
        "?" if weight.usd_per_1000 is None else f"{weight.usd_per_1000:.2f}",
        "?" if weight.usd_per_task is None else f"{weight.usd_per_task:.4f}",
    ]


def _share(row: Row) -> str:
    assert row.interval is not None
    low, high = row.interval
    return f"{100 * row.value:.0f} % ({100 * low:.0f} … {100 * high:.0f})"


def _count(row: Row) -> str:
    return f"{round(row.value * row.n)}/{row.n}"


def _seconds(weight: Weight, share: float) -> str:
    """Return in what time so many sentences have become plans."""
    row = weight.reaction_50 if share == 0.5 else weight.reaction_99
    return "never" if weight.never > 1.0 - share or not row.n else f"{row.value:.2f}"


def write_json(path: Path, found: Sequence[Weight], trials: Sequence[Trial]) -> None:
    """Write figures and trials.

    Raises:
        ConfigError: The file cannot be written.
    """
    record = {
        "bench": "weigh",
        "command": " ".join(["yanshi", *sys.argv[1:]]),
        "machine": machine(),
        "wall_time": datetime.now(UTC).isoformat(timespec="seconds"),
        "note": NOTE,
        "brains": [_plain(weight) for weight in found],
        "trials": list(trials),
    }
    write_whole(path, json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False))


def _plain(weight: Weight) -> dict[str, Any]:
    record = asdict(weight) | {"price_usd": weight.candidate.price_usd}
    for row in (record["reaction_50"], record["reaction_99"]):
        row["value"] = row["value"] if row["n"] else None  # JSON has no NaN.
    return record


def write_page(path: Path, found: Sequence[Weight], trials: Sequence[Trial]) -> None:
    """Write a page that needs nothing beside itself.

    Raises:
        ConfigError: The file cannot be written.
    """
    tasks = [name for name in found[0].success if name != "all"]
    homes = len({trial["seed"] for trial in trials})
    heads = (*HEADS[0], *tasks, *HEADS[1], *LAST)
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(weight, tasks)) + "</tr>"
        for weight in found
    )
    seconds = sum(trial["sim_s"] for trial in trials)
    write_whole(
        path,
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>What brains weigh</title>'
        "<style>body{font:15px sans-serif;margin:2em;max-width:75em}table{border-collapse:"
        "collapse;font-size:13px}td,th{padding:.25em .6em;border-bottom:1px solid #ddd;"
        "text-align:right}td:first-child,th:first-child{text-align:left}svg{max-width:100%;"
        "height:auto}</style><h1>What brains weigh on the moving robot</h1>"
        f"<p>A simulated Unitree G1 with {len(found)} brains, the same {len(tasks)} tasks in the "
        f"same {homes} homes: {len(trials)} runs, {seconds / 60:.0f} minutes of the robot's "
        f"time.</p><p>{escape(' '.join([NOTE, *_asked(found)]))}</p>"
        f"<table><tr>{head}</tr>{body}</table>"
        f"<h2>How long from a sentence to its plan</h2>{_svg(_draw_reactions, found)}"
        f"<h2>What comes of it in the world</h2>{_svg(_draw_success, found)}"
        f"<h2>Were more or less lateness allowed</h2>{_otherwise(found)}"
        f"<h2>What it takes from the battery</h2>{_svg(_draw_endurance, found)}"
        f"<h2>What it costs</h2>{_svg(_draw_price, found)}</html>\n",
    )


def _otherwise(found: Sequence[Weight]) -> str:
    """Return a table of success by how late an answer may be."""
    names = [row.name for row in found[0].otherwise]
    head = "".join(f"<th>{escape(name)}</th>" for name in ("brain", *names))
    body = "".join(
        f"<tr><td>{escape(weight.candidate.name)}</td>"
        + "".join(f"<td>{_share(row)}</td>" for row in weight.otherwise)
        + "</tr>"
        for weight in found
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def draw(path: Path, found: Sequence[Weight]) -> None:
    """Draw reactions and success side by side."""
    pyplot = _pyplot()
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11.0, 4.6), sharey=True)
    _draw_reactions(left, found)
    _draw_success(right, found)
    right.tick_params(labelleft=False)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _svg(drawing: Any, found: Sequence[Weight]) -> str:
    """Return a plot as a part of a page."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(9.0, 0.34 * len(found) + 1.2))
    drawing(axes, found)
    figure.tight_layout()
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    return text.getvalue()[text.getvalue().index("<svg") :]


def _shade(weight: Weight) -> str:
    if weight.candidate.name == REFERENCE:
        return REFERENCE_SHADE
    if weight.candidate.cloud:
        return CLOUD_SHADE
    return OURS_SHADE if weight.candidate.is_ours else OTHERS_SHADE


def _name_rows(axes: "Axes", found: Sequence[Weight]) -> None:
    axes.set_yticks(range(len(found)), [weight.candidate.name for weight in found], fontsize=8)
    axes.set_ylim(len(found) - 0.4, -0.6)  # The first one on top.
    axes.grid(axis="x", alpha=0.3)


def _draw_reactions(axes: "Axes", found: Sequence[Weight]) -> None:
    axes.axvspan(LOOP_MS[0] * 1e-3, LOOP_MS[1] * 1e-3, color="0.9", label="100 to 300 ms")
    for place, weight in enumerate(found):
        middle, late = weight.reaction_50, weight.reaction_99
        if not middle.n:
            axes.text(0.02, place, "no answer", va="center", fontsize=8)
            continue
        ends = [max(middle.value, 0.01), max(late.value, 0.01)]
        axes.plot(ends, [place, place], color=_shade(weight), lw=2)
        if weight.never:
            lost = f"{100.0 * weight.never:.0f} % never"
            axes.text(ends[1] * 1.15, place, lost, va="center", fontsize=8)
        axes.plot(ends[:1], [place], "o", color=_shade(weight), ms=6)
    axes.set(xscale="log", xlim=(0.01, 10.0), xlabel="s to a plan: median and 99th percentile")
    axes.legend(fontsize=7, loc="lower right")
    _name_rows(axes, found)


def _draw_success(axes: "Axes", found: Sequence[Weight]) -> None:
    for place, weight in enumerate(found):
        row = weight.success["all"]
        assert row.interval is not None
        axes.barh(place, 100.0 * row.value, color=_shade(weight), height=0.6)
        axes.plot([100.0 * end for end in row.interval], [place, place], color="black", lw=1)
    axes.set(xlim=(0.0, 100.0), xlabel="tasks done in time, %, with 95 % interval")
    _name_rows(axes, found)


def _draw_endurance(axes: "Axes", found: Sequence[Weight]) -> None:
    for place, weight in enumerate(found):
        axes.barh(place, 100.0 * weight.endurance_lost, color=_shade(weight), height=0.6)
        axes.text(
            100.0 * weight.endurance_lost + 0.3,
            place,
            f"{weight.thought_watt:.1f} W",
            va="center",
            fontsize=8,
        )
    axes.set(xlabel="% of the endurance that board and radio take")
    _name_rows(axes, found)


def _draw_price(axes: "Axes", found: Sequence[Weight]) -> None:
    axes.axvline(PRICE_USD, color="0.5", ls="--", label=f"${PRICE_USD:,.0f}")
    for place, weight in enumerate(found):
        if weight.candidate.price_usd is not None:
            axes.barh(place, weight.candidate.price_usd, color=_shade(weight), height=0.6)
    axes.set(xlabel="$ for robot and board")
    axes.legend(fontsize=7, loc="lower right")
    _name_rows(axes, found)
