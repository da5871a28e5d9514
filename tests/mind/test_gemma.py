"""The graph against the network written out in plain algebra."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import gguf
import numpy as np
import onnxruntime
import pytest
from gguf import quants
from tests.mind.tiny import (
    ALPHA,
    HEAD,
    HEADS,
    LAYERS,
    RANK,
    WIDTH,
    write_adapter,
    write_model,
    write_vocabulary,
)

from yanshi.core.errors import AssetError
from yanshi.mind import gemma
from yanshi.mind.gemma import graph_of, kept_tokens


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "tiny.gguf")


@pytest.fixture
def adapter(tmp_path):
    return write_adapter(tmp_path / "lora.gguf")


@pytest.fixture
def words(tmp_path):
    return write_vocabulary(tmp_path / "v.bin")


def numbers(path):
    return {t.name: quants.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(path).tensors}


def scores(graph, tokens, wanted):
    network = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    inputs = {
        "tokens": tokens.astype(np.float32),
        "positions": np.arange(len(tokens))[None],
        "wanted": np.array(wanted),
    }
    return network.run(None, inputs)[0]


class Plain:
    """Gemma 3 in 64-bit floats, one position after the other; its products rounded, if asked."""

    def __init__(self, model, adapter, is_rounded):
        self.weights, thin = numbers(model), numbers(adapter)
        for name in [name.removesuffix(".lora_a") for name in thin if name.endswith(".lora_a")]:
            added = ALPHA / RANK * thin[f"{name}.lora_b"] @ thin[f"{name}.lora_a"]
            self.weights[name] = self.weights[name] + added
        self.is_rounded = is_rounded

    def times(self, x, weights):
        if self.is_rounded:
            step = np.abs(x).max(axis=-1, keepdims=True) / 127.0
            x = np.rint(x / step) * step
            largest = np.abs(weights).max(axis=1, keepdims=True) / 127.0
            weights = np.rint(weights / largest) * largest
        return x @ weights.T

    def norm(self, x, name):
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6) * self.weights[name]

    def turned(self, x, position, base):
        half = HEAD // 2
        angle = position * base ** (-np.arange(half) / half)
        a, b = x[..., :half], x[..., half:]
        return np.concatenate(
            (a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle)), axis=-1
        )

    def run(self, tokens, kept):
        x = np.asarray(tokens, dtype=np.float64)
        for layer in range(LAYERS):
            base = 1e6 if layer == 5 else 1e4
            w = {
                name.split(".")[2]: array
                for name, array in self.weights.items()
                if name.startswith(f"blk.{layer}.")
            }
            seen = self.norm(x, f"blk.{layer}.attn_norm.weight")
            q, k, v = (self.times(seen, w[f"attn_{side}"]) for side in "qkv")
            q = self.norm(q.reshape(-1, HEADS, HEAD), f"blk.{layer}.attn_q_norm.weight")
            k = self.norm(k, f"blk.{layer}.attn_k_norm.weight")
            k = np.array([self.turned(row, at, base) for at, row in enumerate(k)])
            found = np.zeros((len(x), HEADS, HEAD))
            for at in range(len(x)):
                for head in range(HEADS):
                    looks = k[: at + 1] @ self.turned(q[at, head], at, base) / np.sqrt(HEAD)
                    share = np.exp(looks - looks.max())
                    found[at, head] = share @ v[: at + 1] / share.sum()
            found = self.times(found.reshape(len(x), -1), w["attn_output"])
            x = x + self.norm(found, f"blk.{layer}.post_attention_norm.weight")
            seen = self.norm(x, f"blk.{layer}.ffn_norm.weight")
            gate, up = (self.times(seen, w[f"ffn_{side}"]) for side in ("gate", "up"))
            bent = gate / 2.0 * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (gate + 0.044715 * gate**3)))
            x = x + self.norm(
                self.times(bent * up, w["ffn_down"]), f"blk.{layer}.post_ffw_norm.weight"
            )
        x = self.norm(x, "output_norm.weight")
        return self.times(x, self.weights["token_embd.weight"][kept])


def test_the_graph_is_the_network_in_bytes(model, adapter, words):
    tokens = np.random.default_rng(2).normal(size=(7, WIDTH))
    found = scores(graph_of(model, adapter, words), tokens, range(7))
    kept = kept_tokens(words)
    rounded, exact = (Plain(model, adapter, is_rounded).run(tokens, kept) for is_rounded in (1, 0))
    # What lies between two steps may be rounded either way: 32-bit floats are not 64-bit ones.
    off = np.abs(found - rounded) / exact.std()
    assert np.median(off) < 1e-5
    assert off.max() < 0.1
    assert np.abs(found - exact).max() < 0.15 * exact.std()
    without = Plain(model, write_adapter(adapter.with_name("none.gguf"), ()), is_rounded=False)
    assert np.abs(found - without.run(tokens, kept)).max() > 0.5 * exact.std()


def test_what_comes_later_changes_nothing_before_it_and_only_what_is_wanted_is_told(
    model, adapter, words
):
    graph = graph_of(model, adapter, words)
    tokens = np.random.default_rng(3).normal(size=(6, WIDTH))
    some = scores(graph, tokens, [1, 3])
    np.testing.assert_allclose(some, scores(graph, tokens, range(6))[[1, 3]], rtol=1e-5)
    tokens[4:] = 100.0
    np.testing.assert_allclose(scores(graph, tokens, [1, 3]), some, rtol=1e-4, atol=1e-4)


def test_the_graph_is_made_once_with_the_same_bytes_and_another_replaces_it(
    model, adapter, words, tmp_path
):
    first = graph_of(model, adapter, words)
    files = sorted(first.parent.iterdir())
    written, content = first.stat().st_mtime_ns, [file.read_bytes() for file in files]
    assert graph_of(model, adapter, words) == first
    assert first.stat().st_mtime_ns == written
    for file in files:
        file.unlink()
    first.parent.rmdir()
    graph_of(model, adapter, words)
    assert [file.read_bytes() for file in files] == content
    other = graph_of(model, adapter, write_vocabulary(tmp_path / "w.bin", kept=[0, 1, 2]))
    third = graph_of(model, write_adapter(tmp_path / "other.gguf", ["blk.1.attn_q"]), words)
    assert len({first, other, third}) == 3
    assert sorted(tmp_path.glob("tiny-*")) == [third.parent]


def test_of_two_that_start_at_once_one_makes_the_graph_and_the_other_waits(
    model, adapter, words, monkeypatch
):
    makers, is_second = [], Event()

    def slowly(network, path):
        makers.append(path)
        if len(makers) == 2:
            is_second.set()
        is_second.wait(0.3)
        save(network, path)

    save = gemma._save
    monkeypatch.setattr(gemma, "_save", slowly)
    with ThreadPoolExecutor(2) as threads:
        graphs = list(threads.map(graph_of, [model] * 2, [adapter] * 2, [words] * 2))
    assert len(makers) == 1
    assert graphs[0] == graphs[1]
    onnxruntime.InferenceSession(graphs[0], providers=["CPUExecutionProvider"])  # It is whole.


def test_what_a_killed_process_left_is_made_anew(model, adapter, words):
    graph = graph_of(model, adapter, words)
    content = graph.read_bytes()
    graph.parent.rename(graph.parent.with_suffix(".part"))
    assert graph_of(model, adapter, words).read_bytes() == content
    assert not list(model.parent.glob("*.part"))


def test_without_a_vocabulary_no_graph_is_made(model, adapter, tmp_path):
    assert graph_of(model, adapter, tmp_path / "none.bin") is None


def test_where_nothing_can_be_written_there_is_no_graph(model, adapter, words, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert graph_of(model, adapter, words) is None
    assert not list(model.parent.glob("*.part"))


def test_a_vocabulary_of_another_model_is_refused(model, adapter, tmp_path):
    words = write_vocabulary(tmp_path / "w.bin", kept=[0, 12])
    with pytest.raises(AssetError, match=r"another model than tiny.gguf, which has 10 tokens"):
        graph_of(model, adapter, words)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("names", "width"), [(["blk.9.attn_k"], None), (["blk.1.attn_k"], 2 * WIDTH)]
)
def test_an_adapter_of_another_model_is_refused(model, words, tmp_path, names, width):
    other = write_adapter(tmp_path / "other.gguf", names, width)
    with pytest.raises(AssetError, match=r"other.gguf was trained for another model than tiny"):
        graph_of(model, other, words)
    assert not list(tmp_path.glob("*.part"))
