"""`yanshi bench run`: does the robot do what it is told, in homes that it has not seen?

Each episode takes one sentence and one home, lets the whole brain run on the simulated clock,
and asks the simulator afterwards what really happened. Sentences come from a file of lines

    {"say": "走到{thing}旁边", "goals": ["near {thing} 1.4"], "outcome": "done"}
    {"say": "把{pick}放到托盘里", "goals": ["put {pick} in {tray}"], "world": "tidy"}

where `{thing}` becomes a thing that stands in that home, `{absent}` one that does not, `{pick}` one
that a hand can take and `{tray}` the tray, named in the sentence's language. All goals must be met,
in order, and the outcome must be as told (`done` when nothing is told; a `missing` goal means an
honest failure).
"""

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from yanshi.bench import hands
from yanshi.bench.rows import Row, Trial, percentile_row, rate_row, report, run_trials
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.errors import ConfigError, UnreachableError
from yanshi.mind.mind import Understands
from yanshi.mind.names import spoken
from yanshi.runtime.brain import Brain
from yanshi.runtime.episode import Episode
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.runtime.report import RunReport
from yanshi.worlds import goals
from yanshi.worlds.goals import Goal
from yanshi.worlds.home import Home
from yanshi.worlds.layout import distance_to_place
from yanshi.worlds.things import KIND_FACTS, THING_KINDS
from yanshi.worlds.witness import Witness

SENTENCES = Path(__file__).with_name("data") / "episodes.jsonl"
NEAR_M = {"place": 0.75, "person": 1.25, "thing": 1.4}
"""How close counts as being there: pelvis to a place's edge, a person's or a thing's middle."""
TOLD_SHARE = 0.6
"""Share of the things on a place that must be named, when it is asked what is there."""
WRONG_MAX = 1
"""Things named there that are not there, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One sentence and what it asks for."""

    say: str
    goals: tuple[str, ...]
    outcome: str
    world: str = "home"


