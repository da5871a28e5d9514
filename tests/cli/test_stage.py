"""What run and chat set up hears a stop, watches, and ends."""

import signal

import pytest

from yanshi.cli.stage import _stop_on_interrupt


def test_the_first_ctrl_c_stops_the_robot_and_the_second_ends_the_program():
    heard = []
    before = signal.getsignal(signal.SIGINT)
    try:
        _stop_on_interrupt(lambda: heard.append("stop"), lambda: heard.append("end"))
        signal.raise_signal(signal.SIGINT)
        assert heard == ["stop", "end"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == ["stop", "end"]
