"""A planned motion as a performer's folder holds it: `routine.toml` and, from it, `motion.npz`.

Planning takes seconds, reading does not. The file remembers which keyframes it was planned from;
what the routine is called, and with which words it is asked for, may change afterwards.
"""

import hashlib
import io
import json
import tomllib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.assets.weights import check_weights
from yanshi.control.bearing import Bearing
from yanshi.control.reference import Reference
from yanshi.core.errors import ConfigError, ContractError
from yanshi.core.files import write_whole
from yanshi.core.frames import rotation_matrix
from yanshi.robots.spec import RobotSpec

ROUTINE_FILE = "routine.toml"
MOTION_FILE = "motion.npz"
_PLANNED_FROM = ("poses", "keyframe")
"""The tables of a routine that its motion follows from."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Motion:
    """What a performer follows, one row per tick of 1 / `RATE_HZ`."""

    joint_position: Array
    """rad, shape (n, n_joints)."""
    target: Array
    """Angles to hold so that the motors bear the motion, rad, shape (n, n_joints)."""
    gravity: Array
    """Direction of gravity in the pelvis frame, shape (n, 3)."""
    pelvis_height: Array
    """Above the floor, m, shape (n,)."""
    stands: NDArray[np.bool_]
    """Whether left and right foot are planted, shape (n, 2)."""
    reach: float
    """How far any part of the robot comes from where its pelvis began, on the floor, m."""


def write_motion(
    reference: Reference,
    bearing: Bearing,
    reach: float,
    routine: Path,
    robot: RobotSpec,
    folder: Path,
) -> None:
    """Write a routine, its motion and the targets that bear it into a performer's folder.

    Raises:
        ConfigError: The disk takes no more, or the routine cannot be read.
    """
    try:
        text = routine.read_bytes()
        digest = _digest(text)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"Cannot read the routine {routine}: {error}.",
            zh=f"无法读取套路 {routine}：{error}。",
        ) from error
    file = io.BytesIO()
    np.savez_compressed(
        file,
        joint_position=reference.joint_position.astype(np.float32),
        target=bearing.target.astype(np.float32),
        gravity=_gravity(reference.root_orientation_wxyz).astype(np.float32),
        pelvis_height=reference.root_position[:, 2].astype(np.float32),
        stands=reference.stands,
        reach=np.array(reach, np.float32),
        joint_names=np.array(robot.joint_names),
        planned_from=np.array(digest),
    )
    write_whole(folder / ROUTINE_FILE, text)
    write_whole(folder / MOTION_FILE, file.getvalue())


def read_motion(folder: Path, robot: RobotSpec) -> Motion:
    """Return the motion of a performer's folder.

    Raises:
        ConfigError: A file is missing or damaged.
        ContractError: The motion is another robot's, or was planned from other keyframes.
        AssetError: It comes with Yanshi and has been changed.
    """
    path = folder / MOTION_FILE
    if path.is_file():
        check_weights(path)
    try:
        digest = _digest((folder / ROUTINE_FILE).read_bytes())
        # By way of memory: NumPy leaves a damaged file open.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            motion = Motion(
                joint_position=file["joint_position"].astype(np.float64),
                target=file["target"].astype(np.float64),
                gravity=file["gravity"].astype(np.float64),
                pelvis_height=file["pelvis_height"].astype(np.float64),
                stands=file["stands"],
                reach=float(file["reach"]),
            )
            names = tuple(file["joint_names"].tolist())
            planned_from = str(file["planned_from"])
    except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"Cannot read the motion in {folder}: {error}. `yanshi train track` writes it.",
            zh=f"无法读取 {folder} 中的动作：{error}。`yanshi train track` 会生成它。",
        ) from error
    ticks = max(len(motion.joint_position), 2)
    shapes = motion.joint_position.shape, motion.target.shape
    others = motion.gravity.shape, motion.pelvis_height.shape, motion.stands.shape
    fits = shapes == ((ticks, len(names)),) * 2 and others == ((ticks, 3), (ticks,), (ticks, 2))
    if names != robot.joint_names or not fits:
        raise ContractError(
            f"{path} moves {len(names)} joints in {ticks} ticks; the joints of {robot.name}, "
            "in their order, would agree.",
            zh=f"{path} 的关节与 {robot.name} 不符。",
        )
    if planned_from != digest:
        raise ContractError(
            f"{path} was planned from another {ROUTINE_FILE} than the one beside it. The one that "
            "the policy was trained with would agree, or training anew: yanshi train track.",
            zh=f"{path} 不是由旁边的 {ROUTINE_FILE} 生成的。请换回训练时的套路，或重新训练。",
        )
    return motion


def _gravity(orientation_wxyz: Array) -> Array:
    """Return the direction of gravity in turned frames, shape (n, 3)."""
    return -np.stack([rotation_matrix(wxyz)[2] for wxyz in orientation_wxyz])


def _digest(text: bytes) -> str:
    """Return the hash of what a motion follows from; raises ValueError if it is not TOML."""
    table = tomllib.loads(text.decode("utf-8"))
    planned = {key: table.get(key) for key in _PLANNED_FROM}
    return hashlib.sha256(json.dumps(planned, sort_keys=True, default=str).encode()).hexdigest()
