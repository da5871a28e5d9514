"""`yanshi log`: who intervened in a run, and whether anybody changed what the log says of it."""

from pathlib import Path
from typing import Annotated

import typer

from yanshi.safety.chain import Flaw

FLAWS = {
    "edited": ("record {n} was edited", "第 {n} 条记录被改动"),
    "missing": ("record {n} is missing", "缺少第 {n} 条记录"),
    "moved": ("another record is in the place of record {n}", "第 {n} 条记录不在原位"),
    "cut": (
        "record {n} is missing, and so is the end: cut off, or the run was killed",
        "缺少第 {n} 条记录和结尾：被截断，或者运行被强行结束",
    ),
}


def log(
    file: Annotated[Path, typer.Argument(metavar="FILE.mcap", help="A log that --record wrote.")],
    last: Annotated[
        str,
        typer.Option(
            "--last", metavar="HASH", help="The last hash, as it was kept elsewhere after the run."
        ),
    ] = "",
) -> None:
    """List who intervened; exit code 1 if a record was edited, removed or moved.

    Whoever rewrites everything from a record to the end is found by --last alone.
    """
    from rich.console import Console

    from yanshi.runtime.audit import read_audit
    from yanshi.safety.chain import find_flaw, read_entry

    records = read_audit(file)
    flaw = find_flaw(records)
    entries = [read_entry(data) for data in records]
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for entry in entries:
        if entry is not None:
            console.print(f"{entry.number:4} {entry.t_ns * 1e-9:9.3f} s  {entry.kind} {entry.text}")
    newest = entries[-1].hash if entries and entries[-1] is not None else ""
    if flaw is not None:
        console.print(f"✘ {word_flaw(flaw)}", style="red")
    elif last and last.strip().lower() != newest:
        console.print(
            f"✘ the last hash is {newest} and not the one that was kept: rewritten, or another "
            "run. 最后的哈希与保存的不同：被改写，或者不是同一次运行。",
            style="red",
        )
    else:
        console.print(
            f"✔ {len(records)} records, none edited, removed or moved. 记录未被改动。\n"
            f"  last hash 最后的哈希: {newest}"
        )
        return
    raise typer.Exit(1)


def word_flaw(flaw: Flaw) -> str:
    """Say what is wrong in both languages."""
    english, chinese = FLAWS[flaw.kind]
    return f"{english.format(n=flaw.number)}. {chinese.format(n=flaw.number)}。"
