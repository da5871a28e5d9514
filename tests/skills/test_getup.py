"""Getting up as a step of a plan."""

import pytest
from tests.skills.rig import Rig

from yanshi.policies.contract import installed_policies
from yanshi.policies.riser import DEFAULT_RISER


def fell(rig: Rig) -> None:
    """Let the robot sink to the floor."""
    for _ in range(150):
        rig.body.stop()
        rig.body.advance(0.02)
        rig.percept()


def test_a_robot_on_its_feet_says_that_it_stands(rig: Rig):
    rig.stand(0.3)
    assert (rig.do("getup").kind, rig.do("getup").reason) == ("done", "is_up")


def test_a_robot_that_never_learnt_it_says_so(rig: Rig, monkeypatch):
    monkeypatch.setattr("yanshi.skills.getup.installed_policies", dict)
    fell(rig)
    outcome = rig.do("getup")
    assert (outcome.kind, outcome.reason) == ("failed", "cannot_rise")


@pytest.mark.skipif(
    DEFAULT_RISER not in installed_policies(), reason="no policy for getting up is here"
)
def test_a_robot_that_lies_gets_up(rig: Rig):
    fell(rig)
    assert not rig.is_up
    assert rig.do("getup", stays_up=False).kind == "done"
    assert rig.is_up
