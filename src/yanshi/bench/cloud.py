"""Does a bad link ever make the robot do what it should not, or late? Orders over a rough link.

A robot stands on the wall clock and is given order after order, each with a plan of its own, by a
hybrid mind whose cloud lies behind a proxy with every trouble that a link has (`rough_link`). The
rough link is followed by an endpoint that is killed and comes back, and by one with a certificate
that nobody signed.
"""

import os
import signal
import time
from collections import Counter
from itertools import count
from pathlib import Path

import psutil
from rich.console import Console

from yanshi.bench.rough_link import SMOOTH, Roughness, rough_link
from yanshi.bench.rows import Row, Trial, percentile_row, rate_row, report, run_trials, wilson
from yanshi.bench.stand_in_endpoint import order, stand_in
from yanshi.bodies.simulation import simulate
from yanshi.mind.cloud import Cloud, CloudConfig
from yanshi.mind.hybrid import HybridMind
from yanshi.mind.language import BETWEEN_STEPS
from yanshi.mind.mind import Mind
from yanshi.mind.router import Router
from yanshi.runtime.episode import Episode, EpisodeConfig
from yanshi.runtime.eyes_process import EyesProcess
from yanshi.runtime.observer import Observer
from yanshi.runtime.words import Said
from yanshi.worlds.home import build_home

DEADLINE_S = 0.4
BATCH = 100
"""Orders in one episode: one trial of the bench."""
GAP_NS = 60_000_000
"""From a plan to the next order."""
OUTAGES, QUESTIONS_AWAY = 5, 6
WAIT_S = 60.0
"""How long an endpoint that is back is waited for."""


class Barrage(Observer):
    """Gives order after order as soon as the one before it is understood, and keeps account."""

    is_conversation = True

    def __init__(self, first: int, count: int) -> None:
        self._numbers = iter(range(first, first + count))
        self._next_ns = 1_000_000_000
        self._heard: list[str] = []
        self._planned: list[str] = []
        self._is_ahead = False
        """Whether the first step of the order that is being understood was begun."""
        self._begun: Counter[str] = Counter()
        """How often each step of the plan was begun, in advance of it, too."""
        self.is_over = False
        self.plans: list[tuple[int, str]] = []
        """Of each order its number and the plan that was followed."""
        self.begun: list[str] = []
        self.strays: list[str] = []
        """Steps that were begun and belong neither to the plan that is followed nor to the order
        that is being understood."""
        self.repeats: list[str] = []
        """Steps that were begun twice in one plan."""

    def next(self, t_ns: int, *, is_idle: bool) -> Said | None:
        if self.is_over or t_ns < self._next_ns:
            return None
        number = next(self._numbers, None)
        self.is_over = number is None
        self._next_ns = 1 << 62  # Until its plan is there.
        if number is None:
            return None
        self._number = number
        sentence, plan = order(number)
        self._heard, self._is_ahead = plan.split(BETWEEN_STEPS), False
        return Said(sentence=sentence, number=number)

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        if kind == "plan":
            self.plans.append((self._number, text))
            # The plan before may have been the very same: a question back, to two orders.
            self._begun = Counter(self._heard[:1] if self._is_ahead else [])
            self._planned, self._heard = text.split(BETWEEN_STEPS), []
            self._next_ns = t_ns + GAP_NS
        elif kind == "begin":
            self.begun.append(text)
            self._begun[text] += 1
            self._is_ahead |= text in self._heard[:1]
            if text not in (*self._planned, *self._heard[:1]):
                self.strays.append(text)
            elif self._begun[text] > 1:
                self.repeats.append(text)


