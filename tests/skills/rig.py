"""A robot in a world with its skills, and eyes that may be told what to see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.messages import BaseEstimate, JointTarget, RobotState, Scene, Thing
from yanshi.policies.walker import Walker
from yanshi.robots.g1.spec import G1
from yanshi.senses.odometry import Odometry
from yanshi.skills.skill import Outcome, Percept, Tools, make_skill
from yanshi.worlds.floor_plan import FloorPlan, Place

TICK_S = 0.02
WALKER = Walker(G1, kinematics=simulate("empty", 0).kinematics)

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


def thing(name: str, x: float, y: float, z: float = 0.85, confidence: float = 0.9) -> Thing:
    """Return a thing as the eyes would remember it."""
    colour, _, kind = name.rpartition(" ")
    return Thing(kind=kind, colour=colour, position=(x, y, z), confidence=confidence, t_ns=0)


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

    def __post_init__(self) -> None:
        self.simulation: Simulation = simulate(self.world, self.seed)
        if self.world != "empty":
            self.plan = self.simulation.floor_plan
        self.body = self.simulation.body
        self.tools = Tools(
            robot=G1, floor_plan=self.plan, walker=WALKER, kinematics=self.simulation.kinematics
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
        doing = make_skill(skill, arguments, self.tools)
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

    def stand(self, seconds: float) -> None:
        """Stand as the executive does between steps."""
        for _ in range(round(seconds / TICK_S)):
            self.body.write(WALKER.step(self.percept().state, (0.0, 0.0, 0.0)))
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
