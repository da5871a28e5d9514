"""Only a right answer to the open question shows that somebody is there."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.safety.check_in import CheckIn, CheckInConfig, Question, prove
from yanshi.safety.faults import Fault

S = 1_000_000_000
KEY = b"k" * 32
NONCE = b"n" * 32


def begin() -> CheckIn:
    return CheckIn(KEY, CheckInConfig(missed_s=2.0, lost_s=6.0), now_ns=S)


def test_silence_stops_the_robot_and_then_sits_it_down():
    check_in = begin()
    assert check_in.fault(S) is None
    assert check_in.fault(3 * S - 1) is None
    assert check_in.fault(3 * S) is Fault.CHECK_IN_MISSED
    assert check_in.fault(7 * S - 1) is Fault.CHECK_IN_MISSED
    assert check_in.fault(7 * S) is Fault.CHECK_IN_LOST


def test_two_seconds_stop_it_and_six_sit_it_down_unless_told_otherwise():
    check_in = CheckIn(KEY, now_ns=0)
    assert [check_in.fault(t) for t in (2 * S - 1, 2 * S, 6 * S)] == [
        None,
        Fault.CHECK_IN_MISSED,
        Fault.CHECK_IN_LOST,
    ]


def test_a_right_answer_counts_from_when_the_question_was_asked():
    check_in = begin()
    question = Question(NONCE, 2 * S)
    assert check_in.accept(question, prove(KEY, NONCE))
    assert check_in.fault(4 * S - 1) is None
    assert check_in.fault(4 * S) is Fault.CHECK_IN_MISSED


def test_an_answer_that_was_long_under_way_does_not_take_time_back():
    check_in = begin()
    early, late = Question(NONCE, S), Question(b"m" * 32, 2 * S)
    assert check_in.accept(late, prove(KEY, b"m" * 32))
    assert check_in.accept(early, prove(KEY, NONCE))
    assert check_in.fault(4 * S - 1) is None


@given(st.binary(max_size=80), st.binary(max_size=20))
def test_a_wrong_answer_does_not_reset_the_timer(proof, said):
    check_in = begin()
    question = Question(NONCE, 2 * S)
    if proof != prove(KEY, NONCE, said):
        assert not check_in.accept(question, proof, said)
    assert check_in.fault(3 * S) is Fault.CHECK_IN_MISSED
    assert question.is_open


@pytest.mark.parametrize(
    "proof",
    [
        prove(b"l" * 32, NONCE, b"here go"),
        prove(KEY, b"m" * 32, b"here go"),
        prove(KEY, NONCE, b"here no"),
        prove(KEY, NONCE, b"here go")[:-1],
        prove(KEY, NONCE, b"here go").upper(),
        b"",
        "好".encode(),
    ],
)
def test_key_question_and_words_must_all_be_the_ones(proof):
    assert not begin().accept(Question(NONCE, S), proof, b"here go")
    assert begin().accept(Question(NONCE, S), prove(KEY, NONCE, b"here go"), b"here go")


def test_no_answer_is_of_use_a_second_time():
    check_in = begin()
    question = Question(NONCE, 2 * S)
    proof = prove(KEY, NONCE)
    assert check_in.accept(question, proof)
    assert not check_in.accept(question, proof)
    assert not check_in.accept(replace(question, nonce=b"m" * 32, is_open=True), proof)


def test_who_leaves_in_order_leaves_a_robot_that_stops_and_does_not_sit_down():
    check_in = begin()
    check_in.leave()
    assert check_in.fault(S) is Fault.CHECK_IN_MISSED
    assert check_in.fault(99 * S) is Fault.CHECK_IN_MISSED
    assert check_in.accept(Question(NONCE, 99 * S), prove(KEY, NONCE))
    assert check_in.fault(99 * S) is None
    assert check_in.fault(105 * S) is Fault.CHECK_IN_LOST


def test_an_answer_is_the_hash_that_everybody_computes_from_the_same():
    # RFC 4231, test case 2.
    expected = b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert prove(b"Jefe", b"what do ya want ", b"for nothing?") == expected
