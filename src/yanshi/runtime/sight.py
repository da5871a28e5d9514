"""From pictures to the scene: orders pictures, collects what the eyes saw, and remembers it.

What a picture shows of the map also tells where the robot was when it took it.
"""

from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import BodyError
from yanshi.core.messages import Scene
from yanshi.runtime.eyes_process import Glance
from yanshi.runtime.loops import Timings
from yanshi.senses.localization import Localization
from yanshi.senses.map_match import Viewpoint
from yanshi.senses.scene_memory import SceneMemory
from yanshi.senses.solids import solid_on_map

PATIENCE_S = 30.0
"""How long a simulated world waits for a picture before the eyes count as dead."""


class Looks(Protocol):
    """Who takes pictures and tells what is in them; see `EyesProcess`."""

    pending: int
    """How many pictures are under way."""

    def look(
        self,
        t_ns: int,
        qpos: NDArray[np.float64],
        viewpoint: Viewpoint,
        *,
        want_rgb: bool = False,
    ) -> None:
        """Order one picture; returns at once."""
        ...

    def collect(self, timeout_s: float) -> Glance | None:
        """Return the oldest glance that is ready, waiting for it up to `timeout_s`."""
        ...


class Sight:
    """The scene as the robot remembers it, fed by the eyes' process."""

    def __init__(
        self,
        eyes: Looks,
        localization: Localization,
        *,
        waits: bool,
        want_rgb: bool,
        deadline_ms: int,
    ) -> None:
        """Begin with an empty scene.

        Args:
            eyes: Who takes and understands pictures.
            localization: What pictures put right.
            waits: Whether the world waits for each picture (simulated clock).
            want_rgb: Whether the pictures themselves should come back, too.
            deadline_ms: Longest time a picture may take.
        """
        self._eyes = eyes
        self._localization = localization
        self._wait_s = PATIENCE_S if waits else 0.0
        self._want_rgb = want_rgb
        self._deadline_ms = deadline_ms
        self._memory = SceneMemory()
        self._viewpoints: deque[tuple[int, Viewpoint]] = deque()
        self.scene = Scene(t_ns=0)
        self.took = Timings()
        self.misses = 0
        """Pictures that were not understood inside their deadline."""
        self.is_late = False
        """Whether the last picture ordered was still missing when it was asked for."""

    def look(self, t_ns: int, qpos: NDArray[np.float64], viewpoint: Viewpoint) -> None:
        """Order a picture, unless one is still on its way.

        Args:
            t_ns: Now.
            qpos: Where everything in the simulated world is, for the simulated light.
            viewpoint: Where the robot believes its camera to be.

        Raises:
            BodyError: The eyes' process has died.
        """
        if self._eyes.pending == 0:
            self._viewpoints.append((t_ns, viewpoint))
            self._eyes.look(t_ns, qpos, viewpoint, want_rgb=self._want_rgb)

    def collect(self, *, remember: bool = True) -> Glance | None:
        """Take in what the eyes have seen meanwhile; None when nothing new is there.

        Args:
            remember: Whether the things seen change the scene; not while nobody knows where
                they are.

        Raises:
            BodyError: The eyes' process has died or hangs.
        """
        if not self._eyes.pending:
            return None
        glance = self._eyes.collect(self._wait_s)
        self.is_late = glance is None
        if glance is None:
            self.misses += 1
            if self._wait_s:
                raise BodyError(f"The eyes were asked for a picture; none came in {PATIENCE_S} s.")
            return None
        taken_ns, viewpoint = self._viewpoints.popleft()
        assert taken_ns == glance.t_ns
        self.took.add(glance.took_ms)
        self.misses += glance.took_ms > self._deadline_ms
        map_from_camera = self._localization.correct(viewpoint, glance.match)
        if remember:
            self.scene = self._memory.update(
                glance.detections,
                map_from_camera,
                taken_ns,
                glance.surfaces,
                [solid and solid_on_map(solid, map_from_camera) for solid in glance.solids],
            )
        return glance
