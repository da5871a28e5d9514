"""What training writes is what a run loads, sees and does, to the last number."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from tests.policies import damage  # noqa: E402

from yanshi.bodies.simulation import simulate  # noqa: E402
from yanshi.core.errors import ConfigError, ContractError, YanshiError  # noqa: E402
from yanshi.core.messages import RobotState  # noqa: E402
from yanshi.policies.contract import Contract, Term, load_contract  # noqa: E402
from yanshi.policies.walker import AT_REST, UpperBody, Walker, WalkerConfig  # noqa: E402
from yanshi.robots.g1.spec import G1  # noqa: E402
from yanshi.train.export import export_policy, walker_settings  # noqa: E402
from yanshi.train.g1_fleet import INDICES, JOINTS, Variety  # noqa: E402
from yanshi.train.ppo import perceptron  # noqa: E402
from yanshi.train.walk import ACTION_SCALE, OWN, TERMS, WalkConfig, WalkTask  # noqa: E402

ARMS = [int(index) for index in INDICES[OWN:]]


def write(folder: Path, *, layers: tuple[int, ...] = (32, 16), **changes: object) -> Contract:
    """Export a walker with random weights, too small to do much."""
    torch.manual_seed(0)
    actor = changes.pop("actor", None) or perceptron(TERMS[-1].stop, OWN, layers)
    for weights in list(actor.parameters())[-2:-1]:
        weights.data.mul_(0.2)
    arguments = {
        "joints": JOINTS,
        "acts_on": JOINTS[:OWN],
        "action_scale": ACTION_SCALE,
        "action_offset": G1.default_position[INDICES][:OWN],
        "action_limit": 20.0,
        "source": "a test",
        "licence": "Apache-2.0",
        "settings": walker_settings(WalkConfig()),
        "about": "Wobbles.",
        **changes,
    }
    terms = arguments.pop("terms", TERMS)
    return export_policy(folder, actor, terms, **arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("policy") / "wobble").network.parent


def test_torch_and_onnx_runtime_agree(tmp_path: Path):
    torch.manual_seed(1)
    actor = perceptron(TERMS[-1].stop, OWN, (512, 256, 128))
    contract = write(tmp_path, actor=actor)
    session = ort.InferenceSession(contract.network)
    rng = np.random.default_rng(0)
    for _ in range(20):
        seen = rng.normal(0.0, 2.0, (1, TERMS[-1].stop)).astype(np.float32)
        with torch.no_grad():
            wanted = actor(torch.from_numpy(seen)).numpy()
        np.testing.assert_allclose(session.run(None, {"observation": seen})[0], wanted, atol=1e-5)


def test_what_is_written_is_what_was_given(folder: Path):
    contract = load_contract(folder, G1)
    assert contract.observation == TERMS
    assert contract.joint_names == JOINTS
    assert contract.acts_on == JOINTS[:OWN]
    assert (contract.about, contract.source, contract.licence) == (
        "Wobbles.",
        "a test",
        "Apache-2.0",
    )
    np.testing.assert_allclose(contract.action_scale, ACTION_SCALE)
    np.testing.assert_allclose(contract.stiffness, G1.stiffness[INDICES][:OWN], rtol=1e-8)
    np.testing.assert_allclose(contract.joint_zero, G1.default_position[INDICES])


def test_the_same_weights_give_the_same_bytes(tmp_path: Path):
    hashes = {
        hashlib.sha256((write(tmp_path / name).network).read_bytes()).hexdigest() for name in "ab"
    }
    assert len(hashes) == 1
    one, other = ((tmp_path / name / "policy.toml").read_text() for name in "ab")
    assert one == other


def test_writing_again_replaces_the_policy(tmp_path: Path):
    write(tmp_path)
    assert write(tmp_path, layers=(8,)).network_sha256 != write(tmp_path).network_sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["policy.onnx", "policy.toml"]


WRONG: dict[str, tuple[dict[str, Callable[[], object]], str]] = {
    "tanh": ({"actor": lambda: torch.nn.Sequential(torch.nn.Tanh())}, "is a Tanh"),
    "width": ({"actor": lambda: perceptron(100, OWN, (8,))}, "from 100 numbers .* from 260"),
    "order": ({"joints": lambda: JOINTS[::-1]}, "joints is"),
    "outside": ({"acts_on": lambda: JOINTS[1 : OWN + 1]}, "action.offset of"),
    "licence": ({"licence": lambda: " "}, "licence is empty"),
    "limit": ({"action_limit": lambda: 0.0}, "action.limit"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_agree_is_refused_when_it_is_written(tmp_path: Path, case: str):
    changes, message = WRONG[case]
    with pytest.raises(ContractError, match=message):
        write(tmp_path, **{name: make() for name, make in changes.items()})


def test_weights_that_are_not_finite_are_never_written(tmp_path: Path):
    actor = perceptron(TERMS[-1].stop, OWN, (8,))
    with torch.no_grad():
        actor[0].bias[3] = float("nan")
    with pytest.raises(ContractError, match="bias_0 is not finite"):
        write(tmp_path, actor=actor)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        write(tmp_path / "file" / "policy")


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), seed=st.none() | st.integers(0, 10**6))
def test_any_damaged_line_of_an_exported_policy_is_refused_and_named(
    folder: Path, tmp_path: Path, data: st.DataObject, seed: int | None
):
    text = (folder / "policy.toml").read_text()
    number = data.draw(st.sampled_from(damage.lines_that_count(text)))
    damaged = damage.damage(text, number, seed)
    shutil.copy(folder / "policy.onnx", tmp_path)
    with pytest.raises(YanshiError) as refusal:
        load_contract(damage.write(tmp_path, damaged), G1)
    assert damage.is_named(str(refusal.value), damaged), (damaged.before, damaged.after)


def test_a_network_of_other_weights_is_refused(folder: Path, tmp_path: Path):
    copied = Path(shutil.copytree(folder, tmp_path / "copy"))
    other = write(tmp_path / "other", layers=(8,)).network
    shutil.copy(other, copied / "policy.onnx")
    with pytest.raises(ContractError, match=r"network\.sha256"):
        load_contract(copied, G1)


# -- the run sees what training saw ----------------------------------------------------------


def task_without_luck() -> WalkTask:
    """Return the task of one robot that nobody disturbs, its arms where their targets are."""
    config = WalkConfig(
        robots=1, threads=1, variety=Variety(models=1), noise={}, calm_share=1.0, episode_s=60.0
    )
    task = WalkTask(config, seed=3)
    task._order_ends[:] = 10**9
    task._has_goal[:] = False
    task._arm_kind[:] = 1
    task.fleet.joint_position[:, OWN:] = G1.default_position[INDICES[OWN:]]
    return task


def hold_up(task: WalkTask, tick: int) -> None:
    """Catch the robot, which wobbles, and turn and tilt it."""
    task.fleet.position[0, 2] = 0.76
    orientation = np.array([1.0, 0.1 * np.sin(tick), 0.1 * np.cos(0.7 * tick), 0.02 * tick])
    task.fleet.orientation_wxyz[0] = orientation / np.linalg.norm(orientation)
    task.fleet.velocity[0] = 0.0


def measured(task: WalkTask, tick: int) -> RobotState:
    """Return what the robot's own sensors would say of the fleet's only robot."""
    fleet, n = task.fleet, len(G1.joint_names)
    position, velocity = G1.default_position.copy(), np.zeros(n)
    position[INDICES], velocity[INDICES] = fleet.joint_position[0], fleet.joint_velocity[0]
    return RobotState(
        t_ns=tick * 20_000_000,
        joint_position=position,
        joint_velocity=velocity,
        joint_torque=np.zeros(n),
        orientation_wxyz=fleet.orientation_wxyz[0],
        angular_velocity=fleet.angular_velocity[0],
        acceleration=np.zeros(3),
    )


def test_the_walker_sees_and_does_what_the_task_did(folder: Path):
    """Commands start, change, go beyond the bounds and end; arms move; the posture follows.

    The deepest squat is asked for upright, and leans as far as it must.
    """
    task = task_without_luck()
    # In the task nobody but the order turns the robot back.
    walker = Walker(G1, folder, WalkerConfig(heading_slack=np.inf))
    orders = {
        0: (0.0, 0.0, 0.0, 0.74, 0.0),
        5: (0.3, -0.1, 0.2, 0.74, 0.0),
        25: (0.3, 0.2, -0.4, 0.6, 0.4),
        45: (0.0, 0.0, 0.0, 0.45, 0.0),
        60: (-0.6, 0.0, 1.0, 0.78, -0.15),
        70: (0.0, 0.0, 0.0, 0.74, 0.0),
    }
    order = orders[0]
    for tick in range(100):
        order = orders.get(tick, order)
        wanted = task.observe()[0][0].copy()
        body = UpperBody(
            joints=dict(zip(ARMS, task._arm[0], strict=True)), posture=(order[3], order[4])
        )
        target = walker.step(measured(task, tick), order[:3], body)
        np.testing.assert_allclose(
            walker._network.observation, wanted, atol=2e-5, err_msg=f"tick {tick}"
        )
        task._wish[0] = orders.get(tick + 1, order)  # Taken up at the end of the tick.
        assert not task.step(walker._network.action[None]).has_failed[0]
        if tick > 15:  # Before, the walker leads from where the joints were.
            np.testing.assert_allclose(target.position[INDICES], task._target[0], atol=1e-6)
        hold_up(task, tick)
    assert np.abs(task._arm[0] - G1.default_position[ARMS]).max() > 0.1


class Alone:
    """A walker that is shown one state again and again: what it asks of arms and posture."""

    def __init__(self, folder: Path) -> None:
        self.walker = Walker(G1, folder)
        self.state = simulate("empty", 0).body.read()
        self.tick = 0

    def step(self, upper_body: UpperBody = AT_REST) -> np.ndarray:
        self.tick += 1
        state = replace(self.state, t_ns=self.state.t_ns + self.tick * 20_000_000)
        return self.walker.step(state, (0.0, 0.0, 0.0), upper_body).position

    def seen(self, name: str) -> np.ndarray:
        term: Term = next(t for t in self.walker.contract.observation if t.name == name)
        return self.walker._network.observation[term.span] / term.scale


@pytest.fixture
def alone(folder: Path) -> Alone:
    return Alone(folder)


def test_arms_go_where_they_are_asked_at_a_bounded_speed_and_back(alone: Alone):
    elbow, finger = G1.joint_index("left_elbow"), G1.joint_index("left_hand_index_0")
    track = [alone.step(UpperBody(joints={elbow: 1.6, finger: -0.5})) for _ in range(40)]
    assert track[-1][elbow] == pytest.approx(1.6)
    assert track[-1][finger] == pytest.approx(-0.5)
    assert np.abs(np.diff([t[elbow] for t in track])).max() <= 2.5 * 0.02 + 1e-9
    track = [alone.step() for _ in range(40)]
    assert track[-1][elbow] == pytest.approx(G1.default_position[elbow])


def test_the_network_is_told_the_very_target_that_the_arms_motors_get(alone: Alone):
    elbow = G1.joint_index("left_elbow")
    body = UpperBody(joints={elbow: 1.6}, effort={elbow: 4.0})
    for _ in range(30):
        sent = alone.step(body)[ARMS]
        np.testing.assert_allclose(
            alone.seen("arm_goal"), sent - G1.default_position[ARMS], atol=1e-6
        )
    # A motor is a spring: torque is asked for by an angle farther on.
    assert sent[ARMS.index(elbow)] - 1.6 == pytest.approx(4.0 / G1.stiffness[elbow])


def test_legs_and_waist_stay_the_walkers_own(alone: Alone, folder: Path):
    own = G1.joint_indices(JOINTS[:OWN])
    other = Alone(folder)
    waist = G1.joint_index("waist_pitch")
    wish = UpperBody(
        joints=dict.fromkeys(map(int, own), 1.0), waist={waist: 0.4}, effort={waist: 9.0}
    )
    for _ in range(30):
        np.testing.assert_array_equal(alone.step(wish)[own], other.step()[own])


def test_the_posture_is_bounded_and_changes_at_the_trained_rate(alone: Alone):
    config = WalkConfig()
    track = []
    for _ in range(80):
        alone.step(UpperBody(posture=(0.1, 2.0)))
        track.append(alone.walker.posture)
    assert track[-1] == pytest.approx((config.height[0], config.pitch[1]))
    rates = np.abs(np.diff(track, axis=0)).max(axis=0) / 0.02
    np.testing.assert_allclose(rates, config.posture_rate)
    nominal = (config.nominal_height, 0.0)
    np.testing.assert_allclose(
        alone.seen("posture_command"), np.array(track[-1]) - nominal, atol=1e-6
    )


def test_a_pause_makes_the_walker_forget_its_past(alone: Alone):
    for _ in range(5):
        alone.step(UpperBody(posture=(0.6, 0.3)))
    alone.tick += 50
    alone.step()
    config = WalkConfig()
    height = config.nominal_height - 0.02 * config.posture_rate[0]
    assert alone.walker.posture == pytest.approx((height, 0.0))  # On its way to `UPRIGHT`.
    for term in alone.walker.contract.observation:
        block = alone.walker._network.observation[term.start : term.stop]
        np.testing.assert_array_equal(block, np.tile(block[: term.width], term.history))
