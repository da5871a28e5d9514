"""A performer that begins with a walker's balance answers as that walker does."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from yanshi.control.bearing import bear  # noqa: E402
from yanshi.control.figure import Figure  # noqa: E402
from yanshi.control.reference import plan_reference  # noqa: E402
from yanshi.control.routine import read_routine  # noqa: E402
from yanshi.policies.contract import load_contract, policy_folder  # noqa: E402
from yanshi.robots.g1.links import G1_LINKS  # noqa: E402
from yanshi.robots.g1.model import load_g1  # noqa: E402
from yanshi.robots.g1.spec import G1  # noqa: E402
from yanshi.train import track  # noqa: E402
from yanshi.train.balance import copy_balance  # noqa: E402
from yanshi.train.g1_fleet import INDICES  # noqa: E402
from yanshi.train.ppo import perceptron  # noqa: E402
from yanshi.train.warm_start import network_of  # noqa: E402

SOURCE = load_contract(policy_folder("g1_walk_ppo"), G1)


@pytest.fixture(scope="module")
def borne():
    """How far the targets that bear the stance are from its angles."""
    figure = Figure(G1, load_g1(with_looks=False), G1_LINKS)
    reference = plan_reference(read_routine(policy_folder("g1_kick") / "routine.toml", G1), figure)
    return (bear(reference, figure).target - reference.joint_position)[0, INDICES]


@pytest.fixture(scope="module")
def actor(borne):
    made = perceptron(track.TERMS[-1].stop, track.N, (512, 256, 128))
    scale = track.ACTION_SCALE
    copy_balance(made, track.TERMS, SOURCE, scale=scale, borne=borne)
    return made


def walkers_target(off, rates, spin, gravity, last):
    """Return how far from its stance the walker holds joints that are off by so much."""
    seen = {
        "last_action": last / SOURCE.action_scale,
        "angular_velocity": spin,
        "turn_command": np.zeros(1),
        "velocity_command": np.zeros(2),
        "phase_cosine": -np.ones(2),
        "phase_sine": np.zeros(2),
        "joint_position": off,
        "joint_velocity": rates,
        "gravity": gravity,
    }
    row = np.concatenate([term.scale * seen[term.name] for term in SOURCE.observation])
    with torch.no_grad():
        action = network_of(SOURCE)(torch.tensor(row[None], dtype=torch.float32))[0].numpy()
    return SOURCE.action_scale * action


def test_it_holds_the_reference_as_the_walker_holds_its_stance(actor, borne):
    rng = np.random.default_rng(0)
    n = track.N
    for _ in range(20):
        off, rates, spin = rng.normal(0.0, (0.1, 0.5, 0.2), (n, 3)).T
        spin = spin[:3]
        gravity = np.array([0.05, -0.03, -1.0])
        lean = rng.normal(0.0, 0.1, 3)  # Of the reference's gravity from upright.
        pose = rng.normal(0.0, 0.4, n)  # Of the reference from the stance.
        last = rng.normal(0.0, 0.1, n)  # The walker's last target, from its stance.
        seen = {
            "angular_velocity": spin,
            "gravity": gravity + lean,
            "joint_position": pose + off,
            "joint_velocity": rates,
            "last_action": (last - borne) / track.ACTION_SCALE,
            "reference_position": pose,
            "reference_next": rng.normal(0.0, 1.0, n),
            "reference_gravity": np.array([0.0, 0.0, -1.0]) + lean,
            "motion_phase": rng.normal(0.0, 1.0, 2),
        }
        row = np.concatenate([term.scale * seen[term.name] for term in track.TERMS])
        with torch.no_grad():
            action = actor(torch.tensor(row[None], dtype=torch.float32))[0].numpy()
        found = track.ACTION_SCALE * action + borne
        wanted = walkers_target(off, rates, spin, gravity, last)
        np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_a_walker_of_other_layers_is_refused(borne):
    from yanshi.core.errors import ContractError

    made = perceptron(track.TERMS[-1].stop, track.N, (64, 32))
    with pytest.raises(ContractError, match="would agree"):
        copy_balance(made, track.TERMS, SOURCE, scale=track.ACTION_SCALE, borne=borne)


def test_with_it_a_fleet_bows_without_ever_having_learnt_to():
    """Most stay up for the whole of the salute, where a network of noise falls at once."""
    from yanshi.train.g1_fleet import Variety
    from yanshi.train.track import TrackConfig, TrackTask
    from yanshi.train.track_lesson import plan_piece, track_lesson

    piece = plan_piece(policy_folder("g1_salute") / "routine.toml")
    config = TrackConfig(
        robots=16, threads=1, variety=Variety(models=4, loaded_share=0.0), push_first=0.0
    )
    lesson = track_lesson(piece, config)
    task = TrackTask(config, piece.reference, piece.bearing, seed=0)

    class Nets:
        actor = perceptron(track.TERMS[-1].stop, track.N, lesson.ppo.actor_layers)

    lesson.begin(Nets, seed=0, threads=1, say=lambda text: None)
    task._begin(np.arange(task.n))
    task._at[:] = task._tick[:] = 0
    task.fleet.state[:] = task.motion.state[0]
    fell = np.zeros(task.n, dtype=bool)
    for _ in range(piece.reference.ticks - 2):
        seen, _ = task.observe()
        with torch.no_grad():
            action = Nets.actor(torch.from_numpy(seen)).numpy()
        fell |= task.step(action).has_failed
    assert fell.mean() < 0.3
