"""The tour: its plan, its crane, its meter and what it tells."""

import mujoco
import numpy as np
import pytest
from typer.testing import CliRunner

from yanshi.bench import tour
from yanshi.bench.proving_ground import STILL, Contender, ProvingGround, find_contender, wrap
from yanshi.bench.rows import run_trials
from yanshi.cli import main as front
from yanshi.robots.g1.spec import G1

CLAD, BARE = "g1_walk_ppo", "g1_walk_ppo:bare"


@pytest.fixture(scope="module")
def contender() -> Contender:
    return find_contender(CLAD)


def test_waypoints_and_blows_are_as_described():
    stretches = [s for seed in range(50) for s in tour.plan_tour(np.random.default_rng(seed))]
    joints = {s.joint for s in stretches}
    assert len(stretches) == 50 * 12
    assert len(joints) == 29
    force = np.array([s.force for s in stretches])
    size = np.linalg.norm(force, axis=1)
    assert 550.0 < size.max() <= 600.0
    assert size.mean() == pytest.approx(300.0, abs=25.0)
    assert np.abs((force / size[:, None]).mean(axis=0)).max() < 0.08  # No direction preferred.
    ticks = [s.blow_tick for s in stretches]
    assert min(ticks) >= 0
    assert max(ticks) * 0.02 + tour.BLOW_S <= tour.STRETCH_S


def test_waypoints_lie_one_step_apart_and_turn_a_quarter_at_most():
    for seed in range(20):
        goals = [np.zeros(3), *(s.goal for s in tour.plan_tour(np.random.default_rng(seed)))]
        for last, goal in zip(goals, goals[1:], strict=False):
            assert 1.0 <= np.hypot(*(goal - last)[:2]) <= 1.8
            assert abs(wrap(goal[2] - last[2])) <= 0.5 * np.pi
            bearing = np.arctan2(*(goal - last)[1::-1])
            assert wrap(bearing - goal[2]) == pytest.approx(0.0, abs=1e-9)


def test_the_crane_bears_the_robot_in_its_stance_until_it_lets_go(contender: Contender):
    loads, ground = [], ProvingGround(contender, np.random.default_rng(0))
    soles = np.concatenate(list(ground.soles))

    def weigh(data: mujoco.MjData) -> None:
        force, total = np.zeros(6), 0.0
        for index in range(data.ncon):
            if set(data.contact.geom[index]) & set(soles.tolist()):
                mujoco.mj_contactForce(ground.model, data, index, force)
                total += force[0]
        loads.append(total)

    ground._watch = weigh
    tour.hang(ground)
    weight = 9.81 * ground.model.body_mass.sum()
    assert np.mean(loads[50:]) < 0.1 * weight
    assert np.abs(ground.data.qvel[:6]).max() < 0.05
    off = np.abs(ground.body.read().joint_position - G1.default_position)
    assert off[:15].max() < 0.05  # Legs and waist; the arms hang lower by their weight.
    for _ in range(50):
        ground.tick(STILL)
    assert not ground.data.xfrc_applied.any()
    assert np.mean(loads[-10:]) > 0.9 * weight


SLIDE = """
<mujoco><option gravity="0 0 0" timestep=".001" integrator="implicitfast"/>
<worldbody><body><joint name="x" type="slide" axis="1 0 0"/>
  <geom type="sphere" size=".1" mass="2"/><site name="imu"/></body></worldbody>
<actuator><motor joint="x"/></actuator>
<sensor><accelerometer name="imu_acceleration" site="imu"/></sensor></mujoco>"""


def test_energy_is_the_work_that_the_motors_do():
    model = mujoco.MjModel.from_xml_string(SLIDE)
    data, meter = mujoco.MjData(model), tour.Meter()
    for force in (3.0, -3.0):  # Speed up, then brake: braking costs as much.
        data.ctrl[:] = force
        for _ in range(1000):
            mujoco.mj_step(model, data)
            meter.add(data)
    kinetic = 0.5 * 2.0 * 1.5**2
    assert meter.energy_j == pytest.approx(2.0 * kinetic, rel=0.01)


