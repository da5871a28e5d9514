"""A stop in a running robot: at once, for good, until a person says to go on."""

import numpy as np
import pytest
from tests.runtime.stand_ins import Run, prepare

from yanshi.core.messages import JointTarget
from yanshi.mind.replies import word_outcome
from yanshi.runtime.recovery import Stage
from yanshi.runtime.words import Conversation
from yanshi.skills.skill import Outcome

HOLDS = Outcome(kind="refused", reason="stop_holds")
GOES_ON = Outcome(kind="refused", reason="goes_on")


def writes_of(run: Run) -> list[tuple[int, np.ndarray]]:
    """Return what will have gone to the motors, with its time."""
    written: list[tuple[int, np.ndarray]] = []
    write = run.simulation.body.write

    def keep(target: JointTarget) -> None:
        written.append((target.t_ns, target.position))
        write(target)

    run.simulation.body.write = keep  # type: ignore[method-assign]
    return written


@pytest.mark.parametrize("at_ms", [2000, 2020, 2500])
def test_the_first_gated_target_of_a_stop_comes_within_one_reflex_tick(at_ms):
    run = prepare()
    written = writes_of(run)
    run.onlooker.at = {at_ms: run.episode.stop}
    report = run.episode.run("go forward 2; wave")
    after = [(t_ns, position) for t_ns, position in written if t_ns >= at_ms * 1_000_000]
    # Between the call and the policy's next tick nothing of the plan gets through.
    assert after[1][0] - at_ms * 1_000_000 == 2_000_000
    for _, position in after[1:10]:
        np.testing.assert_array_equal(position, after[0][1])
    heeded = next(t for t, kind, text in run.onlooker.events if text == "stop_asked")
    assert heeded == (at_ms + 20) * 1_000_000
    assert report.outcome == "stopped"
    assert report.exit_code == 0
    assert report.faults == {"stop_asked": 1}
    assert report.falls == 0
    assert run.onlooker.ends() == ["go forward 2: stopped"]


def talk(*lines: str) -> tuple[Run, list[str]]:
    run = prepare()
    words = Conversation(waits=True)
    words.listen_to(lines)
    report = run.episode.hear(words)
    assert report.falls == 0
    return run, report.said


@pytest.mark.parametrize(
    ("stop", "order", "go_on", "language"),
    [("停！", "挥挥手", "继续", "zh-Hans"), ("stop", "wave your hand", "Go on, please.", "en")],
)
def test_no_order_is_carried_out_after_a_stop_until_a_person_says_to_go_on(
    stop, order, go_on, language
):
    run, said = talk(stop, order, order, go_on, "wait 1", go_on.removesuffix(", please."))
    assert run.mind.asked[:2] == [stop, "wait 1"]
    held, goes_on = word_outcome(HOLDS, language), word_outcome(GOES_ON, language)
    assert said[1:4] == [held, held, goes_on]
    assert run.onlooker.ends()[:2] == ["stop: stopped", "wait 1: done"]
    # While nothing is stopped the word is one like any other, for the mind.
    assert len(run.mind.asked) == 3


def test_a_second_stop_holds_like_the_first():
    run, said = talk("stop", "stop", "wait 1", "go on", "stop", "wait 1")
    assert run.mind.asked == ["stop", "stop", "stop"]
    assert [text for text in said if "go on" in text] == [
        word_outcome(HOLDS, "en"),
        word_outcome(GOES_ON, "en"),
        word_outcome(HOLDS, "en"),
    ]


def test_a_new_run_is_a_new_start():
    first, _ = talk("stop")
    assert first.episode._stop.is_latched
    second, _ = talk("wait 1")
    assert second.onlooker.ends() == ["wait 1: done"]


def test_a_stop_that_cannot_settle_goes_limp():
    run = prepare()

    def lose_the_policy() -> None:
        run.episode.stop()
        last = run.episode._sent
        run.episode._executive.tick = lambda percept: last  # Ever older.

    stages = []
    recovery = run.episode._recovery
    run.onlooker.at = {2000: lose_the_policy, 2100: lambda: stages.append(recovery.stage)}
    run.episode.run("go forward 2")
    assert stages == [Stage.DOWN]  # Long before it could have fallen.
