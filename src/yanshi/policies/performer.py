"""Perform a routine: follow the motion that was planned from its keyframes, and stay up.

A performer's folder holds the policy, the `routine.toml` that a person wrote and `motion.npz`, the
motion planned from it with the targets that bear it: planning takes seconds, reading does not.
"""

import hashlib
import io
import math
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.control.bearing import Bearing
from yanshi.control.reference import RATE_HZ, Reference
from yanshi.core.errors import ConfigError, ContractError
from yanshi.core.files import write_whole
from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import load_contract
from yanshi.policies.network import Network
from yanshi.policies.observation import Observation, Values, gravity
from yanshi.robots.spec import RobotSpec

ROUTINE_FILE = "routine.toml"
MOTION_FILE = "motion.npz"
_TERMS = {
    "angular_velocity",
    "gravity",
    "joint_position",
    "joint_velocity",
    "last_action",
    "reference_position",
    "reference_next",
    "motion_phase",
}


class Performer:
    """A policy that performs one routine. `start`, then `step` once a period until None."""

    def __init__(self, robot: RobotSpec, folder: Path) -> None:
        """Load the policy and its motion, and check them.

        Raises:
            ConfigError: The folder lacks a policy, a routine or a motion.
            ContractError: The policy does not fit the robot, or the motion not the routine.
        """
        self.robot = robot
        self.contract = contract = load_contract(folder, robot)
        contract.require("a performer", _TERMS, "reference_position")
        self._rate = contract.rate_hz
        if abs(self._rate - RATE_HZ) > 1e-6:
            raise ContractError(
                f"{contract.name}: rate_hz is {self._rate:g}, but {RATE_HZ:g} would agree, "
                "the rate of planned motions.",
                zh=f"{contract.name}：rate_hz 是 {self._rate:g}，应为 {RATE_HZ:g}。",
            )
        self._motion, self._bearing = read_motion(folder, robot)
        self._ahead = round(contract.number("ahead_s") * RATE_HZ)
        self._network = Network(contract)
        self._observation = Observation(contract.observation, self._network.observation)
        self._terms = [term.name for term in contract.observation]
        self._seen = robot.joint_indices(contract.joint_names)
        self._acted = robot.joint_indices(contract.acts_on)
        self._reference = self._motion[:, self._seen] - contract.joint_zero
        self.stiffness, self.damping = robot.stiffness.copy(), robot.damping.copy()
        self.stiffness[self._acted] = contract.stiffness
        self.damping[self._acted] = contract.damping
        for gains in (self.stiffness, self.damping):
            gains.flags.writeable = False  # So that every target can share them.
        self._action = np.zeros(len(self._acted))
        self._tick = 0

    @property
    def duration_s(self) -> float:
        """How long the routine takes."""
        return (len(self._motion) - 1) / self._rate

    @property
    def elapsed_s(self) -> float:
        """How much of it has been performed."""
        return self._tick / self._rate

    def start(self, state: RobotState) -> None:
        """Begin; the robot should stand as the walker leaves it."""
        self._tick = 0
        self._action[:] = 0.0
        self._observation.forget()

    def step(self, state: RobotState) -> JointTarget | None:
        """Return the next target of all joints, or None when the routine is over."""
        last = len(self._motion) - 1
        if self._tick >= last:
            return None
        self._observe(state)
        self._network.run()
        contract, limits = self.contract, self.robot.limits
        limit = contract.action_limit
        np.clip(self._network.action, -limit, limit, out=self._action)
        self._tick += 1
        position = self._bearing[self._tick].copy()
        position[self._acted] += contract.action_scale * self._action
        np.clip(position, limits.lower, limits.upper, out=position)
        return JointTarget(
            t_ns=state.t_ns, position=position, stiffness=self.stiffness, damping=self.damping
        )

    def reference(self) -> NDArray[np.float64]:
        """Return the joint angles that are followed now, rad, shape (n_joints,)."""
        angles: NDArray[np.float64] = self._motion[self._tick].copy()
        return angles

    def _observe(self, state: RobotState) -> None:
        last, zero = len(self._motion) - 1, self.contract.joint_zero
        phase = math.pi * self._tick / last
        values: dict[str, Values] = {
            "angular_velocity": state.angular_velocity,
            "gravity": gravity(state.orientation_wxyz),
            "joint_position": state.joint_position[self._seen] - zero,
            "joint_velocity": state.joint_velocity[self._seen],
            "last_action": self._action,
            "reference_position": self._reference[min(self._tick + 1, last)],
            "reference_next": self._reference[min(self._tick + self._ahead, last)],
            "motion_phase": (math.sin(phase), math.cos(phase)),
        }
        self._observation.add({name: values[name] for name in self._terms})


def write_motion(
    reference: Reference, bearing: Bearing, routine: Path, robot: RobotSpec, folder: Path
) -> None:
    """Write a routine, its motion and the targets that bear it into a performer's folder.

    Raises:
        ConfigError: The disk takes no more, or the routine cannot be read.
    """
    try:
        text = routine.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"Cannot read the routine {routine}: {error.strerror}.",
            zh=f"无法读取套路 {routine}：{error.strerror}。",
        ) from error
    file = io.BytesIO()
    np.savez_compressed(
        file,
        joint_position=reference.joint_position.astype(np.float32),
        target=bearing.target.astype(np.float32),
        joint_names=np.array(robot.joint_names),
        routine_sha256=np.array(hashlib.sha256(text).hexdigest()),
    )
    write_whole(folder / ROUTINE_FILE, text)
    write_whole(folder / MOTION_FILE, file.getvalue())


def read_motion(folder: Path, robot: RobotSpec) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a performer's joint angles and the targets that bear them, rad, (ticks, n_joints).

    Raises:
        ConfigError: A file is missing or damaged.
        ContractError: The motion is another robot's, or was planned from another routine.
    """
    path = folder / MOTION_FILE
    try:
        routine = hashlib.sha256((folder / ROUTINE_FILE).read_bytes()).hexdigest()
        # By way of memory: NumPy leaves a damaged file open.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            angles: NDArray[np.float64] = file["joint_position"].astype(np.float64)
            target: NDArray[np.float64] = file["target"].astype(np.float64)
            names = tuple(file["joint_names"].tolist())
            planned_from = str(file["routine_sha256"])
    except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"Cannot read the motion in {folder}: {error}. `yanshi train track` writes it.",
            zh=f"无法读取 {folder} 中的动作：{error}。`yanshi train track` 会生成它。",
        ) from error
    shape = (max(len(angles), 2), len(names))
    if names != robot.joint_names or not angles.shape == target.shape == shape:
        raise ContractError(
            f"{path} moves {len(names)} joints in {len(angles)} ticks; the joints of {robot.name}, "
            "in their order, would agree.",
            zh=f"{path} 的关节与 {robot.name} 不符。",
        )
    if planned_from != routine:
        raise ContractError(
            f"{path} was planned from another {ROUTINE_FILE} than the one beside it. The one that "
            "the policy was trained with would agree, or training anew: yanshi train track.",
            zh=f"{path} 不是由旁边的 {ROUTINE_FILE} 生成的。请换回训练时的套路，或重新训练。",
        )
    return angles, target
