"""The training of the eyes: its targets against geometry, its file against its network."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")
pytest.importorskip("matplotlib", reason="needs the extra `train`")

from yanshi.core.errors import ConfigError  # noqa: E402
from yanshi.core.messages import Image  # noqa: E402
from yanshi.robots.g1.spec import HEAD_CAMERA  # noqa: E402
from yanshi.senses.eyes import CELL_PX, Eyes, locate  # noqa: E402
from yanshi.train.eyes import (  # noqa: E402
    COLOURS_SEEN,
    KINDS_SEEN,
    EyesTraining,
    Training,
    export,
    mirror,
)
from yanshi.train.eyes_network import (  # noqa: E402
    Deployed,
    EyesNetwork,
    nearest_in_cells,
    picture_channels,
)
from yanshi.train.eyes_pictures import SIGHT, Shard  # noqa: E402
from yanshi.train.eyes_targets import (  # noqa: E402
    Crop,
    losses,
    make_targets,
    pixel_of,
    told_apart,
)

F_PX = HEAD_CAMERA.focal_length_px
WHOLE = Crop(0, 0, HEAD_CAMERA.height, HEAD_CAMERA.width)
SMALL = EyesTraining(steps=6, batch=2, crop=(64, 64))


def sights(*rows):
    return np.array([(0, *row) for row in rows], dtype=SIGHT)


def cup(x=0.0, y=0.0, z=1.5, visible=200, alone=200):
    return (KINDS_SEEN.index("cup"), COLOURS_SEEN.index("blue"), (x, y, z), visible, alone)


def random_picture(seed=0, n=1):
    rng = np.random.default_rng(seed)
    shape = (n, HEAD_CAMERA.height, HEAD_CAMERA.width)
    depth = rng.uniform(0.5, 3.0, shape).astype(np.float32)
    return rng.integers(0, 255, (*shape, 3), np.uint8), depth


@pytest.fixture
def shard():
    rgb, depth = random_picture(3, n=2)
    return Shard(rgb, (depth / 2e-4).astype(np.uint16), sights(cup(), cup(0.3, 0.2, 1.0)))


def test_a_plane_has_no_relief_however_slanted():
    rows, columns = np.mgrid[: HEAD_CAMERA.height, : HEAD_CAMERA.width]
    x, y = (columns - 240.0) / F_PX, (rows - 176.0) / F_PX
    depth = torch.from_numpy((1.0 / (0.6 + 0.3 * y + 0.1 * x)).astype(np.float32))[None]
    relief = picture_channels(torch.zeros(*depth.shape, 3), depth)[0, 4:]
    inner = relief[:, 16:-16, 16:-16]
    assert inner.abs().max() * 0.1 < 0.001  # Under a millimetre.


def test_a_step_of_five_centimetres_shows_as_relief():
    depth = torch.full((1, 352, 480), 1.5)
    depth[:, 170:182, 230:242] = 1.45
    relief = picture_channels(torch.zeros(1, 352, 480, 3), depth)[0, 5]
    assert relief[176, 236] * 0.1 == pytest.approx(0.05, abs=0.015)


def test_the_targets_of_a_thing_lead_the_decoder_back_to_it():
    position = np.array([0.31, -0.22, 1.7], np.float32)
    targets = make_targets([WHOLE], [sights(cup(*position))])
    near = np.float32(1.66)
    image = Image(
        t_ns=0,
        rgb=np.zeros((352, 480, 3), np.uint8),
        depth=np.full((352, 480), near),
        focal_length_px=F_PX,
    )
    assert len(targets.cells) == 9
    for cell, offset in zip(targets.cells, targets.offset, strict=True):
        answer = np.array([offset[0], offset[1], (offset[2] - near) / 0.1], np.float32)
        at = (np.array([int(cell[1])]), np.array([int(cell[2])]))
        found = locate(at, answer[:, None], np.array([near]), image)
        np.testing.assert_allclose(found[0], position, atol=1e-5)


def test_presence_is_one_in_the_cell_of_the_middle_alone():
    targets = make_targets([WHOLE], [sights(cup(0.2, 0.1))])
    column, row = pixel_of(np.array([0.2, 0.1, 1.5], np.float32))
    cells = torch.nonzero(targets.presence[0] == 1.0)
    assert cells.tolist() == [[int(row // CELL_PX), int(column // CELL_PX)]]


def test_a_thing_mostly_hidden_is_neither_asked_for_nor_punished():
    targets = make_targets([WHOLE], [sights(cup(visible=20, alone=200))])
    assert len(targets.cells) == 0
    assert (targets.counts == 0.0).any()


def test_of_two_middles_in_one_place_of_the_picture_the_nearer_is_asked_for():
    behind, before, aside = cup(0.0, 0.0, 1.2), cup(0.005, 0.0, 1.1), cup(0.1, 0.0, 1.2)
    kept = told_apart(sights(behind, before, aside))
    np.testing.assert_allclose(sorted(sight["position"][2] for sight in kept), [1.1, 1.2])
    targets = make_targets([WHOLE], [sights(behind, before, aside)])
    assert (targets.presence == 1.0).sum() == 2
    assert set(np.round(targets.offset[:9, 2].numpy(), 4)) == {np.float32(1.1)}


def test_a_hidden_thing_hides_no_other_from_the_training():
    shown, hidden = cup(0.0, 0.0, 1.2), cup(0.0, 0.0, 1.1, visible=10, alone=200)
    targets = make_targets([WHOLE], [sights(shown, hidden)])
    assert len(targets.cells) == 9


def test_mirrored_targets_are_the_targets_of_the_mirrored_scene():
    there = make_targets([WHOLE], [sights(cup(0.31, 0.1))])
    back = make_targets([WHOLE], [sights(cup(-0.31, 0.1))])
    mirrored = mirror(there, torch.tensor([True]))
    torch.testing.assert_close(mirrored.presence, back.presence, atol=1e-4, rtol=0.0)
    order = np.lexsort(mirrored.cells.numpy().T)
    expected = np.lexsort(back.cells.numpy().T)
    assert mirrored.cells[order].tolist() == back.cells[expected].tolist()
    torch.testing.assert_close(mirrored.offset[order], back.offset[expected], atol=1e-4, rtol=0.0)


def test_a_perfect_answer_costs_almost_nothing():
    targets = make_targets([WHOLE], [sights(cup())])
    near = torch.full((1, 88, 120), 1.47)
    maps = torch.zeros(1, 4 + len(KINDS_SEEN) + len(COLOURS_SEEN), 88, 120)
    maps[:, 0] = torch.where(targets.presence == 1.0, 12.0, -12.0)
    crop, row, column = targets.cells.T
    maps[crop, 1, row, column] = targets.offset[:, 0]
    maps[crop, 2, row, column] = targets.offset[:, 1]
    maps[crop, 3, row, column] = (targets.offset[:, 2] - 1.47) / 0.1
    maps[:, 4 + KINDS_SEEN.index("cup")] = 12.0
    maps[:, 4 + len(KINDS_SEEN) + COLOURS_SEEN.index("blue")] = 12.0
    parts = losses(maps, near, targets, len(KINDS_SEEN))
    assert all(float(part) < 1e-3 for part in parts.values()), parts


def test_the_network_has_at_most_two_million_parameters():
    network = EyesNetwork(len(KINDS_SEEN), len(COLOURS_SEEN))
    assert sum(p.numel() for p in network.parameters()) <= 2_000_000


@pytest.mark.filterwarnings("ignore")  # The exporter warns of its own future.
def test_onnx_runtime_answers_as_torch_does(tmp_path):
    torch.manual_seed(0)
    network = EyesNetwork(len(KINDS_SEEN), len(COLOURS_SEEN)).eval()
    export(network, tmp_path / "eyes.onnx")
    rgb, depth = random_picture()
    answers = Eyes(tmp_path / "eyes.onnx")._session.run(None, {"rgb": rgb, "depth": depth})
    with torch.no_grad():
        wanted = Deployed(network)(torch.from_numpy(rgb), torch.from_numpy(depth))
    for answer, want in zip(answers, wanted, strict=True):
        np.testing.assert_allclose(answer, want.numpy(), atol=2e-4)


def test_nearest_in_cells_is_the_smallest_known_depth():
    depth = torch.full((1, 8, 8), 2.0)
    depth[0, 1, 2], depth[0, 5, 5] = 1.25, 0.0
    assert nearest_in_cells(depth).tolist() == [[[1.25, 2.0], [2.0, 2.0]]]


def test_a_resumed_training_ends_where_an_unbroken_one_does(tmp_path, shard):
    whole = Training(SMALL, [shard])
    for _ in range(6):
        whole.advance()
    broken = Training(SMALL, [shard])
    for _ in range(3):
        broken.advance()
    broken.save(tmp_path / "checkpoint.pt")
    resumed = Training(SMALL, [shard])
    resumed.load(tmp_path / "checkpoint.pt")
    for _ in range(3):
        resumed.advance()
    for mine, other in zip(whole.network.parameters(), resumed.network.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)


def test_a_checkpoint_of_another_training_is_refused(tmp_path, shard):
    Training(SMALL, [shard]).save(tmp_path / "checkpoint.pt")
    with pytest.raises(ConfigError, match="another"):
        Training(replace(SMALL, seed=2), [shard]).load(tmp_path / "checkpoint.pt")
