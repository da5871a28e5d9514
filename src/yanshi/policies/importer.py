"""Turn somebody's ready network into a folder of our form, with a contract that is checked.

A ready network seldom says what it wants to see. Two layouts are known: those of holosoma's walkers
and of its dancers, whose terms lie in the order of the trainer's alphabet. Joints and gains are
taken from the network's own metadata; what it leaves out is taken from the robot.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from yanshi.assets import locate
from yanshi.assets.manifest import ASSETS
from yanshi.core.errors import ConfigError, ContractError, UnknownNameError
from yanshi.core.files import write_whole
from yanshi.core.messages import read_only
from yanshi.policies.contract import (
    TERM_WIDTHS,
    Contract,
    Term,
    joints_in,
    load_contract,
    numbers_in,
    open_session,
    table_of,
    target_of_example,
)
from yanshi.policies.contract_file import write_contract
from yanshi.robots.spec import RobotSpec

Array = NDArray[np.float64]
_NETWORK_FILE = "policy.onnx"
_LAST_TICK_MAX = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What networks of one origin have in common."""

    about: str
    terms: tuple[tuple[str, float], ...]
    """Name and scale of each observation term, in order."""
    inputs: int
    """How many inputs such a network has."""
    action_scale: Callable[[Array, Array], Array]
    """rad per unit of action, from the joints' torque limits and gains, where the metadata
    does not say it."""
    settings: Mapping[str, Any] = field(default_factory=dict)


def _quarter(torque: Array, stiffness: Array) -> Array:
    return np.full(len(torque), 0.25)


def _quarter_of_torque(torque: Array, stiffness: Array) -> Array:
    """Return the angle that a quarter of the torque limit turns the joint's spring by."""
    return 0.25 * torque / stiffness


KINDS: dict[str, Kind] = {
    "walk": Kind(
        about="Walks after a velocity command.",
        terms=(
            ("last_action", 1.0),
            ("angular_velocity", 0.25),
            ("turn_command", 1.0),
            ("velocity_command", 1.0),
            ("phase_cosine", 1.0),
            ("joint_position", 1.0),
            ("joint_velocity", 0.05),
            ("gravity", 1.0),
            ("phase_sine", 1.0),
        ),
        inputs=1,
        action_scale=_quarter,
        settings={
            "gait_hz": 1.0,
            "stand_below": 0.01,
            "command_max": [1.0, 1.0, 1.0],
            "command_gain": [1.0, 1.0, 1.0],
        },
    ),
    "dance": Kind(
        about="Follows the motion stored in its own network.",
        terms=(
            ("last_action", 1.0),
            ("angular_velocity", 1.0),
            ("joint_position", 1.0),
            ("joint_velocity", 1.0),
            ("motion_position", 1.0),
            ("motion_velocity", 1.0),
            ("motion_orientation", 1.0),
        ),
        inputs=2,
        action_scale=_quarter_of_torque,
    ),
}
"""Layouts that can be imported, by name."""


_SCALES = {"g1_dance_fastsac": 1.0}
"""Action scales that differ from those of the kind, by asset. Measured over 14 s: with 1.0 it
follows its motion best (0.08 rad off in the mean; 0.8 and 1.2: 0.10 rad; the kind's: it falls)."""


def import_asset(name: str, folder: Path, robot: RobotSpec, kind: str | None = None) -> Contract:
    """Import a network that Yanshi's manifest knows; its source and licence stand there.

    Raises:
        UnknownNameError: The manifest knows no such network.
        ContractError: As `import_network`.
    """
    known = {asset.name: asset for asset in ASSETS if asset.path.endswith(".onnx")}
    if name not in known:
        raise UnknownNameError("network", name, known)
    asset = known[name]
    source = f"{asset.source.package} {asset.source.version}, {asset.path}"
    return import_network(
        locate(name),
        folder,
        robot,
        source=source,
        licence=asset.licence,
        kind=kind,
        action_scale=_SCALES.get(name),
    )


def import_network(
    network: Path,
    folder: Path,
    robot: RobotSpec,
    *,
    source: str,
    licence: str,
    kind: str | None = None,
    action_scale: float | None = None,
) -> Contract:
    """Copy a network into a folder of its own and write its contract.

    Args:
        network: An ONNX file.
        folder: Where to; it is made if need be.
        robot: What it drives.
        source: Where it comes from.
        licence: On what terms.
        kind: A key of `KINDS`; None takes the one that the network's inputs agree with.
        action_scale: rad per unit of action; None takes what the metadata says, else what is usual
            for the kind. A wrong one looks like a drunken robot: watch it in simulation first.

    Raises:
        ConfigError: The files cannot be read or written.
        ContractError: The network is of no known kind, or does not fit the robot.
    """
    session = open_session(network)
    layout = _kind_of(session, robot, kind)
    try:
        data = network.read_bytes()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Cannot copy {network} to {folder}: {error.strerror}.",
            zh=f"无法将 {network} 复制到 {folder}：{error.strerror}。",
        ) from error
    write_whole(folder / _NETWORK_FILE, data)
    contract = _contract(session, layout, robot, folder / _NETWORK_FILE)
    contract = replace(
        contract,
        network_sha256=hashlib.sha256(data).hexdigest(),
        source=source,
        licence=licence,
    )
    if action_scale is not None:
        scale = np.full(len(contract.acts_on), action_scale)
        contract = replace(contract, action_scale=read_only(scale))
    answer = target_of_example(contract, robot, session)
    write_contract(folder, table_of(contract, {"file": _NETWORK_FILE}, answer))
    return load_contract(folder, robot)


