"""The model that runs, made of the pinned one: fewer tokens, and our adapter merged in.

Gemma-3-270M knows 262,144 tokens in 140 languages. Their vectors are three quarters of the file,
and all of them are read for every token that is written. Plans are asked for in Chinese and
English, so the copy keeps the tokens of these (`weights/plan-vocabulary.bin`, one bit per token,
made by `yanshi train mind`). Text outside of them falls back to Gemma's own byte tokens.

What a low-rank adapter adds, it would add again for every token, in small products for which the
processor's cores wait for each other. The copy holds the sums, in 8 bits a weight.

The file format is GGUF, version 3 (github.com/ggml-org/ggml, docs/gguf.md): key-value pairs,
tensor descriptions, then the tensors, each at a multiple of the alignment.
"""

import hashlib
import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Packing
from gguf import quants
from numpy.typing import NDArray

from yanshi.assets.weights import check_weights
from yanshi.core.errors import AssetError

VOCABULARY = Path(__file__).parent / "weights" / "plan-vocabulary.bin"
EMBEDDING = b"token_embd.weight"
ALPHA = b"adapter.lora.alpha"
DOWN, UP = b".lora_a", b".lora_b"
"""What the names of an adapter's two thin matrices end with."""
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


def merged(model: Path, adapter: Path, vocabulary: Path = VOCABULARY) -> Path | None:
    """Return a copy of `model` with fewer tokens and an adapter merged in, made the first time.

    It stands beside the model; copies with other adapters or vocabularies are removed.

    Returns:
        The copy, or None where there is no vocabulary, or no room or right to write it: the model
        itself with its adapter gives the same plans, later.

    Raises:
        AssetError: Vocabulary or adapter belong to another model, or are ours and were changed.
    """
    if not vocabulary.is_file():
        return None
    check_weights(vocabulary)
    check_weights(adapter)
    bits = vocabulary.read_bytes()
    digest = hashlib.sha256(bits + adapter.read_bytes()).hexdigest()
    copy = model.with_name(f"{model.stem}-{digest[:12]}.gguf")
    if copy.is_file():
        return copy
    keep = np.unpackbits(np.frombuffer(bits, np.uint8)).astype(bool)
    partial = copy.with_suffix(f".{os.getpid()}.part")
    try:
        _write_copy(_Gguf(model), _Gguf(adapter), keep, partial)
        partial.replace(copy)
        for older in set(model.parent.glob(f"{model.stem}-{'?' * 12}.gguf")) - {copy}:
            older.unlink()
    except OSError:
        return copy if copy.is_file() else None
    finally:
        with suppress(OSError):
            partial.unlink()
    return copy


def read_tokens(model: Path) -> tuple[list[bytes], NDArray[np.int32]]:
    """Return every token's text and its type (1 for an ordinary one) from a GGUF file."""
    tokens, _, types = (_Gguf(model).values[key] for key in PER_TOKEN_KEYS)
    return _strings(tokens), np.frombuffer(_entries(types), np.int32)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tensor:
    """Some weights as they stand in a file."""

    shape: tuple[int, ...]
    """The fastest index first."""
    packing: Packing
    body: NDArray[np.uint8]

    def unpacked(self) -> NDArray[np.float64]:
        """Return its numbers, the fastest index last."""
        rows = int(np.prod(self.shape[1:]))
        plain = {Packing.F32: np.float32, Packing.F16: np.float16}.get(self.packing)
        if plain is not None:
            return self.body.view(plain).reshape(rows, self.shape[0]).astype(np.float64)
        packed = self.body.reshape(rows, -1)
        return np.asarray(quants.dequantize(packed, self.packing), dtype=np.float64)


