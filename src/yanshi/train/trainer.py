"""Train a policy as a person sees it: progress, checkpoints, interruptions, and what remains.

A training's folder holds `checkpoint.pt` and `log.jsonl` from the first minute on; at the end the
policy's folder lies beside them, with a curve and a record of how it came to be.
"""

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from yanshi.core.clock import Clock, MonotonicClock
from yanshi.core.errors import ConfigError
from yanshi.core.files import write_whole
from yanshi.core.machine import machine
from yanshi.train import checkpoint, journal
from yanshi.train.checkpoint import Identity, Run, load_checkpoint, save_checkpoint
from yanshi.train.export import export_policy
from yanshi.train.gather import Gatherer, LocalGatherer, make_shard, split
from yanshi.train.lesson import Begin, Lesson
from yanshi.train.ppo import PPO, Update


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How long and with what to train."""

    minutes: float = 20.0
    """Training time over all interruptions."""
    seed: int | None = None
    """Of everything random; None takes the checkpoint's, or 0. Another one than the checkpoint's
    goes on with other random numbers."""
    robots: int | None = None
    """How many at once; None takes the checkpoint's, or the lesson's."""
    shards: int | None = None
    """In how many parts the robots are stepped; None takes the checkpoint's, or 2."""
    threads: int = 2
    ray: str = ""
    """Address of the Ray cluster that simulates, or `local`; empty simulates here."""
    log_every_rounds: int = 10
    save_every_s: float = 60.0
    evaluation_s: float = 10.0
    """How long every robot acts without noise at the end."""


