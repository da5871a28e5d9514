"""The model's process, with a small server of our own behind it instead of a large network."""

import json
import multiprocessing
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import psutil
import pytest

from yanshi.core.errors import AssetError
from yanshi.mind.mind import Mind
from yanshi.mind.model import ModelConfig, ModelProcess
from yanshi.worlds.home import build_home


class Oracle(BaseHTTPRequestHandler):
    """Answers as an OpenAI-compatible server would."""

    answers: dict[str, str] = {}
    requests: list[dict] = []

    def do_POST(self):  # noqa: N802
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append({"path": self.path, "key": self.headers["Authorization"], **body})
        said = body["messages"][0]["content"].rpartition("\n")[2].removesuffix(" => ")
        content = self.answers.get(said, "wave")
        answer = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    server = HTTPServer(("127.0.0.1", 0), Oracle)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mind(address):
    mind = Mind(ModelConfig(source=address, name="oracle", key="secret"))
    mind.know(build_home(0).floor_plan)
    mind.wait_ready()
    yield mind
    mind.close()


def test_an_endpoint_is_told_the_language_and_answers_with_a_plan(mind):
    Oracle.answers = {"跳个舞吧": "dance", "walk": "`go table; wave`\nBecause …"}
    assert str(mind.understand("跳个舞吧").plan) == "dance"
    assert str(mind.understand("walk").plan) == "go table; wave"
    request = Oracle.requests[-1]
    assert request["path"] == "/v1/chat/completions"
    assert request["key"] == "Bearer secret"
    prompt = request["messages"][0]["content"]
    assert all(word in prompt for word in ("sofa", "sausage", "purple", "go forward {metres}"))


def test_an_answer_that_is_no_plan_becomes_a_question(mind):
    Oracle.answers = {"go": "go to the moon"}
    answer = mind.understand("go")
    assert str(answer.plan) == "ask what"
    assert answer.source == "none"


def test_the_same_sentence_is_thought_about_once(mind):
    Oracle.answers = {"bow": "bow"}
    assert mind.understand("bow").source == "model"
    asked = len(Oracle.requests)
    again = mind.understand("  bow ")
    assert (again.source, str(again.plan)) == ("cache", "bow")
    assert len(Oracle.requests) == asked


def test_asking_returns_at_once_and_the_answer_is_polled(mind):
    Oracle.answers = {"hello there": "wave"}
    mind.ask("hello there")
    answer = mind.poll(timeout_s=30.0)
    assert str(answer.plan) == "wave"
    assert mind.poll() is None


def test_what_is_looked_at_twice_in_a_row_is_looked_at_once(mind):
    Oracle.answers = {"see there": "go table; look table; look table; wave; wave"}
    assert str(mind.understand("see there").plan) == "go table; look table; wave; wave"


def test_only_the_last_question_is_answered(mind):
    Oracle.answers = {"first": "bow", "second": "dance"}
    mind.ask("first")
    mind.ask("second")
    assert str(mind.poll(timeout_s=30.0).plan) == "dance"
    assert mind.poll(timeout_s=0.1) is None


def test_a_stop_order_never_reaches_the_model(mind):
    asked = len(Oracle.requests)
    answer = mind.understand("停！")
    assert (str(answer.plan), answer.source) == ("stop", "stop")
    assert answer.latency_s < 0.05
    assert len(Oracle.requests) == asked


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


def test_a_process_that_dies_is_started_again_once_and_answers_what_was_asked(mind):
    Oracle.answers = {"one": "wave", "two": "bow"}
    first = mind.pid
    os.kill(first, signal.SIGKILL)
    assert str(mind.understand("one").plan) == "wave"
    assert mind.pid != first
    os.kill(mind.pid, signal.SIGKILL)
    assert str(mind.understand("two").plan) == "ask what"
    assert str(mind.understand("three").plan) == "ask what"


def test_an_endpoint_that_is_not_there_is_named_with_what_would_work():
    process = ModelProcess(ModelConfig(source="http://127.0.0.1:9/v1"))
    process.set_grammar("", "hello")
    with pytest.raises(AssetError, match=r"127\.0\.0\.1:9.*http://localhost:8080/v1"):
        process.wait_ready()
    process.close()


def test_a_model_file_that_is_not_there_is_named(tmp_path):
    process = ModelProcess(ModelConfig(source=str(tmp_path / "no.gguf")))
    process.set_grammar("", "hello")
    with pytest.raises(AssetError, match=r"no\.gguf"):
        process.wait_ready()
    process.close()


def _own_a_mind(address, connection):
    mind = Mind(ModelConfig(source=address))
    connection.send(mind.pid)
    time.sleep(60.0)


def test_the_process_ends_with_its_parent(address):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    parent = context.Process(target=_own_a_mind, args=(address, theirs))
    parent.start()
    mind = psutil.Process(ours.recv())
    parent.kill()
    parent.join()
    psutil.wait_procs([mind], timeout=20.0)
    assert not mind.is_running() or mind.status() == psutil.STATUS_ZOMBIE
