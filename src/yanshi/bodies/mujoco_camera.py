"""The head camera of a simulated robot: colours and depth from one rendering.

A camera has its own copy of the simulation's state and takes a picture of whatever pose it is
handed, so that it can work in another process than the physics. Shadows, reflections and the
robot's detailed meshes are left out; the robot's own arms appear as its collision shapes. The
picture then costs a software renderer a tenth of the time.
"""

from typing import Any, TypeVar

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.renderer import cannot_render
from yanshi.core.closing import Closing
from yanshi.core.errors import BodyError
from yanshi.core.messages import Image
from yanshi.robots.spec import CameraSpec

_VISIBLE_GROUPS = (1, 1, 0, 1, 0, 0)
"""MuJoCo's geom groups: the world in 0 and 1, not the robot's meshes in 2, its shapes in 3."""
_GEOMS_MAX = 2000


class MujocoCamera(Closing):
    """Takes RGB-D pictures through a camera of a MuJoCo model.

    A camera belongs to the thread that made it. Close it when done, or use it in a `with`.
    """

    def __init__(self, model: mujoco.MjModel, config: CameraSpec) -> None:
        """Prepare to take pictures of `model`.

        Args:
            model: The world with the robot in it; not changed.
            config: Which of the model's cameras, and the size of its pictures.

        Raises:
            BodyError: The model has no such camera, or this machine cannot render.
        """
        self.config = config
        self._model = model
        self._data = mujoco.MjData(model)
        self._view = _fixed_view(model, config)
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = _VISIBLE_GROUPS
        self._scene = mujoco.MjvScene(model, _GEOMS_MAX)
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._scene.flags[flag] = 0
        self._gl = _gl_context(config)
        self._gl.make_current()
        self._context = _offscreen(model, config)
        self._frame = mujoco.MjrRect(0, 0, config.width, config.height)
        self._rgb = np.empty((config.height, config.width, 3), dtype=np.uint8)
        self._depth = np.empty((config.height, config.width), dtype=np.float32)
        near, far = (
            model.stat.extent * plane for plane in (model.vis.map.znear, model.vis.map.zfar)
        )
        # Reversed depth buffer: 1 at the near plane, 0 at the far one, linear in 1 / distance.
        self._depth_scale = np.float32(near * far / (far - near))
        self._depth_offset = np.float32(near / (far - near))

    def capture_at(self, qpos: NDArray[np.float64], t_ns: int) -> Image:
        """Take a picture of the world in the pose `qpos`, stamped `t_ns`.

        Args:
            qpos: MuJoCo's joint positions, shape (model.nq,), copied from the simulation.
            t_ns: When the simulation was in that pose.
        """
        model, data = self._model, self._data
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)  # Cameras and lights are placed relative to it.
        mujoco.mj_camlight(model, data)
        self._gl.make_current()
        mujoco.mjv_updateScene(
            model, data, self._option, None, self._view, mujoco.mjtCatBit.mjCAT_ALL, self._scene
        )
        mujoco.mjr_render(self._frame, self._scene, self._context)
        mujoco.mjr_readPixels(self._rgb, self._depth, self._frame, self._context)
        return Image(
            t_ns=t_ns,
            rgb=_upright(self._rgb),
            depth=self._in_metres(),
            focal_length_px=self.config.focal_length_px,
        )

    def close(self) -> None:
        """Release the renderer; the camera cannot be used afterwards."""
        self._context.free()
        self._gl.free()

    def _in_metres(self) -> NDArray[np.float32]:
        buffer = self._depth
        buffer += self._depth_offset
        np.divide(self._depth_scale, buffer, out=buffer)
        buffer[buffer > self.config.depth_max] = 0.0
        return _upright(buffer)


_Pixel = TypeVar("_Pixel", np.uint8, np.float32)


def _upright(buffer: NDArray[_Pixel]) -> NDArray[_Pixel]:
    """Return a read-only copy with the first row at the top; OpenGL's is at the bottom."""
    picture = np.ascontiguousarray(buffer[::-1])
    picture.flags.writeable = False
    return picture


def _fixed_view(model: mujoco.MjModel, config: CameraSpec) -> mujoco.MjvCamera:
    view = mujoco.MjvCamera()
    view.type = mujoco.mjtCamera.mjCAMERA_FIXED
    view.fixedcamid = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, config.name)
    if view.fixedcamid < 0:
        names = ", ".join(model.camera(i).name for i in range(model.ncam)) or "none"
        raise BodyError(f"The model has no camera named {config.name!r}. It has: {names}.")
    return view


def _gl_context(config: CameraSpec) -> Any:
    try:
        return mujoco.GLContext(config.width, config.height)
    except (AttributeError, RuntimeError, ImportError, OSError) as error:
        raise cannot_render(str(error)) from error


def _offscreen(model: mujoco.MjModel, config: CameraSpec) -> mujoco.MjrContext:
    """Return a render target of the picture's size, without smoothing of edges.

    The size and the smoothing are kept in the model, which may be shared with a viewer, so
    they are put back.
    """
    width, height = model.vis.global_.offwidth, model.vis.global_.offheight
    samples = model.vis.quality.offsamples
    model.vis.global_.offwidth, model.vis.global_.offheight = config.width, config.height
    model.vis.quality.offsamples = 0
    try:
        context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
    except mujoco.FatalError as error:
        raise cannot_render(str(error)) from error
    finally:
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        model.vis.quality.offsamples = samples
    mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, context)
    context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
    return context
