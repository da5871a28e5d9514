"""The walker's task: what it shows, how it strikes and when it becomes harder."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from yanshi.policies.ease import EaseConfig
from yanshi.train.g1_fleet import JOINTS, Variety, mirror_of_joints
from yanshi.train.standing import Standing
from yanshi.train.walk import ARMS, OWN, PRIVATE, RECOVERY_S, TERMS, WalkConfig, WalkTask

PLAIN = Variety(models=1, mass=0.0, strength=0.0, friction=(0.8, 0.8), loaded_share=0.0)
CALM = WalkConfig(robots=4, threads=1, variety=PLAIN, noise={}, calm_share=1.0)


def term(seen, name, terms=PRIVATE, start=TERMS[-1].stop):
    found = next(t for t in terms if t.name == name)
    return seen[:, start + found.start : start + found.start + found.width] / found.scale


def mirrored_pose(state):
    """Return what a fleet's state looks like in a mirror that swaps left and right."""
    twin, sign = mirror_of_joints(JOINTS)
    n = len(JOINTS)
    time, place, quat, joints, velocity, spin, rates = np.split(
        state, np.cumsum([1, 3, 4, n, 3, 3]), axis=1
    )
    return np.concatenate(
        [
            time,
            place * (1, -1, 1),
            quat * (1, -1, 1, -1),
            joints[:, twin] * sign,
            velocity * (1, -1, 1),
            spin * (-1, 1, -1),
            rates[:, twin] * sign,
        ],
        axis=1,
    )


def test_a_mirrored_robot_sees_its_twin_s_world_in_the_mirror():
    rng = np.random.default_rng(0)
    here, there = WalkTask(CALM, 0), WalkTask(CALM, 0)
    joints = slice(8, 8 + len(JOINTS))
    state = np.tile(here.fleet.reference, (4, 1))
    state[:, joints] += rng.normal(0.0, 0.1, (4, len(JOINTS)))
    state[:, 8 + len(JOINTS) :] = rng.normal(0.0, 0.3, (4, state.shape[1] - 8 - len(JOINTS)))
    twin, sign = mirror_of_joints(JOINTS)
    arm_twin, arm_sign = mirror_of_joints(JOINTS[OWN:])
    everyone = np.arange(4)
    arm = here._default[OWN:] + rng.normal(0.0, 0.3, (4, ARMS))
    action = rng.normal(0.0, 0.5, (4, OWN))
    blow, command = rng.normal(0.0, 100.0, (4, 3)), rng.normal(0.0, 0.3, (4, 3))
    links = here._links[[3, 9, 12, 20]]
    other_links = here._links[twin[[3, 9, 12, 20]]]
    for task, mirrored in ((here, False), (there, True)):
        own_twin, own_sign = mirror_of_joints(JOINTS[:OWN])
        task.fleet.place(everyone, mirrored_pose(state) if mirrored else state, task._target)
        for _ in range(2):  # So that the sensors show it.
            mujoco_forward(task)
        task._arm[:] = (arm[:, arm_twin] * arm_sign) if mirrored else arm
        task._action[:] = (action[:, own_twin] * own_sign) if mirrored else action
        task._blow[:] = blow * ((1, -1, 1) if mirrored else 1)
        task._blow_link[:] = other_links if mirrored else links
        task._blow_at[:] = task._tick + 10
        task._blow_ticks[:] = 5
        turned = command * ((1, -1, -1) if mirrored else 1)
        task._command[:, :3] = task._wish[:, :3] = turned
        task._order_ends[:] = task._tick + 30
        task._phase[:] = [(1.0, 2.0), (0.5, -0.5), (3.0, 0.0), (-2.0, 1.0)]
        if mirrored:
            task._phase[:] = task._phase[:, ::-1].copy()
        task._seen.start(everyone)
    seen, valued = here._look()
    twin_seen, twin_valued = there._look()
    for mirror, mine, other in (
        (here.actor_mirror, seen, twin_seen),
        (here.critic_mirror, valued, twin_valued),
    ):
        where, signs = mirror
        np.testing.assert_allclose(mine[:, where] * signs, other, atol=2e-5)


def mujoco_forward(task):
    """Let the sensors show the state that each robot was placed in."""
    model = task.fleet.model
    data = mujoco.MjData(model)
    for robot, state in enumerate(task.fleet.state):
        mujoco.mj_setState(
            model, data, np.append(state, []), int(mujoco.mjtState.mjSTATE_FULLPHYSICS)
        )
        mujoco.mj_forward(model, data)
        task.fleet.sensors[robot] = data.sensordata


