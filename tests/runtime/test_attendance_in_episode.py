"""Who watches over a run: while nobody does, the robot stops, and later sits down."""

from tests.runtime.stand_ins import Run, prepare

from yanshi.mind.replies import REPLIES
from yanshi.runtime.episode import EpisodeConfig
from yanshi.runtime.recovery import Stage
from yanshi.runtime.words import Conversation
from yanshi.safety.faults import Fault


class Watcher:
    """One who watches, or does not."""

    present = ("page",)
    trouble: Fault | None = None

    def missing(self) -> Fault | None:
        return self.trouble


def attended(**options: object) -> tuple[Run, Watcher]:
    watcher = Watcher()
    return prepare(attendance=watcher, **options), watcher


def vanish(watcher: Watcher, fault: Fault | None):
    def go() -> None:
        watcher.trouble = fault

    return go


def test_somebody_there_changes_nothing():
    run, _ = attended()
    report = run.episode.run("go forward 1; wave")
    alone = prepare().episode.run("go forward 1; wave")
    assert report.trace_sha256 == alone.trace_sha256
    assert report.faults == {}


def test_nobody_there_stops_the_robot_until_told_to_go_on():
    run, watcher = attended()
    words = Conversation(waits=False)
    words.say("go forward 2; wave")

    def end() -> None:
        words.say("wait 1")
        words.end()

    run.onlooker.at = {
        2000: vanish(watcher, Fault.CHECK_IN_MISSED),
        2500: lambda: words.say("go on"),  # In vain: still nobody is there.
        3000: vanish(watcher, None),
        3500: lambda: words.say("wait 1"),  # Refused: nobody has said to go on.
        4000: lambda: words.say("go on"),
        4500: vanish(watcher, Fault.CHECK_IN_MISSED),
        4600: vanish(watcher, None),
        4700: lambda: words.say("go on"),
        4800: end,
    }
    report = run.episode.hear(words)
    assert run.onlooker.ends()[0] == "go forward 2: stopped"
    assert run.onlooker.ends()[-1] == "wait 1: done"
    missed = [t for t, kind, text in run.onlooker.events if text == "check_in_missed"]
    assert [t // 1_000_000 for t in missed] == [2020, 2540, 4520]
    assert report.said.count(REPLIES["check_in_missed"][0]) == 3
    assert report.said.count(REPLIES["stop_holds"][0]) == 1
    assert report.falls == 0


def test_nobody_there_for_long_sits_the_robot_down():
    run, watcher = attended(config=EpisodeConfig(longest_s=9.0))
    run.onlooker.at = {
        1500: vanish(watcher, Fault.CHECK_IN_MISSED),
        2500: vanish(watcher, Fault.CHECK_IN_LOST),
        3000: vanish(watcher, None),  # Too late.
    }
    words = Conversation(waits=False)
    words.say("go forward 2")
    report = run.episode.hear(words)
    assert {"check_in_missed", "check_in_lost", "stop_asked"} == set(report.faults)
    assert run.episode._recovery.stage is Stage.DOWN
    assert report.falls == 0


def test_who_is_there_keeps_the_lead_without_a_word():
    run, _ = attended()
    run.episode._lease._lasts_ns = 500_000_000
    words = Conversation(waits=False)

    def interfere() -> None:
        words.say("wave")
        words.end()

    run.onlooker.at = {600: lambda: words.say("wait 3", "page"), 3000: interfere}
    report = run.episode.hear(words)
    assert run.onlooker.ends() == ["wait 3: done"]
    assert report.faults == {"order_foreign": 1}
