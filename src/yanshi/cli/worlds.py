"""`yanshi worlds`: where the robot can be."""

from rich.console import Console
from rich.table import Table


def worlds() -> None:
    """List the worlds that a robot can be put into."""
    from yanshi.worlds.worlds import WORLDS

    table = Table(title="Worlds 世界", title_justify="left")
    for column in ("world", "what it is", "说明"):
        table.add_column(column, overflow="fold")
    for name, kind in WORLDS.items():
        table.add_row(name, *kind.summary)
    Console().print(table, markup=False)
