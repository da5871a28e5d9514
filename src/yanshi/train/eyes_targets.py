"""What the network should answer for a crop of a picture, and how wrong an answer is."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from yanshi.robots.g1.spec import HEAD_CAMERA
from yanshi.senses.eyes import CELL_PX, OFFSET_UNIT_M
from yanshi.train.eyes_network import PLACE_CHANNELS

VISIBLE_PX_MIN = 8
VISIBLE_SHARE_MIN = 0.35
"""What shows less than this is neither asked for nor punished."""
DEPTH_OFFSET_MAX_M = 0.6
"""Cells whose nearest surface is farther than this from the thing teach no depth."""


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """For a batch of n crops with m asked cells."""

    presence: Tensor
    """1 in the cell of a middle, falling off around it, shape (n, h, w)."""
    counts: Tensor
    """0 where the answer is left open, else 1, shape (n, h, w)."""
    cells: Tensor
    """Crop, row and column of the cells that are asked what they see, shape (m, 3)."""
    offset: Tensor
    """From cell to middle: cells right, cells down; and the middle's depth in m, shape (m, 3)."""
    kind: Tensor
    colour: Tensor
    weight: Tensor
    """How much each asked cell counts, shape (m,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one step of training needs."""

    channels: Tensor
    """The crops as the network sees them, shape (n, 6, height, width)."""
    near: Tensor
    """Nearest surface in each cell, m, shape (n, h, w)."""
    targets: Targets


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """Part of a picture."""

    top: int
    left: int
    height: int
    width: int


def pixel_of(position: NDArray[np.float32]) -> tuple[float, float]:
    """Return column and row in the whole picture of a point in the camera frame."""
    scale = HEAD_CAMERA.focal_length_px / position[2]
    column = 0.5 * HEAD_CAMERA.width + scale * position[0]
    return float(column), float(0.5 * HEAD_CAMERA.height + scale * position[1])


def told_apart(seen: NDArray[np.void]) -> list[np.void]:
    """Return the sights whose middles the answer has room for.

    A peak keeps its eight neighbours from being one; of two middles so close, as those of a bowl
    and of what lies in it, the one nearer to the camera is asked for.
    """
    kept: list[np.void] = []
    cells: list[NDArray[np.float64]] = []
    for sight in seen[np.argsort(seen["position"][:, 2], kind="stable")]:
        cell = np.floor(np.array(pixel_of(sight["position"])) / CELL_PX)
        if all(np.abs(cell - other).max() > 1.0 for other in cells):
            kept.append(sight)
            cells.append(cell)
    return kept


def make_targets(crops: list[Crop], sights: list[NDArray[np.void]]) -> Targets:
    """Return the targets of a batch; `sights` holds those of each crop's picture."""
    height, width = crops[0].height // CELL_PX, crops[0].width // CELL_PX
    presence = np.zeros((len(crops), height, width), np.float32)
    counts = np.ones_like(presence)
    cells, offset, kind, colour, weight = [], [], [], [], []
    rows, columns = np.mgrid[:height, :width]
    for n, (crop, seen) in enumerate(zip(crops, sights, strict=True)):
        share = seen["visible_px"] / np.maximum(seen["alone_px"], 1)
        shows = (seen["visible_px"] >= VISIBLE_PX_MIN) & (share >= VISIBLE_SHARE_MIN)
        for sight, is_asked in [
            *((sight, False) for sight in seen[~shows]),
            *((sight, True) for sight in told_apart(seen[shows])),
        ]:
            column_px, row_px = pixel_of(sight["position"])
            x, y = (column_px - crop.left) / CELL_PX, (row_px - crop.top) / CELL_PX
            squared = (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2
            radius = np.sqrt(sight["alone_px"] / np.pi) / CELL_PX
            if not is_asked:
                counts[n][squared < max(radius, 1.5) ** 2] = 0.0
                continue
            j, i = int(np.floor(x)), int(np.floor(y))
            if not (0 <= i < height and 0 <= j < width):
                continue
            bump = np.exp(-squared / (2.0 * np.clip(radius / 2.5, 0.6, 3.0) ** 2))
            bump[i, j] = 1.0
            np.maximum(presence[n], bump, out=presence[n])
            for di, dj in np.ndindex(3, 3):
                a, b = i + di - 1, j + dj - 1
                if 0 <= a < height and 0 <= b < width:
                    cells.append((n, a, b))
                    offset.append((x - b - 0.5, y - a - 0.5, sight["position"][2]))
                    kind.append(sight["kind"])
                    colour.append(sight["colour"])
                    weight.append(1.0 if (a, b) == (i, j) else 0.35)
    counts[presence == 1.0] = 1.0
    return Targets(
        torch.from_numpy(presence),
        torch.from_numpy(counts),
        torch.from_numpy(np.array(cells, np.int64).reshape(-1, 3)),
        torch.from_numpy(np.array(offset, np.float32).reshape(-1, 3)),
        torch.from_numpy(np.array(kind, np.int64)),
        torch.from_numpy(np.array(colour, np.int64)),
        torch.from_numpy(np.array(weight, np.float32)),
    )


def losses(maps: Tensor, near: Tensor, targets: Targets, n_kinds: int) -> dict[str, Tensor]:
    """Return the parts of the loss, each a scalar; their sum is what training lowers."""
    middles = (targets.presence == 1.0).sum().clamp(min=1)
    asked, rows, columns = targets.cells.unbind(1)
    answer = maps[asked, :, rows, columns]  # (m, channels)
    total = targets.weight.sum().clamp(min=1.0)
    along = (targets.offset[:, 2] - near[asked, rows, columns]) / OFFSET_UNIT_M
    teaches_depth = targets.weight * (along.abs() < DEPTH_OFFSET_MAX_M / OFFSET_UNIT_M)
    across = (answer[:, 1:3] - targets.offset[:, :2]).abs().sum(1)
    kinds = answer[:, PLACE_CHANNELS : PLACE_CHANNELS + n_kinds]
    colours = answer[:, PLACE_CHANNELS + n_kinds :]

    def mean(values: Tensor, weight: Tensor = targets.weight) -> Tensor:
        return (values * weight).sum() / total

    return {
        "presence": focal_loss(maps[:, 0], targets) / middles,
        "across": 0.5 * mean(across),
        "along": 2.0 * mean((answer[:, 3] - along).abs(), teaches_depth),
        "kind": mean(functional.cross_entropy(kinds, targets.kind, reduction="none")),
        "colour": mean(functional.cross_entropy(colours, targets.colour, reduction="none")),
    }


def focal_loss(logits: Tensor, targets: Targets) -> Tensor:
    """Return the penalty-reduced focal loss of "Objects as Points", equation 1, summed."""
    wrong_no = -functional.logsigmoid(logits) * torch.sigmoid(-logits) ** 2
    wrong_yes = -functional.logsigmoid(-logits) * torch.sigmoid(logits) ** 2
    is_middle = targets.presence == 1.0
    open_share = (1.0 - targets.presence) ** 4
    return (torch.where(is_middle, wrong_no, wrong_yes * open_share) * targets.counts).sum()
