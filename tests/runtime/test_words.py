"""What is said is heard once, in order, and at its time."""

import threading

from yanshi.runtime.words import Conversation, OneSentence


def test_one_sentence_is_heard_once_at_its_moment():
    words = OneSentence("go", at_ns=100)
    assert words.next(99, is_idle=True) is None
    assert not words.is_over
    assert words.next(100, is_idle=True) == "go"
    assert words.is_over
    assert words.next(120, is_idle=True) is None


def test_on_the_wall_clock_a_sentence_is_heard_while_the_robot_is_busy():
    words = Conversation(waits=False, at_ns=0)
    assert words.next(0, is_idle=True) is None
    words.say("go")
    words.say("stop")
    assert words.next(1, is_idle=False) == "go"
    assert words.next(2, is_idle=False) == "stop"
    words.end()
    assert not words.is_over
    assert words.next(3, is_idle=False) is None
    assert words.is_over


def test_a_simulated_world_waits_for_people_and_people_for_the_robot():
    words = Conversation(waits=True, at_ns=0)
    words.say("go")
    assert words.next(0, is_idle=False) is None
    assert words.next(0, is_idle=True) == "go"
    later = threading.Thread(target=words.say, args=("wave",))
    later.start()
    assert words.next(1, is_idle=True) == "wave"
    later.join()


def test_lines_are_said_without_the_empty_ones_and_then_it_is_over():
    words = Conversation(waits=True, at_ns=0)
    words.listen_to(["go\n", "\n", "  wave \n"])
    heard = []
    while not words.is_over:
        heard.append(words.next(0, is_idle=True))
    assert heard == ["go", "wave", None]
