"""The predictions against physics, by proportion, and against the measurements that they are of."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.bench.fit import left_out, rows_of
from yanshi.ledger.catalog import boards, models
from yanshi.ledger.roofline import (
    PRECISIONS,
    TERMS,
    Job,
    NeededError,
    decoder_params_b,
    fit,
    fitted,
    measurements,
    token_bytes,
    waiting_ms,
)

DENSE = [m for m in models().values() if m.vocabulary and m.hidden and m.layers]
KNOWN = [b for b in boards().values() if b.bandwidth_gb_s and b.clock_mhz and b.fp16_tflops_dense]


def job(model="qwen3-4b", board="orin-nx-16gb", **more):
    given_ = {"precision": "int4", "runtime": "tensorrt", "tokens": 60.0, **more}
    return Job(model=models()[model], board=boards()[board], **given_)


jobs = st.builds(
    Job,
    model=st.sampled_from(DENSE),
    board=st.sampled_from(KNOWN),
    precision=st.sampled_from(list(PRECISIONS)),
    runtime=st.sampled_from(["tensorrt", "vllm", "llama.cpp", "mlc", "rkllm", "other"]),
    tokens=st.floats(1.0, 4096.0),
    context=st.floats(0.0, 4096.0),
)


def test_bytes_of_a_token_are_weights_and_head():
    # 4.02 G parameters, of which 151,936 × 2560 are the head, in 16 bits; the rest in 4.3.
    head = 151_936 * 2560
    assert token_bytes(job()) == pytest.approx((4.02e9 - head) * 4.3 / 8 + head * 2, rel=1e-6)
    assert decoder_params_b(models()["qwen3-4b"]) == pytest.approx(4.02 - head * 1e-9)


@settings(max_examples=200, deadline=None)
@given(jobs)
def test_no_board_reads_faster_than_its_memory(job):
    ideal_ms = token_bytes(job) / job.board.bandwidth_gb_s * 1e-6
    assert fitted().time_ms("decode", job) >= ideal_ms * 0.999999


@settings(max_examples=200, deadline=None)
@given(jobs, st.floats(1.1, 10.0))
def test_more_of_anything_is_never_slower_or_faster_than_it_must_be(job, factor):
    now = fitted()
    faster = replace(
        job, board=replace(job.board, bandwidth_gb_s=job.board.bandwidth_gb_s * factor)
    )
    longer = replace(job, tokens=job.tokens * factor, context=job.context * factor)
    for phase in TERMS:
        assert now.time_ms(phase, faster) <= now.time_ms(phase, job)
        assert now.time_ms(phase, longer) >= now.time_ms(phase, job)
        estimate = now.estimate(phase, job)
        assert 0.0 < estimate.low <= estimate.value <= estimate.high


def test_a_fit_finds_the_factors_that_made_the_figures():
    made = [
        replace(row, time_ms=float(TERMS["decode"](row.job) @ [1.4, 90.0, 30.0]))
        for row in measurements()
        if row.phase == "decode" and row.job.runtime == "tensorrt"
    ]
    # The pull towards a perfect board costs a little.
    found = fit(made)
    again = [found.time_ms("decode", row.job) / row.time_ms for row in made]
    assert np.abs(np.array(again) - 1.0).mean() < 0.02


def test_the_cores_of_a_processor_wait_for_one_another_at_every_layer():
    pi = job("gemma-3-270m", "rpi5", runtime="llama.cpp", precision="q4")
    gpu = replace(pi, board=replace(pi.board, cores=None))
    # 18 layers of 0.474 million cycles at 2.4 GHz.
    assert waiting_ms("decode", pi) == pytest.approx(18 * 0.474e6 / 2.4e6)
    assert waiting_ms("decode", gpu) == waiting_ms("prefill", pi) == 0.0
    now = fitted()
    difference = now.time_ms("decode", pi) - now.time_ms("decode", gpu)
    assert difference == pytest.approx(waiting_ms("decode", pi))


def test_what_waiting_takes_is_not_fitted_once_more():
    """A board whose times hold the waiting gets the factors of one without it."""
    rows = [row for row in measurements() if row.phase == "decode" and row.job.board.id == "rpi5"]
    bare = [replace(r, job=replace(r.job, board=replace(r.job.board, cores=None))) for r in rows]
    made = [
        replace(row, time_ms=fit(bare).time_ms("decode", one.job) + waiting_ms("decode", row.job))
        for row, one in zip(rows, bare, strict=True)
    ]
    for row in made:
        assert fit(made).time_ms("decode", row.job) == pytest.approx(row.time_ms, rel=0.03)


def test_leaving_a_board_out_leaves_its_figures_out():
    rows = measurements()
    spoilt = [
        replace(row, time_ms=1000.0 * row.time_ms) if row.job.board.id == "t5000" else row
        for row in rows
    ]
    one, other = fit(rows, ["t5000"]), fit(spoilt, ["t5000"])
    assert one.time_ms("decode", job()) == other.time_ms("decode", job())
    assert fit(spoilt).time_ms("decode", job()) != one.time_ms("decode", job())


def test_what_is_not_known_is_asked_for():
    with pytest.raises(NeededError, match=r"clock_mhz of rdk-s100 .*YANSHI_LEDGER"):
        fitted().time_ms("decode", job(board="rdk-s100"))


def test_errors_on_boards_left_out_are_what_the_documents_say():
    rows = {row.name: row for row in rows_of(left_out())}
    assert rows["prefill: mean error"].value < 0.15
    assert rows["decode: mean error"].value < 0.12
    assert rows["decode: dense, TensorRT, Orin and Thor"].value < 0.045
    assert rows["decode: mean error"].n >= 90
