"""How does a film of a run come about? A camera that follows, and a file of H.264.

The run is filmed after it has ended, from the poses that were kept, so the camera knows what
comes and can move ahead of it. Its path is the cheapest one through all its angles over time
(Viterbi): it wants to see the robot and what the robot deals with from the front or the side,
unhidden by furniture, and to move slowly. Walls between camera and room are cut away.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.looks import polish, thin_meshes
from yanshi.core.closing import Closing
from yanshi.core.errors import BodyError, ConfigError
from yanshi.worlds.furniture import WALLS

_GEOMS_MAX = 3000
_HIDDEN_GROUP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmConfig:
    """Size, pace and taste of a film."""

    width: int = 640
    height: int = 360
    fps: int = 15
    quality: int = 23
    """H.264's constant rate factor: 18 is very good, 28 is small."""
    elevation_deg: float = -18.0
    """How far the camera looks down."""
    distance: float = 2.5
    """From the camera to what it looks at, m."""
    angle_step_deg: float = 10.0
    """The camera's angles are this far apart while its path is planned."""
    plan_period_s: float = 0.4
    """And its moments this."""


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """What is to be filmed, one row per frame."""

    qpos: NDArray[np.float64]
    """The simulator's positions, shape (n, nq)."""
    subject: NDArray[np.float64]
    """A point that should be seen besides the robot, m, shape (n, 3); nan for none."""
    captions: Sequence[str]
    """A short line per frame, ASCII."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraPath:
    """Where the camera is, one row per frame."""

    lookat: NDArray[np.float64]
    """The point in the middle of the picture, m, shape (n, 3)."""
    distance: NDArray[np.float64]
    """From there to the camera, m, shape (n,)."""
    azimuth: NDArray[np.float64]
    """Direction in which the camera looks, rad, unwrapped, shape (n,)."""
    elevation: float
    """rad, negative when it looks down."""

    def view(self, frame: int) -> mujoco.MjvCamera:
        """Return MuJoCo's camera for a frame."""
        camera = mujoco.MjvCamera()
        camera.lookat[:] = self.lookat[frame]
        camera.distance = self.distance[frame]
        camera.azimuth = np.rad2deg(self.azimuth[frame])
        camera.elevation = np.rad2deg(self.elevation)
        return camera

    def position(self, frame: int) -> NDArray[np.float64]:
        """Return where the camera is, m."""
        ahead = look_direction(self.azimuth[frame], self.elevation)
        return np.asarray(self.lookat[frame] - self.distance[frame] * ahead)


def look_direction(azimuth: float, elevation: float) -> NDArray[np.float64]:
    """Return the unit vector along which a camera looks."""
    flat = np.cos(elevation)
    return np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])