def _kind_of(session: ort.InferenceSession, robot: RobotSpec, name: str | None) -> Kind:
    if name is not None and name not in KINDS:
        raise UnknownNameError("kind of policy", name, KINDS)
    joints = _joints(session, robot)
    strangers = [joint for joint in joints if joint not in robot.joint_names]
    if strangers:
        raise ContractError(
            f"The network drives {strangers}, which {robot.name} does not have. A network for "
            f"{robot.name} would agree.",
            zh=f"该网络驱动 {strangers}，而 {robot.name} 没有这些关节。",
        )
    nodes = session.get_inputs()
    found = (len(nodes), nodes[0].shape[-1])
    wanted = {key: (kind.inputs, _terms(kind, len(joints))[-1].stop) for key, kind in KINDS.items()}
    for key, kind in KINDS.items():
        if wanted[key] == found and name in (None, key):
            return kind
    known = ", ".join(f"{key}: {n} inputs, {width} wide" for key, (n, width) in wanted.items())
    raise ContractError(
        f"The network has {found[0]} inputs, the first {found[1]} wide, so it is not of the kind "
        f"{name or 'of any that can be imported'}. Known for {len(joints)} joints: {known}.",
        zh=f"该网络有 {found[0]} 个输入，第一个宽 {found[1]}，不属于可导入的种类。已知：{known}。",
    )


def _contract(
    session: ort.InferenceSession, kind: Kind, robot: RobotSpec, network: Path
) -> Contract:
    metadata = session.get_modelmeta().custom_metadata_map
    joints = _joints(session, robot)
    indices = robot.joint_indices(joints)
    default = read_only(robot.default_position[indices])
    torque = robot.limits.torque[indices]
    stiffness = numbers_in(metadata, "kp", robot.stiffness[indices])
    outputs = {node.name: node.shape[-1] for node in session.get_outputs()}
    settings = dict(kind.settings)
    if "motion_position" in dict(kind.terms):
        settings |= {"first_tick": 0, "last_tick": _motion_ticks(session)}
        # Where the dancer is does not concern the policy.
        outputs.pop("ref_pos_xyz", None)
    return Contract(
        name=network.parent.name,
        about=kind.about,
        robot=robot.name,
        joint_names=joints,
        acts_on=joints,
        joint_zero=default,
        rate_hz=50.0,
        observation=_terms(kind, len(joints)),
        inputs={node.name: node.shape[-1] for node in session.get_inputs()},
        outputs=outputs,
        action_scale=numbers_in(metadata, "action_scale", kind.action_scale(torque, stiffness)),
        action_offset=default,
        action_limit=100.0,
        stiffness=stiffness,
        damping=numbers_in(metadata, "kd", robot.damping[indices]),
        network=network,
        network_sha256="",
        source="",
        licence="",
        settings=settings,
    )


def _joints(session: ort.InferenceSession, robot: RobotSpec) -> tuple[str, ...]:
    metadata = session.get_modelmeta().custom_metadata_map
    if "dof_names" not in metadata:
        known = ", ".join(sorted(metadata)) or "none"
        raise ContractError(
            "The network does not say which joints it drives. Metadata `dof_names`, a JSON list "
            f"of their names in order, would; it has: {known}.",
            zh=f"该网络没有说明它驱动哪些关节：需要元数据 dof_names（JSON 列表）；现有：{known}。",
        )
    return joints_in(metadata, "dof_names", robot.joint_names)


def _terms(kind: Kind, joints: int) -> tuple[Term, ...]:
    terms: list[Term] = []
    for name, scale in kind.terms:
        of = TERM_WIDTHS[name]
        width = joints if isinstance(of, str) else of
        start = terms[-1].stop if terms else 0
        terms.append(Term(name=name, start=start, width=width, scale=scale))
    return tuple(terms)


def _motion_ticks(session: ort.InferenceSession) -> int:
    """Return how long the motion in a network is: beyond its end the last tick is repeated."""
    observation, time_step = session.get_inputs()
    feed = {observation.name: np.zeros((1, observation.shape[-1]), np.float32)}

    def pose(tick: int) -> NDArray[np.float32]:
        feed[time_step.name] = np.array([[tick]], np.float32)
        found: NDArray[np.float32] = session.run(["joint_pos"], feed)[0]
        return found

    end = pose(_LAST_TICK_MAX)
    low, high = 0, _LAST_TICK_MAX  # The pose at `low` is not the last one, that at `high` is.
    while high - low > 1:
        middle = (low + high) // 2
        if np.array_equal(pose(middle), end):
            high = middle
        else:
            low = middle
    return high
