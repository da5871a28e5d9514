"""Pictures to train the eyes with: homes from seeds, furnished anew for every picture.

Building a home is slow and rendering is fast, so each home gets two dozen more things and is
photographed many times: other things on its table and shelf each time, another stand and
pose of the robot, other light. Every other home is one of the world `tidy`, with a tray, where
things stand close together and most pictures are taken from as near as a hand reaches.
Everything is drawn by the camera that the robot uses.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from yanshi.bodies.mujoco_camera import MujocoCamera
from yanshi.bodies.mujoco_truth import Sight, TruthCamera
from yanshi.bodies.standing_pose import sample_pose, sample_reach
from yanshi.robots.g1.model import add_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.train.eyes_clutter import arrange_closely, surfaces_of
from yanshi.worlds.floor_plan import Place
from yanshi.worlds.home import Home, build_home, find_spot
from yanshi.worlds.person import PERSON_MIDDLE_M
from yanshi.worlds.things import KINDS, THING_KINDS, PlacedThing, add_thing, kind_of
from yanshi.worlds.tidy import SURFACES, build_tidy
from yanshi.worlds.viewpoints import sample_near_stand, sample_stand

DEPTH_UNIT_M = 2e-4
"""Depth is kept as 16-bit steps of this size."""
MORE_OF_EACH_KIND = 2
NEAR_SHARE = 0.75
"""How often the robot stands as if to take something, in homes of the world `tidy`."""
TRAYS = (0.1, 0.65, 0.25)
BOWLS = (0.3, 0.5, 0.2)
"""How often none, one or two of them are to be seen there."""
PARKED_Z = -6.0
"""Things that are not in the picture wait below the floor."""

SIGHT = np.dtype(
    [
        ("picture", np.int32),
        ("kind", np.int16),
        ("colour", np.int16),
        ("position", np.float32, 3),
        ("visible_px", np.int32),
        ("alone_px", np.int32),
    ]
)
"""One thing in one picture: kind and colour as indices, the middle in the camera frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesConfig:
    """How many pictures, and of what."""

    homes: int = 176
    """Half of them of the world `home`, half of `tidy`; see `world_of`."""
    pictures_per_home: int = 40
    first_seed: int = 500_000
    """Seeds of the homes start here, far from those of benches and runs."""


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """The pictures of one home."""

    rgb: NDArray[np.uint8]
    """Shape (n, height, width, 3)."""
    depth: NDArray[np.uint16]
    """In `DEPTH_UNIT_M`, shape (n, height, width)."""
    sights: NDArray[np.void]
    """What they show, of type `SIGHT`."""


