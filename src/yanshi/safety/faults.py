"""What can go wrong while the robot is live, and what is done about it.

A fault is data, not an exception: a tick collects the faults it sees and the table below,
which is the whole policy, says what follows. Read it top to bottom.
"""

from collections.abc import Iterable
from enum import Enum, IntEnum, auto


class Action(IntEnum):
    """Ordered from mild to severe; the most severe one wins.

    For a biped, stopping is a ladder: a robot that goes limp falls, so it keeps balancing
    for as long as its senses and its policy can be trusted.
    """

    NONE = 0
    WARN = 1
    """Say so and go on."""
    REJECT = 2
    """Refuse what came and go on with what was."""
    HOLD = 3
    """Keep balancing where it stands; the step under way has failed."""
    SIT = 4
    """Come to a stand, sink as low as the legs carry, let the joints go limp."""
    GET_UP = 5
    """Let the joints go limp until the robot lies still, get up, and begin the step anew."""
    DAMP = 6
    """Let the joints go limp under damping."""


class Fault(Enum):
    """A condition seen in one tick. Each ends by itself unless its line says otherwise."""

    TARGET_STALE = auto()
    """The policy's target is older than two of its periods."""
    TARGET_MALFORMED = auto()
    """A target or gain is not finite or not of the robot's shape."""
    TARGET_FOREIGN = auto()
    """A target was written by one who may not write now."""
    STATE_STALE = auto()
    """The joints were measured too long ago. Does not end within a run."""
    STATE_MALFORMED = auto()
    """A measured angle is none, or they are not of the robot's shape. Does not end within a run."""
    SENSES_LATE = auto()
    """A picture was not understood inside its deadline: the last scene stays, with its age."""
    MIND_LATE = auto()
    """A sentence was not understood inside its deadline."""
    EYES_LOST = auto()
    """The eyes' process died. Does not end within a run."""
    RECORDER_LOST = auto()
    """The log could not be written on. Does not end within a run."""
    FALLEN = auto()
    """The robot leans too far to catch itself, or has sunk. Ends when it stands again."""
    STAYS_DOWN = auto()
    """It has fallen and does not get up: it never learnt to, has tried in vain, or was asked to
    stop. Does not end within a run."""
    STOP_ASKED = auto()
    """Somebody asked to stop. Ends with the next order."""
    BATTERY_LOW = auto()
    """A fifth of the charge is left. Does not end within a run."""
    BATTERY_EMPTY = auto()
    """A tenth of the charge is left: no order is taken on. Does not end within a run."""


RESPONSES: dict[Fault, Action] = {
    Fault.TARGET_STALE: Action.HOLD,
    Fault.TARGET_MALFORMED: Action.HOLD,
    Fault.TARGET_FOREIGN: Action.REJECT,
    Fault.STATE_STALE: Action.DAMP,
    Fault.STATE_MALFORMED: Action.DAMP,
    Fault.SENSES_LATE: Action.WARN,
    Fault.MIND_LATE: Action.WARN,
    Fault.EYES_LOST: Action.HOLD,
    Fault.RECORDER_LOST: Action.WARN,
    Fault.FALLEN: Action.GET_UP,
    Fault.STAYS_DOWN: Action.DAMP,
    Fault.STOP_ASKED: Action.HOLD,
    Fault.BATTERY_LOW: Action.WARN,
    Fault.BATTERY_EMPTY: Action.SIT,
}


def choose_action(faults: Iterable[Fault]) -> Action:
    """Return the most severe response that any of the faults asks for."""
    return max((RESPONSES[fault] for fault in faults), default=Action.NONE)
