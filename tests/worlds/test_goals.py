"""Goals, judged on a puppet whose motion is scripted."""

from collections.abc import Callable

import mujoco
import numpy as np
import pytest

from yanshi.core.errors import UnknownNameError
from yanshi.worlds import goals
from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.home import Home
from yanshi.worlds.things import PlacedThing
from yanshi.worlds.witness import Witness

TABLE = Place(
    name="table", centre=(2.0, 0.0), size=(0.6, 1.2), yaw=np.pi, height=0.8, has_surface=True
)

ARM = """
<body name="{side}_shoulder_roll_link" pos="0 {y} .3">
  <joint name="{side}_shoulder_pitch" axis="0 1 0"/>
  <joint name="{side}_shoulder_roll" axis="1 0 0"/>
  <geom type="capsule" fromto="0 0 0 0 0 -.2" size=".03"/>
  <body name="{side}_elbow_link" pos="0 0 -.2"><joint name="{side}_elbow" axis="0 1 0"/>
    <geom type="capsule" fromto="0 0 0 0 0 -.2" size=".03"/>
    <body name="{side}_wrist_yaw_link" pos="0 0 -.25"><geom type="sphere" size=".03"/></body>
  </body></body>"""

PUPPET = f"""
<mujoco><worldbody>
  <body name="red_cup" pos="1.9 .3 .85"><freejoint/><geom type="sphere" size=".04"/></body>
  <body name="person" pos="0 -2 0"><geom type="cylinder" size=".2 .8" pos="0 0 .8"/></body>
  <body name="pelvis" pos="0 0 .75"><freejoint name="base"/><geom type="sphere" size=".1"/>
    <body name="leg" pos="0 .1 0"><joint name="left_knee" axis="0 1 0"/>
      <geom type="capsule" fromto="0 0 0 0 0 -.6" size=".04"/></body>
    <body name="torso_link" pos="0 0 .1"><joint name="waist_pitch" axis="0 1 0"/>
      <geom type="box" size=".1 .1 .2" pos="0 0 .2"/>
      {ARM.format(side="left", y=0.15)}{ARM.format(side="right", y=-0.15)}
    </body></body>
</worldbody></mujoco>"""


class Puppet:
    """A robot that is put where the script says, sample by sample."""

    def __init__(self) -> None:
        self.model = mujoco.MjSpec.from_string(PUPPET).compile()
        self.data = mujoco.MjData(self.model)
        cup = PlacedThing(name="red cup", kind="cup", colour="red", body="red_cup", radius=0.05)
        plan = FloorPlan(name="test", size=(8.0, 8.0), places=(TABLE,), start=(0.0, 0.0, 0.0))
        home = Home(spec=mujoco.MjSpec(), floor_plan=plan, things=(cup,), person="person")
        self.witness = Witness(self.model, home)
        self.base = np.array([0.0, 0.0, 0.0])  # x, y, yaw

    def act(self, seconds: float, pose: Callable[[float], dict[str, float]]) -> "Puppet":
        """Play a pose as a function of time since its begin: base x, y, yaw, roll or joints."""
        steps = round(seconds / 0.02)
        for index in range(steps):
            self._put(pose(index * 0.02), pose((index + 1) * 0.02))
            self.data.time += 0.02
            self.witness.sample(self.data)
        last = pose(steps * 0.02)
        self.base = np.array([last.get(k, b) for k, b in zip("xya", self.base, strict=True)])
        return self

    def rest(self, seconds: float = 1.0) -> "Puppet":
        """Do nothing where it is."""
        return self.act(seconds, lambda t: {})

    def _put(self, now: dict[str, float], soon: dict[str, float]) -> None:
        data = self.data
        x, y, yaw = (now.get(k, b) for k, b in zip("xya", self.base, strict=True))
        root = self.model.joint("base").qposadr[0]
        quaternion, roll = np.zeros(4), np.zeros(4)
        mujoco.mju_axisAngle2Quat(quaternion, np.array([0.0, 0.0, 1.0]), yaw)
        mujoco.mju_axisAngle2Quat(roll, np.array([1.0, 0.0, 0.0]), now.get("roll", 0.0))
        mujoco.mju_mulQuat(quaternion, quaternion, roll)
        data.qpos[root : root + 7] = (x, y, now.get("z", 0.75), *quaternion)
        for index in range(self.model.njnt):
            joint = self.model.joint(index)
            if joint.type[0] != mujoco.mjtJoint.mjJNT_HINGE:
                continue
            angle = now.get(joint.name, 0.0)
            data.qpos[joint.qposadr[0]] = angle
            data.qvel[joint.dofadr[0]] = (soon.get(joint.name, 0.0) - angle) / 0.02
        mujoco.mj_kinematics(self.model, data)


