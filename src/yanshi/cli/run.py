"""`yanshi run`: say a sentence to the robot and watch it do it."""

import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from yanshi.core.errors import ConfigError, YanshiError
from yanshi.runtime.report import RunReport

if TYPE_CHECKING:  # Each takes a while to load; --help shall not wait for them.
    from yanshi.bodies.remote_body import RemoteBody
    from yanshi.bodies.simulation import Simulation
    from yanshi.ledger.meter import Meter
    from yanshi.ledger.weather import Weather
    from yanshi.mind.brains import BrainChoice
    from yanshi.mind.mind import Understands
    from yanshi.ports.attendance import Attendance
    from yanshi.ports.view import View
    from yanshi.runtime.eyes_process import EyesProcess
    from yanshi.runtime.recorder import RunRecorder


class ClockName(StrEnum):
    """Which clock drives the run."""

    SIM = "sim"
    WALL = "wall"


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
DEFAULT_SENTENCE = "走到桌子前，看看桌上有什么，然后跳个舞"


def run(
    sentence: Annotated[
        str, typer.Argument(help="What the robot should do, in Chinese or English.")
    ] = DEFAULT_SENTENCE,
    world: Annotated[str, typer.Option(help="Where it stands; `yanshi worlds` lists them.")] = (
        "home"
    ),
    seed: Annotated[
        int, typer.Option(min=0, help="Which home: furniture, things, light and start.")
    ] = 1,
    clock: Annotated[
        ClockName,
        typer.Option(help="sim: lockstep, repeatable, as fast as possible. wall: real time."),
    ] = ClockName.SIM,
    view: Annotated[bool, typer.Option("--view", help="Open a 3-D page in the browser.")] = False,
    film: Annotated[
        Path | None, typer.Option(metavar="FILE.mp4", help="Write a film of the run.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE.mcap", help="Write a log for Foxglove.")
    ] = None,
    push: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NS@SECOND[:WAY]",
            help="Push it: 60@8:left is 60 N·s after 8 s; ahead, left, back, right or degrees.",
        ),
    ] = None,
    keep_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y:LENGTHxWIDTH",
            help="Floor that it must not tread on: middle and size on the map, m; once for each.",
        ),
    ] = None,
    brain: Brains = "",
    cloud_deadline: CloudDeadline = 0.0,
    board: Annotated[
        str,
        typer.Option(
            metavar="BOARD",
            help="Charge each thought as on this board; `yanshi boards` lists them.",
        ),
    ] = "",
    battery: Annotated[
        float,
        typer.Option(metavar="PERCENT", help="How full the battery is at the start; with --board."),
    ] = 100.0,
    link: Annotated[
        str,
        typer.Option(
            metavar="LINK",
            help="Hold up and lose what the cloud answers, as this link does, from the seed; "
            "`yanshi links` lists them.",
        ),
    ] = "",
    check_in: CheckIn = 0.0,
    apart: ApartOption = False,
    gamepad: Gamepad = None,
    stop_port: StopPort = 0,
    policies: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Routines of your own that it can perform: what `yanshi train track` made, or a "
            "folder of such; $YANSHI_POLICIES does the same.",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Write what happened as JSON.")
    ] = None,
) -> None:
    """Say a sentence to the robot; it sees, understands and does it.

    While it moves, type 停 or stop and Enter, or press Ctrl-C, to make it stand still.
    Exit code: 0 done or stopped, 2 wrong use, 3 asked back or refused, 4 failed.
    """
    for path in (film, record, report):
        check_target(path)
    from yanshi.bodies.push import read_push
    from yanshi.mind.brains import read_brain
    from yanshi.policies.repertoire import add_place
    from yanshi.safety.plan_gate import read_keep_out

    pushes = [read_push(text) for text in push or ()]
    forbidden = [read_keep_out(text) for text in keep_out or ()]
    choice = read_brain(brain, cloud_deadline)
    meter, weather = charge(choice, board, battery, link, seed)
    for folder in policies or ():
        add_place(folder)
    console = Console()
    from yanshi.ports.keyboard import listen_for_stop
    from yanshi.ports.reel import Reel
    from yanshi.ports.terminal import Terminal
    from yanshi.runtime.episode import Episode
    from yanshi.runtime.observer import Observer
    from yanshi.runtime.recorder import RunRecorder

    with ExitStack() as stack:
        if apart:
            need_real_time("--apart", clock)
        attendance = open_attendance(stack, console, check_in, clock)
        mind, eyes, simulation = wake(stack, console, choice, world, seed, weather)
        peer = set_apart(stack, console, simulation) if apart else None
        simulation = replace(simulation, body=peer or simulation.body).forbid(forbidden)
        terminal = Terminal(console)
        reel = Reel(simulation) if film else None
        observers: list[Observer] = [terminal, *([reel] if reel else [])]
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
            is_real_time=clock is ClockName.WALL,
            observers=observers,
            pushes=pushes,
            meter=meter,
            attendance=attendance,
            peer=peer,
        )
        if attendance:
            attendance.await_somebody(episode.stop)
        _stop_on_interrupt(episode.stop)
        listen_for_stop(episode.stop)
        hear_stops(stack, console, episode.stop, page, gamepad, stop_port)
        with terminal:
            result = episode.run(sentence)
        terminal.summarise(result)
        _warn_when_slow(console, result)
        if recorder:
            result.log_sha256 = tell_last_hash(console, recorder)
        if report:
            result.write(report)
        if reel and film:
            reel.develop(film, console)
        if view:
            console.print("Press Enter to close the 3-D page.")
            _wait_for_enter()
    raise typer.Exit(result.exit_code)