class Judge(Observer):
    """Watches an episode through the simulator's eyes; an `Observer`."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.witness = Witness(simulation.body.model, simulation.home)

    def on_tick(self, snapshot: Snapshot) -> None:
        self.witness.sample(self._simulation.body.data)


class Chatter(Observer):
    """Keeps the language model busy with one sentence after the other; an `Observer`."""

    def __init__(self, mind: Understands) -> None:
        self._mind = mind
        self._count = 0
        self._is_free = False  # Until the episode's own sentence is understood.

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        self._is_free = self._is_free or kind == "plan"

    def on_tick(self, snapshot: Snapshot) -> None:
        if self._is_free and (self._count == 0 or self._mind.poll() is not None):
            self._count += 1
            self._mind.ask(f"第{self._count}次，走到桌子前，看看桌上有什么，然后跳个舞")


def load_orders(path: Path) -> list[Order]:
    """Read a file of sentences.

    Raises:
        ConfigError: The file is missing or one of its lines is not of the form above.
    """
    try:
        lines = path.read_text(encoding="utf8").splitlines()
    except OSError as error:
        raise ConfigError(f"Sentences were asked from {path}: {error.strerror}.") from error
    orders = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            wanted = tuple(record["goals"])
            is_missing = any(goal.startswith("missing") for goal in wanted)
            outcome = record.get("outcome", "failed" if is_missing else "done")
            order = Order(say=record["say"], goals=wanted, outcome=outcome)
            orders.append(replace(order, world=record.get("world", order.world)))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{path}, line {number} is not a sentence with goals ({error!r}). "
                'It should look like {"say": "go to the door", "goals": ["near door"]}'
            ) from error
    if not orders:
        raise ConfigError(f"{path} holds no sentences.")
    return orders


def choose_orders(orders: Sequence[Order], n: int, seed: int) -> list[Order]:
    """Choose n orders, half of them Chinese where possible, in an order that the seed decides."""
    rng = np.random.default_rng(seed)
    groups = [[o for o in orders if is_chinese(o.say) is zh] for zh in (True, False)]
    shuffled = [[group[i] for i in rng.permutation(len(group))] for group in groups if group]
    rounds = max(len(group) for group in shuffled)
    mixed = [group[i % len(group)] for i in range(rounds) for group in shuffled]
    return [mixed[i % len(mixed)] for i in range(n)]


def is_chinese(text: str) -> bool:
    """Whether a sentence holds Chinese characters."""
    return bool(re.search(r"[\u4e00-\u9fff]", text))


def fill(order: Order, home: Home, rng: np.random.Generator, seed: int = 0) -> Order:
    """Put a thing of this home, and one that is not in it, into an order's slots.

    Args:
        order: With its slots.
        home: The home.
        rng: Chooses the things.
        seed: Of the home, for what a hand can take in it.

    Raises:
        UnreachableError: No hand can take a thing there and bring it to where it is to go.
    """
    present = [thing.name for thing in home.things]
    pairs = [f"{colour} {kind}" for kind, facts in THING_KINDS.items() for colour in facts.colours]
    absent = [name for name in pairs if name not in present]
    names = {"thing": str(rng.choice(present)), "absent": str(rng.choice(absent))}
    if "{pick}" in order.say:
        places = {goal.rpartition(" on ")[2] for goal in order.goals if " on " in goal}
        is_inside = any("{tray}" in goal for goal in order.goals)
        names["pick"], names["tray"] = hands.choose_things(
            order.world, seed, rng, not_on=places, must_reach_tray=is_inside
        )
    language = "zh-Hans" if is_chinese(order.say) else "en"
    words = {slot: spoken(name, language) for slot, name in names.items()}

    def put(text: str, values: dict[str, str]) -> str:
        for slot, value in values.items():
            text = text.replace("{" + slot + "}", value)
        return text

    goals_here = tuple(put(goal, names) for goal in order.goals)
    return replace(order, say=put(order.say, words), goals=goals_here)


def judge(order: Order, result: RunReport, witness: Witness) -> list[str]:
    """Return what was not as asked; empty when all was."""
    faults = []
    if result.outcome != order.outcome:
        faults.append(f"outcome {result.outcome}, not {order.outcome}")
    if witness.is_down:
        faults.append("fell and stayed down")
    if result.mujoco_warnings:
        faults.append(f"{result.mujoco_warnings} MuJoCo warnings")
    begin_s = -np.inf
    for text in order.goals:
        verb, _, rest = text.partition(" ")
        if verb in SPOKEN_GOALS:
            problem = SPOKEN_GOALS[verb](rest, result, witness.home)
            faults += [problem] if problem else []
            continue
        met_s = make_goal(verb, rest, witness.home).met_at(witness, begin_s)
        if met_s is None:
            faults.append(f"not {text}")
        else:
            begin_s = met_s
    return faults


def make_goal(verb: str, rest: str, home: Home) -> Goal:
    """Make the simulator's judgement of a goal's text, e.g. `near`, `red cup 1.4`.

    Raises:
        ConfigError: There is no such goal.
    """
    name, numbers = _split_numbers(rest)
    makers: dict[str, Callable[[], Goal]] = {
        "near": lambda: goals.near(name, numbers[0] if numbers else near_m(name, home)),
        "facing": lambda: goals.facing(name),
        "pointed": lambda: goals.pointed_at(name),
        "waved": goals.waved,
        "bowed": goals.bowed,
        "danced": lambda: goals.danced(numbers[0] if numbers else 6.0),
        "turned": lambda: (
            goals.looked_around() if abs(numbers[0]) >= 350 else goals.turned(numbers[0])
        ),
        "moved": lambda: goals.moved(*numbers),
        "still": goals.stood_still,
        "lifted": lambda: goals.lifted(name),
        "held": lambda: goals.held(name),
        "put": lambda: _put(name),
    }
    if verb not in makers:
        known = ", ".join([*makers, *SPOKEN_GOALS])
        raise ConfigError(f"No goal named {verb!r}. Known: {known}.")
    return makers[verb]()


def _put(text: str) -> Goal:
    """Make the judgement of `red cup in orange tray` or `red cup on shelf`."""
    thing, how, where = re.split(" (in|on) ", text, maxsplit=1)
    return goals.inside(thing, where) if how == "in" else goals.on(thing, where)


def near_m(name: str, home: Home) -> float:
    """Return how close counts as near for a place, the person or a thing."""
    if name == home.person:
        return NEAR_M["person"]
    is_place = name in {place.name for place in home.floor_plan.places}
    return NEAR_M["place" if is_place else "thing"]


def _split_numbers(rest: str) -> tuple[str, list[float]]:
    words = rest.split()
    numbers: list[float] = []
    while words and re.fullmatch(r"-?\d+(\.\d+)?", words[-1]):
        numbers.insert(0, float(words.pop()))
    return " ".join(words), numbers


def _told(place: str, result: RunReport, home: Home) -> str:
    """Whether the things on a place were named, and hardly any others."""
    there = things_on(place, home)
    named = {name for name in _named_things(result.said)}
    if not there:
        return "" if not named else f"told {sorted(named)} on an empty {place}"
    found, wrong = named & there, named - there
    if len(found) >= TOLD_SHARE * len(there) and len(wrong) <= WRONG_MAX:
        return ""
    return f"told {sorted(named)} of {sorted(there)} on the {place}"


def _said(words: str, result: RunReport, home: Home) -> str:
    is_said = any(words.casefold() in text.casefold() for text in result.said)
    return "" if is_said else f"did not say {words!r}"


def _missing(name: str, result: RunReport, home: Home) -> str:
    """Whether the robot said, honestly, that it did not find the thing."""
    is_told = any(_names_in(text) & {name} for text in result.said)
    return "" if is_told and result.outcome == "failed" else f"did not report missing {name}"


SPOKEN_GOALS = {"told": _told, "said": _said, "missing": _missing}


def things_on(place: str, home: Home) -> set[str]:
    """Return the names of the things that stand on a place, by the simulator's own positions."""
    spot = home.floor_plan.place(place)
    model = home.spec.compile()
    names = set()
    for thing in home.things:
        position = np.asarray(model.body(thing.body).pos)
        if distance_to_place(spot, position[None, :2])[0] == 0.0 and position[2] > 0.1:
            names.add(thing.name)
    return names


