"""A 3-D page in the browser that shows a run as it happens, with a button that stops it.

The page lives in a process of its own, which rebuilds the world from its name and seed with
the robot's looks and is told positions and words some fifteen times a second. The run's
thread only leaves its newest state where a sending thread finds it; what nobody has had time
to show is replaced by what is newer.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.looks import flatten_textures, polish, thin_meshes
from yanshi.bodies.simulation import Simulation
from yanshi.core.closing import Closing
from yanshi.core.errors import BodyError
from yanshi.core.messages import Thing
from yanshi.runtime.observer import Observer, Snapshot

HOST = "127.0.0.1"
"""The page is for this machine alone."""
PORT = 8080
RATE_HZ = 15.0
START_MAX_S = 120.0
LINES_MAX = 6
"""Words shown at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """What the page is told at a time."""

    qpos: NDArray[np.float64]
    """The simulator's positions, shape (nq,)."""
    t_s: float = 0.0
    plan: str = ""
    step: str = ""
    lines: tuple[str, ...] = ()
    """The last words heard and said."""
    things: tuple[Thing, ...] = ()
    """What the eyes remember."""
    rgb: NDArray[np.uint8] | None = None
    """What the head camera saw, when that is new."""


class Page:
    """The page itself: a viser server with the world, labels, a panel of words and a button."""

    def __init__(
        self, model: mujoco.MjModel, port: int = PORT, stop: Callable[[], None] = lambda: None
    ) -> None:
        """Serve the page.

        Args:
            model: The world with the robot's looks. It is changed (lighter meshes, no walls).
            port: Where to serve it; the next free one when that is taken.
            stop: What the button does; it is called in another thread.
        """
        import mjviser  # Here, for the page's own process alone needs it.
        import viser

        thin_meshes(model)
        polish(model)
        flatten_textures(model)
        for geom in range(model.ngeom):
            # Walls would show the house from outside; floors would be drawn as endless grids.
            if model.geom(geom).name.startswith(("wall_", "floor")):
                model.geom_group[geom] = 5
        self._model, self._data = model, mujoco.MjData(model)
        self.server = viser.ViserServer(host=HOST, port=port, label="Yanshi 偃师", verbose=False)
        self.server.gui.configure_theme(dark_mode=True, show_share_button=False)
        self.scene = mjviser.ViserMujocoScene(self.server, model, num_envs=1)
        self.scene.camera_tracking_enabled = False
        self._add_floor()
        self.server.initial_camera.position = (3.2, -3.6, 2.8)
        self.server.initial_camera.look_at = (0.0, 0.0, 0.6)
        self.button = self.server.gui.add_button("停 Stop", color="red")
        self.button.on_click(lambda event: stop())
        self.words = self.server.gui.add_markdown("…")
        self._picture = self.server.gui.add_image(
            np.zeros((2, 2, 3), dtype=np.uint8), label="head camera", visible=False
        )
        self.labels: dict[str, tuple[float, float, float]] = {}
        self._label_handles: dict[str, object] = {}

    def _add_floor(self) -> None:
        floor = mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_GEOM, "floor")
        if floor < 0:
            return
        x, y, _ = self._model.geom_size[floor]
        red, green, blue = (float(value) for value in self._model.geom_rgba[floor, :3])
        self.server.scene.add_box(
            "/floor",
            color=(red, green, blue),
            dimensions=(2.0 * x, 2.0 * y, 0.02),
            position=(0.0, 0.0, -0.011),
        )

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server.get_port()}"

    def show(self, sight: Sight) -> None:
        """Bring the page up to date."""
        self._data.qpos[:] = sight.qpos
        mujoco.mj_kinematics(self._model, self._data)
        self.scene.update_from_mjdata(self._data)
        self.words.content = word_panel(sight)
        if sight.rgb is not None:
            self._picture.image, self._picture.visible = sight.rgb, True
        self._show_labels({thing.name: thing.position for thing in sight.things})

    def close(self) -> None:
        """Stop serving."""
        self.server.stop()

    def _show_labels(self, labels: dict[str, tuple[float, float, float]]) -> None:
        for name in set(self._label_handles) - set(labels):
            self._label_handles.pop(name).remove()  # type: ignore[attr-defined]
        for name, (x, y, z) in labels.items():
            if self.labels.get(name) != (x, y, z):
                self._label_handles[name] = self.server.scene.add_label(
                    f"/seen/{name}", name, position=(x, y, z + 0.12)
                )
        self.labels = dict(labels)


