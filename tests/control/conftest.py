"""A figure of the G1, made once, and routines written into a file."""

import pytest

from yanshi.control.figure import Figure
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1


@pytest.fixture(scope="session")
def figure():
    return Figure(G1, load_g1(with_looks=False), G1_LINKS)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes keyframes under a name into a file."""

    def write(keyframes: str):
        path = tmp_path / "routine.toml"
        path.write_text(f'[name]\nzh = "试"\nen = "try"\n{keyframes}', encoding="utf8")
        return path

    return write
