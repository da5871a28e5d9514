"""How the endpoints that call themselves OpenAI-compatible differ, and what they have in common.

Each is asked for a plan in the strictest way that it knows: under our grammar (llama-server, vLLM),
under a JSON schema with the language as a pattern (OpenAI, some of Qwen's), as any JSON object
(DeepSeek, Qwen, Kimi, GLM), or as text. A way that it refuses is not tried again (`Manner`).
Each is asked not to think aloud first, in its own words. What comes back is read the same way.

Every question has a number, and its answer must carry it: whatever a link repeats, delays or mixes
up, an answer to another question is told apart by its text alone.

Sources: the providers' API references as of 2026-11; vLLM's and llama.cpp's server documentation.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from yanshi.mind.language import PlanLanguage
from yanshi.mind.prompt import instructions

TOKENS_MAX = 160
"""Longest answer: a number, six steps and two texts."""
FENCE = re.compile(r"^\s*```\w*\s*|\s*```\s*$")
THOUGHT = re.compile(r"^.*</think>", re.DOTALL)
NUMBERED = re.compile(r"(\d+)\s+(.*)")


class Way(StrEnum):
    """How an answer is held to the plan language, the strictest first."""

    GRAMMAR = "grammar"
    """llama-server: its own grammar."""
    STRUCTURED = "structured_outputs"
    """vLLM since 0.12: the same grammar."""
    GUIDED = "guided_grammar"
    """vLLM before."""
    SCHEMA = "json_schema"
    OBJECT = "json_object"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one provider's endpoint is like."""

    name: str
    hosts: tuple[str, ...] = ()
    """How the names of its hosts end."""
    owner: str = ""
    """What its list of models gives as their owner."""
    ways: tuple[Way, ...] = tuple(Way)
    """What it may know, the strictest first."""
    quiet: Mapping[str, Any] = field(default_factory=dict)
    """Fields that keep it from thinking aloud."""
    is_tempered: bool = True
    """Whether it lets the temperature be chosen."""
    length: str = "max_tokens"
    """What it calls the longest answer."""
    keys: tuple[str, ...] = ()
    """Environment variables that its users keep its key in."""


_DISABLED = {"thinking": {"type": "disabled"}}
_TEMPLATE = {"chat_template_kwargs": {"enable_thinking": False}}
_LOOSE = (Way.OBJECT, Way.TEXT)
DIALECTS = (
    Dialect(
        name="DeepSeek",
        hosts=("deepseek.com",),
        ways=_LOOSE,
        quiet=_DISABLED,
        keys=("DEEPSEEK_API_KEY",),
    ),
    Dialect(
        name="Qwen",
        hosts=("aliyuncs.com",),
        ways=(Way.SCHEMA, *_LOOSE),
        quiet={"enable_thinking": False},
        keys=("DASHSCOPE_API_KEY",),
    ),
    Dialect(
        name="Kimi",
        hosts=("moonshot.cn", "moonshot.ai", "kimi.ai"),
        ways=_LOOSE,
        quiet=_DISABLED,
        is_tempered=False,
        length="max_completion_tokens",
        keys=("MOONSHOT_API_KEY", "KIMI_API_KEY"),
    ),
    Dialect(
        name="GLM",
        hosts=("bigmodel.cn", "z.ai"),
        ways=_LOOSE,
        quiet=_DISABLED,
        keys=("ZAI_API_KEY", "ZHIPUAI_API_KEY", "GLM_API_KEY"),
    ),
    Dialect(
        name="OpenAI",
        hosts=("openai.com",),
        ways=(Way.SCHEMA, *_LOOSE),
        is_tempered=False,
        length="max_completion_tokens",
        keys=("OPENAI_API_KEY",),
    ),
    Dialect(
        name="vLLM",
        owner="vllm",
        ways=(Way.STRUCTURED, Way.GUIDED, Way.SCHEMA, *_LOOSE),
        quiet=_TEMPLATE,
    ),
    Dialect(
        name="llama-server",
        owner="llamacpp",
        ways=(Way.GRAMMAR, Way.SCHEMA, *_LOOSE),
        quiet=_TEMPLATE,
    ),
)
OTHER = Dialect(name="other", ways=(Way.SCHEMA, *_LOOSE))


