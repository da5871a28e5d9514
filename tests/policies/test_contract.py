"""Every line of a contract is altered once, and loading must name it."""

import hashlib
import shutil
import tomllib
from pathlib import Path

import pytest

from yanshi.core.errors import ConfigError, ContractError
from yanshi.policies.contract import load_contract, policy_folder
from yanshi.policies.contract_file import seal
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
    "source": ('source = "holosoma', 'source = ""\nwas = "holosoma'),
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