def _named_things(said: Sequence[str]) -> set[str]:
    return set().union(*(_names_in(text) for text in said)) if said else set()


def _names_in(text: str) -> set[str]:
    """Return the coloured things that a spoken sentence names, in any of the languages."""
    found = set()
    for kind, facts in KIND_FACTS.items():
        for colour in facts.colours:
            name = f"{colour} {kind}"
            ways = {spoken(name, language) for language in ("en", "zh-Hans", "zh-Hant")}
            if any(way in text for way in ways):
                found.add(name)
    return found


def memory_mb(brain: Brain) -> float:
    """Return what this process, the eyes and the mind hold, shared pages split, in MB."""
    pids = [os.getpid(), brain.eyes.pid, brain.mind.pid]
    return float(
        sum(psutil.Process(pid).memory_full_info().pss for pid in pids if pid is not None) / 1e6
    )


def run_order(
    brain: Brain, order: Order, *, seed: int, is_real_time: bool = False
) -> tuple[RunReport, Witness, Order]:
    """Let the brain carry out one order in the home of a seed, or the next in which it can be."""
    while True:
        simulation = simulate(order.world, seed)
        try:
            order = fill(order, simulation.home, np.random.default_rng(seed), seed)
            break
        except UnreachableError:
            simulation.body.close()
            seed += 1
    brain.enter(order.world, seed)
    brain.wait_ready(simulation)
    watcher = Judge(simulation)
    observers: list[Observer] = [watcher, *([Chatter(brain.mind)] if is_real_time else [])]
    episode = Episode(
        simulation, brain.mind, brain.eyes, is_real_time=is_real_time, observers=observers
    )
    result = episode.run(order.say)
    simulation.body.close()
    return result, watcher.witness, order


