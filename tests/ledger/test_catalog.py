import tomllib

import pytest

from yanshi.core.errors import ConfigError, UnknownNameError
from yanshi.ledger import catalog
from yanshi.ledger.catalog import DATA, OWN, boards, find, links, models, robots, search


@pytest.mark.parametrize("records", [boards, models, robots, links])
def test_every_record_says_where_it_is_from_and_how_surely(records):
    for record in records().values():
        assert record.confidence in ("high", "medium", "low"), record.id
        assert len(record.source) > 5, record.id


def test_a_hired_models_price_is_whole_and_has_its_list_and_date():
    priced = [model for model in models().values() if model.price_in_usd_m is not None]
    assert priced
    for model in priced:
        assert model.price_out_usd_m is not None
        assert model.price_date
        assert model.price_source


def test_a_price_has_its_date():
    for record in (*boards().values(), *robots().values()):
        assert record.price_usd is None or record.price_date, record.id


def test_a_record_is_found_by_its_other_names():
    assert find("board", "Thor", boards()).id == "t5000"
    assert find("board", "orin_nx", boards()).id == "orin-nx-16gb"
    assert find("robot", "g1", robots()).battery_wh == 432.0


def test_an_unknown_name_is_told_with_what_is_near():
    with pytest.raises(UnknownNameError, match="orin-nx-16gb"):
        find("board", "orin-nx-16g", boards())


def test_no_two_records_have_the_same_name():
    for records in (boards(), models(), robots(), links()):
        names = [name for record in records.values() for name in (record.id, *record.also)]
        assert len(names) == len(set(names))


def test_words_find_records():
    assert {"orin-nx-16gb", "agx-orin-64gb"} <= {b.id for b in search(boards().values(), "orin")}
    assert not search(boards().values(), "orin abacus")


def test_a_user_adds_a_board_and_corrects_one(tmp_path, monkeypatch):
    path = tmp_path / "mine.toml"
    path.write_text(
        "[boards.mine]\nmemory_gb = 8\nbandwidth_gb_s = 51\n[boards.t3000]\nbandwidth_gb_s = 200\n"
    )
    monkeypatch.setenv(OWN, str(path))
    assert boards()["mine"].bandwidth_gb_s == 51.0
    assert boards()["mine"].source == "given by the user"
    assert boards()["t3000"].bandwidth_gb_s == 200.0
    assert boards()["t3000"].memory_gb == 32.0  # As it was.
    assert boards()["t3000"].source.startswith("given by the user; the rest: ")
    assert boards()["t3000"].confidence == "low"
    assert "mine" not in models()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[boards.mine]\nmemory = 8", "memory_gb"),
        ("[boards.mine]\nmemory_gb = -8", "0 or more"),
        ('[boards.mine]\nmemory_gb = "8"', "0 or more"),
        ("[boards]\nmine = 8", "table of figures"),
        ("[computers.mine]\nmemory_gb = 8", "boards.NAME"),
        ("[boards.mine", "cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_is_told_with_what_would(tmp_path, monkeypatch, text, hint):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    monkeypatch.setenv(OWN, str(path))
    with pytest.raises((ConfigError, UnknownNameError), match=hint):
        boards()


def test_the_data_name_boards_and_models_that_are_known_where_they_can():
    measured = tomllib.loads((DATA / "measurements.toml").read_text(encoding="utf8"))
    known = [m for m in measured.values() if m["model"] in models() and m["board"] in boards()]
    assert len(known) > 200
    assert catalog.SORTS == ("boards", "models", "robots", "links")
