"""The bench of faults breaks what it says, judges what it sees, and passes nothing silently."""

import re
from pathlib import Path

import numpy as np
import pytest

from yanshi.bench import faults
from yanshi.bench.faults import CASES, NOT_SHOWN, Exam, choose_cases, line_of, make_row, set_up
from yanshi.bench.injection import BODILY, COMBINATIONS, InjectedBody, Injection
from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.bodies.simulation import simulate
from yanshi.core.errors import ConfigError, UnknownNameError
from yanshi.runtime.mcap_file import McapFile
from yanshi.safety.heat import Heat

SRC = Path(faults.__file__).parents[1]
LAST = {"A": 13, "B": 7, "C": 4, "D": 6, "E": 3, "F": 7, "G": 5, "H": 2}
ROWS = {f"{letter}{number}" for letter, last in LAST.items() for number in range(1, last + 1)}
HEALTHY = {
    "is_finite": True,
    "torque_over": 0.0,
    "mujoco_warnings": 0,
    "is_upright": True,
    "limp_ms": None,
    "told_ms": None,
    "fell_ms": None,
}


def case_of(row: str, doing: str, words: str = "") -> faults.Case:
    return next(c for c in CASES if c.row == row and c.doing == doing and words in c.what)


def test_every_row_of_the_fault_matrix_is_shown_or_listed_with_a_reason_and_none_is_both():
    shown = {case.row for case in CASES}
    assert ROWS - shown == set(NOT_SHOWN)
    assert all(NOT_SHOWN.values())


@pytest.mark.parametrize(
    ("part", "kind"), [("imu", "slow"), ("eyes", "off"), ("states", "wrong"), ("", ""), ("A1", "")]
)
def test_what_nobody_has_learnt_to_inject_is_refused(part, kind):
    with pytest.raises(ConfigError, match=r"Nobody has learnt to inject .* Known: states: off"):
        Injection(part=part, kind=kind)


def test_a_row_that_is_not_shown_or_is_none_is_refused_when_it_is_asked_for():
    with pytest.raises(ConfigError, match="Fault B3 was asked for and is not shown: the"):
        choose_cases("b3")
    with pytest.raises(UnknownNameError, match="No fault named 'Z9'"):
        choose_cases("Z9")
    assert {case.row for case in choose_cases("a4")} == {"A4"}
    assert choose_cases(None) == CASES


def test_a_quick_run_breaks_everything_and_what_takes_real_seconds_only_while_walking():
    quick = faults.without_twins(CASES)
    assert {(case.row, case.what) for case in quick} == {(case.row, case.what) for case in CASES}
    left_out = [case for case in CASES if case not in quick]
    assert left_out
    assert all(case.is_slow and case.doing == faults.STANDING for case in left_out)
    assert len(quick) + len(left_out) == len(CASES)


def test_rows_that_are_not_shown_stand_in_the_table_and_count_for_nothing(capsys):
    faults.print_table((), (), NOT_SHOWN)
    printed = capsys.readouterr().out
    for row, reason in NOT_SHOWN.items():
        assert re.search(rf"{row} +│ not shown: {re.escape(reason[:20])}", printed)


def test_nothing_that_a_run_is_made_of_knows_of_injection():
    for path in SRC.rglob("*.py"):
        if path.parent.name != "bench" and path != SRC / "cli" / "bench.py":
            assert "inject" not in path.read_text(encoding="utf8").casefold(), path
    assert type(simulate("empty", 0).body) is MujocoBody


