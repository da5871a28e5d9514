"""Cut a sentence into the tokens that the model was taught, and put tokens together again.

As SentencePiece does for byte-pair encoding (T. Kudo and J. Richardson, 2018): of all pairs of
neighbours that are a token together, the one with the highest score is joined first. Characters
that are no token become their bytes. No text becomes a control token, whatever is written in it.
"""

import heapq
from collections.abc import Iterable, Sequence

SPACE = "\u2581"
"""How a token writes a space."""
ORDINARY, CONTROL, BYTE = 1, 3, 6
"""Types of tokens in a GGUF file."""


class Tokens:
    """A vocabulary; tokens are numbers from 0 on."""

    def __init__(self, texts: Sequence[bytes], scores: Sequence[float], types: Sequence[int]):
        """Take a vocabulary: each token's text in UTF-8, its score and its type."""
        self._bytes: dict[int, int] = {}
        self._numbers: dict[str, int] = {}
        self._texts: list[bytes] = []
        self._scores = scores
        for number, (text, kind) in enumerate(zip(texts, types, strict=True)):
            written = text.decode("utf8", "replace")
            raw = written.replace(SPACE, " ").encode()
            if kind == BYTE:
                value = int(written[3:5], 16)
                self._bytes[value] = number
                raw = bytes((value,))
            elif kind == CONTROL:
                raw = b""
            else:
                self._numbers[written] = number
            self._texts.append(raw)

    def __len__(self) -> int:
        return len(self._texts)

    def encode(self, text: str) -> list[int]:
        """Return a text's tokens."""
        parts: list[str | None] = list(text.replace(" ", SPACE))
        after = [*range(1, len(parts)), -1]
        before = list(range(-1, len(parts) - 1))
        pairs: list[tuple[float, int, int, str]] = []

        def consider(left: int, right: int) -> None:
            if left >= 0 and right >= 0:
                both = f"{parts[left]}{parts[right]}"
                number = self._numbers.get(both)
                if number is not None:
                    heapq.heappush(pairs, (-self._scores[number], left, right, both))

        for left in range(len(parts) - 1):
            consider(left, left + 1)
        while pairs:
            _, left, right, both = heapq.heappop(pairs)
            # A part may have grown or gone since the pair was noted.
            if after[left] != right or f"{parts[left]}{parts[right]}" != both:
                continue
            parts[left], parts[right] = both, None
            after[left] = after[right]
            if after[left] >= 0:
                before[after[left]] = left
            after[right] = -1
            consider(before[left], left)
            consider(left, after[left])
        tokens: list[int] = []
        for part in parts:
            if part is not None:
                number = self._numbers.get(part)
                tokens += [number] if number is not None else self._as_bytes(part)
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text that tokens stand for."""
        return b"".join(self._texts[token] for token in tokens).decode("utf8", "replace")

    def _as_bytes(self, character: str) -> list[int]:
        written = character.replace(SPACE, " ").encode()
        return [self._bytes[value] for value in written if value in self._bytes]
