"""What is confirmed is what would have been written, however good or bad the guess."""

import dataclasses

import numpy as np
import pytest

from yanshi.assets.store import locate
from yanshi.mind.confirm import Confirming
from yanshi.mind.gemma import graph_of
from yanshi.mind.language import PlanLanguage
from yanshi.mind.model import ADAPTER, PINNED_MODEL
from yanshi.worlds.home import build_home

LANGUAGE = PlanLanguage.of(build_home(0).floor_plan).draft
SENTENCES = (
    "走到桌子前\n",
    "look at the shelf, then dance and wave\n",
    "踢他一脚\n",
    "把红杯子拿过来\n",
)


class Says:
    """Guesses what it was told to."""

    def __init__(self, plan):
        self.plan = plan

    def read(self, sentence):
        return self

    def after(self, written, end):
        return self.plan[len(written) :]


@pytest.fixture(scope="module")
def confirming():
    model = locate(PINNED_MODEL)
    return Confirming(model, graph_of(model, ADAPTER), threads=1, tokens_max=40)


@pytest.fixture
def guessing(confirming, monkeypatch):
    def guess(plan):
        monkeypatch.setattr(confirming, "_guesser", Says(plan))
        confirming.passes = 0

    return guess


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_guess_changes_the_time_and_not_the_plan(confirming, guessing, sentence):
    guessing([])
    plan, sure, (read, written) = confirming.complete(sentence, LANGUAGE)
    LANGUAGE.parse(plan)
    assert confirming.passes == written > 1
    assert 0.0 < sure <= 1.0
    tokens = confirming._tokens.encode(plan + "\n")
    assert len(tokens) == written

    guessing(tokens)
    texts = []
    again, as_sure, (as_read, as_written) = confirming.complete(sentence, LANGUAGE, texts.append)
    assert (again, as_read, as_written) == (plan, read, written)
    assert as_sure == pytest.approx(sure, abs=0.05)  # Sums over more rows are rounded otherwise.
    assert confirming.passes == 1
    assert texts == [plan + "\n"]

    wrong = [*tokens[:1], *confirming._tokens.encode(" moon; sing\n")]
    guessing(wrong)
    assert confirming.complete(sentence, LANGUAGE)[0] == plan
    assert 1 < confirming.passes <= written


def test_what_the_language_does_not_hold_is_not_written(confirming, guessing):
    guessing([])
    small = dataclasses.replace(LANGUAGE, syntaxes={"dance": ("",), "bow": ("",)})
    sure = {}
    for sentence in ("跳个舞\n", "把窗户擦干净\n"):
        plan, sure[sentence], _ = confirming.complete(sentence, small)
        small.parse(plan)
    assert sure["把窗户擦干净\n"] < 0.5 < sure["跳个舞\n"]


def test_what_is_too_long_to_be_read_gets_no_answer(confirming):
    text, sure, (read, written) = confirming.complete("走到桌子前" + "🜁" * 190 + "\n", LANGUAGE)
    assert (text, sure, written) == ("", 0.0, 0)
    assert read > 700
    assert confirming.complete("跳个舞\n", LANGUAGE)[0] == "dance"


def test_an_answer_without_end_is_cut_off(confirming, guessing, monkeypatch):
    monkeypatch.setattr(confirming, "_tokens_max", 3)
    guessing([])
    _, _, (_, written) = confirming.complete("先跳个舞，再挥挥手，再鞠个躬，再走到门口\n", LANGUAGE)
    assert written == 3


def test_the_network_is_shown_the_guess_and_asked_for_what_follows_each_token(
    confirming, monkeypatch
):
    seen = []

    class Watched:
        def run(self, _, inputs):
            seen.append({name: array.shape for name, array in inputs.items()})
            scores = np.zeros((len(inputs["wanted"]), len(confirming._kept)), np.float32)
            scores[:, confirming._end] = 1.0
            return [scores]

    monkeypatch.setattr(confirming, "_network", Watched())
    confirming._scores([1, 2, 3], [7, 8, confirming._end])
    confirming._scores([1, 2, 3], [7, 8])
    assert [shapes["tokens"][0] for shapes in seen] == [6, 5]
    assert [shapes["wanted"][0] for shapes in seen] == [3, 3]