def walk(x: float, y: float, seconds: float = 3.0, start=(0.0, 0.0)):
    """Script a straight walk from `start` to (x, y)."""
    return lambda t: {
        "x": start[0] + (x - start[0]) * min(t / seconds, 1.0),
        "y": start[1] + (y - start[1]) * min(t / seconds, 1.0),
    }


def swing(t: float, rate_hz: float = 1.5, size: float = 0.4) -> float:
    return size * float(np.sin(2.0 * np.pi * rate_hz * t))


def raised(t: float) -> dict[str, float]:
    """Elbow bent up, forearm swinging sideways."""
    return {"right_shoulder_pitch": -0.9, "right_elbow": -1.8, "right_shoulder_roll": swing(t)}


def test_stopping_before_the_table_is_near_it_and_facing_it():
    seen = Puppet().rest().act(3.0, walk(1.2, 0.0)).rest().witness
    assert goals.near("table", 0.6).is_met(seen)
    assert goals.facing("table").is_met(seen)
    assert not goals.near("table", 0.4).is_met(seen)
    assert not goals.near("person", 1.0).is_met(seen)


def test_walking_past_the_table_without_a_stop_is_not_being_near_it():
    seen = Puppet().act(6.0, walk(4.0, 0.9, 6.0)).rest().witness
    assert not goals.near("table", 0.6).is_met(seen)


def test_a_robot_with_its_back_to_the_person_does_not_face_it():
    puppet = Puppet().act(1.0, lambda t: {"a": t * np.pi / 2.0})
    assert not goals.facing("person").is_met(puppet.rest().witness)
    puppet.act(2.0, lambda t: {"a": np.pi / 2.0 - t * np.pi / 2.0}).rest()
    assert goals.facing("person").is_met(puppet.witness)


def aim(puppet: Puppet, target: np.ndarray) -> dict[str, float]:
    """Solve the right shoulder so that its straight arm points at a target."""
    shoulder = puppet.witness.shoulders[-1, 1]
    offset = target - shoulder
    roll = float(np.arcsin(offset[1] / np.linalg.norm(offset)))
    return {
        "right_shoulder_pitch": float(np.arctan2(-offset[0], -offset[2])),
        "right_shoulder_roll": roll,
    }


def test_a_straight_arm_at_the_cup_points_at_it_and_not_at_the_person():
    puppet = Puppet().rest()
    pose = aim(puppet, np.array([1.9, 0.3, 0.85]))
    puppet.act(1.0, lambda t: pose).rest()
    assert goals.pointed_at("red cup").is_met(puppet.witness)
    assert goals.pointed_at("table").is_met(puppet.witness)
    assert not goals.pointed_at("person").is_met(puppet.witness)


def test_pointing_for_a_moment_only_does_not_count():
    puppet = Puppet().rest()
    pose = aim(puppet, np.array([1.9, 0.3, 0.85]))
    assert not goals.pointed_at("red cup").is_met(puppet.act(0.3, lambda t: pose).rest().witness)


def test_pointing_twenty_degrees_beside_the_cup_does_not_count():
    puppet = Puppet().rest()
    pose = aim(puppet, np.array([1.9, 0.3, 0.85]))
    pose["right_shoulder_pitch"] -= np.deg2rad(20.0)
    assert not goals.pointed_at("red cup").is_met(puppet.act(1.0, lambda t: pose).witness)


def test_a_raised_swinging_hand_waves_and_a_hanging_one_does_not():
    assert goals.waved().is_met(Puppet().rest().act(3.0, raised).witness)
    hanging = Puppet().rest().act(3.0, lambda t: {"right_shoulder_roll": swing(t)})
    assert not goals.waved().is_met(hanging.witness)
    held = Puppet().rest().act(3.0, lambda t: {**raised(0.0)})
    assert not goals.waved().is_met(held.witness)


def lean(t: float, angle: float = 0.5) -> dict[str, float]:
    return {"waist_pitch": angle * float(np.clip(min(t, 4.0 - t), 0.0, 1.0))}


def test_leaning_ahead_and_coming_back_is_a_bow():
    assert goals.bowed().is_met(Puppet().rest().act(4.0, lean).rest().witness)


