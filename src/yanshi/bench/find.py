"""Does the robot find what it is asked for, and own up when that is not there?

Each trial is a home of the world `tidy` that was not used in development. The robot is asked for
everything there, and as often for what is not there though others of its kind and others of its
colour are; it begins anew with each. The skills' own search leads, every picture is taken,
understood and remembered as in a run, ten a second; only the body is left out: an upright robot
glides as it is told, swaying a little and a centimetre wrong about where it is. It sways alike
however often it is asked, and a picture from where it took one before is taken from a shelf.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bench.eyes import FIRST_HOME, HOMES_PER_SEED
from yanshi.bench.rows import Row, Trial, percentile_row, rate_row, report, run_trials
from yanshi.bodies.mujoco_camera import MujocoCamera
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.control.route import STILL
from yanshi.core.messages import BaseEstimate, JointTarget, RobotState, Scene, Thing
from yanshi.policies.walker import AT_REST, UpperBody, Velocity, Walker
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.senses.eyes import Detection, Eyes
from yanshi.senses.scene_memory import SceneMemory, Surfaces
from yanshi.skills.behaviour import Behaviour
from yanshi.skills.search import find
from yanshi.skills.skill import Outcome, Percept, Tools
from yanshi.worlds.home import Home

TICK_S, LOOK_TICKS = 0.02, 5
LAG_S = 0.15
"""How far the glide is behind the order."""
PELVIS_M = 0.7
SWAY = (0.01, 0.01, 0.004, 0.02, 0.02)
"""Standard deviations: x, y (m) and yaw (rad) of the belief, pitch and roll (rad) of the body."""
KEPT = 0.98
"""Share of the sway that is left a tick later."""
LONGEST_S = 300.0
THERE_M = 0.15
"""What is found within this of a thing, and nearest to it, is that thing."""


T = TypeVar("T")
Picture = tuple[tuple[Detection, ...], NDArray[np.float64], int, Surfaces]
"""What was seen, from where it was believed to be (shape (4, 4)), when, and how far it all was."""


class Studio:
    """Takes the pictures of one home, and keeps what was seen in them."""

    def __init__(self, simulation: Simulation, eyes: Eyes) -> None:
        self._model = simulation.body.model
        self._data = mujoco.MjData(self._model)
        self._data.qpos[:] = simulation.body.data.qpos
        joints = [int(self._model.joint(name).qposadr[0]) for name in G1.joint_names]
        self._data.qpos[joints] = G1.default_position
        self._root = int(self._model.joint("pelvis").qposadr[0])
        self._camera = MujocoCamera(self._model, HEAD_CAMERA)
        self._eyes = eyes
        self._shelf: dict[tuple[float, ...], Picture] = {}

    def look(self, t_ns: int, pose: NDArray[np.float64], sway: NDArray[np.float64]) -> Picture:
        """Return what is seen from a pose (x, y, yaw; m, rad), swaying as `SWAY` says."""
        key = (t_ns, *pose, *sway)
        if key not in self._shelf:
            self._shelf[key] = self._take(t_ns, pose, sway)
        return self._shelf[key]

    def close(self) -> None:
        """Release the renderer."""
        self._camera.close()

    def _take(self, t_ns: int, pose: NDArray[np.float64], sway: NDArray[np.float64]) -> Picture:
        x, y, yaw = pose
        orientation = np.zeros(4)
        mujoco.mju_euler2Quat(orientation, np.array([yaw, *sway[3:]]), "zyx")
        self._data.qpos[self._root : self._root + 7] = [x, y, PELVIS_M, *orientation]
        image = self._camera.capture_at(self._data.qpos, t_ns)
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        camera = self._data.camera(HEAD_CAMERA.name)
        dx, dy, turn = sway[:3]
        R = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        T = np.eye(4)
        T[:3, :3] = R @ camera.xmat.reshape(3, 3) @ np.diag([1.0, -1.0, -1.0])
        T[:3, 3] = R @ (camera.xpos - [x, y, 0.0]) + [x + dx, y + dy, 0.0]
        return self._eyes.detect(image), T, t_ns, Surfaces.of(image)


class Glider:
    """A robot that looks and remembers as in a run, and moves without legs."""

    def __init__(self, simulation: Simulation, studio: Studio) -> None:
        self._studio = studio
        self._rng = np.random.default_rng(simulation.seed)
        self._memory = SceneMemory()
        self._scene = Scene(t_ns=0)
        self._next: Picture | None = None
        self._pose = np.array(simulation.floor_plan.start)
        self._velocity, self._wanted = np.zeros(3), np.zeros(3)
        self._sway = np.zeros(len(SWAY))
        self._ticks = 0
        self.remarks: list[Outcome] = []
        self.tools = Tools(
            robot=G1,
            floor_plan=simulation.floor_plan,
            walker=cast(Walker, self),
            kinematics=simulation.kinematics,
            remark=self.remarks.append,
        )

    @property
    def t_ns(self) -> int:
        """The time of the trial."""
        return round(self._ticks * TICK_S * 1e9)

    def step(
        self, state: RobotState, velocity: Velocity = STILL, upper_body: UpperBody = AT_REST
    ) -> JointTarget:
        """Take an order, as a walker does."""
        self._wanted = np.array(velocity)
        zeros = np.zeros(len(G1.joint_names))
        return JointTarget(t_ns=state.t_ns, position=zeros, stiffness=zeros, damping=zeros)

    def follow(self, behaviour: Behaviour[T], longest_s: float = LONGEST_S) -> T | None:
        """Do something and return what comes of it; None if that takes too long."""
        try:
            next(behaviour)
            while self.t_ns < longest_s * 1e9:
                self._glide()
                behaviour.send(self.percept())
        except StopIteration as end:
            done: T = end.value
            return done
        return None

    def percept(self) -> Percept:
        """Return what it knows now."""
        zeros = np.zeros(len(G1.joint_names))
        yaw = self._pose[2] + self._sway[2]
        level = np.array([np.cos(0.5 * yaw), 0.0, 0.0, np.sin(0.5 * yaw)])
        state = RobotState(
            t_ns=self.t_ns,
            joint_position=G1.default_position,
            joint_velocity=zeros,
            joint_torque=zeros,
            orientation_wxyz=level,
            angular_velocity=np.zeros(3),
            acceleration=np.array([0.0, 0.0, 9.81]),
        )
        base = BaseEstimate(
            t_ns=self.t_ns,
            position=np.array([*(self._pose[:2] + self._sway[:2]), PELVIS_M]),
            orientation_wxyz=level,
            velocity=np.zeros(3),
        )
        return Percept(state=state, base=base, scene=self._scene)

    def _glide(self) -> None:
        self._velocity += (self._wanted - self._velocity) * TICK_S / LAG_S
        cos, sin = np.cos(self._pose[2]), np.sin(self._pose[2])
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        self._pose += TICK_S * turn @ self._velocity
        self._sway = KEPT * self._sway + np.sqrt(1.0 - KEPT**2) * self._rng.normal(0.0, SWAY)
        self._ticks += 1
        if self._ticks % LOOK_TICKS == 0:
            if self._next is not None:  # A picture is understood when the next one is taken.
                self._scene = self._memory.update(*self._next)
            self._next = self._studio.look(self.t_ns, self._pose, self._sway)


def choose_names(home: Home, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Return the names of what is there once, and as many of what is not.

    The latter are each made of the kind of one thing and another's colour.
    """
    names = Counter(thing.name for thing in home.things)
    there = sorted(name for name in names if names[name] == 1)
    mixed = {f"{one.colour} {other.kind}" for one in home.things for other in home.things}
    absent = sorted(mixed - set(names))
    return there, rng.choice(absent, min(len(there), len(absent)), replace=False).tolist()


