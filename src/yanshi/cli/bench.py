"""`yanshi bench`: how well it works, with what certainty.

Every bench prints its rows, writes them with `--json`, goes on where an interrupted one
stopped, and exits 1 when a target is missed.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from yanshi.cli.options import ApartOption, Brains, ClockName, CloudDeadline, need_real_time

if TYPE_CHECKING:
    from yanshi.bench.contest import Contest

bench = typer.Typer()

QUICK_N, QUICK_ORDERS = 2, 40

Number = Annotated[int, typer.Option("--n", min=1, help="How many trials.")]
Seed = Annotated[int, typer.Option(min=0, help="Which trials; others are as good.")]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE.json", help="Write the rows here, and the trials beside it."
    ),
]

Quick = Annotated[
    bool, typer.Option("--quick", help="Two trials of each kind, to see that it works.")
]
Workers = Annotated[
    int, typer.Option(min=1, help="How many processes; the figures do not depend on it.")
]
Walkers = Annotated[
    list[str] | None,
    typer.Option(
        "--walker",
        metavar="NAME|FOLDER[:bare]",
        help="Who takes part, once for each; `:bare` moves the arms behind its back. "
        "All installed walkers if left out.",
    ),
]
Film = Annotated[
    Path | None,
    typer.Option(metavar="FILE.mp4", help="Run one trial again, film it, and nothing else."),
]
Which = Annotated[
    int,
    typer.Option("--trial", min=0, help="Which one to film: an `index` of FILE.trials.jsonl."),
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
def bench_eyes(
    n: Number = 200,
    seed: Seed = 0,
    json: Json = None,
    world: Annotated[
        str,
        typer.Option(
            metavar="home|tidy", help="In tidy, the robot stands as if to take something."
        ),
    ] = "home",
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE.onnx", help="Eyes of your own; ours if none."),
    ] = None,
) -> None:
    """Look at homes never seen before and compare with what stands there."""
    from yanshi.bench import eyes
    from yanshi.senses.eyes import WEIGHTS

    raise typer.Exit(eyes.bench_eyes(n, seed, json, world=world, weights=weights or WEIGHTS))


@bench.command("find")
def bench_find(n: Number = 100, seed: Seed = 0, json: Json = None) -> None:
    """Look for what is there and for what is not, in homes never seen before."""
    from yanshi.bench import find

    raise typer.Exit(find.bench_find(n, seed, json))


@bench.command("hands")
def bench_hands(
    n: Number = 100,
    seed: Seed = 0,
    json: Json = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="pick, place, hand, push or carry; all if left out."),
    ] = None,
    quick: Quick = False,
    workers: Workers = 1,
) -> None:
    """Let the robot take things and put them down in homes it has not seen."""
    from yanshi.bench import hands
    from yanshi.core.errors import UnknownNameError

    for name in kind or ():
        if name not in hands.KINDS:
            raise UnknownNameError("kind of trial", name, hands.KINDS)
    kinds = tuple(kind) if kind else hands.KINDS
    raise typer.Exit(
        hands.bench_hands(QUICK_N if quick else n, seed, json, kinds=kinds, workers=workers)
    )


@bench.command("grasps")
def bench_grasps(n: Number = 60, seed: Seed = 0, json: Json = None, workers: Workers = 1) -> None:
    """Look for a grasp of everything that some stance reaches, without a step."""
    from yanshi.bench import grasps

    raise typer.Exit(grasps.bench_grasps(n, seed, json, workers=workers))


@bench.command("mind")
def bench_mind(
    n: Number = 600,
    seed: Seed = 0,
    json: Json = None,
    sentences: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Sentences of your own, with their plans."),
    ] = None,
    walks: Annotated[
        bool, typer.Option("--walking/--standing", help="Whether a robot walks about meanwhile.")
    ] = True,
    brain: Brains = "",
    cloud_deadline: CloudDeadline = 0.0,
) -> None:
    """Say sentences that it was not trained on and compare the plans with what they mean."""
    from yanshi.bench import mind
    from yanshi.bench.understanding import SENTENCES
    from yanshi.mind.brains import read_brain

    raise typer.Exit(
        mind.bench_mind(
            n,
            seed,
            json,
            sentences or SENTENCES,
            walks=walks,
            brain=read_brain(brain or "onboard", cloud_deadline),
        )
    )


@bench.command("fit")
def bench_fit(
    json: Json = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw predicted against measured times."),
    ] = None,
) -> None:
    """Predict published times of language and action models on boards left out of the fit."""
    from yanshi.bench import fit

    raise typer.Exit(fit.bench_fit(json, plot))


@bench.command("charge")
def bench_charge(
    n: Annotated[int, typer.Option("--n", min=1, help="How many pairs.")] = 12,
    seed: Seed = 0,
    json: Json = None,
    board: Annotated[
        str, typer.Option(help="What is charged; `yanshi boards` lists them.")
    ] = "orin-nx-16gb",
) -> None:
    """Run with and without --board by turns: how much longer does charging make a run?"""
    from yanshi.bench import charge

    raise typer.Exit(charge.bench_charge(n, seed, json, board))


@bench.command("cloud")
def bench_cloud(n: Number = 1000, seed: Seed = 0, json: Json = None, quick: Quick = False) -> None:
    """Give orders over a link that delays, loses, repeats, mixes up and floods what it carries."""
    from yanshi.bench import cloud

    raise typer.Exit(cloud.bench_cloud(QUICK_ORDERS if quick else n, seed, json))


@bench.command("walk")
def bench_walk(
    n: Number = 100,
    seed: Seed = 0,
    json: Json = None,
    walker: Walkers = None,
    quick: Quick = False,
    workers: Workers = 2,
    film: Film = None,
    trial: Which = 0,
) -> None:
    """Walk, stand, carry, arrive and crouch while the arms move at random."""
    from yanshi.bench import walk
    from yanshi.bench.proving_ground import choose_contenders

    contenders = choose_contenders(walker)
    n = QUICK_N if quick else n
    if film:
        _film(walk.make_contest(contenders, n, seed), trial, film)
    raise typer.Exit(walk.bench_walk(contenders, n, seed, json, workers))


@bench.command("push")
def bench_push(
    n: Number = 104,
    seed: Seed = 0,
    json: Json = None,
    walker: Walkers = None,
    quick: Quick = False,
    workers: Workers = 2,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg", help="Draw the rose of pushes here, not beside --json."),
    ] = None,
    film: Film = None,
    trial: Which = 0,
) -> None:
    """Push walkers in eight directions: how many stay up, and what fells half of them."""
    from yanshi.bench import push
    from yanshi.bench.proving_ground import choose_contenders

    contenders = choose_contenders(walker)
    n = QUICK_N if quick else n
    if film:
        _film(push.make_contest(contenders, n, seed), trial, film)
    raise typer.Exit(push.bench_push(contenders, n, seed, json, workers, picture))


@bench.command("tour")
def bench_tour(
    n: Number = 100,
    seed: Seed = 0,
    json: Json = None,
    walker: Walkers = None,
    quick: Quick = False,
    workers: Workers = 2,
    film: Film = None,
    trial: Which = 0,
) -> None:
    """Send walkers round twelve waypoints in a minute, under blows."""
    from yanshi.bench import tour
    from yanshi.bench.proving_ground import choose_contenders

    contenders = choose_contenders(walker)
    n = QUICK_N if quick else n
    if film:
        _film(tour.make_contest(contenders, n, seed), trial, film)
    raise typer.Exit(tour.bench_tour(contenders, n, seed, json, workers))


@bench.command("getup")
def bench_getup(
    n: Number = 200,
    seed: Seed = 0,
    json: Json = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Another policy that gets up.")
    ] = None,
    quick: Quick = False,
    workers: Workers = 2,
) -> None:
    """Lay the robot down in every way and let it get up: how surely, and how gently."""
    from yanshi.bench import getup

    n = QUICK_N if quick else n
    raise typer.Exit(getup.bench_getup(n, seed, json, policy, workers))


@bench.command("land")
def bench_land(
    n: Number = 96,
    seed: Seed = 0,
    json: Json = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Another policy that lands.")
    ] = None,
    quick: Quick = False,
    workers: Workers = 2,
) -> None:
    """Push the robot over and let it fall, limp and landed: how hard head and torso hit."""
    from yanshi.bench import land

    n = QUICK_N if quick else n
    raise typer.Exit(land.bench_land(n, seed, json, policy, workers))


@bench.command("perform")
def bench_perform(
    routines: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ROUTINE]…", help="Those to do; all that were learnt if none."),
    ] = None,
    n: Number = 100,
    seed: Seed = 0,
    json: Json = None,
    walker: Annotated[
        str | None,
        typer.Option(metavar="NAME|FOLDER", help="What walks before, and takes over afterwards."),
    ] = None,
    policies: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Routines of your own, as in `yanshi run`."),
    ] = None,
    quick: Quick = False,
    workers: Workers = 2,
) -> None:
    """Perform routines, left alone and pushed: how surely, how exactly, how softly."""
    from yanshi.bench import perform
    from yanshi.policies.repertoire import add_place

    for folder in policies or ():
        add_place(folder)
    n = QUICK_N if quick else n
    raise typer.Exit(perform.bench_perform(routines, n, seed, json, walker, workers))


@bench.command("faults")
def bench_faults(
    fault: Annotated[
        str | None, typer.Option(metavar="ROW", help="One row of the fault matrix, e.g. A4.")
    ] = None,
    n: Number = 30,
    seed: Seed = 0,
    json: Json = None,
    quick: Quick = False,
    workers: Workers = 2,
) -> None:
    """Break sensors, policies, processes and files, and look what becomes of the robot."""
    from yanshi.bench import faults

    n = QUICK_N if quick else n
    raise typer.Exit(faults.bench_faults(fault, n, seed, json, workers, quick=quick))


@bench.command("soak")
def bench_soak(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long, on the run's clock.")] = 60.0,
    clock: Annotated[ClockName, typer.Option(help="Which clock.")] = ClockName.SIM,
    apart: ApartOption = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Tell the robot one thing after the other for an hour: does anything leak or wear out?"""
    from yanshi.bench import soak

    if apart:
        need_real_time("--apart", clock)
    is_real_time = clock is ClockName.WALL
    raise typer.Exit(soak.bench_soak(minutes, seed, json, is_real_time=is_real_time, apart=apart))


