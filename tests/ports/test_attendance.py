"""A door that lets in who holds the key, hears a stop from anybody, and is shut on all else."""

import os
import shutil
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from yanshi.core.clock import ManualClock
from yanshi.core.errors import BodyError, ConfigError
from yanshi.ports.attendance import (
    GUESTS_MAX,
    LINE_MAX,
    LINES_MAX,
    Attendance,
    Door,
    doors,
    make_folder,
    spoken,
)
from yanshi.ports.attendant import Attendant
from yanshi.safety.check_in import prove
from yanshi.safety.faults import Fault

S = 1_000_000_000


@pytest.fixture
def folder() -> Iterator[Path]:
    place = tempfile.mkdtemp(prefix="yanshi-")  # Short: a socket's path may not be long.
    yield Path(place)
    shutil.rmtree(place)


class Robot:
    """A run's side of the door, with a clock that moves by hand, and what got through."""

    def __init__(self, folder: Path, timeout_s: float = 2.0, *, hears: bool = True) -> None:
        self.clock = ManualClock(S)
        self.stops = 0
        self.heard: list[tuple[str, str]] = []
        self.strangers: list[Stranger] = []
        self.attendance = Attendance(timeout_s, folder=folder, clock=self.clock)
        self.attendance._stop = self.stop
        self.attendance._say = (lambda *said: self.heard.append(said)) if hears else None

    def stop(self) -> None:
        self.stops += 1

    def turn(self, times: int = 3, *, ms: int = 0) -> None:
        for _ in range(times):
            self.clock.t_ns += ms * 1_000_000
            self.attendance.turn(0.0)

    def __enter__(self) -> "Robot":
        return self

    def __exit__(self, *error: object) -> None:
        self.attendance.close()
        for stranger in self.strangers:
            stranger.line.close()


@pytest.fixture
def robot(folder) -> Iterator[Robot]:
    with Robot(folder) as robot:
        yield robot


class Stranger:
    """Anybody at the socket, without a key."""

    def __init__(self, robot: Robot) -> None:
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.line.connect(str(robot.attendance.door.path))
        self.line.settimeout(5.0)
        robot.strangers.append(self)
        robot.turn()

    def asked(self) -> bytes:
        """Return the last question."""
        return bytes.fromhex(self.line.recv(65536).split(b"\n")[-2].split()[1].decode())

    def is_hung_up_on(self) -> bool:
        try:
            while self.line.recv(65536):
                pass
        except ConnectionResetError:
            pass
        except TimeoutError:
            return False
        return True


def meet(robot: Robot) -> Attendant:
    attendant = Attendant(robot.attendance.door)
    robot.turn()
    attendant.hear()
    robot.turn()
    return attendant


def test_socket_and_key_are_the_users_alone_and_gone_afterwards(folder):
    with Robot(folder) as robot:
        door = robot.attendance.door
        for path in (door.path, door.key):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(door.key.read_bytes()) == 32
        assert door.pid == os.getpid()
        assert doors(folder) == [door]
    assert list(folder.iterdir()) == []
    robot.attendance.close()  # Twice is as good as once.


def test_every_run_has_a_key_of_its_own_and_mends_what_a_dead_one_left(folder):
    door = Door(folder / f"{os.getpid()}.sock")
    listening, key = door.open()
    again, other = door.open()
    assert key != other
    listening.close()
    again.close()
    Door(folder / "4194999.sock").path.touch()  # No such process: the numbers end before.
    assert doors(folder) == [door]


def test_who_holds_the_key_is_there_as_long_as_it_answers(robot):
    with meet(robot) as attendant:
        assert robot.attendance.present == ("attendant 1",)
        for _ in range(60):
            robot.turn(ms=50)
            attendant.hear()
            assert robot.attendance.missing() is None
        robot.turn()
        robot.clock.t_ns += 2 * S
        assert robot.attendance.missing() is Fault.CHECK_IN_MISSED
        robot.clock.t_ns += 4 * S
        assert robot.attendance.missing() is Fault.CHECK_IN_LOST


