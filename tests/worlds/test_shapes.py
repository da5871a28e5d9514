"""Meshes against the volumes that geometry gives."""

import numpy as np
import pytest

from yanshi.worlds.shapes import lathe, wrinkled


def signed_volume(vertices, faces):
    """Volume of a closed mesh by the divergence theorem; negative if it is inside out."""
    a, b, c = (vertices[faces[:, index]] for index in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)


def test_a_turned_rectangle_has_the_volume_of_a_cylinder():
    mesh = lathe([(0.0, -0.5), (0.2, -0.5), (0.2, 0.5), (0.0, 0.5)], segments=400)
    assert signed_volume(*mesh) == pytest.approx(np.pi * 0.2**2, rel=1e-3)


def test_a_turned_cup_is_hollow():
    solid = [(0.0, 0.0), (0.04, 0.0), (0.04, 0.09)]
    cup = lathe([*solid, (0.035, 0.09), (0.035, 0.005), (0.0, 0.005)], segments=400)
    expected = np.pi * (0.04**2 * 0.09 - 0.035**2 * 0.085)
    assert signed_volume(*cup) == pytest.approx(expected, rel=1e-3)


def test_every_edge_of_a_turned_mesh_belongs_to_two_faces_in_opposite_directions():
    _, faces = lathe([(0.0, -1.0), (0.5, -0.4), (0.7, 0.3), (0.0, 1.0)], segments=7)
    edges = [(int(f[k]), int(f[(k + 1) % 3])) for f in faces for k in range(3)]
    assert len(set(edges)) == len(edges)
    assert {(b, a) for a, b in edges} == set(edges)


def test_a_walnut_stays_within_a_tenth_of_its_ellipsoid():
    vertices, _ = wrinkled((0.03, 0.027, 0.026))
    radius = np.linalg.norm(vertices / [0.03, 0.027, 0.026], axis=1)
    assert radius.min() > 0.85
    assert radius.max() < 1.1
    assert radius.std() > 0.01
