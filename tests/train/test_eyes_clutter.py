"""Arrangements for pictures of close work: close, apart, inside what holds them."""

from itertools import combinations

import numpy as np
import pytest

from yanshi.train.eyes_clutter import (
    BOWLFUL,
    CORES_M,
    GAP_MAX_M,
    Spot,
    arrange_closely,
    girth,
    surfaces_of,
)
from yanshi.worlds.things import KINDS, PlacedThing, kind_of
from yanshi.worlds.tidy import BOARDS_M, build_tidy

PLAN = build_tidy(5).floor_plan


def thing(kind, index=0):
    return PlacedThing(
        name=f"red {kind}",
        kind=kind,
        colour="red",
        body=f"{kind}_{index}",
        radius=kind_of(kind).radius,
    )


def arrangements(count=40):
    rng = np.random.default_rng(0)
    things = [thing(kind, index) for kind in KINDS for index in range(2)]
    surfaces = surfaces_of(PLAN)
    for index in range(count):
        yield arrange_closely(things, PLAN, surfaces[index % len(surfaces)], rng)


def foot(spot):
    return spot.middle[2] - spot.half_height


def is_loose(spot):
    heights = [place.height for place in surfaces_of(PLAN)]
    return np.abs(np.array(heights) - foot(spot)).min() < 1e-9


def test_a_plan_has_a_surface_for_each_board():
    heights = [place.height for place in surfaces_of(PLAN) if place.name == "shelf"]
    assert tuple(heights) == BOARDS_M


def test_most_things_find_room_and_stand_on_a_surface_or_in_something_that_does():
    found = 0
    for spots in arrangements():
        found += len(spots)
        holders = [spot for spot in spots if spot.thing.kind in ("tray", "bowl")]
        for spot in spots:
            below = [h for h in holders if h is not spot and h.gap_to(spot.middle[:2]) < 0.0]
            assert is_loose(spot) or below, spot
    assert found > 40 * len(KINDS)


def test_things_on_a_surface_stay_out_of_each_other():
    for spots in arrangements():
        loose = [spot for spot in spots if is_loose(spot)]
        for one, other in combinations(loose, 2):
            if foot(one) == foot(other):
                gaps = (
                    one.gap_to(other.middle[:2]) - girth(other.thing),
                    other.gap_to(one.middle[:2]) - girth(one.thing),
                )
                assert max(gaps) > -1e-9, (one, other)


def test_many_things_stand_close_by_another():
    close = 0
    for spots in arrangements():
        loose = [spot for spot in spots if is_loose(spot)]
        for one, other in combinations(loose, 2):
            gap = one.gap_to(other.middle[:2]) - girth(other.thing)
            close += foot(one) == foot(other) and gap < GAP_MAX_M
    assert close > 40 * 3


def test_what_is_in_a_bowl_is_alone_there_and_what_is_on_a_tray_is_inside_its_rim():
    filled = {"bowl": 0, "tray": 0}
    for spots in arrangements():
        for holder in (spot for spot in spots if spot.thing.kind in filled):
            inside = [
                spot
                for spot in spots
                if not is_loose(spot)
                and spot is not holder
                and holder.gap_to(spot.middle[:2]) < 0.0
                and abs(foot(spot) - holder.middle[2]) < 0.03
            ]
            filled[holder.thing.kind] += len(inside)
            if holder.thing.kind == "bowl":
                assert len(inside) <= 1
                assert all(spot.thing.kind in BOWLFUL for spot in inside)
    assert min(filled.values()) > 10, filled


@pytest.mark.parametrize("yaw", [0.0, 0.7, -2.0])
def test_the_gap_to_a_tray_is_measured_to_its_rim_however_it_is_turned(yaw):
    tray = Spot(thing=thing("tray"), middle=np.array([1.0, 2.0, 0.5]), yaw=yaw)
    x, y = CORES_M["tray"]
    assert tray.gap_to(tray.point(x + 0.03, 0.0)) == pytest.approx(0.03)
    assert tray.gap_to(tray.point(0.0, -y - 0.02)) == pytest.approx(0.02)
    assert tray.gap_to(tray.point(x + 0.03, y + 0.04)) == pytest.approx(0.05)
    assert tray.gap_to(tray.point(x - 0.01, 0.0)) == pytest.approx(-0.01)
