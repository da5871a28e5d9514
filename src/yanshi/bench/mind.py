"""Does the mind understand? Sentences that it was not trained on, against the plans they mean.

Sentences come from a file of lines

    {"say": "瞅一眼饭桌上都摆了些啥", "plans": ["look table", "go table; look table"]}

and a sentence is understood when its plan is one of those, word for word.
"""

import json
from pathlib import Path

import numpy as np
import psutil

from yanshi.bench.rows import Row, Trial, percentile_row, rate_row, report, run_trials
from yanshi.core.errors import ConfigError, PlanError
from yanshi.mind.language import PlanLanguage
from yanshi.mind.mind import Mind
from yanshi.mind.tongue import Tongue, to_simplified
from yanshi.worlds.home import build_home

SENTENCES = Path(__file__).with_name("data") / "sentences.jsonl"
STOP_ORDERS = ("停！", "快停下来", "stop", "robot, freeze!", "站住别动", "Stop moving now please")


def bench_mind(
    n: int = 193, seed: int = 0, out: Path | None = None, sentences: Path = SENTENCES
) -> int:
    """Ask n sentences, print the figures and return the exit code: 1 for a missed target."""
    floor_plan = build_home(seed).floor_plan
    orders = load_sentences(sentences, PlanLanguage.of(floor_plan))
    order = np.random.default_rng(seed).permutation(len(orders))
    mind = Mind()
    try:
        mind.know(floor_plan)
        mind.wait_ready()
        trials = run_trials(
            lambda index: ask(mind, *orders[order[index % len(orders)]]),
            n,
            out=out,
            settings={"bench": "mind", "seed": seed, "sentences": sentences.name},
        )
        memory_mb = psutil.Process(mind.pid).memory_info().rss / 1e6
    finally:
        mind.close()
    wrong = [
        f"{trial['say']} → {trial['plan']}  (expected {' | '.join(trial['wanted'])})"
        for trial in trials
        if not trial["is_right"]
    ]
    return report(f"mind on {n} sentences", rows_of(trials, memory_mb), out, notes=wrong)


def load_sentences(path: Path, language: PlanLanguage) -> list[tuple[str, list[str]]]:
    """Read a file of sentences and the plans they mean.

    Raises:
        ConfigError: The file is missing, or a line is not of the form above, or not a plan.
    """
    try:
        lines = path.read_text(encoding="utf8").splitlines()
    except OSError as error:
        raise ConfigError(f"Sentences were asked from {path}: {error.strerror}.") from error
    orders: list[tuple[str, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            orders.append((record["say"], [str(language.parse(p)) for p in record["plans"]]))
        except (ValueError, KeyError, TypeError, PlanError) as error:
            raise ConfigError(
                f"{path}, line {number} is not a sentence with its plans: {error} "
                'It should look like {"say": "go to the door", "plans": ["go door"]}'
            ) from error
    if not orders:
        raise ConfigError(f"{path} holds no sentences.")
    return orders


def ask(mind: Mind, sentence: str, wanted: list[str]) -> Trial:
    """Ask one sentence, and one order to stop, and return what came of it."""
    answer = mind.understand(sentence)
    stop = mind.understand(STOP_ORDERS[len(sentence) % len(STOP_ORDERS)])
    # What is said in traditional characters is understood in simplified ones.
    plans = {to_simplified(plan) for plan in wanted}
    return {
        "say": sentence,
        "wanted": wanted,
        "plan": str(answer.plan),
        "language": answer.language,
        "source": answer.source,
        "is_right": str(answer.plan) in plans,
        "latency_ms": answer.latency_s * 1e3,
        "stop_ms": stop.latency_s * 1e3 if stop.source == "stop" else float("inf"),
    }


def rows_of(trials: list[Trial], memory_mb: float) -> list[Row]:
    """Turn the trials into figures."""
    thought_ms = [trial["latency_ms"] for trial in trials if trial["source"] == "model"]
    rows = [rate_row("understood", [trial["is_right"] for trial in trials], ">= 0.9")]
    for tongue in (Tongue.HANS, Tongue.HANT, Tongue.EN):
        right = [trial["is_right"] for trial in trials if trial["language"] == tongue]
        rows.append(rate_row(f"understood, {tongue.value}", right))
    several = [trial["is_right"] for trial in trials if "; " in trial["wanted"][0]]
    refusals = [trial["is_right"] for trial in trials if trial["wanted"][0].startswith("refuse")]
    return [
        *rows,
        rate_row("understood, several steps", several),
        rate_row("understood, refusals", refusals),
        percentile_row("latency, median", thought_ms, 50, "<= 150", "ms"),
        percentile_row("latency, 99th percentile", thought_ms, 99, "<= 300", "ms"),
        percentile_row(
            "stop order, 99th percentile", [t["stop_ms"] for t in trials], 99, "<= 50", "ms"
        ),
        Row(name="memory", value=memory_mb, interval=None, n=1, target="<= 600", unit="MB"),
    ]
