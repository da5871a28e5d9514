"""The page with the curves, asked as a browser asks it."""

import json
import threading
import urllib.error
import urllib.request

import pytest

from yanshi.train.live_view import live_view, newest_lines, serve


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log.jsonl"


@pytest.fixture
def url(log):
    with serve(log, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def get(address):
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.read()


def test_the_page_shows_the_newest_lines_as_they_are_written(url, log):
    assert b"<svg" in get(url)
    assert json.loads(get(f"{url}/log")) == []
    log.write_text('{"reward": 1.0}\n', encoding="utf8")
    assert json.loads(get(f"{url}/log")) == [{"reward": 1.0}]


def test_nothing_else_is_served(url):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{url}/../../etc/passwd")
    assert caught.value.code == 404
    caught.value.close()


def test_a_line_that_is_being_written_is_left_out(log):
    log.write_text('{"round": 1}\n{"rou', encoding="utf8")
    assert newest_lines(log) == [{"round": 1}]


def test_a_long_log_is_thinned_out_but_keeps_its_end(log):
    log.write_text("".join(f'{{"round": {i}}}\n' for i in range(5000)), encoding="utf8")
    rounds = [line["round"] for line in newest_lines(log)]
    assert len(rounds) <= 600
    assert rounds[-1] == 4999
    assert rounds == sorted(rounds)


def test_the_pages_process_ends_with_the_block_and_its_death_ends_nothing(log, monkeypatch):
    import subprocess

    started = []
    original = subprocess.Popen

    def start(*arguments, **options):
        started.append(original(*arguments, **options))
        return started[-1]

    monkeypatch.setattr("yanshi.train.live_view.subprocess.Popen", start)
    with live_view(log) as address:
        assert address.startswith("http://127.0.0.1:")
        assert started[0].poll() is None
    assert started[0].poll() is not None
    with live_view(log):
        started[1].kill()
        started[1].wait()
