"""Walk a simulated G1 in a circle: body, policy, gate, and nothing else."""

from yanshi.bodies.simulation import simulate
from yanshi.policies.walker import Walker
from yanshi.safety.gate import Bounds, first_target, gate_target

SECONDS = 2.0

simulation = simulate("empty", seed=0)
robot, body = simulation.robot, simulation.body
walker = Walker(robot)
state = body.read()
bounds = Bounds.of(robot.limits, robot.damping)
sent = first_target(state, robot.stiffness, robot.damping, bounds)
for tick in range(round(SECONDS * 50)):
    state = body.read()
    asked = walker.step(state, velocity=(0.5, 0.0, 0.4))
    for part in range(10):
        now_ns = tick * 20_000_000 + part * 2_000_000
        sent, faults = gate_target(asked, sent, state, bounds, token=0, writer=0, now_ns=now_ns)
        body.write(sent)
        body.advance(0.002)
x, y, z = body.data.body("pelvis").xpos
print(f"The pelvis is at {x:.2f}, {y:.2f}, {z:.2f} m after {SECONDS:.0f} s.")
