"""Weights that were changed are not loaded, and every one that is committed is pinned."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from yanshi.assets import weights
from yanshi.assets.weights import HOME, check_weights, own_weights, read_manifest, sha256_of
from yanshi.core.errors import AssetError
from yanshi.mind.gemma import VOCABULARY, graph_of
from yanshi.mind.guesser import GUESSER, Guesser
from yanshi.mind.model import ADAPTER, ModelConfig, check_model
from yanshi.policies.contract import load_contract, policy_folder
from yanshi.policies.motion import MOTION_FILE, read_motion
from yanshi.robots.g1.spec import G1
from yanshi.senses.eyes import WEIGHTS, Eyes


def test_every_weight_in_our_folders_is_pinned_and_is_what_is_pinned():
    """Trained anew? `python -m yanshi.assets.weights > src/yanshi/assets/weights.sha256`."""
    found = {path.relative_to(HOME).as_posix(): sha256_of(path) for path in own_weights()}
    assert found == read_manifest()
    assert {WEIGHTS, ADAPTER, VOCABULARY, GUESSER} <= set(own_weights())
    for path in own_weights():
        check_weights(path)


def test_the_manifest_is_what_the_module_prints():
    done = subprocess.run(
        [sys.executable, "-m", "yanshi.assets.weights"], capture_output=True, text=True, check=True
    )
    assert done.stdout == weights.MANIFEST.read_text()


@pytest.fixture
def ours(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Return a folder of Yanshi's with one network, that network, and its manifest."""
    home = tmp_path / "yanshi"
    network = home / "policies" / "g1" / "policy.onnx"
    network.parent.mkdir(parents=True)
    network.write_bytes(b"weights")
    manifest = tmp_path / "weights.sha256"
    sha256 = hashlib.sha256(b"weights").hexdigest()
    manifest.write_text(f"{sha256}  policies/g1/policy.onnx\n")
    return home, network, manifest


@pytest.mark.parametrize("content", [b"Weights", b"weight", b"weights ", b""])
def test_a_changed_file_is_refused_by_name_with_both_hashes_and_the_way_back(ours, content):
    home, network, manifest = ours
    check_weights(network, home=home, manifest=manifest)
    network.write_bytes(content)
    with pytest.raises(AssetError) as refused:
        check_weights(network, home=home, manifest=manifest)
    for text in (str(refused.value), refused.value.zh):
        assert str(network) in text
        assert hashlib.sha256(content).hexdigest() in text
        assert hashlib.sha256(b"weights").hexdigest() in text
        assert f"git checkout -- {network}" in text


def test_a_file_that_nobody_pinned_is_refused_and_one_that_is_not_ours_is_not(ours, tmp_path):
    home, network, manifest = ours
    stranger = network.with_name("other.onnx")
    stranger.write_bytes(b"weights")
    with pytest.raises(AssetError, match="none is pinned"):
        check_weights(stranger, home=home, manifest=manifest)
    link = tmp_path / "link.onnx"
    link.symlink_to(stranger)
    with pytest.raises(AssetError, match="none is pinned"):
        check_weights(link, home=home, manifest=manifest)
    own = tmp_path / "own.onnx"
    own.write_bytes(b"mine")
    check_weights(own, home=home, manifest=manifest)


@pytest.mark.parametrize(
    "load",
    [
        lambda: Eyes(),
        lambda: load_contract(policy_folder("g1_walk"), G1),
        lambda: read_motion(policy_folder("g1_kick"), G1),
        lambda: check_model(ADAPTER, ModelConfig()),
        lambda: graph_of(ADAPTER, ADAPTER),
        lambda: Guesser(np.arange(3)),
    ],
    ids=["eyes", "policy", "motion", "adapter", "vocabulary", "guesser"],
)
def test_whatever_loads_our_weights_asks_first(load, monkeypatch, tmp_path):
    manifest = tmp_path / "weights.sha256"
    manifest.write_text("")
    monkeypatch.setattr(weights, "read_manifest", lambda _: {})
    with pytest.raises(AssetError, match="They are not loaded"):
        load()


def test_the_motion_of_a_routine_is_among_the_weights():
    assert policy_folder("g1_kick") / MOTION_FILE in set(own_weights())
