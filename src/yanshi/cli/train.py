"""`yanshi train`: make a part of Yanshi again, on the CPU."""

import sys
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yanshi.core.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from yanshi.policies.contract import Contract
    from yanshi.train.lesson import Lesson
    from yanshi.train.trainer import Training

train = typer.Typer()

Work = Annotated[
    Path,
    typer.Option(metavar="FOLDER", help="Pictures and checkpoints; a run there goes on."),
]


@train.command("eyes")
def train_eyes(
    seed: Annotated[int, typer.Option(min=0, help="Of the first weights and the order.")] = 1,
    steps: Annotated[int, typer.Option(min=1, help="Of training, 24 crops each.")] = 4800,
    threads: Annotated[int, typer.Option(min=1, help="One is best beside other work.")] = 2,
    after: Annotated[
        Path | None,
        typer.Option(metavar="FILE.onnx", help="Begin as these eyes, not as none."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.onnx", help="Where they go; ours are replaced if none."),
    ] = None,
    work: Work = Path("out/train_eyes"),
) -> None:
    """Train the detector on pictures of seeded homes (about an hour on one core)."""
    if after is not None and not after.is_file():
        raise ConfigError(
            f"--after {after}: there is no such file.", zh=f"--after {after}：没有这个文件。"
        )
    need_training_packages()
    from yanshi.senses.eyes import WEIGHTS
    from yanshi.train import eyes

    config = eyes.EyesTraining(seed=seed, steps=steps)
    eyes.train_eyes(config, work, out or WEIGHTS, after, threads)


@train.command("mind")
def train_mind(
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Of the whole training; more than before goes on.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the sentences and the first weights.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="One is best beside other work.")] = 2,
    after: Annotated[
        Path | None,
        typer.Option(metavar="FILE.gguf", help="Begin as this adapter, not as none."),
    ] = None,
    keep: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Share of that adapter in what is written."),
    ] = 0.0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.gguf", help="Where the adapter goes; ours is replaced if none."),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(metavar="FILE.gguf", help="Adapt this model, not the one on board."),
    ] = None,
    work: Work = Path("out/train_mind"),
) -> None:
    """Train the adapter that turns sentences into plans."""
    if base is not None and out is None:
        out = base.with_name(f"{base.stem}-plan-lora.gguf")
    need_training_packages("transformers", "gguf", "accelerate")
    from yanshi.mind.model import ADAPTER
    from yanshi.train import mind

    config = mind.MindTraining(minutes=minutes, seed=seed, threads=threads, keep=keep)
    mind.train_mind(config, work, out or ADAPTER, after, base)
    if base is not None:
        print(f"Try it: yanshi plan --brain {base}+{out}")


@train.command("balance")
def train_balance(
    robots: Annotated[int, typer.Option(min=500, help="That are followed.")] = 2400,
    seed: Annotated[int, typer.Option(min=0, help="Of the robots and the first weights.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that follow robots.")] = 2,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="Where it goes; ours is replaced if none."),
    ] = None,
    work: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="What the robots felt; more robots go on from there."),
    ] = Path("out/train_balance"),
) -> None:
    """Train the watch that tells falls early (about 20 minutes on two cores)."""
    need_training_packages()
    from yanshi.senses.balance import WEIGHTS
    from yanshi.train import fall_watch

    config = fall_watch.FallWatchTraining(robots=robots, seed=seed)
    fall_watch.train_fall_watch(config, work, out or WEIGHTS, workers)


Minutes = Annotated[
    float, typer.Option(min=0.05, help="Training time in all; more than before goes on.")
]
Folder = Annotated[
    Path | None,
    typer.Option("--work", metavar="FOLDER", help="Checkpoints and results; out/train_… if none."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the folder's checkpoint, if there is one.")
]
Seed = Annotated[
    int | None, typer.Option(min=0, help="Of everything random; 0, or the checkpoint's.")
]
Robots = Annotated[int | None, typer.Option(min=1, help="How many learn at once.")]
Threads = Annotated[int, typer.Option(min=1, help="As many as there are cores to use.")]
View = Annotated[bool, typer.Option("--view", help="Show the curves in the browser as they grow.")]
Ray = Annotated[
    str,
    typer.Option(metavar="ADDRESS|local", help="Simulate in the workers of a Ray cluster."),
]
Shards = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Parts that the robots are simulated in: one a core. The same "
        "seed and parts learn the same anywhere; 2 if none.",
    ),
]


