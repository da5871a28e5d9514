"""What is shipped computes what was trained, and a training goes on where it ended."""

from itertools import islice

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from yanshi.mind.gemma import kept_tokens  # noqa: E402
from yanshi.mind.guesser import Guesser  # noqa: E402
from yanshi.train import guess  # noqa: E402
from yanshi.train.guess import GuessTraining, Teacher, rate, train_guess  # noqa: E402
from yanshi.train.sentences import examples  # noqa: E402


@pytest.fixture(scope="module")
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guess, "SAMPLE", 300)
        yield


def test_the_guesser_computes_what_the_network_does(small, tmp_path):
    teacher = Teacher(GuessTraining(width=12, depth=8))
    with torch.no_grad():
        for weights in teacher.network.parameters():
            weights.copy_(3.0 * weights.to(torch.float16))
    file = tmp_path / "guess.npz"
    np.savez(file, **teacher.arrays())
    kept = kept_tokens()
    numbers = {int(pinned): number for number, pinned in enumerate(kept)}
    guesser = Guesser(kept, file)
    compared = 0
    for example in islice(examples(9), 40):
        prompt, plan = teacher.encode(example)
        if not set(plan) <= set(teacher.targets) & set(numbers) or not set(prompt) <= set(numbers):
            continue
        guessed = guesser.read([numbers[token] for token in prompt])
        scores, _ = teacher.scores([(prompt, plan)])
        for at in range(len(plan)):
            order = scores[0, at].argsort(descending=True)
            close = scores[0, at][order[0]] - scores[0, at][order[1]] < 1e-3
            best = teacher.targets[int(order[0])]
            found = guessed.after([numbers[token] for token in plan[:at]], -1)
            if not close and best >= 0:
                assert int(kept[found[0]]) == best
                compared += 1
    assert compared > 50


def test_a_training_is_resumed_and_what_it_wrote_guesses(small, tmp_path):
    config = GuessTraining(minutes=0.05, batch=16, width=8, depth=8, validation=50)
    out = tmp_path / "out" / "guess.npz"
    first = train_guess(config, tmp_path, out)
    again = train_guess(GuessTraining(**{**first["training"], "minutes": 0.1}), tmp_path, out)
    assert again["sentences"] > first["sentences"] > 0
    assert again["curve"][: len(first["curve"])] == first["curve"]
    assert 0.0 <= again["unseen_sentences"]["tokens_right"] <= 1.0
    Guesser(kept_tokens(), out).read([5, 6]).after([], 7)


def test_the_rate_rises_then_falls_to_a_fiftieth():
    config = GuessTraining(learning_rate=1.0)
    rates = [rate(config, share) for share in np.linspace(0.0, 1.0, 101)]
    assert rates[0] == 0.0
    assert int(np.argmax(rates)) == 2
    assert rates[-1] == pytest.approx(0.02)
