"""Where does a robot stand when it looks? Poses that it really takes in a room."""

import numpy as np

from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.layout import Clearance, front_point, measure_clearance

STAND_FREE_M = 0.28
"""Least distance from a robot's middle to furniture, walls and people."""
POINTS_OF_VIEW = {"table": 0.38, "shelf": 0.22, "sofa": 0.07, "person": 0.13, "anywhere": 0.20}
"""How often each is looked at."""

NEAR_EDGE_M = (0.25, 0.6)
"""How far from a front edge a robot's pelvis is that takes something from there."""
NEAR_FREE_M = 0.2
"""Least distance from there to other furniture, walls and people."""

Stand = tuple[float, float, float]
"""x and y in m and heading in rad, on the map."""


def sample_stand(
    plan: FloorPlan, person: tuple[float, float] | None, rng: np.random.Generator
) -> Stand:
    """Sample where a robot stands and which way it faces: a place, the person, anywhere."""
    clearance = measure_clearance(plan.size, plan.places, person)
    names, shares = list(POINTS_OF_VIEW), list(POINTS_OF_VIEW.values())
    for _ in range(200):
        aim = str(rng.choice(names, p=shares))
        if aim == "person" and person is None:
            continue
        if aim == "anywhere":
            stand = _anywhere(plan, rng)
        elif aim == "person":
            stand = _towards(person or (0.0, 0.0), rng)
        else:
            stand = _before(plan.place(aim), rng)
        if _is_free(clearance, plan, stand):
            return stand
    return plan.start


def sample_near_stand(
    plan: FloorPlan, place: Place, person: tuple[float, float] | None, rng: np.random.Generator
) -> Stand | None:
    """Sample where a robot stands to take something from a place; None where it cannot."""
    others = tuple(other for other in plan.places if other.name != place.name)
    clearance = measure_clearance(plan.size, others, person)
    left = np.array([-np.sin(place.yaw), np.cos(place.yaw)])
    for _ in range(50):
        distance = float(rng.uniform(*NEAR_EDGE_M))
        side = rng.uniform(-0.42, 0.42) * place.size[1]
        along = np.clip(side + rng.normal(0.0, 0.2), *(np.array([-0.45, 0.45]) * place.size[1]))
        x, y = front_point(place, distance) + side * left
        target = np.asarray(place.centre) + along * left
        heading = np.arctan2(target[1] - y, target[0] - x) + rng.normal(0.0, 0.1)
        stand = (float(x), float(y), float(heading))
        if _is_free(clearance, plan, stand, NEAR_FREE_M):
            return stand
    return None


def _anywhere(plan: FloorPlan, rng: np.random.Generator) -> Stand:
    x, y = rng.uniform(-0.5, 0.5, 2) * plan.size
    return float(x), float(y), float(rng.uniform(-np.pi, np.pi))


def _towards(point: tuple[float, float], rng: np.random.Generator) -> Stand:
    bearing, distance = rng.uniform(-np.pi, np.pi), rng.uniform(0.7, 3.5)
    x, y = point[0] - distance * np.cos(bearing), point[1] - distance * np.sin(bearing)
    return float(x), float(y), float(bearing + rng.normal(0.0, 0.25))


def _before(place: Place, rng: np.random.Generator) -> Stand:
    """Stand before a place, mostly close, and face a point on it."""
    distance = rng.uniform(0.3, 0.8) if rng.random() < 0.6 else rng.uniform(0.8, 2.4)
    x, y = front_point(place, float(distance))
    side = rng.uniform(-0.6, 0.6) * place.size[1] + rng.normal(0.0, 0.3 * distance)
    x, y = x - side * np.sin(place.yaw), y + side * np.cos(place.yaw)
    along = rng.uniform(-0.3, 0.3) * place.size[1]
    target = np.asarray(place.centre) + along * np.array([-np.sin(place.yaw), np.cos(place.yaw)])
    heading = np.arctan2(target[1] - y, target[0] - x) + rng.normal(0.0, 0.15)
    return float(x), float(y), float(heading)


def _is_free(
    clearance: Clearance, plan: FloorPlan, stand: Stand, least: float = STAND_FREE_M
) -> bool:
    inside = all(abs(stand[k]) < 0.5 * plan.size[k] for k in range(2))
    return inside and bool(clearance.distance[clearance.cell(stand[:2])] >= least)
