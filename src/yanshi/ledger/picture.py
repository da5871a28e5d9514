"""A picture of what a search has found: time against endurance, a mark for each mind on a board."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from yanshi.core.files import write_whole
from yanshi.ledger.search import Candidate
from yanshi.ledger.verdict import LOOP_MS

WIDTH, HEIGHT, MARGIN = 900, 560, 70
SHADES = (
    *("#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2", "#b8860b", "#4d4d4d", "#17807e", "#a23b72"),
    *("#7fb2d9", "#e9a08f", "#8fc79a", "#c9abd6", "#e3c565", "#a6a6a6", "#79c7c5", "#dd92b6"),
)
FAINT = 0.2
"""How much is seen of what does not fit into the memory."""


def draw(found: Sequence[Candidate], best: Sequence[Candidate], path: Path) -> None:
    """Draw all candidates, those that nothing beats with a ring.

    Args:
        found: All.
        best: Those that nothing beats.
        path: `.html` for a page on which a mark tells what it is, else a picture.
    """
    if path.suffix == ".html":
        write_whole(path, _page(found, best))
    else:
        _plot(found, best, path)


def _shades(found: Sequence[Candidate]) -> dict[str, str]:
    boards = list(dict.fromkeys(candidate.question.board.id for candidate in found))
    return {board: SHADES[index % len(SHADES)] for index, board in enumerate(boards)}


def _plot(found: Sequence[Candidate], best: Sequence[Candidate], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9.0, 5.6))
    axes.axvspan(*LOOP_MS, color="0.94", label="100 to 300 ms")
    for board, shade in _shades(found).items():
        some = [c for c in found if c.question.board.id == board]
        for has_room, alpha in ((True, 1.0), (False, FAINT)):
            part = [c for c in some if c.has_room is has_room]
            axes.scatter(
                [c.costs[2] for c in part],
                [c.costs[1] for c in part],
                s=[12 + 8 * c.size_b**0.5 for c in part],
                color=shade,
                alpha=alpha,
            )
        axes.scatter([], [], color=shade, label=board)
    ringed = [c.costs[2] for c in best], [c.costs[1] for c in best]
    axes.scatter(*ringed, s=90, facecolors="none", edgecolors="black", label="nothing beats it")
    axes.set(
        xscale="log",
        xlabel="sense → understand → act, ms",
        ylabel="endurance lost, %",
        title="Every mind on every board; larger: more parameters; faint: no room for it",
    )
    axes.legend(fontsize=7, ncol=2)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _page(found: Sequence[Candidate], best: Sequence[Candidate]) -> str:
    """Return a page of its own, without scripts: a mark under the pointer says what it is."""
    from math import log10

    shades = _shades(found)
    times = [log10(candidate.costs[2]) for candidate in found] + [log10(t) for t in LOOP_MS]
    losses = [candidate.costs[1] for candidate in found]
    least, most = min(times, default=0.0), max(times, default=1.0)
    top = max([*losses, 1.0])

    def across(ms: float) -> float:
        return MARGIN + (log10(ms) - least) / max(most - least, 1e-9) * (WIDTH - 2 * MARGIN)

    def down(loss: float) -> float:
        return HEIGHT - MARGIN - loss / top * (HEIGHT - 2 * MARGIN)

    marks = []
    for candidate in found:
        price, loss, ms = candidate.costs
        told = (
            f"{candidate.name}: {ms:.0f} ms, {loss:.1f} % of the endurance, ${price:,.0f}. "
            f"{candidate.verdict.breaks}"
        )
        ring = ' stroke="black" stroke-width="2"' if candidate in best else ""
        radius = 3.0 + candidate.size_b**0.35
        marks.append(
            f'<circle cx="{across(ms):.1f}" cy="{down(loss):.1f}" r="{radius:.1f}" '
            f'fill="{shades[candidate.question.board.id]}" '
            f'fill-opacity="{0.8 if candidate.has_room else FAINT}"{ring}>'
            f"<title>{escape(told)}</title></circle>"
        )
    ticks = [t for t in (30, 100, 300, 1000, 3000, 10000, 30000) if least <= log10(t) <= most]
    axis = "".join(
        f'<text x="{across(t):.1f}" y="{HEIGHT - MARGIN + 20}" text-anchor="middle">{t:,} ms</text>'
        for t in ticks
    ) + "".join(
        f'<text x="{MARGIN - 8}" y="{down(step * top / 4):.1f}" text-anchor="end">'
        f"{step * top / 4:.0f} %</text>"
        for step in range(5)
    )
    legend = "".join(
        f'<tspan x="{WIDTH - MARGIN + 6}" dy="15" fill="{shade}">● {escape(board)}</tspan>'
        for board, shade in shades.items()
    )
    left, right = across(LOOP_MS[0]), across(LOOP_MS[1])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Which mind fits</title>'
        "<style>body{font:14px sans-serif;margin:2em}svg text{font-size:12px}"
        "circle:hover{fill-opacity:1}</style><h1>Which mind fits</h1>"
        "<p>Every model on every board: time of sense → understand → act (100 to 300 ms in grey) "
        "against the endurance that it costs. Ringed: nothing beats it in price, endurance and "
        "time. Point at a mark.</p>"
        f'<svg viewBox="0 0 {WIDTH + 130} {HEIGHT}" width="100%">'
        f'<rect x="{left:.1f}" y="{MARGIN / 2}" width="{right - left:.1f}" '
        f'height="{HEIGHT - 1.5 * MARGIN}" fill="#eee"/>{axis}{"".join(marks)}'
        f'<text y="{MARGIN / 2}">{legend}</text></svg></html>\n'
    )
