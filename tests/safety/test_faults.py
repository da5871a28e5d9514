"""The table of faults is whole, and the worst wins."""

import ast
from functools import cache, reduce
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.safety.faults import TABLE, Action, Ends, Fault, Watch, choose_action

TESTS = Path(__file__).parent.parent
FIRED_BY = {
    Fault.TARGET_STALE: (
        "safety/test_gate.py:test_a_target_is_obeyed_from_its_stamp_for_two_periods"
    ),
    Fault.TARGET_MALFORMED: (
        "safety/test_gate.py:test_a_malformed_target_is_refused_and_the_last_one_held"
    ),
    Fault.TARGET_LOST: (
        "runtime/test_state_in_episode.py:test_a_policy_that_hangs_or_raves_lets_the_robot_go_limp"
    ),
    Fault.TARGET_FOREIGN: (
        "safety/test_gate.py:test_what_comes_from_one_who_may_not_write_is_refused"
    ),
    Fault.STATE_STALE: "safety/test_gate.py:test_a_measurement_counts_for_50_ms",
    Fault.SAMPLE_DROPPED: (
        "runtime/test_state_in_episode.py:test_one_bad_sample_is_left_out_and_nothing_else_happens"
    ),
    Fault.STATE_MALFORMED: (
        "safety/test_gate.py:test_joints_that_are_not_felt_go_limp_under_damping"
    ),
    Fault.IMU_FROZEN: (
        "runtime/test_state_in_episode.py:test_an_imu_that_falls_asleep_lets_the_robot_go_limp"
    ),
    Fault.JOINT_FROZEN: (
        "runtime/test_state_in_episode.py:test_a_leg_that_is_no_longer_felt_sits_down"
    ),
    Fault.LEG_ASTRAY: (
        "runtime/test_state_in_episode.py:test_a_leg_that_does_not_obey_is_told_and_sits_down"
    ),
    Fault.ARM_ASTRAY: (
        "runtime/test_state_in_episode.py:test_an_arm_that_does_not_obey_is_told_once"
    ),
    Fault.FEET_ODD: (
        "senses/test_footing.py:test_a_knee_whose_zero_has_moved_is_told_and_a_sound_one_is_not"
    ),
    Fault.FEET_OFF: (
        "senses/test_suspension.py:test_a_robot_that_a_crane_lifts_goes_limp_and_says_why"
    ),
    Fault.SENSES_LATE: "runtime/test_faults_in_episode.py:test_slow_eyes_are_told_and_waited_for",
    Fault.MIND_LATE: "runtime/test_faults_in_episode.py:test_a_mind_that_is_late_is_told_once",
    Fault.EYES_LOST: "runtime/test_faults_in_episode.py:test_dead_eyes_end_the_plan",
    Fault.RECORDER_LOST: (
        "runtime/test_faults_in_episode.py:test_a_log_that_breaks_off_stops_nothing"
    ),
    Fault.FALLEN: (
        "runtime/test_episode.py:test_a_push_that_fells_the_robot_ends_with_the_plan_finished"
    ),
    Fault.STAYS_DOWN: "runtime/test_faults_in_episode.py:test_who_falls_while_stopped_stays_down",
    Fault.STOP_ASKED: (
        "runtime/test_stop_in_episode.py:"
        "test_the_first_gated_target_of_a_stop_comes_within_one_reflex_tick"
    ),
    Fault.ORDER_FOREIGN: (
        "runtime/test_lease_in_episode.py:test_who_does_not_lead_is_refused_until_it_takes_over"
    ),
    Fault.ORDER_REPLAYED: "runtime/test_lease_in_episode.py:test_an_order_that_comes_twice_is_left",
    Fault.CHECK_IN_MISSED: (
        "runtime/test_attendance_in_episode.py:test_nobody_there_stops_the_robot_until_told_to_go_on"
    ),
    Fault.CHECK_IN_LOST: (
        "runtime/test_attendance_in_episode.py:test_nobody_there_for_long_sits_the_robot_down"
    ),
    Fault.BODY_LIMP: (
        "bodies/test_remote_body.py:"
        "test_without_a_target_for_50_ms_the_body_goes_limp_for_good_and_says_so"
    ),
    Fault.WATCH_LOST: (
        "bodies/test_remote_body.py:test_a_watch_that_is_silent_for_60_ms_is_missed"
    ),
    Fault.BATTERY_LOW: "runtime/test_faults_in_episode.py:test_a_battery_runs_low_and_then_empty",
    Fault.BATTERY_EMPTY: "runtime/test_faults_in_episode.py:test_a_battery_runs_low_and_then_empty",
    Fault.MOTOR_WARM: (
        "runtime/test_faults_in_episode.py:test_a_warm_motor_slows_the_walk_and_a_cool_one_does_not"
    ),
    Fault.MOTOR_HOT: (
        "runtime/test_faults_in_episode.py:"
        "test_a_hot_motor_sits_the_robot_down_and_a_scorched_one_lets_it_go_limp"
    ),
    Fault.MOTOR_SCORCHED: (
        "runtime/test_faults_in_episode.py:"
        "test_a_hot_motor_sits_the_robot_down_and_a_scorched_one_lets_it_go_limp"
    ),
}
"""For each fault a test in which it fires."""


