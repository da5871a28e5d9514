"""The process that asks an endpoint, over loopback, with a real endpoint in another process."""

import json
import ssl
import time
import urllib.request

import psutil
import pytest

from yanshi.bench.processes import serve
from yanshi.bench.rough_link import Roughness, rough_link
from yanshi.bench.stand_in_endpoint import Strictness, order, stand_in
from yanshi.core.errors import ConfigError
from yanshi.mind.cloud import ANSWER_MAX_BYTES, Cloud, CloudConfig
from yanshi.mind.language import PlanLanguage
from yanshi.worlds.home import build_home

LANGUAGE = PlanLanguage.of(build_home(0).floor_plan)
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def endpoint():
    with stand_in() as endpoint:
        yield endpoint


def meet(url, **more):
    cloud = Cloud(CloudConfig(url=url, **more))
    cloud.speak(LANGUAGE)
    return cloud, cloud.wait_ready()


def wait_until_up(cloud):
    """Wait while the endpoint is asked again and again, as it is when it was late or away."""
    until_s = time.monotonic() + PATIENCE_S
    while cloud.trouble and time.monotonic() < until_s:
        cloud.connection.poll(0.1)
        cloud.poll()
    return cloud.trouble


def reply_to(cloud, number, deadline_s=10.0):
    cloud.ask(order(number)[0], deadline_s)
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        cloud.connection.poll(0.05)
        if (reply := cloud.poll()) is not None:
            return reply
    raise AssertionError("no reply")


def test_a_sentence_goes_out_and_its_plan_comes_back(endpoint):
    cloud, trouble = meet(endpoint.url)
    reply = reply_to(cloud, 17)
    cloud.close()
    assert trouble == ""
    assert (reply.text, reply.trouble) == (order(17)[1], "")
    assert reply.tokens_read == 700
    assert reply.bytes_sent > 1000


@pytest.mark.parametrize(
    ("strictness", "dialect"),
    [
        (Strictness(owner="", formats=(), fields=("max_tokens",)), "other"),
        (Strictness(formats=("json_object",), fields=("max_completion_tokens",)), "other"),
        (
            Strictness(
                owner="vllm", formats=(), fields=("temperature", "max_tokens", "guided_grammar")
            ),
            "vLLM",
        ),
        (Strictness(thinks="<think>Hm, a turn.</think>\n"), "other"),
    ],
)
def test_how_an_endpoint_wants_to_be_asked_is_found_out_by_itself(strictness, dialect):
    with stand_in(strictness) as endpoint:
        cloud, trouble = meet(endpoint.url)
        reply = reply_to(cloud, 3)
        cloud.close()
    assert (trouble, cloud.dialect, reply.text) == ("", dialect, order(3)[1])


def test_an_endpoint_that_is_not_there_is_told_at_once():
    began_s = time.monotonic()
    cloud, trouble = meet("http://127.0.0.1:9/v1")
    cloud.close()
    assert "cannot be reached" in trouble
    assert time.monotonic() - began_s < 8.0


def test_a_key_that_is_not_accepted_is_told_without_the_key():
    with stand_in(Strictness(key="right")) as endpoint:
        cloud, trouble = meet(endpoint.url, key="sk-very-secret")
        cloud.close()
    assert "does not accept the key" in trouble
    assert "secret" not in trouble + repr(cloud.config)


def test_the_right_key_is_sent():
    with stand_in(Strictness(key="right")) as endpoint:
        cloud, trouble = meet(endpoint.url, key="right")
        cloud.close()
    assert trouble == ""


def test_only_the_last_question_is_answered(endpoint):
    with rough_link(
        endpoint.port, Roughness(delay_s=(0.2, 0.21), troubles=("none",), weights=(1,))
    ) as link:
        cloud, _ = meet(link.url)
        cloud.ask(order(1)[0], 10.0)
        reply = reply_to(cloud, 2)
        assert reply.text == order(2)[1]
        assert cloud.poll() is None
        cloud.close()


@pytest.mark.parametrize("trouble", ["swapped", "twice", "garbage", "cut", "loss"])
def test_whatever_a_link_does_no_answer_is_another_questions(endpoint, trouble):
    roughness = Roughness(delay_s=(0.005, 0.02), troubles=("none", trouble), weights=(1, 2), seed=3)
    with rough_link(endpoint.port, roughness) as link:
        cloud, _ = meet(link.url)
        replies = [(number, reply_to(cloud, number, 3.0)) for number in range(12)]
        cloud.close()
    answered = [(number, reply) for number, reply in replies if reply.text]
    assert len(answered) >= 6  # What is lost is asked again while there is time.
    assert all(reply.text == order(number)[1] for number, reply in answered)


