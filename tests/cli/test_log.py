"""`yanshi log` lists who intervened, and says what was changed."""

import pytest

from yanshi.bench.damaged import _forge, _write_audit
from yanshi.cli.log import FLAWS
from yanshi.robots.g1.spec import G1
from yanshi.runtime.audit import AUDIT, read_audit
from yanshi.runtime.recorder import Recorder


@pytest.fixture
def logged(tmp_path):
    path = tmp_path / "run.mcap"
    recorder = Recorder(path, G1)
    recorder.write(AUDIT, 1_500_000_000, ("fault", "stop_asked"))
    recorder.write(AUDIT, 2_000_000_000, ("go_on", "继续"))
    recorder.close()
    return path, recorder.last_hash


def test_a_sound_log_is_listed_with_its_last_hash(typed, logged):
    path, last = logged
    code, out, _ = typed("log", str(path))
    assert code == 0
    assert "   1     1.500 s  fault stop_asked\n   2     2.000 s  go_on 继续" in out
    assert "✔ 4 records" in out
    assert last in out
    assert typed("log", str(path), "--last", last.upper())[0] == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: [*r[:1], r[1].replace(b"stop_asked", b"mind_late."), *r[2:]], "record 1 was ed"),
        (lambda r: [*r[:2], *r[3:]], "record 2 is missing. 缺少第 2 条记录"),
        (lambda r: [r[0], r[2], r[1], r[3]], "in the place of record 1"),
        (lambda r: r[:3], "record 3 is missing, and so is the end"),
    ],
)
def test_a_changed_log_ends_with_1_and_names_the_first_record(typed, logged, change, told):
    path, _ = logged
    _write_audit(path, change(read_audit(path)))
    code, out, _ = typed("log", str(path))
    assert code == 1
    assert told in out
    assert "✔" not in out


def test_a_log_that_was_rewritten_is_found_by_the_hash_that_was_kept(typed, logged):
    path, last = logged
    _write_audit(path, _forge(read_audit(path), 1))
    assert typed("log", str(path))[0] == 0
    code, out, _ = typed("log", str(path), "--last", last)
    assert code == 1
    assert "not the one that was kept" in out


def test_what_is_no_log_is_told_without_a_traceback(typed, tmp_path):
    code, _, errors = typed("log", str(tmp_path / "none.mcap"))
    assert code == 2
    assert "--record" in errors


def test_every_flaw_has_words():
    assert set(FLAWS) == {"edited", "missing", "moved", "cut"}
