"""A gamepad in the hand of who watches: any of its buttons stops the robot.

Linux tells of buttons and sticks in events of eight bytes: when (ms), how far, what kind, which one
(kernel documentation, "Linux Joystick support", the interface of `/dev/input/js*`).
"""

import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from yanshi.core.errors import ConfigError

DEVICES = Path("/dev/input")
EVENT = struct.Struct("=IhBB")
BUTTON = 0x01
"""Kind of a button's events; with 0x80 added they tell how it was when the device was opened."""


def listen_to_gamepad(stop: Callable[[], None], path: Path) -> None:
    """Call `stop` when a button is pressed, and when the gamepad is gone; returns at once.

    Args:
        stop: Must be safe to call from another thread.
        path: The device.

    Raises:
        ConfigError: There is no such device, or it may not be read.
    """
    try:
        device = path.open("rb", buffering=0)
    except OSError as error:
        found = ", ".join(sorted(map(str, DEVICES.glob("js*")))) or "none"
        raise ConfigError(
            f"A gamepad was to be read at {path}: {error.strerror}. Found in {DEVICES}: {found}.",
            zh=f"无法读取手柄 {path}：{error.strerror}。在 {DEVICES} 里找到：{found}。",
        ) from error
    threading.Thread(target=_listen, args=(device, stop), daemon=True, name="gamepad").start()


def _listen(device: BinaryIO, stop: Callable[[], None]) -> None:
    with device:
        while event := _next_event(device):
            _, value, kind, _ = EVENT.unpack(event)
            if kind == BUTTON and value:
                stop()
    stop()  # It was pulled out, or its battery is empty: nobody could stop the robot with it.


def _next_event(device: BinaryIO) -> bytes:
    """Return the next whole event; empty when there will be none."""
    try:
        event = device.read(EVENT.size)
    except OSError:
        return b""
    return event if len(event) == EVENT.size else b""
