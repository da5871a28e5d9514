"""A robot in a world with its skills, and eyes that may be told what to see."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from yanshi.bodies.simulation import Simulation, simulate
from yanshi.control.kinematics import LEFT
from yanshi.control.palm import Approach
from yanshi.core.messages import BaseEstimate, JointTarget, RobotState, Scene, Solid, Thing
from yanshi.policies.walker import AT_REST, UpperBody, Walker
from yanshi.robots.g1.spec import G1
from yanshi.senses.odometry import Odometry
from yanshi.skills.hands import Held, hands_of
from yanshi.skills.motion import tick
from yanshi.skills.skill import Outcome, Percept, Skill, Tools, make_skill
from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.things import NECKED, kind_of
from yanshi.worlds.witness import Witness

TICK_S = 0.02
KINEMATICS = simulate("empty", 0).kinematics
WALKER = Walker(G1, kinematics=KINEMATICS)

TABLE = Place(
    name="table", centre=(2.0, 0.0), size=(0.7, 1.4), yaw=np.pi, height=0.8, has_surface=True
)
SHELF = Place(
    name="shelf", centre=(0.0, 2.6), size=(0.4, 1.0), yaw=-np.pi / 2, height=0.9, has_surface=True
)
DOOR = Place(
    name="door", centre=(0.0, -3.0), size=(0.1, 0.9), yaw=np.pi / 2, height=2.0, is_solid=False
)
ROOM = FloorPlan(name="room", size=(6.0, 6.0), places=(TABLE, SHELF, DOOR), start=(0.0, 0.0, 0.0))
"""A plan drawn on the empty floor: the furniture is on the map alone."""


def thing(
    name: str,
    x: float,
    y: float,
    z: float = 0.85,
    confidence: float = 0.9,
    kinds: Mapping[str, float] | None = None,
) -> Thing:
    """Return a thing as the eyes would remember it, unsure of its kind if shares are given."""
    colour, _, kind = name.rpartition(" ")
    return Thing(
        kind=kind,
        colour=colour,
        position=(x, y, z),
        confidence=confidence,
        t_ns=0,
        kind_shares=kinds or {},
    )


@dataclass
class Rig:
    """Runs one skill after another in physics."""

    plan: FloorPlan = ROOM
    seed: int = 0
    world: str = "empty"
    """Where it stands; the plan of any other world than the empty one is that world's own."""
    seen: Sequence[Thing] = ()
    """What the eyes hold in memory from the start."""
    lurking: Sequence[tuple[Thing, float]] = ()
    """What they see only when it lies within this angle of straight ahead, rad."""
    targets: list[JointTarget] = field(default_factory=list)
    remarks: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.simulation: Simulation = simulate(self.world, self.seed)
        if self.world != "empty":
            self.plan = self.simulation.floor_plan
        self.body = self.simulation.body
        self.tools = Tools(
            robot=G1,
            floor_plan=self.plan,
            walker=WALKER,
            kinematics=self.simulation.kinematics,
            remark=self.remarks.append,
        )
        WALKER.reset(self.body.read())
        self.odometry = Odometry(self.simulation.kinematics, self.plan.start)

    def percept(self) -> Percept:
        state = self.body.read()
        self.base = self.odometry.update(state)
        return self.percept_of(state, self.base)

    def percept_of(self, state: RobotState, base: BaseEstimate) -> Percept:
        now = [
            Thing(
                kind=t.kind,
                colour=t.colour,
                position=t.position,
                confidence=t.confidence,
                t_ns=state.t_ns,
            )
            for t, angle in self.lurking
            if self._is_ahead(base.position, base.yaw, t, angle)
        ]
        known = {t.name: t for t in (*self.seen, *now)}
        self.seen = tuple(known.values())
        return Percept(state=state, base=base, scene=Scene(t_ns=state.t_ns, things=self.seen))

    @staticmethod
    def _is_ahead(position: np.ndarray, yaw: float, t: Thing, angle: float) -> bool:
        dx, dy = t.position[0] - position[0], t.position[1] - position[1]
        off = (np.arctan2(dy, dx) - yaw + np.pi) % (2 * np.pi) - np.pi
        return bool(abs(off) < angle and np.hypot(dx, dy) < 2.5)

    def do(
        self,
        skill: str,
        *arguments: str,
        watch: Callable[["Rig"], None] = lambda rig: None,
        stays_up: bool = True,
    ) -> Outcome:
        """Carry out one step to its end, as the executive does."""
        return self.carry_out(make_skill(skill, arguments, self.tools), watch, stays_up=stays_up)

    def carry_out(
        self,
        doing: Skill,
        watch: Callable[["Rig"], None] = lambda rig: None,
        *,
        stays_up: bool = True,
    ) -> Outcome:
        """The same for a skill that is made already."""
        percept = self.percept()
        refusal = doing.check(percept)
        if refusal is not None:
            return refusal
        start_ns = percept.state.t_ns
        doing.start(percept)
        while not isinstance(result := doing.step(percept), Outcome):
            self.targets.append(result)
            self.body.write(result)
            self.body.advance(TICK_S)
            watch(self)
            percept = self.percept()
            assert (percept.state.t_ns - start_ns) * 1e-9 < doing.timeout_s
            assert self.is_up or not stays_up
        return result

    def hold(self, side: int, name: str) -> Held:
        """Let a hand believe that it holds a thing 6 cm wide and high, 7 cm before its palm."""
        palm_from_thing = np.eye(4)
        palm_from_thing[:3, 3] = (0.01, -0.07 if side == LEFT else 0.07, 0.0)
        held = Held(
            name=name,
            palm_from_thing=palm_from_thing,
            size=(0.06, 0.06, 0.06),
            approach=Approach.ABOVE,
            grip_height=0.03,
        )
        hands_of(self.tools)[side].held = held
        return held

    def stand(self, seconds: float, body: UpperBody = AT_REST) -> None:
        """Stand as the executive does between steps."""
        for _ in range(round(seconds / TICK_S)):
            self.body.write(tick(self.tools, self.percept(), upper_body=body))
            self.body.advance(TICK_S)

    @property
    def is_up(self) -> bool:
        return bool(self.body.data.body("pelvis").xpos[2] > 0.5)

    @property
    def position(self) -> np.ndarray:
        return np.array(self.body.data.body("pelvis").xpos[:2])

    @property
    def yaw(self) -> float:
        R = self.body.data.body("pelvis").xmat.reshape(3, 3)
        return float(np.arctan2(R[1, 0], R[0, 0]))

    def off(self, x: float, y: float) -> float:
        """Return the angle between the true heading and a point, rad."""
        to = np.arctan2(y - self.position[1], x - self.position[0])
        return float(abs((to - self.yaw + np.pi) % (2 * np.pi) - np.pi))


