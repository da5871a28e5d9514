"""Our model on this computer's processor: shown a sentence and a guess of its plan, it confirms.

One pass of the network scores every token of the guess at once, each after those before it. As long
as the likeliest token that the language allows is the one that was guessed, it is what the network
would have written by itself, and the next is looked at; where it is another, that one is taken and
the rest is guessed anew. A plan so costs one pass and one more for each wrong guess, instead of one
for each token.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import regex
from numpy.typing import NDArray

from yanshi.mind.gemma import CONTEXT, EMBEDDING, kept_tokens
from yanshi.mind.gguf_file import GgufFile
from yanshi.mind.guesser import LENGTH_MAX, Guesser
from yanshi.mind.language import PlanLanguage
from yanshi.mind.tokens import Tokens

BEGINNING, LINE_BREAK = b"<bos>", "\n"
LIKELY = 50
"""Of how many of the likeliest tokens one is looked for that the language allows, at first."""

Scores = NDArray[np.float32]


class Confirming:
    """Writes plans by confirming guesses."""

    def __init__(self, model: Path, graph: Path, threads: int, tokens_max: int) -> None:
        """Load everything.

        Args:
            model: The pinned model's file, for its tokens and their vectors.
            graph: What `gemma.graph_of` made of it.
            threads: With how many to multiply.
            tokens_max: Longest answer.
        """
        file = GgufFile(model)
        self._kept = kept_tokens()
        texts, scores, types = file.vocabulary()
        self._tokens = Tokens(
            [texts[number] for number in self._kept],
            scores[self._kept].tolist(),
            types[self._kept].tolist(),
        )
        self._vectors = file.tensors[EMBEDDING]
        self._start = next(i for i, number in enumerate(self._kept) if texts[number] == BEGINNING)
        (self._end,) = self._tokens.encode(LINE_BREAK)
        self._guesser = Guesser(self._kept)
        self._tokens_max = tokens_max
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin while they wait would starve the body's loops.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._network = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        self._language: PlanLanguage | None = None
        self._pattern: Any = None
        self.passes = 0
        """Of the network, so far."""

    def complete(
        self,
        prompt: str,
        language: PlanLanguage,
        on_text: Callable[[str], None] | None = None,
    ) -> tuple[str, float, tuple[int, int]]:
        """Continue a prompt up to the first line break; see `model.Backend`.

        What is too long to be read gets no answer: 200 characters are a thousand tokens where each
        is cut into its bytes.
        """
        if language is not self._language:
            self._language = language
            self._pattern = regex.compile(f"{language.pattern}\n")
        sentence = self._tokens.encode(prompt)
        read = [self._start, *sentence]
        if len(read) + self._tokens_max + LENGTH_MAX > CONTEXT:
            return "", 0.0, (len(read), 0)
        guess = self._guesser.read(sentence)
        written: list[int] = []
        sure = 1.0
        while len(written) < self._tokens_max and written[-1:] != [self._end]:
            guessed = guess.after(written, self._end)
            scores = self._scores(read + written, guessed)
            for row, expected in zip(scores, [*guessed, None], strict=False):
                token = self._likeliest(row, written)
                sure = min(sure, float(1.0 / np.exp(row - row[token]).sum()))
                written.append(token)
                if token != expected or token == self._end:
                    break
            if on_text is not None:
                on_text(self._tokens.decode(written))
        text = self._tokens.decode(written).removesuffix(LINE_BREAK)
        return text, sure, (len(read), len(written))

    def _scores(self, tokens: list[int], guessed: list[int]) -> Scores:
        """Return the scores of what follows the last token and each guessed one."""
        shown = tokens + guessed
        wanted = np.arange(len(tokens) - 1, len(shown) - (guessed[-1:] == [self._end]))
        vectors = self._vectors.rows(self._kept[shown]) * np.float32(self._vectors.shape[0] ** 0.5)
        positions = np.arange(len(shown))[None]
        inputs = {"tokens": vectors, "positions": positions, "wanted": wanted}
        self.passes += 1
        scores: Scores = self._network.run(None, inputs)[0]
        return scores

    def _likeliest(self, scores: Scores, written: list[int]) -> int:
        """Return the likeliest token that the language allows after those that are written."""
        best = int(scores.argmax())
        if self._allows([*written, best]):
            return best
        some = np.argpartition(scores, -LIKELY)[-LIKELY:]
        for candidates in (some[np.argsort(-scores[some])], np.argsort(-scores)):
            for token in candidates:
                if self._allows([*written, int(token)]):
                    return int(token)
        return self._end

    def _allows(self, written: list[int]) -> bool:
        text = self._tokens.decode(written)
        if not text or text.endswith("\ufffd"):  # Half a character, or a control token.
            return False
        return self._pattern.fullmatch(text, partial=True) is not None
