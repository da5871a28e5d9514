"""A performer follows its motion, sees what it saw in training, and refuses another's motion."""

import numpy as np
import pytest

from yanshi.control.bearing import bear
from yanshi.control.figure import Figure
from yanshi.control.reference import RATE_HZ, measure_reach, plan_reference
from yanshi.control.routine import read_routine
from yanshi.core.messages import RobotState
from yanshi.policies.contract import policy_folder
from yanshi.policies.ease import EaseConfig
from yanshi.policies.motion import ROUTINE_FILE, write_motion
from yanshi.policies.performer import Performer
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1

ROUTINE = policy_folder("g1_salute") / ROUTINE_FILE


@pytest.fixture(scope="module")
def motion():
    """The bow's motion, what bears it and how far it reaches."""
    figure = Figure(G1, load_g1(with_looks=False), G1_LINKS)
    reference = plan_reference(read_routine(ROUTINE, G1), figure)
    return reference, bear(reference, figure), measure_reach(reference, figure)


@pytest.fixture
def folder(motion, tmp_path):
    """A performer whose network has learnt something, but nothing of use."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from yanshi.train import track
    from yanshi.train.export import export_policy
    from yanshi.train.g1_fleet import JOINTS
    from yanshi.train.ppo import perceptron
    from yanshi.train.track_lesson import track_settings

    torch.manual_seed(0)
    actor = perceptron(track.TERMS[-1].stop, track.N, (8,))
    export_policy(
        tmp_path,
        actor,
        track.TERMS,
        joints=JOINTS,
        acts_on=JOINTS,
        action_scale=track.ACTION_SCALE,
        action_offset=G1.default_position[G1.joint_indices(JOINTS)],
        action_limit=track.ACTION_LIMIT,
        source="a test",
        licence="Apache-2.0",
        settings=track_settings(),
    )
    write_motion(*motion, ROUTINE, G1, tmp_path)
    return tmp_path


def state_at(tick, position, velocity=None, wxyz=(1.0, 0.0, 0.0, 0.0), spin=(0.0, 0.0, 0.0)):
    n = len(G1.joint_names)
    return RobotState(
        t_ns=round(tick * 1e9 / RATE_HZ),
        joint_position=position,
        joint_velocity=np.zeros(n) if velocity is None else velocity,
        joint_torque=np.zeros(n),
        orientation_wxyz=np.array(wxyz),
        angular_velocity=np.array(spin),
        acceleration=np.array([0.0, 0.0, 9.81]),
    )


def test_it_performs_from_the_first_tick_to_the_last_near_its_motion(folder, motion):
    reference, bearing, _ = motion
    performer = Performer(G1, folder)
    assert performer.duration_s == pytest.approx(reference.duration_s)
    performer.start()
    ticks = 0
    reach = 6.0 * 0.25 * G1.limits.torque / G1.stiffness + 1e-6
    while target := performer.step(state_at(ticks, reference.joint_position[ticks])):
        ticks += 1
        assert performer.elapsed_s == pytest.approx(ticks / RATE_HZ)
        assert (np.abs(target.position - bearing.target[ticks]) < reach).all()
        assert (target.position >= G1.limits.lower).all()
        assert (target.position <= G1.limits.upper).all()
        np.testing.assert_array_equal(target.stiffness, performer.stiffness)
    assert ticks == reference.ticks - 1
    assert performer.step(state_at(ticks, G1.default_position)) is None


def test_fingers_are_nobodys_but_the_routines(folder, motion):
    _, bearing, _ = motion
    performer = Performer(G1, folder)
    performer.start()
    fingers = [i for i, name in enumerate(G1.joint_names) if "hand" in name]
    for tick in range(100):
        target = performer.step(state_at(tick, G1.default_position))
        wanted = bearing.target[tick + 1, fingers]
        np.testing.assert_allclose(target.position[fingers], wanted, atol=1e-6)


def test_beginning_again_gives_the_same_targets_again(folder):
    performer = Performer(G1, folder)

    def targets():
        performer.start()
        return [performer.step(state_at(t, G1.default_position)).position for t in range(20)]

    np.testing.assert_array_equal(targets(), targets())


def test_it_sees_what_it_saw_in_training(folder, motion):
    """The same states and actions, seen by the task without noise and by the performer."""
    from yanshi.train.g1_fleet import INDICES, Variety
    from yanshi.train.track import TERMS, TrackConfig, TrackTask

    config = TrackConfig(
        robots=1, threads=1, variety=Variety(models=1), noise={}, first_share=1.0, push_first=0.0
    )
    task = TrackTask(config, *motion[:2], seed=3)
    task._tick[:] = 0
    performer = Performer(G1, folder)
    before = G1.default_position.copy()
    before[INDICES] = task._target[0]
    performer.start(before)
    fleet = task.fleet
    for tick in range(40):
        position, velocity = G1.default_position.copy(), np.zeros(len(G1.joint_names))
        position[INDICES], velocity[INDICES] = fleet.joint_position[0], fleet.joint_velocity[0]
        wxyz, spin = fleet.orientation_wxyz[0], fleet.angular_velocity[0]
        state = state_at(tick, position, velocity, wxyz, spin)
        seen, _ = task.observe()
        target = performer.step(state)
        found = performer._network.observation
        for term in TERMS:
            span = slice(term.start, term.stop)
            np.testing.assert_allclose(found[span], seen[0, span], atol=2e-5, err_msg=term.name)
        action = performer._action[None].astype(np.float32)
        task.step(action)
        np.testing.assert_allclose(target.position[INDICES], task._target[0], atol=1e-5)


def test_its_first_targets_go_off_gently_from_the_last_one_before(folder):
    performer = Performer(G1, folder)
    before = G1.default_position + 0.5
    performer.start(before)
    last, step = before, EaseConfig().step
    for tick in range(4):  # Until it has caught up.
        target = performer.step(state_at(tick, G1.default_position))
        assert np.abs(target.position - last).max() <= step + 1e-9
        last = target.position


def test_the_lean_is_where_the_robot_will_be_in_a_moment(folder, motion):
    reference, *_ = motion
    performer = Performer(G1, folder)
    performer.start()
    position = reference.joint_position[0]
    assert performer.lean(state_at(0, position)) < 1e-6
    axis, tilt, spin = np.array([0.6, 0.8, 0.0]), 0.2, 0.5

    def tilted(angle, rate):
        wxyz = (np.cos(0.5 * angle), *(np.sin(0.5 * angle) * axis))
        return performer.lean(state_at(0, position, wxyz=wxyz, spin=rate * axis))

    assert tilted(tilt, 0.0) == pytest.approx(2.0 * np.sin(0.5 * tilt), rel=1e-6)
    # It turns on, or back, about the axis that it leans about.
    assert tilted(tilt, spin) == pytest.approx(tilted(tilt + 0.2 * spin, 0.0), abs=0.01)
    assert tilted(tilt, -spin) == pytest.approx(tilted(tilt - 0.2 * spin, 0.0), abs=0.01)
    assert not tilted(float("nan"), 0.0) <= 9.0
