"""What the ledger's commands say to wrong use, and that they write what they promise."""

import pytest


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "wave", "--battery", "50"), "--board orin-nx-16gb"),
        (("run", "wave", "--board", "rpi5", "--battery", "0"), "1 to 100 %"),
        (("run", "挥手", "--battery", "50"), "计算板"),
        (("run", "wave", "--board", "orin-nx-16"), "Did you mean 'orin-nx-16gb'"),
        (("weigh", "--brain", "hal"), "brain"),
        (("weigh", "--task", "fly"), "task"),
        (("weigh", "--json", "no/such/folder/out.json"), "no/such/folder"),
        (("link", "measure", "example"), "http://"),
        (("link", "measure", "http://127.0.0.1:9", "--name", "A B"), "hyphens"),
    ],
)
def test_wrong_use_is_told_with_what_would_be_right(typed, words, told):
    code, _, errors = typed(*words)
    assert code == 2
    assert told in errors


def test_a_record_of_the_user_is_not_written_over(typed, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text("[boards.mine]\n")
    code, _, errors = typed("link", "measure", "http://127.0.0.1:9", "--out", str(mine))
    assert code == 2
    assert str(mine) in errors
    assert mine.read_text() == "[boards.mine]\n"
