"""Which trials make up a bench of walkers, and how one of them is run, repeated or filmed."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.bench.proving_ground import TICK_S, Contender, Watch
from yanshi.bench.rows import Trial, run_trials
from yanshi.bodies.film import Cinema, FilmConfig, Take, VideoFile, plan_camera
from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.core.errors import ConfigError
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1
from yanshi.worlds.scene import put_robot
from yanshi.worlds.worlds import build_world

Run = Callable[[Contender, np.random.Generator, int, Watch | None], Trial]
"""Runs one trial: who walks, where chance comes from, the trial's number, who looks on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discipline:
    """One kind of trial, the same for all who take part."""

    name: str
    run: Run
    n: int
    """How many trials each walker has."""
    contenders: tuple[Contender, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The trials of a bench, numbered from 0; call it with a number to run that one.

    Trial k of a discipline draws the same chances for every walker.
    """

    name: str
    seed: int
    disciplines: tuple[Discipline, ...]

    def __len__(self) -> int:
        return sum(d.n * len(d.contenders) for d in self.disciplines)

    def __call__(self, index: int, watch: Watch | None = None) -> Trial:
        """Run a trial and return its record."""
        discipline, contender, k = self.find(index)
        rng = np.random.default_rng([self.seed, zlib.crc32(discipline.name.encode()), k])
        found = discipline.run(contender, rng, k, watch)
        return {"walker": contender.name, "kind": discipline.name, "k": k, **found}

    def find(self, index: int) -> tuple[Discipline, Contender, int]:
        """Return what a trial's number stands for.

        Raises:
            ConfigError: There is no such trial.
        """
        left = index
        for discipline in self.disciplines:
            size = discipline.n * len(discipline.contenders)
            if 0 <= left < size:
                k, who = divmod(left, len(discipline.contenders))
                return discipline, discipline.contenders[who], k
            left -= size
        raise ConfigError(
            f"Trial {index} was asked for; this bench has 0 to {len(self) - 1}.",
            zh=f"没有第 {index} 次试验；本测试只有 0 到 {len(self) - 1}。",
        )

    def run_all(self, out: Path | None, workers: int) -> list[Trial]:
        """Run what is not on record yet and return all trials; see `run_trials`."""
        settings = {
            "bench": self.name,
            "seed": self.seed,
            "disciplines": {
                d.name: {"n": d.n, "walkers": {c.name: c.fingerprint for c in d.contenders}}
                for d in self.disciplines
            },
        }
        return run_trials(self, len(self), out=out, settings=settings, workers=workers)

    def film(self, index: int, path: Path) -> Trial:
        """Run one trial again, film it and return its record.

        Raises:
            ConfigError: There is no such trial, or the file cannot be written.
            BodyError: This machine cannot render.
        """
        discipline, contender, k = self.find(index)
        config = FilmConfig()
        file = VideoFile(path, config)
        frames: list[NDArray[np.float64]] = []
        try:
            trial = self(index, lambda data: frames.append(data.qpos.copy()))
            times = np.arange(0.0, len(frames) * TICK_S, 1.0 / config.fps)
            qpos = np.stack([frames[int(t / TICK_S)] for t in times])
            caption = f"{contender.name}, {discipline.name} {k}"
            take = Take(
                qpos, np.full((len(qpos), 3), np.nan), [f"{caption}, {t:.1f} s" for t in times]
            )
            model = _stage().model
            with Cinema(model, config) as cinema:
                for rgb in cinema.shoot(take, plan_camera(model, take, config)):
                    file.add(rgb)
            file.finish()
        finally:
            file.discard()  # What is not finished by now never will be.
        return trial


def select(trials: Sequence[Trial], contender: Contender, kind: str) -> list[Trial]:
    """Return the trials of a walker in a discipline."""
    return [t for t in trials if t["walker"] == contender.name and t["kind"] == kind]


def _stage() -> MujocoBody:
    """Return the robot with its looks on a floor without end."""
    world = build_world("empty", 0).spec
    world.geom("floor").size = (0.0, 0.0, 0.05)
    put_robot(world, load_g1(), start=(0.0, 0.0, 0.0), standing_height=G1.standing_height)
    return MujocoBody(G1, world)
