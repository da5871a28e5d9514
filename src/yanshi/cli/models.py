"""`yanshi models`: what the ledger knows of language, vision-language and action models."""

from typing import Annotated

import typer

from yanshi.cli.listing import show

COLUMNS = {
    "kind": "kind",
    "parameters, 10⁹": "params_total_b",
    "of these used": "params_active_b",
    "layers": "layers",
}


def models(
    words: Annotated[str, typer.Argument(help="Only those that hold these words.")] = "",
    sources: Annotated[
        bool, typer.Option("--sources", help="Say where the figures come from.")
    ] = False,
) -> None:
    """List language, vision-language and action models."""
    from yanshi.ledger import catalog

    show("models", catalog.models(), words, COLUMNS, sources=sources)
