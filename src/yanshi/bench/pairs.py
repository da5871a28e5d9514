"""Two things that break in one run, a moment apart: does the worse of the two answers win?

Every pair of the kinds below occurs at least once, standing or walking. Nobody says what should
become of each pair; what must hold for all of them is asked instead, tick by tick: what each
thing calls for alone is in force when it is due and for as long as it lasts, what is limp or
sits down does not rise again, and what was ended is not begun anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from yanshi.bench.bare_brain import ClosedEyes
from yanshi.bench.injection import Injection
from yanshi.bench.push import PUSH_NS
from yanshi.bench.rig import (
    KNEE,
    MS,
    PLANS,
    STANDING,
    WALKING,
    Case,
    Rig,
    is_whole,
    look_at,
    no_fall_untold,
    rides_through,
    set_up,
)
from yanshi.bench.rows import Trial
from yanshi.bodies.push import Push
from yanshi.core.clock import Clock
from yanshi.core.errors import BodyError
from yanshi.ledger.meter import Meter, open_meter
from yanshi.robots.g1.spec import G1
from yanshi.runtime.eyes_process import Glance
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.runtime.recovery import Stage
from yanshi.runtime.words import Conversation
from yanshi.safety.check_in import CheckIn, CheckInConfig, Question, prove
from yanshi.safety.faults import Action, Fault

APART_S = 0.4
"""The second thing breaks at most so much later than the first."""
AFTER_S = {Action.DAMP: 2.0, Action.GET_UP: 7.0, Action.SIT: 7.0}
"""How long the robot is looked at from the first on, where it is not four seconds."""
FALL_TOLD_MS = 400.0
"""As late as a slow fall is told after 30° of lean when nothing else breaks; A10 asks for 200."""
TICK_MS = 20.0
IN_FORCE = {
    Stage.DOWN: Action.DAMP,
    Stage.LANDING: Action.GET_UP,
    Stage.RISING: Action.GET_UP,
    Stage.SITTING: Action.SIT,
}
"""What the body does in each stage."""
SPEECH = ("ask", "say", "refuse", "stop")
"""Steps that move nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One thing that breaks, and what it calls for when it breaks alone."""

    row: str
    """Of the fault matrix."""
    action: Action = Action.NONE
    within_ms: float = 0.0
    """How soon that is in force."""
    lasts: bool = True
    """Whether it is in force from then on, or was once."""
    may_fall: bool = False
    """Whether it may fell the robot before anything follows."""
    slows_ms: float = 0.0
    """How much longer it may take to notice anything else meanwhile."""
    injection: Injection | None = None
    """Into readings or policy."""
    begin: "Callable[[Household, Rig], None] | None" = None
    """Breaks what is neither, and the pushes."""


class FailingEyes(ClosedEyes):
    """Sees nothing, until its process dies."""

    is_dead = False

    def collect(self, timeout_s: float) -> Glance | None:
        """Return that nothing was seen.

        Raises:
            BodyError: The eyes are dead.
        """
        if self.is_dead:
            raise BodyError("The eyes' process died.")
        return super().collect(timeout_s)


class FailingLog(Observer):
    """Keeps nothing, until it cannot."""

    is_broken = False

    @property
    def fault(self) -> str:
        """What went wrong with it."""
        return "The disk is full." if self.is_broken else ""


class Watcher:
    """Answers every check-in at once, until it is gone."""

    present = ("terminal",)

    def __init__(self) -> None:
        self._check_in = CheckIn(b"key", CheckInConfig(missed_s=0.3, lost_s=0.9), now_ns=0)
        self.clock: Clock | None = None
        self.is_gone = False

    def missing(self) -> Fault | None:
        """Return what follows from its absence, if anything."""
        now_ns = self.clock.now_ns() if self.clock is not None else 0
        if not self.is_gone:
            nonce = now_ns.to_bytes(8, "big")
            self._check_in.accept(Question(nonce, now_ns), prove(b"key", nonce))
        return self._check_in.fault(now_ns)


@dataclass(slots=True)
class Household:
    """All around a robot that can break."""

    eyes: FailingEyes = field(default_factory=FailingEyes)
    log: FailingLog = field(default_factory=FailingLog)
    watcher: Watcher = field(default_factory=Watcher)
    words: Conversation = field(default_factory=lambda: Conversation(waits=False))
    meter: Meter = field(default_factory=lambda: open_meter("orin-nx", G1.limits, charge=0.5))


def _push(impulse: float) -> Callable[[Household, Rig], None]:
    def push(house: Household, rig: Rig) -> None:
        way = f"{rig.chance.uniform(0.0, 360.0):.0f}"
        rig.episode._pusher._waiting.append(Push(impulse=impulse, at_s=0.0, way=way))

    return push


def _charge(charge: float) -> Callable[[Household, Rig], None]:
    def drain(house: Household, rig: Rig) -> None:
        house.meter.battery.charge = min(charge, house.meter.battery.charge)

    return drain


def _kill_eyes(house: Household, rig: Rig) -> None:
    house.eyes.is_dead = True


def _break_log(house: Household, rig: Rig) -> None:
    house.log.is_broken = True


def _leave(house: Household, rig: Rig) -> None:
    house.watcher.is_gone = True


def _order(house: Household, rig: Rig) -> None:
    house.words.say("turn left 90", "other")


def _stop(house: Household, rig: Rig) -> None:
    rig.episode.stop()


def _broken(
    row: str,
    injection: Injection,
    action: Action = Action.NONE,
    within_ms: float = 0.0,
    **more: Any,
) -> Kind:
    return Kind(row=row, injection=injection, action=action, within_ms=within_ms, **more)


def _joint(kind: str, size: float = 0.0) -> Injection:
    return Injection(part="joint", kind=kind, joint=KNEE, size=size)


def _motor(kind: str, size: float = 0.0) -> Injection:
    return Injection(part="motor", kind=kind, joint=KNEE, size=size)


def _from(part: str, kind: str, size: float = 0.0, **more: Any) -> Injection:
    return Injection(part=part, kind=kind, size=size, **more)


LIMP_LATE = (Action.DAMP, 120.0)
NUMB_MS = 260.0
"""As late as a knee that sleeps is found when nothing else breaks and it hardly moves; A3 asks for
100."""
ASTRAY_MS = 100.0
"""How soon a motor that does not pull as it was told to is found; a dead one must be asked for a
pull first."""
KINDS: dict[str, Kind] = {
    "IMU garbage twice": _broken(
        "A1",
        _from("imu", "garbage", samples=2),
        Action.WARN,
        30.0,
        lasts=False,
        slows_ms=TICK_MS,
    ),
    "IMU garbage": _broken("A2", _from("imu", "garbage"), Action.DAMP, 30.0),
    "knee garbage": _broken("A2", _joint("garbage"), Action.DAMP, 30.0),
    "IMU stuck": _broken("A3", _from("imu", "stuck"), Action.DAMP, 100.0),
    "knee stuck": _broken("A3", _joint("stuck"), Action.SIT, NUMB_MS, may_fall=True),
    "link stuck": _broken("A4", _from("states", "stuck"), Action.DAMP, 60.0),
    "link down": _broken("A4", _from("states", "off"), Action.DAMP, 60.0),
    "half the samples": _broken("A4", _from("states", "intermittent", 0.5), slows_ms=TICK_MS),
    "20 ms late": _broken("A5", _from("states", "delayed", 20.0), slows_ms=TICK_MS),
    "rotation rate off": _broken("A6", _from("gyro", "wrong", 0.1)),
    "orientation off": _broken("A6", _from("tilt", "wrong", 4.0)),
    "knee reads wrongly": _broken("A7", _joint("wrong", 0.1), Action.SIT, ASTRAY_MS, may_fall=True),
    "knee zero moved": _broken("A7", _joint("moved", 0.1)),
    "knee reads zero": _broken("A7", _joint("off"), Action.SIT, 140.0, may_fall=True),
    "knee weak": _broken("A8", _motor("wrong", 0.5)),
    "knee dead": _broken("A8", _motor("off"), Action.SIT, ASTRAY_MS + 60.0, may_fall=True),
    "policy garbage once": _broken(
        "B1", _from("policy", "garbage", last_s=0.02), Action.HOLD, TICK_MS, lasts=False
    ),
    "policy garbage": _broken("B1", _from("policy", "garbage"), *LIMP_LATE),
    "policy late once": _broken(
        "B2", _from("policy", "delayed", 40.0), Action.HOLD, 60.0, lasts=False
    ),
    "policy silent": _broken("B2", _from("policy", "off"), *LIMP_LATE),
    "pushed": Kind(row="A10", begin=_push(PUSH_NS)),
    "pushed hard": Kind(row="A10", begin=_push(90.0), may_fall=True),
    "slippery": _broken("A11", _from("floor", "wrong", 0.5)),
    "battery low": Kind(row="A13", action=Action.WARN, within_ms=TICK_MS, begin=_charge(0.199)),
    "battery empty": Kind(row="A13", action=Action.SIT, within_ms=TICK_MS, begin=_charge(0.099)),
    "stop": Kind(row="E1", action=Action.HOLD, within_ms=TICK_MS, begin=_stop),
    "nobody watches": Kind(row="E2", action=Action.SIT, within_ms=940.0, begin=_leave),
    "another's order": Kind(
        row="F1", action=Action.REJECT, within_ms=TICK_MS, lasts=False, begin=_order
    ),
    "log lost": Kind(row="G1", action=Action.WARN, within_ms=120.0, begin=_break_log),
    "eyes gone": Kind(row="eyes", action=Action.HOLD, within_ms=120.0, begin=_kill_eyes),
}
"""What is broken in pairs, by name."""


@cache
def pairs_of(worst: Action) -> tuple[tuple[str, str], ...]:
    """Return the pairs of which the worse one alone calls for an action."""
    return tuple(
        (a, b)
        for a, b in combinations(KINDS, 2)
        if max(_worst_of(KINDS[a]), _worst_of(KINDS[b])) is worst
    )


def _worst_of(kind: Kind) -> Action:
    return max(kind.action, Action.GET_UP) if kind.may_fall and not kind.action else kind.action


@dataclass(slots=True)
class Judge:
    """Sees at every tick what is in force."""

    rig: Rig
    house: Household
    at_ms: dict[str, float]
    """When each thing is to break, on the run's clock."""
    strengths: list[tuple[float, Action, Action]] = field(default_factory=list)
    """Time, what all that holds asks for, and what the body does, at every tick."""
    down_ns: int | None = None

    def look(self, snapshot: Snapshot) -> None:
        """See one tick, and break what is due."""
        t_ms, episode = snapshot.t_ns / MS, self.rig.episode
        stage = episode._recovery.stage
        asked = episode._watch.action(snapshot.t_ns)
        self.strengths.append((t_ms, asked, IN_FORCE.get(stage, Action.NONE)))
        if stage is Stage.DOWN and self.down_ns is None:
            self.down_ns = snapshot.t_ns
        for name, at_ms in self.at_ms.items():
            begin = KINDS[name].begin
            if begin is not None and at_ms <= t_ms < at_ms + TICK_MS:
                begin(self.house, self.rig)

    def violations(self, trial: Trial) -> list[str]:
        """Return what did not hold that must."""
        slow_ms = sum(KINDS[name].slows_ms for name in self.at_ms)
        found = [] if is_whole(trial) else ["not whole"]
        for name, at_ms in self.at_ms.items():
            found += self._misses(name, at_ms + TICK_MS * (KINDS[name].begin is not None), slow_ms)
        found += self._weakens()
        stiff_ns = self.rig.body.stiff_ns
        found += ["moved when limp"] * (self.down_ns is not None and stiff_ns > self.down_ns)
        found += self._falls(trial)
        return found

    def _misses(self, name: str, at_ms: float, slow_ms: float) -> list[str]:
        """Whether what a thing calls for is in force when it is due, and stays so."""
        kind = KINDS[name]
        due_ms = at_ms + kind.within_ms + slow_ms * (kind.action >= Action.SIT)
        if not kind.action:
            return []
        after = [max(a, b) for t, a, b in self.strengths if t >= due_ms]
        before = [max(a, b) for t, a, b in self.strengths if at_ms - TICK_MS <= t < due_ms]
        found = []
        if max([*before, *after[:1]], default=Action.NONE) < kind.action:
            found.append(f"{name}: not in force after {due_ms - at_ms:.0f} ms")
        elif kind.lasts and min(after, default=Action.DAMP) < kind.action:
            found.append(f"{name}: weakened")
        if kind.action is Action.DAMP and not self._is_limp_by(due_ms):
            found.append(f"{name}: not limp after {due_ms - at_ms:.0f} ms")
        if kind.action >= Action.HOLD and self._begins_after(due_ms, lasts=kind.lasts):
            found.append(f"{name}: a step begun afterwards")
        if kind.action is Action.SIT and self.strengths[-1][2] < Action.SIT:
            found.append(f"{name}: does not sit")
        return found

    def _is_limp_by(self, due_ms: float) -> bool:
        limp_ns = self.rig.body.limp_ns
        return limp_ns is not None and limp_ns / MS <= due_ms

    def _begins_after(self, due_ms: float, *, lasts: bool) -> bool:
        """Whether a step that moves was begun; after a passing fault, what a fall broke off may."""
        events = self.rig.onlooker.events
        if not lasts and any(kind == "up" for _, kind, _ in events):
            return False
        return any(
            kind == "begin" and t / MS > due_ms and not text.startswith(SPEECH)
            for t, kind, text in events
        )

    def _weakens(self) -> list[str]:
        """Whether what lies limp or sits down ever did anything else again."""
        done = [action for _, _, action in self.strengths]
        for (_, asked, did), after in zip(self.strengths, done[1:], strict=False):
            if did in (Action.DAMP, Action.SIT) and after < did:
                return [f"{did.name} became {after.name}"]
            if asked is Action.DAMP and did is not Action.DAMP:
                return ["DAMP was asked for and not done"]
        return []

    def _falls(self, trial: Trial) -> list[str]:
        """Whether it fell and nothing was told of it in time."""
        fell_ns = self.rig.body.fell_ns
        if fell_ns is None or trial["is_upright"]:
            return []
        due_ms = fell_ns / MS + FALL_TOLD_MS
        after = [max(a, b) for t, a, b in self.strengths if t >= due_ms]
        told = not after or after[0] >= Action.SIT
        return [] if told else [f"fell, and nothing told of it {FALL_TOLD_MS:.0f} ms later"]