def test_the_critic_alone_foresees_a_blow_and_the_blow_lasts_as_long_as_said():
    task = WalkTask(replace(CALM, calm_share=0.0, blow_every_s=(1.0, 1.0)), 1)
    task.level = 0.3
    width = task.actor_width
    lasted = np.zeros(4, dtype=int)
    foreseen = np.zeros(4)
    for _ in range(250):
        _, valued = task.observe()
        near, left = term(valued, "blow_near")[:, 0], term(valued, "blow_left")[:, 0]
        was_struck = np.abs(task._forces).sum(axis=(1, 2)) > 0.0
        task.step(np.zeros((4, OWN), np.float32))
        is_struck = np.abs(task._forces).sum(axis=(1, 2)) > 0.0
        begins = is_struck & ~was_struck & (task._tick > 0)
        # Whoever is struck now was told so up to a second before, ever more surely.
        assert (near[begins] == 1.0).all()
        lasted[begins] = np.round(left[begins]).astype(int)
        lasted[is_struck] -= 1
        ends = was_struck & ~is_struck & (task._tick > 1)
        assert (lasted[ends] == 0).all()
        foreseen = np.maximum(foreseen, near)
    assert valued.shape[1] == width + PRIVATE[-1].stop
    assert (foreseen == 1.0).all()


def test_a_blow_pushes_the_link_that_it_says():
    task = WalkTask(CALM, 2)
    task._blow_at[:] = task._tick
    task._blow[:], task._blow_ticks[:] = (0.0, 120.0, 0.0), 3
    task._blow_link[:] = task.fleet.model.body("torso_link").id
    before = task.fleet.velocity[:, 1].copy()
    task.observe()
    task.step(np.zeros((4, OWN), np.float32))
    gained = task.fleet.velocity[:, 1] - before
    mass = task.fleet.model.body_mass.sum()
    # 120 N for 20 ms; the torso goes first, the pelvis follows, the feet stay.
    assert (gained > 0.2 * 120.0 * 0.02 / mass).all()


def test_so_many_episodes_as_said_are_calm_and_the_others_have_blows():
    task = WalkTask(replace(CALM, robots=256, calm_share=0.25), 5)
    longest = round(task.config.episode_s / 0.02)
    is_struck = task._blow_at - task._tick < 3 * longest
    # 192 of 256 are expected; 7 is the standard deviation.
    assert 160 < is_struck.sum() < 224


def test_after_a_blow_feet_go_where_they_must_the_longer_the_harder_it_was():
    task = WalkTask(CALM, 2)
    for force in (150.0, 600.0):
        task._blow_at[:], task._blow_ticks[:] = task._tick, 1
        task._blow[:] = (force, 0.0, 0.0)
        task.observe()
        task.step(np.zeros((4, OWN), np.float32))
        np.testing.assert_allclose(task._calm, -RECOVERY_S * force / CALM.blow_max_n)
    task._phase[:] = 0.0  # Both feet should be up, and are on the floor.
    excused = task._reward(task._action)["gait"]
    task._calm[:] = 0.1
    assert (task._reward(task._action)["gait"] < 0.6 * excused).all()


def test_who_stands_earns_more_with_the_pelvis_above_the_feet_and_the_feet_at_rest():
    task = WalkTask(CALM, 2)
    task._stands[:], task._calm[:] = True, 10.0
    task.fleet.step(task._target, task._forces)
    middle = 0.5 * sum(task.fleet.sensor(f"{side}_foot_position") for side in ("left", "right"))
    task.fleet.position[:, :2] = middle[:, :2]
    for side in ("left", "right"):
        task.fleet.sensor(f"{side}_foot_velocity")[:] = 0.0
    best = task._reward(task._action)
    task.fleet.position[:, 0] += 0.08
    assert (task._reward(task._action)["poise"] < best["poise"] - 0.3).all()
    task.fleet.sensor("left_foot_velocity")[:] = (0.2, 0.0, 0.0)
    assert (task._reward(task._action)["planted"] < best["planted"] - 0.2).all()
    task._stands[:] = False
    walking = task._reward(task._action)
    assert (walking["poise"] == 0.0).all()
    assert (walking["planted"] == 0.0).all()


def test_it_becomes_harder_only_while_it_stays_up():
    task = WalkTask(CALM, 3)
    task._raise_level(0)
    assert task.level == pytest.approx(CALM.hardening)
    for _ in range(2000):
        task._raise_level(4)
    level = task.level
    task._raise_level(4)
    assert task.level == level < 1.0


def test_the_level_sets_how_hard_blows_are():
    task = WalkTask(replace(CALM, robots=64), 4)
    strength = []
    for level in (0.1, 1.0):
        task.level = level
        task._plan_blow(np.arange(64))
        strength.append(np.linalg.norm(task._blow, axis=1).max())
    assert strength[0] <= 0.1 * CALM.blow_max_n < strength[1] <= CALM.blow_max_n


def test_a_robot_that_was_handed_over_creeps_from_where_it_was_held():
    state = np.tile(WalkTask(CALM, 0).fleet.reference, (2, 1))
    target = np.tile(state[:1, 8 : 8 + len(JOINTS)], (2, 1)) + 0.4
    task = WalkTask(replace(CALM, handed_share=1.0), 0, Standing(state=state, target=target))
    step = EaseConfig(period_s=task._tick_s).step
    before = task._target.copy()
    np.testing.assert_array_equal(before, np.tile(target[:1], (4, 1)))
    assert (task._wish[:, :3] == 0.0).all()
    for _ in range(3):
        task.observe()
        task.step(np.zeros((4, OWN), np.float32))
        change = np.abs(task._target - before)
        assert change.max() <= step + 1e-9
        assert change.max() > 0.9 * step
        before = task._target.copy()
