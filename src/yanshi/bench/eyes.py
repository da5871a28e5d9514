"""How well do the eyes see? Precision, recall and error in homes that they were not trained on.

Each trial is one home, left as it was built. In the world `home` the robot is put where it would
stand before its table, its shelf, its sofa, its person or anywhere; in `tidy`, where it would
take something from a table or a board, with bent knees and its arms in the picture now and
then. The renderer's own knowledge is the judge.
"""

import time
from collections.abc import Callable
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bench.rows import Row, Trial, percentile_row, rate_row, report, run_trials
from yanshi.bodies.mujoco_camera import MujocoCamera
from yanshi.bodies.mujoco_truth import Sight, TruthCamera
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.bodies.standing_pose import sample_pose, sample_reach
from yanshi.core.errors import UnknownNameError
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.senses.eyes import WEIGHTS, Detection, Eyes
from yanshi.senses.scene_memory import SceneMemory, Surfaces
from yanshi.senses.sight_score import CLEAR_SHARE, NEAR_M, Score, TrueThing, score_picture
from yanshi.worlds.person import PERSON_MIDDLE_M
from yanshi.worlds.things import KINDS
from yanshi.worlds.viewpoints import sample_near_stand, sample_stand

FIRST_HOME = 1_000_000
"""Homes are numbered from here: training and development use smaller numbers."""
HOMES_PER_SEED = 10_000
VIEWS_PER_HOME = 4
HAND_M = 0.9
"""Where the robot takes things, they are counted up to this distance from the camera."""
NEAR_PLACES = ("table", "coffee_table", "shelf")


def bench_eyes(
    n: int = 200,
    seed: int = 0,
    out: Path | None = None,
    *,
    world: str = "home",
    weights: Path = WEIGHTS,
) -> int:
    """Look at n homes, print the figures and return the exit code: 1 for a missed target.

    Raises:
        UnknownNameError: There is no bench of the eyes in that world.
        AssetError: There are no weights at that path.
    """
    if world not in STANDS:
        raise UnknownNameError("world for the bench of the eyes", world, STANDS)
    eyes = Eyes(weights)
    trials = run_trials(
        lambda index: look_at_home(eyes, FIRST_HOME + seed * HOMES_PER_SEED + index, world),
        n,
        out=out,
        settings={"bench": "eyes", "seed": seed, "world": world, "weights": weights.name},
    )
    rows = rows_of(trials) if world == "home" else near_rows_of(trials)
    where = {"home": "homes", "tidy": "homes, from where hands reach"}[world]
    return report(f"eyes in {n} unseen {where}, {VIEWS_PER_HOME} views each", rows, out)


def look_at_home(eyes: Eyes, home_seed: int, world: str = "home") -> Trial:
    """Look at one home from a few stands and return what came of it."""
    rng = np.random.default_rng([home_seed, 0x62656E])
    simulation = simulate(world, home_seed)
    model, data = simulation.body.model, simulation.body.data
    things: list[dict[str, object]] = []
    phantoms: list[dict[str, object]] = []
    times_ms: list[float] = []
    truth, camera = TruthCamera(model, HEAD_CAMERA), MujocoCamera(model, HEAD_CAMERA)
    for _ in range(VIEWS_PER_HOME):
        STANDS[world](simulation, rng)
        # The state's kinematics, for the judge; the camera works from qpos alone.
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_camlight(model, data)
        seen = true_things(simulation, truth)
        began = time.perf_counter()
        image = camera.capture_at(data.qpos, 0)
        detections = eyes.detect(image)
        SceneMemory().update(detections, np.eye(4), 0, Surfaces.of(image))
        times_ms.append((time.perf_counter() - began) * 1e3)
        _tell(score_picture(detections, seen), things, phantoms)
    camera.close()
    truth.close()
    return {"home": home_seed, "things": things, "phantoms": phantoms, "times_ms": times_ms}


def true_things(simulation: Simulation, truth: TruthCamera) -> list[TrueThing]:
    """Return what is really to be seen from the robot's head."""
    home = simulation.home
    names = {thing.body: (thing.kind, thing.colour) for thing in home.things}
    middles = dict.fromkeys(names, 0.0)
    if home.person:
        names[home.person] = ("person", "")
        middles[home.person] = PERSON_MIDDLE_M
    sights = truth.look(simulation.body.data, middles, alone=True)
    return [_true_thing(sight, *names[sight.body]) for sight in sights]


def rows_of(trials: list[Trial]) -> list[Row]:
    """Turn the trials into figures."""
    things = [row for trial in trials for row in trial["things"] if row["distance"] <= NEAR_M]
    clear = [row for row in things if row["clear"] and row["kind"] != "person"]
    people = [row for row in things if row["clear"] and row["kind"] == "person"]
    found = [row for row in clear if row["seen_as"] is not None]
    told = [row for row in things if row["seen_as"] is not None]
    phantoms = [row for trial in trials for row in trial["phantoms"] if row["distance"] <= NEAR_M]
    right = [row["named_right"] for row in told] + [False] * len(phantoms)
    errors = [row["error_m"] for row in found]
    shares = [row["error_share"] for row in found]
    times = [ms for trial in trials for ms in trial["times_ms"]]
    return [
        rate_row("recall of clear things", [row["named_right"] for row in clear], ">= 0.95"),
        rate_row("found under any name", [row["seen_as"] is not None for row in clear]),
        rate_row("recall of clear people", [row["named_right"] for row in people], ">= 0.95"),
        rate_row("precision", right, ">= 0.9"),
        rate_row("kind right when found", [row["kind_right"] for row in found]),
        rate_row("colour right when found", [row["colour_right"] for row in found]),
        percentile_row("error, median", errors, 50, unit="m"),
        percentile_row("error, 90th percentile", errors, 90, unit="m"),
        percentile_row("error by 2 cm + 1 %, 90th percentile", shares, 90, "<= 1"),
        percentile_row("picture, detection and memory, median", times, 50, "<= 30", "ms"),
        percentile_row("picture, detection and memory, 99th percentile", times, 99, unit="ms"),
    ]


