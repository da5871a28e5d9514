"""A folder with a routine is a piece more; one with a policy, too, is one that was learnt."""

import os
import shutil
from pathlib import Path

import pytest

from yanshi.core.errors import ConfigError
from yanshi.policies.contract import policy_folder
from yanshi.policies.contract_file import CONTRACT_FILE
from yanshi.policies.motion import MOTION_FILE, ROUTINE_FILE
from yanshi.policies.repertoire import PLACES, add_place, repertoire

OURS = {"kick", "kungfu", "salute", "taichi", "warmup"}


@pytest.fixture(autouse=True)
def _nowhere_else(monkeypatch):
    monkeypatch.setenv(PLACES, "")


def copy_to(folder: Path) -> Path:
    """Put a routine into a folder as training leaves it."""
    folder.mkdir(parents=True)
    shutil.copy(policy_folder("g1_salute") / ROUTINE_FILE, folder)
    for file in (CONTRACT_FILE, MOTION_FILE):
        (folder / file).touch()
    return folder


def test_ours_are_known_by_name_and_by_words_in_both_languages():
    pieces = repertoire()
    assert set(pieces) == OURS
    for piece in pieces.values():
        for language, called in (("zh", piece.title.zh), ("en", piece.title.en)):
            assert piece.title.asked[language][0] == called
            assert len(piece.title.asked[language]) > 1


def test_no_word_means_two_routines():
    words = [word for piece in repertoire().values() for word in piece.title.words]
    assert len(words) == len(set(words))


def test_what_training_made_is_learnt_wherever_it_lies(tmp_path):
    add_place(copy_to(tmp_path / "train_track_greeting"))
    piece = repertoire()["greeting"]
    assert piece.is_learnt
    (piece.folder / MOTION_FILE).unlink()
    assert not piece.is_learnt


def test_a_folder_of_routines_holds_as_many_and_one_goes_before_ours_of_that_name(tmp_path):
    for name in ("g1_salute", "hello"):
        copy_to(tmp_path / name)
    add_place(tmp_path)
    pieces = repertoire()
    assert set(pieces) == OURS | {"hello"}
    assert pieces["salute"].folder == tmp_path.resolve() / "g1_salute"


def test_places_add_up_and_reach_other_processes(tmp_path):
    for name in ("one", "two"):
        add_place(copy_to(tmp_path / name))
    assert {"one", "two"} <= set(repertoire())
    assert os.environ[PLACES].count(os.pathsep) == 1


def test_a_folder_without_a_routine_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=ROUTINE_FILE):
        add_place(tmp_path)


def test_a_folder_whose_name_no_skill_can_have_is_refused(tmp_path):
    add_place(copy_to(tmp_path / "My Routine"))
    with pytest.raises(ConfigError, match="'My Routine'"):
        repertoire()


def test_a_routine_with_another_skills_name_is_refused(tmp_path):
    from yanshi.skills.skill import installed_skills

    add_place(copy_to(tmp_path / "bow"))
    with pytest.raises(ConfigError, match="'bow'"):
        installed_skills()
