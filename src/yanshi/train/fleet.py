"""Many copies of a robot, stepped at once in MuJoCo's own threads.

All states lie in one array, a row per robot; nothing here loops over robots. Every robot may
have a body of its own (masses, friction, motors), drawn from a bank of models of the same shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from mujoco import rollout
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SPEED_MAX = 80.0
"""Joint or body speed, rad/s or m/s, beyond which the physics has blown up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPhysics:
    """How training steps MuJoCo: coarser than a run, three to four times as fast."""

    step_s: float = 1.0 / 150.0
    steps_a_tick: int = 3
    solver_iterations: int = 10
    """At most. With three, which is hardly faster, standing robots are thrown off their feet."""
    line_search_iterations: int = 20

    @property
    def tick_s(self) -> float:
        """Time between two actions."""
        return self.step_s * self.steps_a_tick


class Fleet:
    """`n` robots, each with a free root first and then its joints in the actuators' order.

    The views (`position`, `joint_velocity`, …) are of the state itself: writing to a row moves
    that robot, and every `step` fills them anew.
    """

    def __init__(
        self,
        bank: Sequence[mujoco.MjModel],
        n: int,
        physics: FleetPhysics,
        reference: Array,
        *,
        threads: int = 2,
        has_forces: bool = False,
    ) -> None:
        """Put `n` robots of the bank's first model into the reference state.

        Args:
            bank: Models of the same shape; `model_of` says which robot has which.
            reference: Time, pose and velocity to begin with, shape (1 + nq + nv,).
            threads: How many robots are stepped at a time.
            has_forces: Whether `step` takes forces on links.
        """
        self.bank = tuple(bank)
        self.n = n
        self.physics = physics
        model = self.model = self.bank[0]
        nq, nv, self.n_joints = model.nq, model.nv, model.nu
        self.pool = rollout.Rollout(nthread=threads)
        """MuJoCo's threads."""
        self._data = [mujoco.MjData(model) for _ in range(threads)]
        kinds = mujoco.mjtState
        self._spec = int(kinds.mjSTATE_CTRL)
        width = model.nu
        if has_forces:
            self._spec |= int(kinds.mjSTATE_XFRC_APPLIED)
            width += 6 * model.nbody
        steps = physics.steps_a_tick
        self.state = np.zeros((n, 1 + nq + nv))
        self._after = np.zeros((n, steps, 1 + nq + nv))
        self._measured = np.zeros((n, steps, model.nsensordata))
        self._control = np.zeros((n, steps, width))
        self._forces = self._control[:, :, model.nu :].reshape(n, steps, -1, 6)
        self._targets = self._control[:, :, : model.nu]
        self._target_before = np.zeros((n, model.nu))
        self._step_index = np.arange(steps)[None, :, None]
        self.delay_steps = np.zeros(n, dtype=np.intp)
        """Physics steps for which each robot still obeys its last target, shape (n,)."""
        self.model_of = np.zeros(n, dtype=np.intp)
        """Which model of the bank each robot has, shape (n,)."""
        pose, velocity = self.state[:, 1 : 1 + nq], self.state[:, 1 + nq :]
        self.position = pose[:, :3]
        """Of the root in the world, m, shape (n, 3)."""
        self.orientation_wxyz = pose[:, 3:7]
        """Of the root in the world, shape (n, 4)."""
        self.joint_position = pose[:, 7:]
        """rad, shape (n, n_joints)."""
        self.velocity = velocity[:, :3]
        """Of the root in the world, m/s, shape (n, 3)."""
        self.angular_velocity = velocity[:, 3:6]
        """Of the root in its own frame, rad/s, shape (n, 3)."""
        self.joint_velocity = velocity[:, 6:]
        """rad/s, shape (n, n_joints)."""
        self.sensors = self._measured[:, -1]
        """What the model's sensors said one physics step before the state, (n, n_values)."""
        self.reference = reference
        self.state[:] = self.reference

    def sensor(self, name: str) -> Array:
        """Return a view of one sensor's values, shape (n, width)."""
        sensor = self.model.sensor(name)
        start = int(sensor.adr[0])
        return self.sensors[:, start : start + int(sensor.dim[0])]

    def sensor_steps(self, name: str) -> Array:
        """Return a view of one sensor's values in each physics step, (n, steps, width)."""
        sensor = self.model.sensor(name)
        start = int(sensor.adr[0])
        return self._measured[:, :, start : start + int(sensor.dim[0])]

    def place(self, who: NDArray[np.intp], state: Array, target: Array) -> None:
        """Put some robots into given states, with the target that their motors hold.

        Args:
            who: Rows, shape (k,).
            state: Shape (k, 1 + nq + nv); the time comes first.
            target: Joint angles, rad, shape (k, n_joints).
        """
        self.state[who] = state
        self._target_before[who] = target

    def step(self, target: Array, forces: Array | None = None) -> NDArray[np.bool_]:
        """Move all robots by one tick and return which of them blew up, shape (n,).

        Args:
            target: Joint angles that the motors hold, rad, shape (n, n_joints).
            forces: Force and torque on each link in the world's axes, at its centre of mass,
                shape (n, n_bodies, 6).
        """
        late = self._step_index < self.delay_steps[:, None, None]
        self._targets[:] = np.where(late, self._target_before[:, None], target[:, None])
        self._target_before[:] = target
        if forces is not None:
            self._forces[:] = forces[:, None]
        models = [self.bank[index] for index in self.model_of.tolist()]
        time = self.state[:, 0] + self.physics.tick_s
        self.pool.rollout(
            models,
            self._data,
            self.state,
            self._control,
            control_spec=self._spec,
            skip_checks=True,
            nstep=self.physics.steps_a_tick,
            state=self._after,
            sensordata=self._measured,
        )
        self.state[:] = self._after[:, -1]
        speed = np.abs(self.state[:, 1 + self.model.nq :]).max(axis=1)
        # MuJoCo begins anew with a robot whose numbers are not finite, and so does its time.
        went_on = np.abs(self.state[:, 0] - time) < 0.5 * self.physics.step_s
        return ~((speed < _SPEED_MAX) & went_on)  # NaN fails the comparisons, too.

    @property
    def _rows(self) -> dict[str, NDArray[Any]]:
        """Where all robots are, what they obey and who they are: a row for each, to write to."""
        return {
            "state": self.state,
            "measured": self._measured,
            "target": self._target_before,
            "delay_steps": self.delay_steps,
            "model_of": self.model_of,
        }

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything that goes on."""
        return {name: rows.copy() for name, rows in self._rows.items()}

    def load_state_dict(self, state: dict[str, NDArray[Any]]) -> None:
        """Put all robots back where they were."""
        for name, rows in self._rows.items():
            rows[:] = state[name]

    def close(self) -> None:
        """End the threads."""
        self.pool.close()


def rotate_back(orientation_wxyz: Array, vector: Array) -> Array:
    """Return world vectors in the robots' own frames, shape (n, 3)."""
    w, u = orientation_wxyz[:, :1], -orientation_wxyz[:, 1:]
    crossed = _cross(u, vector)
    result: Array = vector + 2.0 * (w * crossed + _cross(u, crossed))
    return result


def gravity_in(orientation_wxyz: Array) -> Array:
    """Return the direction of gravity in the robots' own frames, shape (n, 3)."""
    w, x, y, z = orientation_wxyz.T
    return np.stack(
        [2.0 * (w * y - x * z), -2.0 * (y * z + w * x), 2.0 * (x * x + y * y) - 1.0], axis=1
    )


def heading(orientation_wxyz: Array) -> Array:
    """Return the robots' headings in the world, rad, shape (n,)."""
    w, x, y, z = orientation_wxyz.T
    result: Array = np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    return result


def _cross(a: Array, b: Array) -> Array:
    """Return cross products of rows, shape (n, 3); for so few rows NumPy's own is slow."""
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)
