"""Is the robot past catching itself? Told from the IMU and the legs alone.

Two watches look, and either may tell. One is a small network (`train/fall_watch.py` trains it) that
has seen pushed, weakened, laden and dancing robots, and which of them came back; it tells most
falls 150 ms before the robot is down. The other is a rule that needs no training: a robot that
leans far and leans on faster never comes back, so what counts is where the lean will be in a
moment. One whose knees give way stays upright but sinks: its pelvis comes nearer to its soles than
any squat brings it.

Of the rule: measured with both ready walkers and their dances, squats and bows, and after pushes of
28 to 110 N·s, no robot that stayed up leaned by more than 30°, or came lower than 0.40 m.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.assets.weights import check_weights
from yanshi.core.errors import AssetError, ContractError
from yanshi.core.messages import BaseEstimate, RobotState
from yanshi.robots.spec import RobotSpec

WEIGHTS = Path(__file__).parent / "weights" / "fall-watch.npz"
"""The network's; how it was trained stands beside it (`.json`)."""
JOINTS = (
    *(
        f"{side}_{joint}"
        for side in ("left", "right")
        for joint in ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
    ),
    *("waist_yaw", "waist_roll", "waist_pitch"),
)
"""Those whose angles the network sees."""
N_FELT = 10 + len(JOINTS)
"""How many numbers are felt in a tick: up, spin, height, velocity, angles."""
LAGS = (0, 2, 4)
"""How many ticks ago what the network sees was felt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceConfig:
    """When a robot counts as falling. Angles are the pelvis' tilt from upright."""

    certain: float = 0.98
    """How likely, as the network judges, a fall must be."""
    doubtful: float = math.radians(20.0)
    """A robot that leans by less, rad, is not asked about. Who is landed from earlier on lies limp
    before it is down and is hurt more: 0.35 of a limp fall's force from 12°, 0.28 from 20°."""
    tilt_min: float = math.radians(38.0)
    """By the rule, less than this, rad, may be a lean that was meant, however fast."""
    tilt_lost: float = math.radians(60.0)
    """This far it is lost …"""
    foresight_s: float = 0.3
    """… and so it is when it would be this far so much later."""
    height_lost: float = 0.36
    """A pelvis this near to the lower sole, m, has sunk."""
    ticks: int = 2
    """How many ticks in a row must say so."""


class Feeling:
    """What the network sees: how the robot stands and moves now and a moment ago."""

    def __init__(self, robot: RobotSpec) -> None:
        """Feel a robot's legs.

        Raises:
            UnknownNameError: It has not the joints that the network sees.
        """
        self._joints = robot.joint_indices(JOINTS)
        self._zero = robot.default_position[self._joints]
        self._past = np.zeros((max(LAGS) + 1, N_FELT), np.float32)
        self.now: NDArray[np.float32] = self._past[0]
        """What was felt last, shape (N_FELT,); it changes with every tick."""
        self._lags = np.array(LAGS)
        self._is_fresh = True

    def reset(self) -> None:
        """Forget the past: the next tick stands for it."""
        self._is_fresh = True

    def update(self, state: RobotState, base: BaseEstimate) -> NDArray[np.float32]:
        """Take in one measurement and return what the network sees, (len(LAGS) · N_FELT,)."""
        past = self._past
        past[1:] = past[:-1]
        felt = self.now
        w, x, y, z = state.orientation_wxyz.tolist()
        felt[0] = 2.0 * (x * z - w * y)
        felt[1] = 2.0 * (y * z + w * x)
        felt[2] = 1.0 - 2.0 * (x * x + y * y)
        felt[3:6] = state.angular_velocity
        felt[6] = base.position[2]
        felt[7:10] = base.velocity
        felt[10:] = state.joint_position[self._joints] - self._zero
        if self._is_fresh:
            past[1:] = felt
            self._is_fresh = False
        seen: NDArray[np.float32] = past[self._lags].ravel()
        return seen


