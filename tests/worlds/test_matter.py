"""Graspable things: what is held stays where it is held, what is heavy is so where it is thick."""

import mujoco
import numpy as np
import pytest

from yanshi.core.errors import UnknownNameError
from yanshi.robots.g1.model import load_g1
from yanshi.worlds.matter import (
    MATTER,
    give_matter,
    set_contact,
    set_solver,
    smooth_furniture,
)
from yanshi.worlds.shapes import ROLLING_FRICTION
from yanshi.worlds.things import add_thing, kind_of

CUBE_M, CUBE_KG = 0.05, 0.1
STEP_S = 0.002
FINGER_M = 0.08
"""From a finger's first joint to its pad."""
STIFFNESS, DAMPING, TORQUE = 3.0, 0.2, 1.4
"""Of a Dex3's finger motor: N·m/rad, N·m·s/rad, N·m; see `robots.g1.spec`."""


def new_world():
    spec = mujoco.MjSpec()
    spec.option.timestep = STEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    return spec


def add_cube(spec, position):
    body = spec.worldbody.add_body(name="cube", pos=position)
    body.add_freejoint()
    return body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[CUBE_M / 2.0] * 3,
        mass=CUBE_KG,
        friction=ROLLING_FRICTION,
    )


def two_pads(force, *, is_round):
    """Return a cube between two pads that a finger's motors press on it with a force in N."""
    spec, half = new_world(), 0.009
    geom = add_cube(spec, (0.0, 0.0, 1.0))
    for sign in (-1.0, 1.0):
        name = f"pad{sign:+.0f}"
        pad = spec.worldbody.add_body(name=name, pos=(0, sign * (CUBE_M / 2 + half + 1e-4), 1))
        pad.add_joint(
            name=name,
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=(0, -sign, 0),
            armature=0.005 / FINGER_M**2,
        )
        shape = mujoco.mjtGeom.mjGEOM_CAPSULE if is_round else mujoco.mjtGeom.mjGEOM_BOX
        size = (half, 0.017, 0.0) if is_round else (half, half, half)
        lying = (np.sqrt(0.5), 0.0, np.sqrt(0.5), 0.0)
        pad.add_geom(type=shape, size=size, quat=lying, mass=0.05)
        motor = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        motor.set_to_position(kp=STIFFNESS / FINGER_M**2, kv=DAMPING / FINGER_M**2)
        motor.forcelimited, limit = True, TORQUE / FINGER_M
        motor.forcerange = (-limit, limit)
    return spec, geom, {f"pad{sign}1": force * FINGER_M**2 / STIFFNESS for sign in "-+"}


def dex3():
    """Return a cube before a G1's left hand that hangs on a slide, and what closes the hand."""
    spec, robot = new_world(), load_g1(with_looks=False)
    robot.option.integrator = spec.option.integrator
    mount = spec.worldbody.add_body(name="mount", pos=(0.0, 0.0, 1.0))
    mount.add_joint(name="lift", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=(0, 0, 1))
    mount.add_geom(size=(0.01, 0, 0), mass=20.0, contype=0, conaffinity=0)
    mount.add_frame().attach_body(robot.body("left_wrist_yaw_link"), "", "")
    lift = spec.add_actuator(name="lift", target="lift", trntype=mujoco.mjtTrn.mjTRN_JOINT)
    lift.set_to_position(kp=5e4, kv=2e3)
    geom = add_cube(spec, (0.145, -0.075, 1.0))
    grasp = {"left_hand_thumb_1": 0.05, "left_hand_thumb_2": 0.45}
    for finger in ("middle", "index"):
        grasp |= {f"left_hand_{finger}_0": -1.45, f"left_hand_{finger}_1": -0.75}
    return spec, geom, grasp


def creep(spec, wanted, *, hand, shake_m=0.0, settle_s=2.0, seconds=10.0):
    """Close without gravity, let it act, and return how far the cube moves in the hand, m."""
    model = spec.compile()
    data = mujoco.MjData(model)
    for name in ("left_hand_thumb_1", "left_hand_middle_0", "left_hand_index_0"):
        if name in wanted:  # Begin with an open hand.
            data.joint(name).qpos[0] = -0.6
    for name, position in wanted.items():
        data.actuator(name).ctrl[0] = position
    gravity = model.opt.gravity.copy()
    model.opt.gravity[:] = 0.0
    mujoco.mj_step(model, data, 750)
    model.opt.gravity[:] = gravity
    mujoco.mj_step(model, data, round(settle_s / STEP_S))
    begin = data.body("cube").xpos - data.body(hand).xpos
    for _ in range(round(seconds / STEP_S)):
        if shake_m:
            data.actuator("lift").ctrl[0] = shake_m * np.sin(4.0 * np.pi * data.time)
        mujoco.mj_step(model, data)
    assert data.warning.number.sum() == 0
    return float(np.linalg.norm(data.body("cube").xpos - data.body(hand).xpos - begin))


