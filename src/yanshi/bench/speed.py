"""How fast is this machine at each part of a run? A few seconds in all, so only roughly."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from yanshi.bodies.mujoco_camera import MujocoCamera
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.clock import MonotonicClock
from yanshi.core.errors import YanshiError
from yanshi.mind.mind import Mind
from yanshi.policies.contract import load_contract, policy_folder
from yanshi.policies.network import Network
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.senses.eyes import Eyes

SENTENCES = ("go to the shelf", "看看四周", "turn left 40 degrees", "挥挥手", "point at the door")
WORLD, SEED = "home", 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast one part is."""

    name: str
    value: float
    unit: str
    budget: str
    """What a run can bear, `<= 100` or `>= 3`."""
    trouble: str = ""
    """Why it could not be measured."""

    @property
    def is_enough(self) -> bool:
        """Whether the value keeps the budget."""
        relation, bound = self.budget.split()
        is_kept = {"<=": self.value <= float(bound), ">=": self.value >= float(bound)}
        return not self.trouble and is_kept[relation]


def measure_everything() -> Iterator[Speed]:
    """Measure each part of a run alone, one after the other."""
    simulation = simulate(WORLD, SEED)
    parts: tuple[tuple[str, Callable[[Simulation], float], str, str], ...] = (
        ("physics", _physics_factor, "times real time", ">= 3"),
        ("camera", _camera_ms, "ms a picture", "<= 50"),
        ("eyes", _eyes_ms, "ms a picture", "<= 50"),
        ("policy", _policy_ms, "ms a tick", "<= 4"),
        ("mind", _mind_ms, "ms a sentence", "<= 300"),
    )
    for name, measure, unit, budget in parts:
        try:
            value, trouble = measure(simulation), ""
        except YanshiError as error:
            value, trouble = np.nan, str(error)
        yield Speed(name=name, value=value, unit=unit, budget=budget, trouble=trouble)


def _physics_factor(simulation: Simulation) -> float:
    duration_s = 1.0
    return duration_s / (1e-3 * _median_ms(lambda: simulation.body.advance(duration_s), 1))


def _camera_ms(simulation: Simulation) -> float:
    pose = simulation.body.data.qpos.copy()
    with MujocoCamera(simulation.body.model, HEAD_CAMERA) as camera:
        return _median_ms(lambda: camera.capture_at(pose, 0), 10)


def _eyes_ms(simulation: Simulation) -> float:
    eyes = Eyes()
    with MujocoCamera(simulation.body.model, HEAD_CAMERA) as camera:
        picture = camera.capture_at(simulation.body.data.qpos.copy(), 0)
    return _median_ms(lambda: eyes.detect(picture), 10)


def _policy_ms(simulation: Simulation) -> float:
    network = Network(load_contract(policy_folder("g1_walk_ppo"), G1))
    return _median_ms(network.run, 200)


def _mind_ms(simulation: Simulation) -> float:
    mind = Mind()
    try:
        mind.know(simulation.floor_plan)
        mind.wait_ready()
        return 1e3 * float(np.median([mind.understand(text).latency_s for text in SENTENCES]))
    finally:
        mind.close()


def _median_ms(call: Callable[[], object], times: int) -> float:
    """Return how long a call takes, after one that warms up caches and drivers."""
    clock = MonotonicClock()
    call()
    took_ns = []
    for _ in range(times):
        began_ns = clock.now_ns()
        call()
        took_ns.append(clock.now_ns() - began_ns)
    return float(np.median(took_ns)) * 1e-6
