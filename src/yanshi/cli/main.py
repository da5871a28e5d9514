"""The command line's front door: which commands there are, and what an error looks like.

Only the module of the command that was typed is loaded, so `yanshi --help` is quick and works
even where a part is missing.
"""

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from yanshi.core.errors import YanshiError

WRONG_USE = 2
"""Exit code for an option, a sentence or a machine that cannot be used."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
_MODULES = {
    "run": "Say a sentence to the robot; it sees, understands and does it.",
    "chat": "Talk with the robot while it does what you say.",
    "attend": "Watch over a run from another terminal: be there, stop it, talk with it.",
    "mcp": "Let an assistant that speaks MCP stop the robot.",
    "plan": "Say what a sentence would make the robot do, without a robot.",
    "log": "List who intervened in a run that was logged, and whether the log was changed.",
    "skills": "List what the robot can do, and how a plan asks for it.",
    "policies": "List the trained networks, and what they do.",
    "policy": "Import a trained network, check one, seal a contract.",
    "choreograph": "Show a routine on the robot while it is written, and what is wrong with it.",
    "worlds": "List the worlds that a robot can be put into.",
    "fit": "Say whether a mind fits a robot: memory, time, energy, endurance, price.",
    "weigh": "Let many brains do the same tasks, and tell what each weighs.",
    "boards": "List the computers that the ledger knows.",
    "models": "List the models that the ledger knows.",
    "robots": "List the humanoids that the ledger knows.",
    "link": "Measure your own way to the cloud.",
    "links": "List the ways to the cloud that the ledger knows.",
    "doctor": "Say what is here, what is missing, what mends it, and how fast this machine is.",
    "bench": "Measure how well something works, with what certainty.",
    "train": "Train a part of Yanshi on this machine's CPU.",
}
"""Commands in the order of `--help`. Each is a function, or a `typer.Typer` with commands of its
own, called like its module in this folder."""


def main() -> None:
    """Run the command that was typed; the exit code says how it went."""
    arguments = sys.argv[1:]
    language = language_of(arguments)
    try:
        code = make_app(arguments)(args=arguments, prog_name="yanshi", standalone_mode=False)
    except YanshiError as error:
        print(error.text(language), file=sys.stderr)
        sys.exit(WRONG_USE)
    except TyperException as error:
        print(explain_wrong_use(error, language), file=sys.stderr)
        sys.exit(WRONG_USE)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def explain_wrong_use(error: TyperException, language: str) -> str:
    """Say what was wrong with what was typed, and what shows what would be right."""
    found = str(getattr(error, "message", error))
    close = ", ".join(getattr(error, "possibilities", None) or ())
    option = getattr(error, "option_name", None)
    parameter = getattr(getattr(error, "param", None), "opts", None)
    more = f"{getattr(getattr(error, 'ctx', None), 'command_path', 'yanshi')} --help"
    if not language.startswith("zh"):
        where = f"{'/'.join(parameter)}: " if parameter else ""
        hint = f" Did you mean {close}?" if close else ""
        end = "" if found.endswith(("?", ".")) else "."
        return f"{where}{found}{end}{hint} This shows what there is: {more}"
    hint = f"是不是想说 {close}？" if close else ""
    if option:
        return f"没有选项 {option}。{hint}查看帮助：{more}"
    if parameter:
        return f"选项 {'/'.join(parameter)} 的值不对（{found}）。查看帮助：{more}"
    return f"用法不对（{found}）。{hint}查看帮助：{more}"


def make_app(arguments: Sequence[str]) -> typer.Typer:
    """Make the command line with the command that `arguments` asks for loaded."""
    app = typer.Typer(
        help="Yanshi 偃师: an open brain for humanoid robots. Say a sentence in Chinese or "
        "English; the robot does it.",
        epilog='For example: yanshi run "走到桌子前，看看桌上有什么" --film out.mp4',
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_global_options)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in _MODULES.items():
        if name != asked:
            app.command(name, help=summary)(_not_loaded)
            continue
        command = getattr(import_module(f"yanshi.cli.{name}"), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, help=summary, no_args_is_help=True)
        else:
            app.command(name)(command)
    return app


def _not_loaded() -> NoReturn:
    raise AssertionError("The command that was typed is always the one that is loaded.")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"yanshi {version('yanshi-robot')}")
        raise typer.Exit


def _global_options(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_print_version, is_eager=True
    ),
) -> None:
    """Take the options that stand before the command."""


def language_of(arguments: Sequence[str]) -> str:
    """Return the user's language: that of what was typed, else that of the terminal."""
    if any(re.search(r"[\u4e00-\u9fff]", word) for word in arguments):
        return "zh"
    settings = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next((setting for setting in settings if setting), "en")
