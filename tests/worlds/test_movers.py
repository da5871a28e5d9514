"""Homes with a box to carry: as large and heavy as said, at rest, and near an edge."""

import mujoco
import numpy as np
import pytest

from yanshi.worlds.layout import distance_to_place
from yanshi.worlds.movers import SURFACES, build_movers

SEEDS = (*range(300, 307), 417)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_box_is_for_two_hands_and_rests_on_a_table(seed):
    home = build_movers(seed)
    (box,) = home.things
    assert box.kind == "box"
    model = home.spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    before = data.body(box.body).xpos.copy()
    geoms = np.flatnonzero(model.geom_bodyid == model.body(box.body).id)
    (touched,) = (geom for geom in geoms if model.geom_contype[geom])
    along, across, height = 2.0 * model.geom_size[touched]
    assert 0.34 < along < 0.41
    assert 0.25 < across < 0.30
    assert 0.2 < height < 0.27
    assert 0.5 <= model.body(box.body).mass[0] <= 4.0
    for _ in range(500):
        mujoco.mj_step(model, data)
    assert np.linalg.norm(data.body(box.body).xpos - before) < 0.005
    places = [home.floor_plan.place(name) for name in SURFACES]
    on = [p for p in places if distance_to_place(p, before[None, :2])[0] <= 0.0]
    assert len(on) == 1
    assert before[2] - 0.5 * height == pytest.approx(on[0].height, abs=0.002)


def test_the_same_seed_gives_the_same_home():
    first, again, other = (build_movers(seed) for seed in (7, 7, 8))
    assert first.things == again.things
    assert first.floor_plan == again.floor_plan
    assert first.floor_plan != other.floor_plan
