"""What is said is heard once, in order, and at its time."""

import threading

from yanshi.runtime.words import TERMINAL, Conversation, OneSentence, Said


def sentence(said: Said | None) -> str | None:
    return None if said is None else said.sentence


def test_one_sentence_is_heard_once_at_its_moment():
    words = OneSentence("go", at_ns=100)
    assert words.next(99, is_idle=True) is None
    assert not words.is_over
    assert sentence(words.next(100, is_idle=True)) == "go"
    assert words.is_over
    assert words.next(120, is_idle=True) is None


def test_on_the_wall_clock_a_sentence_is_heard_while_the_robot_is_busy():
    words = Conversation(waits=False, at_ns=0)
    assert words.next(0, is_idle=True) is None
    words.say("go")
    words.say("stop")
    assert sentence(words.next(1, is_idle=False)) == "go"
    assert sentence(words.next(2, is_idle=False)) == "stop"
    words.end()
    assert not words.is_over
    assert words.next(3, is_idle=False) is None
    assert words.is_over


def test_a_simulated_world_waits_for_people_and_people_for_the_robot():
    words = Conversation(waits=True, at_ns=0)
    words.say("go")
    assert words.next(0, is_idle=False) is None
    assert sentence(words.next(0, is_idle=True)) == "go"
    later = threading.Thread(target=words.say, args=("wave",))
    later.start()
    assert sentence(words.next(1, is_idle=True)) == "wave"
    later.join()


def test_lines_are_said_without_the_empty_ones_and_then_it_is_over():
    words = Conversation(waits=True, at_ns=0)
    words.listen_to(["go\n", "\n", "  wave \n"])
    heard = []
    while not words.is_over:
        heard.append(sentence(words.next(0, is_idle=True)))
    assert heard == ["go", "wave", None]


def test_a_sentence_tells_whose_it_is_and_each_has_a_larger_number_than_the_last():
    words = Conversation(waits=False, at_ns=0)
    words.say("go")
    words.say("stop", "page")
    words.say("wave")
    said = [words.next(0, is_idle=True) for _ in range(3)]
    assert [one.operator for one in said] == [TERMINAL, "page", TERMINAL]
    assert said[0].number < said[1].number < said[2].number
