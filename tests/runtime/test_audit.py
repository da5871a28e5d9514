"""Who intervened in a run stands in its log, and what is no log is refused."""

import json

import pytest
from tests.runtime.stand_ins import prepare

from yanshi.core.errors import ConfigError
from yanshi.robots.g1.spec import G1
from yanshi.runtime.audit import AUDIT, read_audit
from yanshi.runtime.mcap_file import McapFile
from yanshi.runtime.recorder import Recorder, RunRecorder
from yanshi.runtime.words import Conversation
from yanshi.safety.chain import Flaw, find_flaw, read_entry


def kinds_of(records):
    return [(entry.kind, entry.text) for entry in map(read_entry, records) if entry is not None]


def test_a_stop_and_the_word_to_go_on_are_in_the_chain_of_the_log(tmp_path):
    path = tmp_path / "run.mcap"
    run = prepare()
    with RunRecorder(path, run.simulation) as recorder:
        run.episode._observers = (recorder,)
        words = Conversation(waits=True)
        for sentence in ("stop", "go on"):
            words.say(sentence)
        words.end()
        run.episode.hear(words)
        assert recorder.last_hash == ""  # It is not the last yet.
    records = read_audit(path)
    assert find_flaw(records) is None
    kinds = kinds_of(records)
    assert kinds[0][0] == "begin"
    assert kinds[0][1].startswith(f"{G1.name} ")
    assert kinds[1:] == [
        ("heard", "stop"),
        ("fault", "stop_asked"),
        ("heard", "go on"),
        ("go_on", "go on"),
        ("end", ""),
    ]
    assert read_entry(records[-1]).hash == recorder.last_hash


def test_each_run_has_a_name_of_its_own(tmp_path):
    hashes = set()
    for name in ("a.mcap", "b.mcap"):
        recorder = Recorder(tmp_path / name, G1)
        recorder.close()
        hashes.add(recorder.last_hash)
    assert len(hashes) == 2


def test_a_log_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "run.mcap"
    recorder = Recorder(path, G1)
    for k in range(3000):
        recorder.write(AUDIT, k, ("fault", f"fault {k}"))
    recorder.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    records = read_audit(path)
    assert 0 < len(records) < 3000
    assert find_flaw(records) == Flaw(len(records), "cut")


@pytest.mark.parametrize("data", [b"", b"no log", b"\x89MCAP0\r\n"])
def test_what_is_no_log_is_refused(tmp_path, data):
    path = tmp_path / "run.mcap"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="holds no chain of interventions"):
        read_audit(path)


def test_a_log_without_a_chain_and_one_that_is_not_there_are_refused(tmp_path):
    log = McapFile(tmp_path / "run.mcap")
    log.write(
        log.add_channel("/state", "json", "s", "jsonschema", b"{}"), 0, json.dumps({}).encode()
    )
    log.close()
    with pytest.raises(ConfigError, match="holds no chain of interventions"):
        read_audit(tmp_path / "run.mcap")
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_audit(tmp_path / "none.mcap")