@bench.command("replay")
def bench_replay(
    renew: Annotated[
        bool, typer.Option("--renew", help="Record anew, after a change that was meant.")
    ] = False,
) -> None:
    """Play a recorded run to mind, senses, skills and gate: do they still do the same?"""
    from yanshi.bench import replay

    raise typer.Exit(replay.bench_replay(renew=renew))


@bench.command("train")
def bench_train(
    robots: Annotated[int, typer.Option(min=2, help="How many learn at once.")] = 256,
    threads: Annotated[int, typer.Option(min=1, help="As many as there are cores.")] = 2,
    n: Annotated[int, typer.Option("--n", min=1, help="How often each is measured.")] = 5,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure how fast training is, and where its time goes."""
    from yanshi.cli.train import need_training_packages

    need_training_packages()
    from yanshi.bench.rows import Row, report
    from yanshi.train.lessons import walk_lesson
    from yanshi.train.speed import measure_speeds

    speeds = measure_speeds(walk_lesson(), robots=robots, threads=threads, repeats=n, seed=seed)
    ratios = [
        (speeds.task, "of mujoco.rollout alone", speeds.raw, ">= 0.9"),
        *(
            (speeds.training, f"over {other.name}", other, target)
            for other, target in zip(speeds.others, ("", ">= 2"), strict=True)
        ),
    ]
    rows = [
        Row(
            name=speed.name,
            value=speed.median,
            interval=speed.range,
            n=n,
            target="",
            unit="steps/s",
        )
        for speed in (speeds.raw, speeds.task, speeds.training, *speeds.others)
        if speed.per_second
    ]
    for speed, how, other, target in ratios:
        if other.per_second:
            value, *span = speed.over(other)
            name = f"{speed.name} {how}"
            rows.append(
                Row(name=name, value=value, interval=(span[0], span[1]), n=n, target=target)
            )
    rows += [
        Row(name=f"time: {part}", value=share, interval=None, n=1, target="")
        for part, share in speeds.shares.items()
    ]
    notes = ["Intervals are from the least to the most of n; steps are robot ticks of 20 ms."]
    if not speeds.others[0].per_second:
        notes.append("stable-baselines3 is not installed: pip install 'yanshi-robot[compare]'")
    raise typer.Exit(report("train", rows, json, notes))


def _film(contest: "Contest", trial: int, path: Path) -> NoReturn:
    for name, value in contest.film(trial, path).items():
        print(f"{name}: {value}")
    raise typer.Exit
