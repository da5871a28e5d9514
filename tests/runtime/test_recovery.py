"""Falls in physics: noticed in time, never imagined, and got up from."""

from dataclasses import replace

import numpy as np
import pytest
from tests.skills.rig import WALKER, Rig

from yanshi.bodies.push import Pusher, read_push
from yanshi.core.messages import JointTarget
from yanshi.policies.contract import installed_policies
from yanshi.policies.lander import DEFAULT_LANDER
from yanshi.policies.riser import DEFAULT_RISER
from yanshi.policies.walker import UpperBody, Velocity
from yanshi.runtime.recovery import FALLEN, Recovery, Stage
from yanshi.skills.getup import Getup

TICK_S = 0.02
LOST_UP, LOST_M = np.cos(np.deg2rad(50.0)), 0.36
"""No robot that leaned further or sank lower came back by itself; see `senses.balance`."""
can_land = pytest.mark.skipif(
    DEFAULT_LANDER not in installed_policies(), reason="no policy for falling is here"
)
can_rise = pytest.mark.skipif(
    DEFAULT_RISER not in installed_policies(), reason="no policy for getting up is here"
)


class Tumble:
    """A robot that walks, is pushed, and recovers if it knows how."""

    def __init__(self, push: str = "", *, knows_how: bool = False) -> None:
        self.rig = Rig()
        if knows_how:
            Getup.prepare(self.rig.tools)
        self.recovery = Recovery(self.rig.tools)
        pushes = [read_push(push)] if push else []
        self.pusher = Pusher(self.rig.body, pushes, "torso_link")
        self.believed = np.zeros(2)
        """Where the robot believes to be on the map."""
        self.position_sd = 0.0
        """How unsure it is of that, m."""
        self.lost_s = self.noticed_s = np.nan
        self.sent: JointTarget | None = None
        self.jump = 0.0
        """The largest change of a target in the tick in which the walker takes over."""

    @property
    def time_s(self) -> float:
        return float(self.rig.body.data.time)

    def run(
        self, seconds: float, velocity: Velocity = (0.0, 0.0, 0.0), upper: UpperBody | None = None
    ) -> None:
        """Go on for a while, or until the robot stays down."""
        body, pelvis = self.rig.body, self.rig.body.data.body("pelvis")
        for _ in range(round(seconds / TICK_S)):
            self.pusher.tick(round(self.time_s * 1e9))
            if np.isnan(self.lost_s) and (pelvis.xmat[8] < LOST_UP or pelvis.xpos[2] < LOST_M):
                self.lost_s = self.time_s
            state = body.read()
            base = self.rig.odometry.update(state, has_feet=self.recovery.has_feet)
            base = replace(base, position_sd=self.position_sd)
            self.believed = base.position[:2]
            percept = self.rig.percept_of(state, base)
            had_feet = self.recovery.has_feet
            target = self.recovery.tick(percept)
            if self.recovery.falls and np.isnan(self.noticed_s):
                self.noticed_s = self.time_s
            if self.recovery.stage is Stage.DOWN:
                body.stop()
            else:
                target = target or WALKER.step(state, velocity, upper or UpperBody())
                if self.recovery.has_feet and not had_feet and self.sent:
                    self.jump = float(np.abs(target.position - self.sent.position).max())
                self.sent = target
                body.write(target)
            body.advance(TICK_S)


@pytest.mark.parametrize(
    "push", ["90@1.5:ahead", "90@1.7:left", "90@1.6:back", "90@1.8:right", "65@1.6:30"]
)
def test_a_push_that_fells_is_noticed_within_200_ms_of_no_return(push):
    tumble = Tumble(push)
    tumble.run(3.5, (0.4, 0.0, 0.0))
    assert tumble.lost_s > 1.5
    assert tumble.noticed_s - tumble.lost_s < 0.2
    assert len(tumble.recovery.falls) == 1


