"""`yanshi chat`: talk with the robot while it does what you say."""

import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from yanshi.cli.run import (
    ApartOption,
    Brains,
    CheckIn,
    ClockName,
    CloudDeadline,
    Gamepad,
    StopPort,
    check_target,
    hear_stops,
    need_real_time,
    open_attendance,
    open_page,
    set_apart,
    tell_last_hash,
    wake,
)


def chat(
    world: Annotated[str, typer.Option(help="Where it stands; `yanshi worlds` lists them.")] = (
        "home"
    ),
    seed: Annotated[
        int, typer.Option(min=0, help="Which home: furniture, things, light and start.")
    ] = 1,
    clock: Annotated[
        ClockName | None,
        typer.Option(
            help="wall: real time, you may interrupt. sim: the world waits for you; repeatable. "
            "wall at a terminal, else sim.",
        ),
    ] = None,
    brain: Brains = "",
    cloud_deadline: CloudDeadline = 0.0,
    view: Annotated[bool, typer.Option("--view", help="Open a 3-D page in the browser.")] = False,
    check_in: CheckIn = 0.0,
    apart: ApartOption = False,
    gamepad: Gamepad = None,
    stop_port: StopPort = 0,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE.mcap", help="Write a log for Foxglove.")
    ] = None,
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
    from yanshi.runtime.episode import Episode, EpisodeConfig
    from yanshi.runtime.observer import Observer
    from yanshi.runtime.recorder import RunRecorder
    from yanshi.runtime.words import Conversation

    choice = read_brain(brain, cloud_deadline)
    is_terminal = sys.stdin.isatty()
    driven_by = clock or (ClockName.WALL if is_terminal else ClockName.SIM)
    is_real_time = driven_by is ClockName.WALL
    with ExitStack() as stack:
        if apart:
            need_real_time("--apart", driven_by)
        attendance = open_attendance(stack, console, check_in, driven_by)
        mind, eyes, simulation = wake(stack, console, choice, world, seed)
        peer = set_apart(stack, console, simulation) if apart else None
        simulation = replace(simulation, body=peer or simulation.body)
        observers: list[Observer] = [Talk(console)]
        recorder = stack.enter_context(RunRecorder(record, simulation)) if record else None
        if recorder:
            observers.append(recorder)
        page = open_page(stack, console, simulation) if view else None
        if page:
            observers.append(page)
        if attendance:
            observers.append(attendance)
        episode = Episode(
            simulation,
            mind,
            eyes,
            is_real_time=is_real_time,
            observers=observers,
            config=EpisodeConfig(longest_s=float("inf")),
            attendance=attendance,
            peer=peer,
        )
        words = Conversation(waits=not is_real_time)
        if attendance:
            attendance.await_somebody(episode.stop, words.say)
        _end_on_interrupt(episode.stop, words.end)
        hear_stops(stack, console, episode.stop, page, gamepad, stop_port)
        if is_terminal:
            console.print("Say something; Ctrl-D ends. 请说；按 Ctrl-D 结束。", style="dim")
        threading.Thread(target=words.listen_to, args=(sys.stdin,), daemon=True).start()
        report = episode.hear(words)
        if recorder:
            tell_last_hash(console, recorder)
    raise typer.Exit(0 if not report.mujoco_warnings else 4)


def _end_on_interrupt(stop: Callable[[], None], end: Callable[[], None]) -> None:
    """Let Ctrl-C stop the robot and end the conversation; a second one ends the program."""

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()
        end()

    signal.signal(signal.SIGINT, handle)
