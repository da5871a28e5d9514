"""Planned motions keep feet where they stand, weight where it should be, and are smooth."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.control.reference import RATE_HZ, _monotone_rates, plan_reference, quintic
from yanshi.control.routine import mirrored, read_routine, side_sign
from yanshi.policies.contract import policy_folder
from yanshi.robots.g1.spec import G1

STEP = """
[[keyframe]]
takes = 1.2
weight = 1.0
[[keyframe]]
takes = 0.6
stands = "left"
left.elbow = 60
[[keyframe]]
takes = 0.8
right.step = [0.12, 0.26, 15]
weight = 0.9
pelvis.height = 0.7
[[keyframe]]
takes = 1.0
weight = 0.5
pelvis.height = 0.66
hold = 0.3
[[keyframe]]
takes = 1.2
weight = 1.0
pelvis.height = 0.7
[[keyframe]]
takes = 0.6
stands = "left"
right.hip.pitch = -60
right.knee = 80
[[keyframe]]
takes = 0.8
right.step = "stance"
weight = 0.95
[[keyframe]]
takes = 1.0
"""


@pytest.fixture
def routine(write):
    return read_routine(write(STEP), G1)


@pytest.fixture
def reference(routine, figure):
    return plan_reference(routine, figure)


def test_feet_that_stand_neither_slide_nor_tilt(reference):
    for side in (0, 1):
        stands = reference.stands[:, side]
        for corners in np.split(
            reference.corners[stands, side],
            np.flatnonzero(np.diff(np.flatnonzero(stands)) > 1) + 1,
        ):
            np.testing.assert_allclose(corners, corners[:1].repeat(len(corners), 0), atol=2e-4)
            np.testing.assert_allclose(corners[..., 2], 0.0, atol=2e-4)


def test_it_begins_and_ends_at_rest_in_the_walkers_stance(reference):
    for tick in (0, -1):
        np.testing.assert_allclose(
            reference.joint_position[tick], G1.default_position, atol=np.deg2rad(0.5)
        )
        np.testing.assert_allclose(reference.joint_velocity[tick], 0.0, atol=1e-2)


def test_every_keyframe_is_passed_with_the_angles_that_were_written(routine, reference):
    for frame in routine.keyframes:
        tick = round(frame.time_s * RATE_HZ)
        for name, angle in frame.posture.joints.items():
            assert reference.joint_position[tick, G1.joint_index(name)] == pytest.approx(
                angle, abs=1e-6
            )


def test_the_weight_is_where_it_was_asked_for(routine, reference):
    """The stance's own balance lies at the same spot of the soles as every other."""
    soles = reference.corners[..., :2].mean(axis=2)
    stance = reference.centre_of_mass[0, :2] - soles[0].mean(axis=0)
    assert np.abs(stance).max() < 0.01
    for frame in routine.keyframes:
        tick = round(frame.time_s * RATE_HZ)
        left, right = soles[tick]
        share = frame.posture.weight if all(frame.posture.stands) else 1.0
        wanted = share * left + (1.0 - share) * right
        np.testing.assert_allclose(reference.centre_of_mass[tick, :2], wanted, atol=0.012)


def test_the_pelvis_is_as_high_as_it_was_asked_to_be(routine, reference):
    low = routine.keyframes[4]
    span = slice(round(low.time_s * RATE_HZ), round(low.end_s * RATE_HZ))
    np.testing.assert_allclose(reference.root_position[span, 2], 0.66, atol=1e-3)


def test_speeds_do_not_jump_when_a_foot_leaves_the_floor_or_comes_back(reference):
    change = np.abs(np.diff(reference.joint_velocity, axis=0)).max(axis=1)
    borders = np.flatnonzero(np.diff(reference.stands.any(axis=1) & reference.stands.all(axis=1)))
    assert len(borders) == 4
    # A jump would be as large as the speed itself; smooth changes are a few percent of it.
    assert change[borders].max() < 0.12 * np.abs(reference.joint_velocity).max()


