"""Tables of what the ledger knows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from yanshi.ledger.catalog import Record


def show(
    title: str,
    records: "Mapping[str, Record]",
    words: str,
    columns: Mapping[str, str],
    *,
    sources: bool,
) -> None:
    """Print the records that hold some words; `?` is a figure that is not known."""
    from yanshi.ledger.catalog import search

    found: Sequence[Record] = search(records.values(), words)
    table = Table(title=f"{title}, {len(found)} of {len(records)}", title_justify="left")
    table.add_column("id", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for heading in columns:
        table.add_column(heading, justify="right")
    table.add_column("sure")
    if sources:
        table.add_column("source", overflow="fold")
    for record in found:
        values = (getattr(record, name) for name in columns.values())
        table.add_row(
            record.id,
            record.name or record.notes[:40],
            *("?" if value is None else f"{value}" for value in values),
            record.confidence,
            *([record.source] if sources else []),
        )
    Console().print(table, markup=False)
