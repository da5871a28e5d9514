"""`yanshi train`: make a part of Yanshi again, on the CPU."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from yanshi.core.errors import ConfigError

train = typer.Typer()

Work = Annotated[
    Path,
    typer.Option(metavar="FOLDER", help="Pictures and checkpoints; a run there goes on."),
]


@train.command("eyes")
def train_eyes(
    seed: Annotated[int, typer.Option(min=0, help="Of the first weights and the order.")] = 1,
    work: Work = Path("out/train_eyes"),
) -> None:
    """Train the detector on pictures of seeded homes (about half an hour on two cores)."""
    _need_training_packages()
    from yanshi.train import eyes

    eyes.train_eyes(eyes.EyesTraining(seed=seed), work)


@train.command("mind")
def train_mind(
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Of the whole training; more than before goes on.")
    ] = 25.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the sentences and the first weights.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="One is best beside other work.")] = 2,
    work: Work = Path("out/train_mind"),
) -> None:
    """Train the adapter that turns sentences into plans."""
    _need_training_packages("transformers", "gguf")
    from yanshi.train import mind

    mind.train_mind(mind.MindTraining(minutes=minutes, seed=seed, threads=threads), work)


def _need_training_packages(*more: str) -> None:
    names = ("torch", "onnx", "matplotlib", *more)
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"Training needs {', '.join(missing)}, which are not installed. "
            "This installs what training needs: make train",
            zh=f"训练需要 {'、'.join(missing)}，但没有安装。安装训练所需的一切：make train",
        )
