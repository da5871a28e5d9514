"""What a trained policy expects of the robot that it drives, checked before motors move.

A policy is a folder with a `policy.toml`. It names the robot, the joints in order, each
observation term with its width and scale, the way from actions to joint angles, the gains,
the rate, the network file and its hash. A network fed in the wrong order does not fail: it
falls. So loading compares all of it with the `RobotSpec` and with the network itself.
"""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
)

from yanshi.assets import locate
from yanshi.core.errors import ConfigError, ContractError
from yanshi.core.messages import read_only
from yanshi.robots.spec import RobotSpec

TERM_WIDTHS: dict[str, int | None] = {
    "last_action": None,
    "angular_velocity": 3,
    "turn_command": 1,
    "velocity_command": 2,
    "phase_cosine": 2,
    "phase_sine": 2,
    "joint_position": None,
    "joint_velocity": None,
    "gravity": 3,
    "motion_position": None,
    "motion_velocity": None,
    "motion_orientation": 6,
}
"""Every observation term Yanshi can fill in, and how many numbers it has; None: one a joint."""

_NOT_A_NETWORK = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplemented)
"""What ONNX Runtime raises on a file that it cannot open as a network."""

_GAIN_TOLERANCE = 0.02
"""How far, relatively, a policy's gains may lie from the robot's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One stretch of the observation vector."""

    name: str
    """A key of `TERM_WIDTHS`."""
    start: int
    width: int
    """Numbers in one tick."""
    scale: float
    """What the measured quantity is multiplied by."""
    history: int = 1
    """How many ticks it shows, the newest first."""

    @property
    def span(self) -> slice:
        """Where its newest tick lies in the observation vector."""
        return slice(self.start, self.start + self.width)

    @property
    def stop(self) -> int:
        """Where the next term begins."""
        return self.start + self.width * self.history


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contract:
    """All that a policy's folder promises, checked. Joint arrays follow `joint_names`."""

    name: str
    robot: str
    joint_names: tuple[str, ...]
    rate_hz: float
    observation: tuple[Term, ...]
    inputs: dict[str, int]
    """Width of each input of the network, by name; the first takes the observation."""
    outputs: dict[str, int]
    """Width of each output of the network, by name; the first gives the action."""
    action_scale: NDArray[np.float64]
    """rad per unit of action, shape (n,)."""
    action_offset: NDArray[np.float64]
    """Joint angles of action zero, rad, shape (n,)."""
    action_limit: float
    """Actions are clipped to ± this."""
    stiffness: NDArray[np.float64]
    """N·m/rad, shape (n,)."""
    damping: NDArray[np.float64]
    """N·m·s/rad, shape (n,)."""
    network: Path
    source: str
    licence: str
    settings: dict[str, Any]
    """The table `[settings]`: what only this kind of policy needs."""

    def setting(self, key: str) -> Any:
        """Return a value of `[settings]`, or say that the file lacks it."""
        if key not in self.settings:
            known = ", ".join(sorted(self.settings)) or "none"
            raise ContractError(f"{self.name}: [settings] has no {key!r}; it has: {known}.")
        return self.settings[key]


def policy_folder(name: str) -> Path:
    """Return the folder of a policy that comes with Yanshi."""
    return Path(__file__).parent / name


def load_contract(folder: Path, robot: RobotSpec) -> Contract:
    """Read a policy's folder and check it against the robot and the network file.

    Raises:
        ConfigError: There is no readable `policy.toml`.
        ContractError: Something in it does not agree; the message names it, with what was
            found and what would agree.
        AssetError: The network is an asset that is missing or changed.
    """
    path = folder / "policy.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"Cannot read the policy in {folder}: {error}.") from error
    check = _Checker(table, path, robot)
    joint_names = check.joints()
    contract = Contract(
        name=folder.name,
        robot=check.robot_name(),
        joint_names=joint_names,
        rate_hz=check.number("rate_hz", above=0.0),
        observation=check.observation(),
        inputs=check.widths("network.inputs"),
        outputs=check.widths("network.outputs"),
        action_scale=check.per_joint("action.scale"),
        action_offset=check.per_joint("action.offset"),
        action_limit=check.number("action.limit", above=0.0),
        stiffness=check.gains("gains.stiffness", robot.stiffness),
        damping=check.gains("gains.damping", robot.damping),
        network=check.network(folder),
        source=check.text("source"),
        licence=check.text("licence"),
        settings=check.value("settings", dict) if "settings" in table else {},
    )
    check.offset_is_reachable(contract.action_offset)
    check.agrees_with_network(contract)
    return contract