def test_a_body_to_be_injected_is_read_like_any_other_until_its_moment():
    plain = simulate("empty", 3).body
    injection = Injection(part="imu", kind="garbage")
    body = InjectedBody(simulate("empty", 3).body, [injection], at_s=0.1, seed=0)
    plain.read()  # One was read when the other was taken over.
    for _ in range(9):
        for one in (plain, body):
            one.advance(0.01)
        a, b = plain.read(), body.read()
        for name in ("joint_position", "angular_velocity", "orientation_wxyz"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    body.advance(0.01)
    assert np.isnan(body.read().angular_velocity).any()


@pytest.mark.parametrize("part", sorted(set(COMBINATIONS) - {"policy", *BODILY}))
def test_every_combination_changes_what_is_read(part):
    for kind in COMBINATIONS[part]:
        joint = "left_knee" if part == "joint" else ""
        size = 1.0 if kind == "intermittent" else 20.0
        injection = Injection(part=part, kind=kind, size=size, joint=joint)
        assert str(injection)
        body = InjectedBody(simulate("empty", 0).body, [injection], at_s=0.05, seed=0)
        for _ in range(4):
            body.advance(0.01)
        before = body.read()
        for _ in range(3):
            body.advance(0.01)
        if kind == "off" and part == "states":
            with pytest.raises(Exception, match="link is down"):
                body.read()
            continue
        after = body.read()
        honest = MujocoBody.read(body)
        is_wrong = any(
            not np.allclose(getattr(after, name), getattr(honest, name), atol=0.03)
            for name in ("joint_position", "angular_velocity", "orientation_wxyz")
        )
        assert is_wrong or after.t_ns < honest.t_ns or kind == "stuck", injection
        if kind == "stuck" and part == "imu":
            np.testing.assert_array_equal(after.angular_velocity, before.angular_velocity)


@pytest.mark.parametrize(
    ("part", "kind", "size"),
    [
        ("motor", "off", 0.0),
        ("motor", "wrong", 0.02),
        ("motor", "slow", 10.0),
        ("floor", "wrong", 0.1),
        ("floor", "off", 0.15),
        ("load", "wrong", 5.0),
    ],
)
def test_what_breaks_in_the_body_changes_how_it_moves_and_no_reading_lies(part, kind, size):
    joint = "left_knee" if part == "motor" else ""
    injection = Injection(part=part, kind=kind, size=size, joint=joint)
    assert str(injection)
    plain = simulate("empty", 0).body
    body = InjectedBody(simulate("empty", 0).body, [injection], at_s=0.05, seed=0)
    for one in (plain, body):
        one.data.qvel[:1] = 1.0  # It slides, so that the floor matters.
        one.advance(0.05)
    np.testing.assert_array_equal(body.data.qpos, plain.data.qpos)
    for _ in range(100):
        for one in (plain, body):
            one.advance(0.002)
    assert np.abs(body.data.qpos - plain.data.qpos).max() > 1e-3
    plain.data.qpos[:], plain.data.qvel[:] = body.data.qpos, body.data.qvel
    error = np.abs(body.read().joint_position - plain.data.qpos[plain._qpos])
    assert error.max() < 0.002  # An encoder's noise.
    assert body.bad_ns is None


def test_every_bodily_combination_has_its_test():
    tested = {("motor", kind) for kind in ("off", "wrong", "slow")}
    tested |= {("floor", "wrong"), ("floor", "off"), ("load", "wrong")}
    assert {(part, kind) for part in BODILY for kind in COMBINATIONS[part]} == tested


def test_two_injections_spoil_one_reading_each_from_its_moment_on():
    later = Injection(part="joint", kind="wrong", joint="left_knee", size=1.0, after_s=0.1)
    tilt = Injection(part="gyro", kind="wrong", size=2.0)
    body = InjectedBody(simulate("empty", 0).body, [tilt, later], at_s=0.05, seed=0)
    knee = body.robot.joint_index("left_knee")
    wrong = []
    for _ in range(9):
        body.advance(0.02)
        read, honest = body.read(), MujocoBody.read(body)
        off = read.joint_position[knee] - honest.joint_position[knee]
        wrong.append((read.angular_velocity[1] - honest.angular_velocity[1] > 1.0, off > 0.5))
    assert wrong == [(False, False)] * 2 + [(True, False)] * 5 + [(True, True)] * 2


def test_a_healthy_robot_passes_no_case_that_wants_it_limp_and_a_limp_one_none_that_does_not():
    limp = HEALTHY | {"limp_ms": 4.0, "told_ms": 0.0, "bad_ms": 0.0, "last_ms": 0.0, "zero": 0.0}
    for case in CASES:
        if case.run is not faults.break_something:
            continue
        wants_limp = case.wanted.startswith("limp")
        wants_alarm = case.wanted.startswith("told within")
        assert case.passes(HEALTHY) is not (wants_limp or wants_alarm)
        assert case.passes(limp) is not (case.wanted == "upright")
        for part, worse in (("is_finite", False), ("torque_over", 1.0), ("mujoco_warnings", 1)):
            assert not case.passes(HEALTHY | {part: worse})
            assert not case.passes(limp | {part: worse})


def test_a_push_passes_when_the_robot_catches_itself_or_its_fall_is_told_at_once():
    case = case_of("A10", "walking")
    felled = HEALTHY | {"is_upright": False, "fell_ms": 100.0, "limp_ms": 300.0}
    assert case.passes(HEALTHY | {"fell_ms": 100.0})
    assert case.passes(felled | {"told_ms": 300.0})
    assert not case.passes(felled | {"told_ms": 301.0})
    assert not case.passes(felled)


def test_a_line_of_the_table_tells_how_often_a_case_passed():
    case = case_of("A4", "walking", "link")
    trial = Exam((CASES.index(case),), (5,))(0)
    assert trial["passed"], trial
    figure = make_row(case, [trial])
    assert figure.passed
    assert figure.n == 1
    assert line_of(case, [trial])[-1] == "1 of 1 (0.21…1.00)"
    assert line_of(case, [trial, trial | {"passed": False}])[-1].startswith("[red]1 of 2")


def test_a_robot_that_is_watched_by_nobody_stops_in_time_and_then_sits():
    case = case_of("E2", "walking", "hangs")
    good = HEALTHY | {"told_ms": 1000.0, "limp_ms": 5000.0, "falls": 0}
    good |= {"faults": ["check_in_lost", "check_in_missed"]}
    assert case.passes(good | {"told_ms": 900.0})
    assert case.passes(good | {"told_ms": 1100.0})
    for wrong in (
        {"told_ms": 899.0},
        {"told_ms": 1101.0},
        {"told_ms": None},
        {"limp_ms": None},
        {"limp_ms": 2000.0},
        {"falls": 1},
        {"faults": ["check_in_missed"]},
    ):
        assert not case.passes(good | wrong)


def test_who_lets_the_robot_go_limp_and_when_decides_about_processes():
    limp = {"limp_ms": 40.0, "why": "watch", "told_ms": 39.0, "mujoco_warnings": 0}
    limp |= {"faults": [], "end": "lies"}
    sits = limp | {"limp_ms": None, "why": "", "told_ms": 62.0, "faults": ["watch_lost"]}
    well = sits | {"told_ms": None, "faults": [], "end": "upright"}
    dies, hangs, both = (
        case_of("B4", "walking", words) for words in ("balances", "hangs", "at once")
    )
    unwatched, healthy = case_of("B5", "walking", "kill"), case_of("B5", "walking", "nothing")
    for case in (dies, hangs):
        assert case.passes(limp)
        assert not case.passes(limp | {"limp_ms": 51.0})
        assert not case.passes(limp | {"why": "silence"})
        assert not case.passes(limp | {"mujoco_warnings": 1})
        assert not case.passes(well)
    assert both.passes(limp | {"limp_ms": 60.0, "why": "silence"})
    assert not both.passes(limp)
    assert unwatched.passes(sits)
    assert not unwatched.passes(sits | {"told_ms": 101.0})
    assert not unwatched.passes(sits | {"limp_ms": 300.0})
    assert not unwatched.passes(well)
    assert healthy.passes(well)
    for wrong in ({"limp_ms": 9.0}, {"faults": ["watch_lost"]}, {"end": "lies"}):
        assert not healthy.passes(well | wrong)


def test_a_robot_that_goes_limp_too_late_does_not_pass():
    case = case_of("A2", "standing", "IMU")
    rig = set_up(case, 0)
    rig.episode._recovery.go_limp = lambda: None  # type: ignore[method-assign]
    trial = faults.look_at(rig, "wait 60")
    assert trial["limp_ms"] - trial["bad_ms"] > 30.0  # The gate's doing.
    assert not case.passes(trial)


def test_a_run_is_deterministic():
    exam = Exam((CASES.index(case_of("A5", "walking", "20 ms")),) * 2, (2, 2))
    assert exam(0) == exam(1)


def test_ticks_of_a_log_that_was_cut_anywhere_are_read_up_to_there(tmp_path):
    log = McapFile(tmp_path / "run.mcap")
    channel = log.add_channel("/state", "json", "s", "jsonschema", b"{}")
    for k in range(4000):
        log.write(channel, k, b"x" * 100)
    log.close()
    data = (tmp_path / "run.mcap").read_bytes()
    assert faults.read_ticks(tmp_path / "run.mcap") == (list(range(4000)), True)
    for share in (0.3, 0.8):
        part = tmp_path / "part.mcap"
        part.write_bytes(data[: int(share * len(data))])
        ticks, is_whole = faults.read_ticks(part)
        assert not is_whole
        assert ticks == list(range(len(ticks)))


def test_a_short_bench_prints_its_rows_and_tells_by_its_exit_code(typed, tmp_path, monkeypatch):
    out = tmp_path / "f.json"
    order = ("bench", "faults", "--fault", "D1", "--n", "1", "--workers", "1")
    code, printed, _ = typed(*order, "--json", str(out))
    assert code == 0
    assert "1 of 1" in printed
    assert '"value": 1.0' in out.read_text()
    monkeypatch.setattr(faults, "BAD_PLANS", ("wave",))
    code, printed, _ = typed(*order)
    assert code == 1
    assert "0 of 1" in printed


@pytest.mark.parametrize(("words", "doing"), [("swings", "walking"), ("1 °C/s", "standing")])
def test_a_knee_that_warms_is_answered_and_a_robot_that_feels_no_heat_does_not_pass(
    words, doing, monkeypatch
):
    case = case_of("A9", doing, words)
    trial = case.run(case, 3)
    assert case.passes(trial), trial
    assert not case.passes(trial | {"faults": []})
    monkeypatch.setattr(Heat, "update", lambda *_: None)
    assert not case.passes(case.run(case, 3))
