"""Train the adapter that turns sentences into plans: LoRA on a frozen Gemma-3-270M.

The frozen weights are the very ones that will run: the 4-bit file, de-quantised, so that the
adapter learns around its rounding errors. Only the plan is learnt, never the sentence. The loss
looks at the words that the sentences use, not at Gemma's 262,144: on a CPU that softmax would
cost as much as the rest of the network.
"""

import json
import math
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import gguf
import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from yanshi.assets.store import locate
from yanshi.core.errors import ConfigError
from yanshi.core.files import write_whole
from yanshi.mind.gemma import VOCABULARY
from yanshi.mind.gguf_file import GgufFile
from yanshi.mind.model import ADAPTER, PINNED_MODEL, fingerprint
from yanshi.mind.prompt import prompt_for
from yanshi.policies.repertoire import repertoire
from yanshi.train.sentences import (
    TEST_SEED,
    VALIDATION_SEED,
    Example,
    examples,
    load_phrases,
)

GGUF_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""Layers as transformers and as llama.cpp call them."""
ARCHITECTURES = ("gemma3", "qwen2", "qwen3")
"""Whose layers are so called, and keep the order of their rows in llama.cpp's files."""

ORDINARY, SPECIAL_MAX, COMMON_MAX = 1, 1000, 24_000
"""Gemma's type of ordinary tokens; where its special ones end; how many of its tokens, commonest
first, are kept when they are written in Latin letters or signs."""
CHINESE = re.compile("[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]+")
PLAIN = re.compile(
    "[\u2581\u0020-\u007e\u3000-\u303f\uff00-\uffef\u2018-\u201d\u2026\u2014\u00b0]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MindTraining:
    """How the adapter is trained."""

    minutes: float = 25.0
    """Time to train, evaluation not counted."""
    seed: int = 0
    """Seed of the sentences and of the adapter's first weights."""
    rank: int = 16
    """Width of the adapter; 16 makes a file of under 8 MB."""
    scale: float = 2.0
    """Of what the adapter adds: its alpha over its rank."""
    learning_rate: float = 7e-4
    """Peak of the schedule: 3 % warm-up, then a cosine down to a twentieth."""
    tokens_per_batch: int = 660
    """Batches hold as many sentences of like length as fit."""
    threads: int = 2
    """Beside other work one is best: threads that wait for each other are slower than one."""
    validation: int = 200
    """Unseen sentences of the same kind for the curve."""
    keep: float = 0.0
    """Share of the adapter it began as in the one that is written: with 0.5 it is the mean of what
    was before and what was learnt, which is right more often than either where both know what the
    other does not (M. Wortsman et al., "Robust fine-tuning of zero-shot models", 2022)."""
    is_brief: bool = field(default_factory=lambda: _multiplies_briefly())
    """Whether to multiply in 16-bit floats: 1.5 times as fast where the processor can."""


def _multiplies_briefly() -> bool:
    capability = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capability.get("avx512_bf16") or capability.get("amx_bf16"))


@dataclass(slots=True)
class Progress:
    """Everything worth keeping about a training run."""

    steps: int = 0
    sentences: int = 0
    elapsed_s: float = 0.0
    curve: list[tuple[float, float]] = field(default_factory=list)
    """(seconds, mean loss since the last point)."""
    validation: list[tuple[float, float]] = field(default_factory=list)
    """(seconds, share of unseen sentences whose whole plan is right)."""


