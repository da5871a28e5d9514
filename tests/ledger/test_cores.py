"""The small models of a processor: by proportion, and against what they were measured as."""

from dataclasses import replace

import pytest

from yanshi.ledger.cores import CLOCK_MHZ, OURS, fit, left_out, measurements, shapes, terms, time_ms
from yanshi.ledger.roofline import CORE_ADAPTED_CYCLES, CORE_LAYER_CYCLES

SHAPE = shapes()[OURS]


def test_a_second_core_halves_all_but_the_waiting():
    one, two = terms(SHAPE, 1, 0), terms(SHAPE, 2, 0)
    assert two == pytest.approx([*one[:2] / 2.0, *one[2:]])
    assert 0.5 * time_ms(SHAPE, 1, 0) < time_ms(SHAPE, 2, 0) < time_ms(SHAPE, 1, 0)


def test_an_adapter_costs_its_bytes_and_a_step_at_every_layer():
    bare = replace(SHAPE, adapter_mb=0.0)
    assert terms(SHAPE, 1, 0) - terms(bare, 1, 0) == pytest.approx([0.0, SHAPE.adapter_mb, 0.0, 18])
    assert time_ms(bare, 2, 32) < time_ms(SHAPE, 2, 32)


def test_a_longer_prompt_a_slower_clock_and_a_slow_memory_take_longer():
    assert time_ms(SHAPE, 2, 64) > time_ms(SHAPE, 2, 32) > time_ms(SHAPE, 2, 1)
    assert time_ms(SHAPE, 2, 0, clock_mhz=CLOCK_MHZ / 2.0) == pytest.approx(
        2.0 * time_ms(SHAPE, 2, 0)
    )
    read_mb = SHAPE.packed_mb + SHAPE.other_mb + SHAPE.adapter_mb
    assert time_ms(SHAPE, 2, 0, bandwidth_gb_s=1.0) == pytest.approx(read_mb)


def test_a_fit_finds_the_factors_that_made_the_figures():
    factors = {False: [0.1, 0.2, 0.3, 0.1], True: [0.02, 0.05, 0.04, 0.1, 0.5]}
    made = [
        replace(
            row, time_ms=float(terms(row.shape, row.cores, row.tokens) @ factors[row.tokens > 0])
        )
        for row in measurements()
    ]
    for is_prompt, found in fit(made).items():
        assert found == pytest.approx(factors[is_prompt], rel=1e-6)


def test_no_time_of_ours_is_fitted():
    assert {row.model for row in measurements() if not row.is_fitted} == {
        OURS,
        "ours-bare",
        "six-layers",
    }


def test_a_model_is_left_out_with_its_adapted_copy():
    found = {(row.model, row.cores, row.tokens): time for row, time in left_out()}
    rows = [row for row in measurements() if row.is_fitted and "layers-twice" not in row.model]
    expected = time_ms(shapes()["layers-twice-adapted"], 1, 0, factors=fit(rows))
    assert found["layers-twice-adapted", 1, 0] == expected


def test_the_waiting_that_boards_are_charged_is_the_fitted_one():
    layer, adapted = terms(SHAPE, 1, 0)[2:]
    assert layer == adapted == 18
    bare = replace(SHAPE, packed_mb=0.0, other_mb=0.0, adapter_mb=0.0)
    cycles = time_ms(bare, 1, 0) / layer * CLOCK_MHZ * 1e3
    assert cycles == pytest.approx(CORE_LAYER_CYCLES, rel=0.01)
    with_adapter = time_ms(replace(bare, adapter_mb=1e-9), 1, 0) / layer * CLOCK_MHZ * 1e3
    assert with_adapter - cycles == pytest.approx(CORE_ADAPTED_CYCLES, rel=0.01)
