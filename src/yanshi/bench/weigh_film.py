"""Two brains at the same task, side by side on one film."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from yanshi.bench.weigh import CANDIDATES, Ears, homes, run_task
from yanshi.bench.weigh_tasks import WORLD
from yanshi.bodies.film import Cinema, FilmConfig, Take, VideoFile, plan_camera
from yanshi.bodies.simulation import simulate
from yanshi.ports.reel import Reel

HALF = FilmConfig(width=480, height=400)


def film_both(
    one: str, other: str, task: str, seed: int, path: Path, console: Console | None = None
) -> None:
    """Run a task with two brains and film both from the same side.

    Args:
        one: Name of the brain on the left.
        other: Name of the brain on the right.
        task: Which task.
        seed: The first home from there on in which all tasks can take place.
        path: The film.
        console: Where the progress is shown.

    Raises:
        ConfigError: The file cannot be written.
        BodyError: This machine cannot render.
    """
    home = homes(1, seed)[0]
    takes = []
    for name in (one, other):
        ears = Ears()
        trial, (reel, _) = run_task(
            CANDIDATES[name],
            task,
            home,
            onlookers=(lambda simulation: Reel(simulation, HALF), lambda simulation: ears),  # noqa: B023
        )
        assert isinstance(reel, Reel)
        result = "done" if trial["done"] else trial["why"]
        takes.append(_with_captions(reel.take, name, ears, str(result)))
    _develop(takes, home, path, console or Console())


def _with_captions(take: Take, name: str, ears: Ears, result: str) -> Take:
    """Say on every frame who thinks, what was heard last, and whether it is understood yet."""
    captions = []
    for frame in range(len(take.qpos)):
        t_s = frame / HALF.fps
        heard = sum(heard_s <= t_s for heard_s in ears.heard_s)
        lines = [name]
        if heard:
            since_s = t_s - ears.heard_s[heard - 1]
            is_known = sum(plan_s <= t_s for plan_s, _ in ears.plans) >= heard
            state = take.captions[frame] if is_known else f"thinking, {since_s:.1f} s"
            lines += [f"heard: {ears.sentences[heard - 1]}", state or "stands"]
        if frame == len(take.qpos) - 1:
            lines.append(f"result: {result}")
        captions.append("\n".join(line for line in lines if line.isascii()))
    return replace(take, captions=captions)


def _develop(takes: Sequence[Take], home: int, path: Path, console: Console) -> None:
    frames = max(len(take.qpos) for take in takes) + 2 * HALF.fps
    padded = [_hold(take, frames) for take in takes]
    stage = simulate(WORLD, home, with_looks=True)
    file = VideoFile(path, replace(HALF, width=2 * HALF.width))
    progress = Progress(console=console, transient=True)
    try:
        with progress, Cinema(stage.body.model, HALF) as cinema:
            # One camera for both, the one of the take in which more happens.
            longer = max(takes, key=lambda take: len(take.qpos))
            camera = plan_camera(stage.body.model, _hold(longer, frames), HALF)
            for frame in progress.track(range(frames), description="filming"):
                halves = [
                    cinema.draw(
                        take.qpos[frame],
                        camera.view(frame),
                        camera.position(frame),
                        take.captions[frame],
                    )
                    for take in padded
                ]
                file.add(np.hstack(halves))
        file.finish()
    finally:
        file.discard()  # What is not finished by now never will be.


def _hold(take: Take, frames: int) -> Take:
    """Let the last frame of a take stand until it has so many."""
    more = frames - len(take.qpos)
    return Take(
        np.concatenate([take.qpos, np.repeat(take.qpos[-1:], more, axis=0)]),
        np.concatenate([take.subject, np.repeat(take.subject[-1:], more, axis=0)]),
        [*take.captions, *([take.captions[-1]] * more)],
    )
