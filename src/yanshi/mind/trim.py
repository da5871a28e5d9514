"""A smaller vocabulary for the on-board model: most of its weight is words nobody here will say.

Gemma-3-270M knows 262,144 tokens in 140 languages. Their vectors are three quarters of the file,
and all of them are read for every token that is written. Plans are asked for in Chinese and
English, so the model that runs keeps the tokens of these (`weights/plan-vocabulary.bin`, one bit
per token, made by `yanshi train mind`) and is otherwise the pinned one, byte for byte. Text
outside of them falls back to Gemma's own byte tokens.

The file format is GGUF, version 3 (github.com/ggml-org/ggml, docs/gguf.md): key-value pairs,
tensor descriptions, then the tensors, each at a multiple of the alignment.
"""

import hashlib
import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.assets.weights import check_weights
from yanshi.core.errors import AssetError

VOCABULARY = Path(__file__).parent / "weights" / "plan-vocabulary.bin"
EMBEDDING = b"token_embd.weight"
PER_TOKEN_KEYS = (
    b"tokenizer.ggml.tokens",
    b"tokenizer.ggml.scores",
    b"tokenizer.ggml.token_type",
)
"""Arrays with one entry per token."""
STRING, ARRAY = 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of each plain value type."""
ALIGNMENT = 32


def trimmed(model: Path, vocabulary: Path = VOCABULARY) -> Path:
    """Return a copy of `model` with fewer tokens, made beside it the first time.

    Where there is no vocabulary, or no room or right to write the copy, the model itself is
    returned: it gives the same plans, later.

    Raises:
        AssetError: The vocabulary belongs to another model.
    """
    if not vocabulary.is_file():
        return model
    check_weights(vocabulary)
    bits = vocabulary.read_bytes()
    name = f"{model.stem}-{hashlib.sha256(bits).hexdigest()[:12]}.gguf"
    copy = model.with_name(name)
    if copy.is_file():
        return copy
    partial = copy.with_suffix(f".{os.getpid()}.part")
    try:
        _write_copy(model, partial, np.unpackbits(np.frombuffer(bits, np.uint8)).astype(bool))
        partial.replace(copy)
        for older in set(model.parent.glob(f"{model.stem}-{'?' * 12}.gguf")) - {copy}:
            older.unlink()
    except OSError:
        return copy if copy.is_file() else model
    finally:
        with suppress(OSError):
            partial.unlink()
    return copy


def read_tokens(model: Path) -> tuple[list[bytes], NDArray[np.int32]]:
    """Return every token's text and its type (1 for an ordinary one) from a GGUF file."""
    header = _read_header(np.memmap(model, np.uint8, "r"))
    tokens, _, types = (header.values[key] for key in PER_TOKEN_KEYS)
    return _strings(tokens), np.frombuffer(_entries(types), np.int32)


@dataclass(slots=True)
class _Header:
    """What stands before the tensors."""

    values: dict[bytes, bytes]
    """Key to the value's bytes, its type left out."""
    types: dict[bytes, int]
    tensors: list[tuple[bytes, list[int], int, int]]
    """Name, dimensions, type and offset."""
    data_at: int


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


def _read_header(data: NDArray[np.uint8]) -> _Header:
    cursor = _Cursor(data)
    if cursor.take(4) != b"GGUF" or cursor.number("I") != 3:
        raise AssetError("The language model was to be a GGUF file of version 3 and is not.")
    n_tensors, n_values = cursor.number("Q"), cursor.number("Q")
    header = _Header({}, {}, [], 0)
    for _ in range(n_values):
        key, kind = cursor.string(), cursor.number("I")
        header.types[key], header.values[key] = kind, cursor.value(kind)
    for _ in range(n_tensors):
        name, n_dimensions = cursor.string(), cursor.number("I")
        dimensions = [cursor.number("Q") for _ in range(n_dimensions)]
        header.tensors.append((name, dimensions, cursor.number("I"), cursor.number("Q")))
    header.data_at = -(-cursor.at // ALIGNMENT) * ALIGNMENT
    return header


def _entries(array: bytes) -> bytes:
    """Return what follows an array value's type and count."""
    return array[12:]


def _strings(array: bytes) -> list[bytes]:
    cursor = _Cursor(np.frombuffer(array, np.uint8))
    cursor.take(4)
    return [cursor.string() for _ in range(cursor.number("Q"))]


def _string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _chosen(array: bytes, kept: NDArray[np.intp]) -> bytes:
    """Return an array value with only some of its entries."""
    kind = struct.unpack_from("<I", array)[0]
    head = struct.pack("<IQ", kind, len(kept))
    if kind == STRING:
        strings = _strings(array)
        return head + b"".join(_string(strings[i]) for i in kept)
    return head + np.frombuffer(_entries(array), f"V{SIZES[kind]}")[kept].tobytes()


def _write_copy(model: Path, path: Path, keep: NDArray[np.bool_]) -> None:
    data = np.memmap(model, np.uint8, "r")
    header = _read_header(data)
    n_tokens = next(shape[1] for name, shape, _, _ in header.tensors if name == EMBEDDING)
    if len(keep) != n_tokens:
        raise AssetError(
            f"The vocabulary is for {len(keep)} tokens, {model.name} has {n_tokens}. "
            "`yanshi train mind` makes a new one."
        )
    kept = np.flatnonzero(keep)
    for key in PER_TOKEN_KEYS:
        header.values[key] = _chosen(header.values[key], kept)
    starts = sorted(offset for *_, offset in header.tensors)
    ends = dict(zip(starts, [*starts[1:], len(data) - header.data_at], strict=True))
    bodies: list[NDArray[np.uint8]] = []
    descriptions, at = b"", 0
    for name, shape, kind, offset in header.tensors:
        body = data[header.data_at + offset : header.data_at + ends[offset]]
        if name == EMBEDDING:
            body = body.reshape(n_tokens, -1)[kept].reshape(-1)
            shape = [shape[0], len(kept)]
        dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        descriptions += _string(name) + dimensions + struct.pack("<IQ", kind, at)
        bodies.append(body)
        at += -(-len(body) // ALIGNMENT) * ALIGNMENT
    values = b"".join(
        _string(key) + struct.pack("<I", header.types[key]) + value
        for key, value in header.values.items()
    )
    start = struct.pack("<4sIQQ", b"GGUF", 3, len(bodies), len(header.values))
    with path.open("wb") as file:
        for block in (start + values + descriptions, *(body.tobytes() for body in bodies)):
            file.write(block)
            file.write(bytes(-len(block) % ALIGNMENT))
