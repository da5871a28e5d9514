"""Learn to tell a fall before the robot is down: which of these robots came back?

In the physics of a run, robots stand, walk, squat, move their arms, dance and perform routines.
They are pushed, lose a motor's strength, stand on a smooth floor or get a load in a hand, and are
followed until they lie or have stayed up. The network (`senses.balance`) sees what a run's robot
feels and learns how likely it is that it lies in a moment. What it is worth is counted on robots
that it has not seen, by the rule that a run follows.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import nn

from yanshi.bodies.mujoco_body import MujocoBody, SensorNoise
from yanshi.control.kinematics import Kinematics
from yanshi.core.files import write_whole
from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import policy_folder
from yanshi.policies.performer import Performer
from yanshi.policies.repertoire import repertoire
from yanshi.policies.tracker import Tracker
from yanshi.policies.walker import UPRIGHT, Posture, UpperBody, Velocity, Walker
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.senses.balance import (
    JOINTS,
    LAGS,
    BalanceConfig,
    Feeling,
    is_past_return,
    tilt_and_rate,
)
from yanshi.senses.odometry import Odometry
from yanshi.train.g1_fleet import mirror_of_joints
from yanshi.worlds.scene import stand_on_floor

Array = NDArray[np.float32]

TICK_S = 0.02
BLOCK = 100
"""How many robots are kept in a file."""
UNSEEN = 5
"""Every so many-th block is kept from training, and counted on."""
DOINGS = ("stand", "walk", "squat", "restless", "dance", "perform")
_DOING_SHARES = (0.2, 0.35, 0.12, 0.13, 0.1, 0.1)
HARMS = ("none", "push", "motor", "floor", "load")
_HARM_SHARES = (0.12, 0.58, 0.16, 0.07, 0.07)
_PUSH_NS, _PUSH_S = (10.0, 120.0), 0.1
_STRENGTH = (0.0, 0.5)
"""Of a weakened motor, as a share of its own."""
_FRICTION = (0.15, 0.6)
_LOAD_KG = (0.5, 5.0)
_WEAK = ("knee", "ankle_pitch", "ankle_roll", "hip_pitch", "hip_roll")
_WEAK_SHARES = (0.45, 0.2, 0.1, 0.15, 0.1)
_BEGIN_S, _AFTER_S = (0.8, 2.2), (2.0, 4.0)
"""When the harm is done, and for how long a robot is looked at thereafter."""
_FASTEST = np.array([0.8, 0.3, 0.9])
"""Of the walks, m/s and rad/s."""
_LOWEST, _LEANS = 0.45, (0.0, 0.7)
"""Of the squats, m and rad."""
_ARM_RANGE = 0.6
_ARMS = G1.joint_indices(
    name for name in G1.joint_names if any(part in name for part in ("shoulder", "elbow", "wrist"))
)
_BLEND_S = 0.5
"""Over which a dancer takes the robot over, and gives it back."""
_LEANS_FROM = np.deg2rad(7.2)
"""Tilt from which on every tick is learnt from; of the others few are."""
DOWN_M, DOWN_UP = 0.3, 0.5
"""A pelvis lower than this, m, or with a smaller cosine of its tilt (60°), is down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FallWatchTraining:
    """How the watch for falls is trained."""

    robots: int = 2400
    seed: int = 0
    widths: tuple[int, ...] = (64, 64)
    soon_s: float = 0.6
    """A robot that lies within this is falling; one that will in less than twice this is left out:
    nobody can tell yet."""
    steps: int = 6000
    batch: int = 1024
    rate: float = 2e-3
    still: float = 0.05
    """Share kept of the ticks at which a robot hardly leans."""
    false_alarm: float = 3.0
    """How much worse it is to call a robot lost that is not, than the reverse."""


# -- the robots --------------------------------------------------------------------------------