class LowRank(nn.Module):
    """A frozen linear layer plus a trained product of two thin matrices (LoRA, Hu et al. 2021)."""

    def __init__(self, frozen: nn.Linear, rank: int, scale: float) -> None:
        super().__init__()
        self.frozen = frozen
        self.scale = scale
        self.down = nn.Parameter(torch.empty(rank, frozen.in_features))
        self.up = nn.Parameter(torch.zeros(frozen.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        thin = nn.functional.linear(x, self.down) * self.scale
        # One step multiplies and adds: the sum of two wide matrices would be a pass of its own.
        wide = nn.functional.linear(x, self.frozen.weight)
        return torch.addmm(wide.flatten(0, -2), thin.flatten(0, -2), self.up.T).view(wide.shape)


class Student:
    """The model in training, its tokenizer and its small vocabulary."""

    def __init__(self, model_file: Path, config: MindTraining) -> None:
        source = {"gguf_file": model_file.name}
        folder = str(model_file.parent)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, **source)
        # Written out, attention is faster over short sentences than its one fused step.
        self.model: Any = AutoModelForCausalLM.from_pretrained(
            folder, **source, dtype=torch.float32, attn_implementation="eager"
        )
        self.model.requires_grad_(False)
        self.is_brief = config.is_brief
        torch.manual_seed(config.seed)
        self.adapter = self._insert_adapter(config.rank, config.scale)
        self.vocabulary = self._vocabulary(islice(examples(VALIDATION_SEED - 1), 12_000))
        self.place_in_vocabulary = torch.zeros(self.model.config.vocab_size, dtype=torch.long)
        self.place_in_vocabulary[self.vocabulary] = torch.arange(len(self.vocabulary))
        self.output_rows = self.model.lm_head.weight[self.vocabulary].detach().clone()

    def _insert_adapter(self, rank: int, scale: float) -> dict[str, LowRank]:
        layers: dict[str, LowRank] = {}
        for name, module in list(self.model.named_modules()):
            found = re.fullmatch(r"model\.layers\.(\d+)\.(self_attn|mlp)\.(\w+_proj)", name)
            if found:
                layer = LowRank(module, rank, scale)
                if self.is_brief:
                    module.to(torch.bfloat16)
                setattr(self.model.get_submodule(name.rpartition(".")[0]), found[3], layer)
                layers[f"blk.{found[1]}.{GGUF_NAMES[f'{found[2]}.{found[3]}']}.weight"] = layer
        return layers

    def _vocabulary(self, sample: Iterable[Example]) -> Tensor:
        seen: set[int] = set()
        for example in sample:
            prompt, plan = self.encode(example)
            seen.update(prompt, plan)
        return torch.tensor(sorted(seen))

    def encode(self, example: Example) -> tuple[list[int], list[int]]:
        """Return the tokens of the prompt and of the plan."""
        prompt = self.tokenizer(prompt_for(example.sentence)).input_ids
        plan = self.tokenizer(example.plan + "\n", add_special_tokens=False).input_ids
        return prompt, plan

    def parameters(self) -> list[nn.Parameter]:
        return [p for layer in self.adapter.values() for p in (layer.down, layer.up)]

    def logits(self, batch: list[tuple[list[int], list[int]]]) -> tuple[Tensor, Tensor, Tensor]:
        """Return scores over the small vocabulary, the right answers, and whose token each is."""
        length = max(len(prompt) + len(plan) for prompt, plan in batch)
        tokens = torch.zeros(len(batch), length, dtype=torch.long)
        mask = torch.zeros(len(batch), length, dtype=torch.long)
        learnt = torch.zeros(len(batch), length, dtype=torch.bool)
        for row, (prompt, plan) in enumerate(batch):
            end = len(prompt) + len(plan)
            tokens[row, :end] = torch.tensor(prompt + plan)
            mask[row, :end] = 1
            learnt[row, len(prompt) : end] = True
        with torch.autocast("cpu", torch.bfloat16, enabled=self.is_brief):
            hidden = self.model.model(input_ids=tokens, attention_mask=mask).last_hidden_state
        # Each position predicts the next token, hence the shift by one.
        scores = hidden[:, :-1][learnt[:, 1:]] @ self.output_rows.T
        answers = self.place_in_vocabulary[tokens[learnt]]
        return scores, answers, learnt.nonzero()[:, 0]


def batches(
    student: Student, config: MindTraining, seed: int
) -> Iterator[list[tuple[list[int], list[int]]]]:
    """Yield batches of sentences of like length, without end."""
    stream = examples(seed)
    rng = random.Random(seed)
    while True:
        pool = [student.encode(example) for example in islice(stream, 512)]
        pool.sort(key=lambda pair: len(pair[0]) + len(pair[1]))
        groups: list[list[tuple[list[int], list[int]]]] = [[]]
        for pair in pool:
            if (len(groups[-1]) + 1) * (len(pair[0]) + len(pair[1])) > config.tokens_per_batch:
                groups.append([])
            groups[-1].append(pair)
        rng.shuffle(groups)
        yield from groups


@torch.no_grad()
def share_right(student: Student, sample: list[Example]) -> float:
    """Return the share of sentences whose every plan token would be chosen greedily."""
    pairs = sorted(map(student.encode, sample), key=lambda pair: len(pair[0]) + len(pair[1]))
    right = 0
    for start in range(0, len(pairs), 25):
        batch = pairs[start : start + 25]
        scores, answers, rows = student.logits(batch)
        wrong = set(rows[scores.argmax(-1) != answers].tolist())
        right += len(batch) - len(wrong)
    return right / len(sample)


def learning_rate(config: MindTraining, progress: float) -> float:
    """Return the rate at a share (0 to 1) of the training time."""
    warm = min(1.0, progress / 0.03)
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
    return config.learning_rate * warm * (0.05 + 0.95 * cosine)


def train(
    student: Student,
    config: MindTraining,
    checkpoint: Path,
    report: Callable[[Progress], None],
    after: Path | None = None,
) -> Progress:
    """Train until the time is up, saving `checkpoint` every four minutes; resume if it exists.

    A checkpoint whose time is up already is returned as it is. Without one, the adapter begins
    as the one in the file `after`, or as nothing.
    """
    optimizer = torch.optim.AdamW(student.parameters(), weight_decay=0.0, betas=(0.9, 0.98))
    progress = Progress()
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        load_adapter(student, saved["adapter"])
        optimizer.load_state_dict(saved["optimizer"])
        progress = Progress(**saved["progress"])
    elif after is not None:
        load_adapter(student, read_gguf(after))
    if progress.elapsed_s >= config.minutes * 60.0:
        return progress
    sample = list(islice(examples(VALIDATION_SEED), config.validation))
    recent: list[float] = []
    next_save_s = progress.elapsed_s + 240.0
    # A new stream after every resumption: sentences that were seen are not seen again.
    for batch in batches(student, config, config.seed + progress.steps):
        began_s = time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, progress.elapsed_s / (config.minutes * 60.0))
        scores, answers, _ = student.logits(batch)
        loss = nn.functional.cross_entropy(scores, answers)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        progress.steps += 1
        progress.sentences += len(batch)
        progress.elapsed_s += time.monotonic() - began_s
        recent.append(loss.item())
        is_over = progress.elapsed_s >= config.minutes * 60.0
        if len(recent) == 20 or is_over:
            progress.curve.append((progress.elapsed_s, float(np.mean(recent))))
            recent = []
            report(progress)
        if progress.elapsed_s >= next_save_s or is_over:
            next_save_s = progress.elapsed_s + 240.0
            progress.validation.append((progress.elapsed_s, share_right(student, sample)))
            save_checkpoint(checkpoint, student, optimizer, progress)
            report(progress)
        if is_over:
            break
    return progress


