"""Every example runs, and every command in the documents is one that the program takes."""

import re
import shlex
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"^\s*(?:\.venv/bin/)?yanshi (?P<rest>[^#\n]*)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]+)(?:#[^)]*)?\)")
RUN_MAX = 4
"""Of the first few different `yanshi run` lines the first is run to its end; the others, in which
hands are at work for minutes, until the robot sets out and is told to stop."""


def commands() -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for document in DOCUMENTS:
        blocks = re.findall(r"```\w*\n(.*?)```|((?:^    .*\n)+)", document.read_text(), re.S | re.M)
        for fenced, indented in blocks:
            for match in COMMAND.finditer(fenced or indented):
                words = shlex.split(match["rest"])
                if words and not any(word.isupper() for word in words):
                    found.setdefault(" ".join(words), words)
    return list(found.values())


COMMANDS = commands()
RUNS = [words for words in COMMANDS if words[0] == "run" and "wall" not in words][:RUN_MAX]


def test_the_documents_name_commands():
    assert len(COMMANDS) >= 8
    assert RUNS


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_to_its_end(example):
    result = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:yanshi", str(example)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()


@cache
def help_of(*words: str) -> subprocess.CompletedProcess[str]:
    """Return what the program tells of a command."""
    return subprocess.run(
        [sys.executable, "-m", "yanshi", *words, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin", "TERM": "dumb"},
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_program_knows_the_command_and_its_options(words):
    help_text = help_of(*words[: 2 if words[0] in ("bench", "train", "link") else 1])
    if words[0] == "train" and "make train" in help_text.stderr:
        pytest.skip("training needs packages that are not installed here")
    assert help_text.returncode == 0, help_text.stderr
    for option in (word for word in words if word.startswith("--")):
        assert option in help_text.stdout, f"{option} is not an option of {words[0]}"


def test_the_first_run_from_the_documents_runs_to_its_end(tmp_path):
    words = RUNS[0]
    quick = [word for word in words if word != "--view"]
    if "--film" in quick:  # Filming a whole run takes minutes; it has tests of its own.
        at = quick.index("--film")
        del quick[at : at + 2]
    result = subprocess.run(
        [sys.executable, "-m", "yanshi", *quick],
        capture_output=True,
        text=True,
        timeout=400,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    for option in ("--record", "--report"):
        if option in quick:
            assert (tmp_path / quick[quick.index(option) + 1]).stat().st_size > 0


@pytest.mark.parametrize("words", RUNS[1:], ids=" ".join)
def test_a_run_from_the_documents_sets_out_and_stops_at_ctrl_c(words, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "yanshi", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as run:
        assert run.stdout is not None
        assert any("  begin  " in line for line in run.stdout)
        run.send_signal(signal.SIGINT)
        told, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert "stopped" in told


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document):
    for match in LINK.finditer(document.read_text()):
        assert (document.parent / match["path"]).exists(), match["path"]
