"""A door for those who watch over a run from another terminal: a socket of this machine's.

The run asks; who attends answers, and may say something along with the answer. Lines of UTF-8:

    run       → attendant   ask NONCE                 see `safety.check_in`
                            tell KIND TEXT            an event of the run
    attendant → run         here PROOF [SENTENCE]     an answer, and what is said along with it
                            leave PROOF               an answer, the last one
                            stop                      needs no proof: anybody may stop

Each question is answered once, so that no line is of use a second time. The socket and the key lie
in a folder that belongs to one user alone. Whoever talks nonsense, too much or not at all is hung
up on.
"""

import os
import secrets
import selectors
import socket
import stat
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from yanshi.core.clock import Clock, MonotonicClock
from yanshi.core.closing import Closing
from yanshi.core.errors import ConfigError
from yanshi.mind.tongue import SENTENCE_MAX
from yanshi.runtime.observer import Observer
from yanshi.safety.check_in import CheckIn, CheckInConfig, Question
from yanshi.safety.faults import Fault

ASKED_PER_TIMEOUT = 20
"""So often somebody is asked within the time in which an answer must have come: what is known of
them is a twentieth of that time old at most, and a lost answer or two do no harm."""
LOST_AFTER = 3.0
"""Times that timeout until the robot sits down."""
TIMEOUT_S = (0.5, 60.0)
"""Shorter, a busy machine would stop the robot; longer, nobody could call it watched."""
GUESTS_MAX = 8
LINE_MAX = 128 + 4 * SENTENCE_MAX
"""Bytes: a verb, a proof, a sentence."""
LINES_MAX = 100
"""Lines heard from one guest in a second."""
TELL = ("heard", "say", "fault", "lease", "plan")
ONE_SENTENCE = (
    "This run hears one sentence alone; `yanshi chat --check-in` hears more. "
    "这次运行只听一句话；要多说请用 yanshi chat --check-in。"
)
PATH_MAX = 107
"""Bytes, of a socket's path (Linux, `unix(7)`)."""
NONCE_BYTES = KEY_BYTES = 32
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Door:
    """Where a run is attended: a socket, and the key beside it."""

    path: Path
    """The socket."""

    @property
    def key(self) -> Path:
        """The file that holds the key."""
        return self.path.with_suffix(".key")

    @property
    def pid(self) -> int:
        """The run's process."""
        return int(self.path.stem)

    def open(self) -> tuple[socket.socket, bytes]:
        """Return the socket that listens, and a new key, which is in its file from now on.

        Raises:
            ConfigError: The folder's path is too long for a socket.
        """
        if len(os.fsencode(self.path)) > PATH_MAX:
            raise ConfigError(
                f"{self.path} is too long for a socket: {PATH_MAX} bytes are the most. Set "
                "$XDG_RUNTIME_DIR to a folder with a shorter name.",
                zh=f"{self.path} 太长，不能用作套接字（最多 {PATH_MAX} 字节）。"
                "请把 $XDG_RUNTIME_DIR 设为名字较短的文件夹。",
            )
        self.close()  # What a process of the same number has left behind.
        key = secrets.token_bytes(KEY_BYTES)
        with open(os.open(self.key, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(key)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(self.path))
        self.path.chmod(0o600)
        listening.listen(GUESTS_MAX)
        listening.setblocking(False)
        return listening, key

    def close(self) -> None:
        """Remove socket and key."""
        self.path.unlink(missing_ok=True)
        self.key.unlink(missing_ok=True)


def doors(folder: Path | None = None) -> list[Door]:
    """Return where the runs of this user that are under way are attended."""
    found = map(Door, sorted((folder or make_folder()).glob("[0-9]*.sock")))
    return [door for door in found if psutil.pid_exists(door.pid)]


def make_folder() -> Path:
    """Return the folder for sockets and keys, which nobody else may look into.

    Raises:
        ConfigError: Somebody else made it, or may look into it.
    """
    place = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    folder = place / f"yanshi-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigError(
            f"{folder} was to hold keys, and is not a folder of yours that is closed to others. "
            f"Remove it, or: chmod 700 {folder}",
            zh=f"{folder} 用来存放密钥，但它不是只有您能访问的文件夹。请删除它，"
            f"或：chmod 700 {folder}",
        )
    return folder


@dataclass(slots=True, eq=False)
class Guest:
    """One who has come in at the door."""

    line: socket.socket
    operator: str
    question: Question
    heard: bytearray = field(default_factory=bytearray)
    is_known: bool = False
    """Whether an answer was right."""
    second_ns: int = 0
    lines: int = 0
    """How many lines came in the second that began at `second_ns`."""


class Hangup(Exception):  # noqa: N818 - not an error: it is how a guest goes.
    """A guest is to be hung up on."""


