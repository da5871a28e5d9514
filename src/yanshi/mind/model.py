"""The language model, in a process of its own that never holds up the body.

The process is started early, loads and warms the model, and answers one prompt at a time. It
ends with its parent, stands back for the body's loops, and is started anew once when it dies.
"""

import hashlib
import json
import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import psutil

from yanshi.assets.store import locate
from yanshi.assets.weights import check_weights
from yanshi.core.errors import AssetError, YanshiError
from yanshi.mind.language import PlanLanguage

ADAPTER = Path(__file__).parent / "weights" / "plan-lora.gguf"
"""Ours; how it was trained, and what it was taught, stands beside it (`.json`)."""
PINNED_MODEL = "gemma_270m"
ROOM_BYTES = 150_000_000
"""What a model needs beside its weights: its memory of the prompt, and what it works with."""
NICENESS = 5
"""How far the mind stands back when there is not enough processor for everybody."""


@cache
def taught_words(adapter: str = str(ADAPTER)) -> frozenset[str]:
    """Return the kinds, places and skills that an adapter was taught, by their plan words."""
    return frozenset(_record_of(Path(adapter)).get("taught", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Which file thinks, and with how much."""

    source: str = ""
    """Path of a GGUF file; empty for the on-board model."""
    adapter: str = str(ADAPTER)
    """Path of the adapter that it carries; empty for none: it is told the language instead."""
    threads: int = 0
    """0: two, or one where there is one core or more work than cores."""
    tokens_max: int = 120
    """Longest answer: six steps and two texts."""

    @property
    def is_adapted(self) -> bool:
        """Whether the model carries an adapter and needs no instructions."""
        return bool(self.adapter)

    @property
    def name(self) -> str:
        """What a report calls it."""
        if self.source:
            return Path(self.source).name
        return "on board" if self.is_adapted else "on board, bare"


BARE = ModelConfig(adapter="")
"""The on-board model without our adapter, to be told the language by examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the model wrote."""

    text: str
    confidence: float
    """Probability of the token that it was least sure of; 1 where that is not known."""
    took_s: float
    """From the prompt's arrival in the process to the last token."""
    tokens: tuple[int, int] = (0, 0)
    """How many were read and written."""


class ModelProcess:
    """A language model in another process; ask it, go on, and collect the answer."""

    def __init__(
        self, config: ModelConfig, backend: "Callable[[ModelConfig], Backend] | None" = None
    ) -> None:
        """Start the process; it loads the model by itself.

        Args:
            config: Which model.
            backend: What runs it, made in the process; llama.cpp if None.
        """
        self.config = config
        self._backend = backend or best_backend
        self._language: PlanLanguage | None = None
        self._asked: str | None = None
        self.first: str | None = None
        """The first step of the answer under way, once it is written."""
        self._not_ready = 0
        self._restarts = 1
        self._start()

    @property
    def pid(self) -> int | None:
        """The process' number, to weigh its memory."""
        return self._process.pid

    @property
    def is_lost(self) -> bool:
        """Whether the process has died and will not be started again."""
        return self._restarts < 0

    def set_language(self, language: PlanLanguage, warm_up: str) -> None:
        """Bind every answer to a language and think of `warm_up` once; returns at once."""
        if language != self._language:
            self._language, self._warm_up = language, warm_up
            self._send(("language", language, warm_up))
            self._not_ready += 1

    def wait_ready(self, timeout_s: float = 120.0) -> None:
        """Wait until the model is loaded and warm.

        Raises:
            AssetError: It cannot be loaded, or was not loaded in time.
        """
        while self._not_ready:
            answer = self._receive(timeout_s)
            if answer is None:
                raise AssetError(
                    f"The language model was to be ready in {timeout_s:.0f} s and was not. "
                    "`yanshi doctor` says what is missing.",
                    zh=f"语言模型在 {timeout_s:.0f} 秒内没有准备好。"
                    "运行 yanshi doctor 查看缺少什么。",
                )

    def ask(self, prompt: str) -> None:
        """Send a prompt; returns at once. An answer still under way is dropped."""
        self._asked = prompt
        self.first = None
        self._send(("prompt", prompt))

    def poll(self, timeout_s: float) -> Completion | None:
        """Return the answer to the last prompt once it is there, waiting up to `timeout_s`.

        Without waiting, it also takes in the first step that is written; see `first`.
        """
        until_s = time.monotonic() + timeout_s
        while self._asked is not None and not self.is_lost:
            answer = self._receive(max(0.0, until_s - time.monotonic()))
            if answer is None:
                return None
            if isinstance(answer, tuple) and answer[:2] == ("first", self._asked):
                self.first = answer[2]
            elif isinstance(answer, tuple) and answer[0] == self._asked:
                self._asked = None
                completion: Completion = answer[1]
                return completion
        return None

    def close(self) -> None:
        """End the process."""
        self._restarts = -1
        with suppress(OSError):
            self.connection.send(None)
        self._process.join(timeout=0.5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, child = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(child, self.config, self._backend), daemon=True, name="mind"
        )
        self._process.start()
        child.close()

    def _revive(self) -> None:
        """Start the process again, once, and tell it all that it knew."""
        self._restarts -= 1
        self.connection.close()
        self._process.join(timeout=1.0)
        if self.is_lost:
            return
        self._start()
        if self._language is not None:
            self._not_ready = 1
            self._send(("language", self._language, self._warm_up))
        if self._asked is not None:
            self._send(("prompt", self._asked))

    def _send(self, message: object) -> None:
        if self.is_lost:
            return
        try:
            self.connection.send(message)
        except OSError:
            self._revive()

    def _receive(self, timeout_s: float) -> object:
        """Return the next message, or None when there is none in time."""
        if self.is_lost:
            raise AssetError(
                "The language model's process died twice. `yanshi doctor` says what is missing; "
                "a machine that is out of memory ends processes like this.",
                zh="语言模型的进程两次意外退出，可能是内存不足。运行 yanshi doctor 查看缺少什么。",
            )
        try:
            if not self.connection.poll(timeout_s):
                return None
            answer: object = self.connection.recv()
        except (OSError, EOFError):
            self._revive()
            return ""
        if answer == "ready":
            self._not_ready -= 1
        if isinstance(answer, YanshiError):
            self._restarts = -1
            raise answer
        return answer


OnText = Callable[[str], None]


class Backend(Protocol):
    """Something that continues a prompt."""

    def complete(
        self, prompt: str, language: PlanLanguage, on_text: OnText | None = None
    ) -> tuple[str, float, tuple[int, int]]:
        """Return the continuation up to the first line break, how sure it is, and what it took.

        Args:
            prompt: What is to be continued.
            language: What the continuation keeps to, where the backend can hold it to that.
            on_text: Told all that has been written so far, as it grows, by who can.

        Returns:
            The text, the probability of its least likely token (1 where that is not known), and
            how many tokens were read and written.
        """
        ...


class Llama:
    """A GGUF file run by llama.cpp on this computer's processor."""

    def __init__(self, config: ModelConfig) -> None:
        import xllamacpp

        path = Path(config.source).expanduser() if config.source else locate(PINNED_MODEL)
        check_model(path, config)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx = 512 if config.is_adapted else 2048
        parameters.n_batch = parameters.n_ubatch = 256
        parameters.n_parallel = 1
        parameters.n_gpu_layers = 0
        parameters.cache_ram_mib = 0
        parameters.n_ctx_checkpoints = 0
        parameters.verbosity = -1
        for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
            cpu.n_threads = config.threads or _threads(2)
            cpu.poll = 0  # Threads that spin while they wait would starve the body's loops.
        if config.adapter:
            adapter = xllamacpp.CommonAdapterLoraInfo()
            adapter.path, adapter.scale = config.adapter, 1.0
            parameters.lora_adapters = [adapter]
        try:
            self._server: Any = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise AssetError(
                f"llama.cpp could not load {path}"
                + (f" with the adapter {config.adapter}" if config.is_adapted else "")
                + f": {error}. A GGUF file of a text model works, with an adapter that was trained "
                "for that very model (`yanshi train mind --base FILE.gguf`) or with none.",
                zh=f"llama.cpp 无法加载 {path}：{error}。请使用文本模型的 GGUF 文件，"
                "适配器须为该模型训练（yanshi train mind --base FILE.gguf），或者不用适配器。",
            ) from error
        self._config = config

    def complete(
        self, prompt: str, language: PlanLanguage, on_text: OnText | None = None
    ) -> tuple[str, float, tuple[int, int]]:
        request = {
            "prompt": prompt,
            "n_predict": self._config.tokens_max,
            "temperature": 0,
            # Only the likeliest token matters: the other samplers would sort the vocabulary.
            "samplers": ["top_k"],
            "top_k": 1,
            "grammar": language.grammar,
            # The grammar ends with a line break; the sign for the end after it would cost a token.
            "stop": ["\n"],
            # Reusing a prompt's beginning changes the sums' order: the same words could then
            # become another plan. Only long instructions are worth that.
            "cache_prompt": not self._config.is_adapted,
            "stream": True,
            "n_probs": 1,
        }
        text = ""
        sure: list[float] = []
        tokens = (0, 0)

        def take(chunk: Any) -> None:
            nonlocal text, tokens
            piece = json.loads(chunk) if isinstance(chunk, str | bytes) else chunk
            for part in piece if isinstance(piece, list) else [piece]:
                for choice in part.get("choices", ()):
                    text += choice.get("text") or ""
                    written = (choice.get("logprobs") or {}).get("content") or ()
                    sure.extend(token["logprob"] for token in written)
                if usage := part.get("usage"):
                    tokens = (usage["prompt_tokens"], usage["completion_tokens"])
            if on_text is not None:
                on_text(text)

        self._server.handle_completions(request, take)
        return text, math.exp(min(sure, default=0.0)), tokens

    def times(self, prompt: str, length: int) -> tuple[float, float, int]:
        """Return what llama.cpp takes for a token and for a prompt, ms, and the prompt's tokens."""
        request = {
            "prompt": prompt,
            "n_predict": length,
            "ignore_eos": True,
            "temperature": 0,
            "samplers": ["top_k"],
            "top_k": 1,
            "cache_prompt": False,
        }
        answers: list[Any] = []
        self._server.handle_completions(request, answers.append)
        answer = answers[-1]
        told = json.loads(answer) if isinstance(answer, str | bytes) else answer
        timings = told["timings"]
        token_ms = timings["predicted_ms"] / (timings["predicted_n"] - 1)
        return token_ms, timings["prompt_ms"], timings["prompt_n"]


def best_backend(config: ModelConfig) -> Backend:
    """Return what runs a model fastest: our own graph of ours, llama.cpp for any other.

    Raises:
        AssetError: It cannot be loaded.
    """
    if not config.source and config.is_adapted:
        from yanshi.mind.confirm import Confirming
        from yanshi.mind.gemma import graph_of

        path, adapter = locate(PINNED_MODEL), Path(config.adapter)
        check_model(path, config)
        if (graph := graph_of(path, adapter)) is not None:
            return Confirming(path, graph, config.threads or 1, config.tokens_max)
    return Llama(config)


def check_model(path: Path, config: ModelConfig) -> None:
    """Check that a model can be loaded, before llama.cpp tries to.

    Raises:
        AssetError: A file is missing or changed, the adapter is for another base, or the memory is
            too small.
    """
    for file in (path, Path(config.adapter)) if config.is_adapted else (path,):
        if not file.is_file():
            raise AssetError(
                f"The language model needs {file}, which is not there. `--brain onboard` takes the "
                "model that comes with Yanshi, `--brain FILE.gguf` another; `yanshi train mind` "
                "makes an adapter.",
                zh=f"语言模型需要的文件 {file} 不存在。--brain onboard 使用自带模型，"
                "--brain FILE.gguf 使用别的模型；yanshi train mind 可以训练适配器。",
            )
    if config.is_adapted:
        check_weights(Path(config.adapter))
    if config.is_adapted and config.source:
        base = _record_of(Path(config.adapter)).get("base_fingerprint", "")
        if base and base != fingerprint(path):
            raise AssetError(
                f"The adapter {config.adapter} was trained for another model than {path}. Train "
                f"one: yanshi train mind --base {path}",
                zh=f"适配器 {config.adapter} 是为别的模型训练的，不适用于 {path}。"
                f"请训练一个：yanshi train mind --base {path}",
            )
    needed, free = path.stat().st_size + ROOM_BYTES, psutil.virtual_memory().available
    if needed > free:
        raise AssetError(
            f"{path} needs {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free. "
            "A smaller model, or `--brain onboard`, fits.",
            zh=f"{path} 需要 {needed / 1e9:.1f} GB 内存，可用的只有 {free / 1e9:.1f} GB。"
            "请使用更小的模型，或 --brain onboard。",
        )


def fingerprint(path: Path) -> str:
    """Return what tells one model file from another: its size and the hash of its beginning."""
    with path.open("rb") as file:
        return f"{path.stat().st_size}-{hashlib.sha256(file.read(1 << 20)).hexdigest()[:16]}"


def _record_of(adapter: Path) -> dict[str, Any]:
    """Return how an adapter was trained; empty where that is not told."""
    try:
        record: dict[str, Any] = json.loads(adapter.with_suffix(".json").read_text("utf8"))
    except (OSError, ValueError):
        return {}
    return record


def _threads(most: int) -> int:
    """Return how many threads to think with: `most`, or one on a machine that is overcommitted.

    Threads of one network wait for each other several hundred times per token. Two on one core
    are therefore not half as fast as two on two, but ten times slower than one alone.
    """
    cores = os.cpu_count() or 1
    return min(most, cores) if os.getloadavg()[0] < 0.75 * cores else 1


def _serve(
    connection: Connection, config: ModelConfig, make: Callable[[ModelConfig], Backend]
) -> None:
    """Answer prompts until the other side hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The run decides what Ctrl-C means.
    os.nice(NICENESS)
    with suppress(EOFError, OSError):
        try:
            _answer(connection, make(config))
        except YanshiError as error:
            connection.send(error)
    # llama.cpp's threads would otherwise be waited for, and one may be in mid-thought.
    os._exit(0)


def _answer(connection: Connection, backend: Backend) -> None:
    while (message := connection.recv()) is not None:
        if message[0] == "language":
            language = message[1]
            backend.complete(message[2], language)
            connection.send("ready")
            continue
        began_s = time.monotonic()
        on_text = _FirstStep(connection, message[1])
        text, confidence, tokens = backend.complete(message[1], language, on_text)
        took_s = time.monotonic() - began_s
        answer = Completion(text=text, confidence=confidence, took_s=took_s, tokens=tokens)
        connection.send((message[1], answer))


class _FirstStep:
    """Sends the first step of a plan on as soon as it is written."""

    def __init__(self, connection: Connection, prompt: str) -> None:
        self._connection, self._prompt = connection, prompt
        self._is_sent = False

    def __call__(self, text: str) -> None:
        step, between, _ = text.partition(";")
        if between and not self._is_sent:
            self._is_sent = True
            self._connection.send(("first", self._prompt, step))
