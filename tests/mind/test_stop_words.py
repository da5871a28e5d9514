import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.mind.stop_words import (
    AROUND,
    GO_ON,
    STOP,
    TAKE_OVER,
    is_go_on_order,
    is_order_for,
    is_rise_order,
    is_stop_order,
    is_take_over_order,
)
from yanshi.policies.repertoire import repertoire

ORDERS = [entry.strip() for entry in STOP.replace("\n", "").split("/") if entry.strip()]
COURTESIES = [entry.strip() for entry in AROUND.replace("\n", "").split("/") if entry.strip()]


@pytest.mark.parametrize(
    "sentence",
    [
        "停",
        "停！停！停！",
        "快停下来！",
        "机器人，请你马上停下来",
        "别动",
        "不要动！！",
        "站住",
        "住手",
        "喂，停一下",
        "請停下來",
        "別動",
        "ｓｔｏｐ！",
        "stop",
        "STOP!!!",
        "Robot, stop please.",
        "Freeze!",
        "halt, halt",
        "please stop moving now",
        "Don't move!",
        "don\u2019t move",
        "stop, 停",
        "hey robot, stop right now",
    ],
)
def test_an_order_to_stop_is_recognised(sentence):
    assert is_stop_order(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "！！！",
        "走到门口停下",
        "走到门口，停下来",
        "公交车停在哪",
        "不要停",
        "别停",
        "停三秒",
        "停车场在哪里",
        "don't stop dancing",
        "don't stop",
        "never stop",
        "stop and wave",
        "stop by the table",
        "stop for three seconds",
        "where is the bus stop",
        "nonstop dancing",
        "please",
        "好了",
        "go to the shelf and stop there",
        "the freezer",
        "停" * 200 + "车场",
    ],
)
def test_a_sentence_that_only_mentions_stopping_goes_to_the_model(sentence):
    assert not is_stop_order(sentence)


@given(
    st.lists(st.sampled_from(COURTESIES), max_size=2),
    st.lists(st.sampled_from(ORDERS), min_size=1, max_size=2),
    st.lists(st.sampled_from(COURTESIES), max_size=2),
    st.sampled_from([" ", ", ", "！", "…"]),
)
def test_courtesy_emphasis_and_repetition_do_not_hide_an_order(before, orders, after, joint):
    assert is_stop_order(joint.join([*before, *orders, *after]))


@given(st.text(max_size=300))
def test_any_text_is_answered(text):
    assert is_stop_order(text) in (True, False)


@pytest.mark.parametrize(
    "sentence",
    ["走到桌子前，看看桌上有什么，然后跳个舞", "好了" * 100, "please now " * 20, "停" * 200],
)
def test_matching_takes_far_less_than_a_control_tick(sentence):
    best_s = min(_duration_s(sentence) for _ in range(50))
    assert best_s < 0.002


def _duration_s(sentence):
    began = time.perf_counter()
    is_stop_order(sentence)
    return time.perf_counter() - began


@pytest.mark.parametrize(
    "sentence",
    [
        "站起来",
        "请站起来吧！",
        "快起来",
        "請從地上站起來",
        "get up",
        "Please stand up now.",
        "Robot, get up!",
    ],
)
def test_an_order_to_get_up_is_known_and_is_no_order_to_stop(sentence):
    assert is_rise_order(sentence)
    assert not is_stop_order(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "起来跳舞",
        "stand up and wave",
        "stand still",
        "停",
        "别跳了，站起来",
        "把杯子拿起来",
        "get up early",
    ],
)
def test_what_asks_for_more_or_less_than_getting_up_goes_on(sentence):
    assert not is_rise_order(sentence)


@pytest.mark.parametrize(
    ("sentence", "routine"),
    [
        ("打一套功夫", "kungfu"),
        ("请给我们表演一段功夫！", "kungfu"),
        ("Show me some kung fu, please.", "kungfu"),
        ("来一段太极拳", "taichi"),
        ("Can you do tai chi for us?", "taichi"),
        ("行个抱拳礼", "salute"),
        ("a bow with cupped fists", "salute"),
        ("踢球", "kick"),
        ("Robot, kick the ball!", "kick"),
        ("做一遍热身操", "warmup"),
        ("Let's do your warm-up", "warmup"),
        ("鞠躬", None),
        ("no kung fu", None),
        ("功夫够了", None),
        ("kick him", None),
        ("别打功夫", None),
        ("don't do tai chi", None),
        ("走到桌子前打一套功夫", None),
        ("do kung fu, then wave", None),
        ("please show me", None),
        ("", None),
    ],
)
def test_a_routine_is_asked_for_by_its_words_and_nothing_else(sentence, routine):
    found = [p.name for p in repertoire().values() if is_order_for(p.title.words, sentence)]
    assert found == ([routine] if routine else [])


def test_every_word_of_every_routine_asks_for_it_in_either_script_with_and_without_courtesy():
    for piece in repertoire().values():
        for word in piece.title.words:
            for sentence in (word, f"{word}!", f"please {word}", f"请{word}吧"):
                assert is_order_for(piece.title.words, sentence), sentence


def test_no_word_of_a_routine_stops_the_robot_or_gets_it_up():
    for piece in repertoire().values():
        for word in piece.title.words:
            assert not is_stop_order(word)
            assert not is_rise_order(word)


@pytest.mark.parametrize(
    ("sentence", "goes_on"),
    [
        ("继续", True),
        ("好，请继续吧！", True),
        ("機器人，可以繼續了", True),
        ("go on", True),
        ("OK, resume please.", True),
        ("Robot, you can continue now", True),
        ("", False),
        ("不要继续", False),
        ("别继续", False),
        ("够了，继续", False),
        ("继续走", False),
        ("继续，然后跳舞", False),
        ("don't go on", False),
        ("no, go on", False),
        ("go on to the table", False),
        ("stop, go on", False),
        ("ok", False),
    ],
)
def test_only_a_sentence_that_is_nothing_but_the_word_to_go_on_ends_a_stop(sentence, goes_on):
    assert is_go_on_order(sentence) is goes_on


def test_no_word_to_go_on_is_any_other_order_and_no_other_order_goes_on():
    words = [entry.strip() for entry in GO_ON.replace("\n", "").split("/") if entry.strip()]
    assert any(word.isascii() for word in words)
    assert not all(word.isascii() for word in words)
    for word in words:
        assert is_go_on_order(word)
        assert not is_stop_order(word)
        assert not is_rise_order(word)
        assert not any(is_order_for(p.title.words, word) for p in repertoire().values())
    assert not any(is_go_on_order(word) for word in ORDERS)


@pytest.mark.parametrize(
    ("sentence", "takes_over"),
    [
        ("接管", True),
        ("请让我来接管", False),
        ("我来接手吧", True),
        ("Take over, please!", True),
        ("now I am taking over", True),
        ("take over the cup", False),
        ("别接管", False),
        ("don't take over", False),
        ("", False),
    ],
)
def test_only_a_sentence_that_is_nothing_but_the_word_to_lead_takes_over(sentence, takes_over):
    assert is_take_over_order(sentence) is takes_over


def test_no_word_to_take_over_is_any_other_order():
    for word in TAKE_OVER.replace("\n", "").split("/"):
        assert not word or is_take_over_order(word)
        assert not is_stop_order(word)
        assert not is_go_on_order(word)
