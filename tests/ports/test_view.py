"""The 3-D page is served, filled and gone again."""

import socket
import threading
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest

from yanshi.bench.browser import Browser
from yanshi.bodies.simulation import simulate
from yanshi.core.messages import Scene, Step, Thing
from yanshi.ports.view import Page, Sight, View, word_panel

CUP = Thing(kind="cup", colour="red", position=(1.0, 0.5, 0.8), confidence=0.93, t_ns=0)


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_panel_marks_the_step_under_way_and_lists_what_is_seen():
    text = word_panel(
        Sight(
            qpos=np.zeros(1), t_s=3.0, plan="go table; wave", step="wave", lines=("🗣 你好",),
            things=(CUP,),
        )
    )  # fmt: skip
    assert "- **wave** ◀" in text
    assert "- go table" in text
    assert "🗣 你好" in text
    assert "red cup 93%" in text


def test_a_page_shows_the_world_and_follows_what_moves_and_the_labels():
    simulation = simulate("home", 2)
    page = Page(simulation.body.model, free_port())
    try:
        assert b"<html" in get(page.url).lower()
        groups = page.scene._mesh_groups
        assert len(groups) > 20
        qpos = simulation.body.data.qpos.copy()
        before = [np.array(group.handle.batched_positions) for group in groups]
        for thing in simulation.home.things:
            qpos[simulation.body.model.joint(thing.body).qposadr[0]] += 1.0
        page.show(Sight(qpos=qpos, things=(CUP,)))
        page.show(Sight(qpos=qpos, things=(CUP,)))
        moved = [
            np.abs(np.array(group.handle.batched_positions) - old).max() > 0.5
            for group, old in zip(groups, before, strict=True)
        ]
        assert len(simulation.home.things) <= sum(moved) < len(groups)
        assert page.labels == {"red cup": CUP.position}
        page.show(Sight(qpos=qpos))
        assert page.labels == {}
    finally:
        page.close()


def test_a_view_serves_from_its_own_process_and_frees_its_port_when_closed():
    simulation, port = simulate("empty", 1), free_port()
    with View(simulation, port) as view:
        assert view.url == f"http://127.0.0.1:{port}"
        assert b"<html" in get(view.url).lower()
        snapshot = SimpleNamespace(
            t_ns=0, step=Step(skill="wave"), scene=Scene(t_ns=0, things=(CUP,))
        )
        view.on_event(0, "plan", "wave")
        view.on_picture(0, np.zeros((64, 96, 3), dtype=np.uint8))
        began = time.perf_counter()
        for _ in range(200):
            view.on_tick(snapshot)
        assert (time.perf_counter() - began) / 200 < 1e-3
    with pytest.raises(urllib.error.URLError):
        get(view.url)
    with socket.socket() as probe:
        # What was said on the port may still be dying away; a listener would still be in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_who_presses_the_button_on_the_page_stops_the_robot():
    """Pressed as a browser does it: through the page's socket."""
    with View(simulate("empty", 1), free_port()) as view:
        pressed = threading.Event()
        view.listen_for_stop(pressed.set)
        with Browser(view.url) as browser:
            assert browser.label == "停 Stop"
            for _ in range(2):  # Who is in a hurry presses twice.
                browser.press()
                assert pressed.wait(10.0)
                pressed.clear()
