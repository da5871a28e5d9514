"""What counts as done? Predicates over what a witness saw.

A goal is met at the first moment by which everything it asks for has happened, counted from a
given moment on; so goals can be asked for one after the other with `in_order`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.worlds.layout import distance_to_place
from yanshi.worlds.witness import Witness

HOLD_S = 0.4
"""How long something must stay true to count as reached."""
STILL_SPEED = 0.15
"""m/s: a pelvis that is slower has stopped; balancing sways at a few cm/s."""
STILL_TURN = 0.25
"""rad/s, the same for its heading."""
STILL_THING_SPEED = 0.03
"""m/s: a thing that is slower lies still."""
LIFT_M = 0.05
"""How far a thing must rise to be lifted."""
SLIP_M = 0.01
"""How far a held thing may move within the hand in 0.4 s."""
SUPPORT_M = 0.02
"""How far above a surface a thing may end that stands on it: on a tray's floor, say."""
CONTAINER_FLOOR_M = 0.003
"""Least thickness of a container's floor; what lies beside it ends lower than that."""
CONTAINER_UP = 0.8
"""Cosine of a container's tilt below which it holds nothing."""
TIPPED_M = 0.015
"""A thing whose middle is so much nearer to its lowest point than before was knocked over."""
IN_HAND_M = 0.1
"""How far beside the middle of an open hand the middle of a thing on it may be."""
DISTURBED_M = 0.05


@dataclass(frozen=True, slots=True)
class Goal:
    """Something that may have been done."""

    text: str
    """What it asks for, for reports."""
    met_at: Callable[[Witness, float], float | None]
    """The moment in s by which it was done, counted from the given moment; None if never."""

    def is_met(self, witness: Witness) -> bool:
        """Say whether it was done at all."""
        return self.met_at(witness, -np.inf) is not None


def in_order(*goals: Goal) -> Goal:
    """Ask for goals one after the other."""

    def met_at(witness: Witness, begin_s: float) -> float | None:
        moment: float | None = begin_s
        for goal in goals:
            if moment is None:
                return None
            moment = goal.met_at(witness, moment)
        return moment

    return Goal("; ".join(goal.text for goal in goals), met_at)


def all_of(*goals: Goal) -> Goal:
    """Ask for goals in any order."""

    def met_at(witness: Witness, begin_s: float) -> float | None:
        moments = [goal.met_at(witness, begin_s) for goal in goals]
        if any(moment is None for moment in moments):
            return None
        return max((m for m in moments if m is not None), default=begin_s)

    return Goal(" and ".join(goal.text for goal in goals), met_at)


def near(name: str, distance: float) -> Goal:
    """Stop with the pelvis within `distance` m of a place's edge, a thing or a person."""

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        gap = _gap(witness, name)[begin:]
        return np.asarray((gap <= distance) & _is_still(witness)[begin:])

    return Goal(f"near {name}", _held(holds))


def facing(name: str, tolerance_deg: float = 25.0) -> Goal:
    """Stop with the heading towards some part of a place, thing or person."""

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        offset = (witness.outline(name) - witness.base[:, None])[begin:, :, :2]
        bearing = np.arctan2(offset[..., 1], offset[..., 0])
        error = np.abs(_wrap(bearing - witness.yaw[begin:, None])).min(axis=1)
        return np.asarray((error <= np.deg2rad(tolerance_deg)) & _is_still(witness)[begin:])

    return Goal(f"facing {name}", _held(holds))


