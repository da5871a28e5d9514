"""A routine's file means what it says, and whatever means nothing is refused where it stands."""

import re
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yanshi.control.routine import Footstep, Posture, mirrored, read_routine, side_sign
from yanshi.core.errors import ConfigError
from yanshi.policies.contract import policy_folder
from yanshi.robots.g1.spec import G1

NAMES = ("kungfu", "taichi", "salute", "kick", "warmup")
KUNGFU = (policy_folder("g1_kungfu") / "routine.toml").read_text(encoding="utf8")
STAND = "\n[[keyframe]]\ntakes = 1.0\n"


def routine_of(name):
    return read_routine(policy_folder(f"g1_{name}") / "routine.toml", G1)


def posture(write, keyframe: str, number: int = 1) -> Posture:
    return read_routine(write(keyframe + STAND), G1).keyframes[number].posture


@pytest.mark.parametrize("name", NAMES)
def test_a_routine_that_comes_with_us_has_names_and_begins_and_ends_in_the_stance(name):
    routine = routine_of(name)
    assert routine.zh
    assert routine.en.isascii()
    first, last = routine.keyframes[0], routine.keyframes[-1]
    assert (first.time_s, first.posture) == (0.0, Posture())
    assert replace(last.posture, steps=(None, None)) == Posture()
    times = [frame.time_s for frame in routine.keyframes]
    assert times == sorted(times)


def test_the_kung_fu_form_lasts_twenty_seconds_kicks_twice_and_turns():
    routine = routine_of("kungfu")
    assert routine.duration_s >= 20.0
    kicks = [frame for frame in routine.keyframes if frame.note == "kick"]
    assert len(kicks) == 2
    turns = [s.turn for f in routine.keyframes for s in f.posture.steps if isinstance(s, Footstep)]
    assert max(turns) == pytest.approx(np.pi / 2.0)


def test_angles_are_written_in_degrees_and_for_both_sides_as_for_the_left(write):
    joints = posture(write, "[[keyframe]]\ntakes = 1\nboth.shoulder.roll = 30\n").joints
    assert joints["left_shoulder_roll"] == pytest.approx(np.pi / 6.0)
    assert joints["right_shoulder_roll"] == pytest.approx(-np.pi / 6.0)


def test_the_right_side_mirrors_where_the_limits_of_the_robot_do():
    for name in G1.joint_names:
        if not name.startswith("right_"):
            continue
        left = G1.joint_index(name.replace("right", "left"))
        right = G1.joint_index(name)
        ends = side_sign(G1, name) * np.array([G1.limits.lower[right], G1.limits.upper[right]])
        wanted = [G1.limits.lower[left], G1.limits.upper[left]]
        np.testing.assert_allclose(np.sort(ends), wanted, err_msg=name)


def test_poses_stand_on_each_other_and_what_is_written_last_counts(write):
    text = """
[poses.low]
left.elbow = 10
left.shoulder.pitch = -10
[poses.high]
like = "low"
left.shoulder.pitch = -90
[[keyframe]]
takes = 1
like = ["high", "mirrored low"]
waist.yaw = 5
"""
    joints = {name: round(np.rad2deg(a)) for name, a in posture(write, text).joints.items()}
    assert joints == {
        "left_elbow": 10,
        "left_shoulder_pitch": -90,
        "right_elbow": 10,
        "right_shoulder_pitch": -10,
        "waist_yaw": 5,
    }


def test_a_time_counts_from_the_beginning_and_takes_from_the_end_of_the_hold_before(write):
    text = "[[keyframe]]\ntime = 2\nhold = 0.5\n[[keyframe]]\ntakes = 1\n"
    frames = read_routine(write(text), G1).keyframes
    assert [frame.time_s for frame in frames] == [0.0, 2.0, 3.5]


@pytest.mark.parametrize("name", NAMES)
def test_a_mirror_of_a_mirror_shows_the_thing_itself(name):
    for frame in routine_of(name).keyframes:
        twice = mirrored(mirrored(frame.posture, G1), G1)
        assert twice.stands == frame.posture.stands
        assert twice.steps == frame.posture.steps
        assert twice.weight == pytest.approx(frame.posture.weight)
        assert twice.joints == pytest.approx(dict(frame.posture.joints))


