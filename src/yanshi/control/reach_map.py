"""Where to stand, how high and how far leaning, to take a thing with which hand and approach.

A table, made from the arm's kinematics once, says how freely the right arm moves when its palm
takes a thing at each place of a grid in the pelvis frame, for some leans of the torso, approaches
and headings of the fingers; the left arm is its mirror image. A place counts when all corners of
its cell do. Make the table again after a change of robot or palm:

    python -m yanshi.control.reach_map
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.control.arm import Arm, ArmConfig
from yanshi.control.clearance import Clearance
from yanshi.control.kinematics import LEFT, RIGHT, Kinematics
from yanshi.control.palm import Approach, grip_in_palm, palm_turn
from yanshi.core.errors import UnreachableError
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.robots.g1.stance import HEIGHTS, LEAN_MIN

TABLE_FILE = Path(__file__).parents[1] / "robots" / "g1" / "reach.npz"
APPROACHES = (Approach.ABOVE, Approach.SIDE)
LEANS = (0.0, 0.25, 0.5)
"""Of the torso, rad; the waist bends no farther."""
HEADINGS = tuple(np.deg2rad([0.0, 30.0, 60.0]))
"""Of the right hand's fingers in the pelvis frame, rad; the left hand's have the other sign."""
GRID = (
    np.arange(0.15, 0.51, 0.05),
    np.arange(-0.40, 0.16, 0.05),
    np.arange(-0.40, 0.41, 0.05),
)
"""Places of the thing's middle in the pelvis frame, ahead, left and up, m."""
POSTURE_HEIGHTS = tuple(np.arange(0.46, 0.77, 0.05))
"""Heights of the pelvis that a stance may have, m; the walker knows 0.45 to 0.78."""
EASY_HEIGHT = 0.72
"""What is as good as standing upright, m."""
SQUAT_COST, LEAN_COST = 0.8, 0.3
"""Score lost by a metre of squatting and a rad of leaning."""
TALL_HEIGHT, TALL_COST = 0.74, 0.2
"""Score lost by standing taller than this, m. Its knees straight and an arm held out, the robot
steps back by 5 to 10 cm, in some poses without end; at 0.71 m by 2. Measured, 18 poses of an arm.
"""

AheadMin = Callable[[float, float], float]
"""How far before a thing the pelvis must stay, m, by its height, m, and the torso's lean, rad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """Where the robot stands with respect to a thing, and how it takes it."""

    ahead: float
    """The thing's middle in the pelvis frame, m …"""
    left: float
    """… the pelvis being level."""
    height: float
    """Of the pelvis above the floor, m."""
    lean: float
    """Of the torso, rad, all of it by the waist."""
    side: int
    """The hand: `LEFT` or `RIGHT`."""
    approach: Approach
    heading: float
    """Of the fingers in the pelvis frame, rad."""
    score: float
    """From 1 down: how freely the arm moves there, less what the posture costs."""


class ReachMap:
    """The table, and what it answers."""

    def __init__(self, dexterity: NDArray[np.float64]) -> None:
        """Take a table of shape (leans, approaches, headings, ahead, left, up), 0 out of reach."""
        self._dexterity = dexterity

    def stances(
        self,
        height: float,
        *,
        ahead_min: float | AheadMin = 0.0,
        approach: Approach | None = None,
        along: float = 0.0,
    ) -> list[Stance]:
        """Return ways to stand for a thing, the best first.

        One for each hand, approach, heading and posture that can do it.

        Args:
            height: Of the thing's middle above the floor, m.
            ahead_min: The pelvis can come no nearer to the thing than this, m: a table is between.
                May depend on the posture.
            approach: The only one that is wanted; any if None.
            along: How far straight ahead the palm goes on from there, m; it must come to all of
                the way.

        Raises:
            UnreachableError: No stance reaches that high or low, or that far.
        """
        found = []
        for lean, pelvis, up in _postures(height):
            cells = _all_along(self._at_height(lean, up), along)  # (approaches, headings, x, y)
            x, y = (_middles(axis) for axis in GRID[:2])
            x = x[: cells.shape[2]]
            least = ahead_min if isinstance(ahead_min, float) else ahead_min(pelvis, LEANS[lean])
            cells = np.where((x >= least)[:, None], cells, 0.0)
            for a, h in np.ndindex(*cells.shape[:2]):
                i, j = np.unravel_index(int(cells[a, h].argmax()), cells.shape[2:])
                free = float(cells[a, h, i, j])
                if free > 0.0 and approach in (None, APPROACHES[a]):
                    way = (a, h, LEANS[lean], pelvis)
                    found += _both_hands(way, (float(x[i]), float(y[j])), free)
        if not found:
            raise UnreachableError(
                f"No stance takes a thing {height:.2f} m above the floor from where the pelvis can "
                "be. One between 0.4 and 1.1 m high and within 0.4 m would do."
            )
        return sorted(found, key=lambda stance: -stance.score)

    def here(self, ahead: float, left: float, height: float) -> list[Stance]:
        """Return ways to take a thing without a step, the best first; none if there is none.

        Args:
            ahead: The thing's middle in the pelvis frame, m, the pelvis being level.
            left: The same to the left.
            height: Above the floor, m.
        """
        found = []
        for lean, pelvis, up in _postures(height):
            cells = self._at_height(lean, up)
            for side, y in ((RIGHT, left), (LEFT, -left)):
                i, j = (
                    int(np.searchsorted(axis, value)) - 1
                    for axis, value in zip(GRID[:2], (ahead, y), strict=True)
                )
                if not (0 <= i < cells.shape[2] and 0 <= j < cells.shape[3]):
                    continue
                for a, h in np.ndindex(*cells.shape[:2]):
                    if cells[a, h, i, j] > 0.0:
                        way = (a, h, LEANS[lean], pelvis)
                        found += [_stance(way, side, (ahead, y), float(cells[a, h, i, j]))]
        return sorted(found, key=lambda stance: -stance.score)

    def _at_height(self, lean: int, up: float) -> NDArray[np.float64]:
        """Return the cells at one height of the grid: the mean of their corners, or 0."""
        layers = self._dexterity[lean]
        k = int(np.clip(np.searchsorted(GRID[2], up) - 1, 0, len(GRID[2]) - 2))
        if not GRID[2][0] <= up <= GRID[2][-1]:
            return np.zeros_like(layers[:, :, :-1, :-1, 0])
        corners = np.stack(
            [
                layers[:, :, i : i + len(GRID[0]) - 1, j : j + len(GRID[1]) - 1, k + m]
                for i, j, m in np.ndindex(2, 2, 2)
            ]
        )
        cells: NDArray[np.float64] = corners.mean(axis=0) * (corners.min(axis=0) > 0.0)
        return cells