def pointed_at(name: str, tolerance_deg: float = 10.0, hold_s: float = 0.5) -> Goal:
    """Raise an arm whose line, from shoulder or elbow through the hand, passes by the target.

    An arm that hangs as it did at the start does not count: the hand must have left that place
    in the torso's frame by 15 cm.
    """

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        moved = witness.hands_in_torso - witness.hands_in_torso[0]
        is_raised = np.linalg.norm(moved, axis=2)[begin:] > 0.15  # (n, 2)
        to_target = witness.outline(name)[:, None] - witness.hands[begin:, :, None]  # (n, 2, k, 3)
        is_aimed = np.zeros_like(is_raised)
        for joint in (witness.shoulders, witness.elbows):
            line = (witness.hands - joint)[begin:, :, None]
            # Seen from the joint: a hand close by the target still points at it.
            ray = to_target + line
            cosine = np.sum(line * ray, axis=-1) / (
                np.linalg.norm(line, axis=-1) * np.linalg.norm(ray, axis=-1) + 1e-9
            )
            is_aimed |= cosine.max(axis=-1) >= np.cos(np.deg2rad(tolerance_deg))
        return np.asarray((is_aimed & is_raised).any(axis=1))

    return Goal(f"pointed at {name}", _held(holds, hold_s))


def waved(reversals_min: int = 3, swing_m: float = 0.05) -> Goal:
    """Swing a raised hand to and fro."""

    def met_at(witness: Witness, begin_s: float) -> float | None:
        begin = _first(witness, begin_s)
        moments = []
        for side in range(2):
            hand = witness.hands[begin:, side]
            above_elbow = hand[:, 2] - witness.elbows[begin:, side, 2] > -0.05
            high = hand[:, 2] - witness.shoulders[begin:, side, 2] > -0.2
            track = witness.hands_in_torso[begin:, side]
            for axis in range(3):
                raised = np.where(above_elbow & high, track[:, axis], np.nan)
                last = _nth_reversal(raised, swing_m, reversals_min)
                if last is not None:
                    moments.append(float(witness.t[begin + last]))
        return min(moments, default=None)

    return Goal("waved", met_at)


def bowed(angle_deg: float = 20.0, hold_s: float = 0.3) -> Goal:
    """Lean the torso ahead by `angle_deg` more than before, then come back up."""

    def met_at(witness: Witness, begin_s: float) -> float | None:
        begin = _first(witness, begin_s)
        lean = witness.torso_pitch[begin:] - np.median(witness.torso_pitch[begin : begin + 25])
        down = _run_of(lean >= np.deg2rad(angle_deg), witness.t[begin:], hold_s)
        if down is None:
            return None
        up = np.flatnonzero(lean[down:] <= np.deg2rad(10.0))
        return float(witness.t[begin + down + up[0]]) if len(up) else None

    return Goal(f"bowed {angle_deg:.0f}°", met_at)


def danced(seconds: float, legs_min: float = 0.25, arms_min: float = 0.35) -> Goal:
    """Move legs and both arms for `seconds` on end without wandering off by more than 2 m.

    Speeds are means over the limb's joints and one second, rad/s; a walker's arms stay below.
    """

    def met_at(witness: Witness, begin_s: float) -> float | None:
        begin = _first(witness, begin_s)
        speeds, t = witness.joint_speeds[begin:], witness.t[begin:]
        if len(t) < 3:
            return None
        window = max(1, round(1.0 / float(np.median(np.diff(t)))))
        kernel = np.ones(window) / window
        smooth = np.stack([np.convolve(column, kernel, "same") for column in speeds.T], axis=1)
        lively = np.all(smooth > [legs_min, arms_min, arms_min], axis=1)
        end = _run_of(lively, t, seconds)
        if end is None:
            return None
        since = np.searchsorted(t, t[end] - seconds)
        path = witness.base[begin + since : begin + end + 1, :2]
        is_here = bool(np.linalg.norm(path - path[0], axis=1).max() < 2.0)
        return float(t[end]) if is_here else None

    return Goal(f"danced {seconds:g} s", met_at)


def turned(angle_deg: float, tolerance_deg: float = 15.0) -> Goal:
    """Turn on the spot by an angle, left is positive, and stop there.

    For half a turn either way counts.
    """

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        change = witness.yaw[begin:] - witness.yaw[begin]
        error = np.abs(change - np.deg2rad(angle_deg))
        if abs(abs(angle_deg) - 180.0) < 1.0:
            error = np.abs(np.abs(change) - np.pi)
        return np.asarray((error <= np.deg2rad(tolerance_deg)) & _is_still(witness)[begin:])

    return Goal(f"turned {angle_deg:g}°", _held(holds))


