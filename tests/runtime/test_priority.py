import os

from yanshi.runtime.priority import right_of_way


def test_the_right_of_way_is_given_back():
    before = os.sched_getscheduler(0)
    with right_of_way() as is_granted:
        assert (os.sched_getscheduler(0) == os.SCHED_RR) is is_granted
    assert os.sched_getscheduler(0) == before
