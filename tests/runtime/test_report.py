import json

import numpy as np
import pytest

from yanshi.core.errors import ConfigError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.runtime.report import RunReport, StepReport, Trace

ISSUED_KEYS = {
    "sentence",
    "language",
    "outcome",
    "plan",
    "steps",
    "said",
    "seen",
    "falls",
    "mujoco_warnings",
    "real_time_factor",
    "sim_s",
    "wall_s",
    "latency_ms",
    "deadline_misses",
    "trace_sha256",
}


def make_report(outcome: str = "done") -> RunReport:
    return RunReport(
        sentence="鞠个躬",
        language="zh-Hans",
        outcome=outcome,
        plan=["bow"],
        steps=[StepReport(step="bow", outcome=outcome, start_s=0.66, end_s=4.1)],
        said=[],
        seen=["red cup"],
        falls=0,
        mujoco_warnings=0,
        real_time_factor=4.2,
        sim_s=5.1,
        wall_s=1.2,
        latency_ms={"policy": {"p50": 0.1, "p99": 0.2, "max": 0.3}},
        deadline_misses={"policy": 0},
        faults={},
        trace_sha256="0" * 64,
        clock="sim",
        world="home",
        seed=1,
        policy_late_ms=[0.0, 0.1],
    )


def test_the_file_holds_every_promised_key_and_chinese_as_it_is(tmp_path):
    path = tmp_path / "report.json"
    make_report().write(path)
    text = path.read_text(encoding="utf8")
    assert set(json.loads(text)) >= ISSUED_KEYS
    assert "鞠个躬" in text
    assert "policy_late_ms" not in text


@pytest.mark.parametrize(
    ("outcome", "code"), [("done", 0), ("stopped", 0), ("asked", 3), ("refused", 3), ("failed", 4)]
)
def test_each_outcome_has_its_exit_code(outcome, code):
    assert make_report(outcome).exit_code == code


def test_a_report_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    with pytest.raises(ConfigError, match="could not be written"):
        make_report().write(tmp_path / "missing" / "report.json")
    assert list(tmp_path.iterdir()) == []


def test_the_trace_changes_with_any_joint_any_tick_and_any_word():
    def trace(angle: float, t_ns: int, word: str) -> str:
        zeros = np.zeros(3)
        state = RobotState(
            t_ns=t_ns,
            joint_position=[angle, 0.0],
            joint_velocity=zeros,
            joint_torque=zeros,
            orientation_wxyz=[1.0, 0.0, 0.0, 0.0],
            angular_velocity=zeros,
            acceleration=zeros,
        )
        target = JointTarget(t_ns=t_ns, position=zeros, stiffness=zeros, damping=zeros)
        result = Trace()
        result.add_tick(state, target)
        result.add_event(t_ns, word)
        return result.hexdigest()

    same = trace(0.1, 5, "你好")
    assert same == trace(0.1, 5, "你好")
    assert (
        len({same, trace(0.1 + 1e-12, 5, "你好"), trace(0.1, 6, "你好"), trace(0.1, 5, "好")}) == 4
    )
