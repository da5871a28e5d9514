"""Train the eyes on the robot's own renders, on the CPU, in about an hour.

`train_eyes` makes the pictures, trains on crops of them, writes the network for ONNX Runtime
with its record, and looks with it at homes it has never seen. It begins with noise or with eyes
that see already. Interrupted, it goes on from its last checkpoint.
"""

import hashlib
import json
import platform
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from yanshi.core.errors import ConfigError
from yanshi.core.messages import Image
from yanshi.robots.g1.spec import HEAD_CAMERA
from yanshi.senses.eyes import WEIGHTS, Eyes
from yanshi.senses.sight_score import CLEAR_SHARE, NEAR_M, Score, TrueThing, score_picture
from yanshi.train.eyes_network import (
    Deployed,
    EyesNetwork,
    nearest_in_cells,
    picture_channels,
)
from yanshi.train.eyes_pictures import (
    DEPTH_UNIT_M,
    PicturesConfig,
    Shard,
    load_shard,
    make_pictures,
    world_of,
)
from yanshi.train.eyes_targets import Batch, Crop, Targets, losses, make_targets, pixel_of
from yanshi.train.eyes_warm_start import begin_as
from yanshi.worlds.things import COLOURS, KINDS

KINDS_SEEN = [*KINDS, "person"]
COLOURS_SEEN = [*COLOURS, ""]
OPSET = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class EyesTraining:
    """How the eyes are trained."""

    seed: int = 1
    pictures: PicturesConfig = field(default_factory=PicturesConfig)
    validation: PicturesConfig = field(
        default_factory=lambda: PicturesConfig(homes=16, pictures_per_home=36, first_seed=900_000)
    )
    steps: int = 4800
    batch: int = 24
    crop: tuple[int, int] = (192, 256)
    """Height and width of a crop in pixels, multiples of 16."""
    learning_rate: float = 1.5e-3
    """Highest one: the rate rises to it and falls to nothing again."""
    weight_decay: float = 1e-3
    things_share: float = 0.8
    """Share of the crops that are taken around a thing; the others lie anywhere."""
    checkpoint_steps: int = 200


class Crops:
    """Draws random crops from the pictures; the step alone decides which."""

    def __init__(self, shards: list[Shard], config: EyesTraining) -> None:
        self.shards, self.config = shards, config
        self._index = [(s, p) for s, shard in enumerate(shards) for p in range(len(shard.rgb))]
        self._sights = [
            [shard.sights[shard.sights["picture"] == p] for p in range(len(shard.rgb))]
            for shard in shards
        ]

    @torch.no_grad()
    def draw(self, step: int) -> Batch:
        """Return the batch of one step."""
        rng = np.random.default_rng([self.config.seed, step])
        height, width = self.config.crop
        n = self.config.batch
        rgb = np.empty((n, height, width, 3), np.uint8)
        depth = np.empty((n, height, width), np.float32)
        crops, sights = [], []
        for k, choice in enumerate(rng.integers(len(self._index), size=n)):
            shard, picture = self._index[choice]
            seen = self._sights[shard][picture]
            crop = self._place_crop(seen, rng)
            rows = slice(crop.top, crop.top + height)
            columns = slice(crop.left, crop.left + width)
            rgb[k] = self.shards[shard].rgb[picture, rows, columns]
            depth[k] = self.shards[shard].depth[picture, rows, columns] * DEPTH_UNIT_M
            crops.append(crop)
            sights.append(seen)
        targets = make_targets(crops, sights)
        colours, metres = torch.from_numpy(rgb), torch.from_numpy(depth)
        colours, metres, targets = vary(colours, metres, rng, targets)
        channels = picture_channels(colours, metres).to(memory_format=torch.channels_last)
        return Batch(channels, nearest_in_cells(metres), targets)

    def _place_crop(self, seen: NDArray[np.void], rng: np.random.Generator) -> Crop:
        height, width = self.config.crop
        spare = np.array([HEAD_CAMERA.height - height, HEAD_CAMERA.width - width])
        corner = rng.integers(spare + 1)
        if len(seen) and rng.random() < self.config.things_share:
            column, row = pixel_of(seen[rng.integers(len(seen))]["position"])
            shift = rng.uniform(-0.4, 0.4, 2) * (height, width)
            middle = np.array([row, column]) + shift
            corner = np.clip(np.round(middle - np.array([height, width]) / 2), 0, spare)
        # Whole cells, so that a crop is cut where the picture's own cells begin.
        top, left = (int(c) // 4 * 4 for c in corner)
        return Crop(top, left, height, width)


def vary(
    rgb: Tensor, depth: Tensor, rng: np.random.Generator, targets: Targets
) -> tuple[Tensor, Tensor, Targets]:
    """Vary light and colour temperature, add noise to both, and mirror half of the crops."""
    n = len(rgb)

    def draw(low: float, high: float, *shape: int) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, shape).astype(np.float32))

    shade = rgb.float() / 255.0
    shade = shade ** draw(0.8, 1.25, n, 1, 1, 1)
    shade = shade * draw(0.75, 1.2, n, 1, 1, 1) * draw(0.94, 1.06, n, 1, 1, 3)
    noise = torch.from_numpy(rng.standard_normal(rgb.shape, dtype=np.float32))
    shade = shade + noise * draw(0.0, 0.02, n, 1, 1, 1)
    jitter = torch.from_numpy(rng.standard_normal(depth.shape, dtype=np.float32))
    depth = depth + jitter * depth * draw(0.0, 0.0015, n, 1, 1)
    mirrored = torch.from_numpy(rng.random(n) < 0.5)
    shade = torch.where(mirrored[:, None, None, None], shade.flip(2), shade)
    depth = torch.where(mirrored[:, None, None], depth.flip(2), depth)
    return shade.clamp(0.0, 1.0) * 255.0, depth, mirror(targets, mirrored)


