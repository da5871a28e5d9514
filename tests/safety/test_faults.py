from yanshi.safety.faults import RESPONSES, Action, Fault, choose_action


def test_every_fault_has_a_response():
    assert set(RESPONSES) == set(Fault)


def test_the_most_severe_response_wins():
    assert choose_action([Fault.SENSES_LATE, Fault.FALLEN, Fault.STOP_ASKED]) is Action.GET_UP
    assert choose_action([Fault.STAYS_DOWN, Fault.FALLEN]) is Action.DAMP
    assert choose_action([]) is Action.NONE
