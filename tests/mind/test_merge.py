"""The copy that runs against the whole model, as the format's own library reads both."""

import gguf
import numpy as np
import pytest
from gguf import quants

from yanshi.core.errors import AssetError
from yanshi.mind.merge import PER_TOKEN_KEYS, merged, read_tokens

TOKENS = ["<pad>", "<eos>", "▁go", "▁table", "桌子", "テーブル", "▁стол", "\n"]
KEPT = [0, 1, 2, 3, 4, 7]
WIDTH, OUT, RANK, ALPHA = 64, 96, 4, 8.0
PACKED = {
    "blk.0.attn_k.weight": gguf.GGMLQuantizationType.Q5_0,
    "blk.0.attn_v.weight": gguf.GGMLQuantizationType.Q8_0,
    "blk.0.ffn_up.weight": gguf.GGMLQuantizationType.F32,
}
RNG = np.random.default_rng(0)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "tiny.gguf"
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_uint32("gemma3.embedding_length", WIDTH)
    writer.add_array("general.tags", ["a", "b"])
    writer.add_token_list(TOKENS)
    writer.add_token_scores([-float(i) for i in range(len(TOKENS))])
    writer.add_token_types([3, 3, 1, 1, 1, 1, 1, 4])
    writer.add_tensor("output_norm.weight", RNG.random(WIDTH, dtype=np.float32))
    writer.add_tensor("token_embd.weight", RNG.random((len(TOKENS), WIDTH), dtype=np.float32))
    for name, packing in PACKED.items():
        weights = RNG.normal(size=(OUT, WIDTH)).astype(np.float32)
        writer.add_tensor(name, quants.quantize(weights, packing), raw_dtype=packing)
    finish(writer)
    return path


@pytest.fixture
def adapter(tmp_path):
    return write_adapter(tmp_path / "lora.gguf", PACKED)


def write_adapter(path, names, width=WIDTH):
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_string("general.type", "adapter")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    for name in names:
        writer.add_tensor(f"{name}.lora_a", RNG.normal(size=(RANK, width)).astype(np.float16))
        writer.add_tensor(f"{name}.lora_b", RNG.normal(size=(OUT, RANK)).astype(np.float16))
    finish(writer)
    return path


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def vocabulary(path, kept=KEPT, n=8):
    bits = np.zeros(n, dtype=bool)
    bits[kept] = True
    path.write_bytes(np.packbits(bits).tobytes())
    return path


def numbers(path):
    return {t.name: quants.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(path).tensors}


def test_the_sums_of_model_and_adapter_are_kept_in_8_bits(model, adapter, tmp_path):
    copy = numbers(merged(model, adapter, vocabulary(tmp_path / "v.bin")))
    whole, thin = numbers(model), numbers(adapter)
    for name in PACKED:
        adds = ALPHA / RANK * thin[f"{name}.lora_b"] @ thin[f"{name}.lora_a"]
        total = whole[name] + adds
        # A block of 32 weights shares a 16-bit scale: 127 steps up to its largest.
        step = np.abs(total.reshape(-1, 32)).max(axis=1, keepdims=True) / 127.0
        off = np.abs(copy[name] - total).reshape(-1, 32)
        assert (off <= 0.57 * step).all()
        assert np.abs(adds).max() > 10.0 * step.max()


def test_only_the_chosen_tokens_remain_and_everything_else_is_as_it_was(model, adapter, tmp_path):
    copy = merged(model, adapter, vocabulary(tmp_path / "v.bin"))
    whole, small = gguf.GGUFReader(model), gguf.GGUFReader(copy)
    assert [t.name for t in small.tensors] == [t.name for t in whole.tensors]
    for before, after in zip(whole.tensors, small.tensors, strict=True):
        rows = KEPT if before.name == "token_embd.weight" else slice(None)
        if before.name not in PACKED:
            np.testing.assert_array_equal(after.data, before.data[rows])
    for key, field in whole.fields.items():
        if key.encode() not in PER_TOKEN_KEYS and not key.startswith("GGUF."):
            assert small.fields[key].contents() == field.contents()
    for key in PER_TOKEN_KEYS:
        before = whole.fields[key.decode()].contents()
        assert small.fields[key.decode()].contents() == [before[i] for i in KEPT]


def test_tokens_are_read_as_they_were_written(model):
    tokens, types = read_tokens(model)
    assert [token.decode() for token in tokens] == TOKENS
    assert types.tolist() == [3, 3, 1, 1, 1, 1, 1, 4]


def test_the_copy_is_made_once_with_the_same_bytes_and_another_replaces_it(
    model, adapter, tmp_path
):
    words = vocabulary(tmp_path / "v.bin")
    first = merged(model, adapter, words)
    written, content = first.stat().st_mtime_ns, first.read_bytes()
    assert merged(model, adapter, words) == first
    assert first.stat().st_mtime_ns == written
    first.unlink()
    assert merged(model, adapter, words).read_bytes() == content
    other = merged(model, adapter, vocabulary(tmp_path / "w.bin", kept=[0, 1, 2]))
    third = merged(model, write_adapter(tmp_path / "other.gguf", PACKED), words)
    assert len({first, other, third}) == 3
    assert sorted(tmp_path.glob("tiny-*.gguf")) == [third]


def test_without_a_vocabulary_no_copy_is_made(model, adapter, tmp_path):
    assert merged(model, adapter, tmp_path / "none.bin") is None


def test_where_nothing_can_be_written_there_is_no_copy(model, adapter, tmp_path, monkeypatch):
    words = vocabulary(tmp_path / "v.bin")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(model), "replace", full)
    assert merged(model, adapter, words) is None
    assert not list(tmp_path.glob("*.part"))


def test_a_vocabulary_of_another_model_is_refused(model, adapter, tmp_path):
    with pytest.raises(AssetError, match="for 16 tokens, tiny.gguf has 8"):
        merged(model, adapter, vocabulary(tmp_path / "v.bin", n=16))
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("names", "width"), [(["blk.9.attn_k.weight"], WIDTH), (PACKED, 2 * WIDTH)]
)
def test_an_adapter_of_another_model_is_refused(model, tmp_path, names, width):
    other = write_adapter(tmp_path / "other.gguf", names, width)
    with pytest.raises(AssetError, match=r"other.gguf was trained for another model than tiny"):
        merged(model, other, vocabulary(tmp_path / "v.bin"))
    assert not list(tmp_path.glob("*.part"))


def test_what_is_no_gguf_file_is_refused(adapter, tmp_path):
    path = tmp_path / "x.gguf"
    path.write_bytes(b"not a model" * 10)
    with pytest.raises(AssetError, match="GGUF"):
        merged(path, adapter, vocabulary(tmp_path / "v.bin"))
