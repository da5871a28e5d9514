"""What was there, what was thought, what was done? A log that Foxglove's tools open.

The run's thread only puts messages, which never change, into a queue; a thread of the
recorder's own encodes and writes them. Pictures, poses, joints, things and words use
Foxglove's own schemas, the rest is JSON. Interventions also form a chain of hashes.
"""

import json
import queue
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from foxglove import messages as fox
from numpy.typing import NDArray

from yanshi.bodies.simulation import Simulation
from yanshi.core.closing import Closing
from yanshi.core.errors import UnknownNameError
from yanshi.core.messages import BaseEstimate, JointTarget, RobotState, Scene
from yanshi.robots.spec import RobotSpec
from yanshi.runtime.audit import AUDIT, AUDITED
from yanshi.runtime.mcap_file import McapFile
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.safety.chain import BEGIN, END, Chain
from yanshi.worlds.floor_plan import FloorPlan
from yanshi.worlds.things import KIND_FACTS, PAINTS

MAP, BASE, CAMERA = "map", "pelvis", "head_camera"
"""Frames of reference in the log."""

TEXT_SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}
AUDIT_SCHEMA = {
    "type": "object",
    "properties": {
        name: {"type": "integer" if name in ("number", "t_ns") else "string"}
        for name in ("number", "t_ns", "kind", "text", "before", "hash")
    },
}
IMU_SCHEMA = {
    "type": "object",
    "properties": {
        name: {"type": "array", "items": {"type": "number"}}
        for name in ("orientation_wxyz", "angular_velocity", "acceleration")
    },
}


@dataclass(frozen=True, slots=True)
class Words:
    """Something said or heard, or an event worth a line."""

    speaker: str
    """Who: `user`, `robot`, or the part of the program that tells it."""
    text: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Topic:
    """One channel: how its messages are written."""

    schema: Any
    """A class of `foxglove.messages`, or a JSON schema."""
    encode: Callable[[int, Any], bytes]
    """Turns the time in ns and a message into bytes."""


