"""What is here, what is missing, and the command that mends it."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from importlib.util import find_spec
from pathlib import Path

import psutil

from yanshi.assets import locate
from yanshi.assets.manifest import ASSETS
from yanshi.bodies.renderer import MEND as MEND_RENDERER
from yanshi.bodies.renderer import check_renderer
from yanshi.core.errors import YanshiError

PYTHON_MIN = (3, 11)
MEMORY_MIN_GB = 1.2
"""What a run takes."""
DISK_MIN_GB = 0.5
"""What films and logs need room for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    text: str
    """What was found, for people."""
    mend: str = ""
    """The command that mends it; empty when nothing is wrong."""
    is_optional: bool = False
    """Whether Yanshi runs without it."""

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to mend."""
        return not self.mend


def check_everything() -> Iterator[Finding]:
    """Look at all that a run needs, one finding after the other."""
    for check in (_python, _packages, _skills, _renderer, _memory, _disk, _training):
        yield check()
    for asset in ASSETS:
        yield _asset(asset.name, f"{asset.source.package} {asset.source.version}")


def _python() -> Finding:
    found = sys.version.split()[0]
    if sys.version_info < PYTHON_MIN:
        return Finding(name="python", text=f"{found}, too old", mend="make PYTHON=python3.11 run")
    return Finding(name="python", text=f"{found} at {sys.executable}")


def _packages() -> Finding:
    needed = [rule for rule in requires("yanshi-robot") or [] if "extra ==" not in rule]
    names = [re.split(r"[^\w.-]", rule, maxsplit=1)[0] for rule in needed]
    missing = [name for name in names if not _is_installed(name)]
    if missing:
        text = f"missing: {', '.join(missing)}"
        return Finding(name="packages", text=text, mend="rm -f .venv/.ready-*; make setup")
    return Finding(name="packages", text=f"all {len(names)}, MuJoCo {version('mujoco')}")


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _skills() -> Finding:
    points = entry_points(group="yanshi.skills")
    broken = [point.name for point in points if not _loads(point.load)]
    if broken:
        text = f"{', '.join(broken)} cannot be loaded"
        return Finding(name="skills", text=text, mend="rm -f .venv/.ready-*; make setup")
    return Finding(name="skills", text=f"{len(points)} installed")


def _loads(load: Callable[[], object]) -> bool:
    try:
        load()
    except (ImportError, AttributeError):
        return False
    return True


def _renderer() -> Finding:
    try:
        return Finding(name="renderer", text=check_renderer())
    except YanshiError as error:
        return Finding(name="renderer", text=str(error), mend=MEND_RENDERER)


def _memory() -> Finding:
    free_gb = psutil.virtual_memory().available / 1e9
    text = f"{free_gb:.1f} GB free, a run takes up to {MEMORY_MIN_GB} GB"
    mend = "" if free_gb >= MEMORY_MIN_GB else "close other programs"
    return Finding(name="memory", text=text, mend=mend)


def _disk() -> Finding:
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    mend = "" if free_gb >= DISK_MIN_GB else f"make room on the disk of {Path.cwd()}"
    return Finding(name="disk", text=f"{free_gb:.1f} GB free here", mend=mend)


def _training() -> Finding:
    if find_spec("torch") is None:
        text = "no torch; only `yanshi train` needs it"
        return Finding(name="training", text=text, mend="make train", is_optional=True)
    return Finding(name="training", text=f"torch {version('torch')}", is_optional=True)


def _asset(name: str, origin: str) -> Finding:
    try:
        locate(name)
    except YanshiError as error:
        return Finding(name=name, text=str(error), mend=f"{sys.executable} -m yanshi.assets")
    return Finding(name=name, text=origin)
