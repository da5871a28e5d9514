"""How performers begin: with a walker's balance, or with what another routine has taught."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from yanshi.policies.contract import load_contract, policy_folder  # noqa: E402
from yanshi.robots.g1.spec import G1  # noqa: E402
from yanshi.train import track  # noqa: E402
from yanshi.train.lesson import Lesson  # noqa: E402
from yanshi.train.ppo import perceptron  # noqa: E402
from yanshi.train.track_lesson import plan_piece, track_lesson  # noqa: E402
from yanshi.train.warm_start import network_of  # noqa: E402

SALUTE = load_contract(policy_folder("g1_salute"), G1)


class Network:
    """What a lesson gives a start."""

    def __init__(self, lesson: Lesson) -> None:
        self.actor = perceptron(track.TERMS[-1].stop, track.N, lesson.ppo.actor_layers)


def test_who_begins_with_another_performer_answers_as_that_one_and_says_so():
    piece = plan_piece(policy_folder("g1_kick") / "routine.toml")
    lesson = track_lesson(piece, after=SALUTE)
    policy = Network(lesson)
    origin = lesson.begin(policy, seed=0, threads=1, say=print)
    seen = torch.tensor(np.random.default_rng(0).normal(size=(5, track.TERMS[-1].stop)))
    with torch.no_grad():
        found = policy.actor(seen.float()).numpy()
        wanted = network_of(SALUTE)(seen.float()).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert origin.name == SALUTE.name


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (["--after", "salut"], "Did you mean 'salute'?"),
        (["--after", str(Path(__file__).parent)], "yanshi train track"),
        (["--after", "salute", "--cold"], "--cold"),
    ],
)
def test_what_it_cannot_begin_with_is_told_before_anything_is_written(
    typed, tmp_path: Path, after: list[str], says: str
):
    routine = str(policy_folder("g1_kick") / "routine.toml")
    work = tmp_path / "work"
    code, _, errors = typed("train", "track", routine, "--work", str(work), *after)
    assert code == 2
    assert says in errors.replace("\n", " ")
    assert not work.exists()
