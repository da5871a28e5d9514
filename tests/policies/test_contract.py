"""Every line of a contract is altered once, and loading must name it."""

import hashlib
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.policies import damage

from yanshi.core.errors import ConfigError, ContractError, YanshiError
from yanshi.policies.contract import installed_policies, load_contract, policy_folder
from yanshi.policies.contract_file import seal
from yanshi.policies.walker import Walker
from yanshi.robots.g1.spec import G1

READY = ("g1_walk_ppo", "g1_walk_fastsac", "g1_dance")


def altered(tmp_path: Path, old: str, new: str, name: str = "g1_walk_ppo") -> Path:
    """Copy a policy's folder and change its contract at one place."""
    text = (policy_folder(name) / "policy.toml").read_text()
    assert old in text
    (tmp_path / "policy.toml").write_text(text.replace(old, new, 1))
    return tmp_path


@pytest.mark.parametrize("name", READY)
def test_ready_policies_fit_the_g1(name: str):
    contract = load_contract(policy_folder(name), G1)
    assert contract.rate_hz == 50.0
    assert len(contract.joint_names) == 29
    assert sum(term.width for term in contract.observation) == next(iter(contract.inputs.values()))


ALTERATIONS = {
    "robot": ('robot = "unitree_g1"', 'robot = "unitree_h1"'),
    "rate_hz": ("rate_hz = 50", "rate_hz = 0"),
    "source": ('source = "holosoma', 'source = ""  # holosoma'),
    "licence": ('licence = "Apache-2.0"', 'licence = " "'),
    "joints": ('"left_hip_pitch", "left_hip_roll"', '"left_hip_roll", "left_hip_pitch"'),
    "joints ": ('"left_hip_pitch",', '"left_hip_pich",'),
    "observation[0].width": ('"right_wrist_yaw",\n', "\n"),
    "observation[0].term": ('term = "last_action"', 'term = "lastaction"'),
    "observation[1].width": ("width = 3", "width = 4"),
    "observation[1].scale": ("scale = 0.25", "scale = 0.0"),
    "check.target": ("scale = 0.25", "scale = 0.5"),
    "check.target ": (
        '{ term = "gravity", width = 3, scale = 1.0 }',
        '{ term = "angular_velocity", width = 3, scale = 1.0 }',
    ),
    "check.target  ": ("[action]\nscale = 0.25", "[action]\nscale = 0.26"),
    "action.scale": ("[action]\nscale = 0.25", "[action]\nscale = [0.25, 0.25]"),
    "action.limit": ("limit = 100.0", "limit = -1.0"),
    "action.offset": ("offset = [\n  -0.312", "offset = [\n  -3.312"),
    "gains.stiffness of left_hip_pitch": ("stiffness = [\n  40.1", "stiffness = [\n  48.1"),
    "gains.damping of left_hip_pitch": ("damping = [\n  2.55", "damping = [\n  1.55"),
    "network.sha256": ('sha256 = "c9d', 'sha256 = "c9e'),
    "network.inputs": ("actor_obs = 100", "actor_obs = 99"),
    "network.inputs ": ("actor_obs = 100", "observation = 100"),
    "network.outputs": ("action = 29", "action = 30"),
    "network ": ('asset = "g1_walk_ppo"', 'file = "policy.onnx"\nasset = "g1_walk_ppo"'),
    "network.file": ('asset = "g1_walk_ppo"', 'file = "missing.onnx"'),
}


@pytest.mark.parametrize("line", ALTERATIONS)
def test_an_altered_line_is_refused_by_name(tmp_path: Path, line: str):
    folder = altered(tmp_path, *ALTERATIONS[line])
    with pytest.raises(ContractError, match="would agree") as refusal:
        load_contract(folder, G1)
    assert line.strip() in str(refusal.value)


def test_a_missing_check_is_refused(tmp_path: Path):
    with pytest.raises(ContractError, match=r"check\.target"):
        load_contract(altered(tmp_path, "[check]", "[unchecked]"), G1)


def test_swapped_joint_terms_of_equal_width_are_caught(tmp_path: Path):
    """The case no width can show: positions fed where speeds belong."""
    text = (policy_folder("g1_walk_ppo") / "policy.toml").read_text()
    swapped = text.replace('"joint_position"', '"?"').replace(
        '"joint_velocity"', '"joint_position"'
    )
    (tmp_path / "policy.toml").write_text(swapped.replace('"?"', '"joint_velocity"'))
    with pytest.raises(ContractError, match=r"check\.target"):
        load_contract(tmp_path, G1)


def test_a_policy_may_bring_its_network_along(tmp_path: Path):
    known = load_contract(policy_folder("g1_walk_ppo"), G1)
    shutil.copy(known.network, tmp_path / "policy.onnx")
    folder = altered(tmp_path, 'asset = "g1_walk_ppo"', 'file = "policy.onnx"')
    seal(folder)
    assert load_contract(folder, G1).network == tmp_path / "policy.onnx"


def test_a_file_that_is_no_network_is_refused(tmp_path: Path):
    (tmp_path / "policy.onnx").write_bytes(b"not a network")
    folder = altered(tmp_path, 'asset = "g1_walk_ppo"', 'file = "policy.onnx"')
    contract = folder / "policy.toml"
    old = tomllib.loads(contract.read_text())["network"]["sha256"]
    new = hashlib.sha256(b"not a network").hexdigest()
    contract.write_text(contract.read_text().replace(old, new))
    with pytest.raises(ContractError, match="not a network"):
        load_contract(folder, G1)


