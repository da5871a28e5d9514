"""Ready networks are imported; the oracle is the contract that was written for them by hand."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from yanshi.assets import locate
from yanshi.bodies.simulation import simulate
from yanshi.core.errors import ConfigError, ContractError, UnknownNameError
from yanshi.policies.contract import load_contract, policy_folder
from yanshi.policies.importer import import_asset, import_network
from yanshi.policies.tracker import Tracker
from yanshi.robots.g1.spec import G1

ARRAYS = ("action_scale", "action_offset", "joint_zero", "stiffness", "damping")


@pytest.mark.parametrize(
    ("asset", "folder"),
    [
        ("g1_walk_ppo", "g1_walk_ppo"),
        ("g1_walk_fastsac", "g1_walk_fastsac"),
        ("g1_dance_ppo", "g1_dance"),
    ],
)
def test_an_imported_policy_is_the_one_described_by_hand(tmp_path: Path, asset: str, folder: str):
    found = import_asset(asset, tmp_path / "new", G1)
    wanted = load_contract(policy_folder(folder), G1)
    assert found.observation == wanted.observation
    assert (found.joint_names, found.acts_on) == (wanted.joint_names, wanted.acts_on)
    assert (found.inputs, found.outputs) == (wanted.inputs, wanted.outputs)
    assert found.network_sha256 == wanted.network_sha256
    assert found.licence == wanted.licence
    for name in ARRAYS:
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-6)


def test_an_imported_folder_needs_nothing_but_itself(tmp_path: Path):
    import_asset("g1_walk_ppo", tmp_path / "one", G1)
    moved = shutil.move(tmp_path / "one", tmp_path / "two")
    assert load_contract(Path(moved), G1).network == tmp_path / "two" / "policy.onnx"


def test_a_dancer_knows_how_long_its_motion_is_and_dances_it(tmp_path: Path):
    contract = import_asset("g1_dance_fastsac", tmp_path, G1)
    simulation = simulate("empty", 0)
    dancer = Tracker(G1, simulation.kinematics, tmp_path)
    assert dancer.duration_s == contract.setting("last_tick") / 50.0 == pytest.approx(135.46)
    assert np.abs(np.diff(dancer._position[-50:], axis=0)).max() > 0.0
    dancer.start(simulation.body.read())
    for _ in range(250):
        simulation.body.write(dancer.step(simulation.body.read()))
        simulation.body.advance(0.02)
    assert simulation.body.data.body("pelvis").xpos[2] > 0.65


def test_a_file_is_imported_with_the_source_and_licence_that_the_user_states(tmp_path: Path):
    file = shutil.copy(locate("g1_walk_ppo"), tmp_path / "somebody.onnx")
    contract = import_network(
        Path(file), tmp_path / "out", G1, source="somebody", licence="MIT", action_scale=0.3
    )
    assert (contract.source, contract.licence) == ("somebody", "MIT")
    np.testing.assert_array_equal(contract.action_scale, 0.3)


def test_a_wrong_kind_says_what_the_network_is_like(tmp_path: Path):
    with pytest.raises(ContractError, match="2 inputs, the first 154 wide.*walk: 1 inputs, 100"):
        import_asset("g1_dance_ppo", tmp_path, G1, kind="walk")
    with pytest.raises(UnknownNameError, match="kind of policy"):
        import_asset("g1_dance_ppo", tmp_path, G1, kind="swim")
    with pytest.raises(UnknownNameError, match="network"):
        import_asset("gemma_270m", tmp_path, G1)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_missing_or_no_network_is_told(tmp_path: Path):
    with pytest.raises((ConfigError, ContractError), match=r"nosuch\.onnx"):
        import_network(tmp_path / "nosuch.onnx", tmp_path, G1, source="x", licence="y")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(ContractError, match="not a network"):
        import_network(tmp_path / "text.onnx", tmp_path, G1, source="x", licence="y")
