import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yanshi.core.errors import ConfigError, UnknownNameError
from yanshi.ledger.catalog import boards, find, links, models, robots
from yanshi.ledger.picture import draw
from yanshi.ledger.roofline import NeededError
from yanshi.ledger.search import Candidate, front, sweep
from yanshi.ledger.verdict import OURS_VOCABULARY, Question, as_ours, judge, read_mind
from yanshi.mind.gemma import VOCABULARY


def question(board="orin-nx-16gb", mind="gemma-3-270m-q4", **more):
    model, precision = read_mind(mind, models())
    given_ = {
        "robot": find("robot", "g1", robots()),
        "board": find("board", board, boards()),
        "mind": model,
        "precision": precision,
        "is_ours": model.id == "gemma-3-270m",
        **more,
    }
    return Question(**given_)


def test_a_small_mind_meets_the_loop_on_every_board_of_the_family():
    for board in ("orin-nano-super", "orin-nx-16gb", "agx-orin-64gb", "t5000"):
        verdict = judge(question(board))
        assert verdict["sense, understand, act"] < 300.0
        assert verdict["memory used"] < verdict["memory there"]


def test_ours_is_counted_with_its_own_vocabulary_and_its_adapter_merged_in():
    kept = int(np.unpackbits(np.fromfile(VOCABULARY, np.uint8)).sum())
    assert kept == OURS_VOCABULARY
    base = models()["gemma-3-270m"]
    # 213,199 tokens fewer of 640 numbers.
    assert base.params_active_b - as_ours(base).params_active_b == pytest.approx(0.13645, abs=1e-5)
    ours = judge(question("rpi5"))["weights"]
    # What the copy that runs takes on disk, its words left out: 138 MB of tensors.
    assert ours == pytest.approx(0.138, rel=0.02)
    bare = judge(replace(question("rpi5"), is_ours=False))
    assert ours < 0.8 * bare["weights"]


def test_what_breaks_first_is_told_with_what_would_mend_it():
    assert "does not fit: 47" in judge(question(mind="llama-3.3-70b-int4")).breaks
    late = judge(question(mind="qwen3-8b-int4"))
    assert not late.fits
    assert "too late" in late.breaks
    assert "fewer bits" in late.breaks


def test_a_dear_robot_is_told_and_still_fits():
    verdict = judge(question())
    assert verdict.fits
    assert "more than $10,000" in verdict.breaks
    cheap = judge(question(robot=replace(find("robot", "g1", robots()), price_usd=5000.0)))
    assert cheap.breaks == "Nothing breaks."


def test_endurance_is_battery_over_power():
    verdict = judge(question())
    hours = 432.0 / (432.0 / 2.0 + verdict["power of thinking"])
    assert verdict["endurance with this board beside"] == pytest.approx(hours)
    assert verdict["endurance lost"] == pytest.approx(100.0 * (1.0 - hours / 2.0))


def test_thirty_watts_cost_a_g1_an_eighth():
    g1 = find("robot", "g1", robots())
    board = replace(boards()["orin-nx-16gb"], power_min_watt=30.0, power_max_watt=30.0)
    assert judge(question(robot=g1, board="orin-nx-16gb")).fits
    verdict = judge(replace(question(), board=board))
    assert verdict["endurance lost"] == pytest.approx(12.2, abs=0.1)


def test_more_thoughts_cost_more():
    few, many = (judge(question(thoughts_per_minute=n)) for n in (1.0, 60.0))
    assert few["power of thinking"] < many["power of thinking"]
    assert few["energy of a thought"] == many["energy of a thought"]


def test_a_better_link_is_sooner_and_none_never_answers():
    cloud = models()["deepseek-v3"]
    good, poor, none = (
        judge(question(cloud=cloud, link=links()[name])) for name in ("5g", "5g-poor", "none")
    )
    name = "plan from the cloud"
    assert good[name] < poor[name] < none[name] == float("inf")


def test_an_answer_costs_its_tokens_and_bytes_and_less_where_instructions_are_remembered():
    hired = replace(
        models()["deepseek-v3"], price_in_usd_m=1.0, price_out_usd_m=10.0, price_cached_usd_m=0.1
    )
    link = replace(links()["5g"], price_usd_gb=0.0)
    judged = judge(question(cloud=hired, link=link, thoughts_per_minute=2.0))
    answer = next(f for f in judged.figures if f.name == "price of an answer")
    # 900 tokens of instructions, 30 of a sentence, 12 of a plan.
    assert answer.value == answer.high == pytest.approx((930.0 + 120.0) * 1e-6)
    assert answer.low == pytest.approx((90.0 + 30.0 + 120.0) * 1e-6)
    assert judged["price of an hour's answers"] == pytest.approx(120.0 * answer.value)
    carried = judge(question(cloud=hired, link=replace(link, price_usd_gb=2.0)))
    assert carried["price of an answer"] == pytest.approx(answer.value + 9_900.0 * 2e-9)


