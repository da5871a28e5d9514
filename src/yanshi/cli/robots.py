"""`yanshi robots`: what the ledger knows of humanoids."""

from typing import Annotated

import typer

from yanshi.cli.listing import show

COLUMNS = {
    "kg": "mass_kg",
    "battery, Wh": "battery_wh",
    "endurance, h": "endurance_h",
    "$": "price_usd",
}


def robots(
    words: Annotated[str, typer.Argument(help="Only those that hold these words.")] = "",
    sources: Annotated[
        bool, typer.Option("--sources", help="Say where the figures come from.")
    ] = False,
) -> None:
    """List humanoids."""
    from yanshi.ledger import catalog

    show("robots", catalog.robots(), words, COLUMNS, sources=sources)