class Attendance(Observer, Closing):
    """Knows whether somebody watches over a run; use it as a context manager.

    It is asked in the robot's thread and listens in one of its own.
    """

    def __init__(
        self, timeout_s: float, *, folder: Path | None = None, clock: Clock | None = None
    ) -> None:
        """Open the door.

        Args:
            timeout_s: How long the robot does without an answer.
            folder: Where socket and key shall lie, instead of the user's own folder.
            clock: Real time; the machine's if None.

        Raises:
            ConfigError: The timeout is out of bounds, or there is no place for socket and key.
        """
        least, most = TIMEOUT_S
        if not least <= timeout_s <= most:
            raise ConfigError(
                f"--check-in {timeout_s:g} was asked for; {least:g} to {most:g} seconds work.",
                zh=f"--check-in {timeout_s:g} 无效；可用 {least:g} 到 {most:g} 秒。",
            )
        self.door = Door((folder or make_folder()) / f"{os.getpid()}.sock")
        self.present: tuple[str, ...] = ()
        self._timeout_ns = round(timeout_s * 1e9)
        self._period_ns = self._timeout_ns // ASKED_PER_TIMEOUT
        self._clock = clock or MonotonicClock()
        self._listening, key = self.door.open()
        config = CheckInConfig(missed_s=timeout_s, lost_s=LOST_AFTER * timeout_s)
        self._check_in = CheckIn(key, config, now_ns=self._clock.now_ns())
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._guests: list[Guest] = []
        self._count = 0
        self._events = deque[bytes](maxlen=64)
        self._stop: Callable[[], None] = lambda: None
        self._say: Callable[[str, str], None] | None = None
        self._arrived = threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._serve, name="attendance", daemon=True)

    # -- the run's side ---------------------------------------------------------------------

    def await_somebody(
        self, stop: Callable[[], None], say: Callable[[str, str], None] | None = None
    ) -> None:
        """Listen from now on, and wait until somebody attends.

        Args:
            stop: Stops the robot; must be safe to call from another thread.
            say: Gets what an operator says, and who it is; None where nothing more may be said.
        """
        self._stop, self._say = stop, say
        self._thread.start()
        self._arrived.wait()

    def missing(self) -> Fault | None:
        """Return what follows from whoever is not there, if anything."""
        return self._check_in.fault(self._clock.now_ns())

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        """Leave an event for whoever attends."""
        if kind in TELL:
            self._events.append(f"tell {kind} {text}".replace("\n", " ").encode() + b"\n")

    def close(self) -> None:
        """Close the door; safe to call twice."""
        self._is_over = True
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        for guest in [*self._guests]:
            self._hang_up(guest)
        self._selector.close()
        self._listening.close()
        self.door.close()

    # -- the thread that listens --------------------------------------------------------------

    def _serve(self) -> None:
        while not self._is_over:
            self.turn(0.5e-9 * self._period_ns)

    def turn(self, timeout_s: float) -> None:
        """Hear who has something to say, waiting for it so long at most, and ask who is due."""
        guests = {guest.line: guest for guest in self._guests}
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is self._listening:
                self._let_in()
            else:
                self._attend_to(guests[key.fileobj], self._hear)  # type: ignore[index]
        news = b"".join(self._events.popleft() for _ in range(len(self._events)))
        for guest in [*self._guests]:
            self._attend_to(guest, lambda guest: self._ask(guest, news))
        self.present = tuple(guest.operator for guest in self._guests if guest.is_known)

    def _let_in(self) -> None:
        try:
            line, _ = self._listening.accept()
        except OSError:
            return  # Gone before the door was open.
        if len(self._guests) >= GUESTS_MAX:
            line.close()
            return
        line.setblocking(False)
        self._count += 1
        guest = Guest(line, f"attendant {self._count}", self._question())
        self._guests.append(guest)
        self._selector.register(line, selectors.EVENT_READ)
        self._attend_to(guest, lambda guest: self._put(guest.question, guest.line))

    def _attend_to(self, guest: Guest, what: Callable[[Guest], None]) -> None:
        try:
            what(guest)
        except (Hangup, OSError):
            self._hang_up(guest)

    def _hang_up(self, guest: Guest) -> None:
        self._guests.remove(guest)
        self._selector.unregister(guest.line)
        guest.line.close()

    def _question(self) -> Question:
        return Question(secrets.token_bytes(NONCE_BYTES), self._clock.now_ns())

    @staticmethod
    def _put(question: Question, line: socket.socket) -> None:
        line.sendall(b"ask " + question.nonce.hex().encode() + b"\n")

    def _ask(self, guest: Guest, news: bytes) -> None:
        """Tell a guest what is new; ask again when it is time, and hang up on the silent."""
        waited_ns = self._clock.now_ns() - guest.question.t_ns
        if guest.question.is_open:
            if waited_ns > self._timeout_ns:
                raise Hangup
        elif waited_ns >= self._period_ns:
            guest.question = self._question()
            self._put(guest.question, guest.line)
        if news and guest.is_known:
            guest.line.sendall(news)

    def _hear(self, guest: Guest) -> None:
        data = guest.line.recv(4096)
        guest.heard += data
        *lines, rest = guest.heard.split(b"\n")
        for line in lines:
            self._take(guest, bytes(line))
        guest.heard = rest
        if not data or len(rest) > LINE_MAX:
            raise Hangup

    def _take(self, guest: Guest, line: bytes) -> None:
        now_ns = self._clock.now_ns()
        if now_ns - guest.second_ns >= SECOND_NS:
            guest.second_ns, guest.lines = now_ns, 0
        guest.lines += 1
        if line == b"stop":
            self._stop()
        verb, _, rest = line.partition(b" ")
        proof, _, words = rest.partition(b" ")
        if guest.lines > LINES_MAX or len(line) > LINE_MAX:
            raise Hangup
        if line == b"stop":
            return
        is_known = verb in (b"here", b"leave") and self._check_in.accept(
            guest.question, proof, spoken(verb, words)
        )
        if not is_known:
            raise Hangup
        guest.is_known = True
        self._arrived.set()
        if words:
            self._pass_on(guest, words.decode(errors="replace"))
        if verb == b"leave":
            if not any(other.is_known for other in self._guests if other is not guest):
                self._check_in.leave()
            raise Hangup

    def _pass_on(self, guest: Guest, sentence: str) -> None:
        if self._say is None:
            guest.line.sendall(f"tell say {ONE_SENTENCE}\n".encode())
        else:
            self._say(sentence, guest.operator)


def spoken(verb: bytes, words: bytes) -> bytes:
    """Return what a proof covers besides its question."""
    return verb + b" " + words
