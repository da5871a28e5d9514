"""A training on disk: all that it needs to go on, whole or not there.

A checkpoint says which training it is of. What was made for another robot, another task or other
observations is refused, and so is a file that has changed since it was written.
"""

import hashlib
import io
import pickle
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from yanshi.core.errors import ConfigError
from yanshi.core.files import write_whole
from yanshi.policies.contract import Term
from yanshi.train.lesson import Lesson, Origin

NAME = "checkpoint.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes two trainings the same kind, so that one can go on from the other's state."""

    task: str
    robot: str
    terms: tuple[tuple[str, int, float, int], ...]
    """Name, width, scale and history of each term that the actor sees, in order."""
    acts_on: tuple[str, ...]
    actor_layers: tuple[int, ...]
    critic_layers: tuple[int, ...]

    @classmethod
    def of(cls, lesson: Lesson) -> "Identity":
        """Return a lesson's identity."""
        return cls(
            task=lesson.name,
            robot=lesson.robot.name,
            terms=tuple(map(_row, lesson.terms)),
            acts_on=lesson.acts_on,
            actor_layers=lesson.ppo.actor_layers,
            critic_layers=lesson.ppo.critic_layers,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Where a training stands, beside what its networks have learnt."""

    seed: int
    robots: int
    shards: int
    seconds: float = 0.0
    """Training time over all interruptions."""
    origin: Origin | None = None


def save_checkpoint(folder: Path, identity: Identity, run: Run, state: dict[str, Any]) -> None:
    """Write a checkpoint; the one before stands until this one is whole.

    Raises:
        ConfigError: The disk does not take it.
    """
    memory = io.BytesIO()
    saved = {"identity": asdict(identity), "run": asdict(run), **_with_tensors(state)}
    torch.save(saved, memory)
    data = memory.getvalue()
    write_whole(folder / NAME, _seal(data) + data)


def load_checkpoint(folder: Path, identity: Identity) -> tuple[Run, dict[str, Any]]:
    """Read a checkpoint of a training of the same kind.

    Raises:
        ConfigError: It is damaged, or of another robot, task, network or other observations.
    """
    path = folder / NAME
    saved = _read(path)
    run: dict[str, Any] = saved["run"]
    found = Identity(**{name: _tuple(value) for name, value in saved["identity"].items()})
    for name, theirs in asdict(found).items():
        ours = getattr(identity, name)
        if theirs != ours:
            raise ConfigError(
                f"{path} is of a training with another {name}: {_difference(theirs, ours)}. "
                "Name another --work folder, or one whose training is of this kind.",
                zh=f"{path} 属于另一种训练（{name} 不同）：{_difference(theirs, ours)}。"
                "请用 --work 指定另一个文件夹。",
            )
    origin = Origin(**run.pop("origin")) if run["origin"] else run.pop("origin")
    return Run(**run, origin=origin), _with_arrays(saved)


def _read(path: Path) -> dict[str, Any]:
    """Return what is in a file, if it is just as it was written."""
    damaged = ConfigError(
        f"{path} is damaged or not a checkpoint: it cannot be gone on from. "
        "Put back a copy of it, or name another --work folder to begin anew.",
        zh=f"{path} 已损坏或不是检查点，无法继续。"
        "请恢复它的副本，或用 --work 指定另一个文件夹重新开始。",
    )
    try:
        seal, _, data = path.read_bytes().partition(b"\n")
        if seal + b"\n" != _seal(data):
            raise damaged
        saved = torch.load(io.BytesIO(data), weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise damaged from error
    if not isinstance(saved, dict) or not {"identity", "run", "policy"} <= set(saved):
        raise damaged
    return saved


def _seal(data: bytes) -> bytes:
    """Return the line that stands before a checkpoint's data."""
    return b"yanshi checkpoint " + hashlib.sha256(data).hexdigest().encode() + b"\n"


def _row(term: Term) -> tuple[str, int, float, int]:
    return term.name, term.width, term.scale, term.history


def _tuple(value: Any) -> Any:
    """Return lists in lists as tuples in tuples."""
    return tuple(map(_tuple, value)) if isinstance(value, list | tuple) else value


def _difference(theirs: Any, ours: Any) -> str:
    """Say where two descriptions differ."""
    if not isinstance(theirs, tuple) or not isinstance(ours, tuple):
        return f"{theirs!r} there, {ours!r} here"
    gone = [_name(item) for item in theirs if item not in ours]
    new = [_name(item) for item in ours if item not in theirs]
    if not gone and not new:
        return f"in the order {_names(theirs)} there, {_names(ours)} here"
    return f"{', '.join(gone) or 'nothing more'} there, {', '.join(new) or 'nothing more'} here"


def _name(item: Any) -> str:
    return " ".join(map(str, item)) if isinstance(item, tuple) else str(item)


def _names(items: Sequence[Any]) -> str:
    return ", ".join(map(_name, items))


def _with_tensors(value: Any) -> Any:
    """Return nested state with arrays as tensors: what `weights_only` loads."""
    if isinstance(value, dict):
        return {key: _with_tensors(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_tensors(item) for item in value]
    if isinstance(value, np.ndarray):
        return {_ARRAY: torch.from_numpy(value.copy())}
    return value.item() if isinstance(value, np.generic) else value


def _with_arrays(value: Any) -> Any:
    """Undo `_with_tensors`."""
    if isinstance(value, dict):
        if _ARRAY in value:
            return value[_ARRAY].numpy()
        return {key: _with_arrays(item) for key, item in value.items()}
    return [_with_arrays(item) for item in value] if isinstance(value, list) else value


_ARRAY = "an array"
"""Marks a tensor that is to be an array again."""
