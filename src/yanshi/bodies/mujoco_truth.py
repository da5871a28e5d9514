"""What a picture of the head camera really shows: for training data and judges alone.

The renderer paints every geom in a colour of its own; counting pixels tells how much of each
body is seen. Nothing that drives a robot may import this.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.robots.spec import CameraSpec

EDGE_PX = 4.0
_ALONE_GROUP = 5
"""A geom group that nothing else uses."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """How one body shows in a picture."""

    body: str
    visible_px: int
    """Pixels that show it."""
    alone_px: int
    """Pixels that would show it if nothing stood before it; 0 when this was not asked for."""
    position_in_camera: NDArray[np.float64]
    """Middle of the body, x right, y down, z ahead, m, shape (3,)."""
    shows_middle: bool
    """Whether its middle lies in the picture, at least `EDGE_PX` from every edge."""

    @property
    def visible_share(self) -> float:
        """Part of its outline in the picture that nothing hides."""
        return self.visible_px / max(self.alone_px, 1)


class TruthCamera:
    """Sees what the camera called `camera.name` in `model` sees, and knows what it is."""

    def __init__(self, model: mujoco.MjModel, camera: CameraSpec) -> None:
        self.model, self.camera = model, camera
        self._camera_id = model.camera(camera.name).id
        self._gl = mujoco.GLContext(camera.width, camera.height)
        self._gl.make_current()
        model.vis.global_.offwidth = max(model.vis.global_.offwidth, camera.width)
        model.vis.global_.offheight = max(model.vis.global_.offheight, camera.height)
        samples, model.vis.quality.offsamples = model.vis.quality.offsamples, 0
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        model.vis.quality.offsamples = samples
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = mujoco.MjvScene(model, 2000)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = True
        self._scene.flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = True
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._view.fixedcamid = self._camera_id
        self._pixels = np.zeros((camera.height, camera.width, 3), np.uint8)

    def look(
        self, data: mujoco.MjData, middles: Mapping[str, float], *, alone: bool = False
    ) -> list[Sight]:
        """Return how each body that is at least partly in the picture shows.

        Args:
            data: The state; its kinematics must be up to date.
            middles: Names of bodies, with how far above its origin the middle of each is, m.
            alone: Render each one alone, too, to learn how much of it is hidden.
        """
        groups = np.ones(mujoco.mjNGROUP, dtype=np.uint8)
        groups[[2, 4, 5]] = 0  # As the head camera: no visual meshes, nothing touch-only.
        seen = self._bodies_in_view(data, groups)
        sights = []
        for name, height in middles.items():
            body = self.model.body(name).id
            mask = seen == body
            visible = int(mask.sum())
            if visible == 0:
                continue
            outline = self._alone(data, body) if alone else mask
            middle = data.xpos[body] + (0.0, 0.0, height)
            position = self.position_in_camera(data, middle)
            sights.append(
                Sight(
                    body=name,
                    visible_px=visible,
                    alone_px=int(outline.sum()) if alone else 0,
                    position_in_camera=position,
                    shows_middle=self._is_inside(position),
                )
            )
        return sights

    def position_in_camera(
        self, data: mujoco.MjData, position_in_world: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return a point in the camera's optical frame, m."""
        world_from_view = data.cam_xmat[self._camera_id].reshape(3, 3)
        in_view = world_from_view.T @ (position_in_world - data.cam_xpos[self._camera_id])
        return np.asarray(in_view * (1.0, -1.0, -1.0))  # MuJoCo looks along -z with y up.

    def _is_inside(self, position: NDArray[np.float64]) -> bool:
        offset = self.camera.focal_length_px * position[:2] / max(position[2], 1e-3)
        half = 0.5 * np.array([self.camera.width, self.camera.height])
        return bool(np.all(np.abs(offset) <= half - EDGE_PX))

    def close(self) -> None:
        """Release the renderer."""
        self._gl.make_current()
        self._context.free()
        self._gl.free()

    def _alone(self, data: mujoco.MjData, body: int) -> NDArray[np.bool_]:
        """Return where the body would be seen if it were alone, shape (height, width)."""
        geoms = (self.model.geom_bodyid == body) & (self.model.geom_group != 4)
        before = self.model.geom_group[geoms].copy()
        self.model.geom_group[geoms] = _ALONE_GROUP
        groups = np.zeros(mujoco.mjNGROUP, dtype=np.uint8)
        groups[_ALONE_GROUP] = 1
        try:
            return np.asarray(self._bodies_in_view(data, groups) == body)
        finally:
            self.model.geom_group[geoms] = before

    def _bodies_in_view(self, data: mujoco.MjData, groups: NDArray[np.uint8]) -> NDArray[np.intp]:
        """Return the body behind each pixel, -1 for none, shape (height, width)."""
        options = mujoco.MjvOption()
        options.geomgroup[:] = groups
        self._gl.make_current()
        mujoco.mjv_updateScene(
            self.model,
            data,
            options,
            None,
            self._view,
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        area = mujoco.MjrRect(0, 0, self.camera.width, self.camera.height)
        mujoco.mjr_render(area, self._scene, self._context)
        mujoco.mjr_readPixels(self._pixels, None, area, self._context)
        codes = self._pixels[::-1].astype(np.int64) @ (1, 256, 65536)  # 0 is the background.
        owner = np.full(self._scene.ngeom + 1, -1, dtype=np.intp)
        for geom in self._scene.geoms[: self._scene.ngeom]:
            if geom.objtype == mujoco.mjtObj.mjOBJ_GEOM and geom.segid >= 0:
                owner[geom.segid + 1] = self.model.geom_bodyid[geom.objid]
        return np.asarray(owner[np.clip(codes, 0, self._scene.ngeom)])
