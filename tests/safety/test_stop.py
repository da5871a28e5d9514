"""A stop stays a stop, whoever asks, whatever else happens."""

import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.safety.robot import BOUNDS, MIDDLE, TICK_NS, measured, sent_at, target

from yanshi.safety.faults import Ends, Fault, Watch
from yanshi.safety.gate import gate_target
from yanshi.safety.stop import Stop


def test_a_new_run_begins_without_a_stop():
    stop = Stop()
    assert not stop.is_latched
    assert stop.right == 0


def test_a_stop_calls_in_every_right_that_was_given_before():
    stop = Stop()
    rights = [stop.right]
    for _ in range(3):
        stop.ask()
        assert stop.is_latched
        rights.append(stop.right)
    assert len(set(rights)) == 4


def test_a_persons_word_ends_the_stop_that_it_was_said_to_and_gives_no_old_right_back():
    stop = Stop()
    stop.ask()
    right = stop.right
    assert stop.rearm(right) is True
    assert not stop.is_latched
    assert stop.right == right


def test_a_word_that_was_said_to_an_earlier_stop_does_not_end_a_later_one():
    stop = Stop()
    stop.ask()
    right = stop.right
    stop.ask()
    assert stop.rearm(right) is False
    assert stop.is_latched


def test_of_stops_and_words_that_race_in_many_threads_no_stop_is_lost():
    for _ in range(50):
        stop = Stop()
        seen = [0]
        gate = threading.Barrier(4)

        def ask(stop: Stop = stop, gate: threading.Barrier = gate) -> None:
            gate.wait()
            stop.ask()

        def rearm(
            stop: Stop = stop, gate: threading.Barrier = gate, seen: list[int] = seen
        ) -> None:
            gate.wait()
            seen[0] = stop.right
            stop.rearm(seen[0])

        threads = [threading.Thread(target=work) for work in (ask, ask, ask, rearm)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stop.is_latched is (stop.right != seen[0])


class StoppedRobot(RuleBasedStateMachine):
    """A plan writes under the right that it has heeded; anybody may stop it at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.stop = Stop()
        self.watch = Watch()
        self.sent = sent_at(*MIDDLE)
        self.now_ns = 0
        self.heeded = self.stop.right
        self.should_be_latched = False
        self.action = self.watch.action(0)

    @rule()
    def ask(self) -> None:
        self.stop.ask()
        self.should_be_latched = True

    @rule()
    def go_on(self) -> None:
        if self.stop.rearm(self.heeded):
            self.should_be_latched = False
            self.watch.end(Fault.STOP_ASKED)
            self.action = self.watch.action(self.now_ns)

    @rule()
    def heed(self) -> None:
        if self.stop.right != self.heeded:
            self.heeded = self.stop.right
            self.watch.see(Fault.STOP_ASKED, self.now_ns)

    @rule(fault=st.sampled_from([f for f in Fault if f is not Fault.STOP_ASKED]))
    def see(self, fault: Fault) -> None:
        self.watch.see(fault, self.now_ns)

    @rule(
        position=st.lists(st.floats(), min_size=3, max_size=3),
        right=st.integers(0, 5),
        ticks=st.integers(1, 100),
    )
    def write(self, position: list[float], right: int, ticks: int) -> None:
        self.now_ns += ticks * TICK_NS
        before, stamp = self.sent, self.now_ns
        asked, state = target(*position, t_ns=stamp), measured(*MIDDLE, t_ns=stamp)
        self.sent, faults = gate_target(
            asked, before, state, BOUNDS, token=right, writer=self.stop.right, now_ns=stamp
        )
        assert np.isfinite(self.sent.position).all()
        if right != self.stop.right:
            np.testing.assert_array_equal(self.sent.position, before.position)
            assert faults

    @invariant()
    def nothing_unlatches_by_itself(self) -> None:
        assert self.stop.is_latched is self.should_be_latched

    @invariant()
    def no_reaction_weakens_while_its_faults_hold(self) -> None:
        before, self.action = self.action, self.watch.action(self.now_ns)
        if not hasattr(self, "held"):
            self.held = frozenset()
        held, self.held = self.held, self.watch.holding(self.now_ns)
        if held <= self.held:
            assert self.action >= before


StoppedRobot.TestCase.settings = settings(deadline=None, max_examples=60)
TestAStoppedRobot = StoppedRobot.TestCase


def test_no_time_ends_a_fault_that_a_person_must_end_and_no_person_one_that_stays():
    watch = Watch()
    for fault in (Fault.STOP_ASKED, Fault.EYES_LOST, Fault.SENSES_LATE):
        watch.see(fault, 0)
    assert watch.holding(10**15) == {Fault.STOP_ASKED, Fault.EYES_LOST}
    watch.end(Fault.STOP_ASKED)
    assert watch.holding(10**15) == {Fault.EYES_LOST}
    for fault, ends in ((Fault.EYES_LOST, Ends.NEVER), (Fault.SENSES_LATE, Ends.ALONE)):
        with pytest.raises(ValueError, match=f"^{fault.name} ends {ends.name}, on nobody's word"):
            watch.end(fault)