def test_pushes_that_are_survived_are_no_falls():
    for push in ("30@1.5:left", "30@1.6:back", "18@1.7:ahead"):
        tumble = Tumble(push)
        tumble.run(4.0, (0.3, 0.0, 0.0))
        assert tumble.rig.is_up
        assert tumble.recovery.falls == []


def test_turning_sharply_squatting_and_leaning_are_no_falls():
    tumble = Tumble()
    tumble.run(2.0, (0.6, 0.0, 0.8))
    tumble.run(1.5, (-0.4, 0.2, -0.8))
    tumble.run(2.5, upper=UpperBody(posture=(0.74, 0.54)))
    tumble.run(3.0, upper=UpperBody(posture=(0.45, 0.7)))
    tumble.run(3.0)
    assert tumble.rig.is_up
    assert tumble.recovery.falls == []


@pytest.mark.parametrize("skill", ["dance", "bow", "wave"])
def test_no_skill_of_ours_looks_like_a_fall(rig: Rig, skill):
    recovery = Recovery(rig.tools)
    rig.stand(0.5)

    def watch(rig: Rig) -> None:
        assert recovery.tick(rig.percept_of(rig.body.read(), rig.base)) is None

    assert rig.do(skill, watch=watch).kind == "done"
    assert recovery.falls == []


def test_a_robot_that_never_learnt_to_get_up_stays_down_limp():
    tumble = Tumble("90@1:left")
    tumble.run(7.0)  # It lands first, for 0.7 s, and comes to rest later for it.
    assert tumble.recovery.stage is Stage.DOWN
    assert not tumble.recovery.has_feet
    assert np.abs(tumble.rig.body.read().joint_velocity).max() < 0.5


def falling(*, knows_how: bool = True) -> Tumble:
    """Return a robot whose fall has just become certain."""
    tumble = Tumble("90@1:left", knows_how=knows_how)
    while not tumble.recovery.falls:
        tumble.run(TICK_S)
    assert tumble.recovery.stage is Stage.LANDING
    return tumble


@can_rise
@can_land
def test_a_fall_is_landed_for_a_moment_and_then_lain_limp():
    tumble = falling()
    assert not tumble.recovery.has_feet
    for _ in range(30):
        assert tumble.sent is not None
        assert tumble.sent.stiffness.min() > 0.0
        tumble.run(TICK_S)
    tumble.run(0.3)
    assert tumble.recovery.stage is Stage.RISING
    assert tumble.recovery.falls[0].tries == 0
    assert not tumble.sent.stiffness.any()


@can_land
@pytest.mark.parametrize("knows_how", [True, False])
def test_a_stop_in_mid_air_does_not_keep_the_robot_from_landing(knows_how):
    tumble = falling(knows_how=knows_how)
    tumble.recovery.stay_down()
    tumble.run(0.4)
    assert tumble.recovery.stage is Stage.LANDING
    for _ in range(20):
        tumble.run(TICK_S)
        tumble.recovery.stay_down()
    assert tumble.recovery.stage is Stage.DOWN


@can_land
def test_who_cannot_be_balanced_goes_limp_in_mid_air():
    tumble = falling()
    tumble.recovery.go_limp()
    tumble.run(0.1)
    assert tumble.recovery.stage is Stage.DOWN


@can_rise
@can_land
def test_a_lander_that_asks_for_nonsense_is_left_and_the_robot_limp(monkeypatch):
    tumble = falling()
    lander = tumble.recovery._lander
    nonsense = JointTarget(
        t_ns=0,
        position=np.full_like(lander.stiffness, np.nan),
        stiffness=lander.stiffness,
        damping=lander.damping,
    )
    monkeypatch.setattr(lander, "step", lambda state: nonsense)
    tumble.run(TICK_S)
    assert tumble.recovery.stage is Stage.RISING
    assert not tumble.sent.stiffness.any()