class FallWatch:
    """The network: how likely is it that a robot that feels like this falls?"""

    def __init__(self, file: Path = WEIGHTS) -> None:
        """Load the weights.

        Raises:
            AssetError: There are none, or ours were changed.
            ContractError: They are for other senses than these.
        """
        if not file.is_file():
            raise AssetError(
                f"No watch for falls at {file}. It belongs to the repository; "
                "`yanshi train balance` makes a new one."
            )
        check_weights(file)
        with np.load(file) as saved:
            arrays = {name: saved[name].astype(np.float32) for name in saved.files}
        self._layers = [
            (arrays[f"weight_{i}"], arrays[f"bias_{i}"]) for i in range(len(arrays) // 2)
        ]
        widths = [weight.shape for weight, _ in self._layers]
        seen, wanted = widths[0][1] if widths else 0, len(LAGS) * N_FELT
        if seen != wanted or widths[-1][0] != 1:
            raise ContractError(
                f"{file} has layers {widths}; one that goes from {wanted} numbers to 1 would do."
            )

    def probability(self, seen: NDArray[np.float32]) -> float:
        """Return how likely a fall is, 0 to 1; see `Feeling.update`."""
        values = seen
        for weight, bias in self._layers[:-1]:
            values = weight @ values
            values += bias
            np.tanh(values, out=values)
        weight, bias = self._layers[-1]
        logit = float(weight[0] @ values) + float(bias[0])
        return 0.5 * (1.0 + math.tanh(0.5 * logit))  # Nothing overflows.


class Balance:
    """Watches for a fall. Call `update` 50 times a second while the robot should be upright."""

    def __init__(
        self,
        robot: RobotSpec,
        config: BalanceConfig | None = None,
        watch: FallWatch | None = None,
    ) -> None:
        """Begin with a robot that stands.

        Args:
            robot: Whose legs are felt.
            config: When it counts as falling.
            watch: The network; ours if None.

        Raises:
            AssetError: Our weights are not there, or were changed.
            UnknownNameError: The robot has other legs than the network sees.
        """
        self.config = config or BalanceConfig()
        self._feeling = Feeling(robot)
        self._watch = watch or FallWatch()
        self._ticks = 0

    def reset(self) -> None:
        """Begin anew with a robot that stands."""
        self._ticks = 0
        self._feeling.reset()

    def update(self, state: RobotState, base: BaseEstimate) -> bool:
        """Take in one measurement and return whether the robot is falling or has fallen."""
        seen = self._feeling.update(state, base)
        tilt, rate = tilt_and_rate(state)
        is_lost = is_past_return(tilt, rate, float(base.position[2]), self.config) or (
            tilt > self.config.doubtful and self._watch.probability(seen) > self.config.certain
        )
        self._ticks = self._ticks + 1 if is_lost else 0
        return self._ticks >= self.config.ticks


def is_past_return(tilt: float, rate: float, height: float, config: BalanceConfig) -> bool:
    """Return whether a robot is lost by the rule.

    Args:
        tilt: How far the pelvis leans from upright, rad.
        rate: How fast it leans on, rad/s.
        height: Of the pelvis above the lower sole, m.
        config: What counts as how far.
    """
    if height < config.height_lost:
        return True
    return tilt > config.tilt_min and tilt + config.foresight_s * rate > config.tilt_lost


def tilt_and_rate(state: RobotState) -> tuple[float, float]:
    """Return how far the pelvis leans from upright, rad, and how fast it leans on, rad/s.

    With u the upward direction in the pelvis frame and ω the rotation rate there, u̇ = -ω × u;
    the tilt is the angle whose cosine is u's z.
    """
    w, x, y, z = state.orientation_wxyz.tolist()
    turn_x, turn_y, _ = state.angular_velocity.tolist()
    up_x, up_y = 2.0 * (x * z - w * y), 2.0 * (y * z + w * x)
    sine = math.hypot(up_x, up_y)
    tilt = math.atan2(sine, 1.0 - 2.0 * (x * x + y * y))
    return tilt, (turn_x * up_y - turn_y * up_x) / sine if sine > 1e-6 else 0.0
