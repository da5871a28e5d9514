"""The page plays a routine, reads it anew when it is saved, and says what is wrong with it."""

import re
import socket
import urllib.request

import numpy as np
import pytest

from yanshi.core.errors import ConfigError
from yanshi.ports.choreograph import Rehearsal, Studio, check_file, panel
from yanshi.robots.g1.spec import G1

GOOD = """
[name]
zh = "挥手"
en = "wave"

[[keyframe]]
note = "up"
takes = 1.0
left.shoulder.pitch = -90

[[keyframe]]
takes = 1.0
"""
BAD = GOOD.replace("-90", "-200")
BROKEN = GOOD.replace("takes = 1.0", "takes = ", 1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "wave.toml"
    path.write_text(GOOD, encoding="utf8")
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One page for all tests: the robot's looks take long to load."""
    path = tmp_path_factory.mktemp("page") / "wave.toml"
    path.write_text(GOOD, encoding="utf8")
    studio = Studio(Rehearsal(path), free_port())
    yield studio
    studio.close()


@pytest.fixture
def studio(served):
    served.rehearsal.path.write_text(GOOD, encoding="utf8")
    served.refresh()
    served.time_s.value, served.is_playing.value = 0.0, True
    return served


def test_a_file_is_read_once_and_again_when_it_has_changed(path):
    rehearsal = Rehearsal(path)
    assert rehearsal.refresh()
    assert not rehearsal.refresh()
    path.write_text(BAD, encoding="utf8")
    assert rehearsal.refresh()
    assert rehearsal.draft.complaints


def test_what_cannot_be_read_leaves_the_last_draft_and_says_why(path):
    rehearsal = Rehearsal(path)
    rehearsal.refresh()
    draft = rehearsal.draft
    path.write_text(BROKEN, encoding="utf8")
    assert rehearsal.refresh()
    assert rehearsal.draft is draft
    assert "line 8" in str(rehearsal.error)
    path.unlink()
    assert rehearsal.refresh()
    path.write_text(GOOD, encoding="utf8")
    rehearsal.refresh()
    assert rehearsal.error is None


def test_the_panel_lists_keyframes_marks_the_present_one_and_blames_the_wrong_one(path):
    path.write_text(BAD, encoding="utf8")
    draft = check_file(path)
    text = panel(draft, None, 1.2, is_zh=False)
    assert re.search(r"- \*\*1 · 1\.00 s up ⚠\*\* ◀", text)
    assert "left.shoulder.pitch is -200°" in text
    assert "- 2 · 2.00 s" in text
    assert "关键帧" in panel(draft, None, 1.2, is_zh=True)


def test_the_panel_praises_what_is_right_and_shows_why_a_file_cannot_be_read(path):
    draft = check_file(path)
    assert "✅" in panel(draft, None, 0.0, is_zh=False)
    text = panel(draft, ConfigError("broken here"), 0.0, is_zh=False)
    assert "✅" not in text
    assert "❌ broken here" in text
    assert "❌" in panel(None, ConfigError("broken here"), 0.0, is_zh=True)


def test_checking_a_broken_file_refuses_it(path):
    path.write_text(BROKEN, encoding="utf8")
    with pytest.raises(ConfigError, match="line 8"):
        check_file(path)


def test_the_page_is_served_plays_on_and_begins_again_at_the_end(studio):
    with urllib.request.urlopen(studio.url, timeout=10) as answer:
        assert b"<html" in answer.read().lower()
    studio.advance(1.0)
    assert studio.time_s.value == pytest.approx(1.0)
    shoulder = studio._addresses[G1.joint_index("left_shoulder_pitch")]
    assert studio._data.qpos[shoulder] == pytest.approx(-np.pi / 2.0, abs=0.02)
    studio.advance(5.0)
    assert studio.time_s.value == 0.0
    studio.is_playing.value = False
    studio.advance(0.5)
    assert studio.time_s.value == 0.0


def test_the_page_skips_from_keyframe_to_keyframe(studio):
    places = []
    for direction in (1, 1, 1, -1, -1):
        studio._skip(direction)
        places.append(round(studio.time_s.value, 2))
    assert places == [1.0, 2.0, 2.0, 1.0, 0.0]
    assert not studio.is_playing.value


def test_the_page_follows_what_is_saved(studio):
    path = studio.rehearsal.path
    path.write_text(BAD.replace("wave", "big wave"), encoding="utf8")
    studio.refresh()
    assert "big wave" in studio.title.content
    assert "-200°" in studio.words.content
    path.write_text(BROKEN, encoding="utf8")
    studio.refresh()
    assert "big wave" in studio.title.content
    assert "❌" in studio.words.content
