"""The training of the mind: its layers against plain algebra, its files against their readers."""

from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
gguf = pytest.importorskip("gguf", reason="needs the extra `train`")
pytest.importorskip("transformers", reason="needs the extra `train`")

from transformers import AutoTokenizer  # noqa: E402

from yanshi.assets.store import locate  # noqa: E402
from yanshi.core.errors import ConfigError  # noqa: E402
from yanshi.mind.gemma import VOCABULARY  # noqa: E402
from yanshi.mind.gguf_file import GgufFile  # noqa: E402
from yanshi.mind.model import ADAPTER, PINNED_MODEL  # noqa: E402
from yanshi.mind.prompt import prompt_for  # noqa: E402
from yanshi.mind.tokens import Tokens  # noqa: E402
from yanshi.train.mind import (  # noqa: E402
    CHINESE,
    LowRank,
    MindTraining,
    architecture_of,
    choose_vocabulary,
    learning_rate,
    mix_in,
    write_gguf,
)
from yanshi.train.sentences import examples  # noqa: E402


def test_an_untrained_adapter_changes_nothing_and_a_trained_one_adds_its_product():
    torch.manual_seed(0)
    frozen = torch.nn.Linear(6, 4, bias=False)
    layer = LowRank(frozen, rank=2, scale=1.5)
    x = torch.randn(3, 6)
    torch.testing.assert_close(layer(x), frozen(x))
    torch.nn.init.normal_(layer.up)
    merged = frozen.weight + 1.5 * layer.up @ layer.down
    torch.testing.assert_close(layer(x), x @ merged.T)


def test_a_share_of_the_adapter_before_is_kept():
    layer = LowRank(torch.nn.Linear(3, 2, bias=False), rank=2, scale=1.0)
    student = SimpleNamespace(adapter={"blk.0.attn_q.weight": layer})
    torch.nn.init.ones_(layer.up)
    learnt = layer.down.detach().clone()
    # One that was thinner had nothing in the rest.
    before = {
        "blk.0.attn_q.weight.lora_a": torch.full((1, 3), 5.0),
        "blk.0.attn_q.weight.lora_b": torch.zeros(2, 1),
    }
    mix_in(student, before, 0.25)
    assert torch.allclose(layer.down[0], 0.75 * learnt[0] + 0.25 * 5.0)
    assert torch.equal(layer.down[1], learnt[1])
    assert torch.allclose(layer.up, torch.tensor([[0.75, 1.0], [0.75, 1.0]]))


def test_only_the_adapter_learns():
    frozen = torch.nn.Linear(6, 4, bias=False).requires_grad_(False)
    layer = LowRank(frozen, rank=2, scale=1.0)
    layer(torch.randn(3, 6)).sum().backward()
    assert frozen.weight.grad is None
    assert layer.up.grad is not None


def test_the_learning_rate_rises_then_falls_to_a_twentieth():
    config = MindTraining(learning_rate=1.0)
    rates = [learning_rate(config, share) for share in np.linspace(0.0, 1.0, 101)]
    top = int(np.argmax(rates))
    assert rates[0] == 0.0
    assert top == 3
    assert np.all(np.diff(rates[top:]) < 0.0)
    assert rates[-1] == pytest.approx(0.05)


def test_a_base_that_cannot_be_adapted_is_refused_with_those_that_can(tmp_path):
    letter = tmp_path / "letter.gguf"
    letter.write_text("Dear model,")
    with pytest.raises(ConfigError, match=r"letter\.gguf.*qwen3"):
        architecture_of(letter)
    other = tmp_path / "other.gguf"
    writer = gguf.GGUFWriter(other, "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(ConfigError, match="'mamba'.*gemma3"):
        architecture_of(other)
    assert architecture_of(locate(PINNED_MODEL)) == "gemma3"


def test_the_written_adapter_reads_back_with_its_scale(tmp_path):
    path = tmp_path / "a.gguf"
    arrays = {"blk.0.attn_q.weight.lora_a": torch.arange(6.0).reshape(2, 3)}
    write_gguf(path, arrays, alpha=8.0)
    reader = gguf.GGUFReader(path)
    assert reader.fields["adapter.type"].contents() == "lora"
    assert reader.fields["adapter.lora.alpha"].contents() == 8.0
    np.testing.assert_array_equal(reader.tensors[0].data, [[0, 1, 2], [3, 4, 5]])
    assert reader.tensors[0].data.dtype == np.float16


def test_the_shipped_adapter_has_two_matrices_for_every_layer_it_adapts():
    names = {tensor.name for tensor in gguf.GGUFReader(ADAPTER).tensors}
    assert len(names) == 18 * 7 * 2
    assert all(name.replace("lora_a", "lora_b") in names for name in names)


def test_sentences_are_cut_into_tokens_as_the_model_was_taught():
    model = locate(PINNED_MODEL)
    taught = AutoTokenizer.from_pretrained(str(model.parent), gguf_file=model.name)
    texts, scores, types = GgufFile(model).vocabulary()
    ours = Tokens(texts, scores.tolist(), types.tolist())
    for example in islice(examples(5), 500):
        for text in (prompt_for(example.sentence), example.plan + "\n"):
            assert ours.encode(text) == taught(text, add_special_tokens=False).input_ids


def test_the_vocabulary_keeps_all_of_chinese_and_all_that_the_sentences_need():
    model = locate(PINNED_MODEL)
    tokens = [token.decode("utf8", "replace") for token in GgufFile(model).vocabulary()[0]]
    sample = list(islice(examples(3), 40))
    keep = choose_vocabulary(model, sample)
    kept = {token for token, is_kept in zip(tokens, keep, strict=True) if is_kept}
    assert {token for token in tokens if CHINESE.fullmatch(token)} <= kept
    words = {word for example in sample for word in example.plan.replace(";", "").split()}
    assert {word for word in words if word in tokens} <= kept
    assert {"<bos>", "<eos>", "<0x00>", "<0xFF>", "\n"} <= kept
    assert "▁стол" not in kept


def test_the_shipped_vocabulary_keeps_what_the_sentences_need():
    tokens, _, _ = GgufFile(locate(PINNED_MODEL)).vocabulary()
    bits = np.unpackbits(np.frombuffer(VOCABULARY.read_bytes(), np.uint8)).astype(bool)
    assert len(bits) == len(tokens)
    assert 30_000 < bits.sum() < 60_000