def near_rows_of(trials: list[Trial]) -> list[Row]:
    """Turn trials in which the robot stands to take something into figures."""
    things = [row for trial in trials for row in trial["things"] if row["distance"] <= HAND_M]
    clear = [row for row in things if row["clear"] and row["kind"] != "person"]
    partly = [row for row in things if not row["clear"] and row["kind"] != "person"]
    found = [row for row in clear if row["seen_as"] is not None]
    told = [row for row in things if row["seen_as"] is not None]
    phantoms = [row for trial in trials for row in trial["phantoms"] if row["distance"] <= HAND_M]
    right = [row["named_right"] for row in told] + [False] * len(phantoms)
    errors = [row["error_m"] for row in found]
    by_kind = [
        rate_row(f"recall: {kind}", [row["named_right"] for row in clear if row["kind"] == kind])
        for kind in KINDS
        if any(row["kind"] == kind for row in clear)
    ]
    return [
        rate_row("recall of clear things", [row["named_right"] for row in clear]),
        rate_row("found under any name", [row["seen_as"] is not None for row in clear]),
        rate_row("found when not clear", [row["seen_as"] is not None for row in partly]),
        rate_row("precision", right),
        rate_row("kind right when found", [row["kind_right"] for row in found]),
        rate_row("colour right when found", [row["colour_right"] for row in found]),
        percentile_row("error, median", errors, 50, unit="m"),
        percentile_row("error, 90th percentile", errors, 90, unit="m"),
        *by_kind,
    ]


def _stand_somewhere(simulation: Simulation, rng: np.random.Generator) -> None:
    """Put the robot where it might stand and look; no physics follows."""
    stand = sample_stand(simulation.home.floor_plan, _person(simulation), rng)
    _pose(simulation, *sample_pose(G1, stand, rng))


def _stand_near(simulation: Simulation, rng: np.random.Generator) -> None:
    """Put the robot where it might take something; no physics follows."""
    plan = simulation.home.floor_plan
    place = plan.place(str(rng.choice(NEAR_PLACES)))
    stand = sample_near_stand(plan, place, _person(simulation), rng)
    if stand is None:  # Somebody stands there.
        _stand_somewhere(simulation, rng)
    else:
        _pose(simulation, *sample_reach(stand, rng))


STANDS: dict[str, Callable[[Simulation, np.random.Generator], None]] = {
    "home": _stand_somewhere,
    "tidy": _stand_near,
}
"""How the robot is put somewhere, by world."""


def _person(simulation: Simulation) -> tuple[float, float] | None:
    if not simulation.home.person:
        return None
    x, y = simulation.body.model.body(simulation.home.person).pos[:2]
    return float(x), float(y)


def _pose(
    simulation: Simulation, root_pose: NDArray[np.float64], angles: NDArray[np.float64]
) -> None:
    model, data = simulation.body.model, simulation.body.data
    root = int(model.joint("pelvis").qposadr[0])
    joints = [int(model.joint(name).qposadr[0]) for name in G1.joint_names]
    data.qpos[root : root + 7], data.qpos[joints] = root_pose, angles


def _true_thing(sight: Sight, kind: str, colour: str) -> TrueThing:
    x, y, z = (float(value) for value in sight.position_in_camera)
    return TrueThing(
        kind=kind,
        colour=colour,
        position_in_camera=(x, y, z),
        is_clear=sight.shows_middle and sight.visible_share >= CLEAR_SHARE,
    )


def _tell(score: Score, things: list[dict[str, object]], phantoms: list[dict[str, object]]) -> None:
    """Write one picture's score as rows of a trial."""
    for match in score.matches:
        thing, seen = match.thing, match.detection
        things.append(
            {
                "kind": thing.kind,
                "colour": thing.colour,
                "distance": round(thing.distance, 4),
                "clear": thing.is_clear,
                "seen_as": f"{seen.colour} {seen.kind}".strip() if seen else None,
                "confidence": round(seen.confidence, 4) if seen else None,
                "named_right": match.is_named_right,
                "kind_right": seen is not None and seen.kind == thing.kind,
                "colour_right": seen is not None and seen.colour == thing.colour,
                "error_m": round(match.error, 5) if seen else None,
                "error_share": round(match.error_share, 4) if seen else None,
            }
        )
    phantoms.extend(_phantom(detection) for detection in score.phantoms)


def _phantom(detection: Detection) -> dict[str, object]:
    return {
        "seen_as": f"{detection.colour} {detection.kind}".strip(),
        "confidence": round(detection.confidence, 4),
        "distance": round(float(np.linalg.norm(detection.position_in_camera)), 4),
    }
