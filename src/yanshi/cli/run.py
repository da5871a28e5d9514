"""`yanshi run`: say a sentence to the robot and watch it do it."""

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from yanshi.core.errors import ConfigError
from yanshi.runtime.report import RunReport

if TYPE_CHECKING:  # Each takes a while to load; --help shall not wait for them.
    from yanshi.ledger.meter import Meter
    from yanshi.ledger.weather import Weather
    from yanshi.mind.brains import BrainChoice

DEFAULT_SENTENCE = "走到桌子前，看看桌上有什么，然后跳个舞"


def run(
    sentence: Annotated[
        str, typer.Argument(help="What the robot should do, in Chinese or English.")
    ] = DEFAULT_SENTENCE,
    world: World = "home",
    seed: HomeSeed = 1,
    clock: Annotated[
        ClockName,
        typer.Option(help="sim: lockstep, repeatable, as fast as possible. wall: real time."),
    ] = ClockName.SIM,
    view: ViewOption = False,
    film: Annotated[
        Path | None, typer.Option(metavar="FILE.mp4", help="Write a film of the run.")
    ] = None,
    record: Record = None,
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
    choice = read_brain(brain, cloud_deadline)
    meter, weather = charge(choice, board, battery, link, seed)
    wishes = Wishes(
        choice=choice,
        world=world,
        seed=seed,
        clock=clock,
        view=view,
        record=record,
        check_in=check_in,
        apart=apart,
        gamepad=gamepad,
        stop_port=stop_port,
        weather=weather,
        forbidden=[read_keep_out(text) for text in keep_out or ()],
    )
    for folder in policies or ():
        add_place(folder)
    console = Console()
    from yanshi.ports.keyboard import listen_for_stop
    from yanshi.ports.reel import Reel
    from yanshi.ports.terminal import Terminal

    with ExitStack() as stack:
        stage = Stage(stack, console, wishes)
        terminal = Terminal(console)
        reel = Reel(stage.simulation) if film else None
        observers = [terminal, reel] if reel else [terminal]
        episode = stage.begin(observers, pushes=pushes, meter=meter)
        stage.listen(episode.stop)
        listen_for_stop(episode.stop)
        with terminal:
            result = episode.run(sentence)
        terminal.summarise(result)
        _warn_when_slow(console, result)
        result.log_sha256 = stage.end_log()
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


def _warn_when_slow(console: Console, result: RunReport) -> None:
    if result.clock == "wall" and result.real_time_factor < 0.98:
        console.print(
            "This machine could not keep real time: it ran at "
            f"{result.real_time_factor:.2f} of it. Close other programs, or use --clock sim.",
            style="yellow",
        )


def _wait_for_enter() -> None:
    with suppress(EOFError, KeyboardInterrupt):
        input()
