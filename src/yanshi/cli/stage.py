"""What is set up before a robot hears its first word, whoever speaks and for how long."""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console

from yanshi.cli.options import ClockName, need_real_time
from yanshi.core.errors import YanshiError

if TYPE_CHECKING:  # Each takes a while to load; --help shall not wait for them.
    from yanshi.bodies.push import Push
    from yanshi.bodies.remote_body import RemoteBody
    from yanshi.bodies.simulation import Simulation
    from yanshi.ledger.meter import Meter
    from yanshi.ledger.weather import Weather
    from yanshi.mind.brains import BrainChoice
    from yanshi.mind.mind import Understands
    from yanshi.ports.attendance import Attendance
    from yanshi.ports.view import View
    from yanshi.runtime.episode import Episode, EpisodeConfig
    from yanshi.runtime.eyes_process import EyesProcess
    from yanshi.runtime.observer import Observer
    from yanshi.safety.plan_gate import KeepOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What somebody who starts a robot asks for, whatever it shall do there."""

    choice: "BrainChoice"
    world: str
    seed: int
    clock: ClockName
    view: bool
    record: Path | None
    check_in: float
    apart: bool
    gamepad: Path | None
    stop_port: int
    weather: "Weather | None" = None
    """Of the link to a mind in the cloud."""
    forbidden: "Sequence[KeepOut]" = ()
    """Floor that it must not tread on."""


class Stage:
    """A robot in its world with mind and eyes, and all who watch it; ends with its stack."""

    def __init__(self, stack: ExitStack, console: Console, wishes: Wishes) -> None:
        """Start all processes, open all doors, and say where they are and what is missing.

        Raises:
            ConfigError: Something needs real time, or its place is taken.
            UnknownNameError: There is no such world.
        """
        from yanshi.runtime.recorder import RunRecorder

        self._stack, self._console, self._wishes = stack, console, wishes
        if wishes.apart:
            need_real_time("--apart", wishes.clock)
        self._attendance = open_attendance(stack, console, wishes.check_in, wishes.clock)
        self._mind, self._eyes, simulation = wake(stack, console, wishes)
        self._peer = set_apart(stack, console, simulation) if wishes.apart else None
        body = self._peer or simulation.body
        self.simulation = replace(simulation, body=body).forbid(wishes.forbidden)
        record = wishes.record
        self._recorder = (
            stack.enter_context(RunRecorder(record, self.simulation)) if record else None
        )
        self._page = open_page(stack, console, self.simulation) if wishes.view else None

    def begin(
        self,
        observers: "Sequence[Observer]",
        *,
        pushes: "Sequence[Push]" = (),
        config: "EpisodeConfig | None" = None,
        meter: "Meter | None" = None,
    ) -> "Episode":
        """Return an episode that these and all who were wished for observe."""
        from yanshi.runtime.episode import Episode

        wished = (self._recorder, self._page, self._attendance)
        return Episode(
            self.simulation,
            self._mind,
            self._eyes,
            is_real_time=self._wishes.clock is ClockName.WALL,
            observers=[*observers, *(one for one in wished if one)],
            pushes=pushes,
            config=config,
            meter=meter,
            attendance=self._attendance,
            peer=self._peer,
        )

    def listen(
        self,
        stop: Callable[[], None],
        *,
        say: Callable[[str, str], None] | None = None,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """Wait until somebody attends, where that was wished for, and hear stops from everywhere.

        Args:
            stop: Stops the robot; safe to call from another thread.
            say: Gets what an operator says, and who it is; None where nothing more may be said.
            end: Called after `stop` at the first Ctrl-C; the second one ends the program.

        Raises:
            ConfigError: The gamepad cannot be read, or the port is taken.
        """
        if self._attendance:
            self._attendance.await_somebody(stop, say)
        _stop_on_interrupt(stop, end)
        if self._page:
            self._page.listen_for_stop(stop)
        if self._wishes.gamepad:
            from yanshi.ports.gamepad import listen_to_gamepad

            listen_to_gamepad(stop, self._wishes.gamepad)
        if self._wishes.stop_port:
            from yanshi.ports.stop_server import StopServer

            server = self._stack.enter_context(StopServer(self._wishes.stop_port, stop))
            self._console.print(
                f"A stop is heard at POST {server.url}", highlight=False, soft_wrap=True
            )

    def end_log(self) -> str:
        """End the log, print the last hash of its interventions and return it; "" without one."""
        recorder = self._recorder
        if recorder is None:
            return ""
        recorder.close()
        if recorder.last_hash:
            self._console.print(
                f"{recorder.recorder.path}: last hash 最后的哈希 {recorder.last_hash}",
                style="dim",
                highlight=False,
                soft_wrap=True,
            )
        return recorder.last_hash


def wake(
    stack: ExitStack, console: Console, wishes: Wishes
) -> tuple["Understands", "EyesProcess", "Simulation"]:
    """Start mind and eyes and build their world, all ended with the stack.

    Says which minds could not be had.
    """
    from yanshi.bodies.simulation import simulate
    from yanshi.runtime.brain import Brain

    with console.status("偃师 wakes up …"):
        brain = stack.enter_context(Brain(wishes.choice, wishes.weather))
        brain.enter(wishes.world, wishes.seed)
        simulation = simulate(wishes.world, wishes.seed)
        stack.callback(simulation.body.close)
        brain.wait_ready(simulation)
    for trouble in brain.mind.troubles:
        console.print(next_best(trouble), style="yellow", highlight=False)
    return brain.mind, brain.eyes, simulation


def next_best(trouble: YanshiError) -> str:
    """Say in the user's language what is wrong with a mind, and what happens now."""
    from yanshi.cli.main import language_of

    language = language_of(sys.argv[1:])
    ending = "由次优的大脑接替。" if language.startswith("zh") else "The next best mind takes over."
    return f"{trouble.text(language)} {ending}"


