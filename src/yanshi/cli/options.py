"""Options that several commands share, and what is wrong with them before anything begins."""

import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from yanshi.core.errors import ConfigError


class ClockName(StrEnum):
    """Which clock drives the run."""

    SIM = "sim"
    WALL = "wall"


World = Annotated[str, typer.Option(help="Where it stands; `yanshi worlds` lists them.")]
HomeSeed = Annotated[
    int, typer.Option(min=0, help="Which home: furniture, things, light and start.")
]
ViewOption = Annotated[bool, typer.Option("--view", help="Open a 3-D page in the browser.")]
Record = Annotated[Path | None, typer.Option(metavar="FILE.mcap", help="Write a log for Foxglove.")]
Brains = Annotated[
    str,
    typer.Option(
        metavar="MIND",
        help="onboard; bare; FILE.gguf[+ADAPTER.gguf]; cloud:URL#model; hybrid:URL#model. Default: "
        "hybrid if $YANSHI_CLOUD holds URL#model, else onboard. The key is $YANSHI_API_KEY.",
    ),
]
CloudDeadline = Annotated[
    float,
    typer.Option(metavar="MS", help="Longest time to a plan with a mind in the cloud; 0: 1000."),
]
CheckIn = Annotated[
    float,
    typer.Option(
        "--check-in",
        metavar="SECONDS",
        help="Move only while somebody watches: `yanshi attend` in another terminal must answer "
        "within so many seconds, else it stops. 0: nobody need watch. With --clock wall.",
    ),
]
ApartOption = Annotated[
    bool,
    typer.Option(
        "--apart",
        help="Body and a watch in processes of their own: when what moves the robot dies or hangs, "
        "it goes limp within 50 ms. With --clock wall.",
    ),
]
Gamepad = Annotated[
    Path | None,
    typer.Option(
        metavar="DEVICE",
        help="A gamepad (/dev/input/js0): any of its buttons stops the robot, and so does pulling "
        "it out.",
    ),
]
StopPort = Annotated[
    int,
    typer.Option(
        metavar="PORT",
        min=0,
        max=65535,
        help="Hear `POST /stop` from programs on this machine at this port; 0: nothing listens.",
    ),
]
ROOM_MIN_BYTES = 1_000_000
"""Free space without which no file is begun."""


def check_target(path: Path | None) -> None:
    """Refuse a file that could not be written before anything has begun."""
    if path is None:
        return
    folder = path.parent
    if not folder.is_dir():
        raise ConfigError(
            f"{path} was asked for, but there is no folder {folder}. Make it: mkdir -p {folder}",
            zh=f"要写入 {path}，但没有文件夹 {folder}。请先新建：mkdir -p {folder}",
        )
    if path.is_dir():
        raise ConfigError(
            f"{path} was asked for as a file, but it is a folder. Name a file in it.",
            zh=f"{path} 应当是文件，却是一个文件夹。请写出其中的文件名。",
        )
    if shutil.disk_usage(folder).free < ROOM_MIN_BYTES:
        raise ConfigError(
            f"{path} was asked for, but the disk of {folder} is full. Make room or name another.",
            zh=f"要写入 {path}，但 {folder} 所在的磁盘已满。请腾出空间或换一个位置。",
        )


def need_real_time(option: str, clock: ClockName) -> None:
    """Refuse an option that means nothing while the world waits for the computer.

    Raises:
        ConfigError: The clock is another one.
    """
    if clock is not ClockName.WALL:
        raise ConfigError(
            f"{option} needs real time: add --clock wall.",
            zh=f"{option} 需要真实时间：请加上 --clock wall。",
        )
