"""A simulated robot whose physics runs in another process and outlives whoever moves it.

`HostedBody` is that process' side: it stands for the robot's own electronics. Time passes there by
the machine's clock alone, whatever becomes of the others, and the joints go limp when the watch
says so, or when no target has come for 50 ms. `RemoteBody` is the side of who balances the robot:
a body like any other, reached through shared memory.
"""

from dataclasses import dataclass
from enum import IntEnum

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.bodies.slots import Slot
from yanshi.core.clock import Clock, MonotonicClock
from yanshi.core.errors import BodyError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.safety.faults import Fault
from yanshi.safety.heartbeat import BODY_S, PEER_S, Heartbeat


class Limp(IntEnum):
    """Why the body let its joints go limp by itself."""

    WATCH = 1
    """The watch said so."""
    SILENCE = 2
    """No target came."""


@dataclass(frozen=True, slots=True)
class Lines:
    """What body, balance and watch tell one another. Can be handed to a process."""

    state: Slot
    """Body: joints, IMU, the simulated world, warnings."""
    limp: Slot
    """Body: its time is when the joints went limp by its own doing, its number why (`Limp`)."""
    target: Slot
    """Balance: angles and gains; its time is the heartbeat."""
    press: Slot
    """Balance: forces from outside, of a simulated push."""
    start: Slot
    """Balance: its time is when the run's clock began."""
    damp: Slot
    """Watch: its time is when the body was told to go limp."""
    watch: Slot
    """Watch: its time is the heartbeat."""
    end: Slot
    """Whoever started the others: its time is when they shall end."""

    @classmethod
    def of(cls, body: MujocoBody) -> "Lines":
        """Make the lines of a body."""
        joints, nq = len(body.robot.joint_names), body.model.nq
        return cls(
            state=Slot(3 * joints + 10 + nq + 1),
            limp=Slot(1),
            target=Slot(3 * joints),
            press=Slot(6 * body.model.nbody),
            **{name: Slot(0) for name in ("start", "damp", "watch", "end")},
        )


def take_state(numbers: NDArray[np.float64], joints: int, t_ns: int) -> RobotState:
    """Return the state that a message of the body holds."""
    position, velocity, torque = numbers[: 3 * joints].reshape(3, joints)
    orientation, rate, acceleration = np.split(numbers[3 * joints : 3 * joints + 10], (4, 7))
    return RobotState(
        t_ns=t_ns,
        joint_position=position,
        joint_velocity=velocity,
        joint_torque=torque,
        orientation_wxyz=orientation,
        angular_velocity=rate,
        acceleration=acceleration,
    )


class HostedBody:
    """The process' side: call `tick` at every step of the physics."""

    def __init__(self, body: MujocoBody, lines: Lines) -> None:
        """Show the state in which the robot stands."""
        self._body, self._lines = body, lines
        self._target = np.zeros(lines.target.size)
        self._press = np.zeros(lines.press.size)
        self._taken = self._pressed = 0  # Counts of the messages obeyed last.
        self._heart: Heartbeat | None = None
        self._publish(0)

    def tick(self, now_ns: int) -> None:
        """Obey what has come, let one step of the physics pass, and show what it led to."""
        if not self._lines.limp.t_ns:
            self._judge(now_ns)
        if self._lines.limp.t_ns:
            self._body.stop()
        else:
            self._obey()
        self._body.advance(self._body.config.step_s)
        self._publish(now_ns)

    def _judge(self, now_ns: int) -> None:
        if self._heart is None:
            self._heart = Heartbeat(BODY_S, now_ns=now_ns)
        if self._lines.damp.t_ns:
            self._lines.limp.write(now_ns, np.array([Limp.WATCH], dtype=np.float64))
        elif self._heart.is_lost(self._lines.target.t_ns, now_ns=now_ns):
            self._lines.limp.write(now_ns, np.array([Limp.SILENCE], dtype=np.float64))

    def _obey(self) -> None:
        lines = self._lines
        count = lines.press.count
        if count != self._pressed and lines.press.read(self._press):
            self._pressed = count
            self._body.data.xfrc_applied[:] = self._press.reshape(-1, 6)
        count = lines.target.count
        if count != self._taken and lines.target.read(self._target):
            self._taken = count
            position, stiffness, damping = self._target.reshape(3, -1)
            self._body.write(
                JointTarget(t_ns=0, position=position, stiffness=stiffness, damping=damping)
            )

    def _publish(self, now_ns: int) -> None:
        state, data = self._body.read(), self._body.data
        self._lines.state.write(
            now_ns,
            state.joint_position,
            state.joint_velocity,
            state.joint_torque,
            state.orientation_wxyz,
            state.angular_velocity,
            state.acceleration,
            data.qpos,
            np.array([self._body.warnings()], dtype=np.float64),
        )