def find_in_home(eyes: Eyes, seed: int) -> Trial:
    """Look for things in one home and return what came of each."""
    simulation = simulate("tidy", seed)
    studio = Studio(simulation, eyes)
    there, absent = choose_names(simulation.home, np.random.default_rng(seed))
    rows = [_look_for(name, simulation, studio) for name in (*there, *absent)]
    studio.close()
    simulation.body.close()
    return {"home": seed, "asked": rows}


def _look_for(name: str, simulation: Simulation, studio: Studio) -> dict[str, Any]:
    glider = Glider(simulation, studio)
    came = glider.follow(find(glider.tools, glider.percept(), name))
    found = came and came[1]
    data = simulation.body.data
    at = {thing.name: np.array(data.body(thing.body).xpos) for thing in simulation.home.things}
    what = ""
    if isinstance(found, Thing):
        apart = {other: float(np.linalg.norm(at[other] - found.position)) for other in at}
        nearest = min(apart, key=lambda other: apart[other])
        what = nearest if apart[nearest] < THERE_M else "nothing"
    return {
        "home": simulation.seed,
        "name": name,
        "is_there": name in at,
        "found": what,
        "reason": found.reason if isinstance(found, Outcome) else "",
        "facts": list(found.facts) if isinstance(found, Outcome) else [],
        "is_told": bool(glider.remarks),
        "seconds": glider.t_ns * 1e-9,
    }


def bench_find(n: int = 40, seed: int = 0, out: Path | None = None) -> int:
    """Look for things in n homes, print the figures and return the exit code."""
    eyes = Eyes()
    first = FIRST_HOME + seed * HOMES_PER_SEED
    settings = {"bench": "find", "seed": seed}
    trials = run_trials(lambda k: find_in_home(eyes, first + k), n, out=out, settings=settings)
    rows = [row for trial in trials for row in trial["asked"]]
    return report(f"finding in {n} unseen homes", make_rows(rows), out, list_failures(rows))


def make_rows(trials: Sequence[Trial]) -> list[Row]:
    """Turn what came of each name into figures."""
    there = [t for t in trials if t["is_there"]]
    absent = [t for t in trials if not t["is_there"]]
    right = [t["found"] == t["name"] for t in there]
    return [
        rate_row("there: found", right),
        rate_row("there: another taken for it, and told so", [_is_wrong(t, True) for t in there]),
        rate_row("there: another taken for it silently", [_is_wrong(t, False) for t in there]),
        rate_row("there: asked back", [t["reason"].startswith("which") for t in there]),
        rate_row("absent: said so", [t["reason"].startswith("not_found") for t in absent]),
        rate_row("absent: another taken, and told so", [_is_wrong(t, True) for t in absent]),
        rate_row("absent: another taken silently", [_is_wrong(t, False) for t in absent]),
        rate_row("absent: asked back", [t["reason"].startswith("which") for t in absent]),
        percentile_row(
            "until found, median", [t["seconds"] for t in there if t["found"]], 50, "", "s"
        ),
        percentile_row(
            "until given up, median", [t["seconds"] for t in absent if not t["found"]], 50, "", "s"
        ),
    ]


def _is_wrong(trial: Trial, is_told: bool) -> bool:
    return bool(trial["found"]) and trial["found"] != trial["name"] and trial["is_told"] is is_told


def list_failures(trials: Sequence[Trial]) -> list[str]:
    """Return one line per name whose search did not end as it should."""
    return [
        f"✘ home {t['home']}: {t['name']}{'' if t['is_there'] else ' (absent)'}: "
        f"{t['found'] or t['reason'] or 'took too long'} {' '.join(t['facts'])}"
        for t in trials
        if t["found"] != (t["name"] if t["is_there"] else "")
    ]
