"""What a person sees in the terminal: the plan, the step under way, what is seen, the loops.

On a terminal it is one picture that is redrawn; elsewhere (a file, a pipe) it is one line
per event. Drawing happens in a thread of its own and never in the robot's.
"""

from types import TracebackType
from typing import Self

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from yanshi.ledger.meter import Bill
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.runtime.report import RunReport

MARKS = {"waiting": "·", "begin": "▶", "done": "✔", "failed": "✘", "stopped": "■"}
NOTES = {"fault": "red", "push": "yellow", "up": "green", "lease": "yellow"}
"""Events that get a line of their own, and its colour."""
STYLES = {"begin": "bold cyan", "done": "green", "failed": "red", "stopped": "yellow"}


class Terminal(Observer):
    """Shows a run as it happens; use it as a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live: Live | None = None
        self._snapshot: Snapshot | None = None
        self._sentence = ""
        self._steps: list[tuple[str, str]] = []
        self._said: list[str] = []
        self._notes: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                console=self._console, refresh_per_second=5, get_renderable=self._draw
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    # -- Observer --------------------------------------------------------------------------

    def on_tick(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        if kind == "heard":
            self._sentence = text
        elif kind == "plan":
            self._steps = [(step, "waiting") for step in text.split("; ")]
        elif kind == "begin":
            self._mark(text, "begin")
        elif kind == "end":
            step, _, outcome = text.rpartition(": ")
            self._mark(step, outcome)
        elif kind == "say":
            self._said.append(text)
        elif kind in NOTES:
            self._notes.append((kind, text))
        if not self._console.is_terminal:
            self._console.print(
                f"{t_ns * 1e-9:7.2f} s  {kind:5}  {text}", highlight=False, markup=False
            )

    def _mark(self, step: str, state: str) -> None:
        for index, (text, was) in enumerate(self._steps):
            if text == step and was in ("waiting", "begin"):
                self._steps[index] = (text, state)
                return

    # -- drawing ---------------------------------------------------------------------------

    def _draw(self) -> Group:
        snapshot = self._snapshot
        head = Text.assemble(("偃师 ", "bold magenta"), (self._sentence or "…", "bold"))
        plan = Text()
        for text, state in self._steps:
            plan.append(f"  {MARKS.get(state, '✘')} {text}\n", STYLES.get(state, "dim"))
        parts: list[Text | Table] = [head, plan]
        if snapshot is not None:
            names = ", ".join(f"{t.name} {t.confidence:.0%}" for t in snapshot.scene.things)
            parts.append(Text(f"  sees    {names or '…'}", "blue"))
        parts += [Text(f"  says    {text}", "green") for text in self._said[-3:]]
        parts += [Text(f"  {kind:7} {text}", NOTES[kind]) for kind, text in self._notes[-3:]]
        if snapshot is not None:
            parts.append(_draw_loops(snapshot))
        return Group(*parts)

    def summarise(self, report: RunReport) -> None:
        """Print the short table that ends a run."""
        table = Table(title=f"{report.outcome}  ({report.sim_s:.1f} s)", title_justify="left")
        for column in ("step", "outcome", "from", "to"):
            table.add_column(column, justify="right" if column in ("from", "to") else "left")
        for step in report.steps:
            table.add_row(step.step, step.outcome, f"{step.start_s:.1f} s", f"{step.end_s:.1f} s")
        self._console.print(table)
        if report.falls:
            times = ", ".join(f"{down_s:.1f} s" for down_s in report.down_s)
            self._console.print(f"falls: {report.falls}; back on its feet, or down, after {times}")
        if self._console.is_terminal:
            for text in report.said:
                self._console.print(f"» {text}", style="green", highlight=False, markup=False)
        latency = "  ".join(
            f"{name} {value['p50']:.3g}/{value['p99']:.3g}"
            for name, value in report.latency_ms.items()
            if value["p50"] is not None and value["p99"] is not None
        )
        self._console.print(
            f"ms p50/p99: {latency}   missed deadlines: {sum(report.deadline_misses.values())}"
            f"   real-time factor {report.real_time_factor:.2f}",
            highlight=False,
            style="dim",
        )
        if report.bill is not None:
            self._console.print(worded(report.bill), highlight=False, style="dim")


def worded(bill: Bill) -> str:
    """Return what a run has cost, in a line."""
    last = "" if bill.endurance_h is None else f", the battery would last {bill.endurance_h:.2f} h"
    if bill.endurance_without_h is not None:
        last += f" ({bill.endurance_without_h:.2f} h without board and radio)"
    joules = ", ".join(f"{part} {value:,.1f}" for part, value in bill.joules.items() if value)
    money = f"; ${bill.usd:.4f}" if bill.usd else ""
    return (
        f"{bill.thinker}: {bill.thoughts} thoughts, {bill.thinking_s * 1e3:.0f} ms; "
        f"{bill.watt_hours:.2f} Wh, {bill.mean_watt:.0f} W{last}; joules: {joules}; battery "
        f"{100.0 * bill.charge:.1f} %; hottest motor {bill.hottest_motor_c:.0f} °C, board "
        f"{bill.board_c:.0f} °C{money}"
    )


def _draw_loops(snapshot: Snapshot) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("loop", "Hz", "ms", "late ms", "missed"):
        table.add_column(column, justify="left" if column == "loop" else "right")
    for loop in snapshot.loops:
        took, late = loop.took.values[-200:], loop.late.values[-200:]
        table.add_row(
            loop.name,
            f"{loop.rate_hz:.0f}",
            f"{np.median(took):.2f}" if len(took) else "",
            f"{late.max():.2f}" if len(late) else "",
            str(loop.misses),
        )
    return table
