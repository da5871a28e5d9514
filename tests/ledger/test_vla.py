"""The predictions of action chunks against arithmetic, by proportion, and against measurements."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.ledger import roofline
from yanshi.ledger.catalog import boards, models
from yanshi.ledger.roofline import NeededError
from yanshi.ledger.vla import (
    FORMATS,
    TIERS,
    Part,
    Run,
    board_of,
    family_of,
    fit,
    fitted,
    left_out,
    measurements,
    parts,
    terms,
)

NETWORKS = sorted({row.run.vla.id for row in measurements()} - {"pi0-fast"})
KNOWN = [b for b in boards().values() if b.core_speed and b.fp16_tflops_dense]


def run(name="pi0", board="orin-nx-16gb", tier="replayed", weights="bf16", **figures):
    network = replace(models()[name], **figures)
    return Run(vla=network, board=boards()[board], tier=tier, weights=weights)


runs = st.builds(
    Run,
    vla=st.sampled_from([models()[name] for name in NETWORKS]),
    board=st.sampled_from(KNOWN),
    tier=st.sampled_from(TIERS),
    weights=st.sampled_from(list(FORMATS)),
)


def test_what_is_run_is_eyes_language_and_a_step_after_another():
    eyes, language, action = parts(run(views=2))
    assert eyes == Part(27, 0.411, 2 * 256, 1, "replayed")
    assert language == Part(18, 1.98, 2 * 256 + 48, 1, "replayed")
    assert action == Part(18, 0.293, 50 + 1, 10, "replayed")


def test_of_seven_words_the_first_comes_with_the_prompt():
    _, prompt, words = parts(run("openvla-7b"))
    assert (prompt.tokens, prompt.passes) == (256 + 25, 1)
    assert (words.tokens, words.passes) == (1, 6)


def test_an_engine_of_the_action_layers_leaves_the_rest_launched():
    whole = replace(run("gr00t-n1.6"), backbone="launched")
    assert [part.tier for part in parts(whole)] == ["launched", "launched", "replayed"]
    assert fitted().time_ms(whole) > fitted().time_ms(run("gr00t-n1.6"))


def test_terms_are_what_a_pencil_makes_them():
    # Eyes and language form products at 19 TFLOPS; action layers read 0.586 GB at 102.4 GB/s.
    ms = 2 * (0.411 * 768 + 1.98 * 816) / 19.0 + 10 * 0.293 * 2 / 102.4 * 1e3
    assert terms(run()) == pytest.approx([ms, 27 + 18 + 180, 0.0, 1 / 0.9])
    assert terms(run(tier="launched")) == pytest.approx([ms, 0.0, 225 / 0.9, 1 / 0.9])
    assert terms(run(tier="tuned")) == pytest.approx([ms, 225, 0.0, 0.0])


def test_a_measured_bandwidth_is_used_where_there_is_one():
    orin = run("openvla-7b", "agx-orin-64gb")
    sheet = replace(orin, board=replace(orin.board, bandwidth_measured_gb_s=None))
    assert fitted().time_ms(orin) > fitted().time_ms(sheet)


def test_language_models_go_by_the_same_bandwidth_and_by_no_core():
    board = boards()["agx-orin-64gb"]

    def token_ms(**changes):
        job = roofline.Job(
            model=models()["qwen3-4b"],
            board=replace(board, **changes),
            precision="int4",
            runtime="tensorrt",
        )
        return roofline.fitted().time_ms("decode", job)

    assert token_ms(core_speed=9.0) == token_ms()
    assert token_ms(bandwidth_measured_gb_s=79.0) > 1.5 * token_ms()
    assert token_ms(bandwidth_measured_gb_s=None) == token_ms(bandwidth_measured_gb_s=204.8)


@pytest.mark.parametrize("tier", TIERS)
def test_more_steps_take_longer_by_the_action_layers_alone(tier):
    few, many = run(tier=tier), run(tier=tier, denoise_steps=25)
    step = terms(run(tier=tier, denoise_steps=1)) - terms(run(tier=tier, denoise_steps=0))
    np.testing.assert_allclose(terms(many) - terms(few), 15 * step)
    assert fitted().time_ms(many) - fitted().time_ms(few) == pytest.approx(
        15 * float(fitted().factors @ step)
    )
    assert step[0] == pytest.approx(0.293 * 2 / 102.4 * 1e3)


@settings(max_examples=200, deadline=None)
@given(runs)
def test_fewer_bits_are_not_slower(run):
    times = {name: fitted().time_ms(replace(run, weights=name)) for name in FORMATS}
    assert times["fp8"] == times["int8"] <= times["q8"] <= times["bf16"]
    assert times["int4"] <= times["q8"]
    assert times["nvfp4"] <= times["fp8" if run.board.fp4_tflops_dense else "q8"]


def test_a_board_without_small_floats_unpacks_them():
    assert terms(run(weights="nvfp4"))[0] > terms(run(weights="int8"))[0]
    assert (
        terms(run(board="t5000", weights="nvfp4"))[0] < terms(run(board="t5000", weights="fp8"))[0]
    )


@settings(max_examples=200, deadline=None)
@given(runs)
def test_launched_is_slower_than_replayed_and_that_than_tuned(run):
    launched, replayed, tuned = (fitted().time_ms(replace(run, tier=tier)) for tier in TIERS)
    assert launched > replayed > tuned


@settings(max_examples=200, deadline=None)
@given(runs)
def test_no_board_reads_a_network_faster_than_its_memory(run):
    read = sum(part.params_b * part.passes for part in parts(run)) * FORMATS[run.weights][0] / 8.0
    assert fitted().time_ms(run) >= read / run.board.bandwidth_gb_s * 1e3


@settings(max_examples=200, deadline=None)
@given(runs, st.floats(1.1, 10.0))
def test_a_board_faster_in_everything_spares_as_much_of_everything_but_replayed_layers(run, factor):
    board = run.board
    faster = replace(
        board,
        fp16_tflops_dense=board.fp16_tflops_dense * factor,
        bandwidth_gb_s=board.bandwidth_gb_s * factor,
        bandwidth_measured_gb_s=(board.bandwidth_measured_gb_s or 0.0) * factor or None,
        core_speed=board.core_speed * factor,
    )
    slow, fast = terms(run), terms(replace(run, board=faster))
    np.testing.assert_allclose(fast, slow / np.array([factor, 1.0, factor, factor]))


@settings(max_examples=200, deadline=None)
@given(runs, st.integers(2, 5))
def test_more_of_anything_takes_longer(run, times):
    now = fitted().time_ms(run)
    for figure in ("views", "prompt_tokens", "action_chunk", "denoise_steps", "tokens_per_action"):
        if value := getattr(run.vla, figure):
            more = replace(run, vla=replace(run.vla, **{figure: value * times}))
            assert fitted().time_ms(more) >= now


def test_the_measurements_are_those_whose_record_tells_how_they_were_made():
    rows = {row.name: row for row in measurements()}
    assert len(rows) == 53
    assert len({board_of(row) for row in rows.values()}) == 8
    assert {family_of(row) for row in rows.values()} == {"pi", "gr00t", "openvla"}
    # Over Wi-Fi; of an unknown runtime; of the action layers alone; predicted.
    assert not {"m209", "m210", "m218", "m224", "m225", "m255", "m268"} & set(rows)
    assert rows["m195"].run.vla.prompt_tokens == 0
    assert rows["m237"].time_ms == pytest.approx(1e3 / 6.6)


def test_a_fit_finds_the_factors_that_made_the_figures_in_any_order():
    factors = np.array([1.4, 0.05, 0.6, 20.0])
    made = [replace(row, time_ms=float(terms(row.run) @ factors)) for row in measurements()]
    np.testing.assert_allclose(fit(made), factors, rtol=1e-6)
    np.testing.assert_allclose(fit(made[::-1]), factors, rtol=1e-6)


def test_twice_the_times_are_twice_the_factors():
    double = [replace(row, time_ms=2.0 * row.time_ms) for row in measurements()]
    np.testing.assert_allclose(fit(double), 2.0 * fit(measurements()), rtol=1e-6)


@pytest.mark.parametrize("group", [board_of, family_of])
def test_what_is_left_out_is_predicted_without_it(group):
    rows = measurements()
    left = group(rows[0])
    spoilt = [
        replace(row, time_ms=1000.0 * row.time_ms) if group(row) == left else row for row in rows
    ]
    is_mine = np.array([group(row) == left for row in rows])
    honest, told = left_out(rows, group), left_out(spoilt, group)
    np.testing.assert_allclose(told[is_mine], honest[is_mine])
    assert (told[~is_mine] != honest[~is_mine]).all()


def test_errors_on_what_was_left_out_are_what_the_documents_say():
    times = np.array([row.time_ms for row in measurements()])
    by_board, by_family = (
        np.abs(left_out(measurements(), group) / times - 1.0) for group in (board_of, family_of)
    )
    assert by_board.mean() == pytest.approx(0.147, abs=0.002)
    assert by_family.mean() == pytest.approx(0.237, abs=0.002)
    # Runtimes make most of the difference: without them it errs far more.
    alike = [replace(r, run=replace(r.run, tier="replayed", backbone="")) for r in measurements()]
    assert np.abs(left_out(alike, board_of) / times - 1.0).mean() > 0.3


def test_three_of_four_measurements_lie_inside_the_bar_that_is_told_without_their_board():
    inside = []
    for row, time_ms in zip(measurements(), left_out(measurements(), board_of), strict=True):
        bar = fitted().estimate(row.run)
        low, high = bar.low / bar.value * time_ms, bar.high / bar.value * time_ms
        inside.append(low <= row.time_ms <= high)
    assert 0.7 < np.mean(inside) < 0.85


def test_a_network_of_another_family_is_told_with_less_confidence_and_more_range():
    known, other = fitted().estimate(run()), fitted().estimate(run(family="mine"))
    assert known.value == other.value
    assert (known.confidence, other.confidence) == ("medium", "low")
    assert other.low < known.low < known.value < known.high < other.high


def test_what_is_not_known_is_asked_for():
    with pytest.raises(NeededError, match=r"core_speed of rpi5 .*YANSHI_LEDGER"):
        fitted().time_ms(run(board="rpi5"))
    with pytest.raises(NeededError, match="eyes_layers of smolvla"):
        terms(run("smolvla", views=1, view_patches=1, view_tokens=1, prompt_tokens=5))
