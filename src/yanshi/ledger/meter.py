"""What a run has cost: the time of its thoughts on a chosen board, and the energy of its parts.

Motors are charged the work that they do (torque times speed, where that is positive: nothing is
taken to flow back). What their windings turn into heat is not: their resistances are not published.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yanshi.ledger.catalog import Board, Robot
from yanshi.ledger.roofline import Job, fitted, need


@dataclass(slots=True)
class Meter:
    """Counts what one run costs."""

    job: Job
    """What thinks, and on which board."""
    robot: Robot
    thoughts: int = 0
    thinking_s: float = 0.0
    motor_joules: float = 0.0
    bytes_up: int = 0
    bytes_down: int = 0
    _power: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def thought_s(self, tokens: tuple[int, int]) -> float:
        """Return how long the board takes to read and write so many tokens.

        Raises:
            NeededError: A figure of the board or the model is not known.
        """
        job = Job(
            model=self.job.model,
            board=self.job.board,
            precision=self.job.precision,
            runtime=self.job.runtime,
            tokens=float(max(1, tokens[0])),
            context=float(tokens[0]),
        )
        fit = fitted()
        return (fit.time_ms("prefill", job) + tokens[1] * fit.time_ms("decode", job)) * 1e-3

    def think(self, tokens: tuple[int, int]) -> float:
        """Charge one thought and return how long it takes there, in s."""
        took_s = self.thought_s(tokens)
        self.thoughts += 1
        self.thinking_s += took_s
        return took_s

    def carry(self, traffic: tuple[int, int]) -> None:
        """Count the bytes that were sent and received for a thought."""
        self.bytes_up += traffic[0]
        self.bytes_down += traffic[1]

    def move(
        self, torque: NDArray[np.float64], velocity: NDArray[np.float64], tick_s: float
    ) -> None:
        """Charge one tick of the motors.

        Args:
            torque: N·m at the joints, shape (n_joints,).
            velocity: rad/s, same shape.
            tick_s: How long the tick lasts.
        """
        if self._power.shape != torque.shape:
            self._power = np.empty_like(torque)
        np.multiply(torque, velocity, out=self._power)
        np.maximum(self._power, 0.0, out=self._power)
        self.motor_joules += float(self._power.sum()) * tick_s

    def bill(self, run_s: float) -> "Bill":
        """Return what a run of that length has cost.

        Raises:
            NeededError: The board's power is not known.
        """
        idle, busy = need(self.job.board, "power_min_watt"), need(self.job.board, "power_max_watt")
        thinking = (busy - idle) / 2.0 * self.thinking_s
        mean = (idle * run_s + thinking) / max(run_s, 1e-9)
        hours = None
        if self.robot.power_watt is not None and self.robot.battery_wh is not None:
            hours = self.robot.battery_wh / (self.robot.power_watt + mean)
        return Bill(
            board=self.job.board.id,
            model=f"{self.job.model.id}-{self.job.precision}",
            thoughts=self.thoughts,
            thinking_s=round(self.thinking_s, 4),
            joules={
                "motors, work alone": round(self.motor_joules, 1),
                "board, idle": round(idle * run_s, 1),
                "board, thinking": round(thinking, 3),
            },
            bytes_up=self.bytes_up,
            bytes_down=self.bytes_down,
            board_watt=round(mean, 2),
            endurance_h=None if hours is None else round(hours, 3),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a run has cost."""

    board: str
    model: str
    thoughts: int
    """Those that a model was needed for."""
    thinking_s: float
    joules: dict[str, float]
    """By part."""
    bytes_up: int
    bytes_down: int
    """Over the link to a mind in the cloud, of the plans that were used."""
    board_watt: float
    """Mean power of the board."""
    endurance_h: float | None
    """What the battery would last with the robot's own mean power and this board's."""


def open_meter(board_name: str, mind: str = "gemma-3-270m-q4", robot: str = "g1") -> Meter:
    """Return a meter for a mind on a board.

    Raises:
        UnknownNameError: There is no such board, model or robot.
        NeededError: A figure that charging needs is not known.
    """
    from yanshi.ledger import catalog
    from yanshi.ledger.verdict import Question, job_of, read_mind

    model, precision = read_mind(mind, catalog.models())
    board: Board = catalog.find("board", board_name, catalog.boards())
    the_robot = catalog.find("robot", robot, catalog.robots())
    question = Question(robot=the_robot, board=board, mind=model, precision=precision, is_ours=True)
    meter = Meter(job=job_of(question), robot=the_robot)
    meter.thought_s((1, 1))
    meter.bill(1.0)
    return meter
