import http.server
import math
import random
import threading
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.bench.this_network import Exchange, as_toml, exchange_with, link_of
from yanshi.core.errors import ConfigError
from yanshi.ledger.catalog import Link, links
from yanshi.ledger.weather import Weather


def through(link, n=3000, seed=1):
    weather = Weather(link, seed)
    return [Exchange(0.3 * i, weather.passage_s(0.3 * i, 0, 0)) for i in range(n)]


def test_what_is_measured_of_a_link_that_is_known_is_that_link():
    true = Link(id="x", delay_ms=30.0, delay_spread=0.3, loss=0.05)
    found = link_of("x", "http://somewhere", through(true))
    assert found.delay_ms == pytest.approx(30.0 * math.exp(0.5 * 0.3**2 / 2.0), rel=0.05)
    assert found.delay_spread == pytest.approx(0.3, rel=0.1)
    assert found.loss == pytest.approx(0.05, abs=0.015)


def test_losses_in_a_row_are_an_outage():
    rng = random.Random(2)
    exchanges = [
        Exchange(float(t), None if 100 <= t % 500 < 110 else rng.uniform(0.01, 0.02))
        for t in range(2000)
    ]
    found = link_of("x", "http://somewhere", exchanges)
    assert found.outage_s == pytest.approx(10.0)
    assert found.outage_every_s == pytest.approx(500.0, rel=0.01)
    assert found.loss == 0.0


@given(st.lists(st.one_of(st.none(), st.floats(1e-4, 5.0)), min_size=2, max_size=60))
def test_a_record_reads_back_as_a_link(tmp_path_factory, took):
    if all(value is None for value in took):
        took[0] = 0.01
    found = link_of("mine", "https://example", [Exchange(float(i), t) for i, t in enumerate(took)])
    table = tomllib.loads(as_toml(found))["links"]["mine"]
    assert Link(id="mine", **table) == found
    assert 0.0 <= found.loss <= 1.0
    assert Weather(found, 1).passage_s(0.0, 10, 10) is None or found.delay_ms > 0.0


def test_a_real_server_over_loopback_is_measured_and_used(tmp_path, monkeypatch):
    class Answer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        pauses = []
        url = f"http://127.0.0.1:{server.server_port}/v1"
        exchanges = exchange_with(url, 12, pause=pauses.append)
    finally:
        server.shutdown()
        server.server_close()
    assert len(exchanges) == 12
    assert len(pauses) == 13
    path = tmp_path / "mine.toml"
    path.write_text(as_toml(link_of("mine", url, exchanges)))
    monkeypatch.setenv("YANSHI_LEDGER", str(path))
    assert 0.0 < links()["mine"].delay_ms < 100.0


def test_where_nothing_answers_is_told():
    with pytest.raises(ConfigError, match="never answered"):
        exchange_with("http://127.0.0.1:9", 3, pause=lambda s: None)
    with pytest.raises(ConfigError, match="http://"):
        exchange_with("ftp://somewhere", 3)
