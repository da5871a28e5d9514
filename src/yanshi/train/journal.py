"""The log of a training: a line every few rounds, and the curve drawn from it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from yanshi.core.errors import ConfigError
from yanshi.core.files import write_whole

NAME = "log.jsonl"
Line = dict[str, Any]


def read_lines(path: Path) -> list[Line]:
    """Return the lines of a log; a last line that was cut off is left out."""
    lines: list[Line] = []
    if path.exists():
        for text in path.read_text(encoding="utf8").splitlines():
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                break
    return lines


def keep_until(path: Path, seconds: float) -> list[Line]:
    """Drop what was logged after a checkpoint that the training goes on from."""
    lines = [line for line in read_lines(path) if line["seconds"] <= seconds]
    write_whole(path, "".join(json.dumps(line) + "\n" for line in lines))
    return lines


def add_line(path: Path, line: Line) -> None:
    """Append one line.

    Raises:
        ConfigError: The disk does not take it.
    """
    try:
        with path.open("a", encoding="utf8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        raise ConfigError(
            f"{path} could not be written: {error.strerror}. The last checkpoint stands; "
            "make room and go on with --resume.",
            zh=f"无法写入 {path}：{error.strerror}。上一个检查点仍在；腾出空间后用 --resume 继续。",
        ) from error


def smooth(values: Sequence[float], over: int = 15) -> list[float]:
    """Return running means over the last few values."""
    return [
        sum(values[max(0, end - over) : end]) / min(end, over) for end in range(1, len(values) + 1)
    ]


def draw_curve(lines: Sequence[Line], path: Path) -> None:
    """Draw the reward and everything the task says of its progress over the minutes."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    minutes = [line["seconds"] / 60.0 for line in lines]
    curves = {"reward a tick": [line["reward"] for line in lines]}
    for name in lines[-1]["progress"] if lines else ():
        curves[name] = [line["progress"][name] for line in lines]
    figure, axes = pyplot.subplots(
        len(curves), sharex=True, figsize=(7.0, 2.0 * len(curves) + 0.5), squeeze=False
    )
    for axis, (name, values) in zip(axes[:, 0], curves.items(), strict=True):
        axis.plot(minutes, values, color="0.8", linewidth=0.8)
        axis.plot(minutes, smooth(values), linewidth=1.5)
        axis.set_ylabel(name)
    axes[-1, 0].set_xlabel("minutes of training")
    figure.savefig(path, dpi=110, bbox_inches="tight")
    pyplot.close(figure)