def break_two(case: Case, k: int) -> Trial:
    """Break the k-th pair of the case's, in either order, a random moment apart."""
    worst = Action[case.options["worst"]]
    chance = np.random.default_rng([k, worst, 0x706169])
    pairs = pairs_of(worst)
    names: Sequence[str] = chance.permutation(pairs[k % len(pairs)]).tolist()
    apart_s = round(float(chance.uniform(0.0, APART_S)), 3)
    doing = (STANDING, WALKING)[int(chance.integers(2))]
    kinds = [KINDS[name] for name in names]
    house = Household()
    rig = set_up(
        case,
        1000 * worst + k,
        after_s=AFTER_S.get(worst, 4.0),
        injections=[
            replace(kind.injection, after_s=apart_s * i)
            for i, kind in enumerate(kinds)
            if kind.injection is not None
        ],
        eyes=house.eyes,
        meter=house.meter,
        attendance=house.watcher,
        observers=[house.log],
    )
    house.watcher.clock = rig.episode.clock
    at_ms = {name: 1e3 * (rig.at_s + apart_s * i) for i, name in enumerate(names)}
    judge = Judge(rig, house, at_ms)
    rig.onlooker.on = judge.look
    house.words.say(PLANS[doing])
    trial = look_at(rig, house.words)
    found = judge.violations(trial)
    trial |= {"pair": names, "apart_s": apart_s, "doing": doing, "violations": found}
    return trial


def holds(trial: Trial) -> bool:
    """Whether all that must hold did."""
    return not trial["violations"]


def holds_and_stands(trial: Trial) -> bool:
    """The same, and that a robot which neither of the two may fell stands, or said why not."""
    return holds(trial) and (rides_through(trial) or no_fall_untold(trial))
