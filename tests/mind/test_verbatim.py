"""What is to be said is said in the words that were heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.core.errors import PlanError
from yanshi.core.messages import Plan, Step
from yanshi.mind.verbatim import in_heard_words


def said(sentence, written, **called):
    plan = Plan(steps=(Step(skill="wave"), Step(skill="say", arguments=(f'"{written}"',))))
    return in_heard_words(plan, sentence, called).steps[1].arguments[0].strip('"')


@pytest.mark.parametrize(
    ("sentence", "written", "right"),
    [
        ("Tell Ann that she owes me a tenner, then wave", "she owzes me a tenner", None),
        ("跟外头排队的讲一声还要等半个钟头", "还要等半钟头", "还要等半个钟头"),
        ("Inform the guest that the rehearsal starts at six", "the rehearsals starts at six", None),
        (
            "let everyone know lunch is on the table",
            "noon is on the table",
            "lunch is on the table",
        ),
        ("tell Mum DINNER is ready!", "dinner is ready", "DINNER is ready"),
        ("跟护理师讲点滴快没了", "点滴快 滴滴快没了", "点滴快没了"),
    ],
)
def test_what_was_copied_badly_is_said_as_it_was_heard(sentence, written, right):
    words = said(sentence, written)
    assert words in sentence
    assert right in (None, words)


@pytest.mark.parametrize(
    ("sentence", "written"),
    [
        ("who are you?", "I am Yanshi"),
        ("谢谢你啦", "不客气"),
        ("thanks a lot", "you are welcome"),
        ("tell him dinner is ready", "dinner is ready"),
        ("tell him “text1”", "text1"),
    ],
)
def test_what_is_right_or_stands_nowhere_is_left_alone(sentence, written):
    assert said(sentence, written) == written


def test_what_stood_in_for_a_word_is_said_as_it_was_called():
    assert said("跟大家说place1开了", "place1开了", place1="窗户") == "窗户开了"
    assert said("say the place1 is open", "the place1 is open", place1="window") == (
        "the window is open"
    )


def test_what_becomes_too_long_is_no_plan():
    with pytest.raises(PlanError, match="40 characters"):
        said("say place1 " * 4, "place1 " * 3 + "x", place1="w" * 30)


@given(st.text("abc 你好，.", max_size=40), st.text("abc 你好", min_size=1, max_size=20))
def test_nothing_is_said_that_was_neither_heard_nor_written(sentence, written):
    words = said(sentence, written)
    assert words == written or words in sentence