class RemoteBody(MujocoBody):
    """A body whose physics runs in another process; model and data here are a picture of it."""

    def __init__(self, body: MujocoBody, lines: Lines, clock: Clock | None = None) -> None:
        """Reach it.

        Args:
            body: The same world and robot as there; not to be used any more.
            lines: How to reach it; a state must have come.
            clock: The machine's monotonic clock.

        Raises:
            BodyError: No state has come.
        """
        self.__dict__.update(body.__dict__)
        self._lines = lines
        self._clock = clock or MonotonicClock()
        self._numbers = np.zeros(lines.state.size)
        self._pressed = self.data.xfrc_applied.copy()
        self._started_ns = self._run_ns = 0
        self._heart: Heartbeat | None = None
        self.read()

    def begin(self, started_ns: int) -> None:
        """Let time pass from a moment on, which is the run's zero."""
        self._started_ns = started_ns
        self._heart = Heartbeat(PEER_S, now_ns=started_ns)
        self._lines.start.write(started_ns)

    def read(self) -> RobotState:
        """Return the newest state that has come.

        It is stamped with the time of the loop's tick when it was measured later than that was
        due: nothing is measured in the future.

        Raises:
            BodyError: None can be had.
        """
        lines = self._lines
        if not lines.state.read(self._numbers):
            raise BodyError("The body's process has told nothing of the robot.")
        joints = len(self.robot.joint_names)
        self.data.qpos[:] = self._numbers[3 * joints + 10 : -1]
        mujoco.mj_kinematics(self.model, self.data)
        measured_ns = max(0, lines.state.t_ns - self._started_ns)
        return take_state(self._numbers, joints, min(measured_ns, self._run_ns))

    def write(self, target: JointTarget) -> None:
        """Send a target that has passed the gate."""
        now_ns = self._clock.now_ns()
        self._lines.target.write(now_ns, target.position, target.stiffness, target.damping)

    def stop(self) -> None:
        """Let every joint go limp under damping alone."""
        robot = self.robot
        now_ns = self._clock.now_ns()
        self._lines.target.write(now_ns, robot.default_position, self._limp, robot.damping)

    def advance(self, duration_s: float) -> None:
        """Hand on forces from outside; time passes by itself."""
        self._run_ns += round(duration_s * 1e9)
        if (self.data.xfrc_applied != self._pressed).any():
            self._pressed[:] = self.data.xfrc_applied
            self._lines.press.write(self._clock.now_ns(), self._pressed.ravel())

    def warnings(self) -> int:
        """Return how many warnings MuJoCo has given there."""
        return int(self._numbers[-1])

    def missing(self) -> Fault | None:
        """Return what is wrong with the other two processes, if anything."""
        if self._lines.limp.t_ns:
            return Fault.BODY_LIMP
        if self._heart is None:
            return None
        is_lost = self._heart.is_lost(self._lines.watch.t_ns, now_ns=self._clock.now_ns())
        return Fault.WATCH_LOST if is_lost else None
