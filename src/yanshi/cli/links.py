"""`yanshi links`: what the ledger knows of ways to the cloud."""

from typing import Annotated

import typer

from yanshi.cli.listing import show

COLUMNS = {
    "delay, ms": "delay_ms",
    "lost": "loss",
    "up, Mbit/s": "up_mbit_s",
    "W": "active_watt",
}


def links(
    words: Annotated[str, typer.Argument(help="Only those that hold these words.")] = "",
    sources: Annotated[
        bool, typer.Option("--sources", help="Say where the figures come from.")
    ] = False,
) -> None:
    """List ways to the cloud."""
    from yanshi.ledger import catalog

    show("links", catalog.links(), words, COLUMNS, sources=sources)