def test_an_unknown_price_is_asked_for_and_taken_from_a_file(tmp_path, monkeypatch, typed):
    code, out, _ = typed("fit", "--cloud", "kimi-k2", "--json")
    told = json.loads(out)
    assert code == 0
    assert "price_in_usd_m" in told["asks"][0]
    assert not any(figure["name"].startswith("price of an") for figure in told["figures"])
    path = tmp_path / "mine.toml"
    path.write_text("[models.kimi-k2]\nprice_in_usd_m = 0.5\nprice_out_usd_m = 2\n")
    monkeypatch.setenv("YANSHI_LEDGER", str(path))
    told = json.loads(typed("fit", "--cloud", "kimi-k2", "--json")[1])
    assert told["asks"] == []
    figures = {figure["name"]: figure for figure in told["figures"]}
    assert figures["price of an answer"]["value"] > 930 * 0.5e-6


def test_a_mind_is_read_with_its_precision():
    model, precision = read_mind("qwen3-4b-int4", models())
    assert (model.id, precision) == ("qwen3-4b", "int4")
    assert read_mind("qwen3-4b", models())[1] == "q4"
    with pytest.raises(ConfigError, match="int4"):
        read_mind("qwen3-4b-int7", models())
    with pytest.raises(UnknownNameError, match="qwen3-4b"):
        read_mind("qwen3-5b-int4", models())


def test_what_is_not_known_is_asked_for():
    with pytest.raises(NeededError, match="memory_gb of qcom-iq10"):
        judge(question("qcom-iq10"))


def test_every_figure_has_a_source_and_a_bar():
    for figure in judge(question(cloud=models()["deepseek-v3"], link=links()["5g"])).figures:
        assert figure.source
        assert figure.low <= figure.value <= figure.high
        assert figure.confidence in ("high", "medium", "low")


@pytest.fixture(scope="module")
def found():
    chosen = [boards()[name] for name in ("orin-nano-super", "orin-nx-16gb", "t5000", "qcom-iq10")]
    minds = [models()[name] for name in ("gemma-3-270m", "qwen3-1.7b", "qwen3-8b")]
    return sweep(find("robot", "g1", robots()), chosen, minds)


def test_the_front_is_what_no_other_beats(found):
    candidates, unknown = found
    best = front(candidates)
    assert best
    assert "qcom-iq10" in unknown
    for one in best:
        assert one.verdict.fits
        for other in candidates:
            is_less = [t < o for t, o in zip(other.costs, one.costs, strict=True)]
            is_more = [t > o for t, o in zip(other.costs, one.costs, strict=True)]
            assert not other.verdict.fits or not any(is_less) or any(is_more)


def test_a_front_of_larger_models_holds_larger_models(found):
    best = front(found[0], least_b=1.0)
    assert {one.question.mind.id for one in best} == {"qwen3-1.7b"}
    assert all(isinstance(one, Candidate) for one in best)


@pytest.mark.parametrize("name", ["front.png", "front.html"])
def test_what_was_found_is_drawn(found, tmp_path, name):
    candidates, _ = found
    draw(candidates, front(candidates), tmp_path / name)
    data = (tmp_path / name).read_bytes()
    if name.endswith("html"):
        text = data.decode()
        assert text.count("<circle") == len(candidates)
        assert "gemma-3-270m-int4 on orin-nano-super" in text
        assert "http" not in text.replace("http-equiv", "")
    else:
        assert data.startswith(b"\x89PNG")


def test_the_command_prints_figures_and_exits_by_the_verdict(typed):
    code, out, _ = typed("fit", "--json", "--cloud", "deepseek-v3", "--link", "4g")
    assert code == 0
    assert {"fits", "breaks", "figures", "asks"} == set(json.loads(out))
    code, out, _ = typed("fit", "--mind", "llama-3.3-70b-int4", "--sources")
    assert (code, "It does not fit" in out) == (3, True)
    code, _, errors = typed("fit", "--board", "orin")
    assert (code, "orin-nano" in errors) == (2, True)


@pytest.mark.parametrize("command", ["boards", "models", "robots", "links"])
def test_what_is_known_is_listed(typed, command):
    code, out, _ = typed(command)
    assert code == 0
    assert len(out.splitlines()) > 8


def test_the_board_of_the_documents_can_be_judged(tmp_path, monkeypatch, typed):
    text = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf8")
    path = tmp_path / "mine.toml"
    path.write_text(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0])
    monkeypatch.setenv("YANSHI_LEDGER", str(path))
    code, out, _ = typed("fit", "--board", "mine")
    assert (code, "on mine in" in out) == (0, True)
