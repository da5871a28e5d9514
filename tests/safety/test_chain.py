"""Whatever is done to one record of a chain is found, and the record is named."""

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from yanshi.safety.chain import BEGIN, END, NOTHING, Chain, Entry, Flaw, find_flaw, read_entry

EVENTS = st.lists(
    st.tuples(st.integers(0, 10**15), st.sampled_from(["fault", "lease", "go_on"]), st.text()),
    max_size=12,
)


def chain_of(events, run="run 1"):
    chain = Chain()
    records = [chain.add(0, BEGIN, run)]
    records += [chain.add(*event) for event in events]
    return [*records, chain.add(9, END, "")], chain.last_hash


FIVE = [(k, "fault", f"fault {k}") for k in range(1, 4)]


@given(EVENTS)
def test_a_chain_is_whole_and_reads_back_as_it_was_made(events):
    records, last = chain_of(events)
    assert find_flaw(records) is None
    entries = [read_entry(data) for data in records]
    assert [(e.t_ns, e.kind, e.text) for e in entries[1:-1]] == events
    assert [e.number for e in entries] == list(range(len(records)))
    assert [e.before for e in entries] == [NOTHING, *(e.hash for e in entries[:-1])]
    assert entries[-1].hash == last


@settings(deadline=None)
@given(EVENTS, st.data())
def test_any_byte_that_is_changed_in_one_record_is_found_and_the_record_named(events, data):
    records, _ = chain_of(events)
    k = data.draw(st.integers(0, len(records) - 1))
    at = data.draw(st.integers(0, len(records[k]) - 1))
    changed = bytearray(records[k])
    changed[at] ^= data.draw(st.integers(1, 255))
    assert find_flaw([*records[:k], bytes(changed), *records[k + 1 :]]) == Flaw(k, "edited")


@settings(deadline=None)
@given(EVENTS, st.text(), st.data())
def test_a_record_that_was_rewritten_with_a_hash_of_its_own_is_found_and_named(events, text, data):
    records, _ = chain_of(events)
    k = data.draw(st.integers(0, len(records) - 2))
    entry = read_entry(records[k])
    assume(entry.text != text)
    forged = Entry(
        number=k, t_ns=entry.t_ns, kind=entry.kind, text=text, before=entry.before
    ).sealed()
    assert find_flaw([*records[:k], forged.encode(), *records[k + 1 :]]) == Flaw(k, "edited")


@given(EVENTS, st.data())
def test_a_record_that_was_removed_is_found_and_named(events, data):
    records, _ = chain_of(events)
    k = data.draw(st.integers(0, len(records) - 1))
    kind = "cut" if k == len(records) - 1 else "missing"
    assert find_flaw([*records[:k], *records[k + 1 :]]) == Flaw(k, kind)


@given(EVENTS, st.data())
def test_two_records_that_were_swapped_are_found_and_the_first_place_named(events, data):
    records, _ = chain_of(events)
    pair = st.lists(st.integers(0, len(records) - 1), min_size=2, max_size=2, unique=True)
    i, j = sorted(data.draw(pair))
    records[i], records[j] = records[j], records[i]
    assert find_flaw(records) == Flaw(i, "moved")


@given(EVENTS, st.data())
def test_a_record_that_stands_there_twice_is_found(events, data):
    records, _ = chain_of(events)
    k = data.draw(st.integers(0, len(records) - 1))
    flaw = find_flaw([*records[: k + 1], *records[k:]])
    assert flaw is not None
    assert flaw.number == k + 1


def test_the_tail_of_another_run_does_not_fit():
    ours, last = chain_of(FIVE)
    theirs, other = chain_of(FIVE, run="run 2")
    assert find_flaw([*ours[:2], *theirs[2:]]) == Flaw(1, "edited")
    assert last != other


def test_only_the_last_hash_shows_that_everything_was_rewritten():
    _, last = chain_of(FIVE)
    forged, forged_last = chain_of(FIVE[:1])
    assert find_flaw(forged) is None
    assert forged_last != last


@pytest.mark.parametrize(
    ("kinds", "flaw"),
    [
        ([], Flaw(0, "cut")),
        (["fault", END], Flaw(0, "edited")),  # No beginning.
        ([BEGIN, BEGIN, END], Flaw(0, "edited")),
        ([BEGIN, END, END], Flaw(2, "moved")),  # Something after the end.
        ([BEGIN, "fault"], Flaw(2, "cut")),
        ([BEGIN, END], None),
        ([END], Flaw(0, "edited")),
    ],
)
def test_a_chain_begins_once_and_ends_once(kinds, flaw):
    chain = Chain()
    assert find_flaw([chain.add(k, kind, "") for k, kind in enumerate(kinds)]) == flaw


def test_a_first_record_that_follows_another_is_found():
    entry = Entry(number=0, t_ns=0, kind=BEGIN, text="", before=64 * "1").sealed()
    assert find_flaw([entry.encode()]) == Flaw(0, "edited")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b"{" * 9,
        b"[" * 100_000,
        b'{"number":' + 5000 * b"9" + b"}",
        json.dumps({"number": True, "t_ns": 0, "kind": "", "text": "", "before": "", "hash": ""}),
        Chain().add(0, BEGIN, "") + b" ",
        Chain().add(0, BEGIN, "").replace(b'"t_ns":0', b'"t_ns":0,"t_ns":0'),
    ],
)
def test_what_is_no_record_is_none(data):
    assert read_entry(data.encode() if isinstance(data, str) else data) is None


def test_a_lone_surrogate_can_be_written():
    records, _ = chain_of([(1, "fault", "\ud800")])
    assert find_flaw(records) is None