@pytest.mark.parametrize("text", [None, "robot = ["])
def test_an_unreadable_contract_says_where(tmp_path: Path, text: str | None):
    if text is not None:
        (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(ConfigError, match="Cannot read"):
        load_contract(tmp_path, G1)


def test_a_missing_setting_is_named():
    contract = load_contract(policy_folder("g1_walk_ppo"), G1)
    with pytest.raises(ContractError, match="no 'jump_height'"):
        contract.setting("jump_height")


TEXT = (policy_folder("g1_walk_ppo") / "policy.toml").read_text()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    number=st.sampled_from(damage.lines_that_count(TEXT)),
    seed=st.none() | st.integers(0, 10**6),
)
def test_any_damaged_line_is_refused_and_named(tmp_path: Path, number: int, seed: int | None):
    damaged = damage.damage(TEXT, number, seed)
    with pytest.raises(YanshiError) as refusal:
        load_contract(damage.write(tmp_path, damaged), G1)
    assert damage.is_named(str(refusal.value), damaged), (damaged.before, damaged.after)
    assert refusal.value.zh


def test_a_refusal_says_in_which_line_the_value_stands(tmp_path: Path):
    folder = altered(tmp_path, "limit = 100.0", "limit = -1.0")
    text = (folder / "policy.toml").read_text()
    number = text[: text.index("limit = -1.0")].count("\n") + 1
    with pytest.raises(ContractError, match=rf"line {number}: action\.limit is -1\.0, but"):
        load_contract(folder, G1)


def test_a_change_that_nothing_else_could_notice_breaks_the_seal(tmp_path: Path):
    folder = altered(tmp_path, "gait_hz = 1.0", "gait_hz = 1.2")
    with pytest.raises(ContractError, match=r"settings\.gait_hz is not what was sealed"):
        load_contract(folder, G1)
    seal(folder)
    assert load_contract(folder, G1).number("gait_hz") == 1.2


def test_angles_counted_from_another_zero_are_caught(tmp_path: Path):
    """A network sees angles from where its trainer had zero; the check's question is about it."""
    zero = G1.default_position[
        G1.joint_indices(load_contract(policy_folder(READY[0]), G1).joint_names)
    ]
    listed = ", ".join(map(str, zero.tolist()))
    folder = altered(tmp_path, "[network]", f"joint_zero = [{listed}]\n\n[network]")
    seal(folder)
    np.testing.assert_array_equal(load_contract(folder, G1).joint_zero, zero)
    folder = altered(tmp_path, "[network]", f"joint_zero = {listed.split(', ')[1]}\n\n[network]")
    seal(folder)
    with pytest.raises(ContractError, match=r"check\.target"):
        load_contract(folder, G1)


def test_history_widens_what_is_seen_and_is_compared_with_the_network(tmp_path: Path):
    row = '{ term = "gravity", width = 3, scale = 1.0'
    folder = altered(tmp_path, row, f"{row}, history = 2")
    seal(folder)
    with pytest.raises(ContractError, match="observation is 103 wide, but 100"):
        load_contract(folder, G1)
    for wrong in ("0", "-1", "1.5", "true", "101"):
        folder = altered(tmp_path, row, f"{row}, history = {wrong}")
        with pytest.raises(ContractError, match=r"observation\[7\]\.history \(gravity\)"):
            load_contract(folder, G1)


def test_joints_acted_on_must_be_among_those_seen_and_as_many_as_the_network_moves(tmp_path: Path):
    joints = load_contract(policy_folder("g1_walk_ppo"), G1).joint_names
    for names, message in (
        (
            joints[:15],
            r"observation\[0\]\.width \(last_action\) is 29, but 15 \(one for each joint",
        ),
        (("left_hand_thumb_0",), "acts_on is naming"),
        (joints[1::-1], "acts_on is .* order"),
        ((), "acts_on"),
    ):
        listed = ", ".join(f'"{name}"' for name in names)
        folder = altered(tmp_path, "[network]", f"acts_on = [{listed}]\n\n[network]")
        with pytest.raises(ContractError, match=message):
            load_contract(folder, G1)


def test_a_policy_of_another_kind_is_refused_with_what_is_missing():
    contract = load_contract(policy_folder("g1_dance"), G1)
    with pytest.raises(ContractError, match="is not a walker: it sees motion_orientation"):
        Walker(G1, policy_folder("g1_dance"))
    terms = {term.name for term in contract.observation}
    assert contract.require("a dancer", terms, "motion_position") == terms
    with pytest.raises(ContractError, match="does not see gravity"):
        contract.require("a balancer", terms, "gravity")


@pytest.mark.parametrize("text", ["[1.0, 2.0]", "3.0", '["a", 1.0, 1.0]', "[inf, 1.0, 1.0]"])
def test_a_setting_of_the_wrong_form_is_named(tmp_path: Path, text: str):
    folder = altered(tmp_path, "command_max = [1.0, 1.0, 1.0]", f"command_max = {text}")
    seal(folder)
    with pytest.raises(ContractError, match=r"settings\.command_max"):
        Walker(G1, folder)


def test_the_ready_policies_are_installed():
    assert set(READY) <= set(installed_policies())