class _Checker:
    """Takes values out of one `policy.toml`; each refusal names the line it is about."""

    def __init__(self, table: dict[str, Any], path: Path, robot: RobotSpec) -> None:
        self._table = table
        self._path = path
        self._robot = robot

    def refuse(self, key: str, found: object, wanted: object) -> ContractError:
        return ContractError(f"{self._path}: {key} is {found}, but {wanted} would agree.")

    def value(self, key: str, kind: type) -> Any:
        found: Any = self._table
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, kind):
            raise self.refuse(key, repr(found), f"a {kind.__name__}")
        return found

    def text(self, key: str) -> str:
        found: str = self.value(key, str)
        if not found.strip():
            raise self.refuse(key, "empty", "a text that says it")
        return found

    def number(self, key: str, *, above: float) -> float:
        found = self.value(key, object)
        if isinstance(found, bool) or not isinstance(found, int | float) or not found > above:
            raise self.refuse(key, repr(found), f"a number above {above:g}")
        return float(found)

    def robot_name(self) -> str:
        found = self.text("robot")
        if found != self._robot.name:
            raise self.refuse("robot", repr(found), repr(self._robot.name))
        return found

    def joints(self) -> tuple[str, ...]:
        found = tuple(self.value("joints", list))
        known = self._robot.joint_names
        strangers = [name for name in found if name not in known]
        if strangers:
            raise self.refuse("joints", f"naming {strangers}", f"names among {list(known)}")
        # A policy may leave joints out (hands), but never walks the robot's order backwards.
        wanted = tuple(name for name in known if name in found)
        if found != wanted or not found:
            raise self.refuse("joints", list(found), f"the robot's order {list(wanted)}")
        self._names = found
        self._indices = self._robot.joint_indices(found)
        return found

    def observation(self) -> tuple[Term, ...]:
        terms: list[Term] = []
        start = 0
        for number, row in enumerate(self.value("observation", list)):
            key = f"observation[{number}]"
            name = row.get("term") if isinstance(row, dict) else None
            if name not in TERM_WIDTHS:
                raise self.refuse(f"{key}.term", repr(name), f"one of {sorted(TERM_WIDTHS)}")
            width = TERM_WIDTHS[name] or len(self._names)
            if row.get("width") != width:
                raise self.refuse(f"{key}.width ({name})", row.get("width"), width)
            scale = row.get("scale")
            if not isinstance(scale, int | float) or not np.isfinite(scale) or scale <= 0.0:
                raise self.refuse(f"{key}.scale ({name})", repr(scale), "a number above 0")
            terms.append(Term(name=name, start=start, width=width, scale=float(scale)))
            start += width
        return tuple(terms)

    def widths(self, key: str) -> dict[str, int]:
        found: dict[str, Any] = self.value(key, dict)
        if not found or not all(isinstance(width, int) for width in found.values()):
            raise self.refuse(key, found, "a table of names and widths")
        return found

    def per_joint(self, key: str) -> NDArray[np.float64]:
        found = self.value(key, object)
        n = len(self._names)
        values = [found] * n if isinstance(found, int | float) else found
        if not isinstance(values, list) or len(values) != n:
            raise self.refuse(key, repr(found), f"one number or a list of {n}")
        if not all(isinstance(v, int | float) and np.isfinite(v) for v in values):
            raise self.refuse(key, repr(found), "a list of finite numbers")
        return read_only(values)

    def gains(self, key: str, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        found = self.per_joint(key)
        for name, gain, own in zip(self._names, found, wanted[self._indices], strict=True):
            if abs(gain - own) > _GAIN_TOLERANCE * own:
                raise self.refuse(f"{key} of {name}", gain, f"{own:.4g} (the robot's own)")
        return found

    def offset_is_reachable(self, offset: NDArray[np.float64]) -> None:
        limits = self._robot.limits
        for name, angle, index in zip(self._names, offset, self._indices, strict=True):
            lower, upper = limits.lower[index], limits.upper[index]
            if not lower <= angle <= upper:
                key = f"action.offset of {name}"
                raise self.refuse(key, angle, f"an angle in [{lower:.4g}, {upper:.4g}]")

    def network(self, folder: Path) -> Path:
        table = self.value("network", dict)
        if ("asset" in table) == ("file" in table):
            raise self.refuse("network", sorted(table), "either `asset` or `file`")
        if "asset" in table:
            path = locate(self.text("network.asset"))
        else:
            path = folder / self.text("network.file")
        if not path.is_file():
            raise self.refuse("network.file", path, "a file that exists")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        wanted = self.text("network.sha256")
        if wanted != found:
            raise self.refuse("network.sha256", wanted, f"{found} (of {path.name})")
        return path

    def agrees_with_network(self, contract: Contract) -> None:
        session = open_session(contract.network)
        for key, wanted, nodes in (
            ("network.inputs", contract.inputs, session.get_inputs()),
            ("network.outputs", contract.outputs, session.get_outputs()),
        ):
            found = {node.name: node.shape[-1] for node in nodes}
            if any(found.get(name) != width for name, width in wanted.items()):
                raise self.refuse(key, wanted, found)
            if key == "network.inputs" and len(found) != len(wanted):
                raise self.refuse(key, wanted, found)
        observed = sum(term.width for term in contract.observation)
        first_in = next(iter(contract.inputs.values()))
        if observed != first_in:
            raise self.refuse("observation", f"{observed} wide", f"{first_in} (network input)")
        first_out = next(iter(contract.outputs.values()))
        if first_out != len(contract.joint_names):
            raise self.refuse("joints", f"{len(contract.joint_names)} names", first_out)
        self._agrees_with_metadata(contract, session.get_modelmeta().custom_metadata_map)
        self._agrees_with_example(contract, session)

    def _agrees_with_example(self, contract: Contract, session: ort.InferenceSession) -> None:
        """Ask the network one known question: terms swapped or scaled wrongly answer it wrongly."""
        wanted = self.per_joint("check.target")
        feed = {n: np.zeros((1, w), np.float32) for n, w in contract.inputs.items()}
        observation = next(iter(feed.values()))[0]
        for term in contract.observation:
            observation[term.span] = term.scale * example_term(term.name, term.width)
        action = session.run([next(iter(contract.outputs))], feed)[0][0]
        found = action * contract.action_scale + contract.action_offset
        if np.abs(found - wanted).max() > 1e-3:
            raise self.refuse(
                "check.target",
                f"{np.abs(found - wanted).max():.4f} rad off",
                "equal to what "
                "`observation`, `action` and the network give, so one of them was changed",
            )

    def _agrees_with_metadata(self, contract: Contract, metadata: dict[str, str]) -> None:
        """Compare with what the trainer wrote into the network file, where it did."""
        if "dof_names" in metadata:
            found = tuple(n.removesuffix("_joint") for n in json.loads(metadata["dof_names"]))
            if found != contract.joint_names:
                raise self.refuse("joints", contract.joint_names, f"the network's order {found}")
        for key, field, ours in (
            ("kp", "gains.stiffness", contract.stiffness),
            ("kd", "gains.damping", contract.damping),
            ("action_scale", "action.scale", contract.action_scale),
        ):
            if key not in metadata:
                continue
            theirs = np.broadcast_to(np.asarray(json.loads(metadata[key]), float), ours.shape)
            if not np.allclose(ours, theirs, rtol=1e-3):
                raise self.refuse(field, ours.tolist(), f"the network's {theirs.tolist()}")


def example_term(name: str, width: int) -> NDArray[np.float64]:
    """Return the numbers that `check.target` is computed from, before scaling."""
    return 0.2 * np.sin(sum(name.encode()) + np.arange(width))


def open_session(path: Path) -> ort.InferenceSession:
    """Open a network on one thread: more would starve the loop that it serves.

    Raises:
        ContractError: The file is not a network that ONNX Runtime can run.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _NOT_A_NETWORK as error:
        raise ContractError(
            f"{path} is not a network that ONNX Runtime can run: {error}"
        ) from error
