"""The ground on which walkers are tried: arms, loads, pushes and the judge's own senses."""

import math
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from yanshi.bench.proving_ground import (
    ARMS,
    STILL,
    TICK_S,
    Arms,
    Contender,
    ProvingGround,
    add_load,
    choose_contenders,
    find_contender,
    wrap,
)
from yanshi.core.errors import ConfigError, UnknownNameError
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1

READY = "g1_walk_ppo"


@pytest.fixture(scope="module")
def contender() -> Contender:
    return find_contender(READY)


def ground_of(contender: Contender, seed: int = 0, **options) -> ProvingGround:
    return ProvingGround(contender, np.random.default_rng(seed), **options)


def test_arms_wander_over_most_of_their_range_no_faster_than_told():
    arms = Arms(np.random.default_rng(0))
    track = np.array([list(arms.step().values()) for _ in range(5000)])
    assert np.abs(np.diff(track, axis=0)).max() <= arms.speed_max * TICK_S + 1e-12
    lower, upper = G1.limits.lower[ARMS], G1.limits.upper[ARMS]
    assert (track >= 0.66 * lower).all()
    assert (track <= 0.66 * upper).all()
    assert (np.ptp(track, axis=0) > 0.6 * (upper - lower)).all()
    assert len(ARMS) == 14


def test_the_motors_are_told_where_the_arms_wander_whoever_tells_them(contender: Contender):
    for way, most in ((contender, 0.05), (replace(contender, is_bare=True), 1e-9)):
        ground = ground_of(way)
        motors = [ground.model.actuator(G1.joint_names[joint]).id for joint in ARMS]
        for tick in range(100):
            ground.tick(STILL)
            if tick >= 50:  # A clad walker lends the arms within half a second.
                assert np.abs(ground.data.ctrl[motors] - ground.arms.angle).max() < most


def test_a_bare_walker_sees_arms_that_it_did_not_move_and_a_clad_one_does_not(
    contender: Contender,
):
    def arms_seen(way: Contender) -> float:
        ground = ground_of(way)
        for _ in range(75):
            ground.tick(STILL)
        contract = ground.walker.contract
        term = next(t for t in contract.observation if t.name == "joint_position")
        seen = ground.walker._network.observation[term.span]
        is_arm = np.isin(G1.joint_indices(contract.joint_names), ARMS)
        return float(np.abs(seen[is_arm]).max())

    assert arms_seen(contender) < 0.01
    assert arms_seen(replace(contender, is_bare=True)) > 0.2


def test_a_load_moves_the_robot_as_a_mass_welded_into_the_palm_would():
    loaded = load_g1(with_looks=False).compile()
    for hand in G1_LINKS.hands:
        add_load(loaded, hand, 2.0)
    spec = load_g1(with_looks=False)
    for hand in G1_LINKS.hands:
        thing = spec.body(hand).add_body(pos=G1_LINKS.palm)
        thing.explicitinertial, thing.mass = True, 2.0
        thing.inertia, thing.ipos = [1e-9] * 3, [0.0] * 3
    welded = spec.compile()
    rng = np.random.default_rng(0)
    qpos = loaded.qpos0 + rng.normal(0.0, 0.4, loaded.nq)
    found = []
    for model in (loaded, welded):
        data = mujoco.MjData(model)
        data.qpos[:] = qpos
        mujoco.mj_forward(model, data)
        found.append((dense_inertia(model, data), data.qfrc_bias.copy()))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-5)


def dense_inertia(model, data):
    M = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, M)
    return M


def test_a_push_gives_the_robot_its_impulse(contender: Contender):
    ground = ground_of(contender)
    ground.model.opt.gravity[:] = 0.0
    ground.data.qpos[2] = 3.0
    force = np.array([200.0, -100.0, 50.0])
    ground.push(ground.model.body(G1_LINKS.torso).id, force)
    for _ in range(5):
        ground.tick(STILL)
    mujoco.mj_subtreeVel(ground.model, ground.data)
    momentum = ground.data.subtree_linvel[1] * ground.model.body_mass.sum()
    np.testing.assert_allclose(momentum, force * 5 * TICK_S, rtol=0.03)


