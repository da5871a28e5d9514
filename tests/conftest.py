"""What all tests share. Yanshi is imported before MuJoCo, which then renders as Yanshi does."""

import sys

import pytest

import yanshi  # noqa: F401
from yanshi.cli import main as front


@pytest.fixture
def typed(monkeypatch, capsys):
    """Return a function that types a command and gives its exit code, output and errors."""

    def type_(*arguments):
        monkeypatch.setattr(sys, "argv", ["yanshi", *arguments])
        with pytest.raises(SystemExit) as ended:
            front.main()
        return ended.value.code or 0, *capsys.readouterr()

    return type_
