"""The contract of a body: how a robot, real or simulated, is reached."""

from typing import Protocol

from yanshi.core.messages import Image, JointTarget, RobotState


class Body(Protocol):
    """A robot that can be read and moved. Only the runtime holds one."""

    def read(self) -> RobotState:
        """Return the newest state of joints and IMU."""
        ...

    def write(self, target: JointTarget) -> None:
        """Send a target that has passed the gate to the motors."""
        ...

    def stop(self) -> None:
        """Let every joint go limp under damping alone."""
        ...

    def close(self) -> None:
        """Release the robot; the body cannot be used afterwards."""
        ...


class Camera(Protocol):
    """The robot's head camera."""

    def capture(self) -> Image:
        """Take a picture now."""
        ...