class Studio:
    """A home with things to move about, a robot to look with and a truth to learn from."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([seed, 0x45796573])
        self.is_tidy = world_of(seed) == "tidy"
        self.home: Home = build_tidy(seed) if self.is_tidy else build_home(seed)
        self.things = [*self.home.things, *self._more_things()]
        add_g1(self.home.spec)
        self.model = self.home.spec.compile()
        self.data = mujoco.MjData(self.model)
        self.camera = MujocoCamera(self.model, HEAD_CAMERA)
        self.truth = TruthCamera(self.model, HEAD_CAMERA)
        self._root = int(self.model.joint("pelvis").qposadr[0])
        self._joints = [int(self.model.joint(name).qposadr[0]) for name in G1.joint_names]
        self._lamps = self.model.light_diffuse.copy(), self.model.light_pos.copy()
        self._materials = self.model.mat_rgba.copy()
        self._ambient = np.array(self.model.vis.headlight.ambient)

    def photograph(self) -> tuple[NDArray[np.uint8], NDArray[np.float32], list[Sight]]:
        """Arrange everything anew and return colours, depth in m, and what is to be seen."""
        if self.is_tidy:
            self._arrange_tidy()
        else:
            self._arrange_home()
        image = self.camera.capture_at(self.data.qpos, 0)
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)
        middles = {thing.body: 0.0 for thing in self.things if self._is_out(thing)}
        middles[self.home.person] = PERSON_MIDDLE_M
        return image.rgb, image.depth, self.truth.look(self.data, middles, alone=True)

    def close(self) -> None:
        """Release both renderers."""
        self.camera.close()
        self.truth.close()

    def _more_things(self) -> list[PlacedThing]:
        more = []
        for kind in KINDS if self.is_tidy else THING_KINDS:
            for index in range(MORE_OF_EACH_KIND):
                colour = str(self.rng.choice(kind_of(kind).colours))
                more.append(
                    add_thing(
                        self.home.spec,
                        kind,
                        colour,
                        position=(0.0, 0.0, 0.5),
                        yaw=0.0,
                        rng=self.rng,
                        body=f"more_{kind}_{index}",
                    )
                )
        return more

    def _thing_qpos(self, thing: PlacedThing) -> int:
        return int(self.model.joint(thing.body).qposadr[0])

    def _is_out(self, thing: PlacedThing) -> bool:
        return bool(self.data.qpos[self._thing_qpos(thing) + 2] > PARKED_Z + 1.0)

    def _arrange_home(self) -> None:
        """Put things here and there; the robot stands anywhere."""
        self._arrange_things()
        person = self._move_person()
        self._change_light()
        self._pose_robot(sample_stand(self.home.floor_plan, person, self.rng))

    def _arrange_tidy(self) -> None:
        """Put things close together; the robot stands mostly as if to take one of them."""
        rng, plan = self.rng, self.home.floor_plan
        places = surfaces_of(plan)
        shares = np.array([SURFACES[p.name] / len(p.surface_heights) for p in places])
        focus = places[rng.choice(len(places), p=shares / shares.sum())]
        for thing in self.things:
            self._put(thing, np.array([0.0, 0.0, PARKED_Z]), 0.0)
        for spot in arrange_closely(self._choose_things(), plan, focus, rng):
            self._put(spot.thing, spot.middle, spot.yaw)
        person = self._move_person()
        self._change_light()
        stand = sample_near_stand(plan, focus, person, rng)
        if stand is not None and rng.random() < NEAR_SHARE:
            self._set_pose(*sample_reach(stand, rng))
        else:
            self._pose_robot(sample_stand(plan, person, rng))

    def _choose_things(self) -> list[PlacedThing]:
        """Return up to two trays, up to two bowls and 7 to 16 other things in some order."""
        rng = self.rng
        shuffled = [self.things[k] for k in rng.permutation(len(self.things))]
        chosen: list[PlacedThing] = []
        for kind, how_many in (("tray", TRAYS), ("bowl", BOWLS)):
            count = int(rng.choice(len(how_many), p=how_many))
            chosen += [thing for thing in shuffled if thing.kind == kind][:count]
        others = [thing for thing in shuffled if thing.kind not in ("tray", "bowl")]
        return chosen + others[: int(rng.integers(7, 17))]

    def _put(self, thing: PlacedThing, middle: NDArray[np.float64], yaw: float) -> None:
        at = self._thing_qpos(thing)
        self.data.qpos[at : at + 7] = (*middle, np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2))

    def _arrange_things(self) -> None:
        rng = self.rng
        places = [place for place in self.home.floor_plan.places if place.has_surface]
        shares = np.array([{"table": 0.6, "shelf": 0.33}.get(p.name, 0.07) for p in places])
        taken: list[tuple[NDArray[np.float64], float]] = []
        count = int(rng.integers(7, 17))
        out = set(rng.choice(len(self.things), count, replace=False).tolist())
        for index, thing in enumerate(self.things):
            self._put(thing, np.array([0.0, 0.0, PARKED_Z]), 0.0)
            if index not in out:
                continue
            place: Place = places[rng.choice(len(places), p=shares / shares.sum())]
            spot = find_spot(place, thing.radius, taken, rng)
            if spot is None:
                continue
            taken.append((spot[:2], thing.radius))
            kind = THING_KINDS[thing.kind]
            spot[2] += kind.half_height * thing.radius / kind.radius
            self._put(thing, spot, float(rng.uniform(-np.pi, np.pi)))

    def _move_person(self) -> tuple[float, float]:
        """Put the person somewhere in the room, and turn it."""
        plan, rng = self.home.floor_plan, self.rng
        body = self.model.body(self.home.person).id
        x, y, _ = sample_stand(plan, None, rng)
        yaw = rng.uniform(-np.pi, np.pi)
        self.model.body_pos[body, :2] = x, y
        self.model.body_quat[body] = (np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2))
        return x, y

    def _change_light(self) -> None:
        rng, (diffuse, position) = self.rng, self._lamps
        tint = rng.uniform(0.93, 1.07, 3)
        self.model.light_diffuse[:] = np.clip(diffuse * rng.uniform(0.6, 1.35) * tint, 0.0, 1.0)
        self.model.light_pos[:] = position + rng.normal(0.0, 0.4, position.shape)
        self.model.vis.headlight.ambient[:] = self._ambient * rng.uniform(0.75, 1.25)
        shade = rng.uniform(0.75, 1.1, (len(self._materials), 3))
        self.model.mat_rgba[:, :3] = np.clip(self._materials[:, :3] * shade, 0.0, 1.0)

    def _pose_robot(self, stand: tuple[float, float, float]) -> None:
        self._set_pose(*sample_pose(G1, stand, self.rng))

    def _set_pose(self, root: NDArray[np.float64], joints: NDArray[np.float64]) -> None:
        self.data.qpos[self._root : self._root + 7] = root
        self.data.qpos[self._joints] = joints


def world_of(seed: int) -> str:
    """Say which world a home for pictures is one of."""
    return "tidy" if seed % 2 else "home"


def make_shard(folder: Path, seed: int, count: int, kinds: list[str], colours: list[str]) -> None:
    """Photograph one home `count` times and write the shard, under its name only when whole."""
    studio = Studio(seed)
    names = {thing.body: (thing.kind, thing.colour) for thing in studio.things}
    names[studio.home.person] = ("person", "")
    shape = (count, HEAD_CAMERA.height, HEAD_CAMERA.width)
    rgb, depth = np.empty((*shape, 3), np.uint8), np.empty(shape, np.uint16)
    rows = []
    for picture in range(count):
        rgb[picture], metres, sights = studio.photograph()
        depth[picture] = np.clip(np.round(metres / DEPTH_UNIT_M), 0, 65535)
        for sight in sights:
            kind, colour = names[sight.body]
            rows.append(
                (
                    picture,
                    kinds.index(kind),
                    colours.index(colour),
                    sight.position_in_camera,
                    sight.visible_px,
                    sight.alone_px,
                )
            )
    studio.close()
    partial = folder.with_suffix(".partial")
    partial.mkdir(exist_ok=True)
    np.save(partial / "rgb.npy", rgb)
    np.save(partial / "depth.npy", depth)
    np.save(partial / "sights.npy", np.array(rows, dtype=SIGHT))
    partial.rename(folder)


def make_pictures(
    folder: Path, config: PicturesConfig, kinds: list[str], colours: list[str], processes: int = 1
) -> list[Path]:
    """Make the shards that are not there yet, some at a time, and return all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"home_{config.first_seed + k}" for k in range(config.homes)]
    todo = [(path, config.first_seed + k) for k, path in enumerate(paths) if not path.exists()]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        jobs = [
            pool.submit(make_shard, path, seed, config.pictures_per_home, kinds, colours)
            for path, seed in todo
        ]
        for job in track(jobs, description="pictures", console=Console(stderr=True)):
            job.result()
    return paths


def load_shard(folder: Path) -> Shard:
    """Open one home's pictures; they are read from disk when looked at."""
    rgb, depth = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("rgb", "depth"))
    return Shard(rgb, depth, np.load(folder / "sights.npy"))
