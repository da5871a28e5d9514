"""The judge of whole runs: what it asks, what it accepts, what it does not let pass."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from yanshi.bench import run
from yanshi.bench.run import Order
from yanshi.core.errors import ConfigError
from yanshi.worlds.home import build_home
from yanshi.worlds.tidy import build_tidy

HOME = build_home(1)
TIDY_SEED = 11


def test_our_sentences_are_half_chinese_and_all_their_goals_exist():
    orders = run.load_orders(run.SENTENCES)
    chosen = run.choose_orders(orders, 60, seed=5)
    assert sum(run.is_chinese(order.say) for order in chosen) == 30
    assert len({order.say for order in chosen}) == 60
    assert {order.world for order in chosen} == {"home", "tidy"}
    homes = {"home": (HOME, 1), "tidy": (build_tidy(TIDY_SEED), TIDY_SEED)}
    for order in orders:
        home, seed = homes[order.world]
        for goal in run.fill(order, home, np.random.default_rng(0), seed).goals:
            verb, _, rest = goal.partition(" ")
            if verb not in run.SPOKEN_GOALS:
                run.make_goal(verb, rest, home)


def test_what_is_to_be_put_somewhere_does_not_stand_there_already():
    order = Order(
        say="put the {pick} on the table",
        goals=("put {pick} on table",),
        outcome="done",
        world="tidy",
    )
    home = build_tidy(TIDY_SEED)
    on_table = run.things_on("table", home)
    assert on_table
    for seed in range(8):
        filled = run.fill(order, home, np.random.default_rng(seed), TIDY_SEED)
        thing = filled.goals[0].removeprefix("put ").removesuffix(" on table")
        assert thing in {t.name for t in home.things} - on_table


def test_slots_are_filled_with_what_is_there_and_what_is_not_in_the_users_language():
    present = {thing.name for thing in HOME.things}
    for say in ("指一下{thing}，再找找{absent}", "point at the {thing}, then find the {absent}"):
        order = Order(say=say, goals=("pointed {thing}", "missing {absent}"), outcome="failed")
        filled = run.fill(order, HOME, np.random.default_rng(3))
        assert filled.goals[0].removeprefix("pointed ") in present
        assert filled.goals[1].removeprefix("missing ") not in present
        assert "{" not in filled.say
        assert run.is_chinese(filled.say) is run.is_chinese(say)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("not json", "line 1"),
        ('{"say": "go"}', "goals"),
        ("", "no sentences"),
    ],
)
def test_a_file_of_sentences_that_is_not_one_is_told_with_its_line(tmp_path, line, complaint):
    path = tmp_path / "s.jsonl"
    path.write_text(line)
    with pytest.raises(ConfigError, match=complaint):
        run.load_orders(path)
    with pytest.raises(ConfigError, match="No such file"):
        run.load_orders(tmp_path / "missing.jsonl")


def test_an_unknown_goal_names_the_known_ones():
    with pytest.raises(ConfigError, match="waved"):
        run.make_goal("flown", "moon", HOME)


def test_telling_what_is_on_the_table_must_be_right_in_the_simulator():
    there = sorted(run.things_on("table", HOME))
    assert there
    told = SimpleNamespace(said=[f"I see {', '.join(there)}."], outcome="done")
    assert run.SPOKEN_GOALS["told"]("table", told, HOME) == ""
    silent = SimpleNamespace(said=["I see nothing there."], outcome="done")
    assert run.SPOKEN_GOALS["told"]("table", silent, HOME)
    wrong = SimpleNamespace(said=["I see green apple, white ball, red book."], outcome="done")
    assert run.SPOKEN_GOALS["told"]("table", wrong, HOME)


def test_a_thing_is_missing_only_when_the_robot_said_so_and_failed():
    missing = run.SPOKEN_GOALS["missing"]
    honest = SimpleNamespace(said=["我没有找到绿色的杯子。"], outcome="failed")
    assert missing("green cup", honest, HOME) == ""
    assert missing("red cup", honest, HOME)
    claimed = SimpleNamespace(said=["我没有找到绿色的杯子。"], outcome="done")
    assert missing("green cup", claimed, HOME)


def test_falls_are_counted_and_so_are_those_that_were_got_up_from():
    walked = {"falls": 0, "faults": {}}
    rose = {"falls": 1, "faults": {"fallen": 400}}
    lay = {"falls": 1, "faults": {"stays_down": 1}}
    assert run.rows_of_falls([walked]) == []
    (row,) = run.rows_of_falls([walked, rose, rose, lay])
    assert row.value == pytest.approx(2 / 3)


def test_a_quick_bench_judges_a_real_run_and_a_wrong_goal_fails(tmp_path):
    sentences = tmp_path / "s.jsonl"
    lines = [
        {"say": "挥挥手", "goals": ["waved"]},
        {"say": "stop!", "goals": ["bowed"], "outcome": "stopped"},
    ]
    sentences.write_text("\n".join(json.dumps(line) for line in lines))
    out = tmp_path / "b.json"
    assert run.bench_run(2, 3, out=out, sentences=sentences, wall=0) == 1
    rows = {row["name"]: row for row in json.loads(out.read_text())["rows"]}
    assert rows["sentences done"]["value"] == 0.5
    assert rows["upright"]["value"] == 1.0
    trials = [json.loads(line) for line in (tmp_path / "b.trials.jsonl").read_text().splitlines()]
    faults = {t["trial"]["sentence"]: t["trial"]["faults_found"] for t in trials if "trial" in t}
    assert faults == {"挥挥手": [], "stop!": ["not bowed"]}
