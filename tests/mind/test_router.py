"""What is worth sending away is learnt from what came back."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.mind.router import CURIOSITY, DIFFERS, Router, place_for, sort_of

SURE, UNSURE = sort_of(1, 0.99), sort_of(1, 0.2)


def test_steps_and_confidence_make_the_sort():
    assert sort_of(1, 0.95) == "one step, sure"
    assert sort_of(3, 0.7) == "several steps, likely"
    assert sort_of(2, 0.0) == "several steps, unsure"
    assert {sort_of(n, p) for n in (1, 2) for p in (0.0, 0.7, 1.0)} == set(DIFFERS)


def test_at_first_what_the_model_is_unsure_of_is_sent_and_the_rest_is_not():
    router = Router()
    choice = router.choose(UNSURE)
    assert choice.is_sent
    assert "one step, unsure" in choice.why
    assert sum(router.choose(SURE).is_sent for _ in range(200)) < 200 * 4 * CURIOSITY


def test_what_never_changes_a_plan_is_sent_no_more():
    router = Router()
    for _ in range(60):
        router.learn(UNSURE, came=True, differed=False)
    assert not router.choose(UNSURE).is_sent


def test_what_often_changes_a_plan_is_sent():
    router = Router()
    for _ in range(20):
        router.learn(SURE, came=True, differed=True)
    assert router.choose(SURE).is_sent
    assert "changed in 4" in router.choose(SURE).why


def test_an_endpoint_that_is_always_late_is_asked_no_more_but_to_learn():
    router = Router()
    for _ in range(60):
        router.learn(UNSURE, came=False, differed=False)
    sent = sum(router.choose(UNSURE).is_sent for _ in range(1000))
    assert 5 < sent < 100


def test_everything_is_sent_where_that_is_asked_for():
    assert all(Router(is_always=True).choose(sort).is_sent for sort in DIFFERS)


def test_what_was_learnt_is_there_in_the_next_run(tmp_path):
    path = tmp_path / "state" / "router.json"
    router = Router(path)
    for _ in range(50):
        router.learn(UNSURE, came=True, differed=False)
    router.save()
    assert not Router(path).choose(UNSURE).is_sent


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"in_time": [1], "differs": {}}', "null"])
def test_a_broken_file_is_begun_anew(tmp_path, broken):
    path = tmp_path / "router.json"
    path.write_text(broken)
    assert Router(path).choose(UNSURE).is_sent


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(DIFFERS)), st.booleans(), st.booleans())))
def test_counts_stay_counts(history):
    router = Router()
    for sort, came, differed in history:
        router.learn(sort, came=came, differed=differed)
    for counts in (router.in_time, *router.differs.values()):
        assert all(count > 0 for count in counts)
    json.dumps([router.in_time, router.differs])


def test_each_endpoint_has_a_file_of_its_own(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    one, other = place_for("https://a.example/v1", "m"), place_for("https://a.example/v1", "n")
    assert one != other
    assert one.parent.as_posix() == "/state/yanshi"
