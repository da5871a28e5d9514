"""The memory of the scene, held against what a careful observer would conclude."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.core.messages import Image, Scene, Solid
from yanshi.senses.eyes import Detection
from yanshi.senses.scene_memory import (
    SOLIDS_AGREE_M,
    SOLIDS_KEPT,
    SOLIDS_LAST_S,
    SOLIDS_NEW,
    SceneMemory,
    Surfaces,
)

TICK_NS = 100_000_000


def sighting(x, y=0.0, z=1.0, kind="cup", colour="red", confidence=0.9):
    return Detection(kind=kind, colour=colour, position_in_camera=(x, y, z), confidence=confidence)


def wall(depth):
    """What a picture shows of a flat wall across the view."""
    image = Image(
        t_ns=0,
        rgb=np.zeros((352, 480, 3), np.uint8),
        depth=np.full((352, 480), depth, np.float32),
        focal_length_px=251.0,
    )
    return Surfaces.of(image)


def look(memory, detections, times=1, surfaces=None, start=0, pose=None) -> Scene:
    pose = np.eye(4) if pose is None else pose
    scene = Scene(t_ns=0)
    for k in range(start, start + times):
        scene = memory.update(detections, pose, k * TICK_NS, surfaces)
    return scene


def facts(scene):
    return sorted(
        (thing.name, thing.t_ns, *np.round((*thing.position, thing.confidence), 9))
        for thing in scene.things
    )


def test_two_sightings_of_a_thing_are_one_thing_between_them():
    memory = SceneMemory()
    look(memory, [sighting(0.00)])
    scene = look(memory, [sighting(0.02)], start=1)
    assert [thing.name for thing in scene.things] == ["red cup"]
    assert 0.0 < scene.things[0].position[0] < 0.02


def test_things_farther_apart_than_the_gate_stay_two():
    scene = look(SceneMemory(), [sighting(0.0), sighting(0.3)], times=3)
    assert len(scene.things) == 2


def test_neighbours_of_different_names_keep_their_names_and_places():
    pair = [sighting(0.00), sighting(0.08, kind="ball", colour="blue")]
    scene = look(SceneMemory(), pair, times=5)
    assert {t.name: round(t.position[0], 6) for t in scene.things} == {
        "red cup": 0.0,
        "blue ball": 0.08,
    }


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-0.5, 0.5),
            st.floats(-0.3, 0.3),
            st.sampled_from(["cup", "ball", "person"]),
            st.floats(0.3, 1.0),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_the_order_of_detections_does_not_matter(rows):
    detections = [sighting(x, y, 1.5, kind, "", sure) for x, y, kind, sure in rows]
    answers = []
    for order in permutations(detections):
        memory = SceneMemory()
        look(memory, list(order), times=2)
        answers.append(facts(look(memory, list(order)[::-1], start=2)))
    assert all(answer == answers[0] for answer in answers)


def test_confidence_rises_with_every_sighting():
    memory = SceneMemory()
    look(memory, [sighting(0.0)])
    sure = [look(memory, [sighting(0.0)], start=k).things[0].confidence for k in range(1, 7)]
    assert sure == sorted(sure)
    assert sure[0] < 0.7 < 0.9 < sure[-1] <= 1.0


def test_a_single_sighting_is_not_told_and_a_second_one_is():
    memory = SceneMemory()
    assert look(memory, [sighting(0.0)]).things == ()
    assert len(look(memory, [sighting(0.0)], start=1).things) == 1


def test_most_sightings_decide_kind_and_colour():
    memory = SceneMemory()
    look(memory, [sighting(0.0, kind="apple", colour="orange")])
    scene = look(memory, [sighting(0.0, kind="cup", colour="red")], times=2, start=1)
    assert scene.things[0].name == "red cup"


def test_one_near_look_outvotes_several_far_ones():
    memory = SceneMemory()
    look(memory, [sighting(0.0, z=2.4, kind="apple")], times=6)
    closer = np.eye(4)
    closer[2, 3] = 1.7
    scene = look(memory, [sighting(0.0, z=0.7, kind="ball")], start=6, pose=closer)
    assert [thing.kind for thing in scene.things] == ["ball"]


def hesitating(kinds):
    best = max(kinds, key=kinds.get)
    return replace(sighting(0.0, kind=best), kind_shares=kinds)


def test_a_name_that_is_second_in_many_sightings_wins_over_the_first_of_few():
    memory = SceneMemory()
    look(memory, [hesitating({"ball": 0.55, "apple": 0.45})], times=3)
    scene = look(memory, [hesitating({"apple": 0.9, "ball": 0.1})], times=2, start=3)
    assert scene.things[0].name == "red apple"


def test_the_shares_of_names_are_those_of_the_sightings_and_make_the_likeness():
    scene = look(SceneMemory(), [hesitating({"ball": 0.7, "apple": 0.3})], times=4)
    (thing,) = scene.things
    assert thing.kind_shares == pytest.approx({"ball": 0.7, "apple": 0.3})
    assert thing.likeness("red apple") == pytest.approx(0.3)
    assert thing.likeness("blue apple") == 0.0


def test_what_something_stands_in_the_place_of_is_kept_and_what_left_it_empty_is_not():
    def after(depth):
        memory = SceneMemory()
        look(memory, [sighting(0.0)], times=10, surfaces=wall(1.05))
        return look(memory, [], times=10, surfaces=wall(depth), start=10).things

    assert len(after(0.95)) == 1  # Half hidden by a neighbour, or not made out.
    assert after(1.05) == ()


def test_a_look_from_afar_says_little_against_one_from_near():
    memory = SceneMemory()
    look(memory, [sighting(0.0, z=0.6)], times=10, surfaces=wall(0.65))
    back = np.eye(4)
    back[2, 3] = -1.8
    after = look(memory, [], 10, wall(2.45), start=10, pose=back).things
    assert [thing.confidence > 0.8 for thing in after] == [True]
    assert look(memory, [], 10, wall(0.65), start=20).things == ()


def test_a_thing_pushed_a_little_is_followed():
    memory = SceneMemory()
    look(memory, [sighting(0.0)], times=20)
    scene = look(memory, [sighting(0.08)], times=20, start=20)
    assert len(scene.things) == 1
    assert scene.things[0].position[0] == pytest.approx(0.08, abs=0.01)


def test_a_thing_carried_away_is_remembered_only_where_it_went():
    memory = SceneMemory()
    look(memory, [sighting(0.0)], times=10, surfaces=wall(1.05))
    scene = look(memory, [sighting(0.5)], times=20, surfaces=wall(1.05), start=10)
    assert [round(t.position[0], 3) for t in scene.things] == [0.5]


def test_a_thing_out_of_the_picture_keeps_its_confidence_and_grows_older():
    memory = SceneMemory()
    before = look(memory, [sighting(0.0)], times=10, surfaces=wall(1.05)).things[0]
    away = np.diag([-1.0, 1.0, -1.0, 1.0])  # Turned right round.
    scene = look(memory, [], times=30, surfaces=wall(1.05), start=10, pose=away)
    after = scene.things[0]
    assert after.confidence == before.confidence
    assert scene.t_ns - after.t_ns == 30 * TICK_NS


def test_a_hidden_thing_is_not_forgotten():
    memory = SceneMemory()
    look(memory, [sighting(0.0)], times=10, surfaces=wall(1.05))
    hand_before_it = wall(0.4)
    assert len(look(memory, [], times=30, surfaces=hand_before_it, start=10).things) == 1


def test_without_a_picture_nothing_is_forgotten():
    memory = SceneMemory()
    look(memory, [sighting(0.0)], times=3)
    assert len(look(memory, [], times=50, start=3).things) == 1


def test_positions_are_on_the_map():
    pose = np.eye(4)
    pose[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]  # Looking along the map's x axis.
    pose[:3, 3] = (1.0, 2.0, 1.2)
    scene = look(SceneMemory(), [sighting(0.1, 0.2, 1.5)], times=2, pose=pose)
    np.testing.assert_allclose(scene.things[0].position, (2.5, 1.9, 1.0), atol=1e-9)


def test_many_noisy_sightings_place_a_thing_better_than_one():
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(30):
        memory = SceneMemory()
        for k in range(15):
            x, y, z = rng.normal((0.0, 0.0, 1.5), 0.02)
            scene = look(memory, [sighting(x, y, z)], start=k)
        errors.append(np.linalg.norm(np.subtract(scene.things[0].position, (0.0, 0.0, 1.5))))
    one = np.mean(np.linalg.norm(rng.normal(0.0, 0.02, (1000, 3)), axis=1))
    assert np.mean(errors) < 0.5 * one


def shape(x=0.0, width=0.05, kind="box"):
    return Solid(shape=kind, position=(x, 0.0, 0.8), size=(width, 0.05, 0.06), yaw=0.3)


def measure(memory, solids, start_s=0.0):
    """Show a cup ten times a second, measured as told, and return what its solid is now."""
    for k, solid in enumerate(solids):
        t_ns = round(start_s * 1e9) + k * TICK_NS
        scene = memory.update([sighting(0.0)], np.eye(4), t_ns, solids=[solid])
    (thing,) = scene.things
    return thing.solid


def test_a_thing_that_was_never_measured_has_no_solid():
    assert measure(SceneMemory(), [None, None, None]) is None
    assert look(SceneMemory(), [sighting(0.0)], times=2).things[0].solid is None


def test_a_solid_is_the_median_of_its_measurements():
    measured = [shape(x, w) for x, w in ((0.01, 0.05), (0.4, 0.3), (0.02, 0.06), (0.03, 0.055))]
    solid = measure(SceneMemory(), [*measured, shape(0.0, 0.052)])
    assert solid.position == pytest.approx((0.02, 0.0, 0.8))
    assert solid.size == (0.055, 0.05, 0.06)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-0.012, 0.012), min_size=3, max_size=15))
def test_the_place_of_a_solid_lies_between_the_measurements_that_count(xs):
    last = xs[-SOLIDS_KEPT:]
    counted = last[1 - len(last) % 2 :]  # Of an even number the oldest is left out.
    solid = measure(SceneMemory(), [shape(x) for x in xs])
    assert min(counted) <= solid.position[0] <= max(counted)
    assert solid.position[0] == pytest.approx(np.median(counted))


def test_of_two_that_contradict_each_other_the_newer_counts_and_nothing_between_them():
    assert measure(SceneMemory(), [shape(0.3, 0.09), shape(0.0, 0.04)]) == shape(0.0, 0.04)


@given(st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=2))
def test_one_or_two_strange_measurements_do_not_outvote_what_was_measured_before(strange):
    solid = measure(SceneMemory(), [shape(0.0)] * 5 + [shape(x) for x in strange])
    assert abs(solid.position[0]) <= SOLIDS_AGREE_M


@given(st.floats(-0.2, 0.2), st.integers(0, 7))
def test_what_has_moved_is_where_it_is_measured_three_times(x, times_before):
    solid = measure(SceneMemory(), [shape(0.0)] * times_before + [shape(x)] * SOLIDS_NEW)
    assert solid.position[0] == pytest.approx(x, abs=1e-9 if abs(x) > SOLIDS_AGREE_M else 0.025)


def test_measurements_long_before_the_newest_that_count_are_left_out():
    memory = SceneMemory()
    measure(memory, [shape(0.0)] * 5)
    later = 0.4 + SOLIDS_LAST_S
    assert measure(memory, [None], later).position[0] == 0.0
    assert measure(memory, [shape(0.02)], later + 0.1).position[0] == 0.02


def test_measurements_of_another_shape_do_not_mix():
    boxes, upright = [shape(0.2, 0.09)] * 3, shape(0.0, 0.04, "cylinder")
    assert measure(SceneMemory(), [*boxes, upright]) == boxes[0]
    assert measure(SceneMemory(), [*boxes, *[upright] * 3]) == upright


def bottle(height, x=0.0, **facts):
    """Return a bottle on a table that is 0.7 m high."""
    position, size = (x, 0.0, 0.7 + 0.5 * height), (0.07, 0.07, height)
    return Solid(shape="cylinder", position=position, size=size, yaw=0.0, **facts)


def test_what_is_cut_by_the_pictures_edge_is_as_high_as_it_was_when_all_of_it_was_seen():
    whole = [bottle(0.23, is_tapered=True)] * 2
    near = [bottle(height, 0.01, is_cut=True) for height in (0.17, 0.15, 0.13)]
    solid = measure(SceneMemory(), [*whole, *near])
    assert solid.size[2] == pytest.approx(0.23)
    assert solid.is_tapered
    assert solid.position == pytest.approx((0.01, 0.0, 0.7 + 0.5 * 0.23))


@pytest.mark.parametrize(
    ("kind", "height", "is_tapered"), [("bottle", 0.22, True), ("can", 0.12, False)]
)
def test_what_was_never_seen_whole_is_as_high_as_its_kind(kind, height, is_tapered):
    memory, seen = SceneMemory(), [sighting(0.0, kind=kind)]
    elsewhere = bottle(0.3, 0.2)
    for solid in (elsewhere, bottle(0.1, is_cut=True), bottle(0.09, is_cut=True)):
        scene = memory.update(seen, np.eye(4), 0, solids=[solid])
    solid = scene.things[0].solid
    assert solid.size[2] == pytest.approx(height)
    assert solid.is_tapered == is_tapered
    assert solid.position[2] == pytest.approx(0.7 + 0.5 * height)


def test_what_is_cut_is_at_least_as_high_as_it_is_seen_to_be():
    solid = measure(SceneMemory(), [bottle(0.3, is_cut=True)] * 3)
    assert solid.size[2] == 0.3


@pytest.mark.parametrize(
    ("measured", "name"),
    [
        (bottle(0.126), "red can"),
        (bottle(0.22), "red bottle"),
        (bottle(0.126, is_cut=True), "red bottle"),
        (bottle(0.05), "red bottle"),
        (None, "red bottle"),
    ],
    ids=["a can's height", "a bottle's", "cut", "neither", "none"],
)
def test_of_two_names_that_one_wins_whose_kind_may_be_so_high(measured, name):
    memory, shares = SceneMemory(), {"bottle": 0.55, "can": 0.45}
    seen = replace(sighting(0.0, kind="bottle"), kind_shares=shares)
    for k in range(3):
        scene = memory.update([seen], np.eye(4), k * TICK_NS, solids=[measured])
    (thing,) = scene.things
    assert thing.name == name
    assert sum(thing.kind_shares.values()) == pytest.approx(1.0)


def test_what_looks_like_one_kind_alone_is_called_so_whatever_is_measured():
    memory, shares = SceneMemory(), {"bottle": 0.97, "can": 0.03}
    seen = replace(sighting(0.0, kind="bottle"), kind_shares=shares)
    for k in range(3):
        scene = memory.update([seen], np.eye(4), k * TICK_NS, solids=[bottle(0.126)])
    assert scene.things[0].name == "red bottle"


def test_each_thing_has_its_own_solid_whatever_the_order_of_the_detections():
    pair = [sighting(0.0), sighting(0.3, kind="ball", colour="blue", confidence=0.95)]
    solids = [shape(0.0), shape(0.3, 0.07, "sphere")]
    for order in ((0, 1), (1, 0)):
        memory = SceneMemory()
        for k in range(3):
            scene = memory.update(
                [pair[i] for i in order],
                np.eye(4),
                k * TICK_NS,
                solids=[solids[i] for i in order],
            )
        assert {t.name: t.solid for t in scene.things} == {
            "red cup": solids[0],
            "blue ball": solids[1],
        }
