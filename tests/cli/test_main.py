import subprocess
import sys

import pytest
from typer.testing import CliRunner

from yanshi.cli import main as front
from yanshi.core.errors import ConfigError


def run(*arguments):
    return CliRunner().invoke(front.make_app(arguments), list(arguments))


def test_help_names_every_command():
    result = run("--help")
    assert result.exit_code == 0
    for name in ("run", "skills", "policies", "policy", "worlds", "doctor", "bench", "train"):
        assert f" {name} " in result.output


@pytest.mark.parametrize("name", list(front._MODULES))
def test_every_command_has_help(name):
    result = run(name, "--help")
    assert result.exit_code == 0, result.output
    assert front._MODULES[name].split(" ")[0] in result.output


@pytest.mark.parametrize("arguments", [("bench", "run"), ("bench", "eyes"), ("train", "eyes")])
def test_every_bench_and_training_has_help(arguments):
    assert run(*arguments, "--help").exit_code == 0


def test_skills_lists_every_installed_skill_with_its_syntax():
    result = run("skills")
    assert result.exit_code == 0
    assert "go {place}" in result.output
    assert "dance" in result.output


def test_worlds_lists_the_home():
    assert "home" in run("worlds").output


@pytest.mark.parametrize(
    "arguments",
    [("nosuch",), ("run", "--nosuch"), ("bench", "nosuch"), ("run", "--push", "60@8:nosuch")],
)
def test_wrong_use_is_told_without_a_traceback(typed, arguments):
    code, _, errors = typed(*arguments)
    assert code == 2
    assert "nosuch" in errors
    assert "Traceback" not in errors


def test_an_error_raised_on_purpose_is_one_message_in_the_language_that_was_typed(
    typed, monkeypatch
):
    def fail():
        raise ConfigError("too long", zh="太长")

    monkeypatch.setattr("yanshi.cli.worlds.worlds", fail)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    assert typed("worlds") == (2, "", "too long\n")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert typed("worlds") == (2, "", "太长\n")


def test_a_chinese_sentence_gets_chinese_errors_in_an_english_terminal(monkeypatch):
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    assert front.language_of(["run", "跳舞"]) == "zh"
    assert front.language_of(["run", "dance"]).startswith("en")


def test_the_version_is_the_packages():
    result = subprocess.run(
        [sys.executable, "-c", "from yanshi.cli.main import main; main()", "--version"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0
    assert result.stdout.startswith("yanshi 0.")


def test_training_without_its_packages_says_how_to_get_them(typed, monkeypatch):
    monkeypatch.setattr("yanshi.cli.train.find_spec", lambda name: None)
    code, _, errors = typed("train", "eyes")
    assert code == 2
    assert "make train" in errors


def test_a_wrong_option_is_told_in_chinese_to_whom_speaks_chinese(typed):
    code, _, errors = typed("run", "走到门口", "--sede", "3")
    assert code == 2
    assert "没有选项 --sede" in errors
    assert "--seed" in errors
    code, _, errors = typed("bench", "run", "--n", "0")
    assert code == 2
    assert "yanshi bench run --help" in errors


def test_eyes_to_begin_as_that_are_not_there_are_named(typed, tmp_path):
    code, _, errors = typed("train", "eyes", "--after", str(tmp_path / "none.onnx"))
    assert code == 2
    assert "none.onnx" in errors