Cold = Annotated[bool, typer.Option("--cold", help="Begin with noise instead of a ready walker.")]
After = Annotated[
    str | None,
    typer.Option(metavar="ROUTINE|FOLDER", help="Begin with the performer of another routine."),
]


AfterWalker = Annotated[
    str | None,
    typer.Option("--after", metavar="WALKER|FOLDER", help="Begin as a walker trained here."),
]


@train.command("guess")
def train_guess(
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Of the whole training; more than before goes on.")
    ] = 45.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the sentences and the first weights.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="Where it goes; ours is replaced if none."),
    ] = None,
    work: Work = Path("out/train_guess"),
) -> None:
    """Train the small network that guesses plans for the language model to confirm."""
    need_training_packages("gguf")
    from yanshi.mind.guesser import GUESSER
    from yanshi.train import guess

    guess.train_guess(guess.GuessTraining(minutes=minutes, seed=seed), work, out or GUESSER)


@train.command("walk")
def train_walk(
    minutes: Minutes = 20.0,
    work: Folder = None,
    resume: Resume = False,
    seed: Seed = None,
    robots: Robots = None,
    threads: Threads = 2,
    shards: Shards = None,
    view: View = False,
    ray: Ray = "",
    cold: Cold = False,
    after: AfterWalker = None,
) -> None:
    """Train the walker: legs and waist learn, the arms are free."""
    need_training_packages()
    from yanshi.train.lessons import walk_lesson
    from yanshi.train.trainer import Training

    _refuse_both(cold, after)
    learnt = _walker(after) if after else None
    training = Training(
        minutes=minutes, seed=seed, robots=robots, threads=threads, shards=shards, ray=ray
    )
    lesson = walk_lesson(is_warm=not cold, after=learnt)
    _train(lesson, training, work, resume=resume, view=view)


@train.command("getup")
def train_getup(
    minutes: Minutes = 60.0,
    work: Folder = None,
    resume: Resume = False,
    seed: Seed = None,
    robots: Robots = None,
    threads: Threads = 2,
    shards: Shards = None,
    view: View = False,
    ray: Ray = "",
) -> None:
    """Train getting up from the floor, slowly and gently."""
    need_training_packages()
    from yanshi.train.getup_lesson import getup_lesson
    from yanshi.train.trainer import Training

    training = Training(
        minutes=minutes, seed=seed, robots=robots, threads=threads, shards=shards, ray=ray
    )
    _train(getup_lesson(), training, work, resume=resume, view=view)


@train.command("land")
def train_land(
    minutes: Minutes = 60.0,
    work: Folder = None,
    resume: Resume = False,
    seed: Seed = None,
    robots: Robots = None,
    threads: Threads = 2,
    shards: Shards = None,
    view: View = False,
    ray: Ray = "",
) -> None:
    """Train falling well: head and torso are spared."""
    need_training_packages()
    from yanshi.train.land_lesson import land_lesson
    from yanshi.train.trainer import Training

    training = Training(
        minutes=minutes, seed=seed, robots=robots, threads=threads, shards=shards, ray=ray
    )
    _train(land_lesson(), training, work, resume=resume, view=view)


