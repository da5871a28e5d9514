import json
from dataclasses import replace

import pytest

from yanshi.core.errors import UnknownNameError
from yanshi.ledger.acting import judge_act, read_act, read_tier
from yanshi.ledger.catalog import OWN, boards, find, models, robots
from yanshi.ledger.roofline import NeededError
from yanshi.ledger.vla import Run, fitted

FIGURES = {
    "views": 2,
    "view_patches": 1024,
    "view_tokens": 64,
    "prompt_tokens": 48,
    "eyes_layers": 12,
    "eyes_params_b": 0.09,
    "language_params_b": 0.2,
    "action_layers": 16,
    "action_params_b": 0.1,
}


def verdict(act="pi0.5", board="orin-nx-16gb", tier="replayed"):
    vla, weights = read_act(act, models())
    run = Run(vla=vla, board=find("board", board, boards()), tier=tier, weights=weights)
    return judge_act(find("robot", "g1", robots()), run)


def test_a_network_is_read_with_the_format_of_its_weights():
    assert [read_act(text, models())[1] for text in ("pi0.5-fp8", "pi0.5")] == ["fp8", "bf16"]
    assert read_act("openvla-7b-int4", models())[0].id == "openvla-7b"
    with pytest.raises(UnknownNameError, match="Did you mean 'gr00t-n1.7'"):
        read_act("groot-n1.7", models())
    with pytest.raises(UnknownNameError, match="No VLA named 'qwen3-4b'"):
        read_act("qwen3-4b", models())
    with pytest.raises(UnknownNameError, match="Did you mean 'replayed'"):
        read_tier("replay")


def test_all_figures_that_a_network_lacks_are_asked_for_at_once():
    with pytest.raises(NeededError) as asked:
        read_act("smolvla", models())
    assert all(figure in str(asked.value) for figure in FIGURES)
    assert '[models."smolvla"]' in str(asked.value)
    assert "denoise_steps" not in str(asked.value)  # Known.
    with pytest.raises(NeededError, match="known: tokens_per_action. "):
        read_act("pi0-fast", models())


def test_figures_that_are_given_where_they_were_asked_for_do(tmp_path, monkeypatch):
    path = tmp_path / "mine.toml"
    lines = [f"{figure} = {value}" for figure, value in FIGURES.items()]
    path.write_text("\n".join(['[models."smolvla"]', *lines]))
    monkeypatch.setenv(OWN, str(path))
    judged = {figure.name: figure for figure in verdict("smolvla").figures}
    assert judged["actions a second"].value == pytest.approx(50e3 / judged["action chunk"].value)
    assert judged["action chunk"].confidence == "low"


def test_weights_take_their_bits_and_the_memory_a_tenth_more():
    assert verdict("pi0.5")["weights"] == pytest.approx(3.3 * 2)
    assert verdict("pi0.5-nvfp4")["weights"] == pytest.approx(3.3 * 4.5 / 8)
    assert verdict()["memory used"] == pytest.approx(3.3 * 2 * 1.1 + 0.5 + 1.5)


def test_every_figure_has_a_source_and_a_bar():
    for figure in verdict().figures:
        assert figure.source
        assert figure.low <= figure.value <= figure.high
        assert figure.confidence in ("high", "medium", "low")
    chunk, rate = (
        next(f for f in verdict().figures if f.name == name)
        for name in ("action chunk", "actions a second")
    )
    assert (
        chunk.value
        == fitted()
        .estimate(Run(vla=models()["pi0.5"], board=boards()["orin-nx-16gb"], tier="replayed"))
        .value
    )
    assert rate.low * chunk.high == pytest.approx(rate.high * chunk.low) == pytest.approx(50e3)


def test_a_chunk_takes_half_of_the_boards_range_for_its_time():
    judged = {figure.name: figure for figure in verdict("pi0.5-fp8", "thor").figures}
    chunk, energy = judged["action chunk"], judged["energy of a chunk"]
    # Thor takes 40 to 130 W; a chunk of 50 actions at 50 Hz lasts a second.
    assert energy.value == pytest.approx(45.0 * chunk.value * 1e-3)
    assert (energy.low, energy.high) == (0.0, pytest.approx(90.0 * chunk.high * 1e-3))
    assert judged["energy of an action"].value == pytest.approx(energy.value / 50.0)
    assert judged["power of acting"].value == pytest.approx(40.0 + energy.value)
    assert {energy.confidence, judged["power of acting"].confidence} == {"low"}


def test_a_network_whose_rate_is_not_known_never_rests():
    judged = verdict("gr00t-n1.7", "thor")
    assert judged["power of acting"] == pytest.approx(85.0)
    assert judged["endurance lost"] > verdict("pi0.5-fp8", "thor")["endurance lost"]


@pytest.mark.parametrize(
    ("act", "board", "tier", "fits", "says"),
    [
        ("openvla-7b", "orin-nx-16gb", "replayed", False, "does not fit: 18.5 GB of 16 GB"),
        ("pi0.5", "orin-nx-16gb", "replayed", False, "Most of it is forming products and reading"),
        ("pi0.5", "agx-orin-64gb", "tuned", True, "inside the 100 to 300 ms"),
        ("pi0.5-fp8", "thor", "replayed", True, "sooner than the 100 to 300 ms"),
        ("pi0.5-fp8", "thor", "replayed", True, "more than $10,000"),
    ],
)
def test_the_verdict_tells_what_breaks_first_and_what_would_mend_it(act, board, tier, fits, says):
    judged = verdict(act, board, tier)
    assert judged.fits == fits
    assert says in judged.breaks


def test_many_steps_that_are_launched_one_by_one_had_better_be_replayed():
    vla = replace(models()["gr00t-n1.7"], denoise_steps=20)
    run = Run(vla=vla, board=boards()["t5000"], tier="launched", weights="fp8")
    late, soon = (
        judge_act(find("robot", "g1", robots()), replace(run, tier=tier))
        for tier in ("launched", "replayed")
    )
    assert "Most of it is launching its layers one by one: --act-runtime replayed" in late.breaks
    assert soon.fits


def test_the_command_judges_a_network_that_acts(typed):
    code, out, _ = typed("fit", "--board", "orin-nx-16gb", "--act", "pi0.5")
    assert (code, "pi0.5-bf16, replayed, on orin-nx-16gb" in out) == (3, True)
    assert "too late" in out
    code, out, _ = typed(
        "fit", "--board", "thor", "--act", "pi0.5-fp8", "--act-runtime", "tuned", "--json"
    )
    assert code == 0
    figures = {figure["name"]: figure for figure in json.loads(out)["figures"]}
    assert figures["action chunk"]["low"] < figures["action chunk"]["value"] < 100.0


def test_ours_acts_where_no_other_is_asked_for(typed):
    assert typed("fit", "--json") == typed("fit", "--json", "--act", "ours")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--act", "pi0.55"), "Did you mean 'pi0.5'"),
        (("--act", "pi0.5", "--act-runtime", "launch"), "Did you mean 'launched'"),
        (("--act", "gr00t-n1.5"), "eyes_layers"),
        (("--act", "pi0.5", "--board", "rpi5"), "core_speed of rpi5"),
    ],
)
def test_what_cannot_be_judged_is_told_with_what_would(typed, arguments, says):
    code, _, errors = typed("fit", *arguments)
    assert (code, says in errors) == (2, True)
