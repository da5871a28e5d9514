"""Skills are found as anybody's are, and the talking ones hand their words on."""

import pytest
from tests.skills.rig import Rig

from yanshi.core.errors import UnknownNameError
from yanshi.skills.skill import installed_skills, make_skill, prepare_skills

OURS = {
    *("ask", "bow", "carry", "dance", "getup", "go", "look", "point"),
    *("refuse", "say", "stop", "turn", "wait", "wave"),
}


def test_all_of_ours_are_installed_and_keep_the_contract():
    installed = installed_skills()
    assert set(installed) >= OURS
    for skill in installed.values():
        assert all(isinstance(way, str) for way in skill.syntax)
        english, chinese = skill.summary
        assert english.isascii()
        assert not chinese.isascii()
        assert skill.risk in ("none", "moves", "travels")
        for english, chinese in [*skill.called.values(), *([skill.verb] if skill.verb else [])]:
            assert english.isascii()
            assert not chinese.isascii()


def test_what_only_talks_moves_nothing():
    risks = {name: skill.risk for name, skill in installed_skills().items()}
    assert {name for name, risk in risks.items() if risk == "none"} == {
        *("ask", "refuse", "say", "stop", "wait"),
    }


def test_an_unknown_skill_is_refused_with_a_hint(rig: Rig):
    with pytest.raises(UnknownNameError, match="Did you mean 'wave'"):
        make_skill("wvae", (), rig.tools)


def test_preparing_loads_the_dance_before_it_is_asked_for(rig: Rig):
    prepare_skills(rig.tools)
    assert rig.tools.shared["dancer"].duration_s > 10.0


@pytest.mark.parametrize(
    ("step", "kind", "reason", "facts"),
    [
        (("say", '"你好"'), "done", "say", ("你好",)),
        (("ask", "which"), "asked", "ask_which", ()),
        (("refuse", "impossible"), "refused", "refuse_impossible", ()),
        (("stop",), "done", "", ()),
    ],
)
def test_words_and_reasons_travel_with_the_outcome(rig: Rig, step, kind, reason, facts):
    outcome = rig.do(*step)
    assert (outcome.kind, outcome.reason, outcome.facts) == (kind, reason, facts)


def test_waiting_takes_the_time_asked(rig: Rig):
    assert rig.do("wait", "2").kind == "done"
    assert rig.body.data.time == pytest.approx(2.0, abs=0.03)


def test_stop_brings_a_walking_robot_to_rest(rig: Rig):
    for _ in range(150):
        rig.body.write(rig.tools.walker.step(rig.percept().state, (0.6, 0.0, 0.0)))
        rig.body.advance(0.02)
    rig.do("stop")
    ahead, left, turn = rig.tools.walker.command
    assert (ahead, left) == (0.0, 0.0)
    assert abs(turn) < 0.1  # Back to the heading in which it stopped.
    before = rig.position
    rig.stand(1.0)
    assert abs(rig.position - before).max() < 0.06