def bench_run(
    n: int, seed: int, *, out: Path | None = None, sentences: Path = SENTENCES, wall: int = 2
) -> int:
    """Run n episodes on the simulated clock and `wall` on the wall clock; print the rows.

    Returns:
        1 when a target was missed, else 0.
    """
    chosen = choose_orders(load_orders(sentences), n + wall, seed)
    settings = {"n": n, "seed": seed, "sentences": sentences.name, "wall": wall}
    with Brain() as brain:

        def trial(index: int) -> Trial:
            is_real_time = index >= n
            order = (
                Order(say="go to the shelf, then to the door", goals=(), outcome="done")
                if is_real_time
                else chosen[index]
            )
            result, witness, order = run_order(
                brain, order, seed=seed + index, is_real_time=is_real_time
            )
            record = asdict(result)
            record["falls"] = max(result.falls, int(witness.has_fallen))
            record["faults_found"] = judge(order, result, witness)
            record["memory_mb"] = memory_mb(brain)
            if not is_real_time:
                del record["policy_late_ms"]
            _print_trial(index, record)
            return record

        trials = run_trials(trial, n + wall, out=out, settings=settings)
    return report("bench run", make_rows(trials[:n], trials[n:]), out, list_failures(trials[:n]))


def _print_trial(index: int, record: dict[str, Any]) -> None:
    verdict = "✘ " + "; ".join(record["faults_found"]) if record["faults_found"] else "✔"
    print(f"{index:3d} {record['sentence']} → {'; '.join(record['plan'])}  {verdict}", flush=True)


def make_rows(trials: Sequence[Trial], wall: Sequence[Trial]) -> list[Row]:
    """Return the figures of a bench from its episodes."""

    def latencies(name: str, part: str) -> list[float]:
        values = [trial["latency_ms"][name][part] for trial in trials]
        return [value for value in values if value is not None]

    late = [value for trial in wall for value in trial["policy_late_ms"]]
    rows = [
        rate_row("sentences done", [not t["faults_found"] for t in trials], ">= 0.9"),
        rate_row("upright", [t["falls"] == 0 for t in trials], ">= 1"),
        *rows_of_falls(trials),
        rate_row("no MuJoCo warning", [t["mujoco_warnings"] == 0 for t in trials], ">= 1"),
        percentile_row(
            "real-time factor, median",
            [t["real_time_factor"] for t in trials],
            50.0,
            ">= 3",
            "x",
        ),
        percentile_row(
            "understanding, median", latencies("understand", "p50"), 50.0, "<= 150", "ms"
        ),
        percentile_row("understanding, 99th", latencies("understand", "max"), 99.0, "<= 300", "ms"),
        percentile_row("senses, median", latencies("senses", "p50"), 50.0, "", "ms"),
        percentile_row(
            "policy tick, 99th, median of runs", latencies("policy", "p99"), 50.0, "<= 0.3", "ms"
        ),
        percentile_row(
            "whole 50 Hz tick, 99th, median of runs", latencies("control", "p99"), 50.0, "", "ms"
        ),
        percentile_row(
            "reflex tick, 99th, median of runs", latencies("reflex", "p99"), 50.0, "", "ms"
        ),
        percentile_row("memory", [t["memory_mb"] for t in trials], 100.0, "<= 1200", "MB"),
    ]
    if late:
        rows.append(
            rate_row("wall clock: policy ticks within 4 ms", [v <= 4.0 for v in late], ">= 0.999")
        )
        rows.append(
            percentile_row(
                "wall clock: real-time factor",
                [t["real_time_factor"] for t in wall],
                50.0,
                ">= 0.98",
            )
        )
    return rows


def rows_of_falls(trials: Sequence[Trial]) -> list[Row]:
    """Return how many of the robots that fell got up again; nothing if none fell."""
    fallen = [trial for trial in trials if trial["falls"]]
    if not fallen:
        return []
    return [rate_row("got up after a fall", ["stays_down" not in t["faults"] for t in fallen])]


def list_failures(trials: Sequence[Trial]) -> list[str]:
    """Return one line per episode that was not as asked."""
    return [
        f"✘ home {trial['seed']}: {trial['sentence']} → {'; '.join(trial['plan'])}: "
        f"{'; '.join(trial['faults_found'])}; said {trial['said']}"
        for trial in trials
        if trial["faults_found"]
    ]
