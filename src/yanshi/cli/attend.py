"""`yanshi attend`: watch over a run from another terminal."""

import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from yanshi.core.errors import ConfigError

if TYPE_CHECKING:
    from yanshi.ports.attendance import Door
    from yanshi.ports.attendant import Attendant


def attend(
    run: Annotated[
        int | None,
        typer.Argument(help="Which run, by the number it shows; the only one if not given."),
    ] = None,
) -> None:
    """Watch over a run that was started with --check-in: it moves only while you are here.

    Type 停 or stop and Enter, or press Ctrl-C, to make it stand still. In a conversation you may
    say anything; while somebody else leads, 接管 or "take over" first. Ctrl-D, or Ctrl-C once
    more, leaves: the robot stops and stays on its feet. If you vanish, it stops within the time
    that was given, and sits down after three times as long.
    """
    from yanshi.ports.attendance import doors
    from yanshi.ports.attendant import Attendant
    from yanshi.ports.talk import Talk

    console = Console()
    door = choose_door(doors(), run)
    with Attendant(door) as attendant:
        _stop_on_interrupt(attendant)
        console.print(
            f"You watch over run {door.pid}. Ctrl-C stops it, Ctrl-D leaves. "
            f"您正在看护运行 {door.pid}。按 Ctrl-C 叫停，按 Ctrl-D 离开。",
            style="dim",
            highlight=False,
            soft_wrap=True,
        )
        talk = Talk(console)
        attendant.attend(sys.stdin.buffer, lambda kind, text: talk.on_event(0, kind, text))
    console.print("Nobody is watched over any more. 看护结束。", style="dim")


def choose_door(doors: "list[Door]", run: int | None) -> "Door":
    """Return the door of a run.

    Raises:
        ConfigError: There is none, or there are several.
    """
    found = [door for door in doors if run in (None, door.pid)]
    if len(found) == 1:
        return found[0]
    numbers = ", ".join(str(door.pid) for door in doors)
    if not numbers:
        raise ConfigError(
            "No run can be attended now. Start one: yanshi chat --clock wall --check-in 2",
            zh="现在没有可以看护的运行。请先启动：yanshi chat --clock wall --check-in 2",
        )
    asked = f"Run {run}" if run is not None else "One run"
    raise ConfigError(
        f"{asked} was to be attended; there are {numbers}. Name one: yanshi attend {doors[0].pid}",
        zh=f"可以看护的运行有 {numbers}。请指定一个：yanshi attend {doors[0].pid}",
    )


def _stop_on_interrupt(attendant: "Attendant") -> None:
    """Let Ctrl-C stop the robot, a second one leave, a third one end the program."""
    presses = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        attendant.stop()
        if presses > 1:
            attendant.leave()
            signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, handle)