class _HarmedBody(MujocoBody):
    """A body whose motors can lose their strength."""

    strength: NDArray[np.float64] | float = 1.0
    """Of each motor, as a share of its own; (n_joints,), or of all."""

    def weaken(self, joint: str, share: float) -> None:
        """Leave a motor this share of its torque."""
        self.strength = np.ones(len(self.robot.joint_names))
        self.strength[self.robot.joint_index(joint)] = share
        self._set_torque_limits(-self.robot.limits.torque, self.robot.limits.torque)

    def _set_torque_limits(self, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> None:
        super()._set_torque_limits(lower * self.strength, upper * self.strength)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Life:
    """What one robot felt until it lay, or until nobody looked any more."""

    felt: Array
    """As `Feeling.now`, one row a tick, shape (ticks, N_FELT)."""
    down: int
    """In which tick it was down; -1 if it stayed up."""
    ruled: int
    """In which tick the rule alone would have told; -1 if never."""
    harmed: int
    """From which tick on it was harmed, if it was; a life may end before."""
    doing: str
    harm: str


@cache
def _skeleton() -> Kinematics:
    return Kinematics(G1, load_g1(with_looks=False), G1_LINKS, HEAD_CAMERA)


@cache
def _walker() -> Walker:
    return Walker(G1, kinematics=_skeleton())


@cache
def _dancer() -> Tracker:
    return Tracker(G1, _skeleton(), policy_folder("g1_dance"))


@cache
def _performers() -> list[Performer]:
    return [Performer(G1, piece.folder) for piece in repertoire().values() if piece.is_learnt]


class _Doing:
    """What a robot does with its body, tick by tick."""

    def __init__(self, what: str, rng: np.random.Generator) -> None:
        self.what = what
        self._rng = rng
        self._velocity: Velocity = (0.0, 0.0, 0.0)
        self._posture: Posture = UPRIGHT
        self._low, self._high = (
            _ARM_RANGE * bound[_ARMS] for bound in (G1.limits.lower, G1.limits.upper)
        )
        self._arms = G1.default_position[_ARMS].copy()
        self._wish = self._arms.copy()
        self._is_held = rng.random() < 0.5
        if self._is_held:
            self._arms = rng.uniform(self._low, self._high)
            self._wish = self._arms
        self._performer: Performer | None = None
        self._last: JointTarget | None = None
        self.lasts_s = 0.0
        """How long it takes, if it ends by itself."""
        if what == "dance":
            self.lasts_s = _dancer().duration_s
        elif what == "perform":
            some = _performers()
            self._performer = some[int(rng.integers(len(some)))]
            self.lasts_s = self._performer.duration_s

    def start(self, state: RobotState) -> None:
        """Begin with a robot that stands."""
        _walker().reset(state)
        if self.what == "dance":
            _dancer().start(state)
        elif self._performer is not None:
            self._performer.start()

    def target(self, state: RobotState, tick: int) -> JointTarget:
        """Return the next target."""
        if self.what == "dance" and (danced := _dancer().step(state)) is not None:
            left_s = min(_dancer().elapsed_s, self.lasts_s - _dancer().elapsed_s)
            share = min(left_s / _BLEND_S, 1.0)
            if share < 1.0:
                stood = _walker().step(state, (0.0, 0.0, 0.0))
                position = (1.0 - share) * stood.position + share * danced.position
                danced = replace(danced, position=position)
            return danced
        if self._performer is not None:
            if self._performer.lean(state) <= self._performer.lean_max:
                performed = self._performer.step(state)
                if performed is not None:
                    return performed
            self._performer = None
            _walker().reset(state)
        return self._walked(state, tick)

    def _walked(self, state: RobotState, tick: int) -> JointTarget:
        rng = self._rng
        if tick % 50 == 0:
            if self.what in ("walk", "restless") and (self.what == "walk" or rng.random() < 0.3):
                ahead, left, turn = (rng.uniform(-1.0, 1.0, 3) * _FASTEST).tolist()
                self._velocity = (abs(ahead) if rng.random() < 0.5 else ahead, left, turn)
            if self.what == "squat":
                low = float(rng.uniform(_LOWEST, 0.75))
                self._posture = (low, float(rng.uniform(*_LEANS)))
            if self.what == "restless":
                self._wish = rng.uniform(self._low, self._high)
        self._arms += np.clip(self._wish - self._arms, -1.5 * TICK_S, 1.5 * TICK_S)
        arms = dict(zip(_ARMS.tolist(), self._arms.tolist(), strict=True))
        return _walker().step(state, self._velocity, UpperBody(joints=arms, posture=self._posture))


def live(rng: np.random.Generator) -> Life:
    """Let one robot do something, harm it, and follow it until it lies or has stayed up."""
    floor = stand_on_floor(load_g1(with_looks=False), standing_height=G1.standing_height)
    body = _HarmedBody(G1, floor, noise=SensorNoise(), seed=int(rng.integers(2**31)))
    doing = _Doing(str(rng.choice(DOINGS, p=_DOING_SHARES)), rng)
    harm = str(rng.choice(HARMS, p=_HARM_SHARES))
    begin_s = float(rng.uniform(*_BEGIN_S))
    if doing.lasts_s:
        begin_s = float(rng.uniform(0.5, max(1.0, doing.lasts_s - 0.5)))
    end_s = begin_s + float(rng.uniform(*_AFTER_S))
    if harm == "none":
        end_s = max(end_s, doing.lasts_s + 2.0)
    feeling, odometry = Feeling(G1), Odometry(_skeleton(), (0.0, 0.0, 0.0))
    felt: list[Array] = []
    down = ruled = -1
    suspect, config = 0, BalanceConfig()
    doing.start(body.read())
    begin, push_ticks = round(begin_s / TICK_S), round(_PUSH_S / TICK_S)
    for tick in range(round(end_s / TICK_S)):
        if tick == begin:
            _harm(body, harm, rng)
        elif tick == begin + push_ticks and harm == "push":
            body.data.xfrc_applied[:] = 0.0
        state = body.read()
        base = odometry.update(state)
        feeling.update(state, base)
        felt.append(feeling.now.copy())
        lean, rate = tilt_and_rate(state)
        height = float(base.position[2])
        suspect = suspect + 1 if is_past_return(lean, rate, height, config) else 0
        if ruled < 0 and suspect >= config.ticks:
            ruled = tick
        if not (_up(body) > DOWN_UP and body.data.qpos[2] > DOWN_M):  # True for NaN, too.
            down = tick
            break
        body.write(doing.target(state, tick))
        body.advance(TICK_S)
    return Life(
        felt=np.array(felt), down=down, ruled=ruled, harmed=begin, doing=doing.what, harm=harm
    )


def _up(body: MujocoBody) -> float:
    """Return the cosine of the pelvis' tilt, in truth."""
    i, j = body.data.qpos[4:6]
    return float(1.0 - 2.0 * (i * i + j * j))


def _harm(body: _HarmedBody, harm: str, rng: np.random.Generator) -> None:
    """Begin to push, or take away what a robot stands by."""
    if harm == "push":
        angle = rng.uniform(-np.pi, np.pi)
        force = rng.uniform(*_PUSH_NS) / _PUSH_S
        torso = body.model.body(G1_LINKS.torso).id
        body.data.xfrc_applied[torso, :2] = force * np.cos(angle), force * np.sin(angle)
    elif harm == "motor":
        joint = f"{rng.choice(('left', 'right'))}_{rng.choice(_WEAK, p=_WEAK_SHARES)}"
        body.weaken(joint, float(rng.uniform(*_STRENGTH)) * float(rng.random() < 0.6))
    elif harm == "floor":
        body.model.geom_friction[:, 0] = rng.uniform(*_FRICTION)
    elif harm == "load":
        hand = body.model.body(str(rng.choice(G1_LINKS.hands))).id
        body.data.xfrc_applied[hand, 2] = -9.81 * rng.uniform(*_LOAD_KG)


def _live_block(block: int, seed: int, path: Path) -> int:
    """Follow a block of robots and write what they felt; return the block's number."""
    lives = [live(np.random.default_rng([seed, block, robot])) for robot in range(BLOCK)]
    partial = path.with_suffix(".part.npz")
    np.savez_compressed(
        partial,
        felt=np.concatenate([life.felt for life in lives]),
        ticks=np.array([len(life.felt) for life in lives]),
        down=np.array([life.down for life in lives]),
        ruled=np.array([life.ruled for life in lives]),
        harmed=np.array([life.harmed for life in lives]),
        doing=np.array([DOINGS.index(life.doing) for life in lives]),
        harm=np.array([HARMS.index(life.harm) for life in lives]),
    )
    partial.replace(path)
    return block


def read_lives(path: Path) -> Iterator[Life]:
    """Yield the robots of a block."""
    with np.load(path) as saved:
        ends = np.cumsum(saved["ticks"])
        parts = np.split(saved["felt"], ends[:-1])
        columns = [saved[name].tolist() for name in ("down", "ruled", "harmed", "doing", "harm")]
        for felt, down, ruled, harmed, doing, harm in zip(parts, *columns, strict=True):
            yield Life(
                felt=felt,
                down=down,
                ruled=ruled,
                harmed=harmed,
                doing=DOINGS[doing],
                harm=HARMS[harm],
            )


def gather_lives(config: FallWatchTraining, work: Path, workers: int) -> list[Path]:
    """Follow robots, block by block, where that was not done before; return the blocks' files."""
    work.mkdir(parents=True, exist_ok=True)
    n = -(-config.robots // BLOCK)
    paths = [work / f"lives_{config.seed}_{block:03d}.npz" for block in range(n)]
    missing = [block for block, path in enumerate(paths) if not path.exists()]
    console = Console(stderr=True)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        jobs = [pool.submit(_live_block, block, config.seed, paths[block]) for block in missing]
        about = f"{BLOCK} robots at a time"
        for job in track(jobs, about, total=n, completed=n - len(missing), console=console):
            job.result()
    return paths


# -- the network -------------------------------------------------------------------------------


def seen_of(felt: Array) -> Array:
    """Return what the network sees in each tick of a life, shape (ticks, len(LAGS) · N_FELT)."""
    ticks = np.arange(len(felt))
    return np.concatenate([felt[np.maximum(ticks - lag, 0)] for lag in LAGS], axis=1)


def mirrored(felt: Array) -> Array:
    """Return what the same robots would feel in a mirror between left and right."""
    twin, sign = mirror_of_joints(JOINTS)
    result = felt.copy()
    result[..., (1, 3, 5, 8)] *= -1.0  # Up and velocity to the left; roll and yaw.
    result[..., 10:] = (sign * felt[..., 10:][..., twin]).astype(np.float32)
    return result


def falls_soon(life: Life, soon_s: float) -> NDArray[np.int8]:
    """Return for each tick whether the robot lies within `soon_s`; -1 if nobody can tell.

    Before it was harmed, a robot was not falling, however soon it lay.
    """
    ticks = np.arange(len(life.felt))
    label = np.zeros(len(ticks), np.int8)
    if life.down >= 0:
        left_s = (life.down - ticks) * TICK_S
        label[left_s <= 2.0 * soon_s] = -1
        label[left_s <= soon_s] = 1
        if life.harmed <= life.down:
            label[: life.harmed] = 0
    return label


def _tilt(felt: Array) -> Array:
    result: Array = np.arctan2(np.hypot(felt[:, 0], felt[:, 1]), felt[:, 2])
    return result


def _examples(
    lives: Sequence[Life], config: FallWatchTraining, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return what was seen in the ticks that teach something, and whether the robot fell."""
    seen, right = [], []
    for life in lives:
        label = falls_soon(life, config.soon_s)
        matters = _tilt(life.felt) > _LEANS_FROM
        keep = (label >= 0) & (matters | (rng.random(len(label)) < config.still))
        for felt in (life.felt, mirrored(life.felt)):
            seen.append(seen_of(felt)[keep])
            right.append(label[keep].astype(np.float32))
    return np.concatenate(seen), np.concatenate(right)


def fit(
    seen: Array, right: Array, config: FallWatchTraining, console: Console
) -> tuple[list[tuple[Array, Array]], list[tuple[int, float]]]:
    """Train the network; return its layers, inputs' scales folded in, and the curve of its loss."""
    torch.manual_seed(config.seed)
    middle, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-3
    inputs = torch.from_numpy((seen - middle) / spread)
    wanted = torch.from_numpy(right)
    weight = torch.where(wanted > 0.5, 1.0, config.false_alarm)
    widths = (seen.shape[1], *config.widths, 1)
    linear = [nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True)]
    network = nn.Sequential(*(part for layer in linear for part in (layer, nn.Tanh())))[:-1]
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.rate, config.steps)
    order = torch.Generator().manual_seed(config.seed)
    curve: list[tuple[int, float]] = []
    losses: list[float] = []
    for step in track(range(1, config.steps + 1), "fall watch", console=console):
        rows = torch.randint(len(inputs), (config.batch,), generator=order)
        logit = network(inputs[rows])[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(logit, wanted[rows], weight[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % 100 == 0:
            curve.append((step, float(np.mean(losses[-100:]))))
    layers = [
        (layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy())
        for layer in linear
    ]
    first, bias = layers[0]
    layers[0] = (first / spread, bias - first @ (middle / spread))
    return [(w.astype(np.float32), b.astype(np.float32)) for w, b in layers], curve


def probabilities(layers: Sequence[tuple[Array, Array]], seen: Array) -> Array:
    """Return how likely a fall is in each row of what is seen; as `FallWatch`, for many at once."""
    values = seen
    for weight, bias in layers[:-1]:
        values = np.tanh(values @ weight.T + bias)
    weight, bias = layers[-1]
    result: Array = 0.5 * (1.0 + np.tanh(0.5 * (values @ weight[0] + bias[0])))
    return result


def told_tick(life: Life, probability: Array, config: BalanceConfig) -> int:
    """Return in which tick a run would tell of the fall, by network or rule; -1 if never."""
    is_lost = (probability > config.certain) & (_tilt(life.felt) > config.doubtful)
    in_a_row = np.convolve(is_lost, np.ones(config.ticks), "full")[: len(is_lost)]
    told = np.flatnonzero(in_a_row >= config.ticks)
    both = [tick for tick in (int(told[0]) if len(told) else -1, life.ruled) if tick >= 0]
    return min(both, default=-1)


def count(
    lives: Sequence[Life],
    layers: Sequence[tuple[Array, Array]],
    config: BalanceConfig | None = None,
) -> dict[str, Any]:
    """Return what network and rule are worth on some robots, side by side."""
    config = config or BalanceConfig()
    by_network, by_rule = [], []
    for life in lives:
        by_network.append(told_tick(life, probabilities(layers, seen_of(life.felt)), config))
        by_rule.append(life.ruled)
    down = np.array([life.down for life in lives])
    fell = down >= 0
    figures: dict[str, Any] = {"stayed_up": int((~fell).sum()), "fell": int(fell.sum())}
    for name, ticks in (("network", by_network), ("rule", by_rule)):
        told = np.array(ticks)
        lead_s = (down - told)[fell & (told >= 0)] * TICK_S
        figures[name] = {
            "called_lost_that_stayed_up": int((told[~fell] >= 0).sum()),
            "told_150_ms_before_down": int((lead_s >= 0.15 - 1e-9).sum()),
            "median_lead_s": round(float(np.median(lead_s)), 3) if len(lead_s) else None,
        }
    return figures


def train_fall_watch(
    config: FallWatchTraining, work: Path, out: Path, workers: int = 2
) -> dict[str, Any]:
    """Follow robots, learn from most of them, count on the others, and write what was learnt.

    Args:
        config: How.
        work: Where the robots' lives are kept; those that are there are not lived again.
        out: Where the weights go; the record goes beside them.
        workers: How many processes follow robots.

    Raises:
        ConfigError: What was learnt cannot be written.
    """
    torch.set_num_threads(1)  # The network is too small to share.
    console = Console(stderr=True)
    paths = gather_lives(config, work, workers)
    blocks = [list(read_lives(path)) for path in paths]
    unseen = [life for block in blocks[UNSEEN - 1 :: UNSEEN] for life in block]
    seen_blocks = [block for at, block in enumerate(blocks) if at % UNSEEN != UNSEEN - 1]
    lives = [life for block in seen_blocks for life in block]
    rng = np.random.default_rng(config.seed)
    layers, curve = fit(*_examples(lives, config, rng), config, console)
    record = {
        "command": " ".join(["yanshi", *sys.argv[1:]]),
        "licence": "Apache-2.0; trained on this project's own simulated robots alone",
        "training": asdict(config),
        "weights": sum(w.size + b.size for w, b in layers),
        "robots": {"seen": len(lives), "unseen": len(unseen)},
        "unseen": count(unseen, layers),
        "curve": [[step, round(loss, 4)] for step, loss in curve],
    }
    arrays: dict[str, Any] = {}
    for number, (weight, bias) in enumerate(layers):
        arrays |= {f"weight_{number}": weight, f"bias_{number}": bias}
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".part.npz")
    np.savez(partial, **arrays)
    partial.replace(out)
    write_whole(out.with_suffix(".json"), json.dumps(record, indent=1) + "\n")
    console.print(record["unseen"])
    return record
