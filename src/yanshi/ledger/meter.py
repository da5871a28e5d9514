"""What a run costs while it goes on: time of thoughts, energy of every part, heat, money.

Once a tick every part takes its power from the battery: motors (`ledger/motors.py`), the robot's
own electronics and sensors, the board beside it, idle, seeing and thinking, and the radio.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import ConfigError
from yanshi.ledger import catalog
from yanshi.ledger.battery import Battery
from yanshi.ledger.catalog import Board, Link, Robot
from yanshi.ledger.hire import carried_usd
from yanshi.ledger.motors import AMBIENT_C, Motors
from yanshi.ledger.roofline import NeededError, need
from yanshi.ledger.thinkers import OnBoard, Thinker
from yanshi.ledger.verdict import EYES_MS, PICTURES_HZ, Question, job_of, read_mind
from yanshi.robots.spec import JointLimits

ELECTRONICS_WATT, SENSORS_WATT = 50.0, 10.0
"""Computer and motor drivers that the robot comes with, and its lidar, camera and IMU; assumed."""
BOARD_WARM_K, BOARD_TIME_CONSTANT_S = 60.0, 120.0
"""How much warmer than the room a board gets at its highest power, and how fast; assumed."""


@dataclass(slots=True, kw_only=True)
class Meter:
    """Counts what one run costs."""

    thinker: Thinker
    """Who thinks."""
    board: Board
    """Where the eyes and, if there is one, the model on board run."""
    robot: Robot
    battery: Battery
    motors: Motors
    link: Link | None = None
    """By which the cloud is reached."""
    thoughts: int = 0
    thinking_s: float = 0.0
    """Of the board."""
    lost: int = 0
    """Thoughts that never came."""
    by_cloud: int = 0
    """Thoughts that the cloud's answer was used for."""
    usd: float = 0.0
    bytes_up: float = 0.0
    bytes_down: float = 0.0
    board_c: float = AMBIENT_C
    joules: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(
            ("electronics", "sensors", "board, idle", "board, seeing", "board, thinking", "radio"),
            0.0,
        )
    )
    """By part, without motors and battery."""
    _busy_s: float = 0.0
    """How long the board has still to work on thoughts that were charged."""
    _radio_s: float = 0.0
    _extra_watt: float = field(init=False)
    _idle_watt: float = field(init=False)
    _most_watt: float = field(init=False)

    def __post_init__(self) -> None:
        self._idle_watt = need(self.board, "power_min_watt")
        self._most_watt = need(self.board, "power_max_watt")
        # Neither end of the range is known for one thought: it is somewhere between.
        self._extra_watt = (self._most_watt - self._idle_watt) / 2.0

    def think(self, tokens: tuple[int, int], t_s: float) -> float:
        """Charge one thought that begins at a time and return how long its answer takes, in s."""
        thought = self.thinker.think(tokens, t_s)
        self.thoughts += 1
        self.thinking_s += thought.board_s
        self._busy_s += thought.board_s
        self._radio_s += thought.radio_s
        self.bytes_up += thought.bytes_up
        self.bytes_down += thought.bytes_down
        self.usd += thought.usd
        self.by_cloud += thought.by_cloud
        self.lost += math.isinf(thought.takes_s)
        return thought.takes_s

    def thought(self, took_s: float) -> None:
        """Charge one thought that took the board so long, as was measured."""
        self.thoughts += 1
        self.thinking_s += took_s
        self._busy_s += took_s

    def carry(self, traffic: tuple[int, int], took_s: float) -> None:
        """Charge what was really sent and received for a thought, and how long that took."""
        if traffic[0]:
            self._radio_s += took_s
            self.bytes_up += traffic[0]
            self.bytes_down += traffic[1]
            if self.link is not None:
                self.usd += carried_usd(self.link, sum(traffic))

    def tick(
        self, torque: NDArray[np.float64], velocity: NDArray[np.float64], tick_s: float
    ) -> None:
        """Charge one tick.

        Args:
            torque: N·m at the joints, shape (n_joints,).
            velocity: rad/s, same shape.
            tick_s: How long the tick lasts.
        """
        watt = self.motors.draw(torque, velocity, tick_s)
        busy_s = min(self._busy_s, tick_s)
        self._busy_s -= busy_s
        seeing = self._extra_watt * EYES_MS * 1e-3 * PICTURES_HZ
        thinking = self._extra_watt * busy_s / tick_s
        radio = 0.0
        if self.link is not None:
            radio_s = min(self._radio_s, tick_s)
            self._radio_s -= radio_s
            active = self.link.active_watt - self.link.idle_watt
            radio = self.link.idle_watt + active * radio_s / tick_s
        watt += ELECTRONICS_WATT + SENSORS_WATT + self._idle_watt + seeing + thinking + radio
        joules = self.joules
        joules["electronics"] += ELECTRONICS_WATT * tick_s
        joules["sensors"] += SENSORS_WATT * tick_s
        joules["board, idle"] += self._idle_watt * tick_s
        joules["board, seeing"] += seeing * tick_s
        joules["board, thinking"] += thinking * tick_s
        joules["radio"] += radio * tick_s
        self.battery.drain(watt, tick_s)
        share = (self._idle_watt + seeing + thinking) / self._most_watt
        warmer_k = AMBIENT_C + BOARD_WARM_K * share - self.board_c
        self.board_c += warmer_k * tick_s / BOARD_TIME_CONSTANT_S

    def bill(self, run_s: float) -> "Bill":
        """Return what a run of that length has cost."""
        motors, battery, joules = self.motors, self.battery, self.joules
        run_s = max(run_s, 1e-9)
        total = battery.drawn_joules + battery.heat_joules
        thought = sum(joules[part] for part in joules if part.startswith(("board", "radio")))
        hours = battery.capacity_wh * 3600.0 / total * run_s / 3600.0 if total else None
        bare = battery.capacity_wh * run_s / (total - thought) if total > thought else None
        moved = battery.drawn_joules - sum(joules.values())
        return Bill(
            thinker=self.thinker.name,
            board=self.board.id,
            thoughts=self.thoughts,
            thinking_s=round(self.thinking_s, 4),
            joules={
                "motors": round(moved, 1),
                **{part: round(value, 3) for part, value in joules.items()},
                "battery, own heat": round(battery.heat_joules, 1),
            },
            work_joules=round(motors.work_joules, 1),
            copper_joules=round(motors.copper_joules, 1),
            watt_hours=round(total / 3600.0, 4),
            mean_watt=round(total / run_s, 1),
            thought_watt=round(thought / run_s, 2),
            endurance_h=None if hours is None else round(hours, 3),
            endurance_without_h=None if bare is None else round(bare, 3),
            charge=round(battery.charge, 4),
            least_volt=round(battery.least_volt, 2),
            hottest_motor_c=round(float(motors.temperature_c.max()), 1),
            board_c=round(self.board_c, 1),
            bytes_up=round(self.bytes_up),
            bytes_down=round(self.bytes_down),
            usd=round(self.usd, 6),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a run has cost."""

    thinker: str
    board: str
    thoughts: int
    """Those that a model was needed for."""
    thinking_s: float
    """Of the board."""
    joules: dict[str, float]
    """By part: what each took from the battery, and what that lost by giving it."""
    work_joules: float
    """Of the motors: torque times speed, where that is positive."""
    copper_joules: float
    """Heat of the motors' windings; motors that brake feed part of it."""
    watt_hours: float
    mean_watt: float
    thought_watt: float
    """Of the board and the radio, in the mean."""
    endurance_h: float | None
    """What the whole battery would last at the run's mean power."""
    endurance_without_h: float | None
    """The same without board and radio."""
    charge: float
    """Of the battery at the end, 0 to 1."""
    least_volt: float
    hottest_motor_c: float
    board_c: float
    bytes_up: int
    bytes_down: int
    """Over the link to a mind in the cloud."""
    usd: float
    """For the hired model and the link."""


def open_meter(
    board_name: str,
    limits: JointLimits,
    *,
    mind: str = "gemma-3-270m-q4",
    robot: str = "g1",
    charge: float = 1.0,
    link: Link | None = None,
) -> Meter:
    """Return a meter for a mind on a board.

    Args:
        board_name: Which board.
        limits: The robot's motors.
        mind: Model and precision.
        robot: Whose battery.
        charge: Of the battery at the beginning, 0 to 1.
        link: To the cloud, if there is one.

    Raises:
        UnknownNameError: There is no such board, model or robot.
        NeededError: A figure that charging needs is not known.
        ConfigError: The charge is none.
    """
    if not 0.0 < charge <= 1.0:
        raise ConfigError(
            f"A battery is charged by 1 to 100 %; asked: {100.0 * charge:g} %.",
            zh=f"电量应为 1 到 100 %；得到的是 {100.0 * charge:g} %。",
        )
    model, precision = read_mind(mind, catalog.models())
    board: Board = catalog.find("board", board_name, catalog.boards())
    the_robot = catalog.find("robot", robot, catalog.robots())
    if the_robot.battery_wh is None:
        raise NeededError(
            f"battery_wh of {the_robot.id} is not known. Put it into a file, "
            f"[robots.{the_robot.id}], and name that in YANSHI_LEDGER.",
            zh=f"不知道 {the_robot.id} 的 battery_wh。请写进文件的 [robots.{the_robot.id}] 表，"
            "并用 YANSHI_LEDGER 指定该文件。",
        )
    question = Question(robot=the_robot, board=board, mind=model, precision=precision, is_ours=True)
    thinker = OnBoard(job=job_of(question))
    thinker.think((1, 1), 0.0)
    return Meter(
        thinker=thinker,
        board=board,
        robot=the_robot,
        battery=Battery(capacity_wh=the_robot.battery_wh, charge=charge),
        motors=Motors(limits),
        link=link,
    )
