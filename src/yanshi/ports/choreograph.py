"""A page in the browser that plays a routine while somebody writes it.

Whenever the file is saved it is read, planned and checked again. What is wrong with it stands
beside the robot; while it cannot be read, the last motion goes on.
"""

import os
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.looks import polish, thin_meshes
from yanshi.control.figure import Figure
from yanshi.control.reference import RATE_HZ, Reference, plan_reference
from yanshi.control.routine import Keyframe, Routine, read_routine
from yanshi.control.routine_check import Complaint, check
from yanshi.core.clock import MonotonicClock
from yanshi.core.errors import ConfigError
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1

HOST = "127.0.0.1"
"""The page is for this machine alone."""
PORT = 8080
_FRAME_S = 1.0 / 25.0
_LOOK_S = 0.4
"""How often the file is looked at."""
_FLOOR_M = 6.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draft:
    """A routine as it stood when it was last read, with what it comes to."""

    routine: Routine
    reference: Reference
    complaints: tuple[Complaint, ...]


class Rehearsal:
    """Reads, plans and checks one routine's file, again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._figure = Figure(G1, load_g1(with_looks=False), G1_LINKS)
        self._bytes: bytes | None = None
        self.draft: Draft | None = None
        """The last one that could be read."""
        self.error: ConfigError | None = None
        """Why the file as it is now cannot be read."""

    def refresh(self) -> bool:
        """Read the file if it is not what was read last; return whether it was read."""
        try:
            found = self.path.read_bytes()
        except OSError:
            found = b""
        if found == self._bytes:
            return False
        self._bytes = found
        try:
            routine = read_routine(self.path, G1)
        except ConfigError as error:
            self.error = error
            return True
        reference = plan_reference(routine, self._figure)
        complaints = check(routine, reference, self._figure)
        self.draft = Draft(routine=routine, reference=reference, complaints=complaints)
        self.error = None
        return True


def check_file(path: Path) -> Draft:
    """Return a routine with all complaints about it.

    Raises:
        ConfigError: It cannot be read.
    """
    rehearsal = Rehearsal(path)
    rehearsal.refresh()
    if rehearsal.draft is None:
        assert rehearsal.error is not None
        raise rehearsal.error
    return rehearsal.draft


class Studio:
    """The page: the robot, a slider of time, the keyframes and the complaints."""

    def __init__(self, rehearsal: Rehearsal, port: int = PORT, *, language: str = "en") -> None:
        """Serve the page.

        Args:
            rehearsal: What is played; it is refreshed here.
            port: Where to serve it; the next free one when that is taken.
            language: Of the complaints; `zh…` or another.
        """
        import mjviser  # Here, for only a page needs them.
        import viser

        self.rehearsal, self._is_zh = rehearsal, language.startswith("zh")
        self._model = model = _stage_model()
        self._data = mujoco.MjData(model)
        self._addresses = np.array([model.joint(name).qposadr[0] for name in G1.joint_names])
        # The server greets on the terminal, which belongs to the command.
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            self.server = viser.ViserServer(
                host=HOST, port=port, label="Yanshi 偃师", verbose=False
            )
        self.server.gui.configure_theme(dark_mode=True, show_share_button=False)
        self._scene = mjviser.ViserMujocoScene(self.server, model, num_envs=1)
        self._scene.camera_tracking_enabled = False
        self.server.initial_camera.position = (1.8, -1.1, 1.1)
        self.server.initial_camera.look_at = (0.0, 0.0, 0.65)
        gui = self.server.gui
        self.title = gui.add_markdown("…")
        # The values of viser's handles are told to mypy as read-only, though they are not.
        self.is_playing: Any = gui.add_checkbox("播放 play" if self._is_zh else "play", True)
        self.time_s: Any = gui.add_slider(
            "s", min=0.0, max=1.0, step=1.0 / RATE_HZ, initial_value=0.0
        )
        self._buttons = gui.add_button_group("关键帧" if self._is_zh else "keyframe", ("◀", "▶"))
        self._buttons.on_click(lambda event: self._skip(-1 if event.target.value == "◀" else 1))
        self.words = gui.add_markdown("…")
        self.refresh()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server.get_port()}"

    def refresh(self) -> None:
        """Take in the file if it was saved anew."""
        if not self.rehearsal.refresh():
            return
        draft = self.rehearsal.draft
        if draft is not None and self.rehearsal.error is None:
            self.time_s.max = max(draft.reference.duration_s, 1.0 / RATE_HZ)
            self.time_s.value = min(self.time_s.value, self.time_s.max)
        self.show()

    def advance(self, seconds: float) -> None:
        """Play on, from the beginning again after the end."""
        draft = self.rehearsal.draft
        if draft is None or not self.is_playing.value:
            self.show()
            return
        now = self.time_s.value + seconds
        self.time_s.value = now if now <= draft.reference.duration_s else 0.0
        self.show()

    def show(self) -> None:
        """Bring the page up to date."""
        draft, error = self.rehearsal.draft, self.rehearsal.error
        if draft is not None:
            tick = min(round(self.time_s.value * RATE_HZ), draft.reference.ticks - 1)
            self._data.qpos[:] = self._qpos(draft.reference, tick)
            mujoco.mj_kinematics(self._model, self._data)
            self._scene.update_from_mjdata(self._data)
        name = (draft.routine.zh if self._is_zh else draft.routine.en) if draft else "…"
        _set(self.title, f"### {name}")
        _set(self.words, panel(draft, error, self.time_s.value, is_zh=self._is_zh))

    def close(self) -> None:
        """Stop serving."""
        self.server.stop()

    def _qpos(self, reference: Reference, tick: int) -> NDArray[np.float64]:
        qpos: NDArray[np.float64] = self._data.qpos.copy()
        qpos[:3] = reference.root_position[tick]
        qpos[3:7] = reference.root_orientation_wxyz[tick]
        qpos[self._addresses] = reference.joint_position[tick]
        return qpos

    def _skip(self, direction: int) -> None:
        """Go to the keyframe before or after, and stay there."""
        draft = self.rehearsal.draft
        if draft is None:
            return
        self.is_playing.value = False
        times = [frame.time_s for frame in draft.routine.keyframes]
        now, step = self.time_s.value, 0.5 / RATE_HZ
        if direction > 0:
            self.time_s.value = next((t for t in times if t > now + step), times[-1])
        else:
            self.time_s.value = next((t for t in reversed(times) if t < now - step), 0.0)


def panel(draft: Draft | None, error: ConfigError | None, t_s: float, *, is_zh: bool) -> str:
    """Return the panel's text in Markdown: what is wrong, and the keyframes with the present one.

    Args:
        draft: What is played.
        error: Why the file as it is now cannot be read, if it cannot.
        t_s: Where in it the robot is.
        is_zh: Whether to complain in Chinese.
    """
    lines = []
    if error is not None:
        lines.append(f"❌ {error.text('zh' if is_zh else 'en')}\n")
    if draft is None:
        return "\n".join(lines)
    complaints = draft.complaints
    lines += [f"- ⚠ {c.zh if is_zh else c.en}" for c in complaints]
    if not complaints and error is None:
        lines.append("✅ 没有问题" if is_zh else "✅ nothing to complain about")
    lines.append("")
    frames = draft.routine.keyframes
    here = max(index for index, frame in enumerate(frames) if frame.time_s <= t_s + 1e-9)
    blamed = {complaint.keyframe for complaint in complaints}
    for index, frame in enumerate(frames):
        text = f"{_row(frame)}{' ⚠' if frame.number in blamed else ''}"
        lines.append(f"- **{text}** ◀" if index == here else f"- {text}")
    return "\n".join(lines)


def _row(frame: Keyframe) -> str:
    stands = {(True, True): "", (True, False): " (left)", (False, True): " (right)"}
    held = f" +{frame.hold_s:g}" if frame.hold_s else ""
    foot = stands[frame.posture.stands]
    return f"{frame.number} · {frame.time_s:.2f}{held} s{foot} {frame.note}".rstrip()


def _set(handle: object, text: str) -> None:
    """Change a text on the page only when it is another: each change is sent to the browser."""
    if handle.content != text:  # type: ignore[attr-defined]
        handle.content = text  # type: ignore[attr-defined]


def _stage_model() -> mujoco.MjModel:
    """Return the robot with its looks, light enough for a browser, over a floor."""
    world = mujoco.MjSpec()
    world.worldbody.add_geom(
        name="stage",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[0.5 * _FLOOR_M, 0.5 * _FLOOR_M, 0.01],
        pos=[0.0, 0.0, -0.01],
        rgba=[0.55, 0.50, 0.44, 1.0],
    )
    world.attach(load_g1(), frame=world.worldbody.add_frame(), prefix="")
    model = world.compile()
    thin_meshes(model)
    polish(model)
    return model


def rehearse(studio: Studio) -> None:
    """Play and watch the file until Ctrl-C."""
    clock = MonotonicClock()
    last_ns = looked_ns = clock.now_ns()
    try:
        while True:
            time.sleep(_FRAME_S)
            now_ns = clock.now_ns()
            studio.advance((now_ns - last_ns) * 1e-9)
            last_ns = now_ns
            if now_ns - looked_ns > _LOOK_S * 1e9:
                studio.refresh()
                looked_ns = last_ns = clock.now_ns()
    except KeyboardInterrupt:
        pass
    finally:
        studio.close()
