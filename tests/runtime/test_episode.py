"""The whole brain on real input: words in, pictures in, motors out."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from yanshi.bench.run import make_goal
from yanshi.bodies.push import read_push
from yanshi.bodies.simulation import simulate
from yanshi.ledger.meter import open_meter
from yanshi.mind.language import PlanLanguage
from yanshi.policies.contract import installed_policies
from yanshi.policies.riser import DEFAULT_RISER
from yanshi.robots.g1.spec import G1
from yanshi.runtime.brain import Brain
from yanshi.runtime.episode import Episode
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.runtime.report import RunReport
from yanshi.worlds.layout import distance_to_place
from yanshi.worlds.witness import Witness

WORLD, SEED = "home", 3


class Onlooker(Observer):
    """Hears every event, and may do something at a moment."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, str]] = []
        self.at: dict[int, object] = {}

    def on_tick(self, snapshot: Snapshot) -> None:
        act = self.at.pop(snapshot.t_ns // 1_000_000, None)
        if callable(act):
            act()

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        self.events.append((t_ns, kind, text))

    def on_picture(self, t_ns: int, rgb: np.ndarray) -> None:
        raise AssertionError("Nobody asked for pictures.")


@pytest.fixture(scope="module")
def brain() -> Iterator[Brain]:
    with Brain() as brain:
        yield brain


can_rise = pytest.mark.skipif(
    DEFAULT_RISER not in installed_policies(), reason="no policy for getting up is here"
)


def begin(
    brain: Brain,
    onlooker: Onlooker,
    *,
    is_real_time: bool = False,
    push: str = "",
    board: str = "",
    charge: float = 1.0,
) -> Episode:
    brain.enter(WORLD, SEED)
    simulation = simulate(WORLD, SEED)
    brain.wait_ready(simulation)
    return Episode(
        simulation,
        brain.mind,
        brain.eyes,
        is_real_time=is_real_time,
        observers=[onlooker],
        pushes=[read_push(push)] if push else [],
        meter=open_meter(board, G1.limits, charge=charge) if board else None,
    )


def run(brain: Brain, sentence: str) -> tuple[RunReport, Onlooker]:
    onlooker = Onlooker()
    return begin(brain, onlooker).run(sentence), onlooker


def test_the_world_pays_for_a_thought_as_long_as_the_board_takes(brain):
    sentence = "右转三十度"
    begun, bills = {}, {}
    for board in ("rpi5", "t5000"):
        traces = []
        for _ in range(2):
            brain.mind.speak(replace(PlanLanguage.of(simulate(WORLD, SEED).floor_plan), kinds=()))
            onlooker = Onlooker()  # A language that is forgotten leaves no earlier answer behind.
            report = begin(brain, onlooker, board=board).run(sentence)
            traces.append(report.trace_sha256)
        heard, plan = (
            next(t_ns for t_ns, kind, _ in onlooker.events if kind == wanted)
            for wanted in ("heard", "plan")
        )
        begun[board], bills[board] = (plan - heard) * 1e-9, report.bill
        assert traces[0] == traces[1]
    for board, bill in bills.items():
        assert bill.thoughts == 1
        # The plan is there at the first tick of 20 ms after the charged time.
        assert bill.thinking_s <= begun[board] + 1e-9 < bill.thinking_s + 0.021
        assert bill.joules["motors"] > 0.0
    assert begun["rpi5"] > begun["t5000"]


def test_a_battery_that_runs_low_is_told_and_the_order_still_done(brain):
    onlooker = Onlooker()
    report = begin(brain, onlooker, board="orin-nx", charge=0.20005).run("挥挥手")
    assert report.outcome == "done"
    assert any("百分之 20" in text for text in report.said)
    assert report.faults["battery_low"] > 0


def test_a_battery_that_is_nearly_empty_sits_the_robot_down_and_it_takes_on_nothing(brain):
    onlooker = Onlooker()
    episode = begin(brain, onlooker, board="orin-nx", charge=0.09)
    report = episode.run("挥挥手")
    assert report.outcome == "refused"
    assert report.exit_code == 3
    assert not [kind for _, kind, text in onlooker.events if kind == "begin" and "wave" in text]
    assert report.falls == 0
    pelvis = float(episode.simulation.body.data.body("pelvis").xpos[2])
    assert pelvis < 0.4


def test_a_battery_that_runs_empty_on_the_way_ends_the_plan_on_both_feet_first(brain):
    onlooker = Onlooker()
    report = begin(brain, onlooker, board="orin-nx", charge=0.1002).run("走到门口，再挥挥手")
    assert report.outcome == "failed"
    assert report.falls == 0
    assert [step.outcome for step in report.steps] == ["stopped"]
    assert "down" in [kind for _, kind, _ in onlooker.events]


def test_the_same_seed_gives_the_same_trace_and_another_sentence_another(brain):
    first, _ = run(brain, "挥挥手")
    second, _ = run(brain, "挥挥手")
    other, _ = run(brain, "等两秒")
    assert first.outcome == "done"
    assert first.plan == ["wave"]
    assert first.falls == 0
    assert first.mujoco_warnings == 0
    assert first.trace_sha256 == second.trace_sha256
    assert first.trace_sha256 != other.trace_sha256


def test_a_stop_word_acts_within_50_ms_and_never_reaches_the_model(brain):
    report, onlooker = run(brain, "站住！")
    heard = next(t for t, kind, _ in onlooker.events if kind == "heard")
    ended = next(t for t, kind, _ in onlooker.events if kind == "end")
    assert ended - heard <= 50_000_000
    assert report.outcome == "stopped"
    assert report.exit_code == 0
    assert report.latency_ms["understand"]["max"] < 50.0


@pytest.mark.parametrize(
    ("sentence", "part"),
    [
        ("", "no words"),
        ("走" * 500, "200"),
        ("Пожалуйста, иди к столу", "Chinese and English"),
        ("飞到月球上去", "飞到月球"),
    ],
    ids=["empty", "endless", "another language", "impossible"],
)
def test_an_order_that_cannot_be_taken_gets_a_clear_answer_and_no_step(brain, sentence, part):
    report, _ = run(brain, sentence)
    assert report.outcome in ("refused", "asked")
    assert report.exit_code == 3
    assert any(part in text for text in report.said), report.said


def test_stop_in_mid_walk_stands_the_robot_still(brain):
    onlooker = Onlooker()
    episode = begin(brain, onlooker)
    witness = Witness(episode.simulation.body.model, episode.simulation.home)
    onlooker.at = {3000: episode.stop}
    for ms in range(4000, 5200, 20):
        onlooker.at[ms] = lambda: witness.sample(episode.simulation.body.data)
    report = episode.run("走到架子那里去")
    assert report.outcome == "stopped"
    stopped = next(t for t, kind, text in onlooker.events if kind == "end")
    assert stopped <= 3_050_000_000
    assert np.ptp(witness.base[:, :2], axis=0).max() < 0.12
    assert report.falls == 0


def test_dead_eyes_end_the_plan_honestly_and_the_robot_stands_on(brain):
    with Brain() as fragile:
        onlooker = Onlooker()
        episode = begin(fragile, onlooker)
        onlooker.at = {2500: lambda: os.kill(fragile.eyes.pid, signal.SIGKILL)}
        report = episode.run("去门口，然后跳舞")
    assert report.outcome == "failed"
    assert report.falls == 0
    assert report.faults["eyes_lost"] == 1
    assert any("看不见" in text for text in report.said)


def test_a_dead_mind_is_started_again_and_the_sentence_still_understood(brain):
    with Brain() as fragile:
        onlooker = Onlooker()
        episode = begin(fragile, onlooker)
        os.kill(fragile.mind.pid, signal.SIGKILL)
        report = episode.run("挥挥手")
    assert report.outcome in ("done", "asked")
    assert report.falls == 0


def test_on_the_wall_clock_a_second_takes_a_second(brain):
    episode = begin(brain, Onlooker(), is_real_time=True)
    assert episode.loops[0].name == "reflex"  # Nothing that takes a while comes before it.
    report = episode.run("等一秒")
    assert report.outcome == "done"
    assert report.wall_s == pytest.approx(report.sim_s, rel=0.25)
    assert report.clock == "wall"


@can_rise
@pytest.mark.parametrize("push", ["60@4:left", "75@4:right"])
def test_a_push_that_fells_the_robot_ends_with_the_plan_finished(brain, push):
    onlooker = Onlooker()
    episode = begin(brain, onlooker, push=push)
    witness = Witness(episode.simulation.body.model, episode.simulation.home)
    for ms in range(0, 60_000, 20):
        onlooker.at[ms] = lambda: witness.sample(episode.simulation.body.data)
    report = episode.run("走到桌子前")
    assert witness.has_fallen
    assert not witness.is_down
    assert report.falls >= 1
    assert report.down_s[0] > 1.0
    assert report.pushes == [push]
    assert report.outcome == "done"
    assert report.plan == ["go table"]
    assert [step.outcome for step in report.steps] == ["done"]
    assert "我摔倒了，正在站起来。" in report.said
    assert make_goal("near", "table 0.5", episode.simulation.home).met_at(witness, 5.0) is not None
    pelvis = episode.simulation.body.data.body("pelvis").xpos
    table = episode.simulation.floor_plan.place("table")
    assert distance_to_place(table, pelvis[:2]) == pytest.approx(0.43, abs=0.1)
    begun = [text for _, kind, text in onlooker.events if kind == "begin"]
    assert begun == ["go table"] * (1 + report.falls)


@can_rise
def test_told_to_stop_while_it_gets_up_it_stays_down_and_the_run_ends(brain):
    onlooker = Onlooker()
    episode = begin(brain, onlooker, push="90@2:left")
    onlooker.at = {4000: episode.stop}
    report = episode.run("走到桌子前")
    assert report.outcome == "stopped"
    assert report.falls == 1
    assert report.sim_s < 6.0
    assert episode.simulation.body.data.body("pelvis").xpos[2] < 0.4


def test_a_robot_that_never_learnt_to_get_up_ends_the_run_honestly(brain, monkeypatch):
    monkeypatch.setattr("yanshi.skills.getup.installed_policies", dict)
    onlooker = Onlooker()
    report = begin(brain, onlooker, push="90@2:left").run("走到桌子前")
    assert (report.outcome, report.exit_code) == ("failed", 4)
    assert report.falls == report.faults["stays_down"] == 1
    assert report.said == ["我摔倒了，请扶我起来。"]
    assert report.sim_s < 5.0


def test_an_order_to_get_up_is_answered_by_one_who_stands(brain):
    report, _ = run(brain, "请站起来")
    assert report.outcome == "done"
    assert report.plan == ["getup"]
    assert report.said == ["我站着呢。"]
