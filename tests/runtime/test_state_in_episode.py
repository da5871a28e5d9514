"""A robot that feels wrongly, or nothing: a bad sample changes nothing, blindness ends the run."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.runtime.stand_ins import Run, prepare

from yanshi.core.errors import BodyError
from yanshi.core.messages import RobotState
from yanshi.robots.g1.spec import G1
from yanshi.runtime.clocks import PacedClock
from yanshi.runtime.episode import EpisodeConfig
from yanshi.runtime.recovery import Stage
from yanshi.safety.faults import TABLE, Fault

MS = 1_000_000
SPOILT = ("joint_position", "joint_velocity", "joint_torque", "orientation_wxyz", "acceleration")


def spoil(run: Run, alter: Callable[[RobotState], RobotState], *, from_ms: int, to_ms: int) -> None:
    """Change what the robot feels in a stretch of time."""
    read = run.simulation.body.read

    def wrong() -> RobotState:
        state = read()
        return alter(state) if from_ms * MS <= state.t_ns < to_ms * MS else state

    run.simulation.body.read = wrong  # type: ignore[method-assign]


def with_nan(part: str) -> Callable[[RobotState], RobotState]:
    def alter(state: RobotState) -> RobotState:
        numbers = getattr(state, part).copy()
        numbers[0] = np.nan
        return replace(state, **{part: numbers})

    return alter


def limp_ms(run: Run) -> list[int]:
    """Return a list that will hold when the joints went limp."""
    found: list[int] = []
    stop = run.simulation.body.stop

    def note() -> None:
        found.append(round(run.simulation.body.data.time * 1e3))
        stop()

    run.simulation.body.stop = note  # type: ignore[method-assign]
    return found


@pytest.mark.parametrize("part", SPOILT)
def test_one_bad_sample_is_left_out_and_nothing_else_happens(part):
    run = prepare()
    spoil(run, with_nan(part), from_ms=1000, to_ms=1002)
    report = run.episode.run("go forward 1")
    assert report.faults == {Fault.SAMPLE_DROPPED.name.lower(): 1}
    assert report.outcome == "done"
    assert report.falls == 0


def test_after_a_bad_sample_the_next_is_asked_for_at_the_next_reflex_tick():
    run = prepare()
    spoil(run, with_nan("joint_velocity"), from_ms=1000, to_ms=1003)
    ages = []
    tick = run.episode._reflex_tick

    def note(t_ns: int) -> None:
        tick(t_ns)
        if 1000 <= t_ns // MS < 1010:
            ages.append((t_ns - run.episode._state.t_ns) // MS)

    run.episode.loops[3].run = note
    assert run.episode.run("wait 1").faults == {"sample_dropped": 2}
    assert ages == [20, 22, 0, 2, 4]


@pytest.mark.parametrize("part", SPOILT)
def test_who_feels_nothing_that_makes_sense_is_limp_within_10_ms_and_the_run_ends(part):
    run = prepare()
    spoil(run, with_nan(part), from_ms=1000, to_ms=10**9)
    limp = limp_ms(run)
    report = run.episode.run("wait 5; wave")
    assert limp[0] <= 1010
    assert set(report.faults) == {"sample_dropped", "state_malformed"}
    assert run.episode._recovery.stage is Stage.DOWN
    assert report.outcome == "failed"
    assert report.said[-1] == TABLE[Fault.STATE_MALFORMED].words[0]
    np.testing.assert_array_equal(run.simulation.body._stiffness, np.zeros(len(G1.joint_names)))
    assert report.sim_s < 2.0


def hush(run: Run, from_ms: int, *, to_ms: int = 10**9, raises: bool = False) -> None:
    """Let nothing new come for a while: the last sample again and again, or an error."""
    read = run.simulation.body.read
    last = read()

    def silent() -> RobotState:
        nonlocal last
        if not from_ms <= run.simulation.body.data.time * 1e3 < to_ms:
            last = read()
        elif raises:
            raise BodyError("The robot's link is down.")
        return last

    run.simulation.body.read = silent  # type: ignore[method-assign]


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("is_real_time", [False, True])
def test_states_that_stop_coming_end_the_run_limp_within_60_ms_on_either_clock(
    is_real_time, raises
):
    run = prepare(is_real_time=is_real_time)
    assert isinstance(run.episode.clock, PacedClock) is is_real_time
    hush(run, 901, raises=raises)
    limp = limp_ms(run)
    report = run.episode.run("wait 5")
    assert limp[0] - 900 <= 60
    assert set(report.faults) == {"target_stale", "state_stale"}
    assert report.outcome == "failed"
    assert report.said == [TABLE[Fault.STATE_STALE].words[0]]
    assert report.sim_s < 2.0


def test_what_comes_again_after_a_silence_does_not_wake_a_limp_robot():
    run = prepare()
    hush(run, 1001, to_ms=1200)
    report = run.episode.run("wait 5; wave")
    assert report.faults["state_stale"] == 1
    assert run.episode._recovery.stage is Stage.DOWN
    np.testing.assert_array_equal(run.simulation.body._stiffness, np.zeros(len(G1.joint_names)))


def test_a_silence_of_a_moment_is_ridden_through():
    run = prepare()
    hush(run, 1001, to_ms=1040)
    report = run.episode.run("go forward 1")
    assert report.outcome == "done"
    assert report.faults == {}


def asleep(*parts: str) -> Callable[[RobotState], RobotState]:
    held: dict[str, np.ndarray] = {}

    def alter(state: RobotState) -> RobotState:
        held.update({part: getattr(state, part) for part in parts if part not in held})
        return replace(state, **held)

    return alter


def test_an_imu_that_falls_asleep_lets_the_robot_go_limp():
    for plan in ("wait 5", "go forward 2"):
        run = prepare()
        imu = asleep("orientation_wxyz", "angular_velocity", "acceleration")
        spoil(run, imu, from_ms=2001, to_ms=10**9)
        limp = limp_ms(run)
        report = run.episode.run(plan)
        assert limp[0] <= 2100
        assert set(report.faults) == {Fault.IMU_FROZEN.name.lower()}
        assert report.said[-1] == TABLE[Fault.IMU_FROZEN].words[0]


def test_a_leg_that_is_no_longer_felt_sits_down():
    run = prepare()
    knee = G1.joint_index("left_ankle_roll")
    held: list[tuple[float, float]] = []

    def alter(state: RobotState) -> RobotState:
        position, velocity = state.joint_position.copy(), state.joint_velocity.copy()
        held[1:] = [] if held else [(position[knee], velocity[knee])]
        if not held:
            held.append((position[knee], velocity[knee]))
        position[knee], velocity[knee] = held[0]
        return replace(state, joint_position=position, joint_velocity=velocity)

    spoil(run, alter, from_ms=2001, to_ms=10**9)
    report = run.episode.run("go forward 2")
    faults = [(t, text) for t, kind, text in run.onlooker.events if kind == "fault"]
    assert faults[0][1] == Fault.JOINT_FROZEN.name.lower()
    assert faults[0][0] <= 2100 * MS
    assert report.outcome == "failed"
    assert run.episode._recovery.stage is Stage.DOWN
    assert report.said[0] == TABLE[Fault.JOINT_FROZEN].words[0]


def off_by(angle: float, joint: str) -> Callable[[RobotState], RobotState]:
    def alter(state: RobotState) -> RobotState:
        position = state.joint_position.copy()
        position[G1.joint_index(joint)] += angle
        return replace(state, joint_position=position)

    return alter


def test_a_leg_that_does_not_obey_is_told_and_sits_down():
    run = prepare()
    spoil(run, off_by(-0.1, "right_hip_roll"), from_ms=2001, to_ms=10**9)
    report = run.episode.run("go forward 2")
    fault, *_ = ((t, text) for t, kind, text in run.onlooker.events if kind == "fault")
    assert fault == (2080 * MS, "leg_astray right_hip_roll")
    assert report.outcome == "failed"
    assert run.episode._recovery.stage is Stage.DOWN
    assert report.said[0] == TABLE[Fault.LEG_ASTRAY].words[0]


def test_an_arm_that_does_not_obey_is_told_once():
    run = prepare()
    spoil(run, off_by(0.1, "left_elbow"), from_ms=2001, to_ms=3000)
    report = run.episode.run("go forward 1")
    assert report.outcome == "done"
    assert report.falls == 0
    faults = [(t, text) for t, kind, text in run.onlooker.events if kind == "fault"]
    assert faults == [(2080 * MS, "arm_astray left_elbow")]
    assert report.said.count(TABLE[Fault.ARM_ASTRAY].words[0]) == 1


def test_sensors_of_coarse_steps_wake_nobody_while_standing_walking_and_waving():
    """A quick form of an hour: encoders and IMU as coarse as real ones."""
    run = prepare()
    read = run.simulation.body.read
    run.simulation.body.noise = None
    steps = {
        "joint_position": 1e-4,
        "joint_velocity": 1e-2,
        "angular_velocity": 1e-3,
        "acceleration": 5e-3,
    }

    def coarse() -> RobotState:
        state = read()
        rounded = {n: np.round(getattr(state, n) / step) * step for n, step in steps.items()}
        return replace(state, **rounded)

    run.simulation.body.read = coarse  # type: ignore[method-assign]
    plan = "wait 3; go forward 1; turn around; wave; go forward 1; wait 3"
    report = run.episode.run(plan)
    assert report.outcome == "done"
    assert report.faults == {}


@pytest.mark.parametrize("way", ["hangs", "raves"])
def test_a_policy_that_hangs_or_raves_lets_the_robot_go_limp(way):
    run = prepare(config=EpisodeConfig(settle_ms=200, longest_s=3.0))
    episode = run.episode
    tick = episode.loops[2].run

    def spoilt(t_ns: int) -> None:
        if t_ns < 1000 * MS:
            tick(t_ns)
            return
        episode._sense_body(t_ns)
        episode._now_ns = t_ns
        if way == "raves":
            raving = np.full(len(G1.joint_names), np.nan)
            episode._asked = replace(episode._asked, t_ns=t_ns, position=raving)

    episode.loops[2].run = spoilt
    limp = limp_ms(run)
    report = episode.run("wait 9")
    assert limp[0] <= 1080
    held = {"hangs": "target_stale", "raves": "target_malformed"}[way]
    assert set(report.faults) == {held, Fault.TARGET_LOST.name.lower()}
    assert report.outcome == "failed"
