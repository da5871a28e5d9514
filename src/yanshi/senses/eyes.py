"""Find things in one RGB-D picture: what, which colour, where, how sure.

One small network (`train/eyes_network.py` draws it, `train/eyes.py` trains it) looks at
colour and depth together and answers for every cell of 4 by 4 pixels whether the middle of a
thing lies there, how far the middle is from the nearest surface in the cell, and what the
thing is. After X. Zhou, D. Wang, P. Krähenbühl, "Objects as Points", 2019.

The camera frame is the optical one: x right, y down, z ahead along the axis, in m.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from yanshi.assets.weights import check_weights
from yanshi.core.errors import AssetError, ContractError
from yanshi.core.messages import Image

WEIGHTS = Path(__file__).parent / "weights" / "eyes.onnx"

CELL_PX = 4
"""Side of a cell of the answer in pixels; picture sides must be multiples of 16."""
OFFSET_UNIT_M = 0.1
"""What 1.0 of the network's depth offset means."""


LEAST = 0.005
"""A name less likely than this is out of the question."""

THREADS = 2
"""Threads of the network. Two take 11 ms a picture, one 14; measured on two x86 cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One thing in one picture."""

    kind: str
    """One of `worlds.things.KINDS`, or `person`."""
    colour: str
    """One of `worlds.things.COLOURS`; empty for a person."""
    position_in_camera: tuple[float, float, float]
    """Its middle: x right, y down, z ahead of the camera, m."""
    confidence: float
    """How sure it is that a thing of this kind and colour is there, 0 to 1."""
    kind_shares: Mapping[str, float] = field(default_factory=dict)
    """How likely each kind is, for those that are not out of the question; empty: only `kind`."""
    colour_shares: Mapping[str, float] = field(default_factory=dict)
    """The same for colours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EyesConfig:
    """What counts as a sighting."""

    presence_min: float = 0.35
    """Least answer of the network that counts as a thing."""
    person_presence_min: float = 0.2
    """The same for a person, whose middle is less sharp."""
    separation_min: float = 0.035
    """Two answers closer than this (m) are the same thing: the surer one stays."""
    own_separation_min: Mapping[str, float] = field(
        default_factory=lambda: {"person": 0.5, "tray": 0.1}
    )
    """The same for kinds that are large or that hold others, m: such a thing is never the same as
    one of another kind."""
    detections_max: int = 32
    """The surest are kept."""


class Eyes:
    """The detector, ready to look."""

    def __init__(self, weights: Path = WEIGHTS, config: EyesConfig | None = None) -> None:
        """Load the network.

        Raises:
            AssetError: There are no weights at that path, or ours have been changed.
            ContractError: The file is not a network of these eyes.
        """
        if not weights.exists():
            raise AssetError(
                f"No eyes at {weights}. They belong to the repository; "
                "`yanshi train eyes` makes new ones."
            )
        check_weights(weights)
        self.config = config or EyesConfig()
        options = ort.SessionOptions()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = THREADS
        # A waiting thread that spins would take the processor from the control loop.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(
            str(weights), options, providers=["CPUExecutionProvider"]
        )
        record = self._session.get_modelmeta().custom_metadata_map
        missing = {"kinds", "colours", "shape"} - set(record)
        if missing:
            raise ContractError(
                f"{weights} lacks the metadata {', '.join(sorted(missing))}; "
                "`yanshi train eyes` writes them."
            )
        self.kinds: tuple[str, ...] = tuple(json.loads(record["kinds"]))
        """What it can tell apart, in the order of the network's answers."""
        self.colours: tuple[str, ...] = tuple(json.loads(record["colours"]))
        """The colours, in the order of the network's answers; the empty one is a person's."""
        self.shape: tuple[int, int] = tuple(json.loads(record["shape"]))
        """Height and width of the pictures that it was trained for."""

    def detect(self, image: Image) -> tuple[Detection, ...]:
        """Return the things in a picture, the surest first.

        Raises:
            ContractError: The picture has another shape than the eyes were trained for.
        """
        if image.depth.shape != self.shape:
            raise ContractError(
                f"The eyes were trained for pictures of {self.shape} (height, width); "
                f"this one has {image.depth.shape}."
            )
        presence, offset, near, kind, colour = self._session.run(
            None, {"rgb": image.rgb[None], "depth": image.depth[None]}
        )
        config = self.config
        least = min(config.presence_min, config.person_presence_min)
        rows, columns = np.nonzero(presence[0] > least)
        order = np.argsort(-presence[0, rows, columns], kind="stable")
        cells = (rows[order], columns[order])
        positions = locate(cells, offset[0][:, *cells], near[0][cells], image)
        kinds, colours = softmax(kind[0][:, *cells]), softmax(colour[0][:, *cells])
        found = []
        for index in self._keep_apart(positions, kinds.argmax(axis=0)):
            best_kind, best_colour = int(kinds[:, index].argmax()), int(colours[:, index].argmax())
            is_person = self.kinds[best_kind] == "person"
            sure = presence[0, cells[0][index], cells[1][index]]
            if sure <= config.presence_min and not is_person:
                continue
            x, y, z = positions[index]
            found.append(
                Detection(
                    kind=self.kinds[best_kind],
                    colour="" if is_person else self.colours[best_colour],
                    position_in_camera=(float(x), float(y), float(z)),
                    confidence=float(sure * kinds[best_kind, index] * colours[best_colour, index]),
                    kind_shares=_shares(self.kinds, kinds[:, index]),
                    colour_shares={} if is_person else _shares(self.colours, colours[:, index]),
                )
            )
        return tuple(found)

    def _keep_apart(self, positions: NDArray[np.float64], kinds: NDArray[np.intp]) -> list[int]:
        """Return which answers stay when only the surest of neighbours does."""
        own = self.config.own_separation_min
        kept: list[int] = []
        for index, position in enumerate(positions):
            kind = self.kinds[kinds[index]]
            apart = own.get(kind, self.config.separation_min)
            group = {kind} if kind in own else set(self.kinds) - set(own)
            others = [k for k in kept if self.kinds[kinds[k]] in group]
            if all(np.linalg.norm(position - positions[k]) >= apart for k in others):
                kept.append(index)
        return kept[: self.config.detections_max]


