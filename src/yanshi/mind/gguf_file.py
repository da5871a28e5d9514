"""Read a GGUF file, version 3 (github.com/ggml-org/ggml, docs/gguf.md).

Key-value pairs, tensor descriptions, then the tensors, each at a multiple of the alignment. A
vocabulary of 262,144 tokens is read in a fraction of a second, which the format's own library
takes several for.
"""

import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Packing
from gguf import quants
from numpy.typing import NDArray

from yanshi.core.errors import AssetError

STRING, ARRAY = 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of each plain value type."""
ALIGNMENT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """Some weights as they stand in a file."""

    shape: tuple[int, ...]
    """The fastest index first."""
    packing: Packing
    body: NDArray[np.uint8]

    def rows(self, which: NDArray[np.intp] | slice = slice(None)) -> NDArray[np.float32]:
        """Return the numbers of some rows, the fastest index last."""
        count = int(np.prod(self.shape[1:]))
        packed = self.body.reshape(count, -1)[which]
        plain = {Packing.F32: np.float32, Packing.F16: np.float16}.get(self.packing)
        if plain is not None:
            return np.ascontiguousarray(packed).view(plain).astype(np.float32)
        return np.asarray(quants.dequantize(packed, self.packing), dtype=np.float32)


class GgufFile:
    """What a GGUF file holds."""

    def __init__(self, path: Path) -> None:
        """Read all but the tensors.

        Raises:
            AssetError: It is no GGUF file of version 3.
        """
        self.name = path.name
        self._data = np.memmap(path, np.uint8, "r")
        cursor = _Cursor(self._data)
        if cursor.take(4) != b"GGUF" or cursor.number("I") != 3:
            raise AssetError(f"{path} was to be a GGUF file of version 3 and is not.")
        n_tensors, n_values = cursor.number("Q"), cursor.number("Q")
        self._values: dict[str, tuple[int, bytes]] = {}
        for _ in range(n_values):
            key, kind = cursor.string(), cursor.number("I")
            self._values[key.decode()] = (kind, cursor.value(kind))
        self._heads: list[tuple[str, tuple[int, ...], int, int]] = []
        for _ in range(n_tensors):
            name, n_dimensions = cursor.string(), cursor.number("I")
            shape = tuple(cursor.number("Q") for _ in range(n_dimensions))
            self._heads.append((name.decode(), shape, cursor.number("I"), cursor.number("Q")))
        self._data_at = -(-cursor.at // ALIGNMENT) * ALIGNMENT

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """The weights by name, in the file's order."""
        found = {}
        for name, shape, kind, offset in self._heads:
            packing = Packing(kind)
            row = int(quants.quant_shape_to_byte_shape(shape[:1], packing)[0])
            start = self._data_at + offset
            size = row * int(np.prod(shape[1:]))
            body = self._data[start : start + size]
            found[name] = Tensor(shape=shape, packing=packing, body=body)
        return found

    def number(self, key: str) -> float:
        """Return a 32-bit float."""
        return float(struct.unpack("<f", self._values[key][1])[0])

    def vocabulary(self) -> tuple[list[bytes], NDArray[np.float32], NDArray[np.int32]]:
        """Return every token's text, score and type (1 for an ordinary one)."""
        texts, scores, types = (
            self._values[f"tokenizer.ggml.{name}"][1] for name in ("tokens", "scores", "token_type")
        )
        cursor = _Cursor(np.frombuffer(texts, np.uint8))
        cursor.take(4)
        strings = [cursor.string() for _ in range(cursor.number("Q"))]
        # An array's entries follow its type and count.
        return strings, np.frombuffer(scores[12:], np.float32), np.frombuffer(types[12:], np.int32)


class _Cursor:
    """Reads little-endian values one after the other."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at].tobytes()

    def number(self, kind: str) -> int:
        return int(struct.unpack(f"<{kind}", self.take(struct.calcsize(kind)))[0])

    def string(self) -> bytes:
        return self.take(self.number("Q"))

    def value(self, kind: int) -> bytes:
        """Return a value's bytes and step over it."""
        start = self.at
        if kind == STRING:
            self.string()
        elif kind == ARRAY:
            inner, count = self.number("I"), self.number("Q")
            if inner in SIZES:
                self.at += SIZES[inner] * count
            else:
                for _ in range(count):
                    self.value(inner)
        else:
            self.at += SIZES[kind]
        return self.data[start : self.at].tobytes()
