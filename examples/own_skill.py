"""A skill of your own: nod with the torso, and run it beside the installed ones.

In a package of yours, this line in pyproject.toml makes every plan know it:

    [project.entry-points."yanshi.skills"]
    nod = "your_package:Nod"
"""

import numpy as np

from yanshi.bodies.simulation import simulate
from yanshi.core.messages import Scene
from yanshi.policies.walker import UPRIGHT, UpperBody, Walker
from yanshi.senses.odometry import Odometry
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import tick
from yanshi.skills.skill import DONE, Outcome, Percept, Tools


class Nod(Flow):
    """Lean ahead and back a few times."""

    syntax = ("",)
    summary = ("Nod with the torso", "弯腰点头")
    timeout_s = 10.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Swing the torso for two seconds."""
        for step in range(100):
            lean = 0.15 * (1.0 - np.cos(2.0 * np.pi * step / 50.0))
            body = UpperBody(posture=(UPRIGHT[0], float(lean)))
            percept = yield tick(self.tools, percept, upper_body=body)
        return DONE


simulation = simulate("empty", seed=0)
tools = Tools(
    robot=simulation.robot,
    floor_plan=simulation.floor_plan,
    walker=Walker(simulation.robot),
    kinematics=simulation.kinematics,
)
odometry = Odometry(simulation.kinematics, simulation.floor_plan.start)
nod = Nod((), tools)


def perceive() -> Percept:
    """Sense once; there is nothing to see in an empty world."""
    state = simulation.body.read()
    return Percept(state=state, base=odometry.update(state), scene=Scene(t_ns=state.t_ns))


nod.start(perceive())
while not isinstance(result := nod.step(perceive()), Outcome):
    simulation.body.write(result)
    simulation.body.advance(0.02)
print(f"nod: {result.kind}")
