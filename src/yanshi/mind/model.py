"""The language model, in a process of its own that never holds up the body.

The process is started early, loads and warms the model, and answers one prompt at a time. It
ends with its parent, stands back for the body's loops, and is started anew once when it dies.
"""

import json
import multiprocessing
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from yanshi.assets.store import locate
from yanshi.core.errors import AssetError, YanshiError
from yanshi.mind.trim import trimmed

ADAPTER = Path(__file__).parent / "weights" / "plan-lora.gguf"
RECORD = ADAPTER.with_suffix(".json")
"""How the adapter was trained, and what it was taught."""
PINNED_MODEL = "gemma_270m"
NICENESS = 5
"""How far the mind stands back when there is not enough processor for everybody."""


@cache
def taught_words() -> frozenset[str]:
    """Return the kinds, places and skills that the adapter was taught, by their plan words."""
    if not RECORD.is_file():
        return frozenset()
    return frozenset(json.loads(RECORD.read_text(encoding="utf8"))["taught"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Which model thinks, and with how much."""

    source: str = ""
    """Path of a GGUF file, or address of an OpenAI-compatible endpoint (`http…/v1`); empty for
    the on-board model and its adapter."""
    name: str = ""
    """What an endpoint calls the model; most local ones do not ask."""
    key: str = ""
    """The endpoint's key; empty for none."""
    threads: int = 0
    """0: two, or one where there is one core or more work than cores."""
    tokens_max: int = 120
    """Longest answer: six steps and two texts."""
    timeout_s: float = 60.0
    """Longest wait for an endpoint."""

    @classmethod
    def from_environment(cls) -> "ModelConfig":
        """Read YANSHI_MODEL, YANSHI_MODEL_NAME and YANSHI_API_KEY."""
        return cls(
            source=os.environ.get("YANSHI_MODEL", ""),
            name=os.environ.get("YANSHI_MODEL_NAME", ""),
            key=os.environ.get("YANSHI_API_KEY", ""),
        )

    @property
    def is_ours(self) -> bool:
        """Whether the model carries our adapter and needs no instructions."""
        return not self.source


def bare_config() -> ModelConfig:
    """Return the on-board model without our adapter, to be told the language by examples.

    Raises:
        AssetError: The language model is missing or is not the pinned one.
    """
    return ModelConfig(source=str(locate(PINNED_MODEL)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the model wrote."""

    text: str
    took_s: float
    """From the prompt's arrival in the process to the last token."""


class ModelProcess:
    """A language model in another process; ask it, go on, and collect the answer."""

    def __init__(self, config: ModelConfig) -> None:
        self.config = config
        self._grammar: str | None = None
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

    def set_grammar(self, grammar: str, warm_up: str) -> None:
        """Bind every answer to a grammar and think of `warm_up` once; returns at once."""
        if grammar != self._grammar:
            self._grammar, self._warm_up = grammar, warm_up
            self._send(("grammar", grammar, warm_up))
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
                return Completion(text=answer[1], took_s=answer[2])
        return None

    def close(self) -> None:
        """End the process."""
        self._restarts = -1
        with suppress(OSError):
            self._connection.send(None)
        self._process.join(timeout=0.5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, child = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(child, self.config), daemon=True, name="mind"
        )
        self._process.start()
        child.close()

    def _revive(self) -> None:
        """Start the process again, once, and tell it all that it knew."""
        self._restarts -= 1
        self._connection.close()
        self._process.join(timeout=1.0)
        if self.is_lost:
            return
        self._start()
        if self._grammar is not None:
            self._not_ready = 1
            self._send(("grammar", self._grammar, self._warm_up))
        if self._asked is not None:
            self._send(("prompt", self._asked))

    def _send(self, message: object) -> None:
        if self.is_lost:
            return
        try:
            self._connection.send(message)
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
            if not self._connection.poll(timeout_s):
                return None
            answer: object = self._connection.recv()
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

    def complete(self, prompt: str, grammar: str, on_text: OnText | None = None) -> str:
        """Return the continuation up to the first line break.

        Args:
            prompt: What is to be continued.
            grammar: What the continuation keeps to, where the backend can hold it to that.
            on_text: Told all that has been written so far, as it grows, by who can.
        """
        ...


class Llama:
    """A GGUF file run by llama.cpp on this computer's processor."""

    def __init__(self, config: ModelConfig) -> None:
        import xllamacpp

        path = Path(config.source).expanduser()
        if config.is_ours:
            path = trimmed(locate(PINNED_MODEL))
        for file in (path, ADAPTER) if config.is_ours else (path,):
            if not file.is_file():
                raise AssetError(
                    f"The language model needs {file}, which is not there. Unset YANSHI_MODEL "
                    "for the on-board model, or name a GGUF file in it; `yanshi train mind` "
                    "makes the adapter.",
                    zh=f"语言模型需要的文件 {file} 不存在。请取消 YANSHI_MODEL 以使用自带模型，"
                    "或让它指向一个 GGUF 文件。",
                )
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx = 512 if config.is_ours else 2048
        parameters.n_batch = parameters.n_ubatch = 256
        parameters.n_parallel = 1
        parameters.n_gpu_layers = 0
        parameters.cache_ram_mib = 0
        parameters.n_ctx_checkpoints = 0
        parameters.verbosity = -1
        for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
            cpu.n_threads = config.threads or _threads(2)
            cpu.poll = 0  # Threads that spin while they wait would starve the body's loops.
        if config.is_ours:
            adapter = xllamacpp.CommonAdapterLoraInfo()
            adapter.path, adapter.scale = str(ADAPTER), 1.0
            parameters.lora_adapters = [adapter]
        self._server: Any = xllamacpp.Server(parameters)
        self._config = config

    def complete(self, prompt: str, grammar: str, on_text: OnText | None = None) -> str:
        request = {
            "prompt": prompt,
            "n_predict": self._config.tokens_max,
            "temperature": 0,
            # Only the likeliest token matters: the other samplers would sort the vocabulary.
            "samplers": ["top_k"],
            "top_k": 1,
            "grammar": grammar,
            # Reusing a prompt's beginning changes the sums' order: the same words could then
            # become another plan. Only long instructions are worth that.
            "cache_prompt": not self._config.is_ours,
            "stream": True,
        }
        text = ""

        def take(chunk: Any) -> None:
            nonlocal text
            piece = json.loads(chunk) if isinstance(chunk, str | bytes) else chunk
            for part in piece if isinstance(piece, list) else [piece]:
                for choice in part.get("choices", ()):
                    text += choice.get("text") or ""
            if on_text is not None:
                on_text(text)

        self._server.handle_completions(request, take)
        return text


class Endpoint:
    """A model behind an OpenAI-compatible address."""

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._url = config.source.rstrip("/") + "/chat/completions"

    def complete(self, prompt: str, grammar: str, on_text: OnText | None = None) -> str:
        # The grammar is llama.cpp's own; others would refuse the field.
        body = {
            "model": self._config.name or "default",
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": self._config.tokens_max,
        }
        headers = {"Content-Type": "application/json"}
        if self._config.key:
            headers["Authorization"] = f"Bearer {self._config.key}"
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=self._config.timeout_s) as response:
                answer = json.load(response)
            return str(answer["choices"][0]["message"]["content"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise AssetError(
                f"YANSHI_MODEL names {self._url}, which answered: {error}. Name an "
                "OpenAI-compatible address such as http://localhost:8080/v1, or unset it.",
                zh=f"YANSHI_MODEL 指定的 {self._url} 回答：{error}。"
                "请填写兼容 OpenAI 的地址，或取消该变量。",
            ) from error


def _threads(most: int) -> int:
    """Return how many threads to think with: `most`, or one on a machine that is overcommitted.

    Threads of one network wait for each other several hundred times per token. Two on one core
    are therefore not half as fast as two on two, but ten times slower than one alone.
    """
    cores = os.cpu_count() or 1
    return min(most, cores) if os.getloadavg()[0] < 0.75 * cores else 1


def _serve(connection: Connection, config: ModelConfig) -> None:
    """Answer prompts until the other side hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The run decides what Ctrl-C means.
    os.nice(NICENESS)
    with suppress(EOFError, OSError):
        try:
            _answer(connection, config)
        except YanshiError as error:
            connection.send(error)
    # llama.cpp's threads would otherwise be waited for, and one may be in mid-thought.
    os._exit(0)


def _answer(connection: Connection, config: ModelConfig) -> None:
    is_endpoint = config.source.startswith(("http://", "https://"))
    backend: Backend = Endpoint(config) if is_endpoint else Llama(config)
    grammar = ""
    while (message := connection.recv()) is not None:
        if message[0] == "grammar":
            grammar = message[1]
            backend.complete(message[2], grammar)
            connection.send("ready")
            continue
        began_s = time.monotonic()
        text = backend.complete(message[1], grammar, _FirstStep(connection, message[1]))
        connection.send((message[1], text, time.monotonic() - began_s))


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
