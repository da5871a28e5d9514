"""How each provider is asked: in its own words, and as strictly as it knows."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mind.test_language import LANGUAGE as SMALL
from tests.mind.test_language import plans

from yanshi.bench.stand_in_endpoint import Strictness, answer, complain
from yanshi.core.errors import PlanError
from yanshi.mind.dialects import DIALECTS, OTHER, Manner, Way, read_answer, read_content, recognise
from yanshi.mind.language import PlanLanguage
from yanshi.worlds.home import build_home

LANGUAGE = PlanLanguage.of(build_home(0).floor_plan)
JSON = ("json_object",)
STRICT = {
    "https://api.deepseek.com/v1": Strictness(
        formats=JSON, fields=("temperature", "max_tokens", "thinking")
    ),
    "https://dashscope.aliyuncs.com/compatible-mode/v1": Strictness(
        formats=("json_schema", *JSON), fields=("temperature", "max_tokens", "enable_thinking")
    ),
    "https://api.moonshot.cn/v1": Strictness(
        formats=JSON, fields=("max_completion_tokens", "thinking")
    ),
    "https://open.bigmodel.cn/api/paas/v4": Strictness(
        formats=JSON, fields=("temperature", "max_tokens", "thinking")
    ),
    "https://api.openai.com/v1": Strictness(
        formats=("json_schema", *JSON), fields=("max_completion_tokens",)
    ),
}
"""What each provider takes, by its documentation."""
OWNED = {
    "vllm": ("temperature", "max_tokens", "structured_outputs", "chat_template_kwargs"),
    "llamacpp": ("temperature", "max_tokens", "grammar", "chat_template_kwargs"),
}
"""The same for servers that are known by the owner of their models."""


@pytest.mark.parametrize("url", STRICT)
def test_a_provider_is_known_by_its_address_and_asked_in_its_own_words(url):
    manner = Manner(dialect=recognise(url), model="m", language=LANGUAGE)
    assert manner.dialect is not OTHER
    assert complain(STRICT[url], manner.body(7, "go to the table")) == ""


@pytest.mark.parametrize("owner", OWNED)
def test_a_server_is_known_by_its_models_and_held_to_the_grammar(owner):
    manner = Manner(dialect=recognise("http://localhost:1/v1", owner), model="m", language=LANGUAGE)
    body = manner.body(7, "wave")
    assert complain(Strictness(formats=(), fields=OWNED[owner]), body) == ""
    grammar = body.get("grammar") or body["structured_outputs"]["grammar"]
    assert grammar.startswith('root ::= "7 " step')
    assert "response_format" not in body


def test_an_address_that_only_looks_like_a_provider_is_none():
    assert recognise("https://deepseek.com.example.org/v1") is OTHER
    assert recognise("https://notdeepseek.com/v1") is OTHER


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([*DIALECTS, OTHER]),
    st.sets(st.sampled_from(["json_schema", "json_object"])),
    st.sets(
        st.sampled_from(["temperature", "max_tokens", "grammar", "thinking", "structured_outputs"])
    ),
    st.booleans(),
)
def test_whatever_an_endpoint_refuses_a_way_to_ask_is_found(dialect, formats, fields, is_long):
    length = "max_completion_tokens" if is_long else "max_tokens"
    strict = Strictness(formats=tuple(formats), fields=(*fields, length))
    manner = Manner(dialect=dialect, model="m", language=LANGUAGE)
    for _ in range(12):
        body = manner.body(3, "wave")
        complaint = complain(strict, body)
        if not complaint:
            break
        if not manner.yields(complaint):
            # The only thing never given up is how long the answer may be.
            assert "max" in complaint
            return
    assert complaint == ""
    assert read_content(answer(body)) == (3, "wave")


def test_a_way_is_given_up_for_the_next_strictest():
    manner = Manner(dialect=OTHER, model="m", language=LANGUAGE)
    ways = [manner.way]
    while manner.yields("I do not know this"):
        ways.append(manner.way)
    assert ways[:3] == [Way.SCHEMA, Way.OBJECT, Way.TEXT]


@settings(deadline=None)
@given(plans)
def test_the_pattern_of_the_schema_fits_every_plan(text):
    assert re.fullmatch(SMALL.pattern, text)


@settings(max_examples=200, deadline=None)
@given(plans, st.data())
def test_the_pattern_fits_nothing_that_does_not_parse(text, data):
    at = data.draw(st.integers(0, len(text)))
    spoilt = text[:at] + data.draw(st.sampled_from(("x", ";", " ", "7", '"', ""))) + text[at + 1 :]
    fits = re.fullmatch(SMALL.pattern, spoilt) is not None
    try:
        SMALL.parse(spoilt)
    except PlanError:
        assert not fits
    else:
        assert fits


def test_the_pattern_holds_nothing_that_other_dialects_lack():
    pattern = LANGUAGE.draft.pattern
    assert not re.search(r"\(\?[<=!P]|\\[ -]", pattern)
    json.dumps(pattern)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"id": 12, "plan": "go table"}', (12, "go table")),
        ('```json\n{"plan": "wave", "id": 3}\n```', (3, "wave")),
        ('<think>the user {"id": 1}</think>\n\n{"id": 2, "plan": "bow"}', (2, "bow")),
        ("12 go table; wave\nBecause", (12, "go table; wave")),
        ("12 `go table`", (12, "go table")),
        ("go table", None),
        ('{"plan": "wave"}', None),
        ('{"id": "x", "plan": "wave"}', None),
        ("", None),
    ],
)
def test_an_answer_is_read_whatever_it_is_wrapped_in(content, found):
    assert read_content(content) == found


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"choices": []}, {"choices": [{"message": {"content": None}}]}, "text", 7],
)
def test_what_is_no_answer_is_none(answer):
    assert read_answer(answer) is None


def test_an_answer_in_parts_is_put_together():
    parts = [{"type": "text", "text": '{"id": 4, '}, {"type": "text", "text": '"plan": "wave"}'}]
    assert read_answer({"choices": [{"message": {"content": parts}}]}) == (4, "wave")


def test_all_a_model_is_told_is_the_language_and_the_sentence():
    body = Manner(dialect=OTHER, model="m", language=LANGUAGE).body(5, "去那边")
    told, said = (message["content"] for message in body["messages"])
    assert said == "5 去那边"
    assert all(word in told for word in ("sofa", "sausage", "purple", "go forward {metres}"))
