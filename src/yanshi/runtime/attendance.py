"""Somebody who watches over a run from elsewhere, as the run knows of them."""

from typing import Protocol

from yanshi.safety.faults import Fault


class Attends(Protocol):
    """Knows whether somebody is there. Asked in the robot's own thread, at every tick of words."""

    present: tuple[str, ...]
    """The operators who are connected and have proved it."""

    def missing(self) -> Fault | None:
        """Return what follows from whoever is not there, if anything."""
        ...
