import pytest

from yanshi.senses.eyes import Detection
from yanshi.senses.sight_score import TrueThing, score_picture


def thing(x, kind="cup", colour="red"):
    return TrueThing(kind=kind, colour=colour, position_in_camera=(x, 0.0, 1.0), is_clear=True)


def seen(x, kind="cup", colour="red"):
    return Detection(kind=kind, colour=colour, position_in_camera=(x, 0.0, 1.0), confidence=0.9)


def test_a_detection_is_paired_with_the_thing_it_is_of():
    score = score_picture([seen(0.31), seen(0.0)], [thing(0.0), thing(0.3)])
    assert [match.error for match in score.matches] == pytest.approx([0.0, 0.01])
    assert score.phantoms == ()


def test_a_detection_far_from_everything_is_a_phantom():
    score = score_picture([seen(0.5)], [thing(0.0)])
    assert score.matches[0].detection is None
    assert len(score.phantoms) == 1


def test_two_detections_of_one_thing_leave_a_phantom():
    score = score_picture([seen(0.0), seen(0.01)], [thing(0.0)])
    assert score.matches[0].error == pytest.approx(0.0)
    assert len(score.phantoms) == 1


def test_a_wrong_colour_is_found_but_not_named_right():
    match = score_picture([seen(0.0, colour="orange")], [thing(0.0)]).matches[0]
    assert match.detection is not None
    assert not match.is_named_right


def test_a_right_name_is_paired_before_a_nearer_wrong_one():
    score = score_picture([seen(0.0, colour="blue"), seen(0.02)], [thing(0.0)])
    assert score.matches[0].is_named_right


def test_an_error_of_three_centimetres_a_metre_away_is_what_is_aimed_at():
    match = score_picture([seen(0.03)], [thing(0.0)]).matches[0]
    assert match.error_share == pytest.approx(1.0)
