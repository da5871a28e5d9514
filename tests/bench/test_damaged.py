"""Damaged weights are refused, damaged chunks of a log are found; and a blind check would show."""

import pytest

from yanshi.bench import damaged
from yanshi.bench.damaged import damage_log, damage_weights, refuses_damage


def test_weights_that_were_changed_are_refused_and_sound_ones_are_not():
    trial = damage_weights(3)
    assert trial["n"] == 3
    assert refuses_damage(trial), trial
    assert not refuses_damage(trial | {"is_sound_taken": False})


def test_weights_that_nobody_checks_are_noticed(monkeypatch):
    monkeypatch.setattr(damaged, "check_weights", lambda *_, **__: None)
    trial = damage_weights(3)
    assert len(trial["taken"]) == 3
    assert not refuses_damage(trial)


def test_every_damaged_chunk_is_found_and_all_others_are_read():
    trial = damage_log(3)
    assert trial["chunks"] > 1
    assert trial["taken"] == []


def test_chunks_that_nobody_checks_are_noticed(monkeypatch):
    real = damaged.breakup_chunk
    monkeypatch.setattr(
        damaged, "breakup_chunk", lambda chunk, *, validate_crc: real(chunk, validate_crc=False)
    )
    trial = damage_log(3)
    if not trial["taken"]:  # Every flip happened to break the compression itself.
        pytest.fail("A log without checksums passed for sound.")
