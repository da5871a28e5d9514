"""A robot in MuJoCo, reached only through its motors and its sensors.

Joint angles and speeds come from the encoders, the IMU's values from MuJoCo's sensors, all
with a little seeded noise. Nothing else of the simulator's state leaves this class except
through `model` and `data`, which are for viewers, cameras and judges.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import BodyError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.robots.spec import RobotSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorNoise:
    """Standard deviations of what the sensors add, and the drift of the heading."""

    joint_position: float = 2e-4
    """rad: a 14-bit encoder behind the gear, and play."""
    joint_velocity: float = 2e-2
    """rad/s."""
    angular_velocity: float = 5e-3
    """rad/s."""
    acceleration: float = 5e-2
    """m/s²."""
    tilt: float = 2e-3
    """rad, of roll and pitch."""
    heading_drift: float = 2e-4
    """rad/s: the rate at which the IMU's heading runs away, drawn once at switch-on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicsConfig:
    """How MuJoCo steps."""

    step_s: float = 0.002
    """Time step."""
    friction_stiffness: float = 100.0
    """How much stiffer friction is than contact (MuJoCo's `impratio`)."""
    speed_knee: float = 0.9
    """Share of its no-load speed above which a motor's torque fades to none."""


class MujocoBody:
    """A simulated robot that stands in a world.

    The world steps in `advance`; between two calls nothing moves. The robot's joints and
    motors must be named as in its `RobotSpec`, its free joint after its root link, and its
    IMU's sensors `imu_orientation`, `imu_angular_velocity` and `imu_acceleration`.
    """

    def __init__(
        self,
        robot: RobotSpec,
        spec: mujoco.MjSpec,
        start: tuple[float, float, float] = (0.0, 0.0, 0.0),
        *,
        root: str = "pelvis",
        config: PhysicsConfig | None = None,
        noise: SensorNoise | None = None,
        seed: int = 0,
    ) -> None:
        """Stand the robot at `start` in its default pose, at rest.

        Args:
            robot: What stands there.
            spec: The world with the robot in it; its step and integrator are set here.
            start: x and y of the root link in m, and its heading in rad, in the world.
            root: The link with the free joint.
            noise: What the sensors add; nothing if None.
            seed: Of the noise.

        Raises:
            BodyError: The world does not hold this robot.
        """
        self.robot = robot
        self.config = config or PhysicsConfig()
        self.noise = noise
        self.model = _compile(spec, self.config)
        self.data = mujoco.MjData(self.model)
        self._root_qpos, self._qpos, self._dof, self._motor = _addresses(self.model, robot, root)
        self._random = np.random.default_rng(seed)
        self._drift = noise.heading_drift * self._random.standard_normal() if noise else 0.0
        self._stiffness = self._damping = np.empty(0)
        self._imu = {
            name: self.data.sensor(f"imu_{name}").data  # Views of what physics writes.
            for name in ("orientation", "angular_velocity", "acceleration")
        }
        self._limp = np.zeros(len(robot.joint_names))
        self._speed_knee = self.config.speed_knee * robot.limits.velocity
        self._is_derated = False
        self._switch_on(start)

    def read(self) -> RobotState:
        """Return what encoders and IMU measured after the last step."""
        data = self.data
        state = {
            "joint_position": data.qpos[self._qpos],
            "joint_velocity": data.qvel[self._dof],
            "angular_velocity": self._imu["angular_velocity"].copy(),
            "acceleration": self._imu["acceleration"].copy(),
        }
        if self.noise is not None:
            for name, values in state.items():
                values += getattr(self.noise, name) * self._random.standard_normal(values.size)
        return RobotState(
            t_ns=self._now_ns(),
            joint_torque=data.actuator_force[self._motor],
            orientation_wxyz=self._measured_orientation(),
            **state,
        )

    def write(self, target: JointTarget) -> None:
        """Send a target that has passed the gate to the motors."""
        self.data.ctrl[self._motor] = target.position
        self._set_gains(target.stiffness, target.damping)

    def stop(self) -> None:
        """Let every joint go limp under damping alone."""
        self._set_gains(self._limp, self.robot.damping)

    def close(self) -> None:
        """Do nothing: a simulated robot holds nothing open."""

    def advance(self, duration_s: float) -> None:
        """Step the physics for `duration_s`, rounded to whole steps."""
        for _ in range(round(duration_s / self.config.step_s)):
            self._limit_torque_by_speed()
            mujoco.mj_step(self.model, self.data)

    def begin(self, started_ns: int) -> None:
        """Do nothing: time passes here in `advance` alone."""

    def warnings(self) -> int:
        """Return how many warnings MuJoCo has given; one means that the physics broke."""
        return sum(int(warning.number) for warning in self.data.warning)

    def _switch_on(self, start: tuple[float, float, float]) -> None:
        x, y, yaw = start
        qpos = self.data.qpos
        qpos[self._root_qpos : self._root_qpos + 3] = (x, y, self.robot.standing_height)
        qpos[self._root_qpos + 3 : self._root_qpos + 7] = _about_z(yaw)
        qpos[self._qpos] = self.robot.default_position
        self.data.ctrl[self._motor] = self.robot.default_position
        self._set_gains(self.robot.stiffness, self.robot.damping)
        mujoco.mj_forward(self.model, self.data)
        self._start_from_world = _about_z(-yaw)

    def _set_gains(self, stiffness: NDArray[np.float64], damping: NDArray[np.float64]) -> None:
        if stiffness is self._stiffness and damping is self._damping:
            return  # Messages' arrays cannot be written to: the same one holds the same gains.
        self._stiffness, self._damping = stiffness, damping
        self.model.actuator_gainprm[self._motor, 0] = stiffness
        self.model.actuator_biasprm[self._motor, 1] = -stiffness
        self.model.actuator_biasprm[self._motor, 2] = -damping

    def _limit_torque_by_speed(self) -> None:
        """Take away the torque that a motor near its no-load speed cannot give."""
        velocity = self.data.qvel[self._dof]
        excess = np.abs(velocity) - self._speed_knee
        if excess.max() <= 0.0:
            if self._is_derated:
                self._set_torque_limits(-self.robot.limits.torque, self.robot.limits.torque)
                self._is_derated = False
            return
        fade = excess / (self.robot.limits.velocity - self._speed_knee)
        torque = self.robot.limits.torque * np.clip(1.0 - fade, 0.0, 1.0)
        # Braking is never limited.
        lower = np.where(velocity < 0.0, -torque, -self.robot.limits.torque)
        upper = np.where(velocity > 0.0, torque, self.robot.limits.torque)
        self._set_torque_limits(lower, upper)
        self._is_derated = True

    def _set_torque_limits(self, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> None:
        self.model.actuator_forcerange[self._motor, 0] = lower
        self.model.actuator_forcerange[self._motor, 1] = upper

    def _measured_orientation(self) -> NDArray[np.float64]:
        """Return the IMU's rotation in the level frame it fixed at switch-on, w ≥ 0."""
        measured = np.zeros(4)
        drift = _about_z(self._drift * self.data.time)
        mujoco.mju_mulQuat(measured, self._start_from_world, drift)
        mujoco.mju_mulQuat(measured, measured, self._imu["orientation"])
        if self.noise is not None:
            x, y = (0.5 * self.noise.tilt * self._random.standard_normal(2)).tolist()
            mujoco.mju_mulQuat(measured, measured, np.array([1.0, x, y, 0.0]))
            mujoco.mju_normalize4(measured)
        return measured if measured[0] >= 0.0 else -measured

    def _now_ns(self) -> int:
        # MuJoCo adds step after step: after minutes its time is off by nanoseconds, and a reading
        # stamped later than now would be refused as one from the future.
        return round(float(self.data.time) * 1e6) * 1000


def _compile(spec: mujoco.MjSpec, config: PhysicsConfig) -> mujoco.MjModel:
    spec.option.timestep = config.step_s
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    # The same equations; MuJoCo would choose dense matrices, which take half as long again.
    spec.option.jacobian = mujoco.mjtJacobian.mjJAC_SPARSE
    # With MuJoCo's defaults a standing robot's feet creep round by 2° a second.
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = config.friction_stiffness
    # A state that has blown up must be seen, not quietly put back to the start.
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
    # Things at rest cost nothing until they are touched; what has motors never sleeps.
    spec.option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP
    try:
        return spec.compile()
    except ValueError as error:
        raise BodyError(f"MuJoCo cannot build this world: {error}") from error


def _addresses(
    model: mujoco.MjModel, robot: RobotSpec, root: str
) -> tuple[int, NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return where the root's pose, and every joint's angle, speed and motor are kept."""
    try:
        joints = [model.joint(name) for name in robot.joint_names]
        motors = [model.actuator(name).id for name in robot.joint_names]
        root_qpos = int(model.joint(root).qposadr[0])
        for name in ("imu_orientation", "imu_angular_velocity", "imu_acceleration"):
            model.sensor(name)
    except KeyError as error:
        raise BodyError(
            f"The world holds no whole {robot.name}: {error.args[0]} "
            f"Attach the robot's model to the world before making its body."
        ) from error
    qpos = np.array([joint.qposadr[0] for joint in joints], dtype=np.intp)
    dof = np.array([joint.dofadr[0] for joint in joints], dtype=np.intp)
    return root_qpos, qpos, dof, np.array(motors, dtype=np.intp)


def _about_z(angle: float) -> NDArray[np.float64]:
    """Return the unit quaternion of a turn about the vertical."""
    return np.array([np.cos(0.5 * angle), 0.0, 0.0, np.sin(0.5 * angle)])
