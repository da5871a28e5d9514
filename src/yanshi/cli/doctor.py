"""`yanshi doctor`: is everything here, and is this machine fast enough?"""

import typer
from rich.console import Console
from rich.table import Table


def doctor() -> None:
    """Say what is here, what is missing, what mends it, and how fast this machine is.

    Exit code: 0 all is well, 1 something needs mending.
    """
    from yanshi.bench.checkup import check_everything

    console = Console()
    table = Table("", "part", "found", title="Yanshi 偃师: what is here", title_justify="left")
    with console.status("looking …"):
        findings = list(check_everything())
    for finding in findings:
        mark = "✓" if finding.is_well else ("–" if finding.is_optional else "✗")
        table.add_row(mark, finding.name, finding.text)
    console.print(table, markup=False)
    wrong = [finding for finding in findings if not finding.is_well]
    for finding in wrong:
        console.print(f"{finding.name}: {finding.mend}", markup=False, soft_wrap=True)
    if any(not finding.is_optional for finding in wrong):
        raise typer.Exit(1)
    if not _tell_speed(console):
        raise typer.Exit(1)


def _tell_speed(console: Console) -> bool:
    """Print how fast each part is and return whether all could be measured."""
    from yanshi.bench.speed import measure_everything

    table = Table("", "part", "speed", "needed", title="How fast it is", title_justify="left")
    with console.status("measuring …"):
        speeds = list(measure_everything())
    for speed in speeds:
        mark = "✓" if speed.is_enough else "✗"
        value = speed.trouble or f"{speed.value:.3g} {speed.unit}"
        table.add_row(mark, speed.name, value, speed.budget)
    console.print(table, markup=False)
    return not any(speed.trouble for speed in speeds)