def test_who_is_silent_is_hung_up_on(robot):
    stranger = Stranger(robot)
    robot.turn(ms=1000)
    assert stranger.is_hung_up_on()
    assert robot.attendance.present == ()


def test_a_sentence_comes_with_an_answer_in_its_turn_and_a_stop_word_at_once(robot):
    with meet(robot) as attendant:
        for sentence in ("走到桌子前", "  wave\tyour  hand ", "  ", "停！"):
            attendant.say(sentence)
        robot.turn()
        assert robot.stops == 1
        for _ in range(3):
            robot.turn(ms=50)
            attendant.hear()
        robot.turn()
        assert robot.heard == [("走到桌子前", "attendant 1"), ("wave your hand", "attendant 1")]


def test_a_run_that_hears_nothing_more_says_so(folder):
    with Robot(folder, hears=False) as robot, meet(robot) as attendant:
        attendant.say("wave")
        robot.turn(ms=50)
        attendant.hear()
        robot.turn()
        ((kind, text),) = attendant.hear()
        assert kind == "say"
        assert "yanshi chat" in text


def test_what_happens_is_told_to_who_is_known_and_to_nobody_else(robot):
    stranger = Stranger(robot)
    stranger.asked()
    with meet(robot) as attendant:
        robot.attendance.on_event(0, "say", "好的。\nAll right.")
        robot.attendance.on_event(0, "see", "red cup")
        robot.turn()
        assert attendant.hear() == [("say", "好的。 All right.")]
        stranger.line.settimeout(0.0)
        with pytest.raises(BlockingIOError):
            stranger.line.recv(10)


def test_anybody_may_stop(robot):
    stranger = Stranger(robot)
    stranger.line.sendall(b"stop\n")
    robot.turn()
    assert robot.stops == 1


@pytest.mark.parametrize(
    "line",
    [
        b"go\n",
        b"\n",
        b"here\n",
        b"here " + 64 * b"0" + b"\n",
        b"leave " + 64 * b"0" + b"\n",
        b"here \xff\xfe \xff\n",
        b"here " + LINE_MAX * b"x" + b"\n",
        LINE_MAX * b"x" + b"xx",
        (LINES_MAX + 1) * b"stop\n",
        b"here " + 64 * b"0" + b" go\nstop\n",
    ],
)
def test_whoever_talks_nonsense_or_too_much_is_hung_up_on_and_not_heard(robot, line):
    stranger = Stranger(robot)
    stranger.line.sendall(line)
    robot.turn()
    assert stranger.is_hung_up_on()
    assert robot.heard == []
    assert robot.attendance.present == ()
    robot.clock.t_ns += 2 * S
    assert robot.attendance.missing() is Fault.CHECK_IN_MISSED


def test_no_recorded_answer_is_of_use_again(robot):
    key = robot.attendance.door.key.read_bytes()
    first = Stranger(robot)
    line = b"here " + prove(key, first.asked(), spoken(b"here", b"wave")) + b" wave\n"
    first.line.sendall(line)
    robot.turn()
    assert robot.heard == [("wave", "attendant 1")]
    second = Stranger(robot)
    for guest in (first, second):
        guest.line.sendall(line)
        robot.turn(ms=50)
        assert guest.is_hung_up_on()
    assert len(robot.heard) == 1


def test_a_proof_of_being_there_is_none_of_what_is_said(robot):
    key = robot.attendance.door.key.read_bytes()
    stranger = Stranger(robot)
    proof = prove(key, stranger.asked(), spoken(b"here", b""))
    stranger.line.sendall(b"here " + proof + b" wave\n")
    robot.turn()
    assert stranger.is_hung_up_on()
    assert robot.heard == []