def test_velocities_are_the_rates_of_the_angles(reference):
    steps = np.diff(reference.joint_position, axis=0) * RATE_HZ
    means = 0.5 * (reference.joint_velocity[1:] + reference.joint_velocity[:-1])
    np.testing.assert_allclose(steps[2:-2], means[2:-2], atol=0.15)


def test_the_mirror_of_a_routine_is_the_mirror_of_its_motion(routine, reference, figure):
    frames = [replace(f, posture=mirrored(f.posture, G1)) for f in routine.keyframes]
    other = plan_reference(replace(routine, keyframes=tuple(frames)), figure)
    sides = {"left": "right", "right": "left"}
    for index, name in enumerate(G1.joint_names):
        side, _, rest = name.partition("_")
        twin = f"{sides[side]}_{rest}" if side in sides else name
        sign = side_sign(G1, name) * side_sign(G1, twin)
        if side not in sides and name.endswith(("roll", "yaw")):
            sign = -1.0
        np.testing.assert_allclose(
            other.joint_position[:, G1.joint_index(twin)],
            sign * reference.joint_position[:, index],
            atol=2e-3,
            err_msg=name,
        )
    np.testing.assert_allclose(
        other.root_position, reference.root_position * (1.0, -1.0, 1.0), atol=1e-3
    )


def test_a_turn_by_footsteps_ends_facing_the_other_way(figure):
    """The kung fu form turns 90° to the left by one foot and back by the other."""
    routine = read_routine(policy_folder("g1_kungfu") / "routine.toml", G1)
    reference = plan_reference(routine, figure)
    w, x, y, z = reference.root_orientation_wxyz.T
    yaw = np.unwrap(np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)))
    assert np.rad2deg(yaw.max()) == pytest.approx(90.0, abs=5.0)
    assert np.rad2deg(yaw[-1]) == pytest.approx(0.0, abs=0.5)
    assert (np.abs(np.linalg.norm(reference.root_orientation_wxyz, axis=1) - 1.0) < 1e-6).all()
    steps = np.abs(np.diff(reference.root_orientation_wxyz, axis=0)).max()
    assert steps < 0.05  # No quaternion flips its sign between ticks.


NUMBERS = st.floats(-3.0, 3.0).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(st.floats(0.1, 2.0), NUMBERS), min_size=2, max_size=8))
def test_between_keyframes_nothing_overshoots(rows):
    at = np.cumsum([span for span, _ in rows])
    values = np.array([[value] for _, value in rows])
    times = np.linspace(at[0], at[-1], 400)
    curve = quintic(at, values, _monotone_rates(at, values), times)[:, 0]
    k = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(at) - 2)
    low = np.minimum(values[k, 0], values[k + 1, 0])
    high = np.maximum(values[k, 0], values[k + 1, 0])
    assert (curve >= low - 1e-9).all()
    assert (curve <= high + 1e-9).all()


@given(st.lists(st.tuples(st.floats(0.2, 1.0), NUMBERS, NUMBERS), min_size=2, max_size=5))
def test_a_spline_has_the_values_and_speeds_of_its_knots_and_no_acceleration_there(rows):
    at = np.cumsum([span for span, _, _ in rows])
    values, rates = (np.array([[row[i]] for row in rows]) for i in (1, 2))
    nudge = 1e-4

    def around(offset):
        inside = np.clip(at + offset, at[0], at[-1])
        return quintic(at, values, rates, inside)[:, 0]

    np.testing.assert_allclose(around(0.0), values[:, 0], atol=1e-9)
    speed = (around(nudge) - around(-nudge))[1:-1] / (2.0 * nudge)
    np.testing.assert_allclose(speed, rates[1:-1, 0], atol=1e-3)
    acceleration = (around(nudge) - 2.0 * around(0.0) + around(-nudge))[1:-1] / nudge**2
    np.testing.assert_allclose(acceleration, 0.0, atol=1.0)
