"""A watch for falls learns from robots that fell and robots that came back."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

pytest.importorskip("torch")

from yanshi.cli.main import make_app
from yanshi.robots.g1.spec import G1
from yanshi.senses.balance import (
    JOINTS,
    LAGS,
    N_FELT,
    WEIGHTS,
    BalanceConfig,
    FallWatch,
    Feeling,
)
from yanshi.train import fall_watch
from yanshi.train.fall_watch import (
    BLOCK,
    DOINGS,
    HARMS,
    TICK_S,
    UNSEEN,
    FallWatchTraining,
    Life,
    count,
    falls_soon,
    fit,
    gather_lives,
    live,
    mirrored,
    probabilities,
    read_lives,
    seen_of,
    told_tick,
)
from yanshi.train.g1_fleet import mirror_of_joints

QUIET = Console(file=StringIO())
WIDTH = len(LAGS) * N_FELT


@pytest.fixture(scope="module")
def lives():
    """Return some robots, of which several fall and several stay up."""
    return [live(np.random.default_rng([77, robot])) for robot in range(14)]


def leaning(degrees, *, down=-1, ruled=-1) -> Life:
    """Return a made-up life, by the tilt to the left in each tick."""
    felt = np.zeros((len(degrees), N_FELT), np.float32)
    felt[:, 1], felt[:, 2] = -np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    return Life(felt=felt, down=down, ruled=ruled, harmed=0, doing="stand", harm="none")


def test_a_life_follows_from_its_seed_and_ends_when_the_robot_is_down(lives):
    again = live(np.random.default_rng([77, 3]))
    np.testing.assert_array_equal(again.felt, lives[3].felt)
    fell = [life for life in lives if life.down >= 0]
    assert 3 <= len(fell) <= 11
    for life in fell:
        assert life.down == len(life.felt) - 1 > life.harmed
        assert falls_soon(life, 0.6)[-1] == 1
    for life in lives:
        assert np.isfinite(life.felt).all()
        assert not falls_soon(life, 0.6)[: life.harmed].any()


def test_nobody_is_asked_when_nobody_can_tell():
    label = falls_soon(leaning(np.zeros(151), down=150), 0.5)
    assert label[150 - 25 :].tolist() == [1] * 26
    assert set(label[150 - 50 : 150 - 25].tolist()) == {-1}
    assert not label[:100].any()
    assert not falls_soon(leaning(np.zeros(80)), 0.5).any()
    harmed = replace(leaning(np.zeros(151), down=150), harmed=140)
    assert falls_soon(harmed, 0.5).tolist() == [0] * 140 + [1] * 11


def test_the_network_is_shown_what_a_run_shows_it(lives):
    rng = np.random.default_rng(2)
    felt = rng.normal(size=(12, N_FELT)).astype(np.float32)
    seen = seen_of(felt)
    assert seen.shape == (12, WIDTH)
    for tick in (0, 1, 5, 11):
        past = [felt[max(0, tick - lag)] for lag in LAGS]
        np.testing.assert_array_equal(seen[tick], np.concatenate(past))


def test_a_mirror_shows_what_the_mirrored_robot_feels():
    from tests.senses.test_balance import at_height, measured

    rng = np.random.default_rng(4)
    twin, sign = mirror_of_joints(G1.joint_names)
    for _ in range(10):
        w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
        spin, velocity = rng.normal(size=(2, 3))
        joints = rng.normal(size=len(G1.joint_names)) * 0.3
        one, other = (
            Feeling(G1).update(
                replace(measured(np.array(turn), rates), joint_position=angles),
                replace(at_height(0.6), velocity=speed),
            )[:N_FELT]
            for turn, rates, angles, speed in (
                ((w, x, y, z), spin, joints, velocity),
                ((w, -x, y, -z), spin * (-1, 1, -1), sign * joints[twin], velocity * (1, -1, 1)),
            )
        )
        np.testing.assert_allclose(mirrored(one), other, atol=1e-6)
        np.testing.assert_array_equal(mirrored(mirrored(one)), one)


def test_what_is_written_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(fall_watch, "BLOCK", 2)
    fall_watch._live_block(5, 3, tmp_path / "lives.npz")
    read = list(read_lives(tmp_path / "lives.npz"))
    for robot, life in enumerate(read):
        lived = live(np.random.default_rng([3, 5, robot]))
        np.testing.assert_array_equal(life.felt, lived.felt)
        assert (life.down, life.ruled, life.harmed) == (lived.down, lived.ruled, lived.harmed)
        assert (life.doing, life.harm) == (lived.doing, lived.harm)
    assert len(read) == 2


def test_lives_that_are_there_are_not_lived_again(tmp_path):
    paths = [tmp_path / f"lives_4_{block:03d}.npz" for block in range(3)]
    for path in paths:
        path.write_bytes(b"kept")
    assert gather_lives(FallWatchTraining(robots=2 * BLOCK + 1, seed=4), tmp_path, 1) == paths
    assert {path.read_bytes() for path in paths} == {b"kept"}


def test_what_is_learnt_is_what_was_to_be_told_apart():
    rng = np.random.default_rng(0)
    seen = np.full((4000, WIDTH), 5.0, np.float32)
    seen[:, :4] += 3.0 * rng.normal(size=(4000, 4))
    right = (np.abs(seen[:, 3] - 5.0) > 3.0).astype(np.float32)  # No straight line does it.
    config = FallWatchTraining(steps=500, rate=0.01, false_alarm=1.0)
    layers, curve = fit(seen, right, config, QUIET)
    told = probabilities(layers, seen) > 0.5
    assert (told == (right > 0.5)).mean() > 0.9
    assert curve[-1][1] < 0.5 * curve[0][1]


def test_a_run_s_network_answers_as_the_trained_one(tmp_path, lives):
    layers, _ = fit(
        np.random.default_rng(0).normal(size=(200, WIDTH)).astype(np.float32),
        np.zeros(200, np.float32),
        FallWatchTraining(steps=3),
        QUIET,
    )
    arrays = {}
    for number, (weight, bias) in enumerate(layers):
        arrays |= {f"weight_{number}": weight, f"bias_{number}": bias}
    np.savez(tmp_path / "watch.npz", **arrays)
    watch, seen = FallWatch(tmp_path / "watch.npz"), seen_of(lives[0].felt)
    ours = [watch.probability(row) for row in seen]
    np.testing.assert_allclose(ours, probabilities(layers, seen), atol=1e-5)


def test_a_fall_is_told_after_two_ticks_in_a_row_by_whoever_tells_it_first():
    life = leaning([5, 25, 25, 5, 25, 25, 25, 60], down=7, ruled=6)
    sure = np.array([1, 1, 0, 1, 1, 1, 1, 1], np.float32)
    assert told_tick(life, sure, BalanceConfig()) == 5
    assert told_tick(life, 0.0 * sure, BalanceConfig()) == 6
    assert told_tick(replace(life, ruled=-1), 0.0 * sure, BalanceConfig()) == -1
    assert told_tick(leaning([18.0] * 8), sure, BalanceConfig()) == -1


def test_what_is_counted_is_who_was_called_lost_and_how_early():
    sure = [(np.zeros((1, WIDTH), np.float32), np.array([9.0], np.float32))]
    fell = leaning(np.minimum(np.arange(50) * 2.0, 70.0), down=49, ruled=47)
    stayed = leaning(np.full(50, 24.0))
    figures = count([fell, stayed], sure)
    assert (figures["fell"], figures["stayed_up"]) == (1, 1)
    by_network, by_rule = figures["network"], figures["rule"]
    assert by_network["called_lost_that_stayed_up"] == 1  # It is sure of everything.
    assert by_rule["called_lost_that_stayed_up"] == 0
    assert by_network["median_lead_s"] == pytest.approx((49 - 12) * TICK_S)
    assert by_rule["median_lead_s"] == pytest.approx(0.04)
    assert by_network["told_150_ms_before_down"] == 1
    assert by_rule["told_150_ms_before_down"] == 0


def test_our_network_is_no_worse_than_the_rule_on_robots_it_never_saw(lives):
    with np.load(WEIGHTS) as saved:
        layers = [(saved[f"weight_{i}"], saved[f"bias_{i}"]) for i in range(len(saved.files) // 2)]
    figures = count(lives, layers)
    by_network, by_rule = figures["network"], figures["rule"]
    assert by_network["called_lost_that_stayed_up"] <= by_rule["called_lost_that_stayed_up"]
    assert by_network["median_lead_s"] > by_rule["median_lead_s"]


def test_training_writes_weights_and_their_record(tmp_path, monkeypatch):
    monkeypatch.setattr(fall_watch, "BLOCK", 3)
    work = tmp_path / "work"
    work.mkdir()
    for block in range(UNSEEN):
        fall_watch._live_block(block, 0, work / f"lives_0_{block:03d}.npz")
    config = FallWatchTraining(robots=3 * UNSEEN, steps=100)
    record = fall_watch.train_fall_watch(config, work, tmp_path / "watch.npz", 1)
    FallWatch(tmp_path / "watch.npz")
    assert record["robots"] == {"seen": 3 * (UNSEEN - 1), "unseen": 3}
    assert record["unseen"]["fell"] + record["unseen"]["stayed_up"] == 3
    assert record["weights"] == WIDTH * 64 + 64 + 64 * 64 + 64 + 64 + 1
    assert (tmp_path / "watch.json").exists()
    assert not list(tmp_path.glob("*.part*"))


def test_everything_a_robot_can_do_and_suffer_has_its_share():
    assert sum(fall_watch._DOING_SHARES) == pytest.approx(1.0)
    assert sum(fall_watch._HARM_SHARES) == pytest.approx(1.0)
    assert len(fall_watch._DOING_SHARES) == len(DOINGS)
    assert len(fall_watch._HARM_SHARES) == len(HARMS)
    assert set(fall_watch._WEAK) <= {name.partition("_")[2] for name in JOINTS}


def test_the_command_says_how_many_robots_would_do():
    arguments = ["train", "balance", "--robots", "3"]
    result = CliRunner().invoke(make_app(arguments), arguments)
    assert result.exit_code == 2
    assert "500" in result.output
