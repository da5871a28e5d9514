"""What is read from shared memory is one whole message, the newest, or none."""

import multiprocessing

import numpy as np

from yanshi.bodies.slots import CHECK, COUNT, HEADER, Slot


def read(slot: Slot) -> list[float] | None:
    into = np.zeros(slot.size)
    return into.tolist() if slot.read(into) else None


def test_nothing_is_read_before_anything_was_written():
    slot = Slot(2)
    assert slot.t_ns == 0
    assert read(slot) is None


def test_the_newest_message_is_read_again_and_again():
    slot = Slot(3)
    slot.write(5, np.array([1.0]), np.array([2.0, 3.0]))
    slot.write(7, np.array([4.0]), np.array([5.0, np.inf]))
    assert slot.t_ns == 7
    assert read(slot) == read(slot) == [4.0, 5.0, np.inf]


def test_a_message_may_be_nothing_but_its_time():
    slot = Slot(0)
    slot.write(9)
    assert slot.t_ns == 9
    assert read(slot) == []


def test_what_is_being_written_or_was_cut_off_by_a_death_is_not_read():
    slot = Slot(2)
    slot.write(5, np.array([1.0, 2.0]))
    slot._words[COUNT] += 1
    assert read(slot) is None
    slot._words[COUNT] += 1
    assert read(slot) == [1.0, 2.0]


def test_writes_that_show_up_in_another_order_are_not_read():
    slot = Slot(2)
    slot.write(5, np.array([1.0, 2.0]))
    for word in (CHECK, HEADER, HEADER + 1):
        before = int(slot._words[word])
        slot._words[word] = before ^ (1 << 40)
        assert read(slot) is None
        slot._words[word] = before
    assert read(slot) == [1.0, 2.0]


def write_on(slot: Slot, end: Slot) -> None:
    number = 0
    while not end.t_ns:
        number += 1
        slot.write(number, np.full(slot.size, float(number)))


def test_no_message_of_another_process_is_ever_torn():
    slot, end = Slot(200), Slot(0)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=write_on, args=(slot, end), daemon=True)
    process.start()
    try:
        into, seen = np.zeros(200), set()
        while len(seen) < 300 and process.is_alive():
            if slot.read(into):
                assert (into == into[0]).all()
                seen.add(into[0])
        assert len(seen) == 300
    finally:
        end.write(1)
        process.join(5.0)
