"""Does a vision-language-action network act in time on this board, in place of mind and walker?

It looks, and makes a chunk of actions at once; while these are done it makes the next. How long the
chunk takes is predicted (`vla.py`), its weights lie in memory beside our processes and the system.
For each chunk the board takes half of its power range for that time; how often depends on how long
a chunk lasts: its actions at the rate that the network was trained for, or, where that is not
known, no longer than the next one takes.
"""

from dataclasses import replace

from yanshi.core.errors import UnknownNameError
from yanshi.ledger.catalog import Model, Robot, find
from yanshi.ledger.roofline import NeededError, need
from yanshi.ledger.verdict import (
    LOOP_MS,
    STACK_GB,
    SYSTEM_GB,
    WORKING,
    Figure,
    Verdict,
    endurance_figures,
    energy_figure,
    exact,
    price_figures,
    thinking_watt,
    too_dear,
    too_large,
)
from yanshi.ledger.vla import ACTION, EYES, FORMATS, LANGUAGE, TIERS, Run, fitted, terms

ALWAYS = ("views", "view_patches", "view_tokens", *EYES, "prompt_tokens", *LANGUAGE, "action_chunk")
WORDS, STEPS = ("tokens_per_action",), (*ACTION, "denoise_steps")
"""Figures that every network has, and one whose actions are words, or are not."""
MENDS = (
    "forming products and reading weights: fewer bits, views or steps, or a faster board",
    "going from layer to layer: fewer steps",
    "launching its layers one by one: --act-runtime replayed",
    "the harness of its framework: --act-runtime tuned",
)
"""What takes most of the time and what would mend it, in the order of `vla.terms`."""


def read_act(text: str, known: dict[str, Model]) -> tuple[Model, str]:
    """Read `pi0.5-fp8`: a network and the format of its weights, 16 bits if left out.

    Raises:
        NeededError: Figures of the network are not known.
        UnknownNameError: There is no such network.
    """
    vlas = {name: model for name, model in known.items() if model.kind.startswith("VLA")}
    name, _, weights = text.rpartition("-")
    if weights not in FORMATS:
        name, weights = text, "bf16"
    vla = find("VLA", name, vlas)
    figures = (*ALWAYS, *(WORDS if vla.kind.endswith("AR") else STEPS))
    if missing := ", ".join(figure for figure in figures if getattr(vla, figure) is None):
        raise NeededError(
            f"Of {vla.id} these figures are not known: {missing}. Put them into a file, "
            f'[models."{vla.id}"], and name that in YANSHI_LEDGER.',
            zh=f'不知道 {vla.id} 的这些数据：{missing}。请写进文件的 [models."{vla.id}"] 表，'
            "并用 YANSHI_LEDGER 指定该文件。",
        )
    return vla, weights


def read_tier(text: str) -> str:
    """Read how a runtime works.

    Raises:
        UnknownNameError: There is no such way.
    """
    if text not in TIERS:
        raise UnknownNameError("runtime of actions", text, TIERS)
    return text


def judge_act(robot: Robot, run: Run) -> Verdict:
    """Judge a network on a board in a robot.

    Raises:
        NeededError: A figure of the board or the network is not known.
    """
    times = _times(run)
    figures = (*_memory(run), *times, *_energy(robot, run, times[0]))
    figures += (*price_figures(robot, run.board),)
    breaks, fits = _first_to_break(robot, run, {figure.name: figure.value for figure in figures})
    return Verdict(figures=figures, breaks=breaks, fits=fits)


def _memory(run: Run) -> list[Figure]:
    vla, board = run.vla, run.board
    weights = need(vla, "params_total_b") * FORMATS[run.weights][0] / 8.0
    used = weights * (1.0 + WORKING) + STACK_GB + SYSTEM_GB
    return [
        exact("weights", weights, "GB", f"{vla.id}: {vla.source}", vla.confidence),
        exact("memory used", used, "GB", "weights + 10 % + our stack + system", "medium"),
        exact("memory there", need(board, "memory_gb"), "GB", board.source, board.confidence),
    ]


def _times(run: Run) -> list[Figure]:
    chunk, time = need(run.vla, "action_chunk"), fitted().estimate(run)
    trained = f", trained for {hz:g}" if (hz := run.vla.control_hz) else ""
    return [
        Figure(
            name="action chunk",
            value=time.value,
            unit="ms",
            low=time.low,
            high=time.high,
            source=time.source,
            confidence=time.confidence,
        ),
        Figure(
            name="actions a second",
            value=chunk / time.value * 1e3,
            unit="1/s",
            low=chunk / time.high * 1e3,
            high=chunk / time.low * 1e3,
            source=f"{chunk:g} of a chunk over its time{trained}",
            confidence=time.confidence,
        ),
    ]


def _energy(robot: Robot, run: Run, chunk: Figure) -> list[Figure]:
    """Return what the board takes for chunks, and what is left of the endurance."""
    vla, board = run.vla, run.board
    one = energy_figure("energy of a chunk", board, chunk.value, chunk.high)
    actions = need(vla, "action_chunk")
    busy, why = 1.0, "a chunk always being made"
    if vla.control_hz:
        lasts_s = (vla.executed or actions) / vla.control_hz
        busy = min(1.0, chunk.value * 1e-3 / lasts_s)
        why = f"idle board, a chunk every {max(lasts_s, chunk.value * 1e-3):.3g} s"
    return [
        one,
        replace(
            one,
            name="energy of an action",
            value=one.value / actions,
            high=one.high / actions,
            source=f"that of a chunk over its {actions:g}",
        ),
        *endurance_figures(
            robot, board, busy * thinking_watt(board), 0.0, name="power of acting", why=why
        ),
    ]


def _first_to_break(robot: Robot, run: Run, at: dict[str, float]) -> tuple[str, bool]:
    """Return what breaks first and what would mend it."""
    if broken := too_large(at["memory used"], at["memory there"]):
        return broken, False
    chunk_ms, (soon, late) = at["action chunk"], LOOP_MS
    if chunk_ms > late:
        longest = int((fitted().factors * terms(run)).argmax())
        return (
            f"It is too late: {chunk_ms:.0f} ms of {late:.0f} ms. Most of it is {MENDS[longest]}.",
            False,
        )
    how = "inside" if chunk_ms >= soon else "sooner than"
    told = f"It acts in {chunk_ms:.0f} ms, {how} the {soon:.0f} to {late:.0f} ms of a loop."
    return f"{told} {too_dear(robot, at.get('price of both', 0.0))}".strip(), True
