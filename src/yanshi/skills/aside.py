"""Think beside the balance: what takes longer than a tick is computed in another thread."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from yanshi.control.route import STILL
from yanshi.core.errors import UnreachableError
from yanshi.policies.walker import AT_REST, UpperBody
from yanshi.skills.behaviour import Behaviour
from yanshi.skills.motion import tick
from yanshi.skills.skill import Percept, Tools

T = TypeVar("T")

CHARGE_TICKS = 10
"""What a thought costs at least, in ticks: on the simulated clock always this much."""
_POOL = ThreadPoolExecutor(1, thread_name_prefix="aside")


def aside(
    tools: Tools, percept: Percept, think: Callable[[], T], upper_body: UpperBody = AT_REST
) -> Behaviour[tuple[Percept, T | UnreachableError]]:
    """Stand while something is computed, and return it, or why it cannot be.

    The error is handed back, not raised: who catches one has lost the newest percept.
    """
    answer = _POOL.submit(think)
    ticks = 0
    while ticks < CHARGE_TICKS or not (answer.done() or tools.waits):
        percept = yield tick(tools, percept, STILL, upper_body)
        ticks += 1
    try:
        return percept, answer.result()
    except UnreachableError as error:
        return percept, error