def recognise(url: str, owner: str = "") -> Dialect:
    """Return the dialect of an address, or of what its list of models calls their owner."""
    host = urlsplit(url).hostname or ""
    for dialect in DIALECTS:
        if any(host == end or host.endswith("." + end) for end in dialect.hosts):
            return dialect
        if owner and owner.lower() == dialect.owner:
            return dialect
    return OTHER


@dataclass(slots=True)
class Manner:
    """How one endpoint is asked: its dialect, and what it has turned out not to know."""

    dialect: Dialect
    model: str
    language: PlanLanguage
    _refused: set[str] = field(default_factory=set)

    @property
    def way(self) -> Way:
        """The strictest way that has not been refused."""
        return next((way for way in self.dialect.ways if way not in self._refused), Way.TEXT)

    def body(self, number: int, sentence: str) -> dict[str, Any]:
        """Return the request for the plan of a sentence."""
        is_json = self.way in (Way.SCHEMA, Way.OBJECT)
        language = self.language.draft
        told = instructions(language) + (
            'Answer with a JSON object alone: {"id": number, "plan": "…"}, where id is the number '
            "before the sentence.\n"
            if is_json
            else "Answer with the number before the sentence, a blank and the plan, on one line.\n"
        )
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": told},
                {"role": "user", "content": f"{number} {sentence}"},
            ],
            self.dialect.length: TOKENS_MAX,
            **({"temperature": 0} if self.dialect.is_tempered else {}),
            **self.dialect.quiet,
            **self._held(number, language),
        }
        return {name: value for name, value in body.items() if name not in self._refused}

    def _held(self, number: int, language: PlanLanguage) -> dict[str, Any]:
        """Return the fields that hold the answer to the language."""
        grammar = language.grammar.replace("root ::= ", f'root ::= "{number} " ', 1)
        plan = {"type": "string", "pattern": f"^{language.pattern}$"}
        schema = {
            "type": "object",
            "properties": {"id": {"type": "integer", "enum": [number]}, "plan": plan},
            "required": ["id", "plan"],
            "additionalProperties": False,
        }
        form = {"name": "plan", "strict": True, "schema": schema}
        held: dict[Way, dict[str, Any]] = {
            Way.GRAMMAR: {"grammar": grammar},
            Way.STRUCTURED: {"structured_outputs": {"grammar": grammar}},
            Way.GUIDED: {"guided_grammar": grammar},
            Way.SCHEMA: {"response_format": {"type": "json_schema", "json_schema": form}},
            Way.OBJECT: {"response_format": {"type": "json_object"}},
            Way.TEXT: {},
        }
        return held[self.way]

    def yields(self, complaint: str) -> bool:
        """Give up what an endpoint has refused; whether there is something left to try.

        Args:
            complaint: What it said, with a status of 400 or 422.
        """
        optional = ("temperature", *self.dialect.quiet)
        for name in optional:
            if name in complaint and name not in self._refused:
                self._refused.add(name)
                return True
        if self.dialect.length in complaint and self.dialect.length == "max_tokens":
            self.dialect = replace(self.dialect, length="max_completion_tokens")
            return True
        if self.way is not Way.TEXT:
            self._refused.add(self.way)
            return True
        if left := [name for name in optional if name not in self._refused]:
            self._refused.add(left[0])
            return True
        return False


def read_answer(answer: object) -> tuple[int, str] | None:
    """Return the number and the plan of an endpoint's answer; None when it holds neither."""
    try:
        content = answer["choices"][0]["message"]["content"]  # type: ignore[index]
        if isinstance(content, list):  # In parts, as some give it.
            content = "".join(part.get("text", "") for part in content)
        return read_content(content)
    except (LookupError, TypeError, AttributeError):
        return None


def read_content(content: str) -> tuple[int, str] | None:
    """Return the number and the plan of what a model wrote; None when it holds neither."""
    text = FENCE.sub("", THOUGHT.sub("", content)).strip()
    if text.startswith("{"):
        try:
            said = json.loads(text)
            return int(said["id"]), str(said["plan"]).strip()
        except (ValueError, LookupError, TypeError):
            return None
    found = NUMBERED.match(text)
    return (int(found[1]), found[2].strip().strip("`")) if found else None
