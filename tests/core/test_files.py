import resource
import signal

import pytest

from yanshi.core.errors import ConfigError
from yanshi.core.files import write_whole


@pytest.fixture
def full_disk():
    """A disk on which no file may grow beyond 100 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, handler)


def test_a_written_file_holds_all_of_the_text(tmp_path):
    write_whole(tmp_path / "a.txt", "偃师")
    assert (tmp_path / "a.txt").read_text(encoding="utf8") == "偃师"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, full_disk):
    path = tmp_path / "a.txt"
    write_whole(path, "old")
    with pytest.raises(ConfigError, match="could not be written"):
        write_whole(path, "new " * 1000)
    assert path.read_text(encoding="utf8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_missing_folder_is_said_in_both_languages(tmp_path):
    with pytest.raises(ConfigError) as caught:
        write_whole(tmp_path / "missing" / "a.txt", "x")
    assert "missing" in caught.value.text("en")
    assert "无法写入" in caught.value.text("zh-Hans")