def smooth(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Blur along the first axis with a Gaussian of `sigma` rows; the ends are held."""
    reach = max(1, round(3.0 * sigma))
    weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.concatenate(
        [np.repeat(values[:1], reach, axis=0), values, np.repeat(values[-1:], reach, axis=0)]
    )
    columns = padded.reshape(len(padded), -1).T
    blurred = [np.convolve(column, weight / weight.sum(), "valid") for column in columns]
    return np.stack(blurred, axis=1).reshape(values.shape)


def plan_camera(
    model: mujoco.MjModel, take: Take, config: FilmConfig | None = None, *, root: str = "pelvis"
) -> CameraPath:
    """Choose the camera's path for a take."""
    config = config or FilmConfig()
    base, heading = _base_motion(model, take.qpos, root)
    wanted = np.where(np.isnan(take.subject), base, take.subject)
    offset = np.clip(0.35 * (wanted - base), -0.8, 0.8)
    spread = np.linalg.norm((wanted - base)[:, :2], axis=1)
    lookat = smooth(base + offset + [0.0, 0.0, -0.05], 0.6 * config.fps)
    distance = smooth(config.distance + np.minimum(0.45 * spread, 1.4), 1.0 * config.fps)
    angles = np.arange(0.0, 360.0, config.angle_step_deg)
    stride = max(1, round(config.plan_period_s * config.fps))
    moments = np.arange(0, len(base), stride)
    elevation = float(np.deg2rad(config.elevation_deg))
    cost = _view_costs(
        model,
        take.qpos[0],
        lookat[moments],
        distance[moments],
        np.stack([base[moments] + [0.0, 0.0, z] for z in (0.45, 0.0, -0.6)], axis=1),
        wanted[moments],
        heading[moments],
        np.deg2rad(angles),
        elevation,
    )
    chosen = np.unwrap(np.deg2rad(angles[_cheapest_path(cost)]))
    azimuth = np.interp(np.arange(len(base)), moments, chosen)
    return CameraPath(lookat, distance, smooth(azimuth, 1.0 * config.fps), elevation)


def _base_motion(
    model: mujoco.MjModel, qpos: NDArray[np.float64], root: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the root link's path (n, 3) and its heading, smoothed over seconds, (n,)."""
    at = int(model.joint(root).qposadr[0])
    w, x, y, z = qpos[:, at + 3 : at + 7].T
    yaw = np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    ahead = smooth(np.stack([np.cos(yaw), np.sin(yaw)], axis=1), 40.0)
    return qpos[:, at : at + 3], np.arctan2(ahead[:, 1], ahead[:, 0])


def _view_costs(
    model: mujoco.MjModel,
    qpos: NDArray[np.float64],
    lookat: NDArray[np.float64],
    distance: NDArray[np.float64],
    robot: NDArray[np.float64],
    subject: NDArray[np.float64],
    heading: NDArray[np.float64],
    angles: NDArray[np.float64],
    elevation: float,
) -> NDArray[np.float64]:
    """Return what is bad about each angle at each moment, shape (moments, angles).

    A view costs 0.5 for each of the robot's points (moments, k, 3) and 0.7 for the subject
    behind furniture, and up to 0.7 from behind the robot.
    """
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    groups = np.array([1, 1, 0, 0, 0, 0], dtype=np.uint8)
    walls = _wall_geoms(model)
    before = model.geom_group[walls].copy()
    model.geom_group[walls] = _HIDDEN_GROUP
    cost = 0.35 * (1.0 + np.cos(angles[None] - heading[:, None]))

    def is_hidden(eye: NDArray[np.float64], point: NDArray[np.float64]) -> bool:
        gap, hit = float(np.linalg.norm(point - eye)), np.zeros(1, dtype=np.int32)
        found = mujoco.mj_ray(model, data, eye, (point - eye) / gap, groups, 1, -1, hit)
        return bool(0.0 <= found < gap - 0.4)

    for moment, points in enumerate(robot):
        for index, angle in enumerate(angles):
            eye = lookat[moment] - distance[moment] * look_direction(angle, elevation)
            cost[moment, index] += 0.5 * sum(is_hidden(eye, point) for point in points)
            cost[moment, index] += 0.7 * is_hidden(eye, subject[moment])
    model.geom_group[walls] = before
    return cost


def _cheapest_path(cost: NDArray[np.float64], turn_cost: float = 0.1) -> NDArray[np.intp]:
    """Return the angle per moment that costs least in all; a step to a neighbour costs extra."""
    moments, angles = cost.shape
    best, came_from = cost[0].copy(), np.zeros((moments, angles), dtype=np.intp)
    steps = np.arange(-2, 3)
    for moment in range(1, moments):
        options = np.stack([np.roll(best, step) + turn_cost * step**2 for step in steps])
        choice = options.argmin(axis=0)
        came_from[moment] = (np.arange(angles) - steps[choice]) % angles
        best = options.min(axis=0) + cost[moment]
    path = np.zeros(moments, dtype=np.intp)
    path[-1] = best.argmin()
    for moment in range(moments - 1, 0, -1):
        path[moment - 1] = came_from[moment, path[moment]]
    return path


def _wall_geoms(model: mujoco.MjModel, wall: str = "wall_") -> NDArray[np.intp]:
    """Return the numbers of the geoms whose name begins with `wall`."""
    names = [model.geom(index).name for index in range(model.ngeom)]
    return np.array([i for i, name in enumerate(names) if name.startswith(wall)], dtype=np.intp)


class Cinema(Closing):
    """Draws frames of a take; belongs to the thread that made it, close it when done."""

    def __init__(self, model: mujoco.MjModel, config: FilmConfig | None = None) -> None:
        """Prepare to draw.

        Args:
            model: A world with the robot's looks; it is changed (lighter meshes, light), so
                it must not be the one that is stepped.
            config: Size of the pictures.

        Raises:
            BodyError: This machine cannot render.
        """
        self.config = config or FilmConfig()
        thin_meshes(model)
        polish(model)
        model.vis.global_.offwidth = max(model.vis.global_.offwidth, self.config.width)
        model.vis.global_.offheight = max(model.vis.global_.offheight, self.config.height)
        self._model, self._data = model, mujoco.MjData(model)
        self._walls = [(name, _wall_geoms(model, name)) for name in WALLS]
        self._groups = model.geom_group.copy()
        self._option = mujoco.MjvOption()
        self._scene = mujoco.MjvScene(model, _GEOMS_MAX)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self._frame = mujoco.MjrRect(0, 0, self.config.width, self.config.height)
        self._pixels = np.empty((self.config.height, self.config.width, 3), dtype=np.uint8)
        try:
            self._gl = mujoco.GLContext(self.config.width, self.config.height)
        except (AttributeError, RuntimeError, ImportError, OSError) as error:
            raise BodyError(
                f"This machine cannot render a film: {error}. `yanshi doctor` says what helps."
            ) from error
        self._gl.make_current()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_150)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)

    def draw(
        self,
        qpos: NDArray[np.float64],
        view: mujoco.MjvCamera,
        eye: NDArray[np.float64] | None = None,
        caption: str = "",
    ) -> NDArray[np.uint8]:
        """Return one picture, shape (height, width, 3).

        Args:
            qpos: The world's positions, shape (nq,).
            view: The camera.
            eye: Where it is, m: walls with their outer side to it are left out.
            caption: A short ASCII line for the lower left corner.
        """
        model, data = self._model, self._data
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_camlight(model, data)
        self._cut_walls(eye)
        self._gl.make_current()
        mujoco.mjv_updateScene(
            model, data, self._option, None, view, mujoco.mjtCatBit.mjCAT_ALL, self._scene
        )
        mujoco.mjr_render(self._frame, self._scene, self._context)
        if caption:
            mujoco.mjr_overlay(
                mujoco.mjtFont.mjFONT_NORMAL,
                mujoco.mjtGridPos.mjGRID_BOTTOMLEFT,
                self._frame,
                caption,
                "",
                self._context,
            )
        mujoco.mjr_readPixels(self._pixels, None, self._frame, self._context)
        return np.ascontiguousarray(self._pixels[::-1])

    def shoot(self, take: Take, path: CameraPath) -> Iterator[NDArray[np.uint8]]:
        """Draw every frame of a take in turn."""
        for frame, qpos in enumerate(take.qpos):
            yield self.draw(qpos, path.view(frame), path.position(frame), take.captions[frame])

    def close(self) -> None:
        """Release the renderer."""
        self._context.free()
        self._gl.free()

    def _cut_walls(self, eye: NDArray[np.float64] | None) -> None:
        """Hide the walls, and the door in them, that stand between the camera and the room."""
        model = self._model
        model.geom_group[:] = self._groups
        if eye is None:
            return
        for name, geoms in self._walls:
            if not len(geoms):
                continue
            wall = model.geom(name)
            outward = self._data.geom(name).xmat.reshape(3, 3)[:, 0]
            inner_face = wall.pos @ outward - wall.size[0]
            if eye @ outward < inner_face:
                continue
            model.geom_group[geoms] = _HIDDEN_GROUP
            self._hide_door(inner_face, outward)

    def _hide_door(self, inner_face: float, outward: NDArray[np.float64]) -> None:
        """Hide the door when it hangs in the wall whose inner face this is."""
        door = mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_BODY, "door")
        if door >= 0 and self._model.body_pos[door] @ outward > inner_face - 0.1:
            self._model.geom_group[self._model.geom_bodyid == door] = _HIDDEN_GROUP


