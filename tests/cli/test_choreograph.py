"""`yanshi choreograph --check` says what is wrong, in the user's language, and its code tells."""

import os
import subprocess
import sys

import pytest

from yanshi.policies.contract import policy_folder

KICK = policy_folder("g1_kick") / "routine.toml"


def choreograph(*arguments, language="en_GB.UTF-8"):
    return subprocess.run(
        [sys.executable, "-m", "yanshi", "choreograph", *map(str, arguments), "--check"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "LANG": language, "LC_ALL": language},
    )


def test_a_good_routine_is_summed_up_and_ends_with_code_0():
    result = choreograph(KICK)
    assert result.returncode == 0, result.stderr
    assert "football kick 踢足球" in result.stdout
    assert "complaints: 0" in result.stdout


@pytest.mark.parametrize(
    ("language", "words"), [("en_GB.UTF-8", "line"), ("zh_CN.UTF-8", "关键帧")]
)
def test_a_bad_routine_ends_with_code_1_and_says_why(tmp_path, language, words):
    path = tmp_path / "bad.toml"
    path.write_text(KICK.read_text(encoding="utf8").replace("= -70", "= -170"), encoding="utf8")
    result = choreograph(path, language=language)
    assert result.returncode == 1
    assert words in result.stdout
    assert "right.hip.pitch" in result.stdout


def test_a_file_that_cannot_be_read_ends_with_code_2(tmp_path):
    result = choreograph(tmp_path / "none.toml")
    assert result.returncode == 2
    assert "none.toml" in result.stderr
    assert "Traceback" not in result.stderr
