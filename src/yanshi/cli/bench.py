"""`yanshi bench`: how well it works, with what certainty.

Every bench prints its rows, writes them with `--json`, goes on where an interrupted one
stopped, and exits 1 when a target is missed.
"""

from pathlib import Path
from typing import Annotated

import typer

bench = typer.Typer()

Number = Annotated[int, typer.Option("--n", min=1, help="How many trials.")]
Seed = Annotated[int, typer.Option(min=0, help="Which trials; others are as good.")]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE.json", help="Write the rows here, and the trials beside it."
    ),
]


@bench.command("run")
def bench_run(
    n: Number = 30,
    seed: Seed = 0,
    json: Json = None,
    sentences: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Sentences of your own, with their goals."),
    ] = None,
    wall: Annotated[
        int, typer.Option(min=0, help="How many more on the wall clock, for lateness.")
    ] = 2,
) -> None:
    """Give the robot sentences in homes it has not seen and judge what it does."""
    from yanshi.bench import run

    code = run.bench_run(n, seed, out=json, sentences=sentences or run.SENTENCES, wall=wall)
    raise typer.Exit(code)


@bench.command("eyes")
def bench_eyes(n: Number = 200, seed: Seed = 0, json: Json = None) -> None:
    """Look at homes never seen before and compare with what stands there."""
    from yanshi.bench import eyes

    raise typer.Exit(eyes.bench_eyes(n, seed, json))


@bench.command("mind")
def bench_mind(
    n: Number = 193,
    seed: Seed = 0,
    json: Json = None,
    sentences: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Sentences of your own, with their plans."),
    ] = None,
) -> None:
    """Say sentences that it was not trained on and compare the plans with what they mean."""
    from yanshi.bench import mind

    raise typer.Exit(mind.bench_mind(n, seed, json, sentences or mind.SENTENCES))
