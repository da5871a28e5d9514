"""The small models of a processor: by proportion, and against what they were measured as."""

from dataclasses import replace

import pytest

from yanshi.ledger.cores import CLOCK_MHZ, OURS, fit, left_out, measurements, shapes, terms, time_ms
from yanshi.ledger.roofline import CORE_LAYER_CYCLES

SHAPE = shapes()[OURS]


@pytest.mark.parametrize("tokens", [0, 32])
def test_a_second_core_halves_all_but_the_waiting(tokens):
    one, two = terms(SHAPE, 1, tokens), terms(SHAPE, 2, tokens)
    assert two == pytest.approx([*one[:-1] / 2.0, one[-1]])
    assert 0.5 * time_ms(SHAPE, 1, tokens) < time_ms(SHAPE, 2, tokens) < time_ms(SHAPE, 1, tokens)


def test_a_longer_prompt_a_slower_clock_and_a_slow_memory_take_longer():
    assert time_ms(SHAPE, 2, 64) > time_ms(SHAPE, 2, 32) > time_ms(SHAPE, 2, 1)
    assert time_ms(SHAPE, 2, 0, clock_mhz=CLOCK_MHZ / 2.0) == pytest.approx(
        2.0 * time_ms(SHAPE, 2, 0)
    )
    assert time_ms(SHAPE, 2, 0, bandwidth_gb_s=1.0) == pytest.approx(SHAPE.read_mb)


def test_formats_that_are_repacked_are_the_fastest_for_what_they_hold():
    packed, other = (
        replace(replace(SHAPE, byte_mb=0.0, byte_m=0.0), **held)
        for held in ({"packed_mb": 60.0, "packed_m": 100.0}, {"other_mb": 69.0, "other_m": 100.0})
    )
    for tokens in (0, 82):
        assert time_ms(packed, 2, tokens) < time_ms(other, 2, tokens)


def test_a_fit_finds_the_factors_that_made_the_figures():
    factors = {False: [0.1, 0.2, 0.3, 0.1], True: [0.02, 0.03, 0.05, 0.04, 0.1, 0.2, 0.5]}
    made = [
        replace(
            row, time_ms=float(terms(row.shape, row.cores, row.tokens) @ factors[row.tokens > 0])
        )
        for row in measurements()
    ]
    for is_prompt, found in fit(made).items():
        assert found == pytest.approx(factors[is_prompt], rel=1e-4)


def test_no_time_of_ours_is_fitted():
    assert {row.model for row in measurements() if not row.is_fitted} == {OURS}


def test_a_model_is_left_out_with_its_copy_in_bytes():
    found = {(row.model, row.cores, row.tokens): time for row, time in left_out()}
    rows = [row for row in measurements() if row.is_fitted and "layers-twice" not in row.model]
    expected = time_ms(shapes()["layers-twice-bytes"], 1, 0, factors=fit(rows))
    assert found["layers-twice-bytes", 1, 0] == expected


def test_the_waiting_that_boards_are_charged_is_the_fitted_one():
    empty = replace(SHAPE, byte_mb=0.0)
    cycles = time_ms(empty, 1, 0) / SHAPE.layers * CLOCK_MHZ * 1e3
    assert cycles == pytest.approx(CORE_LAYER_CYCLES, rel=0.01)
