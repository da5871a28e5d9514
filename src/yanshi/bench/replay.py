"""`yanshi bench replay`: does the same that was sensed still give the same that is done?

A tape holds one run in a home: every sample of joints and IMU, what the eyes made of every
picture, a few of the pictures themselves, and the sentence. It is played to the mind, the senses,
the skills and the gate as they are now: what is planned, said and written to the motors must be as
it is on the tape, and the eyes must see in its pictures what they saw. Nothing is simulated
meanwhile, so a difference is one of the program, not of the world. `--renew` records anew: on
purpose, after a change that was meant.
"""

import io
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.bodies.mujoco_camera import MujocoCamera
from yanshi.bodies.simulation import simulate
from yanshi.core.errors import ConfigError
from yanshi.core.files import write_whole
from yanshi.core.messages import Image, JointTarget, RobotState, Solid
from yanshi.mind.mind import Mind
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.runtime.episode import Episode, EpisodeConfig
from yanshi.runtime.eyes_process import EyesProcess, Glance
from yanshi.senses.eyes import Detection, Eyes
from yanshi.senses.map_match import MapMatcher, Viewpoint
from yanshi.senses.scene_memory import Surfaces
from yanshi.worlds.floor_plan import FloorPlan

TAPE = Path(__file__).with_name("data") / "replay.npz"
WORLD, SEED = "home", 1
SENTENCE = "转向桌子，看看桌上有什么，然后挥挥手"
ANGLES_RAD = 1e-3
"""Targets that differ by less are the same: networks round otherwise on other processors."""
SEEN_M, SURE = 0.01, 0.02
"""The same for where a thing is seen, m, and how surely."""
PICTURES = 3
"""As many are kept: of each third of the run the one that shows most."""
MM = 1e-3
"""Depths are kept in whole millimetres."""
POLICY_S, REFLEX_S = 0.02, 0.002
TIMING = ("senses_late", "mind_late")
"""Faults that tell of this machine's speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """What the robot made of what it sensed."""

    plan: list[str]
    said: list[str]
    steps: list[dict[str, Any]]
    faults: dict[str, int]
    seen: list[str]
    targets: NDArray[np.float32] = field(repr=False)
    """What was written to the motors at each policy tick, rad, shape (n, joints)."""
    detections: list[list[dict[str, Any]]]
    """What the eyes find in each of the pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """What was sensed in one run, and what was done."""

    sentence: str
    states: Mapping[str, NDArray[Any]]
    """The fields of `RobotState`, each with a row per sample."""
    glances: list[dict[str, Any]]
    depths: NDArray[np.uint16]
    """Of each glance's surfaces, mm, shape (n, rows, columns)."""
    pictures: NDArray[np.uint8]
    """Shape (pictures, height, width, 3)."""
    picture_depths: NDArray[np.uint16]
    focal_length_px: float
    deeds: Deeds

    def save(self, path: Path) -> None:
        """Write the tape as one compressed file."""
        deeds = asdict(self.deeds)
        arrays: dict[str, Any] = {f"state_{n}": values for n, values in self.states.items()}
        arrays["targets"] = deeds.pop("targets")
        arrays |= {name: getattr(self, name) for name in ("depths", "pictures", "picture_depths")}
        text = json.dumps(
            {
                "sentence": self.sentence,
                "glances": self.glances,
                "focal_length_px": self.focal_length_px,
                "deeds": deeds,
            },
            ensure_ascii=False,
        )
        arrays["text"] = np.frombuffer(text.encode(), np.uint8)
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        write_whole(path, content.getvalue())

    @classmethod
    def load(cls, path: Path) -> "Tape":
        """Read a tape.

        Raises:
            ConfigError: There is none, or it is not one.
        """
        try:
            with np.load(path) as arrays:
                text = json.loads(arrays["text"].tobytes())
                deeds = Deeds(**text.pop("deeds"), targets=arrays["targets"])
                names = [f.name for f in fields(RobotState)]
                states = {name: arrays[f"state_{name}"] for name in names}
                kept = ("depths", "pictures", "picture_depths")
                return cls(**text, **{n: arrays[n] for n in kept}, states=states, deeds=deeds)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"A recorded run was to be read from {path}: {error}. "
                "`yanshi bench replay --renew` records one."
            ) from error

    def image(self, index: int) -> Image:
        """Return one of the pictures."""
        return Image(
            t_ns=0,
            rgb=self.pictures[index],
            depth=(self.picture_depths[index] * MM).astype(np.float32),
            focal_length_px=self.focal_length_px,
        )


class TapedBody(MujocoBody):
    """A simulated robot that keeps every sample that is read of it."""

    def __init__(self, body: MujocoBody) -> None:
        self.__dict__.update(body.__dict__)
        self.samples: list[RobotState] = []

    def read(self) -> RobotState:
        self.samples.append(super().read())
        return self.samples[-1]