def looked_around(angle_deg: float = 300.0) -> Goal:
    """Let the heading sweep an angle."""

    def met_at(witness: Witness, begin_s: float) -> float | None:
        begin = _first(witness, begin_s)
        yaw = witness.yaw[begin:]
        sweep = np.maximum.accumulate(yaw) - np.minimum.accumulate(yaw)
        enough = np.flatnonzero(sweep >= np.deg2rad(angle_deg))
        return float(witness.t[begin + enough[0]]) if len(enough) else None

    return Goal("looked around", met_at)


def moved(forward: float, left: float = 0.0, tolerance: float | None = None) -> Goal:
    """Go by an offset in m, seen from the heading at the begin, and stop there."""
    allowed = max(0.2, 0.15 * float(np.hypot(forward, left))) if tolerance is None else tolerance

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        yaw = witness.yaw[begin]
        ahead = np.array([np.cos(yaw), np.sin(yaw)])
        goal = witness.base[begin, :2] + forward * ahead + left * np.array([-ahead[1], ahead[0]])
        error = np.linalg.norm(witness.base[begin:, :2] - goal, axis=1)
        return np.asarray((error <= allowed) & _is_still(witness)[begin:])

    return Goal(f"moved {forward:g} m ahead, {left:g} m left", _held(holds))


def stood_still(drift: float = 0.3, turn_deg: float = 25.0) -> Goal:
    """Stay where one is, to the end."""

    def met_at(witness: Witness, begin_s: float) -> float | None:
        begin = _first(witness, begin_s)
        path = witness.base[begin:, :2] - witness.base[begin, :2]
        heading = np.abs(witness.yaw[begin:] - witness.yaw[begin])
        is_here = np.linalg.norm(path, axis=1).max() <= drift
        return float(witness.t[-1]) if is_here and heading.max() <= np.deg2rad(turn_deg) else None

    return Goal("stood still", met_at)


def lifted(thing: str, height: float = LIFT_M) -> Goal:
    """Raise a thing by `height` m with a hand, so that nothing else bears it."""

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        number = witness.thing_number(thing)
        rise = witness.lowest[begin:, number] - witness.lowest[begin, number]
        return np.asarray((rise >= height) & _is_in_hand(witness, number)[begin:].any(axis=1))

    return Goal(f"lifted {thing}", _held(holds))


def held(thing: str) -> Goal:
    """Have a thing in a hand: it moves with the hand, and nothing else bears it."""

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        number = witness.thing_number(thing)
        before, after, _ = _window(witness.t)
        in_hands = witness.in_hands(number)
        slip = np.linalg.norm(in_hands[after] - in_hands[before], axis=2)
        is_firm = _is_in_hand(witness, number) & (slip < SLIP_M)
        return np.asarray(is_firm[begin:].any(axis=1))

    return Goal(f"held {thing}", _held(holds))


def on(thing: str, place: str) -> Goal:
    """Leave a thing at rest on a place: on a table, on any board of a shelf."""

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        number, target = witness.thing_number(thing), witness.home.floor_plan.place(place)
        heights = np.array(target.surface_heights)
        above = witness.lowest[begin:, number, None] - heights
        is_borne = (np.abs(above) < SUPPORT_M).any(axis=1)
        is_over = distance_to_place(target, witness.things[begin:, number, :2]) <= 0.0
        return np.asarray(is_over & is_borne & _is_left_alone(witness, number)[begin:])

    return Goal(f"{thing} on {place}", _held(holds))


def inside(thing: str, container: str) -> Goal:
    """Leave a thing at rest in a container: a tray, a bowl or the bin."""

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        number, plan = witness.thing_number(thing), witness.home.floor_plan
        is_place = container in {place.name for place in plan.places}
        is_in = _is_in_place if is_place else _is_in_thing
        is_there = is_in(witness, number, container) & _is_left_alone(witness, number)
        return np.asarray(is_there[begin:])

    return Goal(f"{thing} in {container}", _held(holds))


