"""A recorded run gives the same deeds again, and another program, or other senses, give others."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from yanshi.bench import replay
from yanshi.bench.replay import TAPE, Tape, differences, play
from yanshi.core.errors import ConfigError
from yanshi.mind.mind import Mind


@pytest.fixture(scope="module")
def tape():
    return Tape.load(TAPE)


@pytest.fixture(scope="module")
def mind():
    with closing(Mind()) as mind:
        yield mind


def test_the_recorded_run_is_planned_said_moved_and_seen_as_it_was(tape, mind):
    deeds = play(tape, mind)
    assert differences(tape, deeds) == []
    assert deeds.plan == ["turn table", "look table", "wave"]
    assert np.ptp(deeds.targets, axis=0).max() > 1.0
    assert all(deeds.detections)


def test_what_is_sensed_otherwise_is_answered_otherwise(tape, mind):
    bent = dict(tape.states)
    bent["joint_position"] = bent["joint_position"] + np.float32(0.05)
    blind = [{**glance, "detections": [], "solids": []} for glance in tape.glances]
    found = differences(tape, play(replace(tape, states=bent, glances=blind), mind))
    assert any(line.startswith("targets: ") for line in found)
    assert any(line.startswith("said: ") for line in found)
    assert any(line.startswith("seen: ") for line in found)


def test_a_joint_that_goes_elsewhere_is_named_with_its_moment(tape):
    targets = tape.deeds.targets.copy()
    targets[150, 3] += 0.01
    (line,) = differences(tape, replace(tape.deeds, targets=targets))
    assert "after 3.00 s" in line
    assert replay.G1.joint_names[3] in line
    targets[150, 3] = np.nan
    assert differences(tape, replace(tape.deeds, targets=targets))
    assert differences(tape, replace(tape.deeds, targets=targets[:-1]))


@pytest.mark.parametrize(
    ("change", "is_the_same"),
    [
        ({"confidence": +0.01}, True),
        ({"confidence": -0.1}, False),
        ({"kind": "sock"}, False),
        ({"position_in_camera": [0.0, 0.0, 9.0]}, False),
    ],
)
def test_a_picture_that_is_seen_otherwise_is_told(tape, change, is_the_same):
    some = [dict(seen) for seen in tape.deeds.detections[0]]
    for key, value in change.items():
        some[0][key] = some[0][key] + value if isinstance(value, float) else value
    detections = [some, *tape.deeds.detections[1:]]
    found = differences(tape, replace(tape.deeds, detections=detections))
    assert found == [] if is_the_same else found[0].startswith("picture 0: ")


def test_what_is_no_tape_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="--renew"):
        Tape.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"not a tape")
    with pytest.raises(ConfigError, match="bad.npz"):
        Tape.load(tmp_path / "bad.npz")


def test_a_tape_is_read_as_it_was_written(tape, tmp_path):
    tape.save(tmp_path / "t.npz")
    again = Tape.load(tmp_path / "t.npz")
    assert differences(tape, again.deeds) == []
    np.testing.assert_array_equal(again.states["joint_torque"], tape.states["joint_torque"])
    assert again.glances == tape.glances
