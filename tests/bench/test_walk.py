"""What `bench walk` measures, on walkers whose faults are known."""

import numpy as np
import pytest

from yanshi.bench import walk
from yanshi.bench.contest import Contest, select
from yanshi.bench.proving_ground import STILL, Contender, ProvingGround, find_contender, wrap
from yanshi.core.errors import ConfigError

CLAD, BARE = "g1_walk_ppo", "g1_walk_ppo:bare"


@pytest.fixture(scope="module")
def contenders() -> list[Contender]:
    return [find_contender(CLAD), find_contender(BARE)]


def test_every_walker_has_n_trials_of_each_discipline_and_no_more(contenders: list[Contender]):
    contest = walk.make_contest(contenders, 3, 0)
    found = [(d.name, c.name, k) for d, c, k in map(contest.find, range(len(contest)))]
    assert len(set(found)) == len(found) == 2 * 4 * 3  # Neither takes orders for its posture.
    with pytest.raises(ConfigError, match="0 to 23"):
        contest.find(24)


def test_a_trial_depends_on_its_seed_and_number_alone(contenders: list[Contender]):
    contest = walk.make_contest(contenders, 2, 7, roam_s=2.0)
    first = contest(0)
    contest(1)  # Another walker, and
    contest(2)  # another trial of the same.
    assert contest(0) == first
    others = [contest(2), walk.make_contest(contenders, 2, 8, roam_s=2.0)(0)]
    assert all(other["pose"] != first["pose"] for other in others)


def test_velocity_is_measured_along_the_robots_own_heading():
    """A robot on a circle moves straight ahead all the time."""
    angles = np.linspace(3.0, 6.0, 200)  # Through the seam at π, at 2 m.
    poses = [np.array([2.0 * np.sin(a), -2.0 * np.cos(a), wrap(a)]) for a in angles]
    moved = sum(walk._moved(a, b) for a, b in zip(poses, poses[1:], strict=False))
    np.testing.assert_allclose(moved, [6.0, 0.0, 3.0], atol=1e-3)


def test_the_windows_of_a_steady_walk_show_its_velocity(contenders: list[Contender]):
    ground = ProvingGround(contenders[0], np.random.default_rng(0))
    windows = walk._follow(ground, (0.4, 0.0, 0.0), 50 * 4)
    assert len(windows) == 2  # 4 s less 1.5 s to settle.
    trial = {"windows": windows}
    assert walk.speed_errors([trial])[0] < 0.15
    assert walk.turn_errors([trial])[0] < 0.15
    ground = ProvingGround(contenders[0], np.random.default_rng(0))
    still = [[0.4, 0.0, 0.0, *w[3:]] for w in walk._follow(ground, STILL, 50 * 4)]
    assert walk.speed_errors([{"windows": still}])[0] == pytest.approx(0.4, abs=0.1)


def test_moving_arms_fell_a_walker_that_sees_them_unprepared_and_not_the_same_one_clad(
    contenders: list[Contender],
):
    contest = walk.make_contest(contenders, 1, 0, roam_s=10.0)
    trials = [contest(0), contest(1)]
    assert [t["fell"] for t in trials] == [False, True]
    assert trials[0]["t_s"] == pytest.approx(10.0)
    assert trials[1]["t_s"] < 10.0


def test_a_pose_is_reached_by_standing_in_it(contenders: list[Contender]):
    trial = walk.arrive(contenders[0], np.random.default_rng(1), 0)
    assert np.hypot(*trial["goal"][:2]) == pytest.approx(3.0, abs=1e-3)
    assert trial["reached_s"] is not None
    assert trial["error_m"] <= 0.10
    assert trial["error_deg"] <= 6.0
    assert trial["t_s"] - trial["reached_s"] == pytest.approx(1.0, abs=0.03)


def test_standing_is_judged_by_drift_turn_feet_and_falls():
    good = {"fell": False, "drift_m": 0.04, "turned_deg": 4.0, "sole_m": 0.002}
    assert walk.stood_still(good)
    for fault in ({"drift_m": 0.06}, {"turned_deg": 6.0}, {"sole_m": 0.03}, {"fell": True}):
        assert not walk.stood_still(good | fault)


def test_standing_is_watched_after_a_walk(contenders: list[Contender]):
    trial = walk.stand(contenders[0], np.random.default_rng(3), 0, stand_s=3.0)
    assert trial["t_s"] == pytest.approx(8.0)
    assert 0.0 < trial["drift_m"] < 1.0


def test_postures_are_asked_and_measured_in_the_same_terms(contenders: list[Contender]):
    """A ready walker leans when told to, and stays as high as it always is."""
    trial = walk.crouch(contenders[0], np.random.default_rng(2), 0, postures=2)
    asked, found = np.array(trial["postures"])[:, :2], np.array(trial["postures"])[:, 2:]
    assert len(asked) == 2
    assert np.abs(found[:, 0] - 0.75).max() < 0.06
    leans = asked[:, 1] > 0.0
    np.testing.assert_allclose(found[leans, 1], asked[leans, 1], atol=0.15)


def made_up(contender: Contender) -> list[dict]:
    who = {"walker": contender.name, "k": 0, "fell": False, "mujoco_warnings": 0}
    windows = [[0.5, 0.0, 0.0, 0.44, 0.08, 0.3]]
    return [
        who | {"kind": "roam", "windows": windows},
        who | {"kind": "load", "windows": windows, "fell": True},
        who | {"kind": "stand", "drift_m": 0.01, "turned_deg": 1.0, "sole_m": 0.0},
        who | {"kind": "arrive", "reached_s": None},
    ]


def test_targets_are_for_our_walker_and_errors_are_lengths(contenders: list[Contender]):
    ours = Contender(name="ours", folder=contenders[0].folder.parent / "g1_walk")
    trials = [t for c in (ours, contenders[0]) for t in made_up(c)]
    rows = {row.name: row for row in walk.make_rows([ours, contenders[0]], trials)}
    assert rows["ours: velocity error"].value == pytest.approx(0.1)
    assert rows["ours: turning error"].passed is False
    assert rows["ours: 60 s without a fall"].passed is True
    assert rows["ours: 60 s with 4 kg in the hands"].passed is False
    assert rows["ours: arrives 3 m away"].value == 0.0
    assert all(row.passed is None for name, row in rows.items() if name.startswith(CLAD))
    assert len(select(trials, ours, "roam")) == 1


def test_a_film_shows_one_trial_again(contenders: list[Contender], tmp_path):
    contest: Contest = walk.make_contest(contenders[:1], 1, 0, roam_s=0.2)
    path = tmp_path / "roam.mp4"
    assert contest.film(0, path) == contest(0)
    assert path.stat().st_size > 1000
