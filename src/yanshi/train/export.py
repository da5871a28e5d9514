"""Write a trained network and its contract: what training leaves behind, a run can load.

The ONNX graph is built by hand, so the same weights give the same bytes on every machine. Beside
the weights it holds what the contract is compared with: joints, gains and scales.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from yanshi.core.errors import ConfigError, ContractError
from yanshi.core.files import write_whole
from yanshi.core.messages import read_only
from yanshi.policies.contract import (
    Contract,
    Term,
    load_contract,
    open_session,
    table_of,
    target_of_example,
)
from yanshi.policies.contract_file import write_contract
from yanshi.robots.g1.spec import G1
from yanshi.robots.g1.stance import HEIGHTS, LEAN_MAX, LEAN_MIN, LEG_ANGLES
from yanshi.robots.spec import RobotSpec
from yanshi.train.walk import GAIT_HZ, WalkConfig

NETWORK_FILE = "policy.onnx"
_OPSET, _IR = 17, 8
"""What every ONNX Runtime since 2022 reads."""


def export_policy(
    folder: Path,
    actor: nn.Sequential,
    terms: Sequence[Term],
    *,
    joints: Sequence[str],
    acts_on: Sequence[str],
    action_scale: ArrayLike,
    action_offset: ArrayLike,
    action_limit: float,
    source: str,
    licence: str,
    settings: Mapping[str, Any],
    about: str = "",
    rate_hz: float = 50.0,
    robot: RobotSpec = G1,
) -> Contract:
    """Write `policy.onnx` and `policy.toml`, and load them again as a run does.

    Args:
        folder: Where to; it is made if need be.
        actor: `Linear` layers with `ELU` between them, from observation to action.
        terms: What it sees; joint angles are seen from the robot's default posture.
        joints: The joints that it sees, in the robot's order.
        acts_on: The joints that it commands, with the robot's own gains; n of them.
        action_scale: rad per unit of action, one number or n.
        action_offset: Joint angles of action zero, rad, n of them.
        action_limit: Actions are clipped to ± this.
        source: Where the weights come from: the training command, what it began with.
        licence: Of the weights.
        settings: What only this kind of policy needs: numbers, texts and lists.
        about: What the policy does, in a sentence.
        rate_hz: How often it acts.

    Raises:
        ConfigError: The files cannot be written.
        ContractError: What was given does not agree, as when loading.
    """
    indices = robot.joint_indices(acts_on)
    n = len(indices)
    contract = Contract(
        name=folder.resolve().name,
        about=about,
        robot=robot.name,
        joint_names=tuple(joints),
        acts_on=tuple(acts_on),
        joint_zero=read_only(robot.default_position[robot.joint_indices(joints)]),
        rate_hz=rate_hz,
        observation=tuple(terms),
        inputs={"observation": terms[-1].stop},
        outputs={"action": n},
        action_scale=read_only(np.broadcast_to(action_scale, (n,))),
        action_offset=read_only(action_offset),
        action_limit=action_limit,
        stiffness=read_only(robot.stiffness[indices]),
        damping=read_only(robot.damping[indices]),
        network=folder / NETWORK_FILE,
        network_sha256="",
        source=source,
        licence=licence,
        settings=dict(settings),
    )
    network = network_bytes(actor, contract)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The folder {folder} could not be made: {error.strerror}. Name one that can be.",
            zh=f"无法创建文件夹 {folder}：{error.strerror}。请换一个。",
        ) from error
    write_whole(contract.network, network)
    contract = replace(contract, network_sha256=hashlib.sha256(network).hexdigest())
    answer = target_of_example(contract, robot, open_session(contract.network))
    write_contract(folder, table_of(contract, {"file": NETWORK_FILE}, answer))
    return load_contract(folder, robot)


def walker_settings(config: WalkConfig) -> dict[str, Any]:
    """Return what a run must know of a walker: the commands that it was trained with."""
    low, high = zip(config.height, config.pitch, strict=True)
    return {
        "gait_hz": GAIT_HZ,
        "stand_below": 0.01,
        "command_min": list(config.speed_min),
        "command_max": list(config.speed_max),
        "command_gain": [1.0, 1.0, 1.0],
        "posture_nominal": [config.nominal_height, 0.0],
        "posture_min": list(low),
        "posture_max": list(high),
        "posture_rate": list(config.posture_rate),
        "stance_heights": list(HEIGHTS),
        **{f"stance_{joint}": list(angles) for joint, angles in LEG_ANGLES.items()},
        "stance_lean_min": list(LEAN_MIN),
        "stance_lean_max": LEAN_MAX,
    }


def network_bytes(actor: nn.Sequential, contract: Contract) -> bytes:
    """Return an actor as an ONNX file, the same bytes for the same weights.

    Raises:
        ContractError: It has layers other than `Linear` and `ELU`, or other widths.
    """
    nodes, weights = [], []
    last = "observation"
    layers = list(actor)
    for number, layer in enumerate(layers):
        name = "action" if number == len(layers) - 1 else f"layer_{number}"
        if isinstance(layer, nn.Linear):
            inputs = [last, f"weight_{number}", f"bias_{number}"]
            weights += [_tensor(layer.weight, inputs[1]), _tensor(layer.bias, inputs[2])]
            nodes.append(helper.make_node("Gemm", inputs, [name], transB=1))
        elif isinstance(layer, nn.ELU):
            nodes.append(helper.make_node("Elu", [last], [name], alpha=float(layer.alpha)))
        else:
            raise ContractError(
                f"Layer {number} is a {type(layer).__name__}; Linear and ELU can be exported."
            )
        last = name
    _check_widths(layers, contract)
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "policy",
        [helper.make_tensor_value_info(n, kind, [1, w]) for n, w in contract.inputs.items()],
        [helper.make_tensor_value_info(n, kind, [1, w]) for n, w in contract.outputs.items()],
        weights,
    )
    model = helper.make_model(
        graph,
        producer_name="yanshi",
        ir_version=_IR,
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )
    helper.set_model_props(
        model,
        {
            "joint_names": json.dumps(contract.joint_names),
            "dof_names": json.dumps(contract.acts_on),
            "kp": json.dumps(contract.stiffness.tolist()),
            "kd": json.dumps(contract.damping.tolist()),
            "action_scale": json.dumps(contract.action_scale.tolist()),
        },
    )
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def _tensor(parameter: Tensor, name: str) -> TensorProto:
    values: NDArray[np.float32] = parameter.detach().cpu().numpy().astype(np.float32)
    if not np.isfinite(values).all():
        raise ContractError(f"The network's {name} is not finite, so nothing was exported.")
    return numpy_helper.from_array(np.ascontiguousarray(values), name)


def _check_widths(layers: Sequence[nn.Module], contract: Contract) -> None:
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    found = (linear[0].in_features, linear[-1].out_features) if linear else (0, 0)
    wanted = (contract.observation[-1].stop, len(contract.acts_on))
    if found != wanted:
        raise ContractError(
            f"The network goes from {found[0]} numbers to {found[1]}; from {wanted[0]} (the "
            f"observation) to {wanted[1]} (the joints it acts on) would agree."
        )
