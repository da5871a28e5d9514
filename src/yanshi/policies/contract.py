"""What a trained policy expects of the robot that it drives, checked before motors move.

A policy is a folder with a `policy.toml`. It names the robot, the joints in order, those that
are acted on, each observation term with its width, scale and history, the way from actions to joint
angles, the gains, the rate, the network file and its hash. A network fed in the wrong order does
not fail: it falls. So loading compares all of it with the `RobotSpec` and with the network itself,
and what neither of them knows with the contract's seal.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
)

from yanshi.assets import locate
from yanshi.assets.weights import check_weights
from yanshi.core.errors import ContractError, UnknownNameError
from yanshi.core.messages import read_only
from yanshi.policies.contract_file import CONTRACT_FILE, digests, line_of, read_table
from yanshi.robots.spec import RobotSpec

SEEN, ACTED, UNACTED = "each joint", "each joint acted on", "each joint not acted on"
"""Of what a term has one number, where that depends on the policy."""

TERM_WIDTHS: dict[str, int | str] = {
    "last_action": ACTED,
    "angular_velocity": 3,
    "turn_command": 1,
    "velocity_command": 2,
    "posture_command": 2,
    "phase_cosine": 2,
    "phase_sine": 2,
    "joint_position": SEEN,
    "joint_velocity": SEEN,
    "arm_goal": UNACTED,
    "gravity": 3,
    "reference_position": SEEN,
    "reference_next": SEEN,
    "reference_gravity": 3,
    "motion_phase": 2,
    "motion_position": SEEN,
    "motion_velocity": SEEN,
    "motion_orientation": 6,
}
"""Every observation term there is, and how many numbers it has; docs/policies.md says what each
one means."""

_ROW = {"term", "width", "scale", "history"}
_HISTORY_MAX = 100
_NOT_A_NETWORK = (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
)
"""What ONNX Runtime raises on a file that it cannot open as a network."""

_NAMED_MAX = 5
"""How many changed values a refusal names besides the one that it is about."""

_KINDS: dict[object, str] = {str: "a text", list: "a list", dict: "a table"}

_CHECK_TOLERANCE = 1e-3
"""How far a joint angle may lie from the recorded answer, rad."""

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
    """All that a policy's folder promises, checked."""

    name: str
    about: str
    """What it does, in a sentence; may be empty."""
    robot: str
    joint_names: tuple[str, ...]
    """What it sees, in the robot's order."""
    acts_on: tuple[str, ...]
    """The joints that it commands, in the robot's order; n of them."""
    joint_zero: NDArray[np.float64]
    """The angles at which it sees its joints at zero, rad, one for each of `joint_names`."""
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
    network_sha256: str
    source: str
    licence: str
    settings: dict[str, Any]
    """The table `[settings]`: what only this kind of policy needs."""

    def require(self, kind: str, known: Collection[str], needed: str) -> set[str]:
        """Return the names of the terms, or say why this is no policy of a kind.

        Args:
            kind: For the message, e.g. `a walker`.
            known: All terms that such a policy can be shown.
            needed: The term without which it is none.
        """
        terms = {term.name for term in self.observation}
        strangers = ", ".join(sorted(terms - set(known)))
        if not strangers and needed in terms:
            return terms
        found = f"sees {strangers}" if strangers else f"does not see {needed}"
        known_terms = ", ".join(sorted(known))
        raise ContractError(
            f"{self.name} is not {kind}: it {found}. One that sees {needed} and nothing but "
            f"{known_terms} would be.",
            zh=f"{self.name} 不是所需的策略：其观测项应含 {needed}，且只能取自：{known_terms}。",
        )

    def setting(self, key: str) -> Any:
        """Return a value of `[settings]`, or say that the file lacks it."""
        if key not in self.settings:
            known = ", ".join(sorted(self.settings)) or "none"
            raise ContractError(
                f"{self.name}: [settings] has no {key!r}; it has: {known}.",
                zh=f"{self.name}：[settings] 中没有 {key!r}；现有：{known}。",
            )
        return self.settings[key]

    def numbers(self, key: str, n: int) -> tuple[float, ...]:
        """Return `n` finite numbers of `[settings]`, or say what stands there instead."""
        found = self.setting(key)
        if isinstance(found, list) and len(found) == n and all(map(_is_number, found)):
            return tuple(map(float, found))
        raise ContractError(
            f"{self.name}: settings.{key} is {found!r}, but a list of {n} numbers would agree.",
            zh=f"{self.name}：settings.{key} 是 {found!r}，应为 {n} 个数的列表。",
        )

    def number(self, key: str) -> float:
        """Return a number of `[settings]` above zero, or say what stands there instead."""
        found = self.setting(key)
        if _is_number(found) and found > 0.0:
            return float(found)
        raise ContractError(
            f"{self.name}: settings.{key} is {found!r}, but a number above 0 would agree.",
            zh=f"{self.name}：settings.{key} 是 {found!r}，应为大于 0 的数。",
        )


