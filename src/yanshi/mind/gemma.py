"""The network that runs: Gemma 3 with our adapter added, in bytes, as a graph for ONNX Runtime.

The pinned file is made for llama.cpp, which reads its weights anew for every token that it writes.
We show the network a sentence and a guess of its plan at once (`mind/confirm.py`), which is many
rows a product, and processors multiply bytes in dozens at a time: with VNNI or AMX, which ONNX
Runtime uses where it finds them. So the graph multiplies bytes. A weight is rounded to one of 255
steps up to the largest of its output, which changes it by 1 % (root mean square); what goes in is
rounded the same way row by row as it comes, because some tokens are hundreds of times as large as
others.

The network: Gemma Team, "Gemma 3 Technical Report", 2025. What the adapter adds is summed up
beforehand (E. Hu et al., "LoRA", 2021).
"""

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from yanshi.assets.weights import check_weights
from yanshi.core.errors import AssetError
from yanshi.mind.gguf_file import GgufFile

if TYPE_CHECKING:
    import onnx

VOCABULARY = Path(__file__).parent / "weights" / "plan-vocabulary.bin"
"""One bit per token of the pinned model: whether Chinese, English or the plan language needs it."""
EMBEDDING = "token_embd.weight"
DOWN, UP = ".lora_a", ".lora_b"
"""What the names of an adapter's two thin matrices end with."""
GRAPH = "graph.onnx"
CONTEXT = 512
"""Most tokens at once. So short, every layer sees all: its local ones look back as far."""
GLOBAL_EVERY, GLOBAL_BASE, LOCAL_BASE = 6, 1e6, 1e4
"""Every sixth layer turns its positions more slowly."""
OPSET, IR_VERSION = 23, 10
"""Of ONNX: the first that knows attention and turned positions."""
TINY = 1e-6
"""Against division by zero, in each norm."""
STEPS = 127.0
"""Up to the largest number of a row of bytes."""
MIDDLE = 128
"""The byte that stands for 0 in what goes in."""

Array = NDArray[np.float32]


def kept_tokens(vocabulary: Path = VOCABULARY) -> NDArray[np.intp]:
    """Return the pinned model's numbers of the tokens that are kept, ascending.

    Raises:
        AssetError: It is ours and was changed.
    """
    check_weights(vocabulary)
    return np.flatnonzero(np.unpackbits(np.frombuffer(vocabulary.read_bytes(), np.uint8)))


