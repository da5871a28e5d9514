from yanshi.runtime.episode import ENDINGS
from yanshi.safety.faults import RESPONSES, Action


def test_every_fault_that_ends_a_step_says_how_and_no_other_does():
    ending = {fault for fault, action in RESPONSES.items() if action >= Action.HOLD}
    assert set(ENDINGS) == ending