def word_panel(sight: Sight) -> str:
    """Return the panel's text in Markdown."""
    steps = [part for part in sight.plan.split("; ") if part]
    marked = [f"- **{part}** ◀" if part == sight.step else f"- {part}" for part in steps]
    seen = ", ".join(f"{thing.name} {thing.confidence:.0%}" for thing in sight.things)
    parts = [f"**{sight.t_s:.1f} s**", "\n".join(marked), *sight.lines]
    return "\n\n".join([*filter(None, parts), f"*sees:* {seen or '…'}"])


class View(Observer, Closing):
    """Looks on at a run and shows it on a page; use it as a context manager."""

    wants_pictures = True

    def __init__(self, simulation: Simulation, port: int = PORT) -> None:
        """Start the page and wait until it is served.

        Raises:
            BodyError: The page's process did not get ready.
        """
        self._simulation = simulation
        self._sight = Sight(qpos=simulation.body.data.qpos.copy())
        self._news = threading.Event()
        self._is_over = False
        context = multiprocessing.get_context("spawn")
        self._connection, child = context.Pipe()
        self._stops, button = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_serve,
            args=(child, button, simulation.world, simulation.seed, port),
            daemon=True,
            name="view",
        )
        self._process.start()
        child.close()
        button.close()
        self.url = self._await_url()
        self._thread = threading.Thread(target=self._feed, name="view", daemon=True)
        self._thread.start()

    def listen_for_stop(self, stop: Callable[[], None]) -> None:
        """Call `stop` whenever the page's button is pressed; returns at once.

        Args:
            stop: Must be safe to call from another thread.
        """

        def listen() -> None:
            with suppress(OSError, EOFError):
                while self._stops.recv():
                    stop()

        threading.Thread(target=listen, name="button", daemon=True).start()

    def on_tick(self, snapshot: Snapshot) -> None:
        """Leave the newest state for the page."""
        self._sight = replace(
            self._sight,
            qpos=self._simulation.body.data.qpos.copy(),
            t_s=snapshot.t_ns * 1e-9,
            step=str(snapshot.step) if snapshot.step else "",
            things=snapshot.scene.things,
        )
        self._news.set()

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        """Leave plan and words for the page."""
        if kind == "plan":
            self._sight = replace(self._sight, plan=text)
        elif kind in ("heard", "say", "fault"):
            mark = {"heard": "🗣", "say": "🤖", "fault": "⚠"}[kind]
            lines = (*self._sight.lines, f"{mark} {text}")[-LINES_MAX:]
            self._sight = replace(self._sight, lines=lines)
        self._news.set()

    def on_picture(self, t_ns: int, rgb: NDArray[np.uint8]) -> None:
        """Leave a small copy of what the head camera saw for the page."""
        self._sight = replace(self._sight, rgb=rgb[::2, ::2].copy())

    def close(self) -> None:
        """Show the last state, then end the page and free its port; safe to call twice."""
        if self._is_over:
            return
        self._is_over = True
        self._news.set()
        self._thread.join(timeout=5.0)
        with suppress(OSError):
            self._connection.send(None)
        self._process.join(timeout=5.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()

    def _await_url(self) -> str:
        answer: object = None
        with suppress(EOFError, OSError):
            if self._connection.poll(START_MAX_S):
                answer = self._connection.recv()
        if not isinstance(answer, str):
            self._process.kill()
            self._process.join()
            raise BodyError(
                f"The 3-D page was asked for and its process ended or was not ready in "
                f"{START_MAX_S:.0f} s. Run again without --view."
            )
        return answer

    def _feed(self) -> None:
        """Send the newest state, wait until it is shown, and so on; a dead page ends it."""
        with suppress(OSError, EOFError):
            while True:
                self._news.wait()
                self._news.clear()
                self._connection.send(self._sight)
                self._connection.recv()
                if self._is_over:
                    return
                time.sleep(1.0 / RATE_HZ)


def _serve(connection: Connection, button: Connection, world: str, seed: int, port: int) -> None:
    """Serve the page until the other side hangs up."""
    import os
    import signal

    from yanshi.bodies.simulation import simulate

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The run decides what Ctrl-C means.
    os.nice(10)
    # The server greets on the terminal, which belongs to the run.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        model = simulate(world, seed, with_looks=True).body.model
        page = Page(model, port, lambda: button.send(True))
        with suppress(EOFError, OSError):
            connection.send(page.url)
            while (sight := connection.recv()) is not None:
                page.show(sight)
                connection.send("shown")
        page.close()