def mirror(targets: Targets, mirrored: Tensor) -> Targets:
    """Return the targets of the mirrored crops."""
    flip = mirrored[:, None, None]
    is_flipped = mirrored[targets.cells[:, 0]]
    cells, offset = targets.cells.clone(), targets.offset.clone()
    width = targets.presence.shape[2]
    cells[:, 2] = torch.where(is_flipped, width - 1 - cells[:, 2], cells[:, 2])
    offset[:, 0] = torch.where(is_flipped, -offset[:, 0], offset[:, 0])
    return replace(
        targets,
        presence=torch.where(flip, targets.presence.flip(2), targets.presence),
        counts=torch.where(flip, targets.counts.flip(2), targets.counts),
        cells=cells,
        offset=offset,
    )


class Training:
    """The state of a training run, which can be saved and taken up again."""

    def __init__(self, config: EyesTraining, shards: list[Shard]) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.crops = Crops(shards, config)
        self._drawing = ThreadPoolExecutor(1)  # The next batch is made while this one is learnt.
        self._next: Future[Batch] | None = None
        self.network = EyesNetwork(len(KINDS_SEEN), len(COLOURS_SEEN))
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, config.learning_rate, total_steps=config.steps, pct_start=0.08
        )
        self.step = 0
        self.seconds = 0.0
        """How long all sessions took together, pictures included."""
        self.curve: list[dict[str, float]] = []

    def begin_as(self, path: Path) -> None:
        """Begin as the eyes in a file, looking at a batch that is never learnt."""
        batch = self.crops.draw(self.config.steps + 1)
        begin_as(self.network, path, KINDS_SEEN, COLOURS_SEEN, batch.channels)

    def advance(self) -> dict[str, float]:
        """Take one step and return the parts of the loss."""
        self.network.train()
        drawing = self._next or self._drawing.submit(self.crops.draw, self.step)
        self._next = self._drawing.submit(self.crops.draw, self.step + 1)
        batch = drawing.result()
        parts = losses(self.network(batch.channels), batch.near, batch.targets, len(KINDS_SEEN))
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        return {name: float(part.detach()) for name, part in parts.items()}

    def save(self, path: Path) -> None:
        """Write a checkpoint, under its name only when whole."""
        partial = path.with_suffix(".partial")
        parts = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "curve": self.curve,
            "config": json.dumps(asdict(self.config)),
        }
        torch.save(parts, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            ConfigError: It was made with another configuration.
        """
        parts: dict[str, Any] = torch.load(path, weights_only=True)
        wanted = json.dumps(asdict(self.config))
        if parts["config"] != wanted:
            raise ConfigError(
                f"{path} belongs to a training with {parts['config']}, this one has {wanted}. "
                "Name another --work folder, or remove that one."
            )
        for name in ("network", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(parts[name])
        self.step, self.curve, self.seconds = parts["step"], parts["curve"], parts["seconds"]
        self._next = None


def train_eyes(
    config: EyesTraining,
    work: Path,
    out: Path = WEIGHTS,
    after: Path | None = None,
    threads: int = 2,
) -> dict[str, Any]:
    """Train the eyes, from the last checkpoint in `work` if there is one.

    Args:
        config: How; a run of another configuration needs another `work`.
        work: Folder for pictures (about 6.5 GB) and checkpoints.
        out: Where the network goes; its record and curve go beside it.
        after: Eyes to begin as; noise if None.
        threads: How many compute a step, and how many homes are photographed at a time.

    Returns:
        The record: configuration, command, duration, curve and figures on unseen homes.
    """
    began = time.monotonic()
    console = Console(stderr=True)
    torch.set_num_threads(threads)
    digest = hashlib.sha256(after.read_bytes()).hexdigest() if after else ""
    shards, unseen = (
        [load_shard(path) for path in make_pictures(work / "pictures", wanted, *_names(), threads)]
        for wanted in (config.pictures, config.validation)
    )
    console.print(f"Pictures are there after {time.monotonic() - began:.0f} s.")
    training = Training(config, shards)
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        training.load(checkpoint)
        console.print(f"Going on from step {training.step}.")
    elif after:
        training.begin_as(after)
    _run(training, checkpoint, console, began - training.seconds)
    export(training.network, out)
    worlds = [world_of(config.validation.first_seed + k) for k in range(len(unseen))]
    figures = {
        world: evaluate(Eyes(out), [s for s, w in zip(unseen, worlds, strict=True) if w == world])
        for world in sorted(set(worlds))
    }
    record = _record(config, training, figures, digest)
    text = json.dumps(record, indent=1, ensure_ascii=False)
    out.with_suffix(".json").write_text(text + "\n", encoding="utf8")
    plot_curve(training.curve, out.with_suffix(".png"))
    console.print(figures)
    return record


def _names() -> tuple[list[str], list[str]]:
    return KINDS_SEEN, COLOURS_SEEN


def _run(training: Training, checkpoint: Path, console: Console, began: float) -> None:
    recent: list[dict[str, float]] = []
    loss = ""
    columns = (TextColumn("training"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(
        *columns, TimeRemainingColumn(), TextColumn("{task.fields[loss]}"), console=console
    ) as progress:
        task = progress.add_task("", total=training.config.steps, loss="")
        progress.update(task, completed=training.step)
        while training.step < training.config.steps:
            recent.append(training.advance())
            progress.update(task, completed=training.step)
            is_last = training.step == training.config.steps
            if training.step % 50 == 0 or is_last:
                parts = {name: float(np.mean([r[name] for r in recent])) for name in recent[0]}
                training.curve.append({"step": training.step, **parts})
                loss = " ".join(f"{name} {value:.3f}" for name, value in parts.items())
                progress.update(task, loss=loss)
                recent = []
            if training.step % training.config.checkpoint_steps == 0 or is_last:
                training.seconds = time.monotonic() - began
                training.save(checkpoint)
                console.log(f"step {training.step}: {loss}")


def export(network: EyesNetwork, out: Path) -> None:
    """Write the network for ONNX Runtime, with what it can tell apart in its metadata."""
    height, width = HEAD_CAMERA.height, HEAD_CAMERA.width
    example = (torch.zeros(1, height, width, 3, dtype=torch.uint8), torch.ones(1, height, width))
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    partial = out.with_suffix(".partial")
    torch.onnx.export(
        Deployed(network).eval(),
        example,
        str(partial),
        dynamo=False,
        opset_version=OPSET,
        input_names=["rgb", "depth"],
        output_names=["presence", "offset", "near", "kind", "colour"],
    )
    model = onnx.load(str(partial))
    facts = {"kinds": KINDS_SEEN, "colours": COLOURS_SEEN, "shape": [height, width]}
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=json.dumps(value))
    onnx.save(model, str(partial))
    partial.replace(out)


def evaluate(eyes: Eyes, shards: list[Shard]) -> dict[str, float]:
    """Return recall, precision and errors on pictures, in the words of `bench eyes`."""
    scores = []
    for shard in shards:
        for picture in range(len(shard.rgb)):
            image = Image(
                t_ns=0,
                rgb=shard.rgb[picture],
                depth=shard.depth[picture] * np.float32(DEPTH_UNIT_M),
                focal_length_px=HEAD_CAMERA.focal_length_px,
            )
            seen = shard.sights[shard.sights["picture"] == picture]
            things = [true_thing(sight) for sight in seen]
            scores.append(score_picture(eyes.detect(image), things))
    return summarise(scores)


def true_thing(sight: np.void) -> TrueThing:
    """Return one row of a shard as the truth that detections are held against."""
    x, y, z = (float(value) for value in sight["position"])
    column, row = pixel_of(sight["position"])
    inside = 4 <= column < HEAD_CAMERA.width - 4 and 4 <= row < HEAD_CAMERA.height - 4
    share = sight["visible_px"] / max(sight["alone_px"], 1)
    return TrueThing(
        kind=KINDS_SEEN[sight["kind"]],
        colour=COLOURS_SEEN[sight["colour"]],
        position_in_camera=(x, y, z),
        is_clear=bool(inside and share >= CLEAR_SHARE),
    )


def summarise(scores: list[Score]) -> dict[str, float]:
    """Return the figures of many pictures."""
    near = [m for s in scores for m in s.matches if m.thing.distance <= NEAR_M]
    things = [m for m in near if m.thing.kind != "person" and m.thing.is_clear]
    people = [m for m in near if m.thing.kind == "person" and m.thing.is_clear]
    found = [m for m in things if m.detection]
    told = [m for m in near if m.detection]
    phantoms = [
        d for s in scores for d in s.phantoms if np.linalg.norm(d.position_in_camera) <= NEAR_M
    ]
    share = [m.error_share for m in found]
    return {
        "pictures": len(scores),
        "clear_things": len(things),
        "recall": sum(m.is_named_right for m in things) / max(len(things), 1),
        "found_by_any_name": len(found) / max(len(things), 1),
        "people_recall": sum(m.is_named_right for m in people) / max(len(people), 1),
        "precision": sum(m.is_named_right for m in told) / max(len(told) + len(phantoms), 1),
        "phantoms_per_picture": len(phantoms) / max(len(scores), 1),
        "error_share_p90": float(np.percentile(share, 90)) if share else float("nan"),
        "error_m_median": float(np.median([m.error for m in found])) if found else float("nan"),
    }


def _record(
    config: EyesTraining, training: Training, figures: dict[str, dict[str, float]], digest: str
) -> dict[str, Any]:
    return {
        "command": " ".join(["yanshi", *sys.argv[1:]]),
        "licence": "Apache-2.0; trained on this project's own renders alone",
        "parameters": sum(p.numel() for p in training.network.parameters()),
        "config": asdict(config),
        "after_sha256": digest,
        "duration_s": round(training.seconds),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "figures_on_unseen_homes": figures,
        "curve": training.curve,
    }


def plot_curve(curve: list[dict[str, float]], path: Path) -> None:
    """Draw the parts of the loss over the steps."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    for name in curve[0]:
        if name != "step":
            axes.plot([row["step"] for row in curve], [row[name] for row in curve], label=name)
    axes.set(xlabel="step", ylabel="loss", yscale="log", title="Training the eyes")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
