"""Two minds: a script on this machine, and a real endpoint in another process."""

import time

import pytest
from tests.mind.script import Script, Scripted

from yanshi.bench.rough_link import SMOOTH, Roughness, rough_link
from yanshi.bench.stand_in_endpoint import order, stand_in
from yanshi.ledger.catalog import Link
from yanshi.ledger.weather import Weather
from yanshi.mind.cloud import Cloud, CloudConfig
from yanshi.mind.dialogue import Context, Seen
from yanshi.mind.hybrid import HybridMind
from yanshi.mind.mind import Mind
from yanshi.mind.router import Router
from yanshi.worlds.home import build_home

FLOOR_PLAN = build_home(0).floor_plan


@pytest.fixture(scope="module")
def endpoint():
    with stand_in() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return Scripted(tmp_path_factory.mktemp("script"))


def join(script, url, router=None, deadline_s=5.0):
    cloud = Cloud(CloudConfig(url=url, model="small", deadline_s=deadline_s))
    onboard = Mind(script.config, backend=Script)
    mind = HybridMind(onboard, cloud, router or Router(is_always=True))
    mind.know(FLOOR_PLAN)
    mind.wait_ready()
    return mind


@pytest.fixture(scope="module")
def mind(script, endpoint):
    mind = join(script, endpoint.url)
    yield mind
    mind.close()


def test_the_plan_of_the_cloud_takes_the_place_of_ours(script, mind):
    script.say({order(3)[0]: "dance"})
    answer = mind.understand(order(3)[0])
    assert (str(answer.plan), answer.source) == (order(3)[1], "cloud")
    assert answer.mind == "cloud: small"
    assert answer.is_sent


def test_the_better_plan_is_remembered(script, mind):
    script.say({order(6)[0]: "dance"})
    assert mind.understand(order(6)[0]).source == "cloud"
    again = mind.understand(order(6)[0])
    assert (str(again.plan), again.source) == (order(6)[1], "cache")


@pytest.mark.parametrize(
    ("ours", "sentence"),
    [("refuse unsafe", order(4)[0]), ("stop", "停！"), ("refuse empty", ""), ("getup", "站起来")],
)
def test_what_needs_no_second_opinion_is_not_changed(script, mind, ours, sentence):
    script.say({sentence: ours})
    answer = mind.understand(sentence)
    assert (str(answer.plan), answer.source != "cloud") == (ours, True)


def test_what_the_cloud_points_at_is_looked_up_here(script, mind, monkeypatch):
    monkeypatch.setattr(
        mind.cloud, "poll", lambda: _reply("point it") if mind.cloud.is_pending else None
    )
    script.say({"point at that one": "wave"})
    answer = mind.understand("point at that one", Context(things=(Seen(name="red cup"),)))
    assert str(answer.plan) == "point red cup"


def _reply(text):
    from yanshi.mind.cloud import Reply

    return Reply(number=0, text=text)


@pytest.mark.parametrize("text", ["fly moon", "go table; fly", "moon", "rm -rf /"])
def test_an_answer_that_is_no_plan_leaves_ours(script, mind, monkeypatch, text):
    monkeypatch.setattr(mind.cloud, "poll", lambda: _reply(text) if mind.cloud.is_pending else None)
    script.say({f"dance {text}": "dance"})
    answer = mind.understand(f"dance {text}")
    assert (str(answer.plan), answer.source) == ("dance", "model")
    assert "no plan" in answer.why


def test_quoted_words_that_nobody_has_judged_are_not_said(script, mind, monkeypatch):
    monkeypatch.setattr(
        mind.cloud, "poll", lambda: _reply('say "text1"') if mind.cloud.is_pending else None
    )
    script.say({"look at the box that says “text1”": "look box"})
    answer = mind.understand("look at the box that says “I will hurt you”")
    assert str(answer.plan) == "look box"


def test_at_the_deadline_the_answer_in_hand_is_used_and_the_late_one_dropped(script, endpoint):
    slow = Roughness(delay_s=(1.0, 1.01), troubles=("none",), weights=(1,))
    with rough_link(endpoint.port, slow) as link:
        mind = join(script, link.url, deadline_s=3.0)
        mind.deadline_s = 0.3
        script.say({order(n)[0]: "dance" for n in (1, 2)})
        first = mind.understand(order(1)[0])
        mind.ask(order(2)[0])
        began_s = time.monotonic()
        second = mind.poll(10.0)
        took_s = time.monotonic() - began_s
        mind.close()
    assert [str(answer.plan) for answer in (first, second)] == ["dance", "dance"]
    assert "did not answer in 300 ms" in first.why
    assert took_s < 0.3


def test_an_endpoint_that_is_down_is_not_waited_for(script):
    mind = join(script, "http://127.0.0.1:9/v1")
    (trouble,) = mind.troubles
    assert "cannot be reached" in str(trouble)
    assert "连接不上" in trouble.text("zh")
    script.say({"bow": "bow"})
    began_s = time.monotonic()
    answer = mind.understand("bow")
    took_s = time.monotonic() - began_s
    mind.close()
    assert (str(answer.plan), answer.is_sent) == ("bow", False)
    assert "left aside: it cannot be reached" in answer.why
    assert took_s < 1.0


def test_what_the_model_here_is_sure_of_is_not_sent(script, endpoint):
    with rough_link(endpoint.port, SMOOTH) as link:
        mind = join(script, link.url, router=Router(seed=1))
        script.say({order(5)[0]: ["turn left 6; wait 1", 0.3], "dance": ["dance", 0.99]})
        unsure, sure = mind.understand(order(5)[0]), mind.understand("dance")
        mind.close()
    assert (unsure.source, unsure.is_sent) == ("cloud", True)
    assert "several steps, unsure" in unsure.why
    assert (sure.source, sure.is_sent) == ("model", False)
    assert "one step, sure" in sure.why


@pytest.mark.parametrize(
    ("link", "source"),
    [
        (Link(id="quick", delay_ms=1.0), "cloud"),
        (Link(id="slow", delay_ms=5000.0), "model"),
        (Link(id="none", loss=1.0), "model"),
    ],
)
def test_a_link_holds_up_or_loses_what_the_cloud_answers(script, endpoint, link, source):
    cloud = Cloud(CloudConfig(url=endpoint.url, deadline_s=1.5))
    onboard = Mind(script.config, backend=Script)
    mind = HybridMind(onboard, cloud, Router(is_always=True), weather=Weather(link))
    mind.know(FLOOR_PLAN)
    mind.wait_ready()
    script.say({order(7)[0]: "dance"})
    answer = mind.understand(order(7)[0])
    mind.close()
    assert (answer.source, answer.is_sent) == (source, True)
    assert (answer.latency_s > 1.4) is (source == "model")


def test_a_new_sentence_takes_the_place_of_the_one_under_way(script, mind):
    script.say({order(n)[0]: "dance" for n in (11, 12)})
    mind.ask(order(11)[0])
    mind.ask(order(12)[0])
    assert str(mind.poll(10.0).plan) == order(12)[1]
    assert mind.poll(0.0) is None


def test_a_stop_drops_what_is_under_way(mind):
    mind.ask(order(13)[0])
    assert str(mind.stopped("停").plan) == "stop"
    assert mind.poll(0.2) is None
