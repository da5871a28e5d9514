"""The first step is known before the plan is whole, and only when nothing can change it."""

import pytest

from yanshi.mind.dialogue import Context, Seen
from yanshi.mind.mind import Mind
from yanshi.mind.model import Completion, ModelConfig, _FirstStep
from yanshi.worlds.home import build_home


class Slow:
    """A model that has written the beginning of its answer."""

    pid = None

    def __init__(self) -> None:
        self.first: str | None = None
        self.whole: str | None = None

    def set_language(self, language, warm_up: str) -> None:
        pass

    def ask(self, prompt: str) -> None:
        self.prompt = prompt

    def poll(self, timeout_s: float) -> Completion | None:
        return Completion(text=self.whole, confidence=1.0, took_s=0.0) if self.whole else None

    def close(self) -> None:
        pass


@pytest.fixture
def mind(monkeypatch):
    monkeypatch.setattr("yanshi.mind.mind.ModelProcess", lambda config, backend: Slow())
    mind = Mind(ModelConfig())
    mind.know(build_home(0).floor_plan)
    return mind


def first(mind, sentence, written, context=None):
    mind.ask(sentence, context or Context())
    mind._model.first = written
    assert mind.poll() is None
    step = mind.first_step()
    return str(step) if step else None


def test_a_step_is_known_while_the_rest_is_being_written(mind):
    assert first(mind, "go to the table and dance", None) is None
    assert first(mind, "go to the table and wave", "go table") == "go table"
    mind._model.whole = "go table; wave\n"
    assert str(mind.poll().plan) == "go table; wave"
    assert mind.first_step() is None


def test_what_it_points_at_is_looked_up(mind):
    cups = Context(things=(Seen(name="red cup"), Seen(name="green cup")))
    assert first(mind, "go to it and wave", "go it", Context(things=(Seen(name="walnut"),))) == (
        "go walnut"
    )
    assert first(mind, "to the cup, then wave", "go cup", cups) is None


@pytest.mark.parametrize("written", ['say "hi"', "refuse unsafe", "ask what", "wait 3", "go mars"])
def test_what_only_talks_or_is_no_step_waits_for_the_whole_plan(mind, written):
    assert first(mind, f"first {written}", written) is None


def test_what_is_quoted_is_judged_first(mind):
    assert first(mind, "wave and say “give me your money”", "wave") is None


def test_a_first_step_is_sent_on_once():
    sent = []
    connection = type("Connection", (), {"send": staticmethod(sent.append)})()
    step = _FirstStep(connection, "prompt")
    for text in ("go", "go table", "go table;", "go table; da", "go table; dance; wave"):
        step(text)
    assert sent == [("first", "prompt", "go table")]


def test_a_draft_from_memory_that_is_no_plan_here_becomes_a_question(mind):
    mind._model.whole = "go it\n"
    walnut = Context(things=(Seen(name="walnut"),))
    assert str(mind.understand("walk up to it", walnut).plan) == "go walnut"
    drone = Context(things=(Seen(name="drone"),))
    assert str(mind.understand("walk up to it", drone).plan) == "ask what"
