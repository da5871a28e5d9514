"""Follow a motion that a policy has learned, such as a dance, from its first tick to its last.

The motion lies in the policy's own network, tick by tick; it is read out once, when loaded. The
reference turns with the robot: wherever it faces at the start is the dancer's front.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import Kinematics
from yanshi.core.errors import ContractError
from yanshi.core.frames import rotation_matrix
from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import load_contract
from yanshi.policies.network import Network
from yanshi.policies.observation import Observation, Values
from yanshi.robots.spec import RobotSpec


class Tracker:
    """A motion-tracking policy on its robot. `start`, then `step` once a period."""

    def __init__(self, robot: RobotSpec, kinematics: Kinematics, folder: Path) -> None:
        """Load the policy, check it and read out its motion.

        Raises:
            ContractError: The policy does not fit the robot, or its motion is too short.
        """
        self.robot = robot
        self.contract = contract = load_contract(folder, robot)
        contract.require("a tracker", _TERMS, "motion_position")
        self._kinematics = kinematics
        self._network = Network(contract)
        self._seen = robot.joint_indices(contract.joint_names)
        self._acted = robot.joint_indices(contract.acts_on)
        self._observation = Observation(contract.observation, self._network.observation)
        self._position, self._velocity, self._torso = self._read_motion()
        self.stiffness = robot.stiffness.copy()
        self.damping = robot.damping.copy()
        self.stiffness[self._acted] = contract.stiffness
        self.damping[self._acted] = contract.damping
        self._action = np.zeros(len(self._acted))
        self._tick = 0
        self._level = np.eye(3)  # Turns the motion's axes into the IMU's.

    @property
    def duration_s(self) -> float:
        """How long the motion takes."""
        return len(self._position) / self.contract.rate_hz

    @property
    def elapsed_s(self) -> float:
        """How much of the motion has been followed."""
        return self._tick / self.contract.rate_hz

    def start(self, state: RobotState) -> None:
        """Begin with the motion's first tick, facing the way the robot faces now."""
        self._tick = 0
        self._action[:] = 0.0
        self._observation.forget()
        self._level = _about_z(_yaw(self._torso_now(state)) - _yaw(self._torso[0]))

    def step(self, state: RobotState) -> JointTarget | None:
        """Return the next target of all joints, or None when the motion is over."""
        if self._tick >= len(self._position):
            return None
        torso_from_goal = self._torso_now(state).T @ self._level @ self._torso[self._tick]
        values: dict[str, Values] = {
            "last_action": self._action,
            "angular_velocity": state.angular_velocity,
            "joint_position": state.joint_position[self._seen] - self.contract.joint_zero,
            "joint_velocity": state.joint_velocity[self._seen],
            "motion_position": self._position[self._tick],
            "motion_velocity": self._velocity[self._tick],
            "motion_orientation": torso_from_goal[:, :2].reshape(-1),
        }
        self._observation.add(values)
        self._network.run()
        limit = self.contract.action_limit
        np.clip(self._network.action, -limit, limit, out=self._action)
        self._tick += 1
        return self._target(state)

    def _target(self, state: RobotState) -> JointTarget:
        position = self.robot.default_position.copy()
        position[self._acted] = (
            self._action * self.contract.action_scale + self.contract.action_offset
        )
        np.clip(position, self.robot.limits.lower, self.robot.limits.upper, out=position)
        return JointTarget(
            t_ns=state.t_ns, position=position, stiffness=self.stiffness, damping=self.damping
        )

    def _torso_now(self, state: RobotState) -> NDArray[np.float64]:
        """Return the torso's rotation in the IMU's level frame, shape (3, 3)."""
        torso = self._kinematics.links.torso
        pelvis_from_torso = self._kinematics.pelvis_from_link(state.joint_position, torso)[:3, :3]
        rotation: NDArray[np.float64] = rotation_matrix(state.orientation_wxyz) @ pelvis_from_torso
        return rotation

    def _read_motion(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return joint angles (n, n_joints), their speeds, and the torso's rotations (n, 3, 3)."""
        first, last = self.contract.setting("first_tick"), self.contract.setting("last_tick")
        if not 0 <= first < last:
            raise ContractError(
                f"{self.contract.name}: first_tick is {first} and last_tick {last}; "
                "0 <= first_tick < last_tick would agree."
            )
        time_step, outputs = self._network.inputs["time_step"], self._network.outputs
        position, velocity, torso = [], [], []
        for tick in range(first, last):
            time_step[0, 0] = tick
            self._network.run()
            position.append(outputs["joint_pos"][0].astype(np.float64))
            velocity.append(outputs["joint_vel"][0].astype(np.float64))
            x, y, z, w = outputs["ref_quat_xyzw"][0].astype(np.float64)
            torso.append(rotation_matrix(np.array([w, x, y, z])))
        return np.array(position), np.array(velocity), np.array(torso)


def _yaw(rotation: NDArray[np.float64]) -> float:
    return float(np.arctan2(rotation[1, 0], rotation[0, 0]))


def _about_z(yaw: float) -> NDArray[np.float64]:
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


_TERMS = {
    "last_action",
    "angular_velocity",
    "joint_position",
    "joint_velocity",
    "motion_position",
    "motion_velocity",
    "motion_orientation",
}
