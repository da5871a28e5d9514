"""Numbers of the Unitree G1 with Dex3 hands, and where they come from.

Ranges and torque limits are those of the `g1_with_hands` model (MuJoCo Menagerie, after
Unitree's URDF). The motors drive the joints stiffly enough for a natural frequency of 10 Hz
with twice the critical damping, which is what the ready walking and dancing policies were
trained with (`kp` and `kd` in their ONNX metadata).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.robots.spec import CameraSpec, JointLimits, RobotSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class _Motor:
    """A kind of motor, or pair of motors, seen at the joint."""

    torque: float
    """N·m."""
    velocity: float
    """No-load speed, rad/s."""
    armature: float
    """Reflected rotor inertia, kg·m²."""
    stiffness: float
    """Default proportional gain, N·m/rad."""
    damping: float
    """Default derivative gain, N·m·s/rad."""


def _leg_or_arm(torque: float, velocity: float, armature: float) -> _Motor:
    natural = 2.0 * np.pi * 10.0  # rad/s
    return _Motor(
        torque=torque,
        velocity=velocity,
        armature=armature,
        stiffness=armature * natural**2,
        damping=2.0 * 2.0 * armature * natural,
    )


def _hand(torque: float) -> _Motor:
    # Speed and inertia of the Dex3's motors are not published. These are estimates from its
    # size; the gains hold a finger against its own weight and give way to a grasped thing.
    return _Motor(torque=torque, velocity=10.0, armature=0.005, stiffness=3.0, damping=0.2)


# No-load speeds and reflected inertias: Unitree's motor data as given in mjlab 1.6.0,
# `unitree_g1/g1_constants.py`; torques as in the model.
_N7520_14 = _leg_or_arm(88.0, 32.0, 0.010177520)
_N7520_22 = _leg_or_arm(139.0, 20.0, 0.025101925)
_N5020 = _leg_or_arm(25.0, 37.0, 0.003609725)
_N5020_PAIR = _leg_or_arm(50.0, 37.0, 2.0 * 0.003609725)  # Two motors on parallel links.
_N4010 = _leg_or_arm(5.0, 22.0, 0.004250000)
_THUMB_BASE = _hand(2.45)
_FINGER = _hand(1.4)

_Row = tuple[str, _Motor, float, float, float, bool]
"""Joint, motor, smallest and largest angle, standing angle, all of the left side or the middle;
whether the joint of the right side is its mirror image, with the angles' signs turned."""

_LEG: tuple[_Row, ...] = (
    ("hip_pitch", _N7520_14, -2.5307, 2.8798, -0.312, False),
    ("hip_roll", _N7520_22, -0.5236, 2.9671, 0.0, True),
    ("hip_yaw", _N7520_14, -2.7576, 2.7576, 0.0, True),
    ("knee", _N7520_22, -0.087267, 2.8798, 0.669, False),
    ("ankle_pitch", _N5020_PAIR, -0.87267, 0.5236, -0.363, False),
    ("ankle_roll", _N5020_PAIR, -0.2618, 0.2618, 0.0, True),
)
_WAIST: tuple[_Row, ...] = (
    ("waist_yaw", _N7520_14, -2.618, 2.618, 0.0, False),
    ("waist_roll", _N5020_PAIR, -0.52, 0.52, 0.0, False),
    ("waist_pitch", _N5020_PAIR, -0.52, 0.52, 0.0, False),
)
_ARM: tuple[_Row, ...] = (
    ("shoulder_pitch", _N5020, -3.0892, 2.6704, 0.2, False),
    ("shoulder_roll", _N5020, -1.5882, 2.2515, 0.2, True),
    ("shoulder_yaw", _N5020, -2.618, 2.618, 0.0, True),
    ("elbow", _N5020, -1.0472, 2.0944, 0.6, False),
    ("wrist_roll", _N5020, -1.97222, 1.97222, 0.0, True),
    ("wrist_pitch", _N4010, -1.61443, 1.61443, 0.0, False),
    ("wrist_yaw", _N4010, -1.61443, 1.61443, 0.0, True),
)
_THUMB: tuple[_Row, ...] = (
    ("hand_thumb_0", _THUMB_BASE, -1.0472, 1.0472, 0.0, False),
    ("hand_thumb_1", _FINGER, -0.724312, 1.0472, 0.0, True),
    ("hand_thumb_2", _FINGER, 0.0, 1.74533, 0.0, True),
)
_MIDDLE: tuple[_Row, ...] = (
    ("hand_middle_0", _FINGER, -1.5708, 0.0, 0.0, True),
    ("hand_middle_1", _FINGER, -1.74533, 0.0, 0.0, True),
)
_INDEX: tuple[_Row, ...] = (
    ("hand_index_0", _FINGER, -1.5708, 0.0, 0.0, True),
    ("hand_index_1", _FINGER, -1.74533, 0.0, 0.0, True),
)


def _left(rows: tuple[_Row, ...]) -> tuple[_Row, ...]:
    return tuple((f"left_{name}", *rest) for name, *rest in rows)  # type: ignore[misc]


def _right(rows: tuple[_Row, ...]) -> tuple[_Row, ...]:
    mirrored = []
    for name, motor, lower, upper, default, is_mirrored in rows:
        if is_mirrored:
            lower, upper, default = -upper, -lower, -default
        mirrored.append((f"right_{name}", motor, lower, upper, default, is_mirrored))
    return tuple(mirrored)


# The order of the model's actuators. The right hand has its index finger before the middle one.
_ROWS: tuple[_Row, ...] = (
    _left(_LEG)
    + _right(_LEG)
    + _WAIST
    + _left(_ARM + _THUMB + _MIDDLE + _INDEX)
    + _right(_ARM + _THUMB + _INDEX + _MIDDLE)
)


def _column(values: list[float]) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


_MOTORS = [row[1] for row in _ROWS]

G1 = RobotSpec(
    name="unitree_g1",
    joint_names=tuple(row[0] for row in _ROWS),
    limits=JointLimits(
        lower=_column([row[2] for row in _ROWS]),
        upper=_column([row[3] for row in _ROWS]),
        velocity=_column([motor.velocity for motor in _MOTORS]),
        torque=_column([motor.torque for motor in _MOTORS]),
    ),
    armature=_column([motor.armature for motor in _MOTORS]),
    default_position=_column([row[4] for row in _ROWS]),
    stiffness=_column([motor.stiffness for motor in _MOTORS]),
    damping=_column([motor.damping for motor in _MOTORS]),
    standing_height=0.757,  # Of the model with its soles on the floor.
    mass_kg=34.4,  # The model's links.
    battery_wh=432.0,  # Vendor: 9 Ah; 48 V assumed.
    price_usd=13_500.0,  # Vendor's shop, 2026, without hands.
)
"""Unitree G1 with Dex3 hands."""

HEAD_CAMERA = CameraSpec(
    name="head",
    link="torso_link",
    # Near the vendor's depth camera (0.058, 0.018, 0.420), in the middle of the face. A wider
    # lens, pitched less (vendor: 58° and 47.6° down), sees both a table top and a person.
    position=(0.06, 0.0, 0.42),
    pitch_down=np.deg2rad(37.0),
    fov_deg=70.0,
    width=480,
    height=352,
    depth_max=8.0,
)
"""The camera in the G1's head."""
