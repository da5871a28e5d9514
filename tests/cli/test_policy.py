"""Policies from the command line, with real networks."""

import pytest
from typer.testing import CliRunner

from yanshi.cli import main as front
from yanshi.core.errors import ConfigError, ContractError


def run(*arguments):
    result = CliRunner().invoke(front.make_app(arguments), list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")


def test_the_installed_policies_are_listed():
    output = run("policies").output
    assert "g1_walk_ppo" in output
    assert "29 → 29" in output


def test_an_import_is_shown_checked_and_listed(tmp_path):
    assert "all of it agrees" in run("policy", "import", "g1_walk_fastsac").output
    folder = "out/policies/g1_walk_fastsac"
    assert "velocity_command  2" in run("policy", "check", folder).output
    assert folder in run("policies").output


def test_a_changed_contract_is_refused_until_it_is_sealed(tmp_path):
    run("policy", "import", "g1_walk_ppo", "--to", "mine")
    file = tmp_path / "mine" / "policy.toml"
    file.write_text(file.read_text().replace("gait_hz = 1.0", "gait_hz = 1.5"))
    with pytest.raises(ContractError, match=r"settings\.gait_hz"):
        run("policy", "check", "mine")
    assert "settings.gait_hz" in " ".join(run("policies", ".").output.split())
    assert "gait_hz = 1.5" in run("policy", "seal", "mine").output


def test_a_file_of_unknown_origin_is_not_imported(tmp_path):
    with pytest.raises(ConfigError, match="--licence"):
        run("policy", "import", "walker.onnx")
    assert not list(tmp_path.iterdir())