def test_a_small_or_unfinished_lean_is_no_bow():
    assert not goals.bowed().is_met(Puppet().rest().act(4.0, lambda t: lean(t, 0.25)).witness)
    assert not goals.bowed().is_met(Puppet().rest().act(2.0, lean).witness)


def jig(t: float) -> dict[str, float]:
    limbs = ("left_knee", "left_elbow", "right_elbow", "left_shoulder_roll", "right_shoulder_roll")
    return {name: swing(t, 1.0, 0.3) for name in limbs}


def test_arms_and_legs_in_motion_for_long_enough_are_a_dance():
    seen = Puppet().rest().act(8.0, jig).rest().witness
    assert goals.danced(5.0).is_met(seen)
    assert not goals.danced(12.0).is_met(seen)


def test_treading_with_one_arm_still_is_no_dance():
    def tread(t):
        return {name: angle for name, angle in jig(t).items() if "right" not in name}

    assert not goals.danced(3.0).is_met(Puppet().act(6.0, tread).witness)


def test_moving_one_arm_alone_or_marching_off_is_no_dance():
    assert not goals.danced(3.0).is_met(Puppet().act(6.0, raised).witness)
    marching = Puppet().act(6.0, lambda t: {**jig(t), "x": t}).witness
    assert not goals.danced(5.0).is_met(marching)


@pytest.mark.parametrize("angle", [90.0, -45.0, 180.0, -180.0])
def test_a_turn_counts_with_its_sign_and_half_a_turn_without(angle):
    seen = Puppet().rest().act(2.0, lambda t: {"a": t / 2.0 * np.deg2rad(angle)}).rest().witness
    assert goals.turned(angle).is_met(seen)
    assert goals.turned(-angle).is_met(seen) is (abs(angle) == 180.0)
    assert not goals.turned(angle / 2.0).is_met(seen)


def test_a_full_turn_is_a_look_around():
    assert goals.looked_around().is_met(Puppet().act(6.0, lambda t: {"a": t}).witness)
    assert not goals.looked_around().is_met(Puppet().act(3.0, lambda t: {"a": t}).witness)


def test_a_move_is_measured_along_the_heading_at_its_begin():
    puppet = Puppet().act(1.0, lambda t: {"a": np.pi / 2.0 * t}).rest()
    puppet.act(2.0, lambda t: {"y": t / 2.0}).rest()
    begun_s = 2.0
    assert goals.moved(1.0).met_at(puppet.witness, begun_s) is not None
    assert goals.moved(0.0, 1.0).met_at(puppet.witness, begun_s) is None
    assert goals.moved(0.5).met_at(puppet.witness, begun_s) is None


def test_standing_still_allows_sway_and_no_step():
    sway = Puppet().act(5.0, lambda t: {"x": swing(t, 0.5, 0.03)}).witness
    assert goals.stood_still().is_met(sway)
    assert not goals.stood_still().is_met(Puppet().act(3.0, walk(0.5, 0.0)).witness)


def test_lying_on_the_side_or_low_is_a_fall():
    assert not Puppet().rest().witness.has_fallen
    assert Puppet().act(1.0, lambda t: {"roll": 1.6 * t}).witness.has_fallen
    assert Puppet().act(1.0, lambda t: {"z": 0.75 - 0.4 * t}).witness.has_fallen


def test_who_got_up_again_has_fallen_and_is_not_down():
    puppet = Puppet().act(1.0, lambda t: {"roll": 1.6 * t})
    assert puppet.witness.is_down
    puppet.act(1.0, lambda t: {"roll": 0.0})
    assert puppet.witness.has_fallen
    assert not puppet.witness.is_down


def test_goals_in_order_are_not_met_by_the_other_order():
    puppet = Puppet().rest().act(3.0, raised).rest().act(3.0, walk(1.2, 0.0)).rest()
    wave_first = goals.in_order(goals.waved(), goals.near("table", 0.6))
    walk_first = goals.in_order(goals.near("table", 0.6), goals.waved())
    assert wave_first.is_met(puppet.witness)
    assert not walk_first.is_met(puppet.witness)
    assert goals.all_of(goals.near("table", 0.6), goals.waved()).is_met(puppet.witness)


def test_an_unknown_target_is_refused_with_the_known_names():
    with pytest.raises(UnknownNameError, match="Did you mean 'red cup'.*person, red cup, table"):
        goals.near("red cap", 1.0).is_met(Puppet().rest().witness)
