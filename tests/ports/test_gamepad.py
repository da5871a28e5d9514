"""A pipe stands for the device: what the kernel would tell is written into it."""

import os
import threading

import pytest

from yanshi.core.errors import ConfigError
from yanshi.ports import gamepad
from yanshi.ports.gamepad import EVENT, listen_to_gamepad

PRESSED, RELEASED = 1, 0
BUTTON, STICK, AT_OPENING = 0x01, 0x02, 0x80


class Stops:
    """Counts stops, and lets a test wait for the next one."""

    def __init__(self):
        self.count = 0
        self._happened = threading.Semaphore(0)

    def __call__(self):
        self.count += 1
        self._happened.release()

    def await_one(self):
        assert self._happened.acquire(timeout=10.0)


@pytest.fixture
def pad(tmp_path):
    """Return a gamepad that is listened to: its stops, and what writes its events."""
    path = tmp_path / "js0"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)  # Nobody has to wait for the other to open it.
    stops = Stops()
    listen_to_gamepad(stops, path)
    held = [writer]

    def tell(*events, ends=False):
        os.write(writer, b"".join(EVENT.pack(0, *event) for event in events))
        if ends:
            os.close(held.pop())

    yield stops, tell
    for descriptor in held:
        os.close(descriptor)


@pytest.mark.parametrize("number", [0, 7, 16])
def test_any_button_stops(pad, number):
    stops, tell = pad
    tell((PRESSED, BUTTON, number))
    stops.await_one()


def test_sticks_releases_and_what_is_told_at_opening_do_not(pad):
    stops, tell = pad
    tell(
        (RELEASED, BUTTON | AT_OPENING, 0),
        (PRESSED, BUTTON | AT_OPENING, 1),
        (0, STICK | AT_OPENING, 0),
        (-32767, STICK, 1),
        (RELEASED, BUTTON, 0),
        (PRESSED, BUTTON, 3),
    )
    stops.await_one()
    assert stops.count == 1


def test_a_gamepad_that_is_pulled_out_stops_the_robot(pad):
    stops, tell = pad
    tell((0, STICK, 0), ends=True)
    stops.await_one()


def test_half_an_event_is_the_end(tmp_path):
    path = tmp_path / "js0"
    path.write_bytes(EVENT.pack(0, RELEASED, BUTTON, 0) + b"\x00\x00\x00")
    stops = Stops()
    listen_to_gamepad(stops, path)
    stops.await_one()


def test_where_there_is_none_it_is_said_which_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(gamepad, "DEVICES", tmp_path)
    (tmp_path / "js1").touch()
    with pytest.raises(ConfigError, match="js0: No such file.*js1") as error:
        listen_to_gamepad(Stops(), tmp_path / "js0")
    assert "手柄" in error.value.zh