class VideoFile:
    """An H.264 file that is whole under its final name, or not there."""

    def __init__(self, path: Path, config: FilmConfig | None = None) -> None:
        """Begin the file as `path` + `.partial`.

        Raises:
            ConfigError: The file cannot be begun.
        """
        config = config or FilmConfig()
        self._path, self._partial = path, path.with_name(path.name + ".partial")
        try:
            self._file = self._partial.open("wb")
            self._container = av.open(self._file, "w", format="mp4")
        except (OSError, av.FFmpegError) as error:
            raise self._trouble(error) from error
        self._stream = self._container.add_stream("libx264", rate=Fraction(config.fps))
        self._stream.width, self._stream.height = config.width, config.height
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": str(config.quality), "preset": "veryfast"}

    def add(self, rgb: NDArray[np.uint8]) -> None:
        """Append a picture, shape (height, width, 3).

        Raises:
            ConfigError: The disk is full or broken; nothing is left behind.
        """
        try:
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            self._container.mux(self._stream.encode(frame))
        except (OSError, av.FFmpegError) as error:
            self.discard()
            raise self._trouble(error) from error

    def finish(self) -> None:
        """Write what is left and give the file its final name.

        Raises:
            ConfigError: The disk is full or broken; nothing is left behind.
        """
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._file.close()
            os.replace(self._partial, self._path)
        except (OSError, av.FFmpegError) as error:
            self.discard()
            raise self._trouble(error) from error

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError, av.FFmpegError):
            self._container.close()
        with suppress(OSError):
            self._file.close()
        self._partial.unlink(missing_ok=True)

    def _trouble(self, error: Exception) -> ConfigError:
        reason = getattr(error, "strerror", None) or str(error)
        return ConfigError(
            f"The film {self._path} could not be written: {reason}. "
            "Name a file in a folder that exists and has room.",
            zh=f"无法写入影片 {self._path}：{reason}。请换一个存在且有空间的文件夹。",
        )