def policy_folder(name: str) -> Path:
    """Return the folder of a policy that comes with Yanshi."""
    return Path(__file__).parent / name


def installed_policies() -> dict[str, Path]:
    """Return the folders of all policies that come with Yanshi, by name, sorted."""
    folders = sorted(path.parent for path in Path(__file__).parent.glob(f"*/{CONTRACT_FILE}"))
    return {folder.name: folder for folder in folders}


def load_contract(folder: Path, robot: RobotSpec) -> Contract:
    """Read a policy's folder and check it against the robot and the network file.

    Raises:
        ConfigError: There is no readable `policy.toml`.
        ContractError: Something in it does not agree; the message names it, with what was
            found and what would agree.
        AssetError: The network is an asset that is missing or changed.
    """
    text, table = read_table(folder)
    check = _Checker(text, table, folder / CONTRACT_FILE, robot)
    joint_names = check.joints("joints", robot.joint_names)
    acts_on = check.joints("acts_on", joint_names) if "acts_on" in table else joint_names
    zero = robot.default_position[robot.joint_indices(joint_names)]
    contract = Contract(
        name=folder.resolve().name,
        about=check.text("about") if "about" in table else "",
        robot=check.robot_name(),
        joint_names=joint_names,
        acts_on=acts_on,
        joint_zero=check.angles("joint_zero", joint_names) if "joint_zero" in table else zero,
        rate_hz=check.number("rate_hz", above=0.0),
        observation=check.observation(joint_names, acts_on),
        inputs=check.widths("network.inputs"),
        outputs=check.widths("network.outputs"),
        action_scale=check.per_joint("action.scale", acts_on),
        action_offset=check.angles("action.offset", acts_on),
        action_limit=check.number("action.limit", above=0.0),
        stiffness=check.gains("gains.stiffness", acts_on, robot.stiffness),
        damping=check.gains("gains.damping", acts_on, robot.damping),
        network=check.network(folder),
        network_sha256=check.text("network.sha256"),
        source=check.text("source"),
        licence=check.text("licence"),
        settings=check.value("settings", dict) if "settings" in table else {},
    )
    check.agrees_with_network(contract)
    check.is_sealed()
    return contract


def table_of(
    contract: Contract, network: Mapping[str, str], answer: NDArray[np.float64]
) -> dict[str, Any]:
    """Return a contract as the table that its file holds.

    Args:
        contract: What to write down.
        network: How the network is found: `file` or `asset`.
        answer: What `target_of_example` gives, rad.
    """
    scale = contract.action_scale.tolist()
    about = {"about": contract.about} if contract.about else {}
    return {
        **about,
        "robot": contract.robot,
        "rate_hz": contract.rate_hz,
        "source": contract.source,
        "licence": contract.licence,
        "joints": contract.joint_names,
        "acts_on": contract.acts_on,
        "joint_zero": contract.joint_zero.tolist(),
        "observation": [
            {
                "term": term.name,
                "width": term.width,
                "scale": float(term.scale),
                "history": term.history,
            }
            for term in contract.observation
        ],
        "network": {
            **network,
            "sha256": contract.network_sha256,
            "inputs": contract.inputs,
            "outputs": contract.outputs,
        },
        "action": {
            "scale": scale[0] if len(set(scale)) == 1 else scale,
            "limit": contract.action_limit,
            "offset": contract.action_offset.tolist(),
        },
        "gains": {
            "stiffness": contract.stiffness.tolist(),
            "damping": contract.damping.tolist(),
        },
        "check": {"target": [round(angle, 6) for angle in answer.tolist()]},
        "settings": contract.settings,
    }


