"""How is a robot made fit to be looked at? Lighter meshes, better light, for films and pages.

Everything here changes a model that is only looked at, never one that is stepped.
"""

import mujoco
import numpy as np

MESH_CELL_M = 0.006
"""Corners of a mesh closer than this become one: nobody sees it, and drawing costs a seventh."""


def thin_meshes(model: mujoco.MjModel, cell_m: float = MESH_CELL_M) -> None:
    """Merge close corners of every mesh of a compiled model and drop the faces that vanish."""
    for mesh in range(model.nmesh):
        corners = slice(
            model.mesh_vertadr[mesh], model.mesh_vertadr[mesh] + model.mesh_vertnum[mesh]
        )
        begin, count = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
        cells = np.round(model.mesh_vert[corners] / cell_m).astype(np.int64)
        _, first, cell_of = np.unique(cells, axis=0, return_index=True, return_inverse=True)
        faces = first[cell_of.ravel()][model.mesh_face[begin : begin + count]]
        a, b, c = faces.T
        stays = (a != b) & (b != c) & (c != a)
        left = int(stays.sum())
        if left < 40:  # A thing of our own, small already.
            continue
        model.mesh_face[begin : begin + left] = faces[stays]
        model.mesh_facenormal[begin : begin + left] = model.mesh_facenormal[begin : begin + count][
            stays
        ]
        model.mesh_facenum[mesh] = left


def polish(model: mujoco.MjModel) -> None:
    """Give the robot's metal a shine, and let one lamp cast one soft-edged shadow."""
    for index in range(model.nmat):
        name = model.material(index).name
        if name.endswith("metal"):
            model.mat_rgba[index] = (0.66, 0.68, 0.72, 1.0)
            model.mat_specular[index], model.mat_shininess[index] = 0.7, 0.6
        elif name.endswith("black"):
            model.mat_rgba[index] = (0.10, 0.10, 0.12, 1.0)
            model.mat_specular[index], model.mat_shininess[index] = 0.5, 0.7
    model.vis.headlight.ambient[:] = np.minimum(1.25 * model.vis.headlight.ambient, 0.5)
    model.light_castshadow[:] = 0
    model.light_castshadow[:1] = 1
    model.vis.quality.shadowsize = 1024
    model.vis.quality.offsamples = 4
    model.vis.map.shadowscale = 0.5


def flatten_textures(model: mujoco.MjModel) -> None:
    """Paint textured materials in their texture's mean colour, for viewers without textures."""
    role = int(mujoco.mjtTextureRole.mjTEXROLE_RGB)
    for index in range(model.nmat):
        texture = model.mat_texid[index, role]
        if texture < 0:
            continue
        begin, channels = model.tex_adr[texture], model.tex_nchannel[texture]
        size = model.tex_width[texture] * model.tex_height[texture] * channels
        pixels = model.tex_data[begin : begin + size].reshape(-1, channels)
        model.mat_rgba[index, :3] = pixels[:, :3].mean(axis=0) / 255.0
        model.mat_texid[index] = -1
        model.geom_rgba[model.geom_matid == index] = model.mat_rgba[index]