def open_page(stack: ExitStack, console: Console, simulation: "Simulation") -> "View":
    """Open the 3-D page and say where it is."""
    from yanshi.ports.view import View  # Takes a second to load; few look.

    page = stack.enter_context(View(simulation))
    console.print(f"3-D page: {page.url}", highlight=False)
    return page


def open_attendance(
    stack: ExitStack, console: Console, timeout_s: float, clock: ClockName
) -> "Attendance | None":
    """Open the door for somebody to watch, if that is wanted, and say where it is.

    Raises:
        ConfigError: Time stands still while they answer, or the timeout is out of bounds.
    """
    if not timeout_s:
        return None
    need_real_time(f"--check-in {timeout_s:g}", clock)
    from yanshi.ports.attendance import Attendance

    attendance = stack.enter_context(Attendance(timeout_s))
    console.print(
        "It moves only while somebody watches. In another terminal: "
        f"yanshi attend {attendance.door.pid}\n"
        "有人看护时它才会动。请在另一个终端运行以上命令。",
        highlight=False,
        soft_wrap=True,
    )
    return attendance


def set_apart(stack: ExitStack, console: Console, simulation: "Simulation") -> "RemoteBody":
    """Start body and watch in processes of their own, and return the way to the body."""
    from yanshi.bodies.remote_body import RemoteBody
    from yanshi.runtime.apart import Apart
    from yanshi.runtime.priority import right_of_way

    with right_of_way() as is_granted:
        if not is_granted:
            console.print(
                "No real-time priority here: on a busy computer the robot may go limp without "
                "need. Give it a limit (ulimit -r) or leave --apart out. "
                "这里没有实时优先级：电脑繁忙时机器人可能误瘫软。请设置 ulimit -r，"
                "或去掉 --apart。",
                style="yellow",
                soft_wrap=True,
            )
    lines = stack.enter_context(Apart(simulation)).lines
    return RemoteBody(simulation.body, lines)


def _stop_on_interrupt(stop: Callable[[], None], end: Callable[[], None]) -> None:
    """Let the first Ctrl-C stop the robot and end what goes on; the second ends the program."""

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()
        end()

    signal.signal(signal.SIGINT, handle)
