"""Is the person still there who watches over the robot? Ask again and again, and trust no silence.

Each question is a number that was never used before. Who holds the run's key proves it by a keyed
hash of the question and of what is said along with it (HMAC-SHA256, RFC 2104), so that the key
itself never travels, and neither question nor answer is of use a second time. Answered rightly, a
question shows that somebody was there when it was *asked*, since an answer may have been long
under way; a wrong answer shows nothing.
"""

import hmac
from dataclasses import dataclass

from yanshi.safety.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInConfig:
    """How long the robot does without an answer."""

    missed_s: float = 2.0
    """Without one for so long it stops where it is."""
    lost_s: float = 6.0
    """Without one for so long it sits down and goes limp."""


@dataclass(slots=True)
class Question:
    """What one who attends is asked at a time."""

    nonce: bytes
    """Never asked before."""
    t_ns: int
    """When it was asked."""
    is_open: bool = True
    """Whether it may still be answered."""


class CheckIn:
    """When somebody was there last. It has no clock: time is handed in.

    One thread may accept answers while another asks for the fault.
    """

    def __init__(self, key: bytes, config: CheckInConfig | None = None, *, now_ns: int) -> None:
        c = config or CheckInConfig()
        self._key = key
        self._missed_ns = round(c.missed_s * 1e9)
        self._lost_ns = round(c.lost_s * 1e9)
        self._seen_ns = now_ns
        self._has_left = False

    def accept(self, question: Question, proof: bytes, said: bytes = b"") -> bool:
        """Take an answer; tell whether it proves that somebody was there."""
        if not question.is_open or not hmac.compare_digest(
            proof, prove(self._key, question.nonce, said)
        ):
            return False
        question.is_open = False
        self._seen_ns = max(self._seen_ns, question.t_ns)
        self._has_left = False
        return True

    def leave(self) -> None:
        """Note that who watched has left in good order: the robot stops and stays on its feet."""
        self._has_left = True

    def fault(self, now_ns: int) -> Fault | None:
        """Return what is wrong at a time."""
        silent_ns = now_ns - self._seen_ns
        if self._has_left:
            return Fault.CHECK_IN_MISSED
        if silent_ns >= self._lost_ns:
            return Fault.CHECK_IN_LOST
        return Fault.CHECK_IN_MISSED if silent_ns >= self._missed_ns else None


def prove(key: bytes, nonce: bytes, said: bytes = b"") -> bytes:
    """Return the answer to a question, in hexadecimal.

    Args:
        key: What only the run and who may attend know.
        nonce: The question's, of a length that never varies.
        said: What is said along with it.
    """
    return hmac.new(key, nonce + said, "sha256").hexdigest().encode()