def bench_cloud(n: int = 1000, seed: int = 0, out: Path | None = None) -> int:
    """Give n orders over a rough link, print the figures and return 1 for a missed target."""
    batches, size = max(1, n // BATCH), min(n, BATCH)
    settings = {"bench": "cloud", "n": n, "seed": seed, "deadline_s": DEADLINE_S}
    link = Bench(seed)
    try:
        trials = run_trials(
            lambda index: link.batch(index, size), 2 * batches, out=out, settings=settings
        )
    finally:
        link.close()
    with Console(stderr=True).status("The endpoint goes away and comes back …"):
        away = outage()
    return report(f"cloud, {batches * size} orders a link", rows_of(trials, away), out)


class Bench:
    """The robot's processes, kept from batch to batch so that memory that grows is seen."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._eyes = EyesProcess()
        self._endpoint = stand_in()
        self._links = {
            "rough": rough_link(self._endpoint.port, Roughness(seed=seed)),
            "smooth": rough_link(self._endpoint.port, SMOOTH),
        }
        self._minds = {name: _mind(link.url) for name, link in self._links.items()}

    def batch(self, index: int, count: int) -> Trial:
        """Run one batch, over the rough and the smooth link by turns."""
        link = "smooth" if index % 2 else "rough"
        simulation = simulate("home", self._seed)
        self._eyes.enter("home", self._seed)
        self._eyes.wait_ready()
        mind = self._minds[link]
        mind.know(simulation.floor_plan)
        mind.wait_ready()
        before_mb = _memory_mb(mind)
        words = Barrage(index // 2 * count, count)
        episode = Episode(
            simulation,
            mind,
            self._eyes,
            is_real_time=True,
            observers=[words],
            config=EpisodeConfig(longest_s=600.0),
        )
        result = episode.hear(words)
        simulation.body.close()
        return {
            "link": link,
            "plans": words.plans,
            "begun": len(words.begun),
            "strays": words.strays,
            "repeats": words.repeats,
            "sources": [heard.source for heard in result.heard],
            "ms": [heard.ms for heard in result.heard],
            "ticks": len(result.policy_late_ms),
            "late_ticks": sum(late > 4.0 for late in result.policy_late_ms),
            "misses": result.deadline_misses,
            "falls": result.falls,
            "before_mb": before_mb,
            "after_mb": _memory_mb(mind),
        }

    def close(self) -> None:
        """End all processes."""
        for mind in self._minds.values():
            mind.close()
        for served in (*self._links.values(), self._endpoint):
            served.close()
        self._eyes.close()


def _mind(url: str) -> HybridMind:
    cloud = Cloud(CloudConfig(url=url, deadline_s=DEADLINE_S))
    return HybridMind(Mind(), cloud, Router(is_always=True))


def _memory_mb(mind: HybridMind) -> float:
    """Return what this process and the one that asks the endpoint hold."""
    return float(sum(psutil.Process(pid).memory_info().rss / 1e6 for pid in (None, mind.cloud.pid)))


def outage(times: int = OUTAGES) -> dict[str, list[float]]:
    """Kill an endpoint and bring it back, freeze it and let it go on, and see who answers.

    Args:
        times: How often it is killed, and how often frozen.

    Returns:
        `failover_ms`: from a question to its answer, of those asked while it is away; `return_s`:
        from when it is there again to the first answer of its own.
    """
    failover_ms: list[float] = []
    return_s: list[float] = []
    endpoint = stand_in()
    mind = _mind(endpoint.url)
    try:
        mind.know(build_home(0).floor_plan)
        mind.wait_ready()
        numbers = count(5000)

        def while_away() -> None:
            for _ in range(QUESTIONS_AWAY):
                answer = mind.understand(order(next(numbers))[0])
                failover_ms.append(answer.latency_s * 1e3)

        def until_back() -> None:
            began_s = time.monotonic()
            while mind.understand(order(next(numbers))[0]).source != "cloud":
                if time.monotonic() - began_s > WAIT_S:
                    return_s.append(float("inf"))
                    return
            return_s.append(time.monotonic() - began_s)

        until_back()
        return_s.clear()
        for _ in range(times):
            endpoint.close()
            while_away()
            endpoint = stand_in(port=endpoint.port)
            until_back()
            os.kill(endpoint.pid, signal.SIGSTOP)
            while_away()
            os.kill(endpoint.pid, signal.SIGCONT)
            until_back()
    finally:
        mind.close()
        endpoint.close()
    return {"failover_ms": failover_ms, "return_s": return_s}


def rows_of(trials: list[Trial], away: dict[str, list[float]]) -> list[Row]:
    """Turn the trials into figures."""
    rough = [trial for trial in trials if trial["link"] == "rough"]
    smooth = [trial for trial in trials if trial["link"] == "smooth"]
    # The first batch loads what every later one needs.
    grown_mb = max(trial["after_mb"] for trial in rough) - rough[0]["after_mb"]
    return [
        *(_rows_of_link("rough", rough)),
        *(_rows_of_link("smooth", smooth)),
        Row(
            name="memory grown since the first batch, this process and the cloud's",
            value=grown_mb,
            interval=None,
            n=sum(len(trial["plans"]) for trial in rough[1:]),
            target="<= 50",
            unit="MB",
        ),
        percentile_row(
            "away: longest time to an answer", away["failover_ms"], 100, "<= 1000", "ms"
        ),
        percentile_row("back: time to its first answer, median", away["return_s"], 50, "", "s"),
        percentile_row("back: longest", away["return_s"], 100, "", "s"),
    ]


def _rows_of_link(name: str, trials: list[Trial]) -> list[Row]:
    answers = [
        (order(number)[1] == plan, source == "cloud")
        for trial in trials
        for (number, plan), source in zip(trial["plans"], trial["sources"], strict=True)
    ]
    wrong = sum(len(trial["strays"]) + len(trial["repeats"]) for trial in trials)
    begun = sum(trial["begun"] for trial in trials)
    ticks = sum(trial["ticks"] for trial in trials)
    late = sum(trial["late_ticks"] for trial in trials)
    times_ms = [ms for trial in trials for ms in trial["ms"]]
    return [
        rate_row(
            f"{name}: cloud's plans for another order",
            [not is_right for is_right, is_cloud in answers if is_cloud],
            "<= 0",
        ),
        Row(
            name=f"{name}: steps begun stale or twice",
            value=wrong,
            interval=None,
            n=begun,
            target="<= 0",
        ),
        rate_row(f"{name}: answered by the cloud", [is_cloud for _, is_cloud in answers]),
        rate_row(
            f"{name}: our own plans right",
            [is_right for is_right, is_cloud in answers if not is_cloud],
        ),
        percentile_row(f"{name}: longest time to a plan", times_ms, 100, "<= 1000", "ms"),
        Row(
            name=f"{name}: policy ticks more than 4 ms late",
            value=late / max(ticks, 1),
            interval=wilson(late, ticks),
            n=ticks,
            target="",
        ),
        Row(
            name=f"{name}: reflex deadlines missed",
            value=sum(trial["misses"]["reflex"] for trial in trials),
            interval=None,
            n=10 * ticks,
            target="",
        ),
    ]
