"""Walk a simulated G1 in a circle: body, policy, gate, and nothing else."""

from yanshi.bodies.simulation import simulate
from yanshi.core.messages import JointTarget
from yanshi.policies.walker import Walker
from yanshi.safety.gate import GateConfig, gate_target

SECONDS = 2.0

simulation = simulate("empty", seed=0)
robot, body = simulation.robot, simulation.body
walker = Walker(robot)
state = body.read()
sent = JointTarget(
    t_ns=0,
    position=state.joint_position,
    stiffness=robot.stiffness,
    damping=robot.damping,
)
for tick in range(round(SECONDS * 50)):
    asked = walker.step(body.read(), velocity=(0.5, 0.0, 0.4))
    for part in range(10):
        now_ns = tick * 20_000_000 + part * 2_000_000
        sent, faults = gate_target(asked, sent, robot.limits, GateConfig(), now_ns=now_ns)
        body.write(sent)
        body.advance(0.002)
x, y, z = body.data.body("pelvis").xpos
print(f"The pelvis is at {x:.2f}, {y:.2f}, {z:.2f} m after {SECONDS:.0f} s.")
