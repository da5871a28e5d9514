"""`yanshi weigh`: what each brain weighs on the moving robot."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from yanshi.cli.options import check_target


def weigh(
    n: Annotated[int, typer.Option("--n", min=1, help="How many homes for each task.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Which homes; others are as good.")] = 1,
    brain: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="Only brains whose names hold it; may be repeated."),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="Only tasks whose names hold it; may be repeated."),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json", help="Write the figures; goes on from the trials beside it."
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page with tables and plots.")
    ] = None,
    film: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.mp4",
            help="Film the first and the last of the brains at the first task side by side, "
            "and nothing else.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="How many processes; 0: as many as cores.")
    ] = 0,
    ray: Annotated[
        str, typer.Option(metavar="ADDRESS|local", help="Run in the workers of a Ray cluster.")
    ] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Two brains, two tasks, one home: to see that it works.")
    ] = False,
) -> None:
    """Let many brains do the same tasks and tell what each weighs: success, time, energy, money.

    Where a model cannot be run here, ours answers in its place and only time, energy and money are
    that model's. It takes a while; with --json an interrupted run goes on where it ended.
    """
    for path in (json, page, film):
        check_target(path)
    from yanshi.bench import weigh as bench
    from yanshi.bench.weigh_tasks import TASKS

    brains = bench.choose(brain, list(bench.CANDIDATES), "brain")
    tasks = bench.choose(task, list(TASKS), "task")
    if quick:
        brains, tasks, n = (brains[0], brains[-1]), (tasks[0], tasks[-1]), 1
    if film is not None:
        from yanshi.bench.weigh_film import film_both

        film_both(brains[0], brains[-1], tasks[0], seed, film, Console())
        return
    trials = bench.weigh(
        n,
        seed,
        out=json,
        brains=brains,
        tasks=tasks,
        workers=workers or bench.cores(),
        ray=ray,
    )
    from yanshi.bench.weigh_page import show, write_json, write_page

    found = bench.weights(trials)
    show(found, n, Console())
    if json is not None:
        write_json(json, found, trials)
    if page is not None:
        write_page(page, found, trials)