def test_every_fault_has_a_row():
    assert set(TABLE) == set(Fault)


@pytest.mark.parametrize("fault", Fault)
def test_the_detector_of_a_fault_exists(fault):
    module, _, name = TABLE[fault].detector.partition(":")
    assert reduce(getattr, name.split("."), import_module(module))


@cache
def functions(path: str) -> dict[str, str]:
    text = (TESTS / path).read_text(encoding="utf8")
    nodes = ast.walk(ast.parse(text))
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in nodes
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("fault", Fault)
def test_a_test_makes_a_fault_fire(fault):
    path, _, name = FIRED_BY[fault].partition(":")
    body = functions(path)[name]
    told = (f"Fault.{fault.name}", f'"{fault.name.lower()}"')
    assert any(word in body for word in told) or fault is Fault.FALLEN, FIRED_BY[fault]


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_is_worded_in_both_languages_and_says_who_may_end_it(fault):
    row = TABLE[fault]
    english, chinese = row.words
    assert english.isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    assert bool(row.ended_by) is (row.ends is Ends.BY_PERSON)
    assert row.action > Action.NONE


def test_what_damps_never_ends_within_a_run():
    for row in TABLE.values():
        if row.action is Action.DAMP:
            assert row.ends is Ends.NEVER
            assert row.spoils_stop


def test_the_most_severe_response_wins():
    assert choose_action([Fault.SENSES_LATE, Fault.FALLEN, Fault.STOP_ASKED]) is Action.GET_UP
    assert choose_action([Fault.STAYS_DOWN, Fault.FALLEN]) is Action.DAMP
    assert choose_action([]) is Action.NONE


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.STOP_ASKED])
def test_who_is_stopped_settles_while_its_movement_can_be_trusted_and_else_goes_limp(fault):
    moves_wrongly = {
        Fault.TARGET_STALE,
        Fault.TARGET_MALFORMED,
        Fault.TARGET_LOST,
        Fault.STATE_STALE,
        Fault.STATE_MALFORMED,
        Fault.IMU_FROZEN,
        Fault.FEET_OFF,
        Fault.MOTOR_SCORCHED,
        Fault.STAYS_DOWN,
        Fault.BODY_LIMP,
    }
    action = choose_action([Fault.STOP_ASKED, fault])
    assert (action is Action.DAMP) is (fault in moves_wrongly)
    assert action >= Action.HOLD


@settings(deadline=None)
@given(st.sets(st.sampled_from(list(Fault))), st.sets(st.sampled_from(list(Fault))))
def test_another_fault_never_weakens_the_reaction(some, more):
    assert choose_action(some | more) >= choose_action(some)
    assert choose_action(some) >= max((TABLE[f].action for f in some), default=Action.NONE)


def test_a_fault_that_ends_alone_lasts_until_it_has_not_been_seen_for_a_tick_of_the_senses():
    watch = Watch()
    assert watch.action(0) is Action.NONE
    watch.see(Fault.TARGET_STALE, 5)
    assert watch.action(5) is Action.HOLD
    watch.see(Fault.TARGET_STALE, 50)
    assert watch.action(100_000_050) is Action.HOLD
    assert watch.action(100_000_051) is Action.NONE


def test_a_fault_is_news_once_and_again_after_a_person_has_ended_it():
    watch = Watch()
    assert [watch.see(Fault.STOP_ASKED, t) for t in range(3)] == [True, False, False]
    assert watch.ticks[Fault.STOP_ASKED] == 3
    watch.end(Fault.STOP_ASKED)
    assert watch.see(Fault.STOP_ASKED, 4) is True
    assert watch.ticks == {Fault.STOP_ASKED: 4}
    Watch().end(Fault.STOP_ASKED)  # Nothing held.


def test_what_is_asked_for_is_known_though_something_worse_is_done():
    watch = Watch()
    assert not watch.has(Action.SIT, 0)
    watch.see(Fault.BATTERY_EMPTY, 0)
    watch.see(Fault.FALLEN, 0)
    assert watch.action(5) is Action.GET_UP
    assert watch.has(Action.SIT, 5)
    assert not watch.has(Action.HOLD, 5)
    assert watch.has(Action.SIT, 10**12)  # An empty battery stays empty, a fall is over.
    assert not watch.has(Action.GET_UP, 10**12)
