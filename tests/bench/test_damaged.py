"""Damaged weights are refused, damaged chunks of a log are found; and a blind check would show."""

import pytest

from yanshi.bench import damaged
from yanshi.bench.damaged import (
    damage_log,
    damage_weights,
    finds_tampering,
    refuses_damage,
    tamper_log,
)


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


def test_every_change_to_a_logs_interventions_is_found_and_a_forged_tail_by_the_last_hash_alone():
    trial = tamper_log(3)
    assert trial["taken"] == []
    assert trial["is_forged_tail_whole"]
    assert finds_tampering(trial)
    assert not finds_tampering(trial | {"is_last_hash_kept": True})


def test_a_chain_that_nobody_checks_is_noticed(monkeypatch):
    monkeypatch.setattr(damaged, "find_flaw", lambda _: None)
    trial = tamper_log(3)
    assert set(trial["taken"]) == {"edit", "rehash", "remove", "swap"}
    assert not finds_tampering(trial)
