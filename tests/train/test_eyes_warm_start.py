"""Eyes that begin as others: the same answers, what is new without any."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")
pytest.importorskip("matplotlib", reason="needs the extra `train`")

from yanshi.core.errors import ContractError  # noqa: E402
from yanshi.train.eyes import COLOURS_SEEN, KINDS_SEEN, export  # noqa: E402
from yanshi.train.eyes_network import PLACE_CHANNELS, EyesNetwork  # noqa: E402
from yanshi.train.eyes_warm_start import begin_as  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # The exporter warns of its own future.
MORE_KINDS = [*KINDS_SEEN[:-1], "kettle", KINDS_SEEN[-1]]


def crops(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(4, 6, 64, 64, generator=generator) - 0.5


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """Eyes whose normalisations have seen something, and their file."""
    torch.manual_seed(3)
    network = EyesNetwork(len(KINDS_SEEN), len(COLOURS_SEEN))
    for seed in range(3):
        network(crops(seed))
    path = tmp_path_factory.mktemp("eyes") / "eyes.onnx"
    export(network.eval(), path)
    return network, path


def begun(path, kinds=KINDS_SEEN):
    network = EyesNetwork(len(kinds), len(COLOURS_SEEN))
    begin_as(network, path, kinds, COLOURS_SEEN, crops(7))
    return network


def test_eyes_that_begin_as_others_answer_as_they_do(old):
    network, path = old
    with torch.no_grad():
        wanted = network(crops(9))
        answer = begun(path).eval()(crops(9))
    np.testing.assert_allclose(answer.numpy(), wanted.numpy(), atol=1e-4)


def test_while_learning_they_answer_so_about_what_they_were_begun_with(old):
    network, path = old
    with torch.no_grad():
        wanted = network(crops(7))
        answer = begun(path).train()(crops(7))
    np.testing.assert_allclose(answer.numpy(), wanted.numpy(), atol=1e-3)


def test_a_new_kind_begins_without_an_answer_and_the_others_keep_theirs(old):
    network, path = old
    new = MORE_KINDS.index("kettle")
    with torch.no_grad():
        wanted = network(crops(9))
        answer = begun(path, MORE_KINDS).eval()(crops(9))
    assert (answer[:, PLACE_CHANNELS + new] == 0.0).all()
    others = [channel for channel in range(answer.shape[1]) if channel != PLACE_CHANNELS + new]
    np.testing.assert_allclose(answer[:, others].numpy(), wanted.numpy(), atol=1e-4)


def test_eyes_of_another_shape_are_refused(old):
    _, path = old
    network = EyesNetwork(len(KINDS_SEEN), len(COLOURS_SEEN), channels=(8, 32, 48, 96))
    with pytest.raises(ContractError, match="would agree"):
        begin_as(network, path, KINDS_SEEN, COLOURS_SEEN, crops())
