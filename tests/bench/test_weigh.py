"""The experiment's book-keeping on made-up trials, and one real pair of runs."""

import json
import math
from dataclasses import replace

import pytest
from rich.console import Console

from yanshi.bench import weigh, weigh_page
from yanshi.bench.weigh import ALLOWED_S, CANDIDATES, REFERENCE, choose, is_in_time, weights
from yanshi.bench.weigh_tasks import TASKS
from yanshi.core.errors import UnknownNameError

SHOUT = next(iter(TASKS))
CLOUD = "671 B, cloud, link lost"


def trial(brain, seed=1, task=SHOUT, **changes):
    made = {
        **{"brain": brain, "task": task, "seed": seed, "language": "en", "done": True, "why": ""},
        **{"world_s": 1.0, "reactions_s": [0.1, 0.2], "plans": [], "falls": 0, "sim_s": 10.0},
        **{"lost": 0, "by_cloud": 0, "joules": 2000.0, "thought_joules": 100.0, "thoughts": 2},
        **{"usd": 0.0, "bytes": 0, "sha256": ""},
    }
    return made | changes


def test_every_brain_can_be_charged_and_the_issue_s_boards_and_models_are_among_them():
    assert len(CANDIDATES) >= 9
    for candidate in CANDIDATES.values():
        meter = candidate.meter(seed=3)
        assert meter.think((10, 4), 0.0) >= 0.0
        assert candidate.price_usd is not None
    assert len({c.board for c in CANDIDATES.values() if c.is_ours}) == 5


def test_a_larger_brain_on_the_same_board_takes_longer():
    small, large = CANDIDATES["ours, 270 M, Orin NX"], CANDIDATES["1.7 B, Orin NX"]
    assert small.meter(1).think((10, 4), 0.0) < large.meter(1).think((10, 4), 0.0)


def test_in_time_is_measured_against_the_reference_in_the_same_home():
    reference = trial(REFERENCE, world_s=1.0)
    assert is_in_time(trial("a", world_s=1.0 + ALLOWED_S), reference)
    assert not is_in_time(trial("a", world_s=1.01 + ALLOWED_S), reference)
    assert not is_in_time(trial("a", world_s=None), reference)
    assert is_in_time(trial("a", world_s=None), trial(REFERENCE, world_s=None))


def test_success_is_done_and_in_time():
    brain = "70 B, Thor"
    trials = [trial(REFERENCE, seed=seed) for seed in range(3)]
    trials += [
        trial(brain, seed=0),
        trial(brain, seed=1, done=False),
        trial(brain, seed=2, world_s=9.0),
    ]
    reference, late = weights(trials)
    assert reference.success["all"].value == 1.0
    assert late.success["all"].value == pytest.approx(1 / 3)
    assert [row.value for row in late.otherwise] == pytest.approx([1 / 3] * 3 + [2 / 3])
    assert late.success[SHOUT].n == 3


def test_endurance_compares_brains_on_the_same_body():
    """A brain whose robot stands about is not praised for the motors that it spares."""
    idle = trial(CLOUD, joules=300.0, thought_joules=100.0, lost=1, reactions_s=[], thoughts=1)
    reference, lost = weights([trial(REFERENCE), idle])
    assert reference.endurance_h == pytest.approx(432.0 / 200.0)
    assert lost.endurance_h == pytest.approx(reference.endurance_h)
    assert lost.never == 1.0


