import math
from dataclasses import replace

import pytest

from yanshi.ledger import catalog
from yanshi.ledger.catalog import Link
from yanshi.ledger.thinkers import InCloud, OnBoard, Split
from yanshi.ledger.verdict import CLOUD_FIRST_MS, CLOUD_TOKEN_MS, Question, job_of, read_mind
from yanshi.ledger.weather import Weather


def on(board, mind="gemma-3-270m-q4", is_ours=True):
    model, precision = read_mind(mind, catalog.models())
    question = Question(
        robot=catalog.robots()["unitree-g1"],
        board=catalog.find("board", board, catalog.boards()),
        mind=model,
        precision=precision,
        is_ours=is_ours,
    )
    return OnBoard(job=job_of(question), is_ours=is_ours)


def over(link, seed=0, **changes):
    model = replace(catalog.models()["deepseek-v3"], **changes)
    return InCloud(model=model, weather=Weather(link, seed))


STEADY = Link(id="steady", delay_ms=50.0)
GONE = Link(id="gone", loss=1.0)


def test_a_thought_takes_longer_with_more_tokens_and_on_a_smaller_board():
    small, large = on("rpi5"), on("t5000")
    times = [small.think(tokens).takes_s for tokens in ((10, 5), (10, 10), (40, 10))]
    assert times == sorted(times)
    assert small.think((10, 5)).takes_s > 3.0 * large.think((10, 5)).takes_s


def test_another_model_has_its_instructions_in_mind_at_every_token():
    ours, other = on("rpi5", "qwen3-1.7b-q8"), on("rpi5", "qwen3-1.7b-q8", is_ours=False)
    assert other.think((20, 10)).takes_s > ours.think((20, 10)).takes_s


def test_the_cloud_takes_what_it_is_served_in_and_the_way_there_and_back():
    thought = over(STEADY).think((15, 10))
    served_s = (CLOUD_FIRST_MS + 10 * CLOUD_TOKEN_MS) * 1e-3
    assert thought.takes_s == pytest.approx(served_s + 0.1)
    assert thought.board_s == 0.0
    assert thought.by_cloud


def test_the_cloud_is_paid_by_the_token_and_the_link_by_the_byte():
    unknown = {"price_in_usd_m": None, "price_out_usd_m": None}
    free = over(STEADY, **unknown).think((15, 10)).usd
    hired = over(STEADY, price_in_usd_m=1.0, price_out_usd_m=2.0).think((15, 10)).usd
    carried = over(replace(STEADY, price_usd_gb=3.0), **unknown).think((15, 10))
    assert free == 0.0
    assert hired == pytest.approx((915.0 + 20.0) * 1e-6)
    assert carried.usd == pytest.approx((carried.bytes_up + carried.bytes_down) * 3e-9)


def test_what_is_lost_never_comes():
    assert math.isinf(over(GONE).think((15, 10)).takes_s)


def test_two_minds_answer_by_the_deadline_whatever_the_link_does():
    near, tokens = on("orin-nx-16gb"), (15, 20)
    for link, by_cloud in ((STEADY, True), (GONE, False), (replace(STEADY, delay_ms=900.0), False)):
        split = Split(near=near, far=over(link))
        thought = split.think(tokens)
        assert thought.by_cloud is by_cloud
        assert thought.takes_s <= split.deadline_s
        assert thought.radio_s <= split.deadline_s
        assert thought.board_s == near.think(tokens).board_s


def test_what_is_not_worth_sending_stays_at_home():
    split = Split(near=on("orin-nx-16gb"), far=over(STEADY))
    assert split.think((15, 3)) == on("orin-nx-16gb").think((15, 3))
