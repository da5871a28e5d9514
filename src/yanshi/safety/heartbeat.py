"""Whoever moves the robot beats like a heart; when the beat stays away, others act for it.

Three processes listen to one another, and no single death leaves the robot stiff or unwatched:

    who listens   to whom    after    and then
    watch         balance    30 ms    tells the body to go limp (at once, when the process dies)
    body          balance    50 ms    goes limp by itself
    balance       watch      60 ms    comes to a stand, sits down

A robot that is held stiff in mid-stride topples with a time constant of 0.27 s: within 50 ms its
lean grows by a fifth.
"""

WATCH_S = 0.03
"""One and a half periods of the policy, in whose tick the beat of 2 ms is the latest."""
BODY_S = 0.05
PEER_S = 0.06
"""Twelve periods of the watch's loop; the reaction must come within 100 ms."""


class Heartbeat:
    """Whether a beat has stayed away; once it has, for good. It has no clock of its own."""

    def __init__(self, limit_s: float, *, now_ns: int) -> None:
        """Listen.

        Args:
            limit_s: How long a beat may stay away.
            now_ns: Now; the first one is due so long after it.
        """
        self._limit_ns = round(limit_s * 1e9)
        self._last_ns = now_ns
        self._is_lost = False

    def is_lost(self, beat_ns: int, *, now_ns: int) -> bool:
        """Tell whether a beat has stayed away for too long, now or at any time before.

        Args:
            beat_ns: When the last beat was made, 0 for none; one from the future is none.
            now_ns: Now.
        """
        if beat_ns <= now_ns:
            self._last_ns = max(self._last_ns, beat_ns)
        self._is_lost |= now_ns - self._last_ns > self._limit_ns
        return self._is_lost
