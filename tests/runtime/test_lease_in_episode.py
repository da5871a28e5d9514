"""Two operators and one robot: it does what the one who leads says, and stops for anybody."""

from tests.runtime.stand_ins import Run, prepare

from yanshi.mind.replies import REPLIES
from yanshi.runtime.episode import EpisodeConfig
from yanshi.runtime.words import TERMINAL, Conversation, Said

FOREIGN = REPLIES["order_foreign"][0]


def talk(*lines: tuple[int, str, str]) -> tuple[Run, list[str]]:
    """Let operators say things at moments, given in ms, and return what the robot said."""
    run = prepare()
    words = Conversation(waits=False)

    def say(operator: str, sentence: str, *, is_last: bool):
        def speak() -> None:
            words.say(sentence, operator)
            if is_last:
                words.end()

        return speak

    run.onlooker.at = {
        at_ms: say(operator, sentence, is_last=at_ms == lines[-1][0])
        for at_ms, operator, sentence in lines
    }
    return run, run.episode.hear(words).said


def told(run: Run, kind: str) -> list[str]:
    return [text for _, told_kind, text in run.onlooker.events if told_kind == kind]


def test_who_does_not_lead_is_refused_until_it_takes_over():
    run, said = talk(
        (600, TERMINAL, "go forward 2; wait 9"),
        (1000, "page", "wait 1"),
        (1500, "page", "take over"),
        (3000, "page", "wait 1"),
    )
    assert run.mind.asked == ["go forward 2; wait 9", "wait 1"]
    assert said[0] == FOREIGN
    assert said[1:3] == [REPLIES["leads"][0], REPLIES["taken_over"][0]]
    assert run.onlooker.ends() == ["go forward 2: stopped", "wait 1: done"]
    assert told(run, "lease") == ["page leads from now on"]
    assert [text.split() for text in told(run, "fault")] == [["order_foreign", "page"]]


def test_what_one_ordered_ends_within_a_tick_of_the_policy_when_another_takes_over():
    run, _ = talk((600, TERMINAL, "wait 9; wave"), (1500, "page", "take over"))
    taken = next(t for t, kind, _ in run.onlooker.events if kind == "lease")
    ended = next(t for t, kind, _ in run.onlooker.events if kind == "end")
    assert ended - taken <= 20_000_000
    assert [text for _, kind, text in run.onlooker.events if kind == "begin"] == ["wait 9"]


def test_a_thought_that_is_under_way_when_another_takes_over_comes_to_nothing():
    run, _ = talk(
        (600, TERMINAL, "wait 1"), (700, "page", "take over"), (1500, "page", "look around")
    )
    assert [text for _, kind, text in run.onlooker.events if kind == "begin"] == ["look around"]


def test_anybody_may_stop_and_only_who_leads_may_go_on():
    run, said = talk(
        (600, TERMINAL, "wait 9"),
        (1000, "page", "stop"),
        (1500, "page", "go on"),
        (1600, TERMINAL, "go on"),
        (1700, TERMINAL, "wait 1"),
    )
    assert run.onlooker.ends()[0] == "wait 9: stopped"
    assert said[1:3] == [FOREIGN, REPLIES["goes_on"][0]]
    assert run.onlooker.ends()[-1] == "wait 1: done"


def test_who_takes_over_a_stopped_robot_may_let_it_go_on():
    run, said = talk(
        (600, TERMINAL, "stop"),
        (1000, "page", "take over"),
        (1100, "page", "go on"),
        (1200, "page", "wait 1"),
    )
    assert run.onlooker.ends()[-1] == "wait 1: done"


def test_the_lead_of_one_who_is_silent_lapses_and_the_next_one_is_told_of():
    run = prepare(config=EpisodeConfig(settle_ms=200))
    run.episode._lease._lasts_ns = 500_000_000
    words = Conversation(waits=False)

    def speak() -> None:
        words.say("wait 1", "page")
        words.end()

    run.onlooker.at = {600: lambda: words.say("wait 9"), 2000: speak}
    run.episode.hear(words)
    assert run.onlooker.ends() == ["wait 9: stopped", "wait 1: done"]
    assert told(run, "lease") == ["page leads from now on"]


def test_an_order_that_comes_twice_is_left():
    run = prepare()
    words = Conversation(waits=False)
    again = Said(sentence="wait 1", operator="page", number=7)

    def replay() -> None:
        words._said.put(again)
        words.end()

    run.onlooker.at = {600: lambda: words._said.put(again), 2500: replay}
    report = run.episode.hear(words)
    assert report.faults == {"order_replayed": 1}
    assert run.mind.asked == ["wait 1"]
    assert report.said[-1] == REPLIES["order_replayed"][0]


def test_one_who_talks_alone_never_hears_of_a_lead():
    run, said = talk((600, TERMINAL, "wait 1"), (800, TERMINAL, "take over"))
    assert run.mind.asked == ["wait 1", "take over"]
    assert told(run, "lease") == []