class Recorder:
    """Writes a log; a failing disk stops the log and never the run."""

    def __init__(self, path: Path, robot: RobotSpec, floor_plan: FloorPlan | None = None) -> None:
        """Begin a log.

        Args:
            path: Where it will be once closed; until then `.partial` is added to its name.
            robot: Whose joints are logged.
            floor_plan: What is drawn round the robot.

        Raises:
            ConfigError: The file cannot be begun.
        """
        self.path = path
        self._chain = Chain()
        self._topics = make_topics(robot, self._chain)
        self._last_ns = 0
        self._file = McapFile(path)
        self._channels = {name: self._add_channel(name) for name in self._topics}
        self._queue: queue.SimpleQueue[tuple[str, int, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()
        self.write(AUDIT, 0, (BEGIN, f"{robot.name} {secrets.token_hex(16)}"))
        if floor_plan is not None:
            self.write("/furniture", 0, floor_plan)

    @property
    def fault(self) -> str:
        """What went wrong, in a sentence; empty while all is well."""
        error = self._file.error
        if error is None:
            return ""
        return (
            f"The log {self.path} could not be written on: {error.strerror}. "
            f"What was recorded until then is in {self._file.partial}."
        )

    @property
    def last_hash(self) -> str:
        """The last hash of the chain of interventions, once closed; empty if the log failed.

        Kept elsewhere, it shows later whether anybody has changed the log.
        """
        is_whole = self._file.error is None and not self._thread.is_alive()
        return self._chain.last_hash if is_whole else ""

    def write(self, topic: str, t_ns: int, message: Any) -> None:
        """Log a message; returns at once.

        Raises:
            UnknownNameError: There is no such topic.
        """
        if topic not in self._topics:
            raise UnknownNameError("topic", topic, self._topics)
        self._last_ns = t_ns
        if self._file.error is None:
            self._queue.put((topic, t_ns, message))

    def close(self) -> None:
        """Write what is waiting and give the file its final name; safe to call twice."""
        if self._thread.is_alive():
            self.write(AUDIT, self._last_ns, (END, ""))
            self._queue.put(None)
            self._thread.join()
            self._file.close()

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            topic, t_ns, message = item
            if self._file.error is None:
                data = self._topics[topic].encode(t_ns, message)
                self._file.write(self._channels[topic], t_ns, data)

    def _add_channel(self, name: str) -> int:
        schema = self._topics[name].schema
        if isinstance(schema, dict):
            text = json.dumps(schema).encode()
            return self._file.add_channel(name, "json", name.strip("/"), "jsonschema", text)
        known = schema.get_schema()
        return self._file.add_channel(name, "protobuf", known.name, known.encoding, known.data)


def make_topics(robot: RobotSpec, chain: Chain) -> dict[str, Topic]:
    """Return every topic of a log by its name; interventions are added to the chain."""
    names = robot.joint_names
    return {
        "/state": Topic(fox.JointStates, lambda t, m: encode_state(t, m, names)),
        "/target": Topic(fox.JointStates, lambda t, m: encode_target(t, m, names)),
        "/imu": Topic(IMU_SCHEMA, encode_imu),
        "/base": Topic(fox.PoseInFrame, encode_base),
        "/tf": Topic(fox.FrameTransforms, encode_frames),
        "/scene": Topic(fox.SceneUpdate, encode_scene),
        "/furniture": Topic(fox.SceneUpdate, encode_furniture),
        "/plan": Topic(TEXT_SCHEMA, encode_text),
        "/step": Topic(TEXT_SCHEMA, encode_text),
        "/words": Topic(fox.Log, encode_words),
        AUDIT: Topic(AUDIT_SCHEMA, lambda t, m: chain.add(t, *m)),
        "/image": Topic(fox.CompressedImage, encode_image),
    }


def stamp(t_ns: int) -> fox.Timestamp:
    """Return a run's time as Foxglove writes it."""
    return fox.Timestamp(sec=t_ns // 1_000_000_000, nsec=t_ns % 1_000_000_000)


def encode_state(t_ns: int, state: RobotState, names: Sequence[str]) -> bytes:
    """Write angles, speeds and torques by joint."""
    rows = zip(
        names,
        state.joint_position.tolist(),
        state.joint_velocity.tolist(),
        state.joint_torque.tolist(),
        strict=True,
    )
    joints = [fox.JointState(name=n, position=q, velocity=v, effort=e) for n, q, v, e in rows]
    return bytes(fox.JointStates(timestamp=stamp(t_ns), joints=joints).encode())


def encode_target(t_ns: int, target: JointTarget, names: Sequence[str]) -> bytes:
    """Write the angles that were sent by joint."""
    rows = zip(names, target.position.tolist(), strict=True)
    joints = [fox.JointState(name=name, position=position) for name, position in rows]
    return bytes(fox.JointStates(timestamp=stamp(t_ns), joints=joints).encode())


def encode_imu(t_ns: int, state: RobotState) -> bytes:
    """Write what the IMU measured."""
    names = ("orientation_wxyz", "angular_velocity", "acceleration")
    return json.dumps({name: np.round(getattr(state, name), 5).tolist() for name in names}).encode()


def pose_of(base: BaseEstimate) -> tuple[fox.Vector3, fox.Quaternion]:
    """Return where the pelvis is believed to be."""
    x, y, z = base.position.tolist()
    w, qx, qy, qz = base.orientation_wxyz.tolist()
    return fox.Vector3(x=x, y=y, z=z), fox.Quaternion(x=qx, y=qy, z=qz, w=w)


def encode_base(t_ns: int, base: BaseEstimate) -> bytes:
    """Write the pelvis' pose on the map."""
    position, orientation = pose_of(base)
    pose = fox.Pose(position=position, orientation=orientation)
    message = fox.PoseInFrame(timestamp=stamp(t_ns), frame_id=MAP, pose=pose)
    return bytes(message.encode())


def encode_frames(t_ns: int, base: BaseEstimate) -> bytes:
    """Write the transform from the map to the pelvis."""
    translation, rotation = pose_of(base)
    frame = fox.FrameTransform(
        timestamp=stamp(t_ns),
        parent_frame_id=MAP,
        child_frame_id=BASE,
        translation=translation,
        rotation=rotation,
    )
    return bytes(fox.FrameTransforms(transforms=[frame]).encode())


def encode_scene(t_ns: int, scene: Scene) -> bytes:
    """Write every remembered thing as a ball with its name over it."""
    entities = []
    for index, thing in enumerate(scene.things):
        size = 0.5 if thing.kind not in KIND_FACTS else 2.0 * KIND_FACTS[thing.kind].half_height
        red, green, blue = PAINTS.get(thing.colour, (0.9, 0.75, 0.6))
        x, y, z = thing.position
        ball = fox.SpherePrimitive(
            pose=_place(x, y, z),
            size=fox.Vector3(x=size, y=size, z=size),
            color=fox.Color(r=red, g=green, b=blue, a=0.4 + 0.6 * thing.confidence),
        )
        label = fox.TextPrimitive(
            pose=_place(x, y, z + 0.5 * size + 0.08),
            billboard=True,
            font_size=0.07,
            color=fox.Color(r=1.0, g=1.0, b=1.0, a=1.0),
            text=f"{thing.name} {thing.confidence:.0%}",
        )
        entities.append(_entity(f"thing_{index}", t_ns, spheres=[ball], texts=[label]))
    gone = fox.SceneEntityDeletion(timestamp=stamp(t_ns), type=fox.SceneEntityDeletionType.All)
    return bytes(fox.SceneUpdate(deletions=[gone], entities=entities).encode())


def encode_furniture(t_ns: int, plan: FloorPlan) -> bytes:
    """Write the floor plan: the floor and a box with its name for every place."""
    grey = fox.Color(r=0.6, g=0.6, b=0.62, a=1.0)
    floor = fox.CubePrimitive(
        pose=_place(0.0, 0.0, -0.01),
        size=fox.Vector3(x=plan.size[0], y=plan.size[1], z=0.02),
        color=fox.Color(r=0.85, g=0.82, b=0.76, a=1.0),
    )
    entities = [_entity("floor", t_ns, cubes=[floor])]
    for place in plan.places:
        half = 0.5 * place.yaw
        pose = fox.Pose(
            position=fox.Vector3(x=place.centre[0], y=place.centre[1], z=0.5 * place.height),
            orientation=fox.Quaternion(x=0.0, y=0.0, z=float(np.sin(half)), w=float(np.cos(half))),
        )
        size = fox.Vector3(x=place.size[0], y=place.size[1], z=place.height)
        cube = fox.CubePrimitive(pose=pose, size=size, color=grey)
        label = fox.TextPrimitive(
            pose=_place(*place.centre, place.height + 0.15),
            billboard=True,
            font_size=0.1,
            color=fox.Color(r=1.0, g=1.0, b=1.0, a=1.0),
            text=place.name,
        )
        entities.append(_entity(place.name, t_ns, cubes=[cube], texts=[label]))
    return bytes(fox.SceneUpdate(entities=entities).encode())


def encode_text(t_ns: int, text: str) -> bytes:
    """Write a plan or a step."""
    return json.dumps({"text": text}, ensure_ascii=False).encode()


def encode_words(t_ns: int, words: Words) -> bytes:
    """Write a line of the log."""
    level = fox.LogLevel.Warning if words.is_warning else fox.LogLevel.Info
    message = fox.Log(timestamp=stamp(t_ns), level=level, message=words.text, name=words.speaker)
    return bytes(message.encode())


def encode_image(t_ns: int, rgb: NDArray[np.uint8]) -> bytes:
    """Write a picture as JPEG."""
    message = fox.CompressedImage(
        timestamp=stamp(t_ns), frame_id=CAMERA, data=to_jpeg(rgb), format="jpeg"
    )
    return bytes(message.encode())


def to_jpeg(rgb: NDArray[np.uint8]) -> bytes:
    """Compress a picture of shape (height, width, 3); both must be even."""
    context = av.CodecContext.create("mjpeg", "w")
    context.height, context.width = rgb.shape[:2]
    context.pix_fmt, context.time_base = "yuvj420p", Fraction(1, 1)
    context.options = {"qmin": "3", "qmax": "3"}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    packets = [*context.encode(frame.reformat(format="yuvj420p")), *context.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def _place(x: float, y: float, z: float) -> fox.Pose:
    """Return an upright pose."""
    turn = fox.Quaternion(x=0.0, y=0.0, z=0.0, w=1.0)
    return fox.Pose(position=fox.Vector3(x=x, y=y, z=z), orientation=turn)


def _entity(name: str, t_ns: int, **parts: Any) -> fox.SceneEntity:
    """Return something drawn on the map that stays until it is replaced."""
    return fox.SceneEntity(timestamp=stamp(t_ns), frame_id=MAP, id=name, **parts)


class RunRecorder(Observer, Closing):
    """Looks on at a run and logs it; use it as a context manager."""

    wants_pictures = True

    def __init__(self, path: Path, simulation: Simulation) -> None:
        self.recorder = Recorder(path, simulation.robot, simulation.floor_plan)
        self._scene: Scene | None = None

    @property
    def fault(self) -> str:
        """What went wrong with the log; empty while all is well."""
        return self.recorder.fault

    @property
    def last_hash(self) -> str:
        """The last hash of what was done to the robot, once closed; see `Recorder.last_hash`."""
        return self.recorder.last_hash

    def on_tick(self, snapshot: Snapshot) -> None:
        """Log one policy tick."""
        write, t_ns = self.recorder.write, snapshot.t_ns
        write("/state", t_ns, snapshot.state)
        write("/imu", t_ns, snapshot.state)
        write("/target", t_ns, snapshot.target)
        write("/base", t_ns, snapshot.base)
        write("/tf", t_ns, snapshot.base)
        if snapshot.scene is not self._scene:
            self._scene = snapshot.scene
            write("/scene", t_ns, snapshot.scene)

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        """Log words, plan, steps and interventions."""
        if kind == "plan":
            self.recorder.write("/plan", t_ns, text)
        elif kind in ("begin", "end"):
            self.recorder.write("/step", t_ns, f"{kind} {text}")
        if kind in AUDITED:
            self.recorder.write(AUDIT, t_ns, (kind, text))
        speaker = {"heard": "user", "say": "robot"}.get(kind, kind)
        self.recorder.write("/words", t_ns, Words(speaker, text, is_warning=kind == "fault"))

    def on_picture(self, t_ns: int, rgb: NDArray[np.uint8]) -> None:
        """Log what the head camera saw."""
        self.recorder.write("/image", t_ns, rgb)

    def close(self) -> None:
        """End the log."""
        self.recorder.close()
