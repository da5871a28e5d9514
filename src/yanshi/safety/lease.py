"""One operator at a time: who leads the robot, and which orders still count.

Whoever speaks first leads, until nothing has come from there for a while; another may then lead,
or takes over before, in so many words. Each time the lead changes hands an epoch begins. What is
ordered belongs to the epoch in which it was accepted: with the epoch it ends, however far it had
come. Every operator counts its orders, and a number that has been heard before is a replay.

A stop needs no lease and no number: anybody may stop, and only who leads may go on; see
`safety.stop`.
"""

from yanshi.safety.faults import Fault

LASTS_S = 60.0
"""How long who is not heard of keeps the lead: so long people look on without a word."""


class Lease:
    """Who leads. It has no clock: time is handed in, on any one clock that never goes back."""

    def __init__(self, lasts_s: float = LASTS_S) -> None:
        self._lasts_ns = round(lasts_s * 1e9)
        self._leader = ""
        self._until_ns = 0
        self._numbers: dict[str, int] = {}
        self.epoch = 0
        """How often the lead has changed hands. An order of another epoch is not carried out."""

    def leader(self, now_ns: int) -> str:
        """Return the operator who leads; empty when anybody may."""
        return self._leader if now_ns < self._until_ns else ""

    def admit(
        self, operator: str, number: int, *, now_ns: int, takes_over: bool = False
    ) -> Fault | None:
        """Accept an order under the epoch that holds from now on, or return why not.

        Args:
            operator: Whose order it is.
            number: Its number, larger than those of all orders of this operator before it.
            now_ns: Now.
            takes_over: Whether the operator wants to lead though somebody else does.
        """
        if number <= self._numbers.get(operator, -1):
            return Fault.ORDER_REPLAYED
        self._numbers[operator] = number
        if not takes_over and self.leader(now_ns) not in ("", operator):
            return Fault.ORDER_FOREIGN
        if operator != self._leader:
            self._leader = operator
            self.epoch += 1
        self._until_ns = now_ns + self._lasts_ns
        return None

    def renew(self, operator: str, *, now_ns: int) -> None:
        """Let an operator who leads lead on without a word, for it is known to be there."""
        if operator == self.leader(now_ns):
            self._until_ns = now_ns + self._lasts_ns
