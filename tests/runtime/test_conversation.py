"""Several sentences on one robot: one after the other, and one instead of another."""

from collections.abc import Iterator

import pytest
from tests.runtime.test_episode import Onlooker, begin

from yanshi.runtime.brain import Brain
from yanshi.runtime.words import Conversation


@pytest.fixture(scope="module")
def brain() -> Iterator[Brain]:
    with Brain() as brain:
        yield brain


def ends(onlooker: Onlooker) -> list[str]:
    return [text for _, kind, text in onlooker.events if kind == "end"]


def test_sentences_are_done_one_after_the_other_and_the_robot_says_so(brain):
    onlooker = Onlooker()
    episode = begin(brain, onlooker)
    words = Conversation(waits=True)
    words.listen_to(["挥挥手", "Who are you?", "转过来"])
    report = episode.hear(words)
    assert ends(onlooker)[0] == "wave: done"
    assert report.said[:2] == ["好了。", "I am Yanshi"]
    assert len(ends(onlooker)) >= 3
    assert report.falls == 0


def test_a_new_order_takes_the_place_of_the_one_under_way(brain):
    onlooker = Onlooker()
    episode = begin(brain, onlooker)
    words = Conversation(waits=False)
    words.say("走到架子那里去，然后跳舞")

    def change_ones_mind() -> None:
        words.say("挥挥手")
        words.end()

    onlooker.at = {3000: change_ones_mind}
    report = episode.hear(words)
    assert ends(onlooker) == ["go shelf: stopped", "wave: done"]
    assert report.outcome == "done"
    assert report.said == ["好的。", "好了。"]
    assert report.falls == 0


def test_a_stop_word_in_mid_walk_acts_at_once_and_the_conversation_goes_on(brain):
    onlooker = Onlooker()
    episode = begin(brain, onlooker)
    words = Conversation(waits=False)
    words.say("走到架子那里去，然后跳舞")

    def stop() -> None:
        words.say("停！")

    def turn() -> None:
        words.say("向后转")  # Not done: the stop holds until a person ends it.

    def go_on() -> None:
        words.say("继续")

    def wave() -> None:
        words.say("挥挥手")
        words.end()

    onlooker.at = {3000: stop, 3500: turn, 4000: go_on, 4200: wave}
    episode.hear(words)
    assert ends(onlooker) == ["go shelf: stopped", "wave: done"]
    stopped = next(t for t, kind, _ in onlooker.events if kind == "end")
    assert stopped <= 3_050_000_000


def test_what_cannot_be_done_is_told_in_mid_walk_without_stopping(brain):
    onlooker = Onlooker()
    episode = begin(brain, onlooker)
    words = Conversation(waits=False)
    words.say("走到架子那里去")

    def ask_too_much() -> None:
        words.say("飞到月球上去")
        words.end()

    onlooker.at = {3000: ask_too_much}
    report = episode.hear(words)
    assert ends(onlooker) == ["go shelf: done"]
    assert any("月球" in text for text in report.said)
