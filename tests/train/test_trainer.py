"""Training as a person sees it, on a task that takes seconds."""

import hashlib
import io
import json
import os
import re
import resource
import signal
import threading
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("onnx", reason="needs the extra `train`")
pytest.importorskip("matplotlib", reason="needs the extra `train`")

from rich.console import Console  # noqa: E402
from tests.train.toys import LEARNING, aim_lesson  # noqa: E402

from yanshi.core.clock import ManualClock  # noqa: E402
from yanshi.core.errors import ConfigError  # noqa: E402
from yanshi.policies.contract import Term, load_contract  # noqa: E402
from yanshi.robots.g1.spec import G1  # noqa: E402
from yanshi.train.checkpoint import NAME, Identity, load_checkpoint  # noqa: E402
from yanshi.train.journal import read_lines  # noqa: E402
from yanshi.train.lesson import Origin  # noqa: E402
from yanshi.train.ppo import DivergedError  # noqa: E402
from yanshi.train.trainer import Training, train  # noqa: E402

QUICK = Training(threads=1, log_every_rounds=2, evaluation_s=0.1)


class Ticking(ManualClock):
    """A clock that runs on when it is looked at; something may happen at a time."""

    def __init__(self, happens_at_s=None, what=lambda: None, *, look_s=0.5):
        super().__init__()
        self._at, self._what, self._look_s = happens_at_s, what, look_s

    def now_ns(self):
        self.t_ns += round(1e9 * self._look_s)
        if self._at is not None and self.t_ns >= self._at * 1e9:
            self._at = None
            self._what()
        return self.t_ns


def go(folder, seconds=8, lesson=None, clock=None, resume=False, console=None, **changes):
    training = replace(QUICK, minutes=seconds / 120.0, **changes)
    console = console or Console(quiet=True)
    return train(
        lesson or aim_lesson(),
        training,
        folder,
        resume=resume,
        console=console,
        clock=clock or Ticking(),
    )


def learnt(folder, lesson=None):
    """Return the networks in a folder's checkpoint."""
    _, state = load_checkpoint(folder, Identity.of(lesson or aim_lesson()))
    return state["policy"]


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def trained(tmp_path):
    go(tmp_path)
    return tmp_path


def test_a_training_leaves_a_policy_that_loads_its_record_its_log_and_its_curve(trained):
    contract = load_contract(trained, G1)
    assert contract.acts_on == ("waist_yaw", "waist_roll", "waist_pitch")
    record = json.loads((trained / "record.json").read_text(encoding="utf8"))
    assert record["task"] == "aim"
    assert record["seed"] == 0
    assert record["steps"] == record["rounds"] * LEARNING.horizon * 16
    assert record["figures"]["reward a tick"] < 0.0
    assert record["figures"]["falls a minute"] == 0.0
    assert record["began_from"] is None
    lines = read_lines(trained / "log.jsonl")
    assert [line["round"] for line in lines] == [2, 4, 6, 8]
    assert lines[0]["parts"]["aim"] < 0.0
    assert (trained / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_an_interrupted_training_ends_where_one_without_interruption_does(tmp_path):
    go(tmp_path / "whole", seconds=8)
    go(tmp_path / "parts", seconds=3)
    record = go(tmp_path / "parts", seconds=8, resume=True)
    assert same(learnt(tmp_path / "whole"), learnt(tmp_path / "parts"))
    assert record["rounds"] == 8
    rounds = [line["round"] for line in read_lines(tmp_path / "parts" / "log.jsonl")]
    assert rounds == sorted(set(rounds))
    assert rounds[-1] == 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_the_last_whole_round_and_says_how_to_go_on(tmp_path, number):
    before = signal.getsignal(number)
    console = Console(record=True, file=open(os.devnull, "w"), width=200)  # noqa: SIM115
    clock = Ticking(3.0, lambda: os.kill(os.getpid(), number))
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "parts", clock=clock, console=console)
    assert "--resume" in console.export_text()
    console.file.close()
    assert signal.getsignal(number) == before
    assert not (tmp_path / "parts" / "record.json").exists()
    go(tmp_path / "parts", resume=True)
    go(tmp_path / "whole")
    assert same(learnt(tmp_path / "parts"), learnt(tmp_path / "whole"))


def test_a_training_is_not_overwritten(trained):
    before = (trained / NAME).read_bytes()
    with pytest.raises(ConfigError, match="--resume") as caught:
        go(trained)
    assert "0.1 minutes" in str(caught.value)
    assert "--resume" in caught.value.text("zh")
    assert (trained / NAME).read_bytes() == before


def test_to_resume_where_there_is_nothing_begins(tmp_path):
    assert go(tmp_path / "new", resume=True)["rounds"] == 8


def test_a_training_whose_time_is_up_is_only_finished_again(trained):
    before = learnt(trained)
    (trained / "policy.onnx").unlink()
    assert go(trained, resume=True)["rounds"] == 8
    assert same(learnt(trained), before)
    assert (trained / "policy.onnx").exists()


def changed(**changes):
    lesson = aim_lesson()
    return replace(lesson, **changes)


