"""`yanshi link`: one's own way to the cloud."""

import re
from pathlib import Path
from typing import Annotated

import typer

link = typer.Typer(help="Measure your own way to the cloud.", no_args_is_help=True)


@link.callback()
def _main() -> None:
    """Keep `measure` a command of its own."""


@link.command("measure")
def measure(
    url: Annotated[str, typer.Argument(help="A server, e.g. that of the mind in the cloud.")],
    n: Annotated[int, typer.Option("--n", min=10, help="How many exchanges.")] = 100,
    name: Annotated[str, typer.Option(help="What the link is to be called.")] = "mine",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Write the record here; it must not exist."),
    ] = None,
) -> None:
    """Measure delay, its spread, loss and outages, and print them as a record of the ledger.

    Put the record into the file that $YANSHI_LEDGER names; `yanshi run --link mine` uses it.
    """
    from yanshi.bench.this_network import as_toml, exchange_with, link_of
    from yanshi.core.errors import ConfigError
    from yanshi.core.files import write_whole

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise ConfigError(
            f"A link is called by small letters, digits and hyphens; asked: {name!r}.",
            zh=f"链路名只能用小写字母、数字和连字符；得到的是 {name!r}。",
        )
    if out is not None and out.exists():
        raise ConfigError(
            f"{out} is there already, and may hold records of yours. Name another file.",
            zh=f"{out} 已经存在，里面可能有您的记录。请换一个文件名。",
        )
    text = as_toml(link_of(name, url, exchange_with(url, n)))
    if out is None:
        print(text, end="")
    else:
        write_whole(out, text)
        print(f"{out}: export YANSHI_LEDGER={out}")