def target_of_example(
    contract: Contract, robot: RobotSpec, session: ort.InferenceSession
) -> NDArray[np.float64]:
    """Return the joint angles that a network asks for on the one question that all are asked.

    Terms swapped, scaled wrongly or counted from another zero answer it wrongly.
    """
    feed = {n: np.zeros((1, w), np.float32) for n, w in contract.inputs.items()}
    observation = next(iter(feed.values()))[0]
    names = contract.joint_names
    shift = robot.default_position[robot.joint_indices(names)] - contract.joint_zero
    shifts = {
        "joint_position": shift,
        "arm_goal": shift[[name not in contract.acts_on for name in names]],
    }
    for term in contract.observation:
        values = example_term(term.name, term.width * term.history)
        values = values + np.tile(shifts.get(term.name, np.zeros(term.width)), term.history)
        observation[term.start : term.stop] = term.scale * values
    action = session.run([next(iter(contract.outputs))], feed)[0][0]
    target: NDArray[np.float64] = action * contract.action_scale + contract.action_offset
    return target


class _Checker:
    """Takes values out of one `policy.toml`; each refusal names the line it is about."""

    def __init__(self, text: str, table: Mapping[str, Any], path: Path, robot: RobotSpec) -> None:
        self._text = text
        self._table = table
        self._path = path
        self._robot = robot

    def refuse(self, key: str, found: object, wanted: object) -> ContractError:
        where, where_zh = self._place(key)
        others = [name for name in self._changed() if name != key.split(" ")[0]][:_NAMED_MAX]
        more = "; ".join(f"{name}{self._place(name)[0]}" for name in others)
        return ContractError(
            f"{self._path}{where}: {key} is {found}, but {wanted} would agree."
            + (f" Changed since it was sealed: {more}." if others else ""),
            zh=f"{self._path}{where_zh}：{key} 是 {found}，应为：{wanted}。"
            + (f"封存后被改动：{'、'.join(others)}。" if others else ""),
        )

    def _place(self, key: str) -> tuple[str, str]:
        """Return where a value stands, in English and Chinese; empty if it is nowhere."""
        name = key.split(" ")[0]
        line = line_of(self._text, name) or line_of(self._text, re.split(r"[.[]", name)[0])
        return (f", line {line}", f" 第 {line} 行") if line else ("", "")

    def value(self, key: str, kind: type) -> Any:
        found: Any = self._table
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, kind):
            what = "missing" if found is None else repr(found)
            raise self.refuse(key, what, _KINDS.get(kind, "a value"))
        return found

    def text(self, key: str) -> str:
        found: str = self.value(key, str)
        if not found.strip():
            raise self.refuse(key, "empty", "a text that says it")
        return found

    def number(self, key: str, *, above: float) -> float:
        found = self.value(key, object)
        if not _is_number(found) or found <= above:
            what = "missing" if found is None else repr(found)
            raise self.refuse(key, what, f"a number above {above:g}")
        return float(found)

    def robot_name(self) -> str:
        found = self.text("robot")
        if found != self._robot.name:
            raise self.refuse("robot", repr(found), repr(self._robot.name))
        return found

    def joints(self, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(self.value(key, list))
        strangers = [name for name in found if name not in known]
        if strangers:
            raise self.refuse(key, f"naming {strangers}", f"names among {list(known)}")
        # A policy may leave joints out (hands), but never walks the robot's order backwards.
        wanted = tuple(name for name in known if name in found)
        if found != wanted or not found:
            raise self.refuse(key, list(found), f"the robot's order {list(wanted)}")
        return found

    def observation(self, seen: tuple[str, ...], acted: tuple[str, ...]) -> tuple[Term, ...]:
        counts = {SEEN: len(seen), ACTED: len(acted), UNACTED: len(seen) - len(acted)}
        terms: list[Term] = []
        start = 0
        for number, row in enumerate(self.value("observation", list)):
            key = f"observation[{number}]"
            name = row.get("term") if isinstance(row, dict) else None
            if not isinstance(name, str) or name not in TERM_WIDTHS:
                raise self.refuse(f"{key}.term", repr(name), f"one of {sorted(TERM_WIDTHS)}")
            if strangers := sorted(set(row) - _ROW):
                raise self.refuse(f"{key}.{strangers[0]}", "unknown", f"one of {sorted(_ROW)}")
            of = TERM_WIDTHS[name]
            width = counts[of] if isinstance(of, str) else of
            if row.get("width") != width or not width:
                what = f"{width} (one for {of})" if isinstance(of, str) else width
                raise self.refuse(f"{key}.width ({name})", row.get("width"), what)
            scale, history = row.get("scale"), row.get("history", 1)
            if not _is_number(scale) or scale <= 0.0:
                raise self.refuse(f"{key}.scale ({name})", repr(scale), "a number above 0")
            if type(history) is not int or not 1 <= history <= _HISTORY_MAX:
                wanted = f"a whole number from 1 to {_HISTORY_MAX}"
                raise self.refuse(f"{key}.history ({name})", repr(history), wanted)
            terms.append(
                Term(name=name, start=start, width=width, scale=float(scale), history=history)
            )
            start = terms[-1].stop
        if not terms:
            raise self.refuse("observation", "empty", "a row for each term that is seen")
        return tuple(terms)

    def widths(self, key: str) -> dict[str, int]:
        found: dict[str, Any] = self.value(key, dict)
        if not found or not all(type(w) is int and w > 0 for w in found.values()):
            raise self.refuse(key, found, "a table of names and widths")
        return found

    def per_joint(self, key: str, names: tuple[str, ...]) -> NDArray[np.float64]:
        found, n = self.value(key, object), len(names)
        values = [found] * n if _is_number(found) else found
        if not isinstance(values, list) or len(values) != n:
            raise self.refuse(key, repr(found), f"one number or a list of {n}")
        if not all(map(_is_number, values)):
            raise self.refuse(key, repr(found), "a list of finite numbers")
        return read_only(values)

    def angles(self, key: str, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Return angles that the joints can take."""
        found, limits = self.per_joint(key, names), self._robot.limits
        for name, angle in zip(names, found, strict=True):
            joint = self._robot.joint_index(name)
            lower, upper = limits.lower[joint], limits.upper[joint]
            if not lower <= angle <= upper:
                wanted = f"an angle in [{lower:.4g}, {upper:.4g}]"
                raise self.refuse(f"{key} of {name}", angle, wanted)
        return found

    def gains(
        self, key: str, names: tuple[str, ...], wanted: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        found = self.per_joint(key, names)
        for name, gain in zip(names, found, strict=True):
            own = wanted[self._robot.joint_index(name)]
            if abs(gain - own) > _GAIN_TOLERANCE * own:
                raise self.refuse(f"{key} of {name}", gain, f"{own:.4g} (the robot's own)")
        return found

    def is_sealed(self) -> None:
        """Refuse what was changed since the contract was sealed."""
        command = f"`yanshi policy seal {self._path.parent}`"
        if not isinstance(self._table.get("seal"), dict):
            raise self.refuse("seal", "missing", f"one that {command} writes")
        for key in self._changed():
            raise self.refuse(key, "not what was sealed", f"that, or a new seal by {command},")

    def _changed(self) -> list[str]:
        """Return the names of all values that are not what was sealed."""
        sealed, found = self._table.get("seal"), digests(self._table)
        if not isinstance(sealed, dict):
            return []
        return [key for key in {**sealed, **found} if found.get(key) != sealed.get(key)]

    def network(self, folder: Path) -> Path:
        table = self.value("network", dict)
        if ("asset" in table) == ("file" in table):
            raise self.refuse("network", sorted(table), "either `asset` or `file`")
        if "asset" in table:
            try:
                path = locate(self.text("network.asset"))
            except UnknownNameError as error:
                raise self.refuse("network.asset", "unknown", str(error)) from error
        else:
            path = folder / self.text("network.file")
        if not path.is_file():
            raise self.refuse("network.file", path, "a file that exists")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        wanted = self.text("network.sha256")
        if wanted != found:
            raise self.refuse("network.sha256", wanted, f"{found} (of {path.name})")
        check_weights(path)
        return path

    def agrees_with_network(self, contract: Contract) -> None:
        session = open_session(contract.network)
        for key, wanted, nodes in (
            ("network.inputs", contract.inputs, session.get_inputs()),
            ("network.outputs", contract.outputs, session.get_outputs()),
        ):
            found = {node.name: node.shape[-1] for node in nodes}
            if any(node.type != "tensor(float)" or len(node.shape) != 2 for node in nodes):
                kinds = ", ".join(f"{node.name}: {node.type} {node.shape}" for node in nodes)
                raise self.refuse(key, kinds, "float tensors of one row each")
            if any(found.get(name) != width for name, width in wanted.items()):
                raise self.refuse(key, wanted, found)
            if key == "network.inputs" and len(found) != len(wanted):
                raise self.refuse(key, wanted, found)
        observed = contract.observation[-1].stop
        first_in = next(iter(contract.inputs.values()))
        if observed != first_in:
            raise self.refuse("observation", f"{observed} wide", f"{first_in} (network input)")
        first_out = next(iter(contract.outputs.values()))
        if first_out != len(contract.acts_on):
            key = "acts_on" if "acts_on" in self._table else "joints"
            raise self.refuse(key, f"{len(contract.acts_on)} names", first_out)
        self._agrees_with_metadata(contract, session.get_modelmeta().custom_metadata_map)
        recorded = self.per_joint("check.target", contract.acts_on)
        error = float(np.abs(target_of_example(contract, self._robot, session) - recorded).max())
        if not error <= _CHECK_TOLERANCE:
            raise self.refuse(
                "check.target",
                f"{error:.4f} rad off",
                "equal to what `observation`, `joint_zero`, `action` and the network give, so one "
                "of them was changed; the network's answer",
            )

    def _agrees_with_metadata(self, contract: Contract, metadata: dict[str, str]) -> None:
        """Compare with what the trainer wrote into the network file, where it did."""
        acts_on = "acts_on" if "acts_on" in self._table else "joints"
        for key, field, names in (
            ("joint_names", "joints", contract.joint_names),
            ("dof_names", acts_on, contract.acts_on),
        ):
            wanted = joints_in(metadata, key, names)
            if names != wanted:
                raise self.refuse(field, list(names), f"the network's order {list(wanted)}")
        for key, field, ours in (
            ("kp", "gains.stiffness", contract.stiffness),
            ("kd", "gains.damping", contract.damping),
            ("action_scale", "action.scale", contract.action_scale),
        ):
            theirs = numbers_in(metadata, key, ours)
            if not np.allclose(ours, theirs, rtol=1e-3):
                raise self.refuse(field, ours.tolist(), f"the network's {theirs.tolist()}")


def joints_in(metadata: Mapping[str, str], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return joints that a trainer named in a network file, or the default where it did not."""
    names = _metadata(metadata, key, list(default))
    return tuple(str(name).removesuffix("_joint") for name in names)


def numbers_in(
    metadata: Mapping[str, str], key: str, default: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return numbers that a trainer wrote, one for each of the default's, or the default."""
    found = _metadata(metadata, key, default.tolist())
    try:
        return read_only(np.broadcast_to(np.asarray(found, np.float64), default.shape))
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"The network's metadata has {key} = {found!r}; {len(default)} numbers would agree.",
            zh=f"网络元数据中 {key} = {found!r}；应为 {len(default)} 个数。",
        ) from error


def _metadata(metadata: Mapping[str, str], key: str, default: list[Any]) -> Any:
    if key not in metadata:
        return default
    try:
        return json.loads(metadata[key])
    except json.JSONDecodeError as error:
        raise ContractError(
            f"The network's metadata has {key} = {metadata[key]!r}; JSON would be readable.",
            zh=f"网络元数据中 {key} = {metadata[key]!r}，不是 JSON。",
        ) from error


def _is_number(value: object) -> TypeGuard[int | float]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and bool(np.isfinite(value))  # type: ignore[call-overload]


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