@pytest.mark.parametrize(
    ("lesson", "said"),
    [
        (changed(robot=replace(G1, name="h1")), "another robot: 'unitree_g1' there, 'h1' here"),
        (changed(name="miss"), "another task: 'aim' there, 'miss' here"),
        (
            changed(terms=(Term(name="gravity", start=0, width=3, scale=2.0),)),
            "another terms: gravity 3 1.0 1 there, gravity 3 2.0 1 here",
        ),
        (
            changed(acts_on=("waist_yaw", "waist_pitch", "waist_roll")),
            "in the order waist_yaw, waist_roll, waist_pitch there",
        ),
        (changed(ppo=replace(LEARNING, actor_layers=(8,))), "another actor_layers: 16 there"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused_by_what_differs(trained, lesson, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        go(trained, resume=True, lesson=lesson)


def test_a_checkpoint_with_any_flipped_byte_is_refused(trained):
    path = trained / NAME
    good = path.read_bytes()
    for place in [0, 30, *np.random.default_rng(0).integers(len(good), size=40)]:
        bad = bytearray(good)
        bad[place] ^= 0x10
        path.write_bytes(bad)
        with pytest.raises(ConfigError, match="damaged"):
            load_checkpoint(trained, Identity.of(aim_lesson()))


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_a_file_that_is_no_checkpoint_says_so(trained, content):
    path = trained / NAME
    path.write_bytes(path.read_bytes()[:-1000] if content is None else content)
    with pytest.raises(ConfigError, match="damaged"):
        go(trained, resume=True)


def test_a_checkpoint_runs_no_code(trained):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(trained / "evil"),)

    memory = io.BytesIO()
    torch.save({"identity": Evil(), "run": {}, "policy": {}}, memory)
    data = memory.getvalue()
    seal = f"yanshi checkpoint {hashlib.sha256(data).hexdigest()}\n"
    (trained / NAME).write_bytes(seal.encode() + data)
    with pytest.raises(ConfigError, match="damaged"):
        go(trained, resume=True)
    assert not (trained / "evil").exists()


def test_a_nan_ends_the_training_and_the_last_good_checkpoint_goes_on_with_another_seed(tmp_path):
    spoilt = aim_lesson(spoilt_from=5 * LEARNING.horizon)
    with pytest.raises(DivergedError, match="'aim'"):
        go(tmp_path, lesson=spoilt, save_every_s=2.0)
    good = learnt(tmp_path)
    assert all(bool(value.isfinite().all()) for value in good.values())
    record = go(tmp_path, resume=True, seed=7)
    assert record["rounds"] >= 8
    assert not same(learnt(tmp_path), good)


def test_a_full_disk_ends_the_training_with_the_last_checkpoint_intact(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    fill = Ticking(4.0, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard)))
    try:
        with pytest.raises(ConfigError, match="could not be written"):
            go(tmp_path, seconds=30, clock=fill, save_every_s=2.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert go(tmp_path, resume=True)["rounds"] == 8


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_trained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        go(tmp_path / "file" / "folder")


def test_going_on_with_other_robots_or_shards_is_refused(trained):
    with pytest.raises(ConfigError, match="--robots 9 was asked for.* has 16"):
        go(trained, resume=True, robots=9)
    with pytest.raises(ConfigError, match="--shards 5 was asked for.* has 2"):
        go(trained, resume=True, shards=5)


def test_threads_change_nothing_but_the_time(tmp_path):
    go(tmp_path / "one", seconds=3)
    go(tmp_path / "two", seconds=3, threads=2)
    assert same(learnt(tmp_path / "one"), learnt(tmp_path / "two"))


def test_whose_network_a_training_began_with_stands_in_its_record_and_contract(tmp_path):
    def begin(policy, *, seed, threads, say):
        say("from elsewhere")
        with torch.no_grad():
            policy.actor[-1].bias.fill_(0.5)
        return Origin(name="elder", source="a museum", licence="MIT")

    record = go(tmp_path, lesson=aim_lesson(begin=begin))
    assert record["began_from"] == {"name": "elder", "source": "a museum", "licence": "MIT"}
    contract = load_contract(tmp_path, G1)
    assert "elder (a museum)" in contract.source
    assert "elder: MIT" in contract.licence
    assert go(tmp_path, seconds=10, resume=True, lesson=aim_lesson(begin=begin))["began_from"]


def test_off_a_terminal_progress_is_a_line_a_minute(tmp_path):
    console = Console(record=True, file=open(os.devnull, "w"), width=200)  # noqa: SIM115
    go(tmp_path, seconds=300, console=console, clock=Ticking(look_s=10.0))
    console.file.close()
    lines = [line for line in console.export_text().splitlines() if line.startswith("aim")]
    assert len(lines) == 3
    assert "steps/s, reward -" in lines[1]
    assert "falls a minute 0" in lines[1]


def test_training_works_outside_the_main_thread(tmp_path):
    done = []
    thread = threading.Thread(target=lambda: done.append(go(tmp_path, seconds=2)))
    thread.start()
    thread.join()
    assert done