def load_reach_map(path: Path = TABLE_FILE) -> ReachMap:
    """Return the map of the G1 as it was made by `measure_dexterity`."""
    with np.load(path) as file:
        return ReachMap(file["dexterity"].astype(np.float64) / 255.0)


def measure_dexterity(arm: Arm, clearance: Clearance) -> NDArray[np.float64]:
    """Return how freely the right arm takes a thing at all places of the grid (takes minutes).

    Returns:
        0 where the palm does not come or forearm or hand would touch the body, shape
        (leans, approaches, headings, ahead, left, up).
    """
    shape = (len(LEANS), len(APPROACHES), len(HEADINGS), *(len(axis) for axis in GRID))
    dexterity = np.zeros(shape)
    joints = arm.kinematics.robot.default_position.copy()
    resting = joints[arm.joints].copy()
    waist = arm.kinematics.robot.joint_index("waist_pitch")
    for lean, approach, heading, i, j in np.ndindex(*shape[:5]):
        joints[waist] = LEANS[lean]
        turn = palm_turn(APPROACHES[approach], RIGHT, HEADINGS[heading])
        goal = np.eye(4)
        goal[:3, :3] = turn
        grip = turn @ grip_in_palm(APPROACHES[approach], RIGHT)
        for k in range(shape[5]):
            joints[arm.joints] = resting  # As whoever asks the map will start.
            goal[:3, 3] = np.array([GRID[0][i], GRID[1][j], GRID[2][k]]) - grip
            shoulder = arm.kinematics.shoulder_in_pelvis(joints, RIGHT)
            if np.linalg.norm(goal[:3, 3] - shoulder) > arm.reach:
                continue
            try:
                joints[arm.joints] = arm.solve(joints, goal)
            except UnreachableError:
                continue
            if clearance.from_body(joints) > _BODY_GAP_M:
                dexterity[lean, approach, heading, i, j, k] = arm.dexterity(joints)
    return dexterity


_BODY_GAP_M = 0.015


def _postures(height: float) -> list[tuple[int, float, float]]:
    """Return leans by index and pelvis heights that keep the balance, and the thing's above it."""
    return [
        (lean, float(pelvis), height - float(pelvis))
        for lean in range(len(LEANS))
        for pelvis in POSTURE_HEIGHTS
        if LEANS[lean] >= np.interp(pelvis, HEIGHTS, LEAN_MIN)
    ]


def _middles(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 * (axis[:-1] + axis[1:])


def _all_along(cells: NDArray[np.float64], along: float) -> NDArray[np.float64]:
    """Return the least of the cells from each one to `along` m ahead of it."""
    steps = int(np.ceil(along / (GRID[0][1] - GRID[0][0]) - 1e-9))
    n = cells.shape[2] - steps
    least: NDArray[np.float64] = np.min([cells[:, :, k : k + n] for k in range(steps + 1)], axis=0)
    return least


def _both_hands(
    way: tuple[int, int, float, float], place: tuple[float, float], free: float
) -> list[Stance]:
    return [_stance(way, side, place, free) for side in (RIGHT, LEFT)]


def _stance(
    way: tuple[int, int, float, float], side: int, place: tuple[float, float], free: float
) -> Stance:
    """Return the stance for a place of the right arm's table, mirrored for the left hand.

    Args:
        way: Approach and heading by index, lean, height of the pelvis.
        side: The hand.
        place: Of the thing, ahead and to the left, for the right hand.
        free: How freely the arm moves there.
    """
    approach, heading, lean, pelvis = way
    mirror = 1.0 if side == RIGHT else -1.0
    cost = SQUAT_COST * max(0.0, EASY_HEIGHT - pelvis) + LEAN_COST * abs(lean)
    cost += TALL_COST if pelvis > TALL_HEIGHT else 0.0
    return Stance(
        ahead=place[0],
        left=mirror * place[1],
        height=pelvis,
        lean=lean,
        side=side,
        approach=APPROACHES[approach],
        heading=mirror * HEADINGS[heading],
        score=free - cost,
    )


def _make() -> None:
    """Measure the G1 and write the table."""
    kinematics = Kinematics(G1, load_g1(with_looks=False), G1_LINKS, HEAD_CAMERA)
    # What takes longer is not within easy reach.
    config = ArmConfig(solve_steps=20)
    arm = Arm(kinematics, load_g1(with_looks=False), RIGHT, config)
    clearance = Clearance(G1, load_g1(with_looks=False), G1_LINKS, RIGHT)
    dexterity = measure_dexterity(arm, clearance)
    np.savez_compressed(TABLE_FILE, dexterity=np.round(255.0 * dexterity).astype(np.uint8))


if __name__ == "__main__":
    _make()
