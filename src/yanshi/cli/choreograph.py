"""`yanshi choreograph`: see a routine on the robot while it is written."""

from pathlib import Path
from typing import Annotated

import typer


def choreograph(
    routine: Annotated[Path, typer.Argument(metavar="ROUTINE.toml", help="The keyframes.")],
    check: Annotated[
        bool, typer.Option("--check", help="Say what is wrong and end; 1 if anything is.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Of the page; the next free one if taken.")
    ] = 8080,
    lang: Annotated[
        str, typer.Option(metavar="en|zh", help="Of the complaints; as the terminal's if none.")
    ] = "",
) -> None:
    """Show a routine's keyframes on the robot in the browser, and what is wrong with them."""
    from yanshi.cli.main import language_of
    from yanshi.ports.choreograph import Rehearsal, Studio, check_file, rehearse

    language = lang or language_of([str(routine)])
    if check:
        draft = check_file(routine)
        for complaint in draft.complaints:
            print(complaint.zh if language.startswith("zh") else complaint.en)
        seconds, frames = draft.routine.duration_s, len(draft.routine.keyframes) - 1
        print(
            f"{draft.routine.en} {draft.routine.zh}: {seconds:.1f} s, keyframes: {frames}, "
            f"complaints: {len(draft.complaints)}"
        )
        raise typer.Exit(1 if draft.complaints else 0)
    studio = Studio(Rehearsal(routine), port, language=language)
    print(f"{studio.url} — Ctrl-C")
    rehearse(studio)
