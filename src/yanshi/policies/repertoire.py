"""Which routines there are, what they are called, and which of them the robot has learnt.

A routine's folder holds its `routine.toml` and, once it is trained, a policy and the motion. Ours
lie in this folder; others are found where the environment variable `YANSHI_POLICIES` says, so a
folder that `yanshi train track` has made is one skill more.
"""

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from yanshi.control.routine import Title, read_title
from yanshi.core.errors import ConfigError
from yanshi.policies.contract_file import CONTRACT_FILE
from yanshi.policies.motion import MOTION_FILE, ROUTINE_FILE
from yanshi.robots.g1.spec import G1

PLACES = "YANSHI_POLICIES"
"""Folders as in PATH, each a routine's own or one that holds routines' folders."""
_PREFIX = re.compile(r"^(g1|train_track)_")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A routine and where it lies."""

    name: str
    """As a plan asks for it: its folder's name without `g1_` or `train_track_`."""
    folder: Path
    title: Title

    @property
    def is_learnt(self) -> bool:
        """Whether there is a policy that performs it."""
        return all((self.folder / file).is_file() for file in (CONTRACT_FILE, MOTION_FILE))


def add_place(folder: Path) -> None:
    """Look for routines in a folder, too; in the processes that this one starts as well.

    Raises:
        ConfigError: There is no routine in it.
    """
    if not _folders_in(folder):
        raise ConfigError(
            f"{folder} was to hold routines; a {ROUTINE_FILE} in it, or in folders of it, would "
            "be one. `yanshi train track` makes such a folder.",
            zh=f"{folder} 中没有套路；其中（或其子文件夹中）应有 {ROUTINE_FILE}。"
            "`yanshi train track` 会生成这样的文件夹。",
        )
    places = os.environ.get(PLACES, "")
    os.environ[PLACES] = os.pathsep.join(filter(None, (places, str(folder.resolve()))))


def repertoire() -> dict[str, Piece]:
    """Return all routines by name, sorted; one of another place goes before ours of that name.

    Raises:
        ConfigError: A folder's name cannot be a skill's, or what it holds is no routine.
    """
    return _repertoire(os.environ.get(PLACES, ""))


@cache
def _repertoire(places: str) -> dict[str, Piece]:
    others = (Path(place) for place in places.split(os.pathsep) if place)
    folders = [
        folder for place in (Path(__file__).parent, *others) for folder in _folders_in(place)
    ]
    pieces = {}
    for folder in folders:
        name = _PREFIX.sub("", folder.name)
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"The routine in {folder} would be the skill {name!r}; small letters, digits and "
                "_ in its folder's name would do.",
                zh=f"{folder} 中的套路会成为技能 {name!r}；文件夹名只能用小写字母、数字和 _。",
            )
        title = read_title(folder / ROUTINE_FILE, G1)
        pieces[name] = Piece(name=name, folder=folder, title=title)
    return dict(sorted(pieces.items()))


def _folders_in(place: Path) -> list[Path]:
    if (place / ROUTINE_FILE).is_file():
        return [place]
    return sorted(path.parent for path in place.glob(f"*/{ROUTINE_FILE}"))
