"""The text of a contract: written, sealed, and searched for the line that a refusal is about.

A seal is a short digest of each value. Most values can be checked against the robot or the network;
the seal guards those that cannot, such as a gait's frequency, and says which of them was changed.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from yanshi.core.errors import ConfigError
from yanshi.core.files import write_whole

CONTRACT_FILE = "policy.toml"
_SEAL = "[seal]\n# Of the values above, by `yanshi policy seal`.\n"
_LINE_MAX = 96


def read_table(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a folder's contract, and what it says.

    Raises:
        ConfigError: There is no such file, or it is not TOML.
    """
    try:
        text = (folder / CONTRACT_FILE).read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"Cannot read the policy in {folder}: {error}. A folder with a readable "
            f"{CONTRACT_FILE} would work.",
            zh=f"无法读取 {folder} 中的策略：{error}。需要一个含有可读 {CONTRACT_FILE} 的文件夹。",
        ) from error


def write_contract(folder: Path, table: Mapping[str, Any]) -> None:
    """Write a sealed contract.

    Args:
        folder: Where to; it must exist.
        table: Strings, numbers, lists and tables by name. A list of tables gets a row for each.
    """
    lines = [f"{key} = {_text(v)}" for key, v in table.items() if not isinstance(v, Mapping)]
    for name, values in _tables(table):
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {_text(v)}" for key, v in values.items() if not isinstance(v, Mapping)]
    write_whole(folder / CONTRACT_FILE, "\n".join(lines) + "\n")
    seal(folder)


def seal(folder: Path) -> None:
    """Seal a folder's contract as it stands, in place of an earlier seal."""
    text, table = read_table(folder)
    body = re.split(r"^\[seal\]$", text, maxsplit=1, flags=re.MULTILINE)[0].rstrip()
    rows = [f'"{key}" = "{digest}"\n' for key, digest in digests(table).items()]
    write_whole(folder / CONTRACT_FILE, f"{body}\n\n{_SEAL}{''.join(rows)}")


def digests(table: Mapping[str, Any]) -> dict[str, str]:
    """Return a short digest of each value but the seal's own, by its name with dots."""
    return {
        key: hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]
        for key, value in _values(table, "")
        if not key.startswith("seal.")
    }


def line_of(text: str, key: str) -> int | None:
    """Return the number of the line where a value stands, or begins; None if it is nowhere.

    Args:
        text: A contract.
        key: A name with dots, e.g. `action.scale` or `observation[2].width`.
    """
    row = re.fullmatch(r"(.*)\[(\d+)\].*", key)
    wanted, rows_left = (row[1], int(row[2]) + 1) if row else (key, 0)
    table, is_inside = "", False
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\[([\w.]+)\]", line):
            table = f"{header[1]}."
            if table == f"{wanted}.":
                return number
        name = re.match(r"([\w-]+)\s*=", line)
        is_inside = is_inside if name is None else table + name[1] == wanted
        if is_inside and not rows_left:
            return number
        if is_inside and line.lstrip().startswith("{"):
            rows_left -= 1
            if not rows_left:
                return number
    return None


def _values(value: object, key: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _values(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        yield from ((f"{key}[{number}]", row) for number, row in enumerate(value))
    else:
        yield key, value


def _tables(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, values in table.items():
        if isinstance(values, Mapping):
            yield prefix + name, values
            yield from _tables(values, f"{prefix}{name}.")


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_text(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], Mapping):
            return "[\n" + "".join(f"  {_text(row)},\n" for row in value) + "]"
        items = [_text(item) for item in value]
        if sum(map(len, items)) < _LINE_MAX // 2:
            return f"[{', '.join(items)}]"
        rows = [""]
        for item in items:
            if len(rows[-1]) + len(item) > _LINE_MAX:
                rows.append("")
            rows[-1] += f" {item},"
        return "[\n" + "".join(f" {row}\n" for row in rows) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(float(f"{value:.9g}") + 0.0)  # Never -0.0.
    raise TypeError(f"A contract holds no {type(value).__name__}.")
