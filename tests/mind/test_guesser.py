"""The network that guesses; what it computes is compared with torch in `tests/train`."""

import numpy as np
import pytest

from yanshi.assets.store import locate
from yanshi.mind.gemma import kept_tokens
from yanshi.mind.gguf_file import GgufFile
from yanshi.mind.guesser import LENGTH_MAX, Guesser
from yanshi.mind.model import PINNED_MODEL
from yanshi.mind.tokens import Tokens


@pytest.fixture(scope="module")
def kept():
    return kept_tokens()


@pytest.fixture(scope="module")
def tokens(kept):
    texts, scores, types = GgufFile(locate(PINNED_MODEL)).vocabulary()
    return Tokens([texts[n] for n in kept], scores[kept].tolist(), types[kept].tolist())


def test_simple_orders_are_guessed_and_a_guess_goes_on_from_what_is_written(kept, tokens):
    (end,) = tokens.encode("\n")
    guesser = Guesser(kept)
    for sentence, plan in (
        ("走到桌子前\n", "go table\n"),
        ("please dance\n", "dance\n"),
        ("看看架子，然后挥挥手\n", "look shelf; wave\n"),
    ):
        guess = guesser.read(tokens.encode(sentence))
        whole = guess.after([], end)
        assert tokens.decode(whole) == plan
        for at in range(1, len(whole)):
            assert guess.after(whole[:at], end) == whole[at:]


def test_whatever_is_said_a_guess_ends(kept, tokens):
    (end,) = tokens.encode("\n")
    rng = np.random.default_rng(0)
    guesser = Guesser(kept)
    for _ in range(30):
        sentence = rng.integers(0, len(kept), rng.integers(1, 60)).tolist()
        written = rng.integers(0, len(kept), rng.integers(0, 5)).tolist()
        guess = guesser.read(sentence).after(written, end)
        assert len(guess) <= LENGTH_MAX
        assert end not in guess[:-1]
        assert all(0 <= token < len(kept) for token in guess)


def test_with_fewer_tokens_it_guesses_as_far_as_it_can(kept, tokens):
    (table,) = tokens.encode(" table")
    fewer = np.delete(kept, table)
    numbers = {int(pinned): number for number, pinned in enumerate(fewer)}
    guesser = Guesser(fewer)
    sentence = [numbers[int(kept[token])] for token in tokens.encode("走到桌子前\n")]
    (end,) = (numbers[int(kept[token])] for token in tokens.encode("\n"))
    guess = guesser.read(sentence).after([], end)
    assert [int(fewer[token]) for token in guess] == [int(kept[tokens.encode("go")[0]])]
