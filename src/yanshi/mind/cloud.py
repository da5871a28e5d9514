"""A language model behind a network, in a process of its own that nothing waits for.

The process keeps at most one question under way. Each has a number; its answer counts only if it
carries that number and comes before the question's deadline. A link that breaks is tried again
while there is time; one that stays broken is looked after until it answers again, and then it is
used again. What is read of an answer is bounded, whatever is sent.
"""

import asyncio
import ipaddress
import json
import multiprocessing
import os
import signal
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

from yanshi.core.errors import ConfigError
from yanshi.mind.dialects import Manner, read_answer, recognise
from yanshi.mind.language import PlanLanguage
from yanshi.mind.model import NICENESS

ANSWER_MAX_BYTES = 64 * 1024
LIST_MAX_BYTES = 1024 * 1024
COMPLAINT_MAX = 300
"""How many characters of an endpoint's complaint are kept."""
FIRST_TIMEOUT_S = 10.0
"""How long the first answer of all may take: the way to ask is found out meanwhile."""
RETRY_AFTER_S = 0.03
"""A broken link is tried again after that long, and twice as long each time."""
FIRST_RETRY_S = 0.2
"""A try to find out whether it answers at all is given up after waits of that length."""
DOWN_AFTER = 3
"""Questions in a row that were not answered, after which nobody waits for the endpoint."""
PROBE_AFTER_S, PROBE_AT_MOST_S = 0.5, 15.0
"""How soon an endpoint that is down is tried again, and how seldom in the end."""
PROBE_SENTENCE = "wave"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudConfig:
    """Which endpoint is asked."""

    url: str
    """Up to and with `/v1`, or what stands in its place."""
    model: str = ""
    """What it calls the model; empty for the only one that it has."""
    key: str = field(default="", repr=False)
    """Its key; empty for none."""
    deadline_s: float = 1.0
    """Longest time from a sentence to the plan that is used."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                f"The cloud mind's address is to be http(s)://…, found {_hidden(self.url)!r}. "
                "One that works: cloud:https://api.deepseek.com/v1#deepseek-chat",
                zh=f"云端大脑的地址应为 http(s)://…，得到的是 {_hidden(self.url)!r}。"
                "例如：cloud:https://api.deepseek.com/v1#deepseek-chat",
            )
        if parts.username or parts.password:
            raise ConfigError(
                "The cloud mind's address holds a password. Put the key into YANSHI_API_KEY.",
                zh="云端大脑的地址里有密码。请把密钥放进环境变量 YANSHI_API_KEY。",
            )
        if self.key and parts.scheme == "http" and not _is_near(parts.hostname):
            raise ConfigError(
                f"The key for {parts.hostname} would be sent unencrypted. Use https://.",
                zh=f"发往 {parts.hostname} 的密钥不会被加密。请使用 https://。",
            )


def _hidden(url: str) -> str:
    """Return an address without a password."""
    return url.rpartition("@")[2]


def _is_near(host: str) -> bool:
    """Whether a host is this machine or in the same building."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".local")
    return address.is_loopback or address.is_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of one question."""

    number: int
    text: str = ""
    """The plan, as it was written; empty when there is none."""
    trouble: str = ""
    """Why there is none."""
    took_s: float = 0.0
    bytes_sent: int = 0
    bytes_received: int = 0
    tokens_read: int = 0
    tokens_written: int = 0
    """As the endpoint counts them; 0 where it does not."""


class Cloud:
    """Asks an endpoint from another process; ask it, go on, and collect the reply."""

    def __init__(self, config: CloudConfig) -> None:
        self.config = config
        self.trouble = ""
        """Why it is not asked at present; empty when it is."""
        self.dialect = ""
        self._number = 0
        self._is_pending = False
        self._language: PlanLanguage | None = None
        self._is_known = False
        context = multiprocessing.get_context("spawn")
        self.connection, child = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(child, config), daemon=True, name="cloud"
        )
        self._process.start()
        child.close()

    @property
    def pid(self) -> int | None:
        """The process' number, to weigh its memory."""
        return self._process.pid

    @property
    def is_pending(self) -> bool:
        """Whether a question is under way."""
        return self._is_pending

    def speak(self, language: PlanLanguage) -> None:
        """Have plans written in a language from now on; returns at once."""
        self._language = language
        self._send(("language", language))

    def wait_ready(self, timeout_s: float = FIRST_TIMEOUT_S + 2.0) -> str:
        """Wait until it is known whether the endpoint answers; return why not, or nothing."""
        until_s = time.monotonic() + timeout_s
        while not self._is_known and time.monotonic() < until_s:
            if self.connection.poll(max(0.0, until_s - time.monotonic())):
                self.poll()
        if not self._is_known:
            self.trouble = _TROUBLE["late"]
        return self.trouble

    def ask(self, sentence: str, deadline_s: float) -> int:
        """Send a question; returns its number at once. One that is under way is dropped.

        Args:
            sentence: What the model reads.
            deadline_s: How long from now an answer is of use.
        """
        self._number += 1
        self._is_pending = True
        self._send(("ask", self._number, sentence, deadline_s))
        return self._number

    def drop(self) -> None:
        """Let go of the question under way."""
        self._is_pending = False

    def poll(self) -> Reply | None:
        """Return the reply to the question under way, once it is there; never waits."""
        reply = None
        try:
            while self.connection.poll():
                kind, value = self.connection.recv()
                if kind == "state":
                    self._is_known = True
                    self.trouble, self.dialect = value
                elif self._is_pending and value.number == self._number:
                    # Any other is late, or a second answer to a question that has one.
                    self._is_pending = False
                    reply = value
        except (OSError, EOFError):
            self._is_known, self.trouble = True, _TROUBLE["died"]
            reply = Reply(number=self._number, trouble=self.trouble) if self._is_pending else None
            self._is_pending = False
        return reply

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self.connection.send(None)
        self._process.join(timeout=0.5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()

    def _send(self, message: object) -> None:
        try:
            self.connection.send(message)
        except OSError:
            self.trouble = _TROUBLE["died"]


_TROUBLE = {
    "late": "it did not answer in time",
    "died": "its process has ended",
    "refused": "it cannot be reached",
    "broken": "the link broke",
    "certificate": "its certificate is not valid",
    "unauthorised": "it does not accept the key",
    "not_found": "it has no such model or address",
    "busy": "it is too busy, or the account is used up",
    "server": "it has a fault of its own",
    "unwilling": "it refuses our questions",
    "too_long": "it answered far too much",
    "garbage": "it answered with something else than a plan",
    "other": "it answered another question",
}
"""What can be wrong with an endpoint."""
_IN_CHINESE = {
    "late": "没有及时回答",
    "died": "连接进程已结束",
    "refused": "连接不上",
    "broken": "连接中断",
    "certificate": "证书无效",
    "unauthorised": "不接受密钥",
    "not_found": "没有这个模型或地址",
    "busy": "太忙，或账户余额不足",
    "server": "对方自身有故障",
    "unwilling": "拒绝了我们的请求",
    "too_long": "回答得太长",
    "garbage": "回答的不是计划",
    "other": "回答的是另一个问题",
}


def in_chinese(trouble: str) -> str:
    """Return what is wrong in Chinese, with the endpoint's own words as they are."""
    for kind, words in _TROUBLE.items():
        if trouble.startswith(words):
            return _IN_CHINESE[kind] + trouble.removeprefix(words)
    return trouble


class _TroubleError(Exception):
    """A question was not answered."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail

    @property
    def words(self) -> str:
        return _TROUBLE[self.kind] + (f" ({self.detail})" if self.detail else "")

    @property
    def may_pass(self) -> bool:
        """Whether the next try may do better."""
        return self.kind in ("refused", "broken", "garbage", "other", "server", "too_long")


def _serve(connection: Connection, config: CloudConfig) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The run decides what Ctrl-C means.
    os.nice(NICENESS)
    with suppress(EOFError, OSError):
        asyncio.run(_Client(connection, config).serve())
    os._exit(0)


class _Client:
    """What runs in the process: one question at a time, and the endpoint's health."""

    def __init__(self, connection: Connection, config: CloudConfig) -> None:
        import httpx2

        self._connection = connection
        self._config = config
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()
        self._manner: Manner | None = None
        self._language: PlanLanguage | None = None
        self._task: asyncio.Task[None] | None = None
        self._probe: asyncio.Task[None] | None = None
        self._failures = 0
        self._state: tuple[str, str] | None = None
        host = urlsplit(config.url).hostname or ""
        headers = {"Accept-Encoding": "identity", "User-Agent": "yanshi"}
        if config.key:
            headers["Authorization"] = f"Bearer {config.key}"
        self._http = httpx2.AsyncClient(
            headers=headers,
            timeout=None,  # Every question has a deadline of its own.
            follow_redirects=False,  # A key is for one host.
            trust_env=not _is_near(host),
        )

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()

        def take() -> None:
            try:
                self._inbox.put_nowait(self._connection.recv())
            except (EOFError, OSError):
                loop.remove_reader(self._connection.fileno())
                self._inbox.put_nowait(None)

        loop.add_reader(self._connection.fileno(), take)
        while (message := await self._inbox.get()) is not None:
            for task in (self._task, self._probe if message[0] == "language" else None):
                if task is not None:
                    task.cancel()
            if message[0] == "language":
                self._probe = asyncio.create_task(self._make_acquaintance(message[1]))
            else:
                self._task = asyncio.create_task(self._answer(*message[1:]))

    async def _make_acquaintance(self, language: PlanLanguage) -> None:
        """Find out who answers there and how to ask, and say whether it does."""
        self._language = language
        if self._manner is not None:
            self._manner.language = language
        try:
            async with asyncio.timeout(FIRST_TIMEOUT_S):
                await self._probe_once()
        except TimeoutError:
            self._is_down(_TROUBLE["late"])
        except _TroubleError as trouble:
            self._is_down(trouble.words)
        else:
            self._is_up()

    async def _probe_once(self) -> None:
        """Have one sentence answered, and before the first learn who answers.

        Raises:
            _TroubleError: It was not.
        """
        assert self._language is not None
        if self._manner is None:
            self._manner = await self._look_around(self._language)
        await self._try_until_answered(0, PROBE_SENTENCE)

    async def _look_around(self, language: PlanLanguage) -> Manner:
        """Read what models there are; who does not tell is taken by its address."""
        owner, names = "", []
        try:
            listed = await self._request("GET", "/models", None, LIST_MAX_BYTES)
            models = [entry for entry in listed["data"] if isinstance(entry, dict)]
            names = [str(entry["id"]) for entry in models]
            owner = str(models[0].get("owned_by", "")) if models else ""
        except (LookupError, TypeError):
            pass
        except _TroubleError as trouble:
            if trouble.kind in ("refused", "certificate", "unauthorised"):
                raise
        model = self._config.model or (names[0] if len(names) == 1 else "default")
        if len(names) > 1 and not self._config.model:
            listed = self._readable(", ".join(names[:8]).encode())
            raise _TroubleError("not_found", f"name one with #: {listed}")
        dialect = recognise(self._config.url, owner)
        return Manner(dialect=dialect, model=model, language=language)

    async def _answer(self, number: int, sentence: str, deadline_s: float) -> None:
        """Answer one question, or say why not, before its deadline."""
        began_s = time.monotonic()
        trouble = _TroubleError("late")
        try:
            async with asyncio.timeout(deadline_s):
                if self._manner is None:
                    raise _TroubleError("refused")
                reply = await self._try_until_answered(number, sentence)
        except TimeoutError:
            pass
        except _TroubleError as error:
            trouble = error
        else:
            self._is_up()
            reply = replace(reply, took_s=time.monotonic() - began_s)
            self._connection.send(("reply", reply))
            return
        self._failures += 1
        reply = Reply(number=number, trouble=trouble.words, took_s=time.monotonic() - began_s)
        self._connection.send(("reply", reply))
        if self._failures >= DOWN_AFTER or not (trouble.may_pass or trouble.kind == "late"):
            self._is_down(trouble.words)

    async def _try_until_answered(self, number: int, sentence: str) -> Reply:
        """Ask, anew when the link breaks, otherwise when the endpoint wants it otherwise."""
        assert self._manner is not None
        wait_s = RETRY_AFTER_S
        while True:
            try:
                return await self._ask(self._manner, number, sentence)
            except _TroubleError as trouble:
                if trouble.kind == "unwilling" and self._manner.yields(trouble.detail):
                    continue
                is_first = number == 0 and (trouble.kind == "refused" or wait_s > FIRST_RETRY_S)
                if not trouble.may_pass or is_first:
                    raise
            await asyncio.sleep(wait_s)
            wait_s *= 2.0

    async def _ask(self, manner: Manner, number: int, sentence: str) -> Reply:
        body = manner.body(number, sentence)
        answer = await self._request("POST", "/chat/completions", body, ANSWER_MAX_BYTES)
        found = read_answer(answer)
        if found is None:
            raise _TroubleError("garbage")
        if found[0] != number:
            raise _TroubleError("other")
        usage = answer.get("usage") or {}
        return Reply(
            number=number,
            text=found[1],
            bytes_sent=len(json.dumps(body).encode()),
            bytes_received=len(json.dumps(answer, ensure_ascii=False).encode()),
            tokens_read=_count(usage, "prompt_tokens"),
            tokens_written=_count(usage, "completion_tokens"),
        )

    async def _request(self, method: str, path: str, body: object, bytes_max: int) -> Any:
        """Return the JSON that the endpoint answers with.

        Raises:
            _TroubleError: There is none.
        """
        import httpx2

        url = self._config.url.rstrip("/") + path
        try:
            async with self._http.stream(method, url, json=body) as response:
                text = bytearray()
                async for piece in response.aiter_raw():
                    text += piece
                    if len(text) > bytes_max:
                        raise _TroubleError("too_long")
        except httpx2.ConnectError as error:
            is_certificate = _is_caused_by(error, ssl.SSLCertVerificationError)
            raise _TroubleError("certificate" if is_certificate else "refused") from error
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ssl.SSLError) as error:
            raise _TroubleError("broken") from error
        if response.status_code != httpx2.codes.OK:
            said = self._readable(text)
            raise _TroubleError(_kind_of(response.status_code), said)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _TroubleError("garbage") from error

    def _readable(self, text: bytes | bytearray) -> str:
        """Return the beginning of an endpoint's complaint, fit to be printed, without the key."""
        said = text[:4096].decode("utf8", "replace")
        if self._config.key:
            said = said.replace(self._config.key, "…")
        return "".join(c if c.isprintable() else " " for c in said)[:COMPLAINT_MAX]

    def _is_up(self) -> None:
        self._failures = 0
        self._tell("")

    def _is_down(self, why: str) -> None:
        self._tell(why)
        if self._probe is None or self._probe.done() or self._probe is asyncio.current_task():
            self._probe = asyncio.create_task(self._look_after())

    async def _look_after(self) -> None:
        """Try until the endpoint answers again."""
        wait_s = PROBE_AFTER_S
        while self._state is None or self._state[0]:
            await asyncio.sleep(wait_s)
            wait_s = min(2.0 * wait_s, PROBE_AT_MOST_S)
            with suppress(TimeoutError, _TroubleError):
                async with asyncio.timeout(self._config.deadline_s):
                    await self._probe_once()
                self._is_up()

    def _tell(self, trouble: str) -> None:
        dialect = self._manner.dialect.name if self._manner else ""
        if self._state != (trouble, dialect):
            self._state = (trouble, dialect)
            self._connection.send(("state", self._state))


def _kind_of(status: int) -> str:
    """Return what a status other than 200 means."""
    kinds = {401: "unauthorised", 403: "unauthorised", 404: "not_found", 429: "busy"}
    kinds |= {400: "unwilling", 422: "unwilling", 402: "busy"}
    return kinds.get(status, "server" if status >= 500 else "broken")


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _count(usage: object, name: str) -> int:
    value = usage.get(name, 0) if isinstance(usage, dict) else 0
    return value if isinstance(value, int) else 0
