"""The house: each folder may import itself and those above it, never one below."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import yanshi

HOUSE = (
    "core",
    "assets",
    "robots",
    "ledger",
    "safety",
    "control",
    "worlds",
    "bodies",
    "senses",
) + ("policies", "skills", "mind", "runtime", "stage", "ports", "train", "bench", "cli")
SOURCE = Path(yanshi.__file__).parent
TRAINING_ONLY = {"torch", "transformers", "peft", "safetensors"}
FILES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))


def imported(tree):
    """Return the full names of all modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write imports in full"
            names.add(node.module)
            if node.module == "yanshi":
                names |= {f"yanshi.{alias.name}" for alias in node.names}
    return names


def rooms_of(names):
    return {name.split(".")[1] for name in names if name.startswith("yanshi.")}


def trespasses(path, names):
    """Return what a file may not import, given its path inside the package."""
    room = "cli" if path.name == "__main__.py" and len(path.parts) == 1 else path.parts[0]
    if room not in HOUSE:  # The package's own `__init__`.
        return rooms_of(names)
    allowed = set(HOUSE[: HOUSE.index(room) + 1])
    if room != "cli":
        allowed -= {"train"} - {room}
    wrong = rooms_of(names) - allowed
    if room != "train":
        wrong |= {name.split(".")[0] for name in names} & TRAINING_ONLY
    return wrong


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_its_own_folder_and_those_above(path):
    names = imported(ast.parse((SOURCE / path).read_text(encoding="utf8")))
    assert not trespasses(path, names)


def test_every_folder_has_its_place_in_the_house():
    folders = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(HOUSE)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("core/clock.py", "yanshi.robots.spec"),
        ("bodies/body.py", "yanshi.skills.skill"),
        ("bench/run.py", "yanshi.train.mind"),
        ("mind/mind.py", "torch.nn"),
        ("__init__.py", "yanshi.core.clock"),
    ],
)
def test_a_trespass_is_seen(path, name):
    assert trespasses(Path(path), {name})


def test_the_command_line_loads_nothing_heavy_before_a_command_runs():
    code = (
        "import sys\n"
        "from yanshi.cli.main import make_app\n"
        "make_app(['--help']); make_app(['run'])\n"
        "heavy = {'torch', 'mujoco', 'onnxruntime', 'viser', 'av', 'matplotlib'}\n"
        "heavy &= set(sys.modules)\n"
        "print(*heavy)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
