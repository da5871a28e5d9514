"""`yanshi chat`: talk with the robot while it does what you say."""

import sys
import threading
from contextlib import ExitStack
from typing import Annotated

import typer
from rich.console import Console

from yanshi.cli.options import (
    ApartOption,
    Brains,
    CheckIn,
    ClockName,
    CloudDeadline,
    Gamepad,
    HomeSeed,
    Record,
    StopPort,
    ViewOption,
    World,
    check_target,
)
from yanshi.cli.stage import Stage, Wishes


def chat(
    world: World = "home",
    seed: HomeSeed = 1,
    clock: Annotated[
        ClockName | None,
        typer.Option(
            help="wall: real time, you may interrupt. sim: the world waits for you; repeatable. "
            "wall at a terminal, else sim.",
        ),
    ] = None,
    brain: Brains = "",
    cloud_deadline: CloudDeadline = 0.0,
    view: ViewOption = False,
    check_in: CheckIn = 0.0,
    apart: ApartOption = False,
    gamepad: Gamepad = None,
    stop_port: StopPort = 0,
    record: Record = None,
) -> None:
    """Talk with the robot, in Chinese or English; it remembers what was said and what it saw.

    A new order takes the place of the one under way, as soon as that may be left; a stop word
    (停, stop) acts at once and holds until you say 继续 or "go on". Of several who talk, one leads;
    another says 接管 or "take over". An empty line changes nothing; Ctrl-D, or the end of the
    input, ends the conversation.
    """
    check_target(record)
    console = Console()
    from yanshi.mind.brains import read_brain
    from yanshi.ports.talk import Talk
    from yanshi.runtime.episode import EpisodeConfig
    from yanshi.runtime.words import Conversation

    is_terminal = sys.stdin.isatty()
    driven_by = clock or (ClockName.WALL if is_terminal else ClockName.SIM)
    wishes = Wishes(
        choice=read_brain(brain, cloud_deadline),
        world=world,
        seed=seed,
        clock=driven_by,
        view=view,
        record=record,
        check_in=check_in,
        apart=apart,
        gamepad=gamepad,
        stop_port=stop_port,
    )
    with ExitStack() as stack:
        stage = Stage(stack, console, wishes)
        episode = stage.begin([Talk(console)], config=EpisodeConfig(longest_s=float("inf")))
        words = Conversation(waits=driven_by is ClockName.SIM)
        stage.listen(episode.stop, say=words.say, end=words.end)
        if is_terminal:
            console.print("Say something; Ctrl-D ends. 请说；按 Ctrl-D 结束。", style="dim")
        threading.Thread(target=words.listen_to, args=(sys.stdin,), daemon=True).start()
        report = episode.hear(words)
        stage.end_log()
    raise typer.Exit(0 if not report.mujoco_warnings else 4)