def adapter_arrays(student: Student) -> dict[str, Tensor]:
    """Return the adapter's matrices by llama.cpp's names."""
    arrays: dict[str, Tensor] = {}
    for name, layer in student.adapter.items():
        arrays[f"{name}.lora_a"] = layer.down.detach()
        arrays[f"{name}.lora_b"] = layer.up.detach()
    return arrays


def mix_in(student: Student, arrays: dict[str, Tensor], share: float) -> None:
    """Draw the adapter towards other matrices of its shape, all the way for a share of 1."""
    with torch.no_grad():
        for name, own in adapter_arrays(student).items():
            rows, columns = arrays[name].shape
            own[:rows, :columns].lerp_(arrays[name], share)


def load_adapter(student: Student, arrays: dict[str, Tensor]) -> None:
    """Copy saved matrices into the model; thinner ones leave the rest of it as it began."""
    with torch.no_grad():
        for name, own in adapter_arrays(student).items():
            rows, columns = arrays[name].shape
            own[:rows, :columns] = arrays[name]


def save_checkpoint(
    path: Path, student: Student, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write everything needed to go on, never leaving half a file."""
    state = {
        "adapter": adapter_arrays(student),
        "optimizer": optimizer.state_dict(),
        "progress": asdict(progress),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    partial.replace(path)


def architecture_of(path: Path) -> str:
    """Return the architecture of a model that can be adapted.

    Raises:
        ConfigError: There is no model in that file, or one whose layers are not known.
    """
    try:
        name = str(gguf.GGUFReader(path).fields["general.architecture"].contents())
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            f"A model was to be read from {path}: {error}. A GGUF file of one of these would do: "
            f"{', '.join(ARCHITECTURES)}.",
            zh=f"要从 {path} 读取模型，但是：{error}。"
            f"请给出以下结构的 GGUF 文件：{'、'.join(ARCHITECTURES)}。",
        ) from error
    if name not in ARCHITECTURES:
        raise ConfigError(
            f"{path} is a model of the architecture {name!r}; an adapter can be trained for "
            f"{', '.join(ARCHITECTURES)}. Any model works without one: --brain {path}",
            zh=f"{path} 的结构是 {name!r}；可以训练适配器的有：{'、'.join(ARCHITECTURES)}。"
            f"不用适配器也能运行：--brain {path}",
        )
    return name


def write_gguf(
    path: Path, arrays: dict[str, Tensor], alpha: float, architecture: str = ARCHITECTURES[0]
) -> None:
    """Write the adapter as llama.cpp reads it, in 16-bit floats."""
    partial = path.with_suffix(".part")
    writer = gguf.GGUFWriter(partial, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, array in arrays.items():
        writer.add_tensor(name, array.numpy().astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(path)


def read_gguf(path: Path) -> dict[str, Tensor]:
    """Read an adapter's matrices by llama.cpp's names.

    Raises:
        ConfigError: There is no adapter in that file.
    """
    try:
        tensors = gguf.GGUFReader(path).tensors
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"An adapter was to be read from {path}: {error}. One that `yanshi train mind` wrote "
            f"would do, e.g. {ADAPTER}.",
            zh=f"要从 {path} 读取适配器，但是：{error}。请给出 yanshi train mind 写出的文件。",
        ) from error
    return {tensor.name: torch.from_numpy(np.array(tensor.data, np.float32)) for tensor in tensors}


def train_mind(
    config: MindTraining,
    work: Path,
    out: Path = ADAPTER,
    after: Path | None = None,
    base: Path | None = None,
) -> dict[str, Any]:
    """Train the adapter from nothing, or go on from the last checkpoint in `work`.

    Args:
        config: How; minutes are those of the whole training, so a run that is to go on after
            it has ended is given more of them.
        work: Folder for checkpoints.
        after: File of an adapter to begin as; none to begin as nothing.
        out: Where the adapter goes; its record and curve go beside it, and for the pinned model
            the vocabulary that it needs.
        base: File of the model that is to be adapted; the pinned one if None.

    Returns:
        The record: configuration, command, duration, curve and figures on unseen sentences.

    Raises:
        ConfigError: The base cannot be adapted.
    """
    model_file = base or locate(PINNED_MODEL)
    architecture = architecture_of(model_file)
    torch.set_num_threads(config.threads)
    console = Console(stderr=True)
    with console.status("The language model is unpacked …"):
        student = Student(model_file, config)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with ProgressBar(*columns, console=console) as bar:
        task = bar.add_task("mind", total=config.minutes * 60.0)

        def show(progress: Progress) -> None:
            right = f", {progress.validation[-1][1]:.0%} right" if progress.validation else ""
            words = f"{progress.sentences} sentences, loss {progress.curve[-1][1]:.3f}{right}"
            bar.update(task, completed=progress.elapsed_s, description=words)

        progress = train(student, config, work / "checkpoint.pt", show, after)
    if after is not None:
        mix_in(student, read_gguf(after), config.keep)
    figures = evaluate(student)
    record = make_record(config, progress, figures, after, base)
    write_gguf(out, adapter_arrays(student), config.scale * config.rank, architecture)
    if base is None:
        vocabulary = choose_vocabulary(model_file, islice(examples(config.seed), 30_000))
        write_vocabulary(out.with_name(VOCABULARY.name), vocabulary)
    write_whole(out.with_suffix(".json"), json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    plot_curve(progress, out.with_suffix(".png"))
    console.print(figures)
    return record


def evaluate(student: Student, n: int = 600) -> dict[str, float]:
    """Return the share of unseen generated sentences understood, in all and by kind."""
    sample = list(islice(examples(TEST_SEED), n))
    several = [example for example in sample if "; " in example.plan]
    no = [example for example in sample if example.plan.startswith(("refuse", "ask"))]
    return {
        "right": share_right(student, sample),
        "right_of_several_steps": share_right(student, several),
        "right_of_refusals_and_questions": share_right(student, no),
    }


def make_record(
    config: MindTraining,
    progress: Progress,
    figures: dict[str, float],
    after: Path | None,
    base: Path | None,
) -> dict[str, Any]:
    """Tell how the adapter came to be."""
    return {
        "command": " ".join(["yanshi", *sys.argv[1:]]),
        "base": base.name if base else "gemma-3-270m, q4_k_m",
        **({"base_fingerprint": fingerprint(base)} if base else {}),
        "began_as": after.name if after else "nothing",
        "taught": sorted(taught()),
        "licence": "that of the base" if base else "Gemma Terms of Use: a derivative of Gemma 3",
        "training": asdict(config),
        "steps": progress.steps,
        "sentences": progress.sentences,
        "seconds": round(progress.elapsed_s, 1),
        "unseen_sentences": figures,
        "validation": [[round(t, 1), round(v, 4)] for t, v in progress.validation],
        "curve": [[round(t, 1), round(v, 4)] for t, v in progress.curve],
    }


def taught() -> set[str]:
    """Return the kinds, places and skills that the sentences teach, by their plan words."""
    phrases = load_phrases("en")
    skills = {plan.split()[0].rstrip(";") for plan in phrases.steps}
    return {*phrases.kinds, *phrases.places, *skills, *repertoire()}


def plot_curve(progress: Progress, path: Path) -> None:
    """Draw loss and share of right plans over time."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.0, 4.0))
    axes.plot(*zip(*progress.curve, strict=True), label="loss")
    axes.plot(*zip(*progress.validation, strict=True), marker="o", label="unseen sentences right")
    axes.set(xlabel="s", ylim=(0.0, 1.05))
    axes.legend()
    figure.savefig(path, dpi=110, bbox_inches="tight")
    pyplot.close(figure)


def choose_vocabulary(model_file: Path, sample: Iterable[Example]) -> NDArray[np.bool_]:
    """Choose the tokens that Chinese and English need, shape (n_tokens,).

    Gemma builds a token from pairs of smaller ones. Everything that a token of the sample could
    be built from is kept too, so the sample is cut into tokens just as before.
    """
    texts, _, types = GgufFile(model_file).vocabulary()
    tokens = [text.decode("utf8", "replace") for text in texts]
    numbers = {token: number for number, token in enumerate(tokens)}
    keep = np.zeros(len(tokens), dtype=bool)
    for number, (token, kind) in enumerate(zip(tokens, types, strict=True)):
        if kind != ORDINARY:
            keep[number] = number < SPECIAL_MAX
        elif CHINESE.fullmatch(token):
            keep[number] = True
        elif number < COMMON_MAX:
            keep[number] = PLAIN.fullmatch(token) is not None
    lines = {f"{e.sentence}\n{e.plan}\n".replace(" ", "\u2581") for e in sample}
    for line in lines:
        for start, end in combinations(range(len(line) + 1), 2):
            if end - start <= 24 and (found := numbers.get(line[start:end])) is not None:
                keep[found] = True
    return keep


def write_vocabulary(path: Path, keep: NDArray[np.bool_]) -> None:
    """Write one bit per token."""
    partial = path.with_suffix(".part")
    partial.write_bytes(np.packbits(keep).tobytes())
    partial.replace(path)
