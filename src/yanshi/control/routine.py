"""What a person writes to make the robot perform: keyframes in a TOML file.

A routine is a list of moments. Each says where arms, waist and a lifted leg are, which foot stands
and how the weight is shared; the legs that stand follow from that (see `reference.py`). Angles are
in degrees and are written for either side as for the left one, so that `both.shoulder.roll = 20`
raises both arms outwards and a pose can be seen in a mirror. `docs/routines.md` explains every key.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from yanshi.core.errors import ConfigError
from yanshi.robots.spec import RobotSpec

SIDES = ("left", "right")
LANGUAGES = ("zh", "en")
LEFT, RIGHT = 0, 1
_STANDS = {"both": (True, True), "left": (True, False), "right": (False, True)}
_LEG = ("hip", "knee", "ankle")
_MIRRORED = "mirrored "
_STEP_MAX_M = 1.0
_LENGTH_MAX_S = 600.0
_ANGLE_MAX_DEG = 360.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Footstep:
    """Where a foot is put, seen from the other foot."""

    ahead: float
    """m."""
    out: float
    """Away from the other foot, m."""
    turn: float
    """Toes outwards, rad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """What one moment looks like; what is left out is as in the walker's stance."""

    joints: Mapping[str, float] = field(default_factory=dict)
    """Angles by the robot's joint names, rad."""
    stands: tuple[bool, bool] = (True, True)
    """Whether the left and the right foot carry."""
    weight: float = 0.5
    """Share of the weight on the left foot; counts when both stand."""
    height: float | None = None
    """Of the pelvis above the floor, m; None: as in the stance."""
    turn: float = 0.0
    """Of the pelvis to the left of where the feet that stand point, rad."""
    pitch: float = 0.0
    """Of the pelvis, forward, rad."""
    roll: float = 0.0
    """Of the pelvis, its right side down, rad."""
    steps: tuple[Footstep | str | None, Footstep | str | None] = (None, None)
    """Where a lifted foot comes down; `"stance"`: beside the other one as in the stance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyframe:
    """A posture with its time."""

    number: int
    """From 1, in the file's order; 0 is the stance that every routine begins in."""
    line: int
    """Where it begins in the file."""
    time_s: float
    """Since the beginning."""
    hold_s: float
    """How long it is kept."""
    note: str
    posture: Posture

    @property
    def end_s(self) -> float:
        """When the next movement begins."""
        return self.time_s + self.hold_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """What a routine is called, and what it is asked for with."""

    zh: str
    en: str
    asked: Mapping[str, tuple[str, ...]]
    """Words for it by language, `zh` and `en`; its names come first."""

    @property
    def words(self) -> tuple[str, ...]:
        """What it is asked for with, in any language."""
        return tuple(word for words in self.asked.values() for word in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine(Title):
    """A performance as it is written. The first keyframe is the stance at time 0."""

    path: Path
    keyframes: tuple[Keyframe, ...]

    @property
    def duration_s(self) -> float:
        """From stance to stance."""
        return self.keyframes[-1].end_s


def read_routine(path: Path, robot: RobotSpec) -> Routine:
    """Read and check a routine's file.

    Raises:
        ConfigError: It cannot be read, or something in it means nothing; the message names the
            keyframe and its line, what was found and what would do.
    """
    text, table = _load(path)
    return _Reader(path, text, robot).routine(table)


def read_title(path: Path, robot: RobotSpec) -> Title:
    """Read what a routine is called, without looking at its keyframes.

    Raises:
        ConfigError: It cannot be read, or its names mean nothing.
    """
    text, table = _load(path)
    return _Reader(path, text, robot).title(table)


def _load(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"Cannot read the routine {path}: {error}.", zh=f"无法读取套路 {path}：{error}。"
        ) from error


def mirrored(posture: Posture, robot: RobotSpec) -> Posture:
    """Return a posture as it looks in a mirror."""
    joints = {}
    for name, angle in posture.joints.items():
        side, _, rest = name.partition("_")
        if side in SIDES:
            other = f"{SIDES[1 - SIDES.index(side)]}_{rest}"
            joints[other] = angle * side_sign(robot, other) * side_sign(robot, name)
        else:
            joints[name] = -angle if name.endswith(("_roll", "_yaw")) else angle
    return replace(
        posture,
        joints=joints,
        stands=posture.stands[::-1],
        weight=1.0 - posture.weight,
        turn=-posture.turn,
        roll=-posture.roll,
        steps=posture.steps[::-1],
    )


def side_sign(robot: RobotSpec, name: str) -> float:
    """Return -1 for a right joint whose angles are those of the left one with signs turned."""
    if not name.startswith("right_"):
        return 1.0
    if name.endswith(("_roll", "_yaw")):
        return -1.0
    right = robot.joint_index(name)
    left = robot.joint_index(name.replace("right_", "left_", 1))
    return 1.0 if robot.limits.lower[left] == robot.limits.lower[right] else -1.0


class _Reader:
    """Takes a routine out of a file's table; each refusal names the place it is about."""

    def __init__(self, path: Path, text: str, robot: RobotSpec) -> None:
        self._path = path
        self._robot = robot
        lines = enumerate(text.splitlines(), start=1)
        self._lines = [n for n, line in lines if re.match(r"\s*\[\[\s*keyframe\s*\]\]", line)]
        self._poses: dict[str, dict[str, Any]] = {}

    def routine(self, table: dict[str, Any]) -> Routine:
        where = "the file"
        self._only(where, table, ("name", "asked", "poses", "keyframe"))
        zh, en, asked = self._names(table)
        self._read_poses(table.get("poses", {}))
        rows = table.get("keyframe")
        if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
            raise self._refuse(where, "there are no keyframes", "at least one `[[keyframe]]`")
        frames = [Keyframe(number=0, line=0, time_s=0.0, hold_s=0.0, note="", posture=Posture())]
        for number, row in enumerate(rows, start=1):
            frames.append(self._keyframe(number, row, frames[-1]))
        self._ends_in_stance(frames[-1])
        return Routine(zh=zh, en=en, asked=asked, path=self._path, keyframes=tuple(frames))

    def title(self, table: dict[str, Any]) -> Title:
        """Return the routine's names and the words for it, whatever its keyframes are."""
        zh, en, asked = self._names(table)
        return Title(zh=zh, en=en, asked=asked)

    def _names(self, table: dict[str, Any]) -> tuple[str, str, Mapping[str, tuple[str, ...]]]:
        name, asked = table.get("name"), table.get("asked", {})
        if not isinstance(name, dict):
            raise self._refuse(
                "the file", f"`name` is {name!r}", '`[name]` with zh = "…" and en = "…"'
            )
        if not isinstance(asked, dict):
            raise self._refuse("the file", f"`asked` is {asked!r}", '`[asked]` with zh = ["…"]')
        self._only("[name]", name, LANGUAGES)
        self._only("[asked]", asked, LANGUAGES)
        zh, en = (self._text("[name]", key, name.get(key)) for key in LANGUAGES)
        words: dict[str, tuple[str, ...]] = {}
        for language, called in zip(LANGUAGES, (zh, en), strict=True):
            more = asked.get(language, [])
            if not isinstance(more, list):
                raise self._refuse("[asked]", f"`{language}` is {more!r}", "a list of texts")
            listed = [self._text("[asked]", language, word) for word in more]
            words[language] = tuple(dict.fromkeys([called, *listed]))
        return zh, en, words

    def _read_poses(self, poses: object) -> None:
        if not isinstance(poses, dict):
            raise self._refuse("poses", repr(poses), "tables like `[poses.guard]`")
        for name, row in poses.items():
            where = f"pose {name!r}"
            if not isinstance(row, dict):
                raise self._refuse(where, repr(row), "a table")
            if name == "stance" or name.startswith(_MIRRORED):
                raise self._refuse(where, "a name with a meaning of its own", "another name")
            self._fields(where, row, also=())
            self._like(where, row)
            self._poses[name] = row

    def _keyframe(self, number: int, row: dict[str, Any], before: Keyframe) -> Keyframe:
        line = self._lines[number - 1] if number <= len(self._lines) else 0
        where = f"keyframe {number} (line {line})"
        posture = self._posture(where, row)
        self._agrees(where, posture, before.posture)
        if ("time" in row) == ("takes" in row):
            raise self._refuse(where, "it has both or neither of `time` and `takes`", "one of them")
        if "time" in row:
            time_s = self._number(where, "time", row["time"], 0.0, _LENGTH_MAX_S)
        else:
            time_s = before.end_s + self._number(where, "takes", row["takes"], 0.0, _LENGTH_MAX_S)
        if time_s < before.end_s + 0.1 - 1e-9:
            raise self._refuse(
                where,
                f"its time is {time_s:g} s",
                f"{before.end_s + 0.1:g} s or later, 0.1 s after the one before",
            )
        return Keyframe(
            number=number,
            line=line,
            time_s=time_s,
            hold_s=self._number(where, "hold", row.get("hold", 0.0), 0.0, _LENGTH_MAX_S),
            note=self._text(where, "note", row["note"]) if "note" in row else "",
            posture=posture,
        )

    def _posture(self, where: str, row: dict[str, Any]) -> Posture:
        """Return what a row says on top of the poses that it is like."""
        changes = self._fields(where, row, also=("time", "takes", "hold", "note"))
        posture = Posture()
        for name in self._like(where, row):
            posture = _on_top(posture, self._named(where, name, ()))
        return _on_top(posture, changes)

    def _like(self, where: str, row: dict[str, Any]) -> list[str]:
        """Return the names of the poses that a row is like."""
        like = row.get("like", [])
        names = [like] if isinstance(like, str) else like
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise self._refuse(where, f"`like` is {like!r}", "a pose's name or a list of names")
        return names

    def _named(self, where: str, name: str, seen: tuple[str, ...]) -> dict[str, Any]:
        """Return what a named pose changes, including those that it is like itself."""
        plain = name.removeprefix(_MIRRORED)
        if plain == "stance":
            return {}
        if plain not in self._poses:
            known = [*self._poses, "stance"]
            raise self._refuse(
                where, f"`like` names {name!r}{_hint(plain, known)}", f"one of {sorted(known)}"
            )
        if plain in seen:
            raise self._refuse(where, f"the pose {plain!r} is like itself", "poses without a ring")
        row = self._poses[plain]
        changes: dict[str, Any] = {}
        for other in self._like(f"pose {plain!r}", row):
            changes = _merged(changes, self._named(f"pose {plain!r}", other, (*seen, plain)))
        changes = _merged(changes, self._fields(f"pose {plain!r}", row, also=()))
        if name == plain:
            return changes
        seen_in_mirror = mirrored(replace(Posture(), **changes), self._robot)
        kept = set(changes) - {"height", "pitch"}
        return changes | {key: getattr(seen_in_mirror, key) for key in kept}

    # -- values ----------------------------------------------------------------------------

    def _fields(self, where: str, row: dict[str, Any], also: Iterable[str]) -> dict[str, Any]:
        """Return the fields of `Posture` that a row names."""
        parts = {name.partition("_")[0] for name in self._robot.joint_names}
        own = ("like", "stands", "weight", "pelvis", "both", *also)
        self._only(where, row, (*own, *sorted(parts)))
        changes: dict[str, Any] = {}
        if "stands" in row:
            if not isinstance(row["stands"], str) or row["stands"] not in _STANDS:
                raise self._refuse(where, f"`stands` is {row['stands']!r}", f"one of {[*_STANDS]}")
            changes["stands"] = _STANDS[row["stands"]]
        if "weight" in row:
            changes["weight"] = self._number(where, "weight", row["weight"], 0.0, 1.0)
        changes |= self._pelvis(where, row.get("pelvis", {}))
        steps: list[Footstep | str | None] = [None, None]
        joints: dict[str, float] = {}
        for part in ("both", *sorted(parts)):
            if part not in row:
                continue
            table = row[part]
            if not isinstance(table, dict):
                raise self._refuse(where, f"`{part}` is {table!r}", f"joints, like `{part}.… = 20`")
            if "step" in table and part in SIDES:
                steps[SIDES.index(part)] = self._step(where, part, table["step"])
                table = {key: value for key, value in table.items() if key != "step"}
                if not table:
                    continue
            for side in SIDES if part == "both" else (part,):
                joints |= self._angles(where, side, part, table)
        if joints:
            changes["joints"] = joints
        if any(steps):
            changes["steps"] = tuple(steps)
        return changes

    def _pelvis(self, where: str, table: object) -> dict[str, float]:
        if not isinstance(table, dict):
            raise self._refuse(where, f"`pelvis` is {table!r}", "`pelvis.height = 0.6`")
        self._only(f"{where}, pelvis", table, ("height", "turn", "pitch", "roll"))
        found = {}
        for key, value in table.items():
            if key == "height":
                most = self._robot.standing_height + 0.1
                found[key] = self._number(where, "pelvis.height (m)", value, 0.2, most)
            else:
                found[key] = np.deg2rad(self._number(where, f"pelvis.{key}", value, -90.0, 90.0))
        return found

    def _step(self, where: str, side: str, value: object) -> Footstep | str:
        key = f"{side}.step"
        if value == "stance":
            return "stance"
        if not isinstance(value, list) or len(value) != 3:
            raise self._refuse(
                where,
                f"`{key}` is {value!r}",
                '"stance" or [ahead in m, outwards in m, toes outwards in degrees]',
            )
        ahead, out = (self._number(where, key, v, -_STEP_MAX_M, _STEP_MAX_M) for v in value[:2])
        turn = self._number(where, key, value[2], -_ANGLE_MAX_DEG, _ANGLE_MAX_DEG)
        return Footstep(ahead=ahead, out=out, turn=float(np.deg2rad(turn)))

    def _angles(
        self, where: str, prefix: str, part: str, table: dict[str, Any]
    ) -> dict[str, float]:
        """Return angles by joint name of a table such as `hip.pitch = -40, knee = 60`."""
        found: dict[str, float] = {}
        if not table:
            raise self._refuse(where, f"`{part}` names no joint", f"`{part}.… = 20`")
        for key, value in table.items():
            name, shown = f"{prefix}_{key}", f"{part}.{key}"
            if isinstance(value, dict):
                found |= self._angles(where, name, shown, value)
                continue
            if name not in self._robot.joint_names:
                known = [n for n in self._robot.joint_names if n.startswith(prefix)]
                dotted = [n.replace("_", ".") for n in known or self._robot.joint_names]
                hint = _hint(name.replace("_", "."), dotted)
                raise self._refuse(where, f"`{shown}` is not a joint{hint}", f"one of {dotted}")
            angle = self._number(where, shown, value, -_ANGLE_MAX_DEG, _ANGLE_MAX_DEG)
            found[name] = float(np.deg2rad(angle)) * side_sign(self._robot, name)
        return found

    def _number(self, where: str, key: str, value: object, least: float, most: float) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= float(value) <= most:  # type: ignore[arg-type]
            raise self._refuse(
                where, f"`{key}` is {value!r}", f"a number from {least:g} to {most:g}"
            )
        return float(value)  # type: ignore[arg-type]

    def _text(self, where: str, key: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self._refuse(where, f"`{key}` is {value!r}", "a text")
        return value

    # -- what must agree -------------------------------------------------------------------

    def _agrees(self, where: str, posture: Posture, before: Posture) -> None:
        for index, side in enumerate(SIDES):
            stood, stands = before.stands[index], posture.stands[index]
            angles = [n for n in posture.joints if n.startswith(tuple(f"{side}_{j}" for j in _LEG))]
            if stands and angles:
                raise self._refuse(
                    where,
                    f"it bends `{angles[0].replace('_', '.')}` while the {side} foot stands",
                    "`pelvis.height`, `weight` and steps, from which legs that stand follow",
                )
            if posture.steps[index] and not stands:
                raise self._refuse(
                    where, f"the {side} foot steps but does not stand", f'`stands` with "{side}"'
                )
            if posture.steps[index] and stood:
                raise self._refuse(
                    where,
                    f"the {side} foot steps, but it stands in the keyframe before",
                    f'a keyframe between them with stands = "{SIDES[1 - index]}"',
                )
        if not any(a and b for a, b in zip(before.stands, posture.stands, strict=True)):
            raise self._refuse(
                where,
                "no foot stands both here and in the keyframe before",
                'a keyframe between them with stands = "both"',
            )

    def _ends_in_stance(self, last: Keyframe) -> None:
        if replace(last.posture, steps=(None, None)) != Posture():
            raise self._refuse(
                f"keyframe {last.number} (line {last.line})",
                "the routine does not end in the stance",
                "a last keyframe with its time alone (and a step to the stance)",
            )

    def _only(self, where: str, table: dict[str, Any], known: Iterable[str]) -> None:
        names = sorted(set(known))
        for key in table:
            if key not in names:
                raise self._refuse(where, f"`{key}` means nothing{_hint(key, names)}", str(names))

    def _refuse(self, where: str, found: str, wanted: str) -> ConfigError:
        return ConfigError(
            f"{self._path}, {where}: {found}. What would do: {wanted}.",
            zh=f"{self._path}，{where}：{found}。可用：{wanted}。",
        )


def _on_top(posture: Posture, changes: dict[str, Any]) -> Posture:
    joints = {**posture.joints, **changes.get("joints", {})}
    return replace(posture, **{**changes, "joints": joints})


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    joints = {**below.get("joints", {}), **above.get("joints", {})}
    return {**below, **above, **({"joints": joints} if joints else {})}


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""
