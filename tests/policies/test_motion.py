"""A planned motion comes back as it was written; another's, or a damaged one, does not."""

import re
import shutil

import numpy as np
import pytest

from yanshi.control.bearing import bear
from yanshi.control.figure import Figure
from yanshi.control.reference import measure_reach, plan_reference
from yanshi.control.routine import read_routine
from yanshi.core.errors import ConfigError, ContractError
from yanshi.policies.contract import policy_folder
from yanshi.policies.motion import MOTION_FILE, ROUTINE_FILE, read_motion, write_motion
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1

ROUTINE = policy_folder("g1_salute") / ROUTINE_FILE


@pytest.fixture(scope="module")
def motion():
    """The bow's motion, what bears it and how far it reaches."""
    figure = Figure(G1, load_g1(with_looks=False), G1_LINKS)
    reference = plan_reference(read_routine(ROUTINE, G1), figure)
    return reference, bear(reference, figure), measure_reach(reference, figure)


def test_a_motion_that_was_written_is_read_again(motion, tmp_path):
    write_motion(*motion, ROUTINE, G1, tmp_path)
    reference, bearing, reach = motion
    found = read_motion(tmp_path, G1)
    np.testing.assert_allclose(found.joint_position, reference.joint_position, atol=1e-6)
    np.testing.assert_allclose(found.target, bearing.target, atol=1e-6)
    np.testing.assert_allclose(found.pelvis_height, reference.root_position[:, 2], atol=1e-6)
    np.testing.assert_array_equal(found.stands, reference.stands)
    assert found.reach == pytest.approx(reach)
    assert (tmp_path / ROUTINE_FILE).read_bytes() == ROUTINE.read_bytes()


def test_the_same_motion_is_written_as_the_same_bytes(motion, tmp_path):
    write_motion(*motion, ROUTINE, G1, tmp_path)
    first = (tmp_path / MOTION_FILE).read_bytes()
    write_motion(*motion, ROUTINE, G1, tmp_path)
    assert (tmp_path / MOTION_FILE).read_bytes() == first


def test_a_motion_planned_from_another_routine_is_refused(motion, tmp_path):
    write_motion(*motion, ROUTINE, G1, tmp_path)
    shutil.copy(policy_folder("g1_kick") / ROUTINE_FILE, tmp_path / ROUTINE_FILE)
    with pytest.raises(ContractError, match="planned from another"):
        read_motion(tmp_path, G1)


@pytest.mark.parametrize("keep", [0, 100, 9000])
def test_a_damaged_motion_is_refused(motion, tmp_path, keep):
    write_motion(*motion, ROUTINE, G1, tmp_path)
    path = tmp_path / MOTION_FILE
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ConfigError, match="Cannot read the motion"):
        read_motion(tmp_path, G1)


def test_a_missing_motion_is_told(tmp_path):
    with pytest.raises(ConfigError, match="yanshi train track"):
        read_motion(tmp_path, G1)


def test_a_motion_stays_its_routines_when_that_gets_another_name(motion, tmp_path):
    write_motion(*motion, ROUTINE, G1, tmp_path)
    path = tmp_path / ROUTINE_FILE
    text = path.read_text(encoding="utf8")
    path.write_text(re.sub(r'en = ".*"', 'en = "greeting"', text), encoding="utf8")
    assert "greeting" in path.read_text(encoding="utf8")
    read_motion(tmp_path, G1)
    path.write_text(text.replace("takes = 0.9", "takes = 0.8"), encoding="utf8")
    with pytest.raises(ContractError, match="planned from another"):
        read_motion(tmp_path, G1)
