"""What a run tells: one JSON-able record, the same for a person, a bench and a file."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from yanshi.core.files import write_whole
from yanshi.core.messages import JointTarget, RobotState
from yanshi.ledger.meter import Bill

EXIT_CODES = {"done": 0, "stopped": 0, "asked": 3, "refused": 3, "failed": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One step as it went."""

    step: str
    outcome: str
    start_s: float
    end_s: float
    reason: str = ""
    """Why it did not work, as `Outcome.reason` tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardReport:
    """One sentence, and what understood it."""

    sentence: str
    source: str
    """`stop`, `rule`, `cache`, `model`, `cloud` or `none`; see `Understanding`."""
    mind: str
    """Which model; empty when none was needed."""
    why: str
    """Why that one, where there was a choice."""
    ms: float


@dataclass(slots=True, kw_only=True)
class RunReport:
    """Everything worth keeping of one run."""

    sentence: str
    language: str
    outcome: str
    """`done`, `failed`, `asked`, `refused` or `stopped`."""
    plan: list[str]
    steps: list[StepReport]
    said: list[str]
    seen: list[str]
    """Names of the things the robot still remembered at the end."""
    falls: int
    """Falls, also those that the robot got up from."""
    mujoco_warnings: int
    real_time_factor: float
    sim_s: float
    wall_s: float
    latency_ms: dict[str, dict[str, float | None]]
    """p50, p99 and max of: `understand` a sentence, `senses` a picture, `policy` the walking
    policy alone, `control` the whole 50 Hz tick around it, `reflex` the gate and the write."""
    deadline_misses: dict[str, int]
    faults: dict[str, int]
    """Ticks on which each fault was seen."""
    trace_sha256: str
    clock: str
    world: str
    seed: int
    down_s: list[float] = field(default_factory=list)
    """For each fall, how long it took from there until the robot stood again, or the run ended."""
    bill: Bill | None = None
    """What the run has cost on the board that was to be paid for."""
    heard: list[HeardReport] = field(default_factory=list)
    """Every sentence with the mind that understood it."""
    pushes: list[str] = field(default_factory=list)
    """Pushes from outside that were given, as they were written."""
    log_sha256: str = ""
    """Last hash of the log's chain of interventions, where there was a log: `yanshi log --last`."""
    policy_late_ms: list[float] = field(default_factory=list)
    """How late each policy tick began on the run's clock; not written to the file."""

    @property
    def exit_code(self) -> int:
        """The command's exit code: 0 done, 3 asked or refused, 4 failed."""
        return EXIT_CODES[self.outcome]

    def write(self, path: Path) -> None:
        """Write the record as JSON; under the final name it is whole or not there.

        Raises:
            ConfigError: The file cannot be written.
        """
        record = asdict(self)
        del record["policy_late_ms"]
        write_whole(path, json.dumps(record, indent=1, ensure_ascii=False))


class Trace:
    """A hash over everything the robot sensed, sent and said, to compare two runs."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add_tick(self, state: RobotState, target: JointTarget) -> None:
        """Take in one policy tick."""
        self._hash.update(state.t_ns.to_bytes(8, "little"))
        for array in (state.joint_position, state.orientation_wxyz, target.position):
            self._hash.update(np.ascontiguousarray(array).data)

    def add_event(self, t_ns: int, text: str) -> None:
        """Take in a step, a word or a sight."""
        self._hash.update(f"{t_ns} {text}\n".encode())

    def hexdigest(self) -> str:
        """Return the hash so far."""
        return self._hash.hexdigest()