def handed(thing: str) -> Goal:
    """Leave a thing at rest on the open hand that the person holds out."""

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        number, hand = witness.thing_number(thing), witness.home.open_hand
        if hand is None:
            return np.zeros(len(witness.t) - begin, dtype=np.bool_)
        beside = np.linalg.norm(witness.things[:, number, :2] - hand[:2], axis=1)
        above = witness.lowest[:, number] - hand[2]
        is_there = (beside < IN_HAND_M) & (np.abs(above) < SUPPORT_M)
        return np.asarray((is_there & _is_left_alone(witness, number))[begin:])

    return Goal(f"{thing} handed over", _held(holds))


def shifted(thing: str, distance: float = DISTURBED_M) -> Goal:
    """Leave a thing upright and at rest at least `distance` m from where it was."""

    def holds(witness: Witness, begin: int) -> NDArray[np.bool_]:
        number = witness.thing_number(thing)
        path = witness.things[begin:, number]
        high = path[:, 2] - witness.lowest[begin:, number]
        is_away = np.linalg.norm(path[:, :2] - path[0, :2], axis=1) >= distance
        is_upright = high > high[0] - TIPPED_M
        return np.asarray(is_away & is_upright & _is_left_alone(witness, number)[begin:])

    return Goal(f"shifted {thing}", _held(holds))


def undisturbed(*meant: str, allowed: float = DISTURBED_M) -> Goal:
    """Never move anything by more than `allowed` m but what is meant to be moved."""

    def met_at(witness: Witness, begin_s: float) -> float | None:
        spared = {witness.thing_number(name) for name in meant}
        others = [k for k in range(len(witness.home.things)) if k not in spared]
        path = witness.things[_first(witness, begin_s) :, others]
        moved = np.linalg.norm(path - path[0], axis=2)
        return None if bool((moved > allowed).any()) else begin_s

    return Goal("left the rest as it was", met_at)


def upright() -> Goal:
    """Never fall."""

    def met_at(witness: Witness, begin_s: float) -> float | None:
        return None if witness.has_fallen else begin_s

    return Goal("stayed upright", met_at)


def _first(witness: Witness, begin_s: float) -> int:
    """Return the number of the first sample at or after a moment; the last one if none is."""
    return min(int(np.searchsorted(witness.t, begin_s)), len(witness.t) - 1)


def _held(
    holds: Callable[[Witness, int], NDArray[np.bool_]], hold_s: float = HOLD_S
) -> Callable[[Witness, float], float | None]:
    """Make `met_at` of a condition per sample that must stay true for `hold_s`."""

    def met_at(witness: Witness, begin_s: float) -> float | None:
        begin = _first(witness, begin_s)
        end = _run_of(holds(witness, begin), witness.t[begin:], hold_s)
        return None if end is None else float(witness.t[begin + end])

    return met_at


def _run_of(flags: NDArray[np.bool_], t: NDArray[np.float64], hold_s: float) -> int | None:
    """Return the first sample by which flags were true for `hold_s` on end, or None."""
    since: float | None = None
    for index, flag in enumerate(flags):
        if not flag:
            since = None
            continue
        since = float(t[index]) if since is None else since
        if t[index] - since >= hold_s - 1e-9:
            return index
    return None


def _gap(witness: Witness, name: str) -> NDArray[np.float64]:
    """Return the distance on the floor from the pelvis to a target's edge, m, shape (n,)."""
    plan = witness.home.floor_plan
    place = next((place for place in plan.places if place.name == name), None)
    if place is not None:
        return distance_to_place(place, witness.base[:, :2])
    middle = witness.outline(name)[:, 0, :2]
    return np.asarray(np.linalg.norm(witness.base[:, :2] - middle, axis=1))


