"""A reader follows `docs/mind.md` to teach a new word and a new skill: its examples are run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from yanshi.core.errors import ConfigError
from yanshi.mind.names import read_names

CHAPTER = (Path(__file__).parents[2] / "docs" / "mind.md").read_text(encoding="utf8")
CHAPTER = CHAPTER.partition("## A new word and a new skill")[2].partition("\n## ")[0]


def block(language, number=0):
    return re.findall(rf"```{language}\n(.*?)```", CHAPTER, re.DOTALL)[number]


def commands(name):
    """Return the arguments of the chapter's commands `yanshi NAME`, and what stands behind #."""
    found = re.findall(
        rf'^    yanshi {name} "(.*?)"(?: --places "(.*?)")? *(?:# (.*))?$', CHAPTER, re.M
    )
    return [(said, places, plan) for said, places, plan in found]


def yanshi(*arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "yanshi", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_a_new_word_is_understood_once_it_has_a_name(tmp_path):
    (tmp_path / "names.toml").write_text(block("toml"), encoding="utf8")
    said, places, plan = commands("plan")[0]
    out = yanshi("plan", said, "--places", places, YANSHI_NAMES=str(tmp_path / "names.toml"))
    assert out.startswith(plan + "   ")


def test_a_new_skill_is_understood_and_done_without_training(tmp_path):
    (tmp_path / "nodding.py").write_text(block("python"), encoding="utf8")
    # What pip would write down of the chapter's pyproject.toml.
    points = block("toml", 1).partition('[project.entry-points."yanshi.skills"]')[2].strip()
    info = tmp_path / "nodding-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nodding\nVersion: 0.1.0\n")
    points = points.replace('"', "")
    (info / "entry_points.txt").write_text(f"[yanshi.skills]\n{points}\n")
    path = {"PYTHONPATH": str(tmp_path)}
    said, _, plan = commands("plan")[1]
    assert yanshi("plan", said, **path).startswith(plan + "   ")
    ((said, _, _),) = commands("run")
    assert "nod" in yanshi("run", said, "--world", "empty", **path)


@pytest.mark.parametrize("text", ["aquarium = 7", 'aquarium = ["鱼缸"]', "aquarium", "= ="])
def test_a_file_that_holds_no_names_is_refused_with_one_that_would_do(tmp_path, text):
    path = tmp_path / "names.toml"
    path.write_text(text, encoding="utf8")
    with pytest.raises(ConfigError, match="fish tank"):
        read_names(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_names(tmp_path / "none.toml")
