import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.core.errors import ConfigError
from yanshi.mind.brains import read_brain
from yanshi.mind.model import ADAPTER, BARE


def read(text, **environment):
    return read_brain(text, environment=environment)


def test_without_a_word_it_is_the_one_on_board():
    choice = read("")
    assert choice.cloud is None
    assert choice.model.adapter == str(ADAPTER)
    assert choice.name == "on board"


def test_where_an_address_is_known_it_is_both():
    choice = read("", YANSHI_CLOUD="https://api.deepseek.com/v1#deepseek-chat")
    assert choice.cloud.url == "https://api.deepseek.com/v1"
    assert choice.cloud.model == "deepseek-chat"
    assert not choice.is_always_sent


def test_a_cloud_is_always_asked_and_a_hybrid_where_it_is_worth_it():
    assert read("cloud:http://localhost:8080/v1").is_always_sent
    assert not read("hybrid:http://localhost:8080/v1").is_always_sent


def test_a_file_is_told_the_language_unless_it_has_an_adapter():
    assert read("bare").model == BARE
    assert (read("a/b.gguf").model.source, read("a/b.gguf").model.adapter) == ("a/b.gguf", "")
    model = read("a/b.gguf+c.gguf").model
    assert (model.source, model.adapter) == ("a/b.gguf", "c.gguf")


def test_the_key_is_ours_or_the_providers_and_never_shown():
    url = "cloud:https://api.deepseek.com/v1#m"
    assert read(url, DEEPSEEK_API_KEY="sk-1").cloud.key == "sk-1"
    assert read(url, DEEPSEEK_API_KEY="sk-1", YANSHI_API_KEY="sk-2").cloud.key == "sk-2"
    assert read("cloud:https://example.org/v1", DEEPSEEK_API_KEY="sk-1").cloud.key == ""
    assert "sk-1" not in repr(read(url, DEEPSEEK_API_KEY="sk-1"))


@pytest.mark.parametrize(
    ("text", "hint"),
    [("hybrid", "URL#model"), ("gpt", "onboard"), ("cloud:", "URL#model"), ("cloud:x", "https://")],
)
def test_what_is_no_brain_is_refused_with_what_would_work(text, hint):
    with pytest.raises(ConfigError, match=hint) as error:
        read(text)
    assert error.value.zh


@pytest.mark.parametrize("deadline_ms", [1.0, -5.0, 1e9])
def test_a_deadline_that_makes_no_sense_is_refused(deadline_ms):
    with pytest.raises(ConfigError, match="50 to 60000 ms"):
        read_brain("cloud:http://localhost/v1", deadline_ms, {})


@given(st.text(max_size=60))
def test_whatever_is_written_it_is_a_brain_or_a_message(text):
    try:
        assert read(text).name
    except ConfigError:
        assert text.strip()