def test_vibration_is_the_jerk_of_the_imu():
    model = mujoco.MjModel.from_xml_string(SLIDE)
    data, meter = mujoco.MjData(model), tour.Meter()
    omega = 2.0 * np.pi * 5.0
    for _ in range(2000):
        data.ctrl[:] = 4.0 * np.sin(omega * data.time)
        mujoco.mj_step(model, data)
        meter.add(data)
    assert meter.vibration == pytest.approx(4.0 / 2.0 * omega / np.sqrt(2.0), rel=0.02)
    meter.restart()
    assert meter.vibration == meter.energy_j == 0.0


def test_walkers_meet_the_same_blows_and_processes_do_not_matter(contender: Contender):
    contest = tour.make_contest(
        [find_contender(BARE), find_contender("g1_walk_fastsac:bare")], 1, 2
    )
    alone = [contest(0), contest(1)]
    n = min(len(t["blows"]) for t in alone)
    assert n > 0
    assert alone[0]["blows"][:n] == alone[1]["blows"][:n]
    assert alone[0]["energy_j"] != alone[1]["energy_j"]
    assert run_trials(contest, 2, out=None, settings={}, workers=2) == alone


def test_a_tour_ends_with_a_fall_and_says_what_came_before_it():
    trial = tour.make_contest([find_contender(BARE)], 1, 0)(0)
    assert trial["fell"]
    assert trial["survived_s"] < 60.0
    assert len(trial["waypoints"]) == int(trial["survived_s"] / 5.0)
    assert trial["blow_s"][-1] <= trial["survived_s"]


def made_up(name: str) -> list[dict]:
    who = {"walker": name, "kind": "tour", "k": 0, "mujoco_warnings": 0}
    blows = [["left_knee", 1.0, 2.0, 3.0], ["torso", 1.0, 2.0, 3.0]]
    whole = {"waypoints": [[0.1, 2.0]] * 12, "energy_j": 5000.0, "vibration": 90.0, "blows": blows}
    cut = {"waypoints": [[0.3, 6.0]] * 2, "energy_j": 1.0, "vibration": 1.0, "blows": blows[:1]}
    fall = {"fell": True, "survived_s": 12.0, "felled_by": "left_knee"}
    return [
        who | whole | {"fell": False, "survived_s": 60.0, "felled_by": None},
        who | cut | fall,
        who | cut | fall | {"felled_by": None},
    ]


def test_rows_tell_who_completed_and_leave_broken_tours_out_of_the_costs(contender: Contender):
    ours = Contender(name="ours", folder=contender.folder.parent / "g1_walk")
    rows = {row.name: row for row in tour.make_rows(ours, made_up("ours"))}
    assert rows["ours: completed"].value == pytest.approx(1 / 3)
    assert rows["ours: completed"].passed is False
    assert rows["ours: survived"].value == pytest.approx(28.0)
    assert rows["ours: energy"].value == 5000.0
    assert rows["ours: position error"].value == pytest.approx((10.0 + 30.0 + 30.0) / 3)
    assert tour.make_rows(contender, made_up(CLAD))[0].passed is None


def test_falls_are_told_by_the_joint_whose_link_was_hit(contender: Contender):
    (line,) = tour.list_falls(contender, made_up(CLAD))
    assert line == f"{CLAD}, falls within 3 s of a blow to: knee 1 of 3, no blow 1"


def test_the_command_runs_a_tour_and_keeps_it_on_record(tmp_path):
    out = tmp_path / "tour.json"
    arguments = [
        "bench",
        "tour",
        "--walker",
        BARE,
        "--n",
        "1",
        "--workers",
        "1",
        "--json",
        str(out),
    ]
    result = CliRunner().invoke(front.make_app(arguments), arguments)
    assert result.exit_code == 0, result.output
    assert "g1_walk_ppo bare: completed" in result.output
    assert out.exists()
    assert len((tmp_path / "tour.trials.jsonl").read_text().splitlines()) == 2