def charge(
    choice: "BrainChoice", board: str, battery: float, link: str, seed: int
) -> tuple["Meter | None", "Weather | None"]:
    """Return what charges a run's thoughts, and what its link does to them.

    Args:
        choice: The mind.
        board: On which it is charged, or nothing.
        battery: How full it is, percent.
        link: To the cloud, or nothing.
        seed: Of the link's ups and downs.

    Raises:
        ConfigError: They do not go together.
        UnknownNameError: There is no such board or link.
    """
    from yanshi.ledger.catalog import find, links
    from yanshi.ledger.meter import open_meter
    from yanshi.ledger.weather import Weather
    from yanshi.robots.g1.spec import G1

    the_link = find("link", link, links()) if link else None
    meter = open_meter(board, G1.limits, charge=battery / 100.0, link=the_link) if board else None
    if battery != 100.0 and meter is None:
        raise ConfigError(
            f"--battery {battery:g} needs a board that draws from it: --board orin-nx-16gb.",
            zh=f"--battery {battery:g} 需要指定耗电的计算板：--board orin-nx-16gb。",
        )
    if meter is not None and choice.model.source:
        raise ConfigError(
            f"--board {board} charges for the model on board; what {choice.model.name} would take "
            "there is not known to a run. `yanshi fit` predicts it for the models in the ledger.",
            zh=f"--board {board} 只为自带模型计费；不知道 {choice.model.name} 在那里要花多久。"
            "yanshi fit 可以预测账本里的模型。",
        )
    weather = Weather(the_link, seed) if the_link else None
    if weather is not None and choice.cloud is None:
        raise ConfigError(
            f"--link {link} needs a mind in the cloud: --brain cloud:URL#model or "
            "hybrid:URL#model.",
            zh=f"--link {link} 需要云端大脑：--brain cloud:URL#模型 或 hybrid:URL#模型。",
        )
    return meter, weather


def tell_last_hash(console: Console, recorder: "RunRecorder") -> str:
    """End the log, print the last hash of its interventions and return it."""
    recorder.close()
    if recorder.last_hash:
        console.print(
            f"{recorder.recorder.path}: last hash 最后的哈希 {recorder.last_hash}",
            style="dim",
            highlight=False,
            soft_wrap=True,
        )
    return recorder.last_hash


def wake(
    stack: ExitStack,
    console: Console,
    choice: "BrainChoice",
    world: str,
    seed: int,
    weather: "Weather | None" = None,
) -> tuple["Understands", "EyesProcess", "Simulation"]:
    """Start mind and eyes and build their world, all ended with the stack.

    Says which minds could not be had.
    """
    from yanshi.bodies.simulation import simulate
    from yanshi.runtime.brain import Brain

    with console.status("偃师 wakes up …"):
        brain = stack.enter_context(Brain(choice, weather))
        brain.enter(world, seed)
        simulation = simulate(world, seed)
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


def hear_stops(
    stack: ExitStack,
    console: Console,
    stop: Callable[[], None],
    page: "View | None",
    gamepad: Path | None,
    port: int,
) -> None:
    """Let a page's button, a gamepad and programs stop the robot, where they are wanted.

    Args:
        stack: Closes what is opened.
        console: Is told where programs are heard.
        stop: Safe to call from another thread.
        page: With its button.
        gamepad: Its device.
        port: Where programs are heard; 0 for nowhere.

    Raises:
        ConfigError: The gamepad cannot be read, or the port is taken.
    """
    if page:
        page.listen_for_stop(stop)
    if gamepad:
        from yanshi.ports.gamepad import listen_to_gamepad

        listen_to_gamepad(stop, gamepad)
    if port:
        from yanshi.ports.stop_server import StopServer

        server = stack.enter_context(StopServer(port, stop))
        console.print(f"A stop is heard at POST {server.url}", highlight=False, soft_wrap=True)


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


def _warn_when_slow(console: Console, result: RunReport) -> None:
    if result.clock == "wall" and result.real_time_factor < 0.98:
        console.print(
            "This machine could not keep real time: it ran at "
            f"{result.real_time_factor:.2f} of it. Close other programs, or use --clock sim.",
            style="yellow",
        )


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


def _stop_on_interrupt(stop: Callable[[], None]) -> None:
    """Let the first Ctrl-C stop the robot and the second one end the program."""

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    signal.signal(signal.SIGINT, handle)


def _wait_for_enter() -> None:
    with suppress(EOFError, KeyboardInterrupt):
        input()
