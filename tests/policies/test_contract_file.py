"""A contract's text is read by the standard library's parser, which knows nothing of ours."""

import tomllib
from pathlib import Path

import pytest

from yanshi.core.errors import ConfigError
from yanshi.policies.contract import installed_policies
from yanshi.policies.contract_file import digests, line_of, read_table, seal, write_contract

TABLE = {
    "about": 'Says "哈" \\ and more',
    "rate": 50.0,
    "many": [0.1 * n for n in range(30)],
    "joints": [f"a_rather_long_joint_name_{n}" for n in range(12)],
    "flag": True,
    "rows": [{"term": "one", "scale": 0.5}, {"term": "two", "scale": 1.0}],
    "network": {"file": "policy.onnx", "inputs": {"observation": 4}},
    "settings": {"bounds": [-1.0, -0.0, 2], "name": "x"},
}


def test_what_is_written_is_what_is_read(tmp_path: Path):
    write_contract(tmp_path, TABLE)
    text, table = read_table(tmp_path)
    found = dict(table)
    assert set(found.pop("seal")) == set(digests(TABLE))
    assert found.pop("many") == pytest.approx(TABLE["many"], abs=1e-9)
    assert found == {key: value for key, value in TABLE.items() if key != "many"}
    assert max(map(len, text.splitlines())) <= 100
    assert "-0.0" not in text


def test_sealing_again_changes_nothing(tmp_path: Path):
    write_contract(tmp_path, TABLE)
    before, _ = read_table(tmp_path)
    seal(tmp_path)
    assert read_table(tmp_path)[0] == before


def test_sealing_keeps_comments_and_counts_the_values_alone(tmp_path: Path):
    write_contract(tmp_path, TABLE)
    text, table = read_table(tmp_path)
    (tmp_path / "policy.toml").write_text(text.replace("flag = true", "# Why.\nflag  =  true"))
    seal(tmp_path)
    after, again = read_table(tmp_path)
    assert "# Why." in after
    assert again["seal"] == table["seal"]


def test_every_digest_changes_with_its_own_value_alone():
    before = digests(TABLE)
    after = digests({**TABLE, "network": {"file": "other.onnx", "inputs": {"observation": 4}}})
    assert [key for key in before if before[key] != after[key]] == ["network.file"]


@pytest.mark.parametrize("folder", installed_policies().values(), ids=lambda path: path.name)
def test_every_value_of_an_installed_policy_is_found_in_its_line(folder: Path):
    text, table = read_table(folder)
    lines = text.splitlines()
    for key in digests(table):
        line = line_of(text, key)
        assert line is not None, key
        last = key.rpartition(".")[2]
        assert lines[line - 1].strip().startswith("{" if last.endswith("]") else last), key
    assert line_of(text, "no.such") is None


@pytest.mark.parametrize("content", [None, b"robot = [", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_says_where_it_is(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "policy.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=str(tmp_path)):
        read_table(tmp_path)


def test_the_files_are_plain_toml(tmp_path: Path):
    write_contract(tmp_path, TABLE)
    with (tmp_path / "policy.toml").open("rb") as file:
        assert tomllib.load(file)["rows"][1] == {"term": "two", "scale": 1.0}
