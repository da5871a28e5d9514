"""Train the small network that guesses plans for the large one to confirm (`mind/guesser.py`)."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from torch import Tensor, nn

from yanshi.assets.store import locate
from yanshi.core.files import write_whole
from yanshi.mind.gguf_file import GgufFile
from yanshi.mind.guesser import GUESSER
from yanshi.mind.model import PINNED_MODEL
from yanshi.mind.prompt import prompt_for
from yanshi.mind.tokens import Tokens
from yanshi.train.sentences import TEST_SEED, VALIDATION_SEED, Example, examples

SAMPLE = 60_000
"""Sentences from which the tokens that it knows are counted."""
SAVE_EVERY_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessTraining:
    """How the guesser is trained."""

    minutes: float = 30.0
    seed: int = 0
    batch: int = 96
    """Sentences a step, of like length."""
    learning_rate: float = 2e-3
    """Peak of a schedule that warms up and falls to a fiftieth in a cosine."""
    width: int = 96
    """Of what each direction of reading remembers; writing remembers twice as much."""
    depth: int = 64
    """Numbers that stand for a token."""
    forget: float = 0.05
    """Share of the tokens that are read as unknown, so that new ones do not surprise."""
    validation: int = 1000


@dataclass(slots=True)
class Progress:
    """Everything worth keeping about a training run."""

    steps: int = 0
    sentences: int = 0
    elapsed_s: float = 0.0
    curve: list[tuple[float, float]] = field(default_factory=list)
    """(seconds, mean loss since the last point)."""
    validation: list[tuple[float, float, float]] = field(default_factory=list)
    """(seconds, share of plans, share of tokens guessed rightly)."""


Pair = tuple[list[int], list[int]]


class Network(nn.Module):
    """What `Guesser` computes, for many sentences at once."""

    def __init__(self, n_sources: int, n_targets: int, config: GuessTraining) -> None:
        super().__init__()
        self.read = nn.Embedding(n_sources, config.depth)
        self.spoken = nn.Embedding(n_targets, config.depth)
        both = 2 * config.width
        self.reader = nn.GRU(config.depth, config.width, batch_first=True, bidirectional=True)
        self.writer = nn.GRU(config.depth, both, batch_first=True)
        self.start = nn.Linear(both, both, bias=False)
        self.match = nn.Linear(both, both, bias=False)
        self.join = nn.Linear(2 * both, config.width)
        self.choose = nn.Linear(config.width, n_targets)

    def forward(self, sources: Tensor, lengths: Tensor, before: Tensor) -> Tensor:
        """Return scores of the next token, shape (sentences, written, tokens)."""
        packed = nn.utils.rnn.pack_padded_sequence(
            self.read(sources), lengths, batch_first=True, enforce_sorted=False
        )
        seen, last = self.reader(packed)
        seen, _ = nn.utils.rnn.pad_packed_sequence(seen, batch_first=True)
        start = torch.tanh(self.start(torch.cat((last[0], last[1]), dim=1)))
        states, _ = self.writer(self.spoken(before), start[None])
        looks = self.match(states) @ seen.transpose(1, 2)
        blank = torch.arange(seen.shape[1])[None] >= lengths[:, None]
        weights = torch.softmax(looks.masked_fill(blank[:, None], -torch.inf), dim=-1)
        joined = torch.tanh(self.join(torch.cat((states, weights @ seen), dim=2)))
        scores: Tensor = self.choose(joined)
        return scores


class Teacher:
    """Turns sentences into numbers, and the network's weights into what is shipped."""

    def __init__(self, config: GuessTraining) -> None:
        self.config = config
        texts, scores, types = GgufFile(locate(PINNED_MODEL)).vocabulary()
        self.tokens = Tokens(texts, scores.tolist(), types.tolist())
        read, written = Counter[int](), Counter[int]()
        for example in islice(examples(config.seed), SAMPLE):
            prompt, plan = self.encode(example)
            read.update(set(prompt))
            written.update(set(plan))
        self.sources = [-1, *sorted(token for token, n in read.items() if n > 1)]
        self.targets = [-1, *sorted(written)]
        self._source_at = {token: at for at, token in enumerate(self.sources)}
        self._target_at = {token: at for at, token in enumerate(self.targets)}
        torch.manual_seed(config.seed)
        self.network = Network(len(self.sources), len(self.targets), config)

    def encode(self, example: Example) -> Pair:
        """Return the tokens of the prompt and of the plan."""
        prompt = self.tokens.encode(prompt_for(example.sentence))
        return prompt, self.tokens.encode(example.plan + "\n")

    def batches(self, seed: int) -> Iterator[list[Pair]]:
        """Yield batches of sentences of like length, without end."""
        stream = examples(seed)
        chance = np.random.default_rng(seed)
        while True:
            pool = sorted(
                map(self.encode, islice(stream, 16 * self.config.batch)), key=lambda p: len(p[0])
            )
            for group in chance.permutation(16):
                yield pool[group * self.config.batch : (group + 1) * self.config.batch]

    def scores(self, batch: list[Pair], forget: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return scores and right places, -100 where nothing is to be written."""
        lengths = torch.tensor([len(prompt) for prompt, _ in batch])
        longest = max(len(plan) for _, plan in batch)
        sources = torch.zeros(len(batch), int(lengths.max()), dtype=torch.long)
        before = torch.zeros(len(batch), longest, dtype=torch.long)
        right = torch.full((len(batch), longest), -100)
        for row, (prompt, plan) in enumerate(batch):
            places = [self._target_at.get(token, 0) for token in plan]
            sources[row, : len(prompt)] = torch.tensor([self._source_at.get(t, 0) for t in prompt])
            before[row, 1 : len(plan)] = torch.tensor(places[:-1], dtype=torch.long)
            right[row, : len(plan)] = torch.tensor(places)
        if forget:
            sources[torch.rand(sources.shape) < forget] = 0
        return self.network(sources, lengths, before), right

    @torch.no_grad()
    def share_right(self, sample: list[Example]) -> tuple[float, float]:
        """Return the shares of plans and of tokens that are guessed after what comes before."""
        plans = tokens = right_tokens = 0
        pairs = [self.encode(example) for example in sample]
        for at in range(0, len(pairs), 200):
            scores, right = self.scores(pairs[at : at + 200])
            is_wanted = right != -100
            is_right = scores.argmax(-1) == right
            plans += int((is_right | ~is_wanted).all(dim=1).sum())
            right_tokens += int((is_right & is_wanted).sum())
            tokens += int(is_wanted.sum())
        return plans / len(sample), right_tokens / tokens

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `Guesser` loads: weights in 16-bit floats, tokens by the pinned model."""
        net, found = self.network, dict[str, Tensor]()
        for name, layer, suffix in (
            ("ahead", net.reader, "l0"),
            ("back", net.reader, "l0_reverse"),
            ("write", net.writer, "l0"),
        ):
            for short, long in (("wi", "weight_ih"), ("wh", "weight_hh")):
                found[f"{name}.{short}"] = getattr(layer, f"{long}_{suffix}")
            for short, long in (("bi", "bias_ih"), ("bh", "bias_hh")):
                found[f"{name}.{short}"] = getattr(layer, f"{long}_{suffix}")
        found |= {"read": net.read.weight, "spoken": net.spoken.weight}
        found |= {"start": net.start.weight, "match": net.match.weight}
        for name, linear in (("join", net.join), ("choose", net.choose)):
            found[name] = torch.cat((linear.weight, linear.bias[:, None]), dim=1)
        weights = {name: t.detach().numpy().astype(np.float16) for name, t in found.items()}
        tokens = {"sources": self.sources, "targets": self.targets}
        return {**weights, **{name: np.array(t, np.int32) for name, t in tokens.items()}}


def rate(config: GuessTraining, progress: float) -> float:
    """Return the learning rate at a share (0 to 1) of the training time."""
    warm = min(1.0, progress / 0.02)
    cosine = 0.5 * (1.0 + np.cos(np.pi * min(progress, 1.0)))
    return float(config.learning_rate * warm * (0.02 + 0.98 * cosine))


def train_guess(config: GuessTraining, work: Path, out: Path = GUESSER) -> dict[str, Any]:
    """Train the guesser from nothing, or go on from the last checkpoint in `work`.

    Returns:
        The record: configuration, command, curve and figures on unseen sentences.
    """
    torch.set_num_threads(1)
    console = Console(stderr=True)
    with console.status("Sentences are counted …"):
        teacher = Teacher(config)
    optimizer = torch.optim.Adam(teacher.network.parameters(), betas=(0.9, 0.98))
    progress = Progress()
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        teacher.network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        progress = Progress(**saved["progress"])

    def save() -> None:
        state = {
            "network": teacher.network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "progress": asdict(progress),
        }
        work.mkdir(parents=True, exist_ok=True)
        partial = checkpoint.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(checkpoint)

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with ProgressBar(*columns, console=console) as bar:
        task = bar.add_task("guess", total=config.minutes * 60.0)
        _learn(
            teacher,
            optimizer,
            progress,
            save,
            lambda: bar.update(
                task,
                completed=progress.elapsed_s,
                description=f"{progress.sentences} sentences, loss {progress.curve[-1][1]:.3f}"
                + (f", {progress.validation[-1][1]:.0%} right" if progress.validation else ""),
            ),
        )
    plans, tokens = teacher.share_right(list(islice(examples(TEST_SEED), 2000)))
    record = {
        "command": " ".join(["yanshi", *sys.argv[1:]]),
        "licence": "Apache-2.0; its vocabulary is that of Gemma 3",
        "training": asdict(config),
        "steps": progress.steps,
        "sentences": progress.sentences,
        "seconds": round(progress.elapsed_s, 1),
        "unseen_sentences": {"plans_right": plans, "tokens_right": tokens, "n": 2000},
        "validation": [[round(v, 4) for v in row] for row in progress.validation],
        "curve": [[round(v, 4) for v in row] for row in progress.curve],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".part.npz")
    arrays: Any = teacher.arrays()
    np.savez_compressed(partial, **arrays)
    partial.replace(out)
    write_whole(out.with_suffix(".json"), json.dumps(record, indent=1) + "\n")
    console.print(record["unseen_sentences"])
    return record


def _learn(
    teacher: Teacher,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    save: Callable[[], None],
    report: Callable[[], None],
) -> None:
    """Train until the time is up."""
    config = teacher.config
    sample = list(islice(examples(VALIDATION_SEED), config.validation))
    recent: list[float] = []
    next_save_s = progress.elapsed_s + SAVE_EVERY_S
    # A new stream after every resumption: sentences that were seen are not seen again.
    batches = teacher.batches(config.seed + progress.steps)
    began_s = time.monotonic() - progress.elapsed_s
    while progress.elapsed_s < config.minutes * 60.0:
        batch = next(batches)
        for group in optimizer.param_groups:
            group["lr"] = rate(config, progress.elapsed_s / (config.minutes * 60.0))
        scores, right = teacher.scores(batch, config.forget)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), right.flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(teacher.network.parameters(), 1.0)
        optimizer.step()
        progress.steps += 1
        progress.sentences += len(batch)
        progress.elapsed_s = time.monotonic() - began_s
        recent.append(loss.item())
        is_over = progress.elapsed_s >= config.minutes * 60.0
        if len(recent) == 50 or is_over:
            progress.curve.append((progress.elapsed_s, float(np.mean(recent))))
            recent = []
            report()
        if progress.elapsed_s >= next_save_s or is_over:
            next_save_s = progress.elapsed_s + SAVE_EVERY_S
            progress.validation.append((progress.elapsed_s, *teacher.share_right(sample)))
            save()
