"""What a run leaves for a film: poses and captions, kept as it goes and developed afterwards."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from yanshi.bodies.film import Cinema, FilmConfig, Take, VideoFile, plan_camera
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.messages import Step
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.worlds.witness import place_points


class Reel(Observer):
    """Looks on at a run and keeps a pose per frame."""

    def __init__(self, simulation: Simulation, config: FilmConfig | None = None) -> None:
        self.config = config or FilmConfig()
        self._simulation = simulation
        self._period_ns = round(1e9 / self.config.fps)
        self._due_ns = 0
        self._qpos: list[NDArray[np.float64]] = []
        self._subjects: list[NDArray[np.float64]] = []
        self._captions: list[str] = []

    def on_tick(self, snapshot: Snapshot) -> None:
        """Keep a pose when a frame is due."""
        if snapshot.t_ns < self._due_ns:
            return
        self._due_ns += self._period_ns
        self._qpos.append(self._simulation.body.data.qpos.copy())
        self._subjects.append(self._subject(snapshot.step))
        self._captions.append(ascii_caption(snapshot.step))

    @property
    def take(self) -> Take:
        """What has been kept so far."""
        return Take(np.stack(self._qpos), np.stack(self._subjects), list(self._captions))

    def develop(self, path: Path, console: Console | None = None) -> None:
        """Film what was kept.

        Raises:
            ConfigError: The file cannot be written; nothing is left behind.
            BodyError: This machine cannot render.
        """
        if not self._qpos:
            return
        take = self.take
        stage = simulate(self._simulation.world, self._simulation.seed, with_looks=True)
        file = VideoFile(path, self.config)
        progress = Progress(console=console or Console(), transient=True)
        try:
            with progress, Cinema(stage.body.model, self.config) as cinema:
                camera = plan_camera(stage.body.model, take, self.config)
                pictures = cinema.shoot(take, camera)
                for rgb in progress.track(pictures, len(take.qpos), description="filming"):
                    file.add(rgb)
            file.finish()
        finally:
            file.discard()  # What is not finished by now never will be.

    def _subject(self, step: Step | None) -> NDArray[np.float64]:
        """Return where that which a step is about is now; nan when it is about nothing."""
        home, data = self._simulation.home, self._simulation.body.data
        words = " ".join(step.arguments) if step else ""
        for thing in home.things:
            if words and (words == thing.name or words == thing.kind):
                return np.array(data.body(thing.body).xpos)
        if home.person and words == home.person:
            return np.array(data.body(home.person).xpos) + [0.0, 0.0, 1.0]
        if words in {place.name for place in home.floor_plan.places}:
            return np.array(place_points(home.floor_plan, words).mean(axis=0))
        return np.full(3, np.nan)


def ascii_caption(step: Step | None) -> str:
    """Return a step as a caption: the film's font knows ASCII alone."""
    text = str(step) if step else ""
    return text if text.isascii() else (step.skill if step else "")