def test_money_is_told_by_thought_and_by_task_where_the_hired_models_price_is_known(monkeypatch):
    good, poor = "671 B, cloud, 5G good", "671 B, cloud, 5G poor"
    paid = [trial(good, seed=seed, usd=0.003, thoughts=3) for seed in range(2)]
    _, hired = weights([trial(REFERENCE), *paid])
    assert hired.usd_per_task == pytest.approx(0.003)
    assert hired.usd_per_1000 == pytest.approx(1.0)
    unknown = replace(CANDIDATES[good], name="unknown", cloud="kimi-k2")
    monkeypatch.setitem(CANDIDATES, "unknown", unknown)
    reference, asked = weights([trial(REFERENCE), trial("unknown"), trial("unknown", seed=2)])
    assert (asked.usd_per_1000, asked.usd_per_task) == (None, None)
    assert (reference.usd_per_1000, reference.candidate.asks) == (0.0, "")
    console = Console(record=True, width=250)
    weigh_page.show([reference, asked, asked], 1, console)
    told = console.export_text()
    assert told.count("price_in_usd_m") == 1
    assert "kimi-k2" in told
    assert CANDIDATES[poor].has_price


def test_names_are_chosen_by_words_and_unknown_ones_refused():
    assert choose(["thor"], list(CANDIDATES), "brain") == ("ours, 270 M, Thor", "70 B, Thor")
    assert choose(None, list(TASKS), "task") == tuple(TASKS)
    with pytest.raises(UnknownNameError, match="brain"):
        choose(["hal 9000"], list(CANDIDATES), "brain")


def test_trials_are_numbered_so_that_more_homes_go_on_where_fewer_ended(monkeypatch):
    seen = []
    monkeypatch.setattr(
        weigh,
        "run_task",
        lambda candidate, task, seed: (seen.append((candidate.name, task, seed)), [])[::-1],
    )
    monkeypatch.setattr(weigh, "homes", lambda n, seed: tuple(range(seed, seed + n)))
    brains, tasks = tuple(CANDIDATES)[:2], tuple(TASKS)[:2]
    for index in range(8):
        weigh.trial_of(index, brains=brains, tasks=tasks, seed=5)
    assert [seed for _, _, seed in seen] == [5] * 4 + [6] * 4
    assert len(set(seen)) == 8


def test_page_and_json_hold_every_brain_and_need_nothing_beside_them(tmp_path):
    lost = trial(CLOUD, done=False, world_s=None, reactions_s=[], lost=2, why="<none>")
    found = weights([trial(REFERENCE), trial("8 B, AGX Orin"), lost])
    weigh_page.write_page(tmp_path / "page.html", found, [trial(REFERENCE), lost])
    page = (tmp_path / "page.html").read_text(encoding="utf8")
    assert page.count("<svg") == 4
    assert "http-equiv" not in page
    assert 'src="' not in page
    for weight in found:
        assert weight.candidate.name in page
    weigh_page.write_json(tmp_path / "out.json", found, [trial(REFERENCE), lost])
    record = json.loads((tmp_path / "out.json").read_text(encoding="utf8"))
    assert [brain["never"] for brain in record["brains"]] == [0.0, 0.0, 1.0]
    weigh_page.draw(tmp_path / "plot.png", found)
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_a_brain_that_thinks_for_seconds_comes_nearer_than_it_was_told():
    """The whole way: the person shouts, and who is late goes on walking meanwhile."""
    seed = weigh.homes(1, 1)[0]
    at_once, _ = weigh.run_task(CANDIDATES[REFERENCE], SHOUT, seed)
    again, _ = weigh.run_task(CANDIDATES[REFERENCE], SHOUT, seed)
    late, _ = weigh.run_task(CANDIDATES["70 B, Thor"], SHOUT, seed)
    assert at_once["sha256"] == again["sha256"]
    assert at_once["done"]
    assert not late["done"]
    assert "came to" in late["why"]
    assert late["plans"] == at_once["plans"]
    assert all(a < b for a, b in zip(at_once["reactions_s"], late["reactions_s"], strict=True))
    assert math.isclose(at_once["reactions_s"][0], 0.0, abs_tol=0.021)


def test_a_lost_link_is_told_and_nothing_is_done():
    seed = weigh.homes(1, 1)[0]
    lost, _ = weigh.run_task(CANDIDATES[CLOUD], "two steps", seed)
    assert not lost["done"]
    assert lost["lost"] == 1
    assert lost["reactions_s"] == []
    assert lost["thought_joules"] > 0.0
