"""The model's process, with a script in the place of a large network."""

import multiprocessing
import os
import signal
import time
from dataclasses import replace

import psutil
import pytest
from tests.mind.script import Script, Scripted

from yanshi.core.errors import AssetError
from yanshi.mind import model
from yanshi.mind.language import PlanLanguage
from yanshi.mind.mind import Mind
from yanshi.mind.model import BARE, ModelConfig, ModelProcess, check_model
from yanshi.worlds.home import build_home

LANGUAGE = PlanLanguage.of(build_home(0).floor_plan)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return Scripted(tmp_path_factory.mktemp("script"))


@pytest.fixture
def mind(script):
    mind = Mind(script.config, backend=Script)
    mind.know(build_home(0).floor_plan)
    mind.wait_ready()
    yield mind
    mind.close()


def test_an_answer_that_is_no_plan_becomes_a_question(script, mind):
    script.say({"go": "go to the moon"})
    answer = mind.understand("go")
    assert str(answer.plan) == "ask what"
    assert answer.source == "none"


def test_the_same_sentence_is_thought_about_once(script, mind):
    script.say({"bow": "bow"})
    assert mind.understand("bow").source == "model"
    asked = len(script.asked)
    again = mind.understand("  bow ")
    assert (again.source, str(again.plan)) == ("cache", "bow")
    assert len(script.asked) == asked


def test_asking_returns_at_once_and_the_answer_is_polled(script, mind):
    script.say({"hello there": "wave"})
    mind.ask("hello there")
    answer = mind.poll(timeout_s=30.0)
    assert str(answer.plan) == "wave"
    assert mind.poll() is None


def test_what_is_looked_at_twice_in_a_row_is_looked_at_once(script, mind):
    script.say({"see there": "go table; look table; look table; wave; wave"})
    assert str(mind.understand("see there").plan) == "go table; look table; wave; wave"


def test_only_the_last_question_is_answered(script, mind):
    script.say({"first": "bow", "second": "dance"})
    mind.ask("first")
    mind.ask("second")
    assert str(mind.poll(timeout_s=30.0).plan) == "dance"
    assert mind.poll(timeout_s=0.1) is None


def test_a_stop_order_never_reaches_the_model(script, mind):
    asked = len(script.asked)
    answer = mind.understand("停！")
    assert (str(answer.plan), answer.source) == ("stop", "stop")
    assert answer.latency_s < 0.05
    assert len(script.asked) == asked


@pytest.mark.parametrize(
    ("sentence", "reason", "language"),
    [
        ("", "empty", "other"),
        ("va à la table et danse", "other_language", "other"),
        ("走" * 500, "too_long", "zh-Hans"),
        ("go " * 500, "too_long", "en"),
    ],
)
def test_what_cannot_be_understood_is_refused_without_the_model(mind, sentence, reason, language):
    answer = mind.understand(sentence)
    assert (str(answer.plan), answer.language) == (f"refuse {reason}", language)
    assert answer.source == "rule"


def test_a_process_that_dies_is_started_again_once_and_answers_what_was_asked(script, mind):
    script.say({"one": "wave", "two": "bow"})
    first = mind.pid
    os.kill(first, signal.SIGKILL)
    assert str(mind.understand("one").plan) == "wave"
    assert mind.pid != first
    os.kill(mind.pid, signal.SIGKILL)
    assert str(mind.understand("two").plan) == "ask what"
    assert str(mind.understand("three").plan) == "ask what"


def test_a_model_file_that_is_not_there_is_named(tmp_path):
    process = ModelProcess(ModelConfig(source=str(tmp_path / "no.gguf"), adapter=""))
    process.set_language(LANGUAGE, "hello")
    with pytest.raises(AssetError, match=r"no\.gguf.*--brain onboard"):
        process.wait_ready()
    process.close()


def test_a_file_that_is_no_model_is_named(tmp_path):
    file = tmp_path / "letter.gguf"
    file.write_text("Dear model,")
    process = ModelProcess(ModelConfig(source=str(file), adapter=""))
    process.set_language(LANGUAGE, "hello")
    with pytest.raises(AssetError, match=r"could not load .*letter\.gguf"):
        process.wait_ready()
    process.close()


def test_a_model_too_large_for_the_memory_is_refused_before_it_is_loaded(tmp_path, monkeypatch):
    file = tmp_path / "large.gguf"
    file.write_bytes(b"GGUF")
    memory = psutil.virtual_memory()._replace(available=100_000_000)
    monkeypatch.setattr(model.psutil, "virtual_memory", lambda: memory)
    with pytest.raises(AssetError, match=r"needs 0\.2 GB of memory, and 0\.1 GB are free"):
        check_model(file, ModelConfig(source=str(file), adapter=""))


def test_an_adapter_for_another_base_is_refused(tmp_path):
    base, adapter = tmp_path / "base.gguf", tmp_path / "lora.gguf"
    base.write_bytes(b"GGUF one")
    adapter.write_bytes(b"GGUF")
    config = ModelConfig(source=str(base), adapter=str(adapter))
    adapter.with_suffix(".json").write_text(f'{{"base_fingerprint": "{model.fingerprint(base)}"}}')
    check_model(base, config)
    base.write_bytes(b"GGUF two")
    with pytest.raises(AssetError, match=r"trained for another model.*train mind --base"):
        check_model(base, config)


def test_the_next_best_takes_the_place_of_a_model_that_cannot_be_had(tmp_path):
    mind = Mind(ModelConfig(source=str(tmp_path / "no.gguf"), adapter="", threads=1))
    mind.know(build_home(0).floor_plan)
    mind.wait_ready()
    answer = mind.understand("走到桌子前")
    mind.close()
    assert (str(answer.plan), answer.mind) == ("go table", "on board")
    assert [bool("no.gguf" in str(trouble)) for trouble in mind.troubles] == [True]


def test_without_its_adapter_the_model_is_told_the_language(monkeypatch, tmp_path):
    mind = Mind(ModelConfig(adapter=str(tmp_path / "lost.gguf"), threads=1))
    mind.know(build_home(0).floor_plan)
    mind.wait_ready()
    answer = mind.understand("跳个舞")
    mind.close()
    assert "lost.gguf" in str(mind.troubles[0])
    assert answer.mind == BARE.name
    assert mind.speaks.parse(str(answer.plan)) == answer.plan


def test_how_sure_it_is_is_told():
    process = ModelProcess(ModelConfig(threads=1))
    process.set_language(replace(LANGUAGE, syntaxes={"dance": ("",), "bow": ("",)}), "跳个舞\n")
    process.wait_ready()
    sure = {}
    for sentence in ("跳个舞\n", "把窗户擦干净\n"):
        process.ask(sentence)
        sure[sentence] = process.poll(60.0).confidence
    process.close()
    assert 0.0 <= sure["把窗户擦干净\n"] < 0.5 < 0.9 < sure["跳个舞\n"] <= 1.0


def _own_a_mind(config, connection):
    mind = Mind(config, backend=Script)
    connection.send(mind.pid)
    time.sleep(60.0)


def test_the_process_ends_with_its_parent(script):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    parent = context.Process(target=_own_a_mind, args=(script.config, theirs))
    parent.start()
    mind = psutil.Process(ours.recv())
    parent.kill()
    parent.join()
    psutil.wait_procs([mind], timeout=20.0)
    assert not mind.is_running() or mind.status() == psutil.STATUS_ZOMBIE
