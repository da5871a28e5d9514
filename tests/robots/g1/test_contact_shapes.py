import json

import numpy as np

from yanshi.robots.g1.model import CONTACT_SHAPES, fit_contacts, load_g1


def test_kept_contact_shapes_are_what_the_makers_meshes_give():
    kept = json.loads(CONTACT_SHAPES.read_text(encoding="utf8"))
    fitted = fit_contacts()
    assert set(kept) == set(fitted)
    for mesh, shape in fitted.items():
        for field, values in shape.items():
            np.testing.assert_allclose(kept[mesh][field], values, atol=1e-4, err_msg=mesh)


def test_looks_change_nothing_that_moves():
    seen, plain = load_g1().compile(), load_g1(with_looks=False).compile()
    assert seen.nmesh > 30
    assert plain.nmesh == 0
    np.testing.assert_array_equal(seen.body_mass, plain.body_mass)
    np.testing.assert_array_equal(seen.body_inertia, plain.body_inertia)
    is_shape = seen.geom_group == 3
    np.testing.assert_array_equal(seen.geom_size[is_shape], plain.geom_size)
    np.testing.assert_array_equal(seen.geom_contype[is_shape], plain.geom_contype)
