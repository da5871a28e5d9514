import json
import operator
import os
import select
import subprocess
import sys
import threading
from functools import partial

import numpy as np
import pytest

from yanshi.bench.rows import (
    Row,
    mean_row,
    percentile_row,
    rate_row,
    report,
    run_trials,
    wilson,
)
from yanshi.core.errors import ConfigError


def test_wilson_interval_holds_the_true_rate_95_times_in_100():
    rng = np.random.default_rng(0)
    for rate in (0.5, 0.9, 0.97):
        hits = [
            low <= rate <= high
            for low, high in (wilson(int(k), 60) for k in rng.binomial(60, rate, size=4000))
        ]
        assert 0.92 < np.mean(hits) < 0.985


def test_no_failure_in_n_bounds_the_rate_near_one():
    low, high = wilson(100, 100)
    assert 0.96 < low < 0.97
    assert high == 1.0


def test_rate_and_percentile_rows_pass_when_their_target_is_met():
    assert rate_row("r", [True] * 9 + [False], ">= 0.9").passed
    assert not rate_row("r", [True] * 8 + [False] * 2, ">= 0.9").passed
    row = percentile_row("p", list(range(101)), 50.0, "<= 49")
    assert row.value == 50.0
    assert row.interval[0] <= 50.0 <= row.interval[1]
    assert not row.passed
    assert rate_row("r", [True]).passed is None
    assert not percentile_row("p", [], 50.0, "<= 49").passed


def test_a_resumed_bench_runs_only_the_missing_trials(tmp_path):
    out = tmp_path / "b.json"
    ran: list[int] = []

    def trial(index: int) -> dict:
        ran.append(index)
        if len(ran) == 3:
            raise KeyboardInterrupt
        return {"value": index * 10}

    with pytest.raises(KeyboardInterrupt):
        run_trials(trial, 5, out=out, settings={"seed": 1})
    trials = run_trials(trial, 5, out=out, settings={"seed": 1})
    assert ran == [0, 1, 2, 2, 3, 4]
    assert [t["value"] for t in trials] == [0, 10, 20, 30, 40]
    with pytest.raises(ConfigError, match="seed"):
        run_trials(trial, 5, out=out, settings={"seed": 2})


def test_a_missed_target_is_exit_code_1_and_on_record(tmp_path):
    out = tmp_path / "b.json"
    missed = Row(name="x", value=2.0, interval=None, n=1, target="<= 1")
    assert report("t", [missed], out) == 1
    assert json.loads(out.read_text())["rows"][0]["pass"] is False
    assert report("t", [Row(name="x", value=1.0, interval=None, n=1, target="<= 1")], out) == 0


def test_a_mean_has_an_interval_that_shrinks_with_the_root_of_n():
    rng = np.random.default_rng(0)
    widths = []
    for n in (100, 400):
        data = rng.exponential(5.0, n)
        row = mean_row("m", data.tolist(), "<= 6")
        low, high = row.interval
        assert low < row.value < high
        assert row.value == pytest.approx(data.mean())
        widths.append(high - low)
    assert 1.5 < widths[0] / widths[1] < 2.7


def test_trials_in_processes_of_their_own_are_those_of_one_process(tmp_path):
    trial = partial(wilson, n=9)  # Any function of the index that other processes can import.
    alone = run_trials(trial, 9, out=tmp_path / "a.json", settings={})
    done = [{"index": index, "trial": list(trial(index))} for index in (2, 5)]
    record = tmp_path / "b.trials.jsonl"
    record.write_text("\n".join(json.dumps(line) for line in [{"settings": {}}, *done]) + "\n")
    together = run_trials(trial, 9, out=tmp_path / "b.json", settings={}, workers=2)
    assert [list(t) for t in together] == [list(t) for t in alone]
    lines = [json.loads(line) for line in record.read_text().splitlines()[1:]]
    assert sorted(line["index"] for line in lines) == list(range(9))


def test_an_error_in_another_process_ends_the_bench(tmp_path):
    with pytest.raises(ZeroDivisionError):
        run_trials(partial(operator.truediv, 1.0), 3, out=None, settings={}, workers=2)


def test_a_figure_without_a_value_is_null_on_record(tmp_path):
    out = tmp_path / "b.json"
    assert report("t", [mean_row("m", [], unit="J")], out) == 0
    assert json.loads(out.read_text(), parse_constant=pytest.fail)["rows"][0]["value"] is None


def times_three(index: int) -> dict[str, int]:
    return {"value": 3 * index}


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_trials_in_a_cluster_are_those_of_one_process(tmp_path):
    pytest.importorskip("ray", reason="needs the extra `ray`")
    out = tmp_path / "out.json"
    far = run_trials(times_three, 5, out=out, settings={"a": 1}, workers=2, ray="local")
    assert far == run_trials(times_three, 5, out=None, settings={})
    lines = (tmp_path / "out.trials.jsonl").read_text().splitlines()
    assert len(lines) == 6


def never_ends(index: int) -> dict[str, int]:
    print(os.getpid(), flush=True)
    threading.Event().wait()
    return {}


def test_workers_end_with_the_process_that_asked():
    asks = (
        "from tests.bench.test_rows import never_ends\n"
        "from yanshi.bench.rows import run_trials\n"
        "run_trials(never_ends, 5, out=None, settings={}, workers=2)"
    )
    bench = subprocess.Popen([sys.executable, "-c", asks], stdout=subprocess.PIPE, text=True)
    assert bench.stdout is not None
    workers = [os.pidfd_open(int(bench.stdout.readline())) for _ in range(2)]
    bench.kill()
    bench.wait()
    for worker in workers:
        ended, _, _ = select.select([worker], [], [], 20.0)
        os.close(worker)
        assert ended
    bench.stdout.close()
