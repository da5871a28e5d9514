from dataclasses import replace

import numpy as np
import pytest

from yanshi.assets import store
from yanshi.assets.manifest import ASSETS
from yanshi.bench import checkup, speed
from yanshi.bodies.simulation import simulate


def findings():
    return {finding.name: finding for finding in checkup.check_everything()}


def test_on_a_machine_that_is_set_up_nothing_that_a_run_needs_is_to_be_mended():
    wrong = {name: f for name, f in findings().items() if not f.is_well and not f.is_optional}
    assert not wrong


def test_a_changed_asset_is_found_with_the_command_that_mends_it(monkeypatch):
    changed = [replace(ASSETS[0], sha256="0" * 64), *ASSETS[1:]]
    monkeypatch.setattr(store, "ASSETS", changed)
    finding = findings()[ASSETS[0].name]
    assert not finding.is_well
    assert "yanshi.assets" in finding.mend


def test_a_machine_without_a_renderer_is_told_what_to_install(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "disable")
    finding = findings()["renderer"]
    assert "apt-get install" in finding.mend


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(checkup, "requires", lambda name: ["no-such-package>=1", "numpy"])
    assert "no-such-package" in findings()["packages"].text


def test_a_part_that_cannot_be_measured_is_not_fast_enough():
    lost = speed.Speed(name="eyes", value=np.nan, unit="ms", budget="<= 50", trouble="no eyes")
    assert not lost.is_enough
    assert replace(lost, value=10.0, trouble="").is_enough
    assert not replace(lost, value=60.0, trouble="").is_enough


@pytest.mark.parametrize("measure", [speed._physics_factor, speed._camera_ms, speed._policy_ms])
def test_a_speed_is_a_positive_number(measure):
    assert measure(simulate("empty", 1)) > 0.0
