"""`yanshi fit`: does this mind fit this robot, and what breaks first?"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from yanshi.ledger.catalog import Board, Robot
    from yanshi.ledger.search import Candidate
    from yanshi.ledger.verdict import Verdict

SHOWN = 20
"""Lines of a table of candidates."""


def fit(
    robot: Annotated[str, typer.Option(help="`yanshi robots` lists them.")] = "g1",
    board: Annotated[str, typer.Option(help="`yanshi boards` lists them.")] = "orin-nx-16gb",
    mind: Annotated[
        str, typer.Option(help="MODEL-PRECISION, e.g. qwen3-4b-int4; `yanshi models` lists them.")
    ] = "gemma-3-270m-q4",
    act: Annotated[
        str,
        typer.Option(
            metavar="VLA[-FORMAT]",
            help="Judge a vision-language-action network instead of mind and walker, e.g. "
            "pi0.5-fp8; `yanshi models` lists them.",
        ),
    ] = "ours",
    act_runtime: Annotated[
        str, typer.Option(help="How its kernels are run: launched, replayed or tuned.")
    ] = "replayed",
    cloud: Annotated[str, typer.Option(help="A model that is asked over a network, too.")] = "",
    link: Annotated[str, typer.Option(help="`yanshi links` lists them.")] = "5g",
    thoughts: Annotated[
        float, typer.Option(min=0.0, max=600.0, help="Sentences understood a minute.")
    ] = 6.0,
    search: Annotated[
        bool, typer.Option("--search", help="Try every model on every board instead.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure this machine and our model on it instead.")
    ] = False,
    at_least: Annotated[
        float, typer.Option(min=0.0, help="With --search: least size, 10⁹ parameters a token.")
    ] = 0.0,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png|.html", help="With --search: draw what was found."),
    ] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="Say where each figure comes from.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Predict memory, time, energy, endurance and price of a mind on a board in a robot.

    Every figure has its error bar and its source; what is not known is asked for. Exit code: 0 when
    it fits, 3 when it does not.
    """
    if measure:
        from yanshi.bench import this_machine

        raise typer.Exit(this_machine.measure())
    from yanshi.cli.options import check_target
    from yanshi.ledger import catalog
    from yanshi.ledger.verdict import Question, judge, read_mind

    check_target(plot)
    the_robot = catalog.find("robot", robot, catalog.robots())
    if search:
        _search(robot, at_least, plot, as_json=as_json)
        return
    the_board = catalog.find("board", board, catalog.boards())
    if act != "ours":
        _tell(*_judge_act(the_robot, the_board, act, act_runtime), sources, as_json)
    model, precision = read_mind(mind, catalog.models())
    question = Question(
        robot=the_robot,
        board=the_board,
        mind=model,
        precision=precision,
        is_ours=model.id == "gemma-3-270m",
        cloud=catalog.find("model", cloud, catalog.models()) if cloud else None,
        link=catalog.find("link", link, catalog.links()) if cloud else None,
        thoughts_per_minute=thoughts,
    )
    title = f"{model.id}-{precision} on {the_board.id} in {the_robot.id}"
    _tell(judge(question), title, sources, as_json)


def _judge_act(robot: "Robot", board: "Board", act: str, runtime: str) -> tuple["Verdict", str]:
    """Return the verdict on a network that acts, and its title."""
    from yanshi.ledger import catalog
    from yanshi.ledger.acting import judge_act, read_act, read_tier
    from yanshi.ledger.vla import Run

    vla, weights = read_act(act, catalog.models())
    run = Run(vla=vla, board=board, tier=read_tier(runtime), weights=weights)
    return judge_act(robot, run), f"{vla.id}-{weights}, {run.tier}, on {board.id} in {robot.id}"


def _tell(verdict: "Verdict", title: str, sources: bool, as_json: bool) -> NoReturn:
    if as_json:
        print(json.dumps(_record(verdict), ensure_ascii=False, indent=1))
    else:
        _show(verdict, title, sources=sources)
    raise typer.Exit(0 if verdict.fits else 3)


def _show(verdict: "Verdict", title: str, *, sources: bool) -> None:
    table = Table(title=title, title_justify="left")
    for column in ("figure", "value", "from … to", "sure"):
        table.add_column(column, justify="right" if column in ("value", "from … to") else "left")
    if sources:
        table.add_column("source", overflow="fold")
    for figure in verdict.figures:
        is_exact = figure.low == figure.high
        table.add_row(
            figure.name,
            f"{_short(figure.value)} {figure.unit}",
            "" if is_exact else f"{_short(figure.low)} … {_short(figure.high)}",
            figure.confidence + ("" if figure.confidence != "low" else " (!)"),
            *([figure.source] if sources else []),
        )
    console = Console()
    console.print(table, markup=False)
    console.print(verdict.breaks, style="bold green" if verdict.fits else "bold red")
    for asked in verdict.asks:
        console.print(asked, style="yellow", markup=False)


def _short(value: float) -> str:
    """Return a number with three or four figures."""
    return f"{value:,.0f}" if value >= 1000.0 else f"{value:.3g}"


def _record(verdict: "Verdict") -> dict[str, object]:
    from dataclasses import asdict

    return {
        "fits": verdict.fits,
        "breaks": verdict.breaks,
        "asks": list(verdict.asks),
        "figures": [asdict(figure) for figure in verdict.figures],
    }


def _search(robot: str, at_least: float, plot: Path | None, *, as_json: bool) -> None:
    from yanshi.ledger import catalog
    from yanshi.ledger.search import front, sweep

    found, unknown = sweep(
        catalog.find("robot", robot, catalog.robots()),
        catalog.boards().values(),
        catalog.models().values(),
    )
    best = front(found, at_least)
    if as_json:
        print(json.dumps([_line(candidate) for candidate in best], indent=1))
    else:
        _show_front(best, len(found), unknown)
    if plot is not None:
        from yanshi.ledger.picture import draw

        draw(found, best, plot)


def _line(candidate: "Candidate") -> dict[str, object]:
    price, lost, loop_ms = candidate.costs
    return {
        "name": candidate.name,
        "price_usd": price,
        "endurance_lost_percent": round(lost, 1),
        "loop_ms": round(loop_ms, 1),
        "memory_gb": round(candidate.verdict["memory used"], 2),
    }


def _show_front(best: "list[Candidate]", tried: int, unknown: dict[str, str]) -> None:
    table = Table(title=f"What nothing beats, of {tried} that were tried", title_justify="left")
    table.add_column("mind and board", no_wrap=True)
    for column in ("$", "endurance lost, %", "loop, ms", "memory, GB"):
        table.add_column(column, justify="right")
    for candidate in best[:SHOWN]:
        price, lost, loop_ms = candidate.costs
        table.add_row(
            candidate.name,
            f"{price:,.0f}",
            f"{lost:.1f}",
            f"{loop_ms:.0f}",
            f"{candidate.verdict['memory used']:.1f}",
        )
    console = Console()
    console.print(table, markup=False)
    if len(best) > SHOWN:
        console.print(f"… and {len(best) - SHOWN} more; --json prints all.")
    if unknown:
        console.print(f"Not judged, as a figure of theirs is not known: {', '.join(unknown)}.")
