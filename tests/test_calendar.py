"""Clocks that people set may jump: nothing that runs a robot reads one."""

import ast
from pathlib import Path

import pytest

import yanshi

SOURCE = Path(yanshi.__file__).parent
STAMPED = {"train", "bench"}
"""They note in their results on what day it was."""
CALENDAR = {
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime", "clock_gettime"}
    | {"clock_gettime_ns"},
    "datetime": {"datetime", "date"},
}
FILES = sorted(
    path.relative_to(SOURCE)
    for path in SOURCE.rglob("*.py")
    if path.relative_to(SOURCE).parts[0] not in STAMPED
)


def calendar_reads(source: str) -> list[str]:
    """Return what of the calendar a file uses, however it was imported."""
    tree = ast.parse(source)
    names: dict[str, str] = {}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in CALENDAR:
            found += [alias.name for alias in node.names if alias.name in CALENDAR[node.module]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = names.get(node.value.id, "")
            if node.attr in CALENDAR.get(module, ()):
                found.append(f"{module}.{node.attr}")
    return found


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_reads_no_calendar(path):
    assert not calendar_reads((SOURCE / path).read_text(encoding="utf8"))


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "import time as t\nx = t.time_ns",
        "from time import time_ns as now",
        "from datetime import UTC, datetime",
        "import datetime\ndatetime.date.today()",
    ],
)
def test_a_read_of_the_calendar_is_seen(source):
    assert calendar_reads(source)


def test_the_clock_that_never_jumps_may_be_read():
    assert not calendar_reads("import time\ntime.monotonic_ns(); time.perf_counter()")
