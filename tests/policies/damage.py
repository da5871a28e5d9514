"""Damages one line of a contract, and says what a refusal has to name."""

import random
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Damage:
    """One line that was lost or changed."""

    number: int
    before: str
    after: str | None
    names: tuple[str, ...]
    """Any of which a message has to hold."""
    text: str
    """The damaged contract."""


def lines_that_count(text: str) -> list[int]:
    """Return the indices of all lines but comments and empty ones."""
    lines = enumerate(text.splitlines())
    return [number for number, line in lines if line.strip() and not line.startswith("#")]


def damage(text: str, number: int, seed: int | None) -> Damage:
    """Lose a line, or with a seed change one letter or digit of it."""
    lines = text.splitlines()
    before, after = lines[number], None
    if seed is not None:
        value = before.split("  #")[0]
        places = [at for at, sign in enumerate(value) if sign.isascii() and sign.isalnum()]
        if places:
            rng = random.Random(seed)
            at = rng.choice(places)
            other = rng.choice([sign for sign in "0123456789abcdefxyz" if sign != before[at]])
            after = before[:at] + other + before[at + 1 :]
    names = {_name(lines, number)}
    if after is None:
        del lines[number]
    else:
        lines[number] = after
        names.add(_name(lines, number))
    return Damage(number + 1, before, after, tuple(names), "\n".join(lines) + "\n")


def is_named(message: str, damaged: Damage) -> bool:
    """Whether a message names the line, or for a file that cannot be read one behind it."""
    if found := re.search(r"\(at line (\d+)", message):
        return int(found[1]) >= damaged.number
    return "(at end of document)" in message or any(name in message for name in damaged.names)


def write(folder: Path, damaged: Damage) -> Path:
    """Write the damaged contract into a folder."""
    (folder / "policy.toml").write_text(damaged.text)
    return folder


def _name(lines: list[str], number: int) -> str:
    """Return the name that a line's value has, e.g. `action.scale`."""
    if header := re.match(r"\[([\w.]+)\]", lines[number]):
        return header[1]
    key = next(
        (
            m
            for line in reversed(lines[: number + 1])
            if (m := re.match(r'["\w\[\].-]+(?= =)', line))
        ),
        None,
    )
    tables = [m[1] for line in lines[:number] if (m := re.match(r"\[([\w.]+)\]", line))]
    name = key[0] if key else ""
    if name.startswith('"'):  # A line of the seal is about what it seals.
        return name.strip('"')
    return f"{tables[-1]}.{name}" if tables else name