@dataclass(eq=False)
class Ghost:
    """Glides as it is told, without physics, and sees what it is told to see from where it is."""

    sees: Callable[["Ghost"], Sequence[Thing]]
    plan: FloorPlan = ROOM
    t_ns: int = 0
    remarks: list[Outcome] = field(default_factory=list)
    been: list[tuple[float, float]] = field(default_factory=list)
    wall: float = np.inf
    """What nobody sees keeps it from beyond this, m along x."""

    def __post_init__(self) -> None:
        self.x, self.y, self.yaw = self.plan.start
        self.order = (0.0, 0.0, 0.0)
        self.tools = Tools(
            robot=G1,
            floor_plan=self.plan,
            walker=self,
            kinematics=KINEMATICS,
            remark=self.remarks.append,
        )

    def step(self, state: RobotState, velocity=(0.0, 0.0, 0.0), upper_body=None) -> None:
        """Take an order, as a walker does; the gate would refuse one made of what is long past."""
        assert state.t_ns == self.t_ns
        self.order = velocity

    def posed(self, height: float, lean: float) -> np.ndarray:
        """Return the joints of a stance, as a walker does, rad."""
        return WALKER.posed(height, lean)

    def percept(self) -> Percept:
        zeros = np.zeros(len(G1.joint_names))
        state = RobotState(
            t_ns=self.t_ns,
            joint_position=G1.default_position,
            joint_velocity=zeros,
            joint_torque=zeros,
            orientation_wxyz=np.array([1.0, 0.0, 0.0, 0.0]),
            angular_velocity=np.zeros(3),
            acceleration=np.array([0.0, 0.0, 9.81]),
        )
        base = BaseEstimate(
            t_ns=self.t_ns,
            position=np.array([self.x, self.y, 0.7]),
            orientation_wxyz=np.array([np.cos(self.yaw / 2), 0.0, 0.0, np.sin(self.yaw / 2)]),
            velocity=np.zeros(3),
        )
        return Percept(
            state=state, base=base, scene=Scene(t_ns=self.t_ns, things=tuple(self.sees(self)))
        )

    def go(self, behaviour: Callable[[Tools, Percept], Any]) -> Any:
        """Follow a behaviour to its end and return what it returns."""
        flow = behaviour(self.tools, self.percept())
        try:
            next(flow)
            while self.t_ns < 300e9:
                ahead, left, turn = self.order
                self.x += TICK_S * (ahead * np.cos(self.yaw) - left * np.sin(self.yaw))
                self.x = min(self.x, self.wall)
                self.y += TICK_S * (ahead * np.sin(self.yaw) + left * np.cos(self.yaw))
                self.yaw += TICK_S * turn
                self.t_ns += round(TICK_S * 1e9)
                self.been.append((self.x, self.y))
                flow.send(self.percept())
        except StopIteration as end:
            return end.value
        raise AssertionError("It never ended.")

    def away(self, point: Sequence[float]) -> float:
        """Return how far it is from a point on the floor, m."""
        return float(np.hypot(point[0] - self.x, point[1] - self.y))