class TapedEyes(EyesProcess):
    """Eyes that keep every glance, and how the world was."""

    def __init__(self) -> None:
        super().__init__()
        self.glances: list[Glance] = []
        self.poses: list[NDArray[np.float64]] = []

    def look(self, t_ns: int, qpos: NDArray[np.float64], *args: Any, **options: Any) -> None:
        self.poses.append(qpos.copy())
        super().look(t_ns, qpos, *args, **options)

    def collect(self, timeout_s: float) -> Glance | None:
        glance = super().collect(timeout_s)
        if glance is not None:
            self.glances.append(glance)
        return glance


class PlayedBody(MujocoBody):
    """A robot whose sensors tell what is on a tape, and which keeps what is written to it."""

    def __init__(self, body: MujocoBody, states: Mapping[str, NDArray[Any]]) -> None:
        self.__dict__.update(body.__dict__)
        self._states = states
        self._time_s = 0.0
        self.written: list[NDArray[np.float64]] = []

    def read(self) -> RobotState:
        """Return the newest sample that there was by now."""
        now_ns = round(self._time_s * 1e9)
        last = int(np.searchsorted(self._states["t_ns"], now_ns, side="right")) - 1
        row = {name: values[max(last, 0)] for name, values in self._states.items()}
        return RobotState(**{**row, "t_ns": int(row["t_ns"])})

    def write(self, target: JointTarget) -> None:
        self.written.append(target.position)

    def stop(self) -> None:
        self.written.append(np.full(len(self.robot.joint_names), np.nan))

    def advance(self, duration_s: float) -> None:
        self._time_s += duration_s


class PlayedEyes:
    """Eyes that tell what is on a tape, compared with a map; dark where nothing is on it."""

    def __init__(self, tape: Tape, plan: FloorPlan) -> None:
        self._matcher = MapMatcher(plan)
        pairs = zip(tape.glances, tape.depths, strict=True)
        self._glances = {kept["t_ns"]: _glance(kept, depth) for kept, depth in pairs}
        focal_length = tape.glances[0]["focal_length"]
        self._dark = Surfaces(
            depth=np.zeros(tape.depths.shape[1:], np.float32), focal_length=focal_length
        )
        self._asked: list[tuple[int, Viewpoint]] = []
        self.pending = 0

    def look(
        self, t_ns: int, qpos: NDArray[np.float64], viewpoint: Viewpoint, *, want_rgb: bool = False
    ) -> None:
        self._asked.append((t_ns, viewpoint))
        self.pending += 1

    def collect(self, timeout_s: float) -> Glance | None:
        t_ns, viewpoint = self._asked.pop(0)
        self.pending -= 1
        dark = Glance(
            t_ns=t_ns,
            detections=(),
            solids=(),
            surfaces=self._dark,
            match=None,
            took_ms=0.0,
            rgb=None,
        )
        glance = self._glances.get(t_ns, dark)
        match = self._matcher.explain(glance.surfaces, glance.detections, viewpoint)
        return replace(glance, match=match)


def _glance(kept: Mapping[str, Any], depth: NDArray[np.uint16]) -> Glance:
    return Glance(
        t_ns=kept["t_ns"],
        detections=tuple(Detection(**_tuples(d)) for d in kept["detections"]),
        solids=tuple(s and Solid(**_tuples(s)) for s in kept["solids"]),
        surfaces=Surfaces(depth=(depth * MM).astype(np.float32), focal_length=kept["focal_length"]),
        match=None,
        took_ms=0.0,
        rgb=None,
    )


def _tuples(record: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}


def _millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.clip(np.round(depth / MM), 0, 65535).astype(np.uint16)


def record(mind: Mind) -> Tape:
    """Let the robot do the sentence in its home, and return the tape."""
    simulation = simulate(WORLD, SEED)
    body = TapedBody(simulation.body)
    eyes = TapedEyes()
    try:
        eyes.enter(WORLD, SEED)
        mind.know(simulation.floor_plan)
        eyes.wait_ready()
        mind.wait_ready()
        Episode(replace(simulation, body=body), mind, eyes).run(SENTENCE)
    finally:
        eyes.close()
    with MujocoCamera(body.model, HEAD_CAMERA) as camera:
        counts = np.array([len(glance.detections) for glance in eyes.glances])
        parts = np.array_split(np.arange(len(counts)), PICTURES)
        chosen = [part[counts[part].argmax()] for part in parts]
        images = [camera.capture_at(eyes.poses[index], 0) for index in chosen]
        pictures = np.stack([image.rgb.copy() for image in images])
        picture_depths = np.stack([_millimetres(image.depth) for image in images])
    states = {
        f.name: np.array(
            [getattr(sample, f.name) for sample in body.samples],
            dtype=np.int64 if f.name == "t_ns" else np.float32,
        )
        for f in fields(RobotState)
    }
    glances = [
        {
            "t_ns": glance.t_ns,
            "detections": [asdict(d) for d in glance.detections],
            "solids": [s and asdict(s) for s in glance.solids],
            "focal_length": glance.surfaces.focal_length,
        }
        for glance in eyes.glances
    ]
    tape = Tape(
        sentence=SENTENCE,
        states=states,
        glances=json.loads(json.dumps(glances)),
        depths=np.stack([_millimetres(glance.surfaces.depth) for glance in eyes.glances]),
        pictures=pictures,
        picture_depths=picture_depths,
        focal_length_px=images[0].focal_length_px,
        deeds=NOTHING,
    )
    return replace(tape, deeds=play(tape, mind))


