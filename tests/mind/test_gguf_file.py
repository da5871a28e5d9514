"""Files against the format's own library."""

import gguf
import numpy as np
import pytest
from gguf import quants
from tests.mind.tiny import TOKENS, write_model

from yanshi.core.errors import AssetError
from yanshi.mind.gguf_file import GgufFile


def test_every_tensor_is_read_as_the_library_reads_it(tmp_path):
    path = write_model(tmp_path / "tiny.gguf")
    read = GgufFile(path).tensors
    wanted = {
        t.name: quants.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(path).tensors
    }
    assert list(read) == list(wanted)
    for name, numbers in wanted.items():
        np.testing.assert_array_equal(read[name].rows().reshape(numbers.shape), numbers)
    some = np.array([5, 0])
    np.testing.assert_array_equal(
        read["token_embd.weight"].rows(some), wanted["token_embd.weight"][some]
    )


def test_tokens_are_read_as_they_were_written(tmp_path):
    texts, scores, types = GgufFile(write_model(tmp_path / "tiny.gguf")).vocabulary()
    assert [text.decode() for text in texts] == TOKENS
    assert scores.tolist() == [-float(i) for i in range(len(TOKENS))]
    assert types.tolist()[:4] == [3, 3, 3, 1]


def test_what_is_no_gguf_file_is_refused(tmp_path):
    path = tmp_path / "x.gguf"
    path.write_bytes(b"not a model" * 10)
    with pytest.raises(AssetError, match="GGUF"):
        GgufFile(path)
