"""Who asks for a stop, from wherever, is heard; who is heard too late does not pass."""

import pytest

from yanshi.bench import stop_sources
from yanshi.bench.faults import CASES, print_table
from yanshi.bench.stop_sources import SOURCES, missing_sources, stops_in_time

STOPPED = {
    "is_finite": True,
    "torque_over": 0.0,
    "mujoco_warnings": 0,
    "is_upright": True,
    "limp_ms": None,
    "outcome": "stopped",
    "told_ms": 12.0,
    "held_ms": 4.0,
}


@pytest.mark.parametrize("source", ["keyboard", "HTTP"])
def test_what_is_still_done_after_a_stop_is_told_of_sources_on_this_machine(source):
    case = next(case for case in CASES if case.options.get("source") == source)
    assert ("held_ms" in case.run(case, 5)) is SOURCES[source].is_local


def test_a_stop_that_nobody_hears_does_not_pass(monkeypatch):
    case = next(case for case in CASES if case.options.get("source") == "HTTP")
    monkeypatch.setattr(stop_sources, "StopServer", Deaf)
    trial = case.run(case, 5)
    assert trial["told_ms"] is None
    assert not case.passes(trial)


class Deaf(stop_sources.StopServer):
    """Listens and does nothing about it."""

    def __init__(self, port, stop):
        super().__init__(port, lambda: None)


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("keyboard", {"held_ms": 20.1}),
        ("gamepad", {"told_ms": 40.1}),
        ("page", {"told_ms": 100.1}),
        ("HTTP", {"told_ms": None}),
        ("MCP", {"is_upright": False}),
        ("attendant", {"outcome": "done"}),
        ("keyboard", {"limp_ms": 3.0}),
        ("gamepad", {"mujoco_warnings": 1}),
    ],
)
def test_what_is_late_falls_or_goes_on_does_not_pass(source, wrong):
    latest = {"told_ms": 40.0, "held_ms": 20.0} if SOURCES[source].is_local else {"told_ms": 100.0}
    assert stops_in_time(source, STOPPED | latest)
    assert not stops_in_time(source, STOPPED | wrong)
    assert not stops_in_time(source, STOPPED | {"told_ms": -1.0})


def test_what_cannot_be_tried_for_want_of_a_package_is_listed(monkeypatch, capsys):
    assert missing_sources() == {}
    monkeypatch.setattr(stop_sources, "find_spec", lambda name: None)
    missing = missing_sources()
    assert list(missing) == ["E1, MCP"]
    print_table((), (), missing)
    assert "not shown: needs the package mcp" in capsys.readouterr().out