class _Gguf:
    """What a GGUF file holds."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._data = np.memmap(path, np.uint8, "r")
        cursor = _Cursor(self._data)
        if cursor.take(4) != b"GGUF" or cursor.number("I") != 3:
            raise AssetError(f"{path} was to be a GGUF file of version 3 and is not.")
        n_tensors, n_values = cursor.number("Q"), cursor.number("Q")
        self.values: dict[bytes, bytes] = {}
        """Key to the value's bytes, its type left out."""
        self.types: dict[bytes, int] = {}
        for _ in range(n_values):
            key, kind = cursor.string(), cursor.number("I")
            self.types[key], self.values[key] = kind, cursor.value(kind)
        self._heads: list[tuple[bytes, tuple[int, ...], int, int]] = []
        for _ in range(n_tensors):
            name, n_dimensions = cursor.string(), cursor.number("I")
            shape = tuple(cursor.number("Q") for _ in range(n_dimensions))
            self._heads.append((name, shape, cursor.number("I"), cursor.number("Q")))
        self._data_at = -(-cursor.at // ALIGNMENT) * ALIGNMENT

    @cached_property
    def tensors(self) -> dict[bytes, _Tensor]:
        """The weights by name, in the file's order."""
        found = {}
        for name, shape, kind, offset in self._heads:
            packing = Packing(kind)
            row = int(quants.quant_shape_to_byte_shape(shape[:1], packing)[0])
            start = self._data_at + offset
            size = row * int(np.prod(shape[1:]))
            body = self._data[start : start + size]
            found[name] = _Tensor(shape=shape, packing=packing, body=body)
        return found


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


def _write_copy(model: _Gguf, adapter: _Gguf, keep: NDArray[np.bool_], path: Path) -> None:
    n_tokens = model.tensors[EMBEDDING].shape[1]
    if len(keep) != n_tokens:
        raise AssetError(
            f"The vocabulary is for {len(keep)} tokens, {model.name} has {n_tokens}. "
            "`yanshi train mind` makes a new one."
        )
    kept = np.flatnonzero(keep)
    values = {**model.values, **{k: _chosen(model.values[k], kept) for k in PER_TOKEN_KEYS}}
    descriptions, bodies, at = b"", [], 0
    for name, tensor in _with_adapter(model, adapter).items():
        body, shape = tensor.body, tensor.shape
        if name == EMBEDDING:
            body = body.reshape(n_tokens, -1)[kept].reshape(-1)
            shape = (shape[0], len(kept))
        dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        descriptions += _string(name) + dimensions + struct.pack("<IQ", tensor.packing, at)
        bodies.append(body)
        at += -(-len(body) // ALIGNMENT) * ALIGNMENT
    pairs = b"".join(
        _string(key) + struct.pack("<I", model.types[key]) + value for key, value in values.items()
    )
    start = struct.pack("<4sIQQ", b"GGUF", 3, len(bodies), len(values))
    with path.open("wb") as file:
        for block in (start + pairs + descriptions, *(body.tobytes() for body in bodies)):
            file.write(block)
            file.write(bytes(-len(block) % ALIGNMENT))


def _with_adapter(model: _Gguf, adapter: _Gguf) -> dict[bytes, _Tensor]:
    """Return a model's weights with those of an adapter added, these in 8 bits.

    Raises:
        AssetError: The adapter is for a model with other weights.
    """
    tensors = dict(model.tensors)
    for name, down in adapter.tensors.items():
        if not name.endswith(DOWN):
            continue
        base = name.removesuffix(DOWN)
        up, tensor = adapter.tensors[base + UP], tensors.get(base)
        if tensor is None or tensor.shape != (down.shape[0], up.shape[1]):
            raise AssetError(
                f"The adapter {adapter.name} was trained for another model than {model.name}: "
                f"{base.decode()} is not of the same shape."
            )
        scale = struct.unpack("<f", adapter.values[ALPHA])[0] / down.shape[1]
        total = tensor.unpacked() + scale * (up.unpacked() @ down.unpacked())
        packed = quants.quantize(total.astype(np.float32), Packing.Q8_0)
        body = np.ascontiguousarray(packed).reshape(-1)
        tensors[base] = _Tensor(shape=tensor.shape, packing=Packing.Q8_0, body=body)
    return tensors
