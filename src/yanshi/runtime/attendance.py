"""Others on whom a run depends: who watches over it, and the processes beside it."""

from typing import Protocol

from yanshi.safety.faults import Fault


class Peer(Protocol):
    """Knows whether others are there. Asked in the robot's own thread, 50 times a second."""

    def missing(self) -> Fault | None:
        """Return what follows from whoever is not there, if anything."""
        ...


class Attends(Peer, Protocol):
    """Knows whether somebody attends."""

    present: tuple[str, ...]
    """The operators who are connected and have proved it."""