NEAR_HAND_M = 0.5
"""Nearer than this no open hand is seen whole."""
LOOK_TICKS = 5
"""A rig with open eyes looks ten times a second."""


@dataclass
class SightedRig(Rig):
    """Knows where it is, and all things as the simulator has them: a judge of hands alone."""

    world: str = "tidy"
    sees_open_hand: bool = True
    """Whether a hand that somebody holds out is seen …"""
    open_hand_lift_m: float = 0.0
    """… and how much higher than it is."""
    takes_person_for_hand: bool = False
    """Whether from near something beside the person is taken for the open hand."""
    witness: Witness = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.witness = Witness(self.body.model, self.simulation.home)
        self._ticks = 0

    @property
    def is_up(self) -> bool:
        """Whether it has not fallen; for low things it squats to 46 cm."""
        pelvis = self.body.data.body("pelvis")
        return bool(pelvis.xpos[2] > 0.35 and pelvis.xmat[8] > 0.5)

    def percept(self) -> Percept:
        state, data = self.body.read(), self.body.data
        w, *xyz = data.body("pelvis").xquat
        base = BaseEstimate(
            t_ns=state.t_ns,
            position=data.body("pelvis").xpos,
            orientation_wxyz=np.array([w, *xyz]) * (1.0 if w >= 0.0 else -1.0),
            velocity=np.zeros(3),
        )
        if self._ticks % LOOK_TICKS == 0:
            self.seen = (*self._see(state.t_ns), *self._see_open_hand(state.t_ns))
        self._ticks += 1
        self.witness.sample(data)
        return Percept(state=state, base=base, scene=Scene(t_ns=state.t_ns, things=self.seen))

    def _see(self, t_ns: int) -> Iterator[Thing]:
        """Yield every thing with the size of the box round it."""
        for number, placed in enumerate(self.simulation.home.things):
            body = self.body.data.body(placed.body)
            x, y, z = (float(value) for value in body.xpos)
            a, b, c = (2.0 * float(half) for half in self.witness.half_size(number))
            solid = Solid(
                shape=kind_of(placed.kind).shape,
                position=(x, y, z),
                size=(a, b, c),
                yaw=float(np.arctan2(body.xmat[3], body.xmat[0])),
                is_tapered=placed.kind in NECKED,
            )
            yield Thing(
                kind=placed.kind,
                colour=placed.colour,
                position=(x, y, z),
                confidence=0.95,
                t_ns=t_ns,
                solid=solid,
            )

    def _see_open_hand(self, t_ns: int) -> Iterator[Thing]:
        """Yield the person who holds a hand out, if there is one."""
        home = self.simulation.home
        if home.open_hand is None:
            return
        x, y, _ = self.body.data.body(home.person).xpos
        u, v, top = np.add(home.open_hand, (0.0, 0.0, self.open_hand_lift_m - 0.01)).tolist()
        if self.takes_person_for_hand and np.hypot(*(self.position - (u, v))) < NEAR_HAND_M:
            u, v, top = float(x) + 0.2, float(y), top + 0.25
        solid = Solid(shape="box", position=(u, v, top), size=(0.17, 0.09, 0.02), yaw=0.0)
        yield Thing(
            kind="person",
            colour="",
            position=(float(x), float(y), 0.9),
            confidence=0.95,
            t_ns=t_ns,
            solid=solid if self.sees_open_hand else None,
        )
