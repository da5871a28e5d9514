from yanshi.runtime.episode import ENDINGS
from yanshi.safety.faults import RESPONSES, Action


def test_every_fault_that_ends_a_step_says_how_and_no_other_does():
    ending = {f for f, action in RESPONSES.items() if action in (Action.HOLD, Action.DAMP)}
    assert set(ENDINGS) == ending
