"""Lighter meshes look the same."""

import numpy as np

from yanshi.bodies.looks import MESH_CELL_M, thin_meshes
from yanshi.robots.g1.model import load_g1


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
