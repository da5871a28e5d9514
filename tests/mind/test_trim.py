"""The trimmed model against the whole one, as the format's own library reads both."""

import numpy as np
import pytest

gguf = pytest.importorskip("gguf", reason="needs the extra `train`")

from yanshi.core.errors import AssetError  # noqa: E402
from yanshi.mind.trim import PER_TOKEN_KEYS, read_tokens, trimmed  # noqa: E402

TOKENS = ["<pad>", "<eos>", "▁go", "▁table", "桌子", "テーブル", "▁стол", "\n"]
KEPT = [0, 1, 2, 3, 4, 7]
WIDTH = 64


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "tiny.gguf"
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_uint32("gemma3.embedding_length", WIDTH)
    writer.add_array("general.tags", ["a", "b"])
    writer.add_token_list(TOKENS)
    writer.add_token_scores([-float(i) for i in range(len(TOKENS))])
    writer.add_token_types([3, 3, 1, 1, 1, 1, 1, 4])
    writer.add_tensor("output_norm.weight", rng.random(WIDTH, dtype=np.float32))
    writer.add_tensor("token_embd.weight", rng.random((len(TOKENS), WIDTH), dtype=np.float32))
    writer.add_tensor("blk.0.attn_k.weight", rng.random((5, 3), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def vocabulary(path, kept=KEPT, n=8):
    bits = np.zeros(n, dtype=bool)
    bits[kept] = True
    path.write_bytes(np.packbits(bits).tobytes())
    return path


def test_only_the_chosen_tokens_remain_and_everything_else_is_as_it_was(model, tmp_path):
    copy = trimmed(model, vocabulary(tmp_path / "v.bin"))
    whole, small = gguf.GGUFReader(model), gguf.GGUFReader(copy)
    for before, after in zip(whole.tensors, small.tensors, strict=True):
        rows = KEPT if before.name == "token_embd.weight" else slice(None)
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


def test_the_copy_is_made_once_and_another_vocabulary_replaces_it(model, tmp_path):
    first = trimmed(model, vocabulary(tmp_path / "v.bin"))
    written = first.stat().st_mtime_ns
    assert trimmed(model, tmp_path / "v.bin") == first
    assert first.stat().st_mtime_ns == written
    other = trimmed(model, vocabulary(tmp_path / "w.bin", kept=[0, 1, 2]))
    assert other != first
    assert [model, other] == sorted(tmp_path.glob("*.gguf"), key=lambda path: len(path.name))


def test_without_a_vocabulary_the_model_runs_as_it_is(model, tmp_path):
    assert trimmed(model, tmp_path / "none.bin") == model


def test_where_nothing_can_be_written_the_model_runs_as_it_is(model, tmp_path, monkeypatch):
    words = vocabulary(tmp_path / "v.bin")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(model), "replace", full)
    assert trimmed(model, words) == model
    assert not list(tmp_path.glob("*.part"))


def test_a_vocabulary_of_another_model_is_refused(model, tmp_path):
    with pytest.raises(AssetError, match="for 16 tokens, tiny.gguf has 8"):
        trimmed(model, vocabulary(tmp_path / "v.bin", n=16))
    assert not list(tmp_path.glob("*.part"))


def test_what_is_no_gguf_file_is_refused(tmp_path):
    path = tmp_path / "x.gguf"
    path.write_bytes(b"not a model" * 10)
    with pytest.raises(AssetError, match="GGUF"):
        trimmed(path, vocabulary(tmp_path / "v.bin"))
