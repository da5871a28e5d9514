"""The walker is judged by the physics of the whole robot: it stands, or it lies."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.errors import ContractError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import installed_policies, policy_folder
from yanshi.policies.contract_file import seal
from yanshi.policies.walker import (
    AT_REST,
    DEFAULT_WALKER,
    UPRIGHT,
    UpperBody,
    Velocity,
    Walker,
)
from yanshi.robots.g1.spec import G1

TICK_S = 0.02
STILL: Velocity = (0.0, 0.0, 0.0)


WALKERS = sorted({DEFAULT_WALKER, "g1_walk", "g1_walk_ppo"} & set(installed_policies()))
"""The walker of a run, ours, and the ready one that ours began as."""


@pytest.fixture(scope="module", params=WALKERS)
def walker(request: pytest.FixtureRequest) -> Walker:
    return Walker(G1, policy_folder(request.param))


class Rig:
    """A robot on an empty floor with a fresh walker."""

    def __init__(self, walker: Walker, seed: int = 0) -> None:
        self.simulation: Simulation = simulate("empty", seed)
        self.body = self.simulation.body
        self.walker = walker
        walker.reset(self.body.read())

    def walk(
        self,
        seconds: float,
        velocity: Velocity = STILL,
        upper_body: Callable[[float], UpperBody] = lambda t: AT_REST,
    ) -> list[JointTarget]:
        targets = []
        for tick in range(round(seconds / TICK_S)):
            target = self.walker.step(self.body.read(), velocity, upper_body(tick * TICK_S))
            self.body.write(target)
            self.body.advance(TICK_S)
            targets.append(target)
        return targets

    @property
    def position(self) -> np.ndarray:
        return self.body.data.body("pelvis").xpos.copy()

    @property
    def yaw(self) -> float:
        R = self.body.data.body("pelvis").xmat.reshape(3, 3)
        return float(np.arctan2(R[1, 0], R[0, 0]))


def arm_raised(t: float) -> UpperBody:
    names = {"right_shoulder_pitch": -1.4, "right_shoulder_roll": -0.3, "right_elbow": 1.3}
    return UpperBody(joints={G1.joint_index(n): a for n, a in names.items()})


def test_standing_stays_on_its_spot(walker: Walker):
    rig = Rig(walker)
    rig.walk(1.0)
    spot, yaw = rig.position, rig.yaw
    rig.walk(8.0)
    assert np.linalg.norm(rig.position - spot) < 0.03
    assert abs(rig.yaw - yaw) < 0.05
    assert rig.body.warnings() == 0


@pytest.mark.parametrize(
    ("velocity", "axis"), [((0.5, 0.0, 0.0), 0), ((-0.3, 0.0, 0.0), 0), ((0.0, 0.2, 0.0), 1)]
)
def test_walking_reaches_the_velocity_asked(walker: Walker, velocity: Velocity, axis: int):
    rig = Rig(walker)
    rig.walk(2.0, velocity)
    before, yaw = rig.position, rig.yaw
    rig.walk(3.0, velocity)
    cos, sin = np.cos(yaw), np.sin(yaw)
    dx, dy, _ = rig.position - before
    moved = (cos * dx + sin * dy, -sin * dx + cos * dy)[axis]
    assert moved / 3.0 == pytest.approx(velocity[axis], rel=0.25)


def test_turning_reaches_the_rate_asked_both_ways(walker: Walker):
    for rate in (0.6, -0.6):
        rig = Rig(walker)
        rig.walk(1.0, (0.0, 0.0, rate))
        yaw = rig.yaw
        rig.walk(2.0, (0.0, 0.0, rate))
        assert (rig.yaw - yaw) / 2.0 == pytest.approx(rate, rel=0.15)


def test_a_raised_arm_does_not_walk_the_robot_off(walker: Walker):
    rig = Rig(walker)
    rig.walk(1.0)
    spot = rig.position
    rig.walk(5.0, upper_body=arm_raised)
    shoulder = rig.body.read().joint_position[G1.joint_index("right_shoulder_pitch")]
    assert shoulder < -0.7
    assert np.linalg.norm((rig.position - spot)[:2]) < 0.05
    assert rig.position[2] > 0.67


def test_a_bow_leans_the_torso_and_comes_back(walker: Walker):
    rig = Rig(walker)
    rig.walk(1.0)
    rig.walk(3.0, upper_body=lambda t: UpperBody(posture=(UPRIGHT[0], min(0.52, 0.52 * t))))
    lean = np.arccos(rig.body.data.body("torso_link").xmat[8])
    rig.walk(2.5)
    after = np.arccos(rig.body.data.body("torso_link").xmat[8])
    assert np.rad2deg(lean) > 25.0
    assert np.rad2deg(after) < 5.0


def test_a_lean_and_an_angle_of_the_waist_add_up_for_a_walker_with_all_joints():
    """One that is told no posture leans by its waist: less, as the pelvis gives way."""
    waist = G1.joint_index("waist_pitch")

    def asked(upper_body: UpperBody) -> float:
        rig = Rig(Walker(G1, policy_folder("g1_walk_ppo")))
        return rig.walk(0.4, upper_body=lambda t: upper_body)[0].position[waist]

    lean = asked(UpperBody(posture=(UPRIGHT[0], 0.04))) - asked(AT_REST)
    both = asked(UpperBody(posture=(UPRIGHT[0], 0.04), waist={waist: 0.01})) - asked(AT_REST)
    assert 0.0 < lean < 0.04
    assert both == pytest.approx(lean + 0.01 * lean / (0.78 * 0.04), rel=1e-3)


def test_legs_are_never_lent(walker: Walker):
    rig = Rig(walker)
    knee = G1.joint_index("left_knee")
    targets = rig.walk(1.0, upper_body=lambda t: UpperBody(joints={knee: 2.5}))
    assert max(target.position[knee] for target in targets) < 1.2


def test_targets_stay_inside_the_joint_limits(walker: Walker):
    rig = Rig(walker)
    elbow = G1.joint_index("left_elbow")
    for target in rig.walk(1.5, (0.8, 0.0, 0.5), lambda t: UpperBody(joints={elbow: 9.0})):
        assert (target.position >= G1.limits.lower).all()
        assert (target.position <= G1.limits.upper).all()


def test_a_borrowed_arm_moves_without_a_jump_and_is_given_back(walker: Walker):
    rig = Rig(walker)
    rig.walk(1.0)
    shoulder = G1.joint_index("right_shoulder_pitch")
    targets = rig.walk(3.0, upper_body=lambda t: arm_raised(t) if t < 1.5 else AT_REST)
    track = np.array([target.position[shoulder] for target in targets])
    assert np.abs(np.diff(track)).max() < 0.12
    assert abs(track[-1] - G1.default_position[shoulder]) < 0.25


def test_a_new_reset_begins_where_the_joints_are(walker: Walker):
    rig = Rig(walker)
    rig.walk(1.0)
    state = rig.body.read()
    later = replace(state, t_ns=state.t_ns + 10**9)  # Somebody else drove for a second.
    target = walker.step(later, STILL)
    assert np.abs(target.position - later.joint_position)[:29].max() < 0.1


def test_the_same_states_give_the_same_targets(walker: Walker):
    def run() -> list[JointTarget]:
        return Rig(walker, seed=3).walk(1.0, (0.3, 0.0, 0.2))

    for one, other in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(one.position, other.position)


def test_gravity_is_seen_as_the_imu_reports_it(walker: Walker):
    """Upright, the network sees gravity straight down; pitched ahead, it gets an x part."""
    rig = Rig(walker)
    term = next(t for t in walker.contract.observation if t.name == "gravity")

    def seen(state: RobotState) -> np.ndarray:
        walker.reset(state)
        walker.step(state, STILL)
        return walker._network.observation[term.span].copy()

    state = rig.body.read()
    np.testing.assert_allclose(seen(replace(state, orientation_wxyz=[1, 0, 0, 0])), [0, 0, -1])
    half = 0.5 * np.deg2rad(20.0)
    pitched = replace(state, orientation_wxyz=[np.cos(half), 0.0, np.sin(half), 0.0])
    np.testing.assert_allclose(seen(pitched), [np.sin(2 * half), 0.0, -np.cos(2 * half)], atol=1e-6)


def with_firmness(folder: Path, value: float) -> Path:
    """Return a copy of our walker that holds its legs as firmly as told."""
    copied = Path(shutil.copytree(policy_folder("g1_walk"), folder))
    text = (copied / "policy.toml").read_text()
    changed = re.sub(r"firmness = [\d.]+", f"firmness = {value}", text)
    assert changed != text
    (copied / "policy.toml").write_text(changed)
    seal(copied)
    return copied


def test_legs_are_held_as_firmly_as_the_contract_says_and_arms_are_not(tmp_path: Path):
    body = simulate("empty", 0).body
    soft, firm = (
        Walker(G1, with_firmness(tmp_path / f"{value}", value)).step(body.read(), STILL)
        for value in (1.0, 1.1)
    )
    legs = G1.joint_indices(["left_hip_pitch", "right_knee", "left_ankle_roll", "waist_yaw"])
    arms = G1.joint_indices(["left_elbow", "right_wrist_yaw"])
    for name in ("stiffness", "damping"):
        before, after = getattr(soft, name), getattr(firm, name)
        np.testing.assert_allclose(after[legs], 1.1 * before[legs])
        np.testing.assert_allclose(after[arms], before[arms])


@pytest.mark.parametrize("value", [0.5, 2.0])
def test_a_firmness_that_nobody_has_tried_is_refused(tmp_path: Path, value: float):
    folder = with_firmness(tmp_path / "walker", value)
    with pytest.raises(ContractError, match=r"settings.firmness is .*\[0.8, 1.25\]"):
        Walker(G1, folder)
