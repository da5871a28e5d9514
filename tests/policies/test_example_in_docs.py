"""The document's example is run, and the contract shown there is the one that it writes."""

import re
import tomllib
from pathlib import Path

import pytest

from yanshi.policies.contract import TERM_WIDTHS, load_contract
from yanshi.robots.g1.spec import G1

DOCUMENT = (Path(__file__).parents[2] / "docs" / "policies.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT, re.S)
    assert found is not None
    return found[1]


def test_the_example_runs_and_writes_the_contract_that_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for package in ("torch", "onnx"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    exec(compile(block("python"), "docs/policies.md", "exec"), {})
    assert "right_elbow" in capsys.readouterr().out
    assert load_contract(tmp_path / "held", G1).about == "Holds the right arm out."
    written = tomllib.loads((tmp_path / "held" / "policy.toml").read_text())
    shown = tomllib.loads(block("toml"))
    written.pop("seal")
    for table in (shown, written):
        table["network"].pop("sha256")
        for row in table["observation"]:
            row.setdefault("history", 1)
        for gains in table["gains"].values():
            gains[:] = [round(gain, 3) for gain in gains]
    assert written == shown


def test_every_term_is_explained():
    rows = re.findall(r"^\| (`.*?) \|", DOCUMENT, re.M)
    explained = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert explained == set(TERM_WIDTHS)
