"""Cutting into tokens against a slower way of joining pairs, and back again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.assets.store import locate
from yanshi.mind.gguf_file import GgufFile
from yanshi.mind.model import PINNED_MODEL
from yanshi.mind.tokens import BYTE, CONTROL, ORDINARY, Tokens

WORDS = ["<bos>", "g", "o", "▁", "go", "▁g", "▁go", "goo", "oo", "桌", "子", "桌子", "\n"]
SCORES = [0.0, -9.0, -8.0, -10.0, -1.0, -2.0, -3.0, -4.0, -5.0, -11.0, -12.0, -6.0, -7.0]
SMALL = Tokens(
    [*(word.encode() for word in WORDS), *(f"<0x{value:02X}>".encode() for value in range(256))],
    [*SCORES, *[0.0] * 256],
    [CONTROL, *[ORDINARY] * (len(WORDS) - 1), *[BYTE] * 256],
)


@pytest.fixture(scope="module")
def ours():
    texts, scores, types = GgufFile(locate(PINNED_MODEL)).vocabulary()
    return Tokens(texts, scores.tolist(), types.tolist())


def joined_slowly(text):
    """Join the best pair, the leftmost of equals, and look at all pairs anew."""
    parts = list(text.replace(" ", "▁"))
    while True:
        pairs = [
            (SCORES[WORDS.index(a + b)], -at)
            for at, (a, b) in enumerate(zip(parts, parts[1:], strict=False))
            if a + b in WORDS
        ]
        if not pairs:
            return parts
        at = -max(pairs)[1]
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


@given(st.text("go 桌子\n", max_size=12))
def test_the_best_pair_is_joined_first(text):
    assert [WORDS[token] for token in SMALL.encode(text)] == joined_slowly(text)


@given(st.text(max_size=20))
def test_every_text_comes_back(text):
    if "▁" not in text and text.isprintable():
        assert SMALL.decode(SMALL.encode(text)) == text


def test_what_is_no_token_becomes_its_bytes_and_no_text_a_control_token():
    assert SMALL.encode("猫") == [len(WORDS) + value for value in "猫".encode()]
    assert 0 not in SMALL.encode("<bos>")
    assert SMALL.decode([0, 4]) == "go"


@given(st.text(max_size=30))
def test_every_text_comes_back_from_the_pinned_vocabulary(ours, text):
    if "▁" not in text:
        cleaned = text.encode("utf8", "ignore").decode()
        assert ours.decode(ours.encode(cleaned)) == cleaned


def test_the_pinned_vocabulary_cuts_orders(ours):
    """That it does so as the model's own tokenizer, `tests/train` checks."""
    assert len(ours) == 262_144
    assert [ours.decode([token]) for token in ours.encode("go to the table\n")] == [
        *("go", " to", " the", " table", "\n"),
    ]
    assert np.all(np.array(ours.encode("<eos>")) > 3)