def _shares(names: Sequence[str], shares: NDArray[np.float64]) -> dict[str, float]:
    """Return the names that are not out of the question, and how likely each is."""
    return {name: float(share) for name, share in zip(names, shares, strict=True) if share > LEAST}


def locate(
    cells: tuple[NDArray[np.intp], NDArray[np.intp]],
    offset: NDArray[np.float32],
    near: NDArray[np.float32],
    image: Image,
) -> NDArray[np.float64]:
    """Return where the middles are in the camera frame, m, shape (n, 3).

    Args:
        cells: Row and column of each answer, shape (n,) each.
        offset: From the cell's middle to the thing's, in cells right and down, and from the
            nearest surface to the thing's middle in `OFFSET_UNIT_M`, shape (3, n).
        near: Depth of the nearest surface in the cell, m, shape (n,).
        image: The picture, for its size and focal length.
    """
    column_px = (cells[1] + 0.5 + offset[0]) * CELL_PX
    row_px = (cells[0] + 0.5 + offset[1]) * CELL_PX
    depth = near + offset[2] * OFFSET_UNIT_M
    return back_project(column_px, row_px, depth, image)


def back_project(
    column_px: NDArray[np.floating],
    row_px: NDArray[np.floating],
    depth: NDArray[np.floating],
    image: Image,
) -> NDArray[np.float64]:
    """Return the points behind places in the picture, camera frame, m, shape (n, 3).

    Args:
        column_px: From the picture's left edge; the first pixel's middle is at 0.5.
        row_px: From its top edge, likewise.
        depth: Along the optical axis, m.
    """
    height, width = image.depth.shape
    x = (column_px - 0.5 * width) * depth / image.focal_length_px
    y = (row_px - 0.5 * height) * depth / image.focal_length_px
    return np.stack([x, y, depth], axis=-1).astype(np.float64)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return probabilities over the first axis."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=0, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=0, keepdims=True))