@pytest.mark.parametrize(
    ("height", "tilt_deg", "asked", "has_fallen"),
    [
        (0.75, 0.0, 0.74, False),
        (0.75, 55.0, 0.74, False),
        (0.75, 65.0, 0.74, True),
        (0.29, 0.0, 0.74, True),
        (0.29, 0.0, 0.45, False),
        (0.24, 0.0, 0.45, True),
        (math.nan, 0.0, 0.74, True),
    ],
)
def test_a_fall_is_a_low_or_a_tilted_pelvis(
    contender: Contender, height: float, tilt_deg: float, asked: float, has_fallen: bool
):
    ground = ground_of(contender)
    half = 0.5 * math.radians(tilt_deg)
    ground.data.qpos[2] = height
    ground.data.qpos[3:7] = (math.cos(half), math.sin(half) * 0.6, math.sin(half) * 0.8, 0.0)
    ground.posture = (asked, 0.0)
    assert ground.has_fallen is has_fallen


def test_the_way_to_a_pose_is_told_in_the_robots_own_axes(contender: Contender):
    ground = ground_of(contender)
    half = 0.5 * np.deg2rad(90.0)
    ground.data.qpos[:2] = (2.0, 1.0)  # Facing along y: ahead is +y, left is -x.
    ground.data.qpos[3:7] = (math.cos(half), 0.0, 0.0, math.sin(half))
    error = ground.error_to(np.array([0.5, 4.0, np.deg2rad(-170.0)]))
    np.testing.assert_allclose(error, [3.0, 1.5, np.deg2rad(100.0)], atol=1e-9)
    assert wrap(math.pi + 0.1) == pytest.approx(-math.pi + 0.1)


def test_soles_are_on_the_floor_where_the_robot_stands_and_leave_it_when_lifted(
    contender: Contender,
):
    ground = ground_of(contender)
    for _ in range(50):
        ground.tick(STILL)
    soles = list(ground.soles)
    assert [len(sole) for sole in soles] == [4, 4]
    assert all(abs(ground.lowest(sole)) < 0.003 for sole in soles)
    ground.data.qpos[2] += 0.05
    mujoco.mj_kinematics(ground.model, ground.data)
    assert all(ground.lowest(sole) == pytest.approx(0.05, abs=0.003) for sole in soles)


def test_the_torso_pitch_is_positive_leaning_ahead(contender: Contender):
    ground = ground_of(contender)
    half = 0.5 * 0.3
    ground.data.qpos[3:7] = (math.cos(half), 0.0, math.sin(half), 0.0)
    mujoco.mj_kinematics(ground.model, ground.data)
    assert ground.torso_pitch == pytest.approx(0.3, abs=1e-6)


def test_walkers_are_found_by_name_or_folder_and_asked_for_once(tmp_path: Path):
    assert [c.name for c in choose_contenders([READY, f"{READY}:bare", READY])] == [
        READY,
        f"{READY} bare",
    ]
    everybody = {c.name: c for c in choose_contenders()}
    assert {READY, f"{READY} bare", "g1_walk_fastsac", "g1_walk_fastsac bare"} <= everybody.keys()
    assert not everybody[READY].is_ours
    folder = find_contender(READY).folder
    copy = tmp_path / "mine"
    copy.mkdir()
    (copy / "policy.toml").write_text((folder / "policy.toml").read_text())
    mine = find_contender(str(copy))
    assert mine.is_ours
    assert not find_contender(f"{copy}:bare").is_ours
    assert mine.fingerprint == everybody[READY].fingerprint


def test_a_walker_that_is_not_there_or_not_readable_is_refused(tmp_path: Path):
    with pytest.raises(UnknownNameError, match="Did you mean 'g1_walk_ppo'"):
        find_contender("g1_walk_pop")
    (tmp_path / "policy.toml").write_text("robot = ")
    with pytest.raises(ConfigError):
        find_contender(str(tmp_path))
