"""Push a simulated robot from outside, to see what it does about it."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.core.errors import ConfigError

DIRECTIONS = {"ahead": 0.0, "left": 90.0, "back": 180.0, "right": 270.0}
"""Names of the ways that a push may go, in degrees from the robot's heading."""
PUSH_S = 0.1
"""How long a push lasts."""
PUSH_MAX_NS = 1000.0
"""More, N·s, would throw the robot across the room: a slip of the pen."""
_FORM = re.compile(r"(?P<hard>\d+(?:\.\d+)?)@(?P<at>\d+(?:\.\d+)?)(?::(?P<way>[\w.+-]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One push on the torso, level with the floor."""

    impulse: float
    """N·s, spread evenly over `PUSH_S`."""
    at_s: float
    """When it begins, on the run's clock."""
    way: str = "ahead"
    """Where it goes from the robot's heading: a name of `DIRECTIONS`, or degrees to the left."""

    @property
    def angle(self) -> float:
        """Where it goes, rad counter-clockwise from the robot's heading."""
        return math.radians(DIRECTIONS[self.way] if self.way in DIRECTIONS else float(self.way))

    def __str__(self) -> str:
        return f"{self.impulse:g}@{self.at_s:g}:{self.way}"


def read_push(text: str) -> Push:
    """Read a push as people write it: `60@8`, `60@8:left`, `60@8:45`.

    Raises:
        ConfigError: It is not of that form.
    """
    match = _FORM.fullmatch(text.strip())
    way = (match["way"] or "ahead") if match else ""
    is_way = way in DIRECTIONS or re.fullmatch(r"[+-]?\d+(\.\d+)?", way) is not None
    if match is None or not is_way or float(match["hard"]) > PUSH_MAX_NS:
        known = ", ".join(DIRECTIONS)
        raise ConfigError(
            f"{text!r} is not a push. Write N·s@seconds or N·s@seconds:way, e.g. 60@8:left, with "
            f"at most {PUSH_MAX_NS:g} N·s and a way out of {known}, or degrees to the left.",
            zh=f"{text!r} 不是一次推力。请写成“牛·秒@时刻”或“牛·秒@时刻:方向”，例如 60@8:left；"
            f"最大 {PUSH_MAX_NS:g} 牛·秒，方向可以是 {known}，或者向左的角度。",
        )
    return Push(impulse=float(match["hard"]), at_s=float(match["at"]), way=way)


class Pusher:
    """Pushes a simulated robot when it is time to. Call `tick` at a steady pace."""

    def __init__(self, body: MujocoBody, pushes: Sequence[Push], link: str) -> None:
        """Prepare to push a link, e.g. the torso."""
        self._data = body.data
        self._link = body.model.body(link).id
        self._waiting = sorted(pushes, key=lambda push: push.at_s)
        self._until_ns: int | None = None

    def tick(self, t_ns: int) -> Push | None:
        """Press, or let go; return the push that begins now."""
        if self._until_ns is not None and t_ns >= self._until_ns:
            self._data.xfrc_applied[self._link] = 0.0
            self._until_ns = None
        if not self._waiting or t_ns < self._waiting[0].at_s * 1e9 or self._until_ns is not None:
            return None
        push = self._waiting.pop(0)
        R = self._data.xmat[self._link].reshape(3, 3)
        angle = math.atan2(R[1, 0], R[0, 0]) + push.angle
        force = push.impulse / PUSH_S
        self._data.xfrc_applied[self._link, 0] = force * math.cos(angle)
        self._data.xfrc_applied[self._link, 1] = force * math.sin(angle)
        self._until_ns = t_ns + round(PUSH_S * 1e9)
        return push
