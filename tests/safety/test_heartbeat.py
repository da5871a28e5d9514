"""A beat that stays away is noticed in time, and noticed for good."""

from hypothesis import given
from hypothesis import strategies as st

from yanshi.safety.heartbeat import BODY_S, PEER_S, WATCH_S, Heartbeat

MS = 1_000_000


def test_a_beat_may_stay_away_so_long_and_no_longer():
    heart = Heartbeat(0.03, now_ns=100 * MS)
    assert not heart.is_lost(0, now_ns=130 * MS)
    assert not heart.is_lost(110 * MS, now_ns=140 * MS)
    assert heart.is_lost(110 * MS, now_ns=140 * MS + 1)


def test_a_heart_that_beats_again_was_lost_all_the_same():
    heart = Heartbeat(0.03, now_ns=0)
    assert heart.is_lost(0, now_ns=31 * MS)
    assert heart.is_lost(31 * MS, now_ns=31 * MS)


def test_a_beat_from_the_future_or_from_before_counts_for_nothing():
    heart = Heartbeat(0.03, now_ns=0)
    assert not heart.is_lost(20 * MS, now_ns=20 * MS)
    assert not heart.is_lost(10 * MS, now_ns=50 * MS)
    assert heart.is_lost(99 * MS, now_ns=51 * MS)


@given(st.lists(st.integers(0, 40), min_size=1), st.sampled_from([WATCH_S, BODY_S, PEER_S]))
def test_it_is_lost_when_any_pause_was_too_long(pauses_ms, limit_s):
    heart, t_ns = Heartbeat(limit_s, now_ns=0), 0
    for pause_ms in pauses_ms:
        t_ns += pause_ms * MS
        lost = heart.is_lost(t_ns - pause_ms * MS, now_ns=t_ns)
    assert lost is (max(pauses_ms) > round(1e3 * limit_s))


def test_the_watch_acts_before_the_body_and_both_within_50_ms():
    assert WATCH_S < BODY_S <= 0.05
    assert PEER_S + 0.02 < 0.1