NOTHING = Deeds(
    plan=[],
    said=[],
    steps=[],
    faults={},
    seen=[],
    targets=np.empty((0, 0), np.float32),
    detections=[],
)


def play(tape: Tape, mind: Mind) -> Deeds:
    """Let mind, senses, skills and gate take in what is on a tape, and return what they do."""
    simulation = simulate(WORLD, SEED)
    body = PlayedBody(simulation.body, tape.states)
    mind.know(simulation.floor_plan)
    mind.wait_ready()
    longest_s = float(tape.states["t_ns"][-1]) * 1e-9
    episode = Episode(
        replace(simulation, body=body),
        mind,
        PlayedEyes(tape, simulation.floor_plan),
        config=EpisodeConfig(longest_s=longest_s, is_obeyed=False),
    )
    result = episode.run(tape.sentence)
    eyes = Eyes()
    found = [eyes.detect(tape.image(index)) for index in range(len(tape.pictures))]
    ticks = round(POLICY_S / REFLEX_S)
    return Deeds(
        plan=result.plan,
        said=result.said,
        steps=[asdict(step) for step in result.steps],
        faults={name: count for name, count in result.faults.items() if name not in TIMING},
        seen=result.seen,
        targets=np.array(body.written[::ticks], dtype=np.float32),
        detections=json.loads(json.dumps([[asdict(d) for d in some] for some in found])),
    )


def differences(tape: Tape, deeds: Deeds) -> list[str]:
    """Return in which ways what was done differs from what is on the tape."""
    found = []
    for name in ("plan", "said", "steps", "faults", "seen"):
        before, now = getattr(tape.deeds, name), getattr(deeds, name)
        if before != now:
            found.append(f"{name}: was {before}, is {now}")
    before, now = tape.deeds.targets, deeds.targets
    if before.shape != now.shape:
        found.append(f"targets: were {before.shape[0]}, are {now.shape[0]}")
    else:
        off = np.abs(before - now).max(axis=1)
        # Written so that what is no number differs, too.
        bad = np.flatnonzero(~(off <= ANGLES_RAD))
        if len(bad):
            joint = G1.joint_names[int(np.abs(before - now)[bad[0]].argmax())]
            found.append(
                f"targets: {len(bad)} of {len(off)} differ, the first after "
                f"{bad[0] * POLICY_S:.2f} s, {joint} by {off[bad[0]]:.4f} rad"
            )
    for index, (were, are) in enumerate(zip(tape.deeds.detections, deeds.detections, strict=True)):
        if not _are_alike(were, are):
            found.append(f"picture {index}: was {_names(were)}, is {_names(are)}")
    return found


def _are_alike(were: list[dict[str, Any]], are: list[dict[str, Any]]) -> bool:
    if len(were) != len(are):
        return False

    def order(seen: dict[str, Any]) -> tuple[Any, ...]:
        return seen["kind"], seen["colour"], *np.round(seen["position_in_camera"], 1)

    for a, b in zip(sorted(were, key=order), sorted(are, key=order), strict=True):
        apart = np.linalg.norm(np.subtract(a["position_in_camera"], b["position_in_camera"]))
        is_named = (a["kind"], a["colour"]) == (b["kind"], b["colour"])
        if not is_named or apart > SEEN_M or abs(a["confidence"] - b["confidence"]) > SURE:
            return False
    return True


def _names(seen: list[dict[str, Any]]) -> list[str]:
    return [f"{d['colour']} {d['kind']}".strip() for d in seen]


def bench_replay(path: Path = TAPE, *, renew: bool = False) -> int:
    """Play the tape and print what differs, or record it anew; return 1 when something differs."""
    with closing(Mind()) as mind:
        tape = record(mind) if renew else Tape.load(path)
        if renew:
            tape.save(path)
        found = differences(tape, play(tape, mind))
    for line in found:
        print(f"✘ {line}")
    if not found:
        seconds = tape.states["t_ns"][-1] * 1e-9
        print(f"✔ {tape.sentence}: {'; '.join(tape.deeds.plan)}: {seconds:.1f} s as recorded")
    return int(bool(found))