def graph_of(model: Path, adapter: Path, vocabulary: Path = VOCABULARY) -> Path | None:
    """Return the graph of a model with an adapter and fewer tokens, written the first time.

    It stands in a folder beside the model; those of other adapters or vocabularies are removed.

    Returns:
        The graph's file, or None where there is no vocabulary, or no room or right to write it.

    Raises:
        AssetError: Vocabulary or adapter belong to another model, or are ours and were changed.
    """
    if not vocabulary.is_file():
        return None
    kept = kept_tokens(vocabulary)
    check_weights(adapter)
    own = (vocabulary, adapter, Path(__file__))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in own)).hexdigest()
    folder = model.with_name(f"{model.stem}-{digest[:12]}")
    if not folder.is_dir():
        with suppress(OSError), _alone(model.with_suffix(".lock")):
            if not folder.is_dir():  # Another process may have written it meanwhile.
                _write(folder, model, lambda: _network(GgufFile(model), GgufFile(adapter), kept))
    return folder / GRAPH if folder.is_dir() else None


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process of this machine holds the lock; it ends with its process."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(folder: Path, model: Path, network: Callable[[], "onnx.ModelProto"]) -> None:
    """Write a model's graph, whole or not at all, and remove those of before."""
    partial = folder.with_suffix(".part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        _save(network(), partial / GRAPH)
        partial.replace(folder)
        for older in model.parent.glob(f"{model.stem}-{'?' * 12}*"):
            if older != folder:
                shutil.rmtree(older) if older.is_dir() else older.unlink()
    finally:
        with suppress(OSError):
            shutil.rmtree(partial)


def _save(network: "onnx.ModelProto", path: Path) -> None:
    import onnx

    onnx.save(
        network,
        path,
        save_as_external_data=True,
        location=path.with_suffix(".weights").name,
        size_threshold=CONTEXT,
    )


class _Weights:
    """Matrices by name, the adapter's part in them, each shaped (outputs, inputs)."""

    def __init__(self, model: GgufFile, adapter: GgufFile) -> None:
        self._model, self._adapter = model, adapter
        strange = [
            name
            for name in adapter.tensors
            if name.endswith(DOWN) and not self._fits(name.removesuffix(DOWN))
        ]
        if strange:
            raise AssetError(
                f"The adapter {adapter.name} was trained for another model than {model.name}: "
                f"{strange[0].removesuffix(DOWN)} is not of the same shape."
            )

    def _fits(self, name: str) -> bool:
        tensor = self._model.tensors.get(name)
        down, up = (self._adapter.tensors[name + end] for end in (DOWN, UP))
        return tensor is not None and tensor.shape == (down.shape[0], up.shape[1])

    def vector(self, name: str) -> Array:
        return self._model.tensors[f"{name}.weight"].rows().reshape(-1)

    def matrix(self, *names: str) -> Array:
        """Return matrices of the same input, one below the other."""
        return np.concatenate([self._one(f"{name}.weight") for name in names])

    def _one(self, name: str) -> Array:
        weights = self._model.tensors[name].rows()
        if name + DOWN not in self._adapter.tensors:
            return weights
        down, up = (self._adapter.tensors[name + end].rows() for end in (DOWN, UP))
        scale = self._adapter.number("adapter.lora.alpha") / len(down)
        return weights + np.float32(scale) * (up @ down)


class _Graph:
    """A graph in the making; a value is known by its name."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy = helper, numpy_helper
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._middle = self.constant(np.array(MIDDLE, np.uint8))
        self._last = self.constant(np.array([-1]))

    def constant(self, value: NDArray[np.generic]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(self._numpy.from_array(np.ascontiguousarray(value), name))
        return name

    def many(self, kind: str, *inputs: str, n: int, **settings: Any) -> list[str]:
        outputs = [f"{kind}_{len(self.nodes)}_{i}" for i in range(n)]
        self.nodes.append(self._helper.make_node(kind, list(inputs), outputs, **settings))
        return outputs

    def add(self, kind: str, *inputs: str, **settings: Any) -> str:
        return self.many(kind, *inputs, n=1, **settings)[0]

    def norm(self, x: str, weights: Array) -> str:
        return self.add("RMSNormalization", x, self.constant(weights), axis=-1, epsilon=TINY)

    def product(self, x: str, weights: Array) -> str:
        """Multiply rows, shape (rows, inputs), by weights, both in bytes."""
        largest = np.maximum(np.abs(weights).max(axis=1), TINY) / STEPS
        in_bytes = np.rint(weights / largest[:, None]).astype(np.int8)
        size = self.add("ReduceMax", self.add("Abs", x), self._last, keepdims=0)
        size = self.add("Max", size, self.constant(np.array(TINY, np.float32)))
        step = self.add("Mul", size, self.constant(np.array(1.0 / STEPS, np.float32)))
        middles = self.add("Expand", self._middle, self.add("Shape", step))
        rows = self.add("QuantizeLinear", x, step, middles, axis=0)
        total = self.add("MatMulInteger", rows, self.constant(in_bytes.T), self._middle)
        total = self.add("Cast", total, to=self._type(np.float32))
        by_row = self.add("Mul", total, self.add("Unsqueeze", step, self._last))
        return self.add("Mul", by_row, self.constant(largest))

    def _type(self, kind: type[np.generic]) -> int:
        return int(self._helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def shaped(self, x: str, *shape: int) -> str:
        return self.add("Reshape", x, self.constant(np.array(shape)))

    def finished(self, output: str, width: int, n_outputs: int) -> "onnx.ModelProto":
        make = self._helper
        is_float, is_int = self._type(np.float32), self._type(np.int64)
        graph = make.make_graph(
            [*self.nodes, make.make_node("Identity", [output], ["scores"])],
            "gemma",
            [
                make.make_tensor_value_info("tokens", is_float, ["n", width]),
                make.make_tensor_value_info("positions", is_int, [1, "n"]),
                make.make_tensor_value_info("wanted", is_int, ["m"]),
            ],
            [make.make_tensor_value_info("scores", is_float, ["m", n_outputs])],
            self.constants,
        )
        network: onnx.ModelProto = make.make_model(
            graph, opset_imports=[make.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        return network


def _network(model: GgufFile, adapter: GgufFile, kept: NDArray[np.intp]) -> "onnx.ModelProto":
    """Return the graph: vectors of tokens in, scores of what follows the wanted ones out."""
    embedding = model.tensors[EMBEDDING]
    width, n_tokens = embedding.shape
    if kept[-1] >= n_tokens:
        raise AssetError(
            f"The vocabulary was made for another model than {model.name}, which has {n_tokens} "
            "tokens. `yanshi train mind` makes one."
        )
    weights, graph = _Weights(model, adapter), _Graph()
    head_width = len(weights.vector("blk.0.attn_q_norm"))
    turns = {base: _turns(graph, head_width, base) for base in (GLOBAL_BASE, LOCAL_BASE)}
    x = "tokens"
    for number in range(sum(name.endswith(".attn_q.weight") for name in model.tensors)):
        layer = f"blk.{number}"
        base = LOCAL_BASE if (number + 1) % GLOBAL_EVERY else GLOBAL_BASE
        x = graph.add("Add", x, _attention(graph, weights, layer, x, turns[base]))
        x = graph.add("Add", x, _feed_forward(graph, weights, layer, x))
    x = graph.norm(graph.add("Gather", x, "wanted"), weights.vector("output_norm"))
    return graph.finished(graph.product(x, embedding.rows(kept)), width, len(kept))


def _turns(graph: _Graph, head_width: int, base: float) -> tuple[str, str]:
    """Return cosine and sine of each position's turn (J. Su et al., "RoFormer", 2021)."""
    half = head_width // 2
    angles = np.arange(CONTEXT)[:, None] * base ** (-np.arange(half) / half)
    cosine, sine = (graph.constant(turn(angles).astype(np.float32)) for turn in (np.cos, np.sin))
    return cosine, sine


def _attention(graph: _Graph, weights: _Weights, layer: str, x: str, turns: tuple[str, str]) -> str:
    """Several heads ask, all of one set of keys and values (N. Shazeer, 2019)."""
    x = graph.norm(x, weights.vector(f"{layer}.attn_norm"))
    norms = {side: weights.vector(f"{layer}.attn_{side}_norm") for side in "qk"}
    width = len(norms["q"])
    matrices = weights.matrix(*(f"{layer}.attn_{side}" for side in "qkv"))
    asking = len(matrices) - 2 * width
    widths = graph.constant(np.array([asking, width, width]))
    sides = []
    parts = graph.many("Split", graph.product(x, matrices), widths, n=3, axis=1)
    for side, part in zip("qkv", parts, strict=True):
        part = graph.shaped(part, 1, -1, asking // width if side == "q" else 1, width)
        if side in norms:
            part = graph.norm(part, norms[side])
        part = graph.add("Transpose", part, perm=[0, 2, 1, 3])
        if side in norms:
            part = graph.add("RotaryEmbedding", part, *turns, "positions")
        sides.append(part)
    found = graph.add("Attention", *sides, is_causal=1, scale=width**-0.5)
    found = graph.shaped(graph.add("Transpose", found, perm=[0, 2, 1, 3]), -1, asking)
    found = graph.product(found, weights.matrix(f"{layer}.attn_output"))
    return graph.norm(found, weights.vector(f"{layer}.post_attention_norm"))


def _feed_forward(graph: _Graph, weights: _Weights, layer: str, x: str) -> str:
    x = graph.norm(x, weights.vector(f"{layer}.ffn_norm"))
    matrices = weights.matrix(f"{layer}.ffn_gate", f"{layer}.ffn_up")
    both = graph.product(x, matrices)
    halves = graph.constant(np.array([len(matrices) // 2] * 2))
    gate, up = graph.many("Split", both, halves, n=2, axis=1)
    x = graph.add("Mul", graph.add("Gelu", gate, approximate="tanh"), up)
    x = graph.product(x, weights.matrix(f"{layer}.ffn_down"))
    return graph.norm(x, weights.vector(f"{layer}.post_ffw_norm"))