def train(
    lesson: Lesson,
    training: Training,
    folder: Path,
    *,
    resume: bool = False,
    console: Console | None = None,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Train until the time is up and write what came of it into `folder`.

    Args:
        lesson: What to learn.
        training: How long and with what.
        folder: Where a training lives. One that holds a checkpoint is gone on from.
        resume: Whether going on is what is wanted.
        console: Where progress is shown.
        clock: What counts the training time.

    Returns:
        The record, as in `record.json`.

    Raises:
        ConfigError: The folder holds a training and `resume` is not asked for; its checkpoint is
            damaged or of another kind; the disk takes no more.
        DivergedError: Something is not finite; the last good checkpoint stands.
        KeyboardInterrupt: Somebody stopped it; the checkpoint is of the last whole round.
    """
    identity = Identity.of(lesson)
    run, state = _where_it_stands(identity, training, folder, resume)
    # A run that diverged would diverge again with the same random numbers. Its robots, whose
    # bodies follow from the seed, stay who they are.
    is_reseeded = state is not None and training.seed not in (None, run.seed)
    seed = run.seed if training.seed is None else training.seed
    run = _settle(run, training, lesson.robots)
    torch.set_num_threads(training.threads)
    console = console or Console(stderr=True)
    with ExitStack() as stack:
        with console.status("The robots are being made …"):
            gatherer = stack.enter_context(closing(_make_gatherer(lesson, training, run)))
        ppo = PPO(gatherer, lesson.ppo, seed, terms=lesson.terms)
        if state is not None:
            ppo.load_state_dict(state, is_reseeded=is_reseeded)
        clock = clock or MonotonicClock()
        if state is None and lesson.begin is not None:
            run = _begin(lesson.begin, ppo, run, training.threads, console, clock)
        job = _Job(lesson, training, folder, identity, ppo, run, clock)
        job.save()
        job.work(console)
        with console.status("The policy acts without noise …"):
            figures = job.evaluate()
    return job.finish(figures)


class _Job:
    """One training on its way."""

    def __init__(
        self,
        lesson: Lesson,
        training: Training,
        folder: Path,
        identity: Identity,
        ppo: PPO,
        run: Run,
        clock: Clock,
    ) -> None:
        self.lesson, self.training, self.folder = lesson, training, folder
        self.identity, self.ppo, self.run, self.clock = identity, ppo, run, clock
        self.log = folder / journal.NAME
        self.lines = journal.keep_until(self.log, run.seconds)
        self._recent: list[Update] = []
        self._logged_s = run.seconds

    def save(self) -> None:
        """Write a checkpoint."""
        save_checkpoint(self.folder, self.identity, self.run, self.ppo.state_dict())

    def work(self, console: Console) -> None:
        """Train until the time is up or somebody stops it."""
        total_s = 60.0 * self.training.minutes
        next_save_s = self.run.seconds + self.training.save_every_s
        with _progress(console, self.lesson.name, total_s) as show, _stop_asked() as is_stopped:
            show(self.run.seconds, self.summary())
            while self.run.seconds < total_s and not is_stopped():
                began_ns = self.clock.now_ns()
                self._recent.append(self.ppo.advance(self.run.seconds / total_s))
                took_s = (self.clock.now_ns() - began_ns) * 1e-9
                self.run = replace(self.run, seconds=self.run.seconds + took_s)
                if len(self._recent) == self.training.log_every_rounds:
                    self._note()
                show(self.run.seconds, self.summary())
                if self.run.seconds >= next_save_s:
                    self.save()
                    next_save_s = self.run.seconds + self.training.save_every_s
        self._note()
        self.save()
        if self.run.seconds < total_s:
            minutes = self.run.seconds / 60.0
            console.print(
                f"Stopped after {minutes:.1f} of {self.training.minutes:g} minutes; "
                "the same command with --resume goes on."
            )
            raise KeyboardInterrupt

    def _note(self) -> None:
        """Log the rounds since the last line."""
        if not self._recent:
            return
        rounds = len(self._recent)

        def mean(name: str) -> float:
            return float(sum(getattr(update, name) for update in self._recent) / rounds)

        steps = rounds * self.ppo.steps_a_round
        fails_a_minute = 60.0 * mean("fail_share") / self.lesson.tick_s
        names = self._recent[0].parts
        line = {
            "round": self.ppo.rounds,
            "seconds": round(self.run.seconds, 3),
            "steps": self.ppo.rounds * self.ppo.steps_a_round,
            "steps_a_second": round(steps / max(self.run.seconds - self._logged_s, 1e-9), 1),
            **{name: mean(name) for name in ("reward", "kl", "actor_rate", "std", "value_loss")},
            "progress": {**self.ppo.gatherer.progress(), "falls a minute": fails_a_minute},
            "parts": {
                name: sum(update.parts[name] for update in self._recent) / rounds for name in names
            },
        }
        journal.add_line(self.log, line)
        self.lines.append(line)
        self._recent, self._logged_s = [], self.run.seconds

    def summary(self) -> str:
        """Say in one line how it goes."""
        if not self.lines:
            return "the first rounds …"
        line = self.lines[-1]
        progress = ", ".join(f"{name} {value:.4g}" for name, value in line["progress"].items())
        return f"{line['steps_a_second']:.0f} steps/s, reward {line['reward']:.3f}, {progress}"

    def evaluate(self) -> dict[str, float]:
        """Return figures of the policy without noise."""
        round_s = self.ppo.config.horizon * self.lesson.tick_s
        rounds = max(1, round(self.training.evaluation_s / round_s))
        reward, fail_share = self.ppo.evaluate(rounds)
        return {
            "reward a tick": reward,
            "falls a minute": 60.0 * fail_share / self.lesson.tick_s,
            "robot minutes": rounds * round_s * self.ppo.gatherer.traits.n / 60.0,
            **{name: v for name, v in self.ppo.gatherer.progress().items() if "fall" not in name},
        }

    def finish(self, figures: dict[str, float]) -> dict[str, Any]:
        """Write the curve, the policy and the record."""
        run, origin = self.run, self.run.origin
        command = " ".join(["yanshi", *sys.argv[1:]])
        record = {
            "command": command,
            "task": self.lesson.name,
            "robot": self.lesson.robot.name,
            "seed": run.seed,
            "minutes": round(run.seconds / 60.0, 2),
            "rounds": self.ppo.rounds,
            "steps": self.ppo.rounds * self.ppo.steps_a_round,
            "robots": run.robots,
            "shards": run.shards,
            "began_from": asdict(origin) if origin else None,
            "figures": {name: round(value, 4) for name, value in figures.items()},
            "training": asdict(self.training),
            "learning": asdict(self.lesson.ppo),
            "versions": {name: version(name) for name in ("mujoco", "numpy", "torch")},
            "machine": machine(),
            "wall_time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._export(command)
        journal.draw_curve(self.lines, self.folder / "curve.png")
        write_whole(self.folder / "record.json", json.dumps(record, indent=1) + "\n")
        return record

    def _export(self, command: str) -> None:
        """Write the policy as a run loads it."""
        lesson, origin = self.lesson, self.run.origin
        source, licence = f"Trained by `{command}`, seed {self.run.seed}", "Apache-2.0"
        if origin is not None:
            source += f"; began with {origin.name} ({origin.source})"
            licence += f"; {origin.name}: {origin.licence}" * (origin.licence != licence)
        export_policy(
            self.folder,
            self.ppo.policy.actor,
            lesson.terms,
            joints=lesson.joints,
            acts_on=lesson.acts_on,
            action_scale=lesson.action_scale,
            action_offset=lesson.action_offset,
            action_limit=lesson.action_limit,
            source=source,
            licence=licence,
            settings=lesson.settings,
            about=lesson.about,
            rate_hz=round(1.0 / lesson.tick_s, 6),
            robot=lesson.robot,
        )


def _where_it_stands(
    identity: Identity, training: Training, folder: Path, resume: bool
) -> tuple[Run, dict[str, Any] | None]:
    """Return where the training in a folder stands, and its state if there is one."""
    path = folder / checkpoint.NAME
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"The folder {folder} cannot be made: {error.strerror}. Name another with --work.",
                zh=f"无法创建文件夹 {folder}：{error.strerror}。请用 --work 指定另一个。",
            ) from error
        return Run(seed=training.seed or 0, robots=0, shards=0), None
    run, state = load_checkpoint(folder, identity)
    if not resume:
        minutes = run.seconds / 60.0
        raise ConfigError(
            f"{path} holds {minutes:.1f} minutes of training, which would be lost. "
            "Add --resume to go on from it, or name another folder with --work.",
            zh=f"{path} 中已有 {minutes:.1f} 分钟的训练，重新开始会丢失。"
            "加上 --resume 继续，或用 --work 指定另一个文件夹。",
        )
    for name in ("robots", "shards"):
        asked, found = getattr(training, name), getattr(run, name)
        if asked not in (None, found):
            raise ConfigError(
                f"--{name} {asked} was asked for, but the training in {folder} has {found}. "
                f"Leave --{name} out to go on from it, or name another folder with --work.",
                zh=f"要求 --{name} {asked}，但 {folder} 中的训练是 {found}。"
                f"去掉 --{name} 继续，或用 --work 指定另一个文件夹。",
            )
    return run, state


def _settle(run: Run, training: Training, robots: int) -> Run:
    """Return the run with what was asked for, where the checkpoint does not say."""
    return replace(
        run,
        robots=run.robots or training.robots or robots,
        shards=run.shards or training.shards or 2,
    )


def _begin(begin: Begin, ppo: PPO, run: Run, threads: int, console: Console, clock: Clock) -> Run:
    """Give new networks a start; the time it takes is training time."""
    began_ns = clock.now_ns()
    with console.status("The networks get a start …") as status:
        origin = begin(ppo.policy, seed=run.seed, threads=threads, say=status.update)
    return replace(run, origin=origin, seconds=(clock.now_ns() - began_ns) * 1e-9)


def _make_gatherer(lesson: Lesson, training: Training, run: Run) -> Gatherer:
    sizes = split(run.robots, run.shards)
    if training.ray:
        from yanshi.train.ray_fleet import RayGatherer

        return RayGatherer(lesson.make, sizes, run.seed, training.ray)
    threads = max(1, training.threads // run.shards)
    shards = [
        make_shard(lesson.make, robots=size, threads=threads, seed=run.seed, index=index)
        for index, size in enumerate(sizes)
    ]
    return LocalGatherer(shards, threads=training.threads)


@contextmanager
def _progress(
    console: Console, name: str, total_s: float
) -> Iterator[Callable[[float, str], None]]:
    """Show a bar in a terminal, and a line a minute elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    next_s = 0.0
    with ProgressBar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=total_s)

        def show(seconds: float, summary: str) -> None:
            nonlocal next_s
            bar.update(task, completed=seconds, description=f"{name}: {summary}")
            if not console.is_terminal and seconds >= next_s:
                next_s = seconds + 60.0
                console.print(
                    f"{name} {seconds / 60.0:.1f} of {total_s / 60.0:g} min: {summary}",
                    highlight=False,
                    soft_wrap=True,
                )

        yield show


@contextmanager
def _stop_asked() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C or a request to terminate end the training after the round it is in."""
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        if asked:
            raise KeyboardInterrupt  # Twice: at once. The last checkpoint stands.
        asked.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
