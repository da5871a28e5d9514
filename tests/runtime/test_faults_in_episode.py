"""Faults in a running robot: each is seen, answered and told; a healthy one has none."""

import math
from dataclasses import replace
from functools import partial

import pytest
from tests.runtime.stand_ins import prepare

from yanshi.bodies.push import read_push
from yanshi.ledger.meter import open_meter
from yanshi.mind.replies import REPLIES
from yanshi.robots.g1.spec import G1
from yanshi.runtime.episode import ending_of
from yanshi.runtime.recovery import Stage
from yanshi.safety.faults import TABLE, Fault
from yanshi.safety.heat import WARM_SPEED

LAPS = "; ".join(["go forward 1", "turn around", "wave", "go forward 1", "turn left 90", "wait 9"])


def test_every_fault_can_end_a_step_in_words():
    assert {ending_of(fault).reason for fault in TABLE} <= set(REPLIES)
    assert ending_of(Fault.STOP_ASKED).kind == "stopped"
    assert ending_of(Fault.EYES_LOST).kind == "failed"


def test_a_healthy_minute_has_no_fault():
    run = prepare()
    report = run.episode.run(f"{LAPS}; {LAPS}")
    assert report.outcome == "done"
    assert report.sim_s > 60.0
    assert report.faults == {}


def test_slow_eyes_are_told_and_waited_for():
    run = prepare()
    run.eyes.is_slow = True
    run.episode._sight._wait_s = 0.0
    report = run.episode.run("wait 1")
    assert report.outcome == "done"
    assert report.faults["senses_late"] > 0


def test_a_mind_that_is_late_is_told_once():
    run = prepare()
    run.mind.is_mute = True
    run.episode._hearing._waits = False
    report = run.episode.run("wait 1")
    assert report.faults == {"mind_late": 1}
    assert report.outcome == "asked"


def test_dead_eyes_end_the_plan():
    run = prepare()

    def die() -> None:
        run.eyes.is_dead = True

    run.onlooker.at = {1000: die}
    report = run.episode.run("wait 5; wave")
    assert report.faults == {"eyes_lost": 1}
    assert run.onlooker.ends() == ["wait 5: failed"]
    assert report.said == ["I can no longer see: my eyes have failed."]


def test_a_log_that_breaks_off_stops_nothing():
    run = prepare()
    run.onlooker.trouble = "The disk is full."
    report = run.episode.run("wait 1")
    assert report.faults == {"recorder_lost": 1}
    assert report.outcome == "done"


def test_a_battery_runs_low_and_then_empty():
    for charge, faults in ((0.2, {"battery_low"}), (0.09, {"battery_low", "battery_empty"})):
        meter = open_meter("orin-nx", G1.limits, charge=charge)
        report = prepare(meter=meter).episode.run("wait 1")
        assert set(report.faults) == faults
        assert report.falls == 0


def test_a_warm_motor_slows_the_walk_and_a_cool_one_does_not():
    walked = []
    for hottest_c, faults in ((79.0, set()), (82.0, {"motor_warm"})):
        meter = open_meter("orin-nx", G1.limits)
        meter.motors.temperature_c[3] = hottest_c
        run = prepare(meter=meter)
        places = []

        def look(places=places, run=run):
            places.append(run.simulation.body.data.qpos[:2].copy())

        run.onlooker.at = {3000: look, 5000: look}
        report = run.episode.run("go forward 3")
        assert set(report.faults) == faults
        assert report.outcome == "done"
        assert (TABLE[Fault.MOTOR_WARM].words[0] in report.said) is bool(faults)
        walked.append(math.dist(*places))
    assert walked[1] < 2.0 * (WARM_SPEED + 0.1) < walked[0]


def test_a_motor_that_has_cooled_for_ten_seconds_lets_the_robot_walk_as_ever():
    meter = open_meter("orin-nx", G1.limits)
    run = prepare(meter=meter)
    meter.motors.temperature_c[3] = 80.5
    run.onlooker.at = {1000: lambda: meter.motors.temperature_c.fill(60.0)}
    speeds = []
    at_10, at_12 = (lambda: speeds.append(run.episode._executive.speed_max) for _ in range(2))
    run.onlooker.at |= {10_900: at_10, 11_100: at_12}
    assert run.episode.run("wait 9; wait 2").outcome == "done"
    assert speeds == [WARM_SPEED, math.inf]


def test_a_hot_motor_sits_the_robot_down_and_a_scorched_one_lets_it_go_limp():
    for hottest_c, fault, after_s in (
        (95.0, Fault.MOTOR_HOT, 2.0),
        (101.0, Fault.MOTOR_SCORCHED, 0.0),
    ):
        meter = open_meter("orin-nx", G1.limits)
        run = prepare(meter=meter)
        run.onlooker.at = {1000: partial(meter.motors.temperature_c.fill, hottest_c)}
        report = run.episode.run("go forward 3; wave")
        assert set(report.faults) - {"stays_down"} == {fault.name.lower()}
        assert TABLE[fault].words[0] in report.said
        assert run.episode._recovery.stage is Stage.DOWN
        assert report.sim_s == pytest.approx(1.0 + after_s + 0.2, abs=0.5)
        assert [text for _, kind, text in run.onlooker.events if kind == "begin"] == [
            "go forward 3"
        ]


def test_who_falls_while_stopped_stays_down():
    run = prepare(pushes=[read_push("90@1.5:left")])
    run.onlooker.at = {1000: run.episode.stop}
    run.episode.config = replace(run.episode.config, settle_ms=2500)
    report = run.episode.run("wait 5")
    assert report.falls == 1
    assert report.faults["stays_down"] == 1
    assert run.simulation.body.data.body("pelvis").xpos[2] < 0.4


def test_who_falls_with_an_empty_battery_does_not_get_up():
    meter = open_meter("orin-nx", G1.limits, charge=0.15)
    run = prepare(meter=meter, pushes=[read_push("90@1.5:left")])

    def empty() -> None:
        meter.battery.charge = 0.09

    run.onlooker.at = {1600: empty}
    run.episode.config = replace(run.episode.config, settle_ms=2500)
    report = run.episode.run("wait 5")
    assert report.falls == 1
    assert report.faults["stays_down"] == 1
    assert run.onlooker.events[-1][1] != "up"
    assert run.simulation.body.data.body("pelvis").xpos[2] < 0.4


def test_who_topples_while_it_sinks_lands_and_lies_limp():
    meter = open_meter("orin-nx", G1.limits, charge=0.09)
    run = prepare(meter=meter, pushes=[read_push("90@1.0:left")])
    report = run.episode.run("wait 5")
    down = [t for t, kind, text in run.onlooker.events if text.startswith(("fallen", "stays_down"))]
    assert report.falls == 1
    assert len(down) == 2
    assert down[0] < 2_000_000_000  # Sunk, it would go limp after two seconds.
    assert down[0] < down[1] < down[0] + 1_500_000_000
    assert run.episode._recovery.stage is Stage.DOWN
