"""The eyes in a process of their own, so that a picture never holds up a step.

For a simulated robot the process rebuilds the same world from its name and seed and is
handed nothing but the pose of everything in it at the moment of the picture, which is what
a camera is handed by the light. What comes back is what the eyes made of the picture.
"""

import gc
import multiprocessing
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import BodyError
from yanshi.core.memory import give_back
from yanshi.core.messages import Solid
from yanshi.senses.eyes import Detection
from yanshi.senses.map_match import Match, Viewpoint
from yanshi.senses.scene_memory import Surfaces

NICENESS = 10
"""How far the eyes stand back when there is not enough processor for everybody."""

TIDIED_EVERY = 64
"""After so many pictures memory that is held for later is given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What the eyes made of one picture."""

    t_ns: int
    """When the picture was taken, on the run's clock."""
    detections: tuple[Detection, ...]
    solids: tuple[Solid | None, ...]
    """Shape of each, in the level frame of the camera; None where it is too far away to tell."""
    surfaces: Surfaces
    """How far away what it saw was, coarsely: tells a hidden thing from a missing one."""
    match: Match | None
    """How far off the map it shows the robot to be; None where it does not tell."""
    took_ms: float
    """From the order to look to the answer's dispatch, ms of the machine's time."""
    rgb: NDArray[np.uint8] | None
    """The picture, shape (height, width, 3), when it was asked for."""


class EyesProcess:
    """The head camera of a simulated robot and the detector behind it, in another process."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, child = context.Pipe()
        self._process = context.Process(target=_serve, args=(child,), daemon=True, name="eyes")
        self._process.start()
        child.close()
        self.pending = 0

    @property
    def pid(self) -> int | None:
        """The process' number, to weigh its memory."""
        return self._process.pid

    def enter(self, world: str, seed: int) -> None:
        """Go to a world; returns at once, `wait_ready` waits."""
        self._drain()
        self._send(("enter", world, seed))

    def wait_ready(self, timeout_s: float = 120.0) -> None:
        """Wait until the world that was entered can be seen.

        Raises:
            BodyError: The process died or did not get ready in time, e.g. without a renderer.
        """
        if not self._connection.poll(timeout_s):
            raise BodyError(f"The eyes were asked to get ready and did not in {timeout_s:.0f} s.")
        answer = self._receive()
        if isinstance(answer, tuple):
            message, zh = answer
            raise BodyError(message, zh=zh)

    def look(
        self,
        t_ns: int,
        qpos: NDArray[np.float64],
        viewpoint: Viewpoint,
        *,
        want_rgb: bool = False,
    ) -> None:
        """Order one picture; returns at once.

        Args:
            t_ns: Now.
            qpos: Where everything in the simulated world is, for the simulated light.
            viewpoint: Where the robot believes its camera to be.
            want_rgb: Whether the picture should come back, too.
        """
        self._send(("look", t_ns, qpos, viewpoint, want_rgb))
        self.pending += 1

    def collect(self, timeout_s: float) -> Glance | None:
        """Return the oldest glance that is ready, waiting for it up to `timeout_s`."""
        if not self.pending or not self._connection.poll(timeout_s):
            return None
        self.pending -= 1
        glance = self._receive()
        assert isinstance(glance, Glance)
        return glance

    def close(self) -> None:
        """End the process."""
        with suppress(OSError, BodyError):
            self._send(None)
        self._process.join(timeout=2.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()

    def _drain(self) -> None:
        while self.pending:
            if self.collect(10.0) is None:
                raise BodyError("The eyes were asked for a picture and gave none in 10 s.")

    def _send(self, message: object) -> None:
        try:
            self._connection.send(message)
        except OSError as error:
            raise BodyError(self._epitaph()) from error

    def _receive(self) -> object:
        try:
            answer: object = self._connection.recv()
        except (OSError, EOFError) as error:
            raise BodyError(self._epitaph()) from error
        return answer

    def _epitaph(self) -> str:
        self._process.join(timeout=1.0)
        return (
            f"The eyes' process ended with code {self._process.exitcode}. "
            "`yanshi doctor` says whether a renderer is here and how to get one."
        )


def _serve(connection: Connection) -> None:
    """Answer orders until the other side hangs up."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The run decides what Ctrl-C means.
    os.nice(NICENESS)
    # Without a GPU, Mesa draws in threads of its own; drawn in this one a picture takes the same
    # time, and the robot's thread is not held up.
    os.environ.setdefault("LP_NUM_THREADS", "0")
    with suppress(EOFError, OSError, KeyboardInterrupt):
        _answer(connection)


def _answer(connection: Connection) -> None:
    from yanshi.bodies.mujoco_camera import MujocoCamera
    from yanshi.bodies.simulation import simulate
    from yanshi.core.errors import YanshiError
    from yanshi.robots.g1.spec import HEAD_CAMERA
    from yanshi.senses.eyes import Eyes
    from yanshi.senses.large_boxes import with_large_boxes
    from yanshi.senses.map_match import MapMatcher
    from yanshi.senses.solids import measure_solids

    camera: MujocoCamera | None = None
    eyes: Eyes | None = None
    matcher: MapMatcher | None = None
    pictures = 0
    while (message := connection.recv()) is not None:
        if message[0] == "enter":
            try:
                eyes = eyes or Eyes()
                if camera is not None:
                    camera.close()
                simulation = simulate(message[1], message[2])
                camera = MujocoCamera(simulation.body.model, HEAD_CAMERA)
                matcher = MapMatcher(simulation.floor_plan)
                del simulation  # Its body is not needed.
                gc.unfreeze()
                gc.collect()
                gc.freeze()  # Later collections need not look through all this.
                connection.send("ready")
            except YanshiError as error:
                connection.send((str(error), error.zh))
            continue
        assert camera is not None
        assert eyes is not None
        assert matcher is not None
        _, t_ns, qpos, viewpoint, want_rgb = message
        up_in_camera = viewpoint.map_from_camera[2, :3]
        began = time.perf_counter()
        image = camera.capture_at(qpos, t_ns)
        detections = eyes.detect(image)
        solids = measure_solids(image, detections, up_in_camera)
        detections, solids = with_large_boxes(image, detections, solids, up_in_camera)
        surfaces = Surfaces.of(image)
        match = matcher.explain(surfaces, detections, viewpoint)
        took_ms = (time.perf_counter() - began) * 1e3
        rgb = np.array(image.rgb) if want_rgb else None
        connection.send(
            Glance(
                t_ns=t_ns,
                detections=detections,
                solids=solids,
                surfaces=surfaces,
                match=match,
                took_ms=took_ms,
                rgb=rgb,
            )
        )
        pictures += 1
        if pictures % TIDIED_EVERY == 0:
            give_back()
