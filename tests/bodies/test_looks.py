"""Lighter meshes look the same."""

import numpy as np

from yanshi.bodies.looks import MESH_CELL_M, flatten_textures, thin_meshes
from yanshi.robots.g1.model import load_g1
from yanshi.worlds.home import build_home


def corners_in_use(model, mesh):
    faces = slice(model.mesh_faceadr[mesh], model.mesh_faceadr[mesh] + model.mesh_facenum[mesh])
    return model.mesh_vert[model.mesh_vertadr[mesh] + np.unique(model.mesh_face[faces])]


def test_thinned_meshes_keep_their_extent_with_a_fifth_of_the_faces():
    model = load_g1(with_looks=True).compile()
    before = [corners_in_use(model, mesh) for mesh in range(model.nmesh)]
    faces = model.mesh_facenum.sum()
    thin_meshes(model)
    assert model.mesh_facenum.sum() < faces / 5
    for mesh, corners in enumerate(before):
        after = corners_in_use(model, mesh)
        for end in (np.min, np.max):
            np.testing.assert_allclose(end(after, 0), end(corners, 0), atol=2 * MESH_CELL_M)


def test_a_flattened_floor_has_the_mean_colour_of_its_boards():
    model = build_home(1).spec.compile()
    floor = model.geom("floor").id
    texture = model.texture("floor").id
    begin = model.tex_adr[texture]
    pixels = model.tex_data[begin : begin + 256 * 256 * 3].reshape(-1, 3)
    flatten_textures(model)
    np.testing.assert_allclose(model.geom_rgba[floor, :3], pixels.mean(0) / 255.0, atol=1e-3)
    assert model.mat_texid.max() == -1
