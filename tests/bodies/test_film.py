"""Films: the camera's path, the cut-away walls, the file."""

import itertools
import resource
import subprocess
import sys
from pathlib import Path

import av
import mujoco
import numpy as np
import pytest

from yanshi.bodies.film import (
    Cinema,
    FilmConfig,
    Take,
    VideoFile,
    _cheapest_path,
    look_direction,
    plan_camera,
    smooth,
)
from yanshi.core.errors import ConfigError

SMALL = FilmConfig(width=96, height=64, fps=10)

STAGE = """
<mujoco><worldbody><light pos="0 0 3"/>
  <geom name="floor" type="plane" size="3 3 .1" rgba=".5 .5 .5 1"/>
  <geom name="wall_east" type="box" size=".03 2 1.2" pos="2.03 0 1.2" group="1"
        rgba="0 0 1 1"/>
  <geom name="wall_west" type="box" size=".03 2 1.2" pos="-2.03 0 1.2" quat="0 0 0 1" group="1"
        rgba="0 0 1 1"/>
  {extra}
  <body name="pelvis" pos="0 0 .8"><freejoint name="pelvis"/>
    <geom type="sphere" size=".25" rgba="1 0 0 1" group="2"/></body>
</worldbody></mujoco>"""


def stage(extra: str = "") -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(STAGE.format(extra=extra))


def standing(count: int, yaw: float = 0.0) -> Take:
    row = [0.0, 0.0, 0.8, np.cos(yaw / 2.0), 0.0, 0.0, np.sin(yaw / 2.0)]
    return Take(np.tile(row, (count, 1)), np.full((count, 3), np.nan), [""] * count)


def test_smoothing_keeps_a_constant_and_the_mean_of_a_step():
    np.testing.assert_allclose(smooth(np.full((20, 2), 3.0), 4.0), 3.0)
    step = np.repeat([0.0, 1.0], 50)
    assert smooth(step, 3.0)[49:51].mean() == pytest.approx(0.5)
    assert np.all(np.diff(smooth(step, 3.0)) >= 0.0)


def test_the_cheapest_path_is_the_one_that_trying_all_paths_finds():
    cost = np.random.default_rng(2).uniform(size=(4, 6))

    def total(path):
        turns = [(b - a + 3) % 6 - 3 for a, b in itertools.pairwise(path)]
        if max(map(abs, turns)) > 2:
            return np.inf
        return sum(cost[k, a] for k, a in enumerate(path)) + 0.1 * sum(t**2 for t in turns)

    best = min(itertools.product(range(6), repeat=4), key=total)
    assert total(_cheapest_path(cost)) == pytest.approx(total(best))


def test_the_camera_faces_a_standing_robot_from_the_front():
    for yaw in (0.0, 2.0, -1.5):
        path = plan_camera(stage(), standing(30, yaw), SMALL)
        heading = np.array([np.cos(yaw), np.sin(yaw)])
        assert heading @ look_direction(path.azimuth[15], 0.0)[:2] < -0.9


def test_the_camera_goes_round_a_cupboard_that_would_hide_the_robot():
    cupboard = '<geom type="box" size=".1 .8 1" pos="1.2 0 1"/>'
    model = stage(cupboard)
    path = plan_camera(model, standing(30), SMALL)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    eye = path.position(15)
    toward = np.array([0.0, 0.0, 0.8]) - eye
    hit = np.zeros(1, dtype=np.int32)
    groups = np.array([1, 0, 0, 0, 0, 0], dtype=np.uint8)  # Walls are in group 1.
    far = np.linalg.norm(toward)
    gap = mujoco.mj_ray(model, data, eye, toward / far, groups, 1, -1, hit)
    assert gap < 0.0 or gap > far


def test_a_wall_between_camera_and_room_is_cut_away_and_others_stay():
    view = mujoco.MjvCamera()
    view.lookat[:], view.distance, view.azimuth, view.elevation = (0, 0, 0.8), 4.0, 180.0, -5.0
    outside = np.array([4.0, 0.0, 1.1])
    with Cinema(stage(), SMALL) as cinema:
        qpos = standing(1).qpos[0]
        cut = cinema.draw(qpos, view, outside)
        whole = cinema.draw(qpos, view, None)
    middle = (slice(29, 35), slice(45, 51))
    red = [picture[middle].astype(int)[..., 0] for picture in (cut, whole)]
    assert red[0].mean() > 100 > red[1].mean()
    assert (cut[12:20, 40:56, 2] > cut[12:20, 40:56, 0]).mean() > 0.8  # The far wall is still blue.


def test_a_film_has_every_frame_and_shows_what_was_put_in(tmp_path):
    path = tmp_path / "film.mp4"
    file = VideoFile(path, SMALL)
    for shade in range(20):
        file.add(np.full((64, 96, 3), 40 + 8 * shade, dtype=np.uint8))
    assert not path.exists()
    file.finish()
    assert list(tmp_path.iterdir()) == [path]
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        means = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(video=0)]
    np.testing.assert_allclose(means, 40 + 8 * np.arange(20), atol=4.0)


FULL_DISK = """
import sys
import numpy as np
from pathlib import Path
from tests.bodies.test_film import SMALL, ConfigError, VideoFile
file = VideoFile(Path(sys.argv[1]), SMALL)
rng = np.random.default_rng(0)
try:
    for _ in range(200):
        file.add(rng.integers(0, 255, (64, 96, 3), dtype=np.uint8))
    file.finish()
except ConfigError as error:
    print(error)
"""


def test_a_full_disk_is_told_and_leaves_no_file(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "film.mp4")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
    )
    assert "could not be written" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_film_in_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="Name a file in a folder that exists"):
        VideoFile(tmp_path / "nowhere" / "film.mp4")
