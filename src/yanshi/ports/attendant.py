"""Who watches over a run from another terminal: answers for the person there, stops, speaks.

As long as this process lives and its terminal is open, it answers the run's questions. The
protocol is that of `ports/attendance.py`.
"""

import os
import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import BinaryIO

from yanshi.core.closing import Closing
from yanshi.core.errors import BodyError
from yanshi.mind.stop_words import is_stop_order
from yanshi.mind.tongue import SENTENCE_MAX
from yanshi.ports.attendance import Door, spoken
from yanshi.safety.check_in import prove


class Attendant(Closing):
    """One who attends a run; use it as a context manager."""

    def __init__(self, door: Door) -> None:
        """Go to a run.

        Raises:
            BodyError: There is none any more.
        """
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._key = door.key.read_bytes()
            self._line.connect(str(door.path))
        except OSError as error:
            self._line.close()
            raise BodyError(
                f"Run {door.pid} cannot be attended: {error.strerror}. It may have ended.",
                zh=f"无法看护运行 {door.pid}：{error.strerror}。它可能已经结束。",
            ) from error
        self._say = deque[bytes]()
        self._leaves = False
        self._heard = bytearray()

    def stop(self) -> None:
        """Stop the robot, at once; may be called by a signal's handler."""
        self._line.sendall(b"stop\n")

    def say(self, sentence: str) -> None:
        """Say something along with the next answer; a stop word at once."""
        if is_stop_order(sentence):
            self.stop()
        elif words := " ".join(sentence.split())[:SENTENCE_MAX]:
            self._say.append(words.encode())

    def leave(self) -> None:
        """Go in good order, with the next answer: the robot stops and stays on its feet."""
        self._leaves = True

    def hear(self) -> Iterable[tuple[str, str]] | None:
        """Wait for what the run sends, answer its questions, and return the events that it tells.

        None once it has hung up.
        """
        try:
            data = self._line.recv(4096)
        except ConnectionResetError:
            return None
        self._heard += data
        *lines, self._heard = self._heard.split(b"\n")
        events = []
        for verb, _, rest in (line.partition(b" ") for line in lines):
            if verb == b"ask":
                self._answer(bytes.fromhex(rest.decode()))
            else:
                kind, _, text = rest.decode(errors="replace").partition(" ")
                events.append((kind, text))
        return events if data else None

    def _answer(self, nonce: bytes) -> None:
        is_last = self._leaves and not self._say
        verb = b"leave" if is_last else b"here"
        words = self._say.popleft() if self._say else b""
        proof = prove(self._key, nonce, spoken(verb, words))
        self._line.sendall(b" ".join([verb, proof, *([words] if words else [])]) + b"\n")

    def attend(self, typed: BinaryIO | None, tell: Callable[[str, str], None]) -> None:
        """Attend until the run ends, or the last line was typed.

        Args:
            typed: Where the person types, line by line; None for one who says nothing.
            tell: Gets every event of the run, its kind and its text.
        """
        with selectors.SelectSelector() as selector:  # Unlike epoll it takes files, too.
            selector.register(self._line, selectors.EVENT_READ)
            if typed is not None:
                selector.register(typed, selectors.EVENT_READ)
            rest = b""
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._line:
                        if (events := self.hear()) is None:
                            return
                        for kind, text in events:
                            tell(kind, text)
                        continue
                    data = os.read(key.fd, 4096)
                    *lines, rest = (rest + data).split(b"\n")
                    for line in [*lines, *([] if data else [rest])]:
                        self.say(line.decode(errors="replace"))
                    if not data:
                        selector.unregister(key.fileobj)
                        self.leave()

    def close(self) -> None:
        """Hang up."""
        self._line.close()
