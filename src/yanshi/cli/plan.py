"""`yanshi plan`: what would a sentence make the robot do, how sure and how soon?"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console

from yanshi.cli.options import Brains, CloudDeadline
from yanshi.cli.stage import next_best
from yanshi.core.errors import ConfigError
from yanshi.core.messages import Plan
from yanshi.mind.brains import read_brain
from yanshi.mind.dialogue import Context, Seen
from yanshi.mind.language import PlanLanguage
from yanshi.mind.mind import Understanding
from yanshi.worlds.home import build_home
from yanshi.worlds.things import COLOURS, KINDS

NAME = re.compile(r"\w[\w' -]{0,39}")
"""What a thing or a place may be called."""
EXIT = {"plan": 0, "say": 0, "stop": 0, "ask": 3, "refuse": 3}
"""Exit code by outcome, as `yanshi run` has it."""


def plan(
    sentence: Annotated[
        str | None,
        typer.Argument(help="In Chinese or English; one a line from standard input if none."),
    ] = None,
    things: Annotated[
        str, typer.Option(help='What it has seen: "red cube on table, green cup, walnut".')
    ] = "",
    places: Annotated[
        str, typer.Option(help='What the floor plan names: "table, shelf, window"; home if none.')
    ] = "",
    holding: Annotated[str, typer.Option(help='What is in its hand: "apple".')] = "",
    dialogue: Annotated[
        bool, typer.Option("--dialogue", help="Each line is said after the one before it.")
    ] = False,
    brain: Brains = "",
    cloud_deadline: CloudDeadline = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say what a sentence would make the robot do, how long that took and which mind answered.

    Exit code for a single sentence: 0 for a plan, 3 when the robot would ask back or refuse.
    """
    context = Context(things=read_things(things), holding=_name(holding) if holding else "")
    language = language_of(context, [_name(place) for place in _listed(places)])
    console = Console(highlight=False, soft_wrap=True)
    mind = read_brain(brain, cloud_deadline).start()
    try:
        with Console(stderr=True).status("偃师 wakes up …"):
            mind.speak(language)
            mind.wait_ready()
        for trouble in mind.troubles:
            print(next_best(trouble), file=sys.stderr)
        outcome = "plan"
        for said in [sentence] if sentence is not None else _lines(sys.stdin):
            answer = mind.understand(said, context)
            if dialogue:
                context = context.after(answer.turn)
            outcome = outcome_of(answer.plan)
            if as_json:
                print(json.dumps(record_of(said, answer), ensure_ascii=False), flush=True)
            else:
                console.print(
                    f"{answer.plan}   [dim]{answer.latency_s * 1e3:.0f} ms, "
                    f"{answer.mind or answer.source}{', ' + answer.why if answer.why else ''}[/dim]"
                )
    finally:
        mind.close()
    raise typer.Exit(EXIT[outcome] if sentence is not None else 0)


def record_of(sentence: str, answer: Understanding) -> dict[str, object]:
    """Return what `--json` prints of an answer."""
    return {
        "sentence": sentence,
        "language": answer.language,
        "outcome": outcome_of(answer.plan),
        "plan": [str(step) for step in answer.plan.steps],
        "ms": round(answer.latency_s * 1e3, 1),
        "mind": answer.mind or answer.source,
        **({"why": answer.why} if answer.why else {}),
    }


def outcome_of(plan: Plan) -> str:
    """Return `refuse`, `ask`, `stop`, `say` or, when the robot would move, `plan`."""
    skills = {step.skill for step in plan.steps}
    for kind in ("refuse", "ask"):
        if kind in skills:
            return kind
    return skills.pop() if skills in ({"say"}, {"stop"}) else "plan"


def read_things(text: str) -> tuple[Seen, ...]:
    """Read `red cube on table, green cup`.

    Raises:
        ConfigError: A name is none.
    """
    seen = []
    for entry in _listed(text):
        name, _, place = entry.partition(" on ")
        seen.append(Seen(name=_name(name), place=_name(place) if place else ""))
    return tuple(seen)


def language_of(context: Context, places: list[str]) -> PlanLanguage:
    """Return the plan language of the home, or of these places, with what was seen."""
    language = PlanLanguage.of(build_home(0).floor_plan)
    new = [name for name in map(_kind, _names(context)) if name not in KINDS]
    kinds = tuple(dict.fromkeys((*KINDS, *new)))
    return replace(language, kinds=kinds, places=tuple(places) or language.places)


def _names(context: Context) -> Iterator[str]:
    yield from (thing.name for thing in context.things)
    if context.holding:
        yield context.holding


def _kind(name: str) -> str:
    colour, _, kind = name.partition(" ")
    return kind if kind and colour in COLOURS else name


def _listed(text: str) -> list[str]:
    return [entry.strip() for entry in re.split("[,，、]", text) if entry.strip()]


def _name(text: str) -> str:
    if not NAME.fullmatch(text.strip()):
        raise ConfigError(
            f"{text!r} was to be the name of a thing or a place; a name is a few words, like "
            "'red cup' or 'window', with commas between names.",
            zh=f"{text!r} 不能作为物品或地点的名称；名称是几个词，如 red cup、窗户，用逗号隔开。",
        )
    return text.strip()


def _lines(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if line.strip():
            yield line.rstrip("\n")
