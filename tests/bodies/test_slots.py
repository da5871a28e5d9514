"""What is read from shared memory is one whole message, the newest, or none."""

import multiprocessing

import numpy as np
import pytest

from yanshi.bodies.slots import CHECK, HEADER, Slot


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


def test_a_writer_that_dies_in_the_middle_leaves_the_message_before():
    slot = Slot(2)
    for number in (1.0, 2.0, 3.0):
        slot.write(int(number), np.array([number, number]))
        with pytest.raises(ValueError, match="broadcast"):
            slot.write(9, np.array([8.0]), np.array([8.0, 8.0]))  # The second part does not fit.
        assert slot.t_ns == number
        assert read(slot) == [number, number]


def test_writes_that_show_up_in_another_order_are_not_read():
    slot = Slot(2)
    slot.write(5, np.array([1.0, 2.0]))
    bank = slot._banks[1]
    for word in (CHECK, HEADER, HEADER + 1):
        before = int(bank[word])
        bank[word] = before ^ (1 << 40)
        assert read(slot) is None
        bank[word] = before
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
