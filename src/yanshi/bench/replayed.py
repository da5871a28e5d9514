"""Lines that an attendant has sent, sent again: on its own connection and on new ones."""

import socket
import tempfile
from pathlib import Path

from yanshi.bench.rows import Trial
from yanshi.core.clock import ManualClock
from yanshi.ports.attendance import Attendance, spoken
from yanshi.safety.check_in import prove

RECORDED, REPLAYS = 50, 1000
TIMEOUT_S = 1.0


def replay() -> Trial:
    """Record some lines that are heard and send them again, one on each new connection."""
    heard: list[str] = []
    clock = ManualClock()
    with (
        tempfile.TemporaryDirectory(prefix="yanshi-") as folder,
        Attendance(TIMEOUT_S, folder=Path(folder), clock=clock) as attendance,
    ):
        attendance._say = lambda sentence, operator: heard.append(sentence)
        key = attendance.door.key.read_bytes()

        def connect() -> socket.socket:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.connect(str(attendance.door.path))
            attendance.turn(0.0)
            return line

        def send(line: socket.socket, what: bytes) -> None:
            line.sendall(what)
            clock.t_ns += round(1e8 * TIMEOUT_S)
            for _ in range(2):
                attendance.turn(0.0)

        recorded = []
        with connect() as line:
            for number in range(RECORDED):
                nonce = bytes.fromhex(line.recv(4096).split()[-1].decode())
                said = f"wait {number}".encode()
                proof = prove(key, nonce, spoken(b"here", said))
                recorded.append(b"here " + proof + b" " + said + b"\n")
                send(line, recorded[-1])
            first = len(heard)
            send(line, recorded[-1])
        for number in range(REPLAYS):
            with connect() as line:
                send(line, recorded[number % RECORDED])
    return {"taken": heard[first:], "heard": first, "n": REPLAYS}


def hears_nothing_twice(trial: Trial) -> bool:
    """Whether every line was heard when it was sent, and none when it was sent again."""
    return not trial["taken"] and trial["heard"] == RECORDED
