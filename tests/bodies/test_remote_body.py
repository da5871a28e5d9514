"""A body in another process: what is sent and felt gets across, and silence makes it limp."""

import numpy as np
import pytest

from yanshi.bodies.push import Pusher, read_push
from yanshi.bodies.remote_body import HostedBody, Limp, Lines, RemoteBody
from yanshi.bodies.simulation import simulate
from yanshi.core.clock import ManualClock
from yanshi.core.errors import BodyError
from yanshi.core.messages import JointTarget
from yanshi.safety.faults import Fault

MS = 1_000_000
START_NS = 7_000 * MS


class Pair:
    """Both sides in one process, on a clock that moves by hand."""

    def __init__(self) -> None:
        self.there, self.here = simulate("empty", 1).body, simulate("empty", 1).body
        self.clock = ManualClock(START_NS)
        self.lines = Lines.of(self.there)
        self.hosted = HostedBody(self.there, self.lines)
        self.remote = RemoteBody(self.here, self.lines, self.clock)

    def begin(self) -> None:
        self.remote.begin(START_NS)
        self.lines.watch.write(START_NS)

    def hold(self) -> JointTarget:
        robot = self.here.robot
        return JointTarget(
            t_ns=0,
            position=robot.default_position + 0.01,
            stiffness=robot.stiffness,
            damping=robot.damping,
        )

    def pass_time(self, ms: int, *, writes: bool = True, watches: bool = True) -> None:
        for _ in range(ms // 2):
            self.clock.t_ns += 2 * MS
            self.remote.advance(0.002)
            if writes:
                self.remote.write(self.hold())
            if watches:
                self.lines.watch.write(self.clock.t_ns)
            self.hosted.tick(self.clock.t_ns)

    def why(self) -> float:
        into = np.zeros(1)
        assert self.lines.limp.read(into)
        return into[0]

    @property
    def is_limp(self) -> bool:
        return not self.there.model.actuator_gainprm[self.there._motor, 0].any()


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_before_the_run_begins_the_robot_stands_where_it_is(pair):
    state = pair.remote.read()
    assert state.t_ns == 0
    np.testing.assert_allclose(state.joint_position, pair.here.robot.default_position, atol=2e-3)
    assert pair.remote.missing() is None


def test_what_is_felt_there_is_read_here(pair):
    pair.begin()
    pair.pass_time(100)
    state = pair.remote.read()
    there = pair.there
    assert state.t_ns == 100 * MS
    np.testing.assert_allclose(state.joint_position, there.data.qpos[there._qpos], atol=2e-3)
    np.testing.assert_allclose(state.joint_velocity, there.data.qvel[there._dof], atol=0.1)
    np.testing.assert_array_equal(state.joint_torque, there.data.actuator_force[there._motor])
    np.testing.assert_allclose(np.linalg.norm(state.orientation_wxyz), 1.0)
    assert abs(state.acceleration[2] - 9.8) < 3.0
    np.testing.assert_array_equal(pair.here.data.qpos, there.data.qpos)
    torso = there.model.body("torso_link").id
    np.testing.assert_allclose(pair.here.data.xpos[torso], there.data.xpos[torso], atol=0.01)
    assert pair.remote.warnings() == 0


def test_nothing_is_measured_later_than_the_tick_that_reads_it(pair):
    pair.begin()
    pair.pass_time(20)
    pair.clock.t_ns += 6 * MS
    pair.hosted.tick(pair.clock.t_ns)  # The loop is late, the world is not.
    assert pair.remote.read().t_ns == 20 * MS


def test_targets_get_there_with_their_gains(pair):
    pair.begin()
    pair.pass_time(2)
    there, target = pair.there, pair.hold()
    np.testing.assert_array_equal(there.data.ctrl[there._motor], target.position)
    stiffness = there.model.actuator_gainprm[there._motor, 0]
    np.testing.assert_array_equal(stiffness, target.stiffness)
    pair.remote.stop()
    pair.hosted.tick(pair.clock.t_ns)
    assert pair.is_limp
    np.testing.assert_array_equal(
        -there.model.actuator_biasprm[there._motor, 2], there.robot.damping
    )
    assert not pair.lines.limp.t_ns  # On order, which is none of the body's own doing.


def test_a_push_gets_there_and_ends(pair):
    pair.begin()
    pusher = Pusher(pair.remote, [read_push("10@0.02:left")], "torso_link")
    torso = pair.there.model.body("torso_link").id
    pushed = []
    for tick in range(10):
        pusher.tick(20 * MS * tick)
        pair.pass_time(20)
        pushed.append(bool(pair.there.data.xfrc_applied[torso].any()))
    assert pushed == [False, *(5 * [True]), *(4 * [False])]


def test_without_a_target_for_50_ms_the_body_goes_limp_for_good_and_says_so(pair):
    pair.begin()
    pair.pass_time(20)
    pair.pass_time(50, writes=False)
    assert not pair.is_limp
    assert pair.remote.missing() is None
    pair.pass_time(2, writes=False)
    assert pair.is_limp
    assert pair.why() == Limp.SILENCE
    pair.pass_time(20)
    assert pair.is_limp
    assert pair.lines.limp.t_ns == START_NS + 72 * MS
    assert pair.remote.missing() is Fault.BODY_LIMP


def test_on_the_word_of_the_watch_the_body_goes_limp_within_a_tick(pair):
    pair.begin()
    pair.pass_time(20)
    pair.lines.damp.write(pair.clock.t_ns)
    pair.pass_time(2)
    assert pair.is_limp
    assert pair.why() == Limp.WATCH
    assert pair.lines.limp.t_ns == pair.clock.t_ns


def test_a_watch_that_is_silent_for_60_ms_is_missed(pair):
    pair.begin()
    pair.pass_time(200)
    pair.pass_time(60, watches=False)
    assert pair.remote.missing() is None
    pair.pass_time(2, watches=False)
    assert pair.remote.missing() is Fault.WATCH_LOST
    pair.pass_time(20)
    assert pair.remote.missing() is Fault.WATCH_LOST


def test_a_body_that_has_told_nothing_is_none(pair):
    with pytest.raises(BodyError, match="told nothing"):
        RemoteBody(simulate("empty", 1).body, Lines.of(pair.there))