@train.command("track")
def train_track(
    routine: Annotated[Path, typer.Argument(metavar="ROUTINE.toml", help="What to perform.")],
    minutes: Minutes = 20.0,
    work: Folder = None,
    resume: Resume = False,
    seed: Seed = None,
    robots: Robots = None,
    threads: Threads = 2,
    shards: Shards = None,
    view: View = False,
    ray: Ray = "",
    cold: Cold = False,
    after: After = None,
) -> None:
    """Train a performer of a routine: a robot that follows keyframes and stays up."""
    need_training_packages()
    from yanshi.train.track_lesson import plan_piece, track_lesson
    from yanshi.train.trainer import Training

    _refuse_both(cold, after)
    learnt = _performer(after) if after else None

    training = Training(
        minutes=minutes, seed=seed, robots=robots, threads=threads, shards=shards, ray=ray
    )
    piece = plan_piece(routine)
    lesson = track_lesson(piece, is_warm=not cold, after=learnt)
    work = work or Path("out") / f"train_{lesson.name}"
    _train(lesson, training, work, resume=resume, view=view)
    piece.write(work)


def _refuse_both(cold: bool, after: str | None) -> None:
    if cold and after:
        raise ConfigError(
            "--cold begins with noise and --after with what was learnt; leave one of them out.",
            zh="--cold 从噪声开始，--after 从已学会的开始；请去掉其中一个。",
        )


def _walker(asked: str) -> "Contract":
    """Return the contract of a walker of ours, by its name or folder.

    Raises:
        UnknownNameError: There is no such walker.
        ContractError: Its policy is damaged, for another robot or of another kind.
    """
    from yanshi.policies.contract import installed_policies, load_contract
    from yanshi.policies.contract_file import CONTRACT_FILE
    from yanshi.robots.g1.spec import G1

    installed = installed_policies()
    folder = installed.get(asked, Path(asked))
    if not (folder / CONTRACT_FILE).is_file():
        raise UnknownNameError("walker", asked, [name for name in installed if "walk" in name])
    return load_contract(folder, G1)


def _performer(asked: str) -> "Contract":
    """Return the contract of a routine that was learnt, by its name or folder.

    Raises:
        UnknownNameError: There is no such routine.
        ConfigError: It was not learnt.
        ContractError: Its policy is damaged or for another robot.
    """
    from yanshi.policies.contract import load_contract
    from yanshi.policies.contract_file import CONTRACT_FILE
    from yanshi.policies.repertoire import repertoire
    from yanshi.robots.g1.spec import G1

    pieces = repertoire()
    folder = pieces[asked].folder if asked in pieces else Path(asked)
    if not folder.is_dir():
        learnt = [name for name, piece in pieces.items() if piece.is_learnt]
        raise UnknownNameError("routine", asked, learnt)
    if not (folder / CONTRACT_FILE).is_file():
        raise ConfigError(
            f"--after {asked}: there is no policy in {folder} yet; `yanshi train track` makes one.",
            zh=f"--after {asked}：{folder} 中还没有策略；`yanshi train track` 会生成。",
        )
    return load_contract(folder, G1)


def _train(
    lesson: "Lesson", training: "Training", work: Path | None, *, resume: bool, view: bool
) -> None:
    """Train, with the curves in the browser if they are wanted, and say what came of it."""
    from yanshi.train import journal
    from yanshi.train.live_view import live_view
    from yanshi.train.trainer import train

    folder = work or Path("out") / f"train_{lesson.name}"
    with live_view(folder / journal.NAME) if view else nullcontext() as url:
        if url:
            print(f"The curves are at {url}", file=sys.stderr)
        record = train(lesson, training, folder, resume=resume)
    figures = ", ".join(f"{name} {value:g}" for name, value in record["figures"].items())
    print(f"{folder}: {record['minutes']:g} min, {record['steps'] / 1e6:.1f} M steps; {figures}")


def need_training_packages(*more: str) -> None:
    """Say what is missing of what training needs, and how to get it."""
    names = ("torch", "onnx", "matplotlib", *more)
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"Training needs {', '.join(missing)}, which are not installed. "
            "This installs what training needs: make train",
            zh=f"训练需要 {'、'.join(missing)}，但没有安装。安装训练所需的一切：make train",
        )