def test_a_reply_that_never_comes_is_given_up_at_its_deadline(endpoint):
    roughness = Roughness(delay_s=(0.005, 0.006), troubles=("half-open",), weights=(1,))
    with rough_link(endpoint.port, roughness) as link:
        cloud = Cloud(CloudConfig(url=endpoint.url))
        cloud.speak(LANGUAGE)
        cloud.wait_ready()
        stuck = Cloud(CloudConfig(url=link.url))
        stuck.speak(LANGUAGE)
        assert "in time" in stuck.wait_ready(timeout_s=1.0)
        cloud.close()
        stuck.close()


def test_a_flood_is_not_drunk(endpoint):
    roughness = Roughness(delay_s=(0.005, 0.006), troubles=("none", "flood"), weights=(1, 3))
    with rough_link(endpoint.port, roughness) as link:
        cloud, _ = meet(link.url)
        process = psutil.Process(cloud.pid)
        before = process.memory_info().rss
        for number in range(6):
            reply_to(cloud, number, 2.0)
        grown = process.memory_info().rss - before
        cloud.close()
    assert grown < 20e6
    assert ANSWER_MAX_BYTES < 1e6


def _serve_tls(connection, folder):
    """Answer nothing behind a certificate that nobody has signed."""
    import socket

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection.send(server.getsockname()[1])
        while True:
            peer, _ = server.accept()
            try:
                context.wrap_socket(peer, server_side=True).recv(10)
            except OSError:
                peer.close()


def test_a_certificate_that_nobody_signed_is_refused(tmp_path):
    trustme = pytest.importorskip("trustme")
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    with serve(_serve_tls, str(tmp_path)) as server:
        cloud, trouble = meet(f"https://127.0.0.1:{server.port}/v1", key="secret")
        cloud.close()
    assert "certificate is not valid" in trouble


def _serve_llama(connection):
    """Run llama.cpp's own server with the bare model."""
    from yanshi.mind.model import BARE, Llama

    llama = Llama(BARE)
    connection.send(int(llama._server.listening_address.rpartition(":")[2]))
    connection.recv()


def test_a_real_llama_server_is_held_to_the_grammar():
    with serve(_serve_llama) as server:
        # On a busy machine its first answer takes longer than a body waits when it starts.
        cloud, _ = meet(server.url, deadline_s=PATIENCE_S)
        assert (wait_until_up(cloud), cloud.dialect) == ("", "llama-server")
        for number in (1, 2):
            reply = reply_to(cloud, number, PATIENCE_S)
            assert LANGUAGE.draft.parse(reply.text)
            assert reply.tokens_read > 300
        cloud.close()


def test_a_key_never_goes_unencrypted_into_the_world():
    with pytest.raises(ConfigError, match="unencrypted"):
        CloudConfig(url="http://api.example.com/v1", key="secret")
    CloudConfig(url="http://192.168.1.7:8000/v1", key="secret")
    CloudConfig(url="http://api.example.com/v1")


@pytest.mark.parametrize("url", ["api.deepseek.com", "ftp://x/v1", "", "http://"])
def test_what_is_no_address_is_refused_with_one_that_works(url):
    with pytest.raises(ConfigError, match="cloud:https://"):
        CloudConfig(url=url)


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(ConfigError, match="YANSHI_API_KEY") as error:
        CloudConfig(url="https://me:hunter2@example.com/v1")
    assert "hunter2" not in str(error.value) + error.value.zh


def test_an_endpoint_that_comes_back_is_found_again():
    endpoint = stand_in()
    cloud, trouble = meet(endpoint.url)
    assert trouble == ""
    endpoint.close()
    for number in range(4):
        if not cloud.trouble:
            reply_to(cloud, number, 1.0)
    assert cloud.trouble
    endpoint = stand_in(port=endpoint.port)
    assert wait_until_up(cloud) == ""
    assert reply_to(cloud, 9).text == order(9)[1]
    cloud.close()
    endpoint.close()


def test_nothing_of_the_room_is_sent(endpoint):
    cloud, _ = meet(endpoint.url)
    reply_to(cloud, 5)
    cloud.close()
    with urllib.request.urlopen(endpoint.url.replace("/v1", "/asked")) as answer:
        asked = json.load(answer)
    assert [set(body["messages"][1]) for body in asked[-1:]] == [{"role", "content"}]
    assert asked[-1]["messages"][1]["content"].endswith(order(5)[0])
