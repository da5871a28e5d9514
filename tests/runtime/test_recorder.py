"""A log is read back with Foxglove's own reader."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from mcap.reader import make_reader

from yanshi.core.errors import ConfigError, UnknownNameError
from yanshi.core.messages import BaseEstimate, JointTarget, RobotState, Scene, Thing
from yanshi.robots.g1.spec import G1
from yanshi.runtime.recorder import Recorder, Words, to_jpeg
from yanshi.worlds.home import build_home

N = len(G1.joint_names)


def state(t_ns: int) -> RobotState:
    rng = np.random.default_rng(t_ns)
    return RobotState(
        t_ns=t_ns,
        joint_position=rng.normal(size=N),
        joint_velocity=rng.normal(size=N),
        joint_torque=rng.normal(size=N),
        orientation_wxyz=[1.0, 0.0, 0.0, 0.0],
        angular_velocity=rng.normal(size=3),
        acceleration=[0.0, 0.0, 9.81],
    )


def base(t_ns: int) -> BaseEstimate:
    return BaseEstimate(
        t_ns=t_ns,
        position=[0.1, 0.2, 0.75],
        orientation_wxyz=[1.0, 0.0, 0.0, 0.0],
        velocity=[0.0, 0.0, 0.0],
    )


def read(path: Path):
    with path.open("rb") as stream:
        return [(c.topic, m.log_time, s, m.data) for s, c, m in make_reader(stream).iter_messages()]


def test_every_topic_is_read_back_in_order_under_the_final_name(tmp_path):
    path = tmp_path / "run.mcap"
    recorder = Recorder(path, G1, build_home(1).floor_plan)
    cup = Thing(kind="cup", colour="red", position=(1, 2, 0.8), confidence=0.9, t_ns=5)
    picture = np.zeros((48, 64, 3), dtype=np.uint8)
    target = JointTarget(t_ns=20, position=np.zeros(N), stiffness=np.ones(N), damping=np.ones(N))
    for topic, message in (
        ("/state", state(20)),
        ("/imu", state(20)),
        ("/target", target),
        ("/base", base(20)),
        ("/tf", base(20)),
        ("/scene", Scene(t_ns=20, things=(cup,))),
        ("/plan", "go table; 看"),
        ("/step", "begin go table"),
        ("/words", Words("user", "走到桌子前")),
        ("/image", picture),
    ):
        recorder.write(topic, 20, message)
    assert not path.exists()
    recorder.close()
    recorder.close()
    messages = read(path)
    assert not recorder.fault
    assert list(tmp_path.iterdir()) == [path]
    assert {topic for topic, *_ in messages} == set(recorder._topics)
    by_topic = {topic: (schema, data) for topic, _, schema, data in messages}
    assert by_topic["/tf"][0].name == "foxglove.FrameTransforms"
    assert by_topic["/image"][0].name == "foxglove.CompressedImage"
    assert json.loads(by_topic["/plan"][1]) == {"text": "go table; 看"}
    assert "走到桌子前".encode() in by_topic["/words"][1]
    assert b"left_hip_pitch" in by_topic["/state"][1]


def test_a_jpeg_shows_what_was_put_into_it():
    rgb = np.zeros((64, 96, 3), dtype=np.uint8)
    rgb[:, :48] = (220, 30, 40)
    rgb[:, 48:] = (20, 60, 200)
    decoder = av.CodecContext.create("mjpeg", "r")
    frame = decoder.decode(av.Packet(to_jpeg(rgb)))[0].to_ndarray(format="rgb24")
    assert frame.shape == rgb.shape
    assert np.abs(frame.astype(int) - rgb)[:, 8:40].max() < 20
    assert np.abs(frame.astype(int) - rgb)[:, 60:].max() < 20


def test_an_unknown_topic_is_refused(tmp_path):
    recorder = Recorder(tmp_path / "run.mcap", G1)
    with pytest.raises(UnknownNameError, match="Did you mean '/state'"):
        recorder.write("/stat", 0, state(0))
    recorder.close()


def test_a_log_in_a_folder_that_does_not_exist_is_refused_before_it_begins(tmp_path):
    with pytest.raises(ConfigError, match="Name a file in a folder that exists"):
        Recorder(tmp_path / "nowhere" / "run.mcap", G1)


FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.runtime.test_recorder import Recorder, G1, state
recorder = Recorder(Path(sys.argv[1]), G1)
for k in range(int(sys.argv[2])):
    recorder.write("/state", k * 20_000_000, state(k))
recorder.close()
print(recorder.fault)
"""


@pytest.mark.parametrize("limit", [700_000, 400_000])
def test_a_full_disk_leaves_a_readable_part_and_no_file_under_the_final_name(tmp_path, limit):
    path = tmp_path / "run.mcap"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), "600"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    partial = path.with_name("run.mcap.partial")
    assert not path.exists()
    assert "File too large" in done.stdout
    assert str(partial) in done.stdout
    times = [t_ns for topic, t_ns, *_ in read(partial) if topic == "/state"]
    assert times == [k * 20_000_000 for k in range(len(times))]
    assert 50 < len(times) < 600


def test_a_disk_that_is_full_at_the_very_end_leaves_a_readable_part(tmp_path):
    whole = tmp_path / "whole.mcap"
    recorder = Recorder(whole, G1)
    for k in range(300):
        recorder.write("/state", k * 20_000_000, state(k))
    recorder.close()
    limit = whole.stat().st_size - 20  # The messages fit, the last record does not.
    path = tmp_path / "run.mcap"
    subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), "300"],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[2],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert not path.exists()
    assert len(read(path.with_name("run.mcap.partial"))) > 100
