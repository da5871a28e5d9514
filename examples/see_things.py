"""Look through the head camera once and print what the eyes find."""

from yanshi.bodies.mujoco_camera import MujocoCamera
from yanshi.bodies.simulation import simulate
from yanshi.robots.g1.spec import HEAD_CAMERA
from yanshi.senses.eyes import Eyes

simulation = simulate("home", seed=8)
with MujocoCamera(simulation.body.model, HEAD_CAMERA) as camera:
    image = camera.capture_at(simulation.body.data.qpos, t_ns=0)
found_things = Eyes().detect(image)
for found in found_things:
    x, y, z = found.position_in_camera
    print(f"{found.colour} {found.kind}, {z:.2f} m ahead, {found.confidence:.0%} sure")
print(f"{len(found_things)} things seen.")