def _window(
    t: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return each sample's neighbours 0.2 s before and after it, and the time between them, s."""
    count = len(t)
    half = max(1, round(0.2 / float(np.median(np.diff(t))))) if count > 1 else 0
    before = np.clip(np.arange(count) - half, 0, count - 1)
    after = np.clip(np.arange(count) + half, 0, count - 1)
    return before, after, np.maximum(t[after] - t[before], 1e-9)


def _is_still(witness: Witness) -> NDArray[np.bool_]:
    """Say at which samples the pelvis stood, judged over 0.4 s, shape (n,)."""
    before, after, elapsed = _window(witness.t)
    speed = np.linalg.norm(witness.base[after, :2] - witness.base[before, :2], axis=1) / elapsed
    turn = np.abs(witness.yaw[after] - witness.yaw[before]) / elapsed
    return np.asarray((speed < STILL_SPEED) & (turn < STILL_TURN))


def _is_in_hand(witness: Witness, thing: int) -> NDArray[np.bool_]:
    """Say at which samples each hand has a thing that nothing else bears, shape (n, 2)."""
    return np.asarray(witness.is_gripped[:, thing] & ~witness.is_borne[:, thing, None])


def _is_left_alone(witness: Witness, thing: int) -> NDArray[np.bool_]:
    """Say at which samples a thing lay still and no hand touched it, shape (n,)."""
    before, after, elapsed = _window(witness.t)
    path = witness.things[:, thing]
    speed = np.linalg.norm(path[after] - path[before], axis=1) / elapsed
    return np.asarray((speed < STILL_THING_SPEED) & ~witness.is_gripped[:, thing].any(axis=1))


def _is_in_place(witness: Witness, thing: int, name: str) -> NDArray[np.bool_]:
    """Say when a thing's middle was between a place's sides and below its top, shape (n,)."""
    place = witness.home.floor_plan.place(name)
    middle = witness.things[:, thing]
    is_between = distance_to_place(place, middle[:, :2]) <= 0.0
    return np.asarray(is_between & (middle[:, 2] < place.height))


def _is_in_thing(witness: Witness, thing: int, name: str) -> NDArray[np.bool_]:
    """Say when a thing was over a container's floor and reached down below its rim, (n,).

    Its middle must be within the container's box and its cylinder, and its lowest point above the
    container's floor: what lies beside a bowl, below its rim, is not in it.
    """
    number = witness.thing_number(name)
    turn = witness.thing_turns[:, number]
    offset = witness.things[:, thing] - witness.things[:, number]
    in_container = np.einsum("nij,ni->nj", turn, offset)[:, :2]
    half = witness.half_size(number)
    is_over = (np.abs(in_container) < half[:2]).all(axis=1)
    is_over &= np.linalg.norm(in_container, axis=1) < witness.home.things[number].radius
    rim = witness.things[:, number, 2] + half[2]
    low = witness.lowest[:, thing]
    is_within = (low > witness.lowest[:, number] + CONTAINER_FLOOR_M) & (low < rim)
    return np.asarray(is_over & is_within & (turn[:, 2, 2] > CONTAINER_UP))


def _nth_reversal(track: NDArray[np.float64], swing: float, nth: int) -> int | None:
    """Return the sample at which a track had swung back by `swing` for the nth time, or None.

    Swings are counted within one stretch; a gap (nan) starts anew.
    """
    count, direction, low, high = 0, 0, np.nan, np.nan
    for index, value in enumerate(track):
        if np.isnan(value):
            count, direction, low, high = 0, 0, np.nan, np.nan
            continue
        low, high = np.fmin(low, value), np.fmax(high, value)
        is_back_down = direction >= 0 and high - value >= swing
        is_back_up = direction <= 0 and value - low >= swing
        if not (is_back_down or is_back_up):
            continue
        count += direction != 0
        direction, low, high = -1 if is_back_down else 1, value, value
        if count == nth:
            return index
    return None


def _wrap(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return angles in -π to π."""
    return np.asarray((angle + np.pi) % (2.0 * np.pi) - np.pi)