def test_the_last_one_who_leaves_stops_the_robot_and_does_not_sit_it_down(robot):
    with meet(robot) as one, meet(robot) as other:
        assert robot.attendance.present == ("attendant 1", "attendant 2")
        for attendant in (one, other):
            assert robot.attendance.missing() is None
            attendant.leave()
            robot.turn(ms=50)
            attendant.hear()
            robot.turn()
            assert attendant.hear() is None
        robot.clock.t_ns += 99 * S
        assert robot.attendance.missing() is Fault.CHECK_IN_MISSED


def test_only_so_many_are_let_in(robot):
    guests = [Stranger(robot) for _ in range(GUESTS_MAX + 1)]
    assert guests[-1].is_hung_up_on()
    guests[0].line.sendall(b"stop\n")
    robot.turn()
    assert robot.stops == 1


def test_one_who_does_not_read_holds_up_nobody(robot):
    with meet(robot) as attendant:
        for _ in range(10_000):
            robot.attendance.on_event(0, "say", 200 * "x")
            robot.attendance.turn(0.0)
            if not robot.attendance.present:
                break
        assert robot.attendance.present == ()
        while attendant.hear() is not None:
            pass


def test_a_run_waits_for_somebody_and_listens_in_a_thread_of_its_own(folder):
    stopped = threading.Event()
    with Attendance(2.0, folder=folder) as attendance:
        told = []
        attendant = Attendant(attendance.door)
        read, write = os.pipe()
        with attendant, open(read, "rb") as typed:
            attending = threading.Thread(
                target=attendant.attend, args=(typed, lambda *event: told.append(event))
            )
            attending.start()
            attendance.await_somebody(stopped.set)
            attendance.on_event(0, "say", "Done.")
            os.write(write, b"sto")
            os.write(write, b"p\n")
            assert stopped.wait(5.0)
            os.close(write)
            attending.join(5.0)
            assert not attending.is_alive()
        assert told == [("say", "Done.")]
        assert attendance.missing() is Fault.CHECK_IN_MISSED


@pytest.mark.parametrize("lines", ["", "wave\nbow"])
def test_lines_from_a_file_are_said_and_then_the_attendant_leaves(folder, tmp_path, lines):
    (tmp_path / "lines.txt").write_text(lines)
    heard = []
    with Attendance(2.0, folder=folder) as attendance, Attendant(attendance.door) as attendant:
        waits = threading.Thread(
            target=attendance.await_somebody,
            args=(lambda: None, lambda *said: heard.append(said)),
            daemon=True,
        )
        waits.start()
        with open(tmp_path / "lines.txt", "rb") as typed:
            attendant.attend(typed, lambda *_: None)
        waits.join(5.0)
        assert not waits.is_alive()
        assert [words for words, _ in heard] == lines.split()
        assert attendance.missing() is Fault.CHECK_IN_MISSED


def test_who_comes_when_the_run_has_ended_is_told_so(folder):
    with pytest.raises(BodyError, match="Run 7 cannot be attended: No such file"):
        Attendant(Door(folder / "7.sock"))


@pytest.mark.parametrize("timeout_s", [0.1, -1.0, float("nan"), 61.0])
def test_a_timeout_out_of_bounds_is_refused(folder, timeout_s):
    with pytest.raises(ConfigError, match=r"--check-in .* was asked for; 0.5 to 60 seconds work"):
        Attendance(timeout_s, folder=folder)
    assert list(folder.iterdir()) == []


def test_a_folder_with_too_long_a_name_is_refused(folder):
    long = folder / (90 * "x")
    long.mkdir()
    with pytest.raises(ConfigError, match=r"too long for a socket.*XDG_RUNTIME_DIR"):
        Attendance(2.0, folder=long)


def test_a_folder_that_others_may_look_into_is_refused(folder, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    made = make_folder()
    assert made == make_folder()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o755)
    with pytest.raises(ConfigError, match="chmod 700"):
        make_folder()
    made.rmdir()
    made.symlink_to(folder)
    with pytest.raises(ConfigError, match="closed to others"):
        make_folder()