VALUES = [
    n
    for n, line in enumerate(KUNGFU.splitlines())
    if "=" in line and not line.lstrip().startswith("#")
]


def where_of(number: int) -> str:
    """Return the place in the kung fu form that a line belongs to, as errors name it."""
    heads = [line for line in KUNGFU.splitlines()[: number + 1] if line.startswith("[")]
    if heads[-1] == "[[keyframe]]":
        return f"keyframe {heads.count('[[keyframe]]')} "
    if heads[-1] in ("[name]", "[asked]"):
        return heads[-1]
    pose = re.fullmatch(r'\[poses\."?([^"\]]*)"?\].*', heads[-1].split("#")[0].strip())
    assert pose
    return f"pose '{pose[1]}'"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    number=st.sampled_from(VALUES),
    damage=st.sampled_from(["key", "true", "nan", "1e9", '""', "{}"]),
)
def test_a_line_damaged_anywhere_is_refused_and_its_place_named(tmp_path, number, damage):
    lines = KUNGFU.splitlines()
    key, _, value = lines[number].partition(" =")
    lines[number] = f"{key}x ={value}" if damage == "key" else f"{key} = {damage}"
    path = tmp_path / "damaged.toml"
    path.write_text("\n".join(lines), encoding="utf8")
    with pytest.raises(ConfigError) as refusal:
        read_routine(path, G1)
    assert where_of(number) in str(refusal.value)
    assert str(path) in refusal.value.zh


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, len(KUNGFU) - 1), junk=st.sampled_from(["[", '"', "=", "\x00", "é[["]))
def test_junk_anywhere_ends_in_a_clear_error_or_changes_nothing_else(tmp_path, at, junk):
    path = tmp_path / "junk.toml"
    path.write_text(KUNGFU[:at] + junk + KUNGFU[at:], encoding="utf8")
    with suppress(ConfigError):  # No other error may leave it.
        read_routine(path, G1)


WRONG = {
    "takes = 1\nleft.knee = 20": "while the left foot stands",
    'takes = 1\nstands = "left"\nright.step = "stance"': "does not stand",
    'takes = 1\nright.step = "stance"': "it stands in the keyframe before",
    "takes = 1\nright.step = [1, 2]": "toes outwards",
    'takes = 1\nstands = "none"': "`stands`",
    "takes = 1\ntime = 1": "both or neither",
    "time = 0.05": "or later",
    "takes = 1\nlike = 'gard'": "did you mean `guard`",
    "takes = 1\nlike = [1]": "a pose's name",
    "takes = 1\nleft.elbw = 1": "did you mean `left.elbow`",
    "takes = 1\nwaist = 3": "joints, like",
    "takes = 1\npelvis = 0.6": "pelvis.height",
    "takes = 1\npelvis.height = 6": "a number from",
    "takes = 1\nwait = 1": "means nothing",
    "takes = 1\nweight = 2": "from 0 to 1",
    "takes = 1\nnote = 1": "a text",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_meant_is_refused_with_keyframe_and_line(write, text):
    path = write(f"[poses.guard]\nleft.elbow = 1\n[[keyframe]]\n{text}\n{STAND}")
    with pytest.raises(ConfigError, match=re.escape(WRONG[text])) as refusal:
        read_routine(path, G1)
    assert "keyframe 1 (line 6)" in str(refusal.value)


def test_poses_in_a_ring_are_refused(write):
    ring = '[poses.a]\nlike = "b"\n[poses.b]\nlike = "mirrored a"\n'
    ring += '[[keyframe]]\ntakes = 1\nlike = "a"\n'
    with pytest.raises(ConfigError, match="like itself"):
        read_routine(write(ring + STAND), G1)


def test_one_foot_must_stand_across_neighbouring_keyframes(write):
    hop = '[[keyframe]]\ntakes = 1\nstands = "left"\n[[keyframe]]\ntakes = 1\nstands = "right"\n'
    with pytest.raises(ConfigError, match="no foot stands both here"):
        read_routine(write(hop + STAND), G1)


def test_a_routine_must_end_in_the_stance(write):
    with pytest.raises(ConfigError, match="does not end in the stance"):
        read_routine(write("[[keyframe]]\ntakes = 1\nwaist.yaw = 20\n"), G1)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml"):
        read_routine(tmp_path / "none.toml", G1)
