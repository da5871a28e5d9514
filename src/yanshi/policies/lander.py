"""Fall well: from the moment at which a fall is certain, spare head and torso.

A network moves all joints but the fingers for a moment; then the joints go limp under damping. It
knows nothing but joints and IMU. Its actions are counted from where the joints are, so that it asks
for torques, rather than for angles: action zero gives way like a limp joint.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import load_contract, policy_folder
from yanshi.policies.network import Network
from yanshi.policies.observation import Observation, Values, gravity
from yanshi.robots.spec import RobotSpec

DEFAULT_LANDER = "g1_land"

Array = NDArray[np.float64]


class Lander:
    """A policy that takes a fall. `reset`, then `step` once a period until `is_over`."""

    def __init__(self, robot: RobotSpec, folder: Path | None = None) -> None:
        """Load the policy and check it.

        Raises:
            ContractError: The policy does not fit the robot.
        """
        self.robot = robot
        self.contract = contract = load_contract(folder or policy_folder(DEFAULT_LANDER), robot)
        self._terms = contract.require("a lander", _TERMS, "gravity")
        self._network = Network(contract)
        self._observation = Observation(contract.observation, self._network.observation)
        self._seen = robot.joint_indices(contract.joint_names)
        self._acted = acted = robot.joint_indices(contract.acts_on)
        self.limp_after_s = contract.number("limp_after_s")
        """How long it acts."""
        self.stiffness, self.damping = robot.stiffness.copy(), robot.damping.copy()
        self.stiffness[acted] = contract.stiffness
        self.damping[acted] = contract.damping
        for gains in (self.stiffness, self.damping):
            gains.flags.writeable = False  # So that every target can share them.
        limits = robot.limits
        self._lower, self._upper = limits.lower[acted], limits.upper[acted]
        self._began_ns = 0
        self._action = np.zeros(len(acted))

    def reset(self, state: RobotState) -> None:
        """Take over a robot that falls."""
        self._began_ns = state.t_ns
        self._observation.forget()
        self._action[:] = 0.0

    def is_over(self, state: RobotState) -> bool:
        """Whether its time is up: what it could do, it has done."""
        return state.t_ns - self._began_ns >= self.limp_after_s * 1e9

    def step(self, state: RobotState) -> JointTarget:
        """Return the next target of all joints; call it at the contract's rate."""
        contract, limit = self.contract, self.contract.action_limit
        self._observe(state)
        self._network.run()
        np.clip(self._network.action, -limit, limit, out=self._action)
        wish = contract.action_offset + contract.action_scale * self._action
        position = state.joint_position.copy()
        position[self._acted] = np.clip(position[self._acted] + wish, self._lower, self._upper)
        return JointTarget(
            t_ns=state.t_ns, position=position, stiffness=self.stiffness, damping=self.damping
        )

    def _observe(self, state: RobotState) -> None:
        contract = self.contract
        values: dict[str, Values] = {
            "last_action": self._action,
            "angular_velocity": state.angular_velocity,
            "joint_position": state.joint_position[self._seen] - contract.joint_zero,
            "joint_velocity": state.joint_velocity[self._seen],
            "gravity": gravity(state.orientation_wxyz),
        }
        self._observation.add({name: values[name] for name in self._terms})


_TERMS = {"last_action", "angular_velocity", "joint_position", "joint_velocity", "gravity"}
