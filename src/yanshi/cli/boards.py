"""`yanshi boards`: what the ledger knows of computers that robots carry, and of others."""

from typing import Annotated

import typer

from yanshi.cli.listing import show

COLUMNS = {
    "bandwidth, GB/s": "bandwidth_gb_s",
    "memory, GB": "memory_gb",
    "TFLOPS, 16 bits": "fp16_tflops_dense",
    "W": "power_max_watt",
    "$": "price_usd",
}


def boards(
    words: Annotated[str, typer.Argument(help="Only those that hold these words.")] = "",
    sources: Annotated[
        bool, typer.Option("--sources", help="Say where the figures come from.")
    ] = False,
) -> None:
    """List computers that robots carry, and others that they are compared with."""
    from yanshi.ledger import catalog

    show("boards", catalog.boards(), words, COLUMNS, sources=sources)
