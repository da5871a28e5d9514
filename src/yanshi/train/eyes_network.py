"""The network of the eyes: colour and depth in, a map of things out.

An encoder of residual blocks down to one sixteenth of the picture and a way back up to one
quarter, where every cell says whether the middle of a thing lies there, where exactly,
and what it is. Depth enters three times: as its inverse (linear across a plane), and as the
inverse minus its local mean at two sizes, times depth squared: the relief in metres, which is
zero on any plane however far and however slanted.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from yanshi.senses.eyes import CELL_PX

INPUT_CHANNELS = 6
RELIEF_SIZES_PX = (9, 31)
RELIEF_UNIT_M = 0.1
PLACE_CHANNELS = 4
"""Presence, offset right, offset down, offset along depth."""


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """A 3 by 3 convolution with normalisation and rectifier."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two convolutions that correct what they are given."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


def stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    """Halve the size, then correct `blocks` times."""
    return nn.Sequential(conv(inputs, outputs, 2), *(Residual(outputs) for _ in range(blocks)))


class EyesNetwork(nn.Module):
    """The whole network, answering with one tensor of maps."""

    def __init__(
        self,
        n_kinds: int,
        n_colours: int,
        channels: Sequence[int] = (16, 32, 48, 96),
        blocks: Sequence[int] = (0, 1, 3),
    ) -> None:
        super().__init__()
        self.n_kinds, self.n_colours = n_kinds, n_colours
        half, quarter, eighth, sixteenth = channels
        self.to_half = conv(INPUT_CHANNELS, half, 2)
        self.to_quarter = stage(half, quarter, blocks[0])
        self.to_eighth = stage(quarter, eighth, blocks[1])
        self.to_sixteenth = stage(eighth, sixteenth, blocks[2])
        self.up_to_eighth = nn.Conv2d(sixteenth, eighth, 1)
        self.at_eighth = conv(eighth, eighth)
        self.up_to_quarter = nn.Conv2d(eighth, quarter, 1)
        self.at_quarter = conv(quarter, quarter)
        self.widen = nn.Sequential(nn.Conv2d(quarter, 64, 1), nn.ReLU(inplace=True))
        self.answer = nn.Conv2d(64, PLACE_CHANNELS + n_kinds + n_colours, 1)
        with torch.no_grad():
            self.answer.get_parameter("bias").zero_()[0] = -4.0  # Most cells hold nothing.

    def forward(self, channels: Tensor) -> Tensor:
        """Return the maps, shape (n, 4 + kinds + colours, height / 4, width / 4).

        Args:
            channels: What `picture_channels` makes of pictures, shape (n, 6, height, width).
        """
        quarter = self.to_quarter(self.to_half(channels))
        eighth = self.to_eighth(quarter)
        deep = self.up_to_eighth(self.to_sixteenth(eighth))
        eighth = self.at_eighth(eighth + functional.interpolate(deep, scale_factor=2.0))
        quarter = quarter + functional.interpolate(self.up_to_quarter(eighth), scale_factor=2.0)
        return self.answer(self.widen(self.at_quarter(quarter)))


def picture_channels(rgb: Tensor, depth: Tensor) -> Tensor:
    """Return what the network sees of pictures, shape (n, 6, height, width).

    Args:
        rgb: Colours 0 to 255 of any type, shape (n, height, width, 3).
        depth: Depth in m, 0 where unknown, shape (n, height, width).
    """
    depth = known_depth(depth)[:, None]
    inverse = 1.0 / depth
    metres = depth * depth / RELIEF_UNIT_M
    channels = [rgb.permute(0, 3, 1, 2).float() / 255.0 - 0.5, inverse]
    for size in RELIEF_SIZES_PX:
        mean = functional.avg_pool2d(inverse, (1, size), 1, (0, size // 2), count_include_pad=False)
        mean = functional.avg_pool2d(mean, (size, 1), 1, (size // 2, 0), count_include_pad=False)
        channels.append(((inverse - mean) * metres).clamp(-2.0, 2.0))
    return torch.cat(channels, dim=1)


def known_depth(depth: Tensor) -> Tensor:
    """Return depth with the unknown taken for far away, in m."""
    return torch.where(depth > 0.0, depth, 10.0).clamp(0.2, 10.0)


def nearest_in_cells(depth: Tensor) -> Tensor:
    """Return the nearest surface in each cell, m, shape (n, height / 4, width / 4)."""
    return -functional.max_pool2d(-known_depth(depth)[:, None], CELL_PX)[:, 0]


class Deployed(nn.Module):
    """The network as `senses.eyes` runs it: presence only where it peaks, maps apart."""

    def __init__(self, network: EyesNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, rgb: Tensor, depth: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        maps = self.network(picture_channels(rgb, depth))
        presence = maps[:, :1].sigmoid()
        is_peak = presence >= functional.max_pool2d(presence, 3, 1, 1)
        kinds = PLACE_CHANNELS + self.network.n_kinds
        return (
            (presence * is_peak)[:, 0],
            maps[:, 1:PLACE_CHANNELS],
            nearest_in_cells(depth),
            maps[:, PLACE_CHANNELS:kinds],
            maps[:, kinds:],
        )