@pytest.mark.parametrize("is_round", [False, True])
@pytest.mark.parametrize("force", [5.0, 15.0])
def test_a_held_cube_does_not_creep_by_two_millimetres_in_ten_seconds(force, is_round):
    spec, geom, wanted = two_pads(force, is_round=is_round)
    set_solver(spec)
    set_contact(geom, MATTER["cube"].friction)
    assert creep(spec, wanted, hand="pad+1", settle_s=0.2) < 0.002


@pytest.mark.parametrize("is_round", [False, True])
def test_with_the_defaults_of_mujoco_it_creeps_by_more_than_a_centimetre(is_round):
    spec, _, wanted = two_pads(15.0, is_round=is_round)
    assert creep(spec, wanted, hand="pad+1", settle_s=0.2) > 0.01


@pytest.mark.parametrize("shake_m", [0.0, 0.03])
def test_a_cube_in_a_dex3_stays_within_a_millimetre_and_with_softer_contacts_does_not(shake_m):
    spec, geom, grasp = dex3()
    set_solver(spec)
    soft = creep(spec, grasp, hand="left_wrist_yaw_link", shake_m=shake_m)
    set_contact(geom, MATTER["cube"].friction)
    hard = creep(spec, grasp, hand="left_wrist_yaw_link", shake_m=shake_m)
    assert hard < 0.001
    assert soft > 3.0 * hard


def add_graspable(spec, kind, *, seed=0, position=(0.0, 0.0, 0.0)):
    rng = np.random.default_rng(seed)
    colour = kind_of(kind).colours[0]
    thing = add_thing(spec, kind, colour, position=position, yaw=0.0, rng=rng, scale=1.0)
    give_matter(spec, thing, rng)
    return thing


@pytest.mark.parametrize("kind", MATTER)
def test_a_thing_weighs_what_its_kind_may_and_its_middle_is_not_at_its_foot(kind):
    spec = new_world()
    body = add_graspable(spec, kind).body
    model = spec.compile()
    mass, inertia = float(model.body(body).mass[0]), model.body(body).inertia
    lightest, heaviest = MATTER[kind].mass_kg
    assert lightest <= mass <= heaviest
    assert 0.02 <= mass <= (4.0 if kind == "box" else 0.5)  # A box is for two hands.
    facts = kind_of(kind)
    # No matter lies outside the cylinder that holds the thing.
    assert (inertia > 0.0).all()
    assert inertia.max() < mass * (facts.radius**2 + facts.half_height**2)
    share = 0.5 if kind == "tray" else 0.35  # A tray is mostly floor.
    assert abs(model.body(body).ipos[2]) < share * facts.half_height


def test_a_cube_has_the_inertia_of_a_cube():
    spec = new_world()
    body = add_graspable(spec, "cube").body
    found = spec.compile().body(body)
    np.testing.assert_allclose(found.inertia, found.mass[0] * 0.06**2 / 6.0, rtol=1e-6)


def test_a_can_has_the_inertia_of_a_cylinder():
    spec = new_world()
    body = add_graspable(spec, "can").body
    found = spec.compile().body(body)
    about_axis = found.mass[0] * 0.033**2 / 2.0
    across = found.mass[0] * (3.0 * 0.033**2 + 0.118**2) / 12.0
    np.testing.assert_allclose(sorted(found.inertia), [about_axis, across, across], rtol=0.05)


def test_a_cup_has_the_inertia_of_a_hollow_one():
    spec = new_world()
    body = add_graspable(spec, "cup").body
    found = spec.compile().body(body)
    # A tube of 4 cm about its axis, with a floor of 8 mm.
    wall, floor = 2.0 * 0.038 * 0.004 * 0.082, 0.036**2 * 0.008
    about_axis = found.mass[0] * (wall * 0.038**2 + floor * 0.036**2 / 2.0) / (wall + floor)
    # A full cylinder would have two thirds of it.
    assert np.abs(found.inertia / about_axis - 1.0).min() < 0.1


@pytest.mark.parametrize(("slope_deg", "slides"), [(18.0, False), (26.0, True)])
def test_a_wooden_cube_slides_on_a_board_as_steep_as_its_friction_says(slope_deg, slides):
    spec = new_world()
    board = spec.worldbody.add_body(name="board")
    board.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=(2.0, 0.5, 0.01), pos=(0.0, 0.0, -0.01))
    smooth_furniture(spec, "board")
    set_solver(spec)
    body = add_graspable(spec, "cube", position=(0.0, 0.0, 1e-4)).body
    model = spec.compile()
    slope = np.deg2rad(slope_deg)
    model.opt.gravity[:] = 9.81 * np.array([np.sin(slope), 0.0, -np.cos(slope)])
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, 500)
    # tan 18° < 0.40 < tan 26°.
    expected = 0.5 * 9.81 * (np.sin(slope) - 0.4 * np.cos(slope)) if slides else 0.0
    assert data.body(body).xpos[0] == pytest.approx(expected, abs=0.02)


def test_a_kind_of_unknown_matter_is_refused():
    spec = new_world()
    rng = np.random.default_rng(0)
    plate = add_thing(spec, "plate", "red", position=(0, 0, 0), yaw=0.0, rng=rng)
    with pytest.raises(UnknownNameError, match="No kind of graspable thing named 'plate'"):
        give_matter(spec, plate, rng)
