"""A small network that guesses a plan, so that the large one need only confirm it.

A language model that writes reads all its weights for every token; one that confirms reads them
once for many (Y. Leviathan et al., "Fast inference from transformers via speculative decoding",
2023). What is confirmed is what the large one would have written, so a bad guess costs time and
nothing else. The small one reads the sentence in both directions with gated recurrent units and
looks back at it while it writes (M.-T. Luong et al., "Effective approaches to attention-based
neural machine translation", 2015). `yanshi train guess` trains it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.assets.weights import check_weights

GUESSER = Path(__file__).parent / "weights" / "plan-guess.npz"
"""Ours; how it was trained stands beside it (`.json`)."""
LENGTH_MAX = 24
"""Of a guess, in tokens; a longer plan is guessed in parts."""

Array = NDArray[np.float32]


class _Gru:
    """One layer of gated recurrent units (K. Cho et al., 2014), as torch writes them down."""

    def __init__(self, arrays: dict[str, Array], name: str) -> None:
        self._from_input, self._from_state = (arrays[f"{name}.{part}"].T for part in ("wi", "wh"))
        self._input_bias, self._state_bias = (arrays[f"{name}.{part}"] for part in ("bi", "bh"))
        self.width = len(self._state_bias) // 3

    def run(self, inputs: Array, state: Array) -> Array:
        """Return the state after each input, shape (n, width)."""
        states = np.empty((len(inputs), self.width), np.float32)
        width = self.width
        for step, driven in enumerate(inputs @ self._from_input + self._input_bias):
            held = state @ self._from_state + self._state_bias
            gates = 1.0 / (1.0 + np.exp(-(driven[: 2 * width] + held[: 2 * width])))
            new = np.tanh(driven[2 * width :] + gates[:width] * held[2 * width :])
            state = new + gates[width:] * (state - new)
            states[step] = state
        return states


class Guesser:
    """Guesses how a plan goes on."""

    def __init__(self, kept: NDArray[np.intp], file: Path = GUESSER) -> None:
        """Load the network.

        Args:
            kept: The pinned model's number of each token of the vocabulary in use.
            file: Where its weights are.

        Raises:
            AssetError: The weights are ours and were changed.
        """
        check_weights(file)
        with np.load(file) as saved:
            arrays = {name: saved[name].astype(np.float32) for name in saved.files}
            sources, targets = saved["sources"], saved["targets"]
        numbers = {int(pinned): number for number, pinned in enumerate(kept)}
        # Place 0 is of whatever the network does not know, or where a plan begins.
        self._sources = {numbers[int(s)]: at for at, s in enumerate(sources) if int(s) in numbers}
        self._written = np.array([numbers.get(int(target), -1) for target in targets])
        self._targets = {int(number): at for at, number in enumerate(self._written)}
        self._read, self._spoken = arrays["read"], arrays["spoken"]
        self._ahead, self._back, self._write = (_Gru(arrays, n) for n in ("ahead", "back", "write"))
        self._start, self._match = arrays["start"].T, arrays["match"].T
        self._join, self._choose = arrays["join"].T, arrays["choose"].T

    def read(self, sentence: list[int]) -> "Guess":
        """Read a sentence's tokens; what is returned guesses its plan."""
        inputs = self._read[[self._sources.get(token, 0) for token in sentence]]
        nothing = np.zeros(self._ahead.width, np.float32)
        ahead = self._ahead.run(inputs, nothing)
        back = self._back.run(inputs[::-1], nothing)[::-1]
        seen = np.concatenate((ahead, back), axis=1)
        start = np.tanh(np.concatenate((ahead[-1], back[0])) @ self._start)
        return Guess(self, seen, start)


class Guess:
    """The guessed plan of one sentence."""

    def __init__(self, guesser: Guesser, seen: Array, start: Array) -> None:
        self._guesser, self._seen, self._start = guesser, seen, start

    def after(self, written: list[int], end: int) -> list[int]:
        """Return the tokens that probably follow those that are written, up to `end`."""
        own = self._guesser
        places = [0, *(own._targets.get(token, 0) for token in written)]
        state = own._write.run(own._spoken[places], self._start)[-1]
        guessed: list[int] = []
        while len(guessed) < LENGTH_MAX and (not guessed or guessed[-1] != end):
            looks = self._seen @ (state @ own._match)
            weights = np.exp(looks - looks.max())
            found = weights @ self._seen / weights.sum()
            joined = np.tanh(np.concatenate((state, found, [1.0])) @ own._join)
            place = int(np.argmax(np.append(joined, 1.0) @ own._choose))
            token = int(own._written[place])
            if token < 0:
                break
            guessed.append(token)
            state = own._write.run(own._spoken[[place]], state)[-1]
        return guessed