@can_rise
@pytest.mark.parametrize("push", ["90@1:left", "90@1:ahead", "90@1:back"])
def test_a_robot_that_was_felled_stands_again_and_hands_over_without_a_jump(push):
    tumble = Tumble(push, knows_how=True)
    for _ in range(45):
        tumble.run(1.0)
        if tumble.recovery.falls and tumble.recovery.stage not in FALLEN:
            break
    assert tumble.recovery.stage is Stage.UPRIGHT
    (fall,) = tumble.recovery.falls
    assert fall.tries >= 1
    assert fall.end_ns is not None
    tumble.run(3.0)
    assert tumble.rig.is_up
    assert len(tumble.recovery.falls) == 1
    assert tumble.jump < 0.17  # What the rise itself may change a target by in a tick.
    assert tumble.rig.body.warnings() == 0


@can_rise
@pytest.mark.parametrize("ending", ["found", "told to stop", "felled again"])
def test_back_on_its_feet_who_is_lost_looks_round_before_the_plan_goes_on(ending):
    tumble = Tumble("90@1:left", knows_how=True)
    tumble.position_sd = 0.5
    for _ in range(450):
        tumble.run(0.1)
        if tumble.recovery.stage is Stage.LOOKING:
            break
    (fall,) = tumble.recovery.falls
    assert fall.end_ns is not None
    assert tumble.recovery.has_feet
    yaw = tumble.rig.yaw
    tumble.run(2.5)
    assert tumble.recovery.stage is Stage.LOOKING
    assert 0.3 < (tumble.rig.yaw - yaw) % (2.0 * np.pi) < 2.0
    if ending == "felled again":
        soon = read_push(f"90@{tumble.time_s + 0.1:.2f}:left")
        tumble.pusher = Pusher(tumble.rig.body, [soon], "torso_link")
        tumble.run(1.5)
        assert len(tumble.recovery.falls) == 2
        assert tumble.recovery.stage is Stage.RISING
        return
    if ending == "found":
        tumble.position_sd = 0.05
    else:
        tumble.recovery.stay_down()
    tumble.run(0.1)
    assert tumble.recovery.stage is Stage.UPRIGHT
    assert tumble.rig.is_up


@can_rise
@pytest.mark.parametrize("push", ["70@1:left", "70@1:back"])
def test_a_fall_and_a_rise_are_followed_on_the_map(push):
    tumble = Tumble(push, knows_how=True)
    while not tumble.recovery.falls:
        tumble.run(TICK_S)
    start, believed = tumble.rig.position, tumble.believed.copy()
    while not tumble.recovery.has_feet:
        tumble.run(TICK_S)
    moved = tumble.rig.position - start
    assert np.linalg.norm(tumble.believed - believed - moved) < 0.5


@can_rise
def test_told_to_stop_it_stays_down_and_told_to_stop_on_its_feet_it_stands():
    tumble = Tumble("90@1:left", knows_how=True)
    tumble.run(2.4)
    assert tumble.recovery.stage is Stage.RISING
    tumble.recovery.stay_down()
    tumble.run(3.0)
    assert tumble.recovery.stage is Stage.DOWN
    assert not tumble.rig.is_up
    assert np.abs(tumble.rig.body.read().joint_velocity).max() < 0.5


@can_rise
def test_after_three_tries_it_stays_down(monkeypatch):
    tumble = Tumble("90@1:left", knows_how=True)
    riser = tumble.rig.tools.shared["riser"]
    monkeypatch.setattr(riser, "is_up", lambda state: False)
    monkeypatch.setattr(type(riser), "elapsed_s", 99.0)  # Its time is always over.
    for _ in range(20):
        tumble.run(1.0)
        if tumble.recovery.stage is Stage.DOWN:
            break
    assert tumble.recovery.stage is Stage.DOWN
    assert tumble.recovery.falls[0].tries == 3
    assert tumble.recovery.falls[0].end_ns is None
