"""Begin with somebody's network instead of with noise.

The inputs of the old network find their places in the new one by the names of their terms; what
the old one never saw (commands of its own, the past, …) starts with no influence, and so do
joints that are somebody else's now.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from yanshi.core.errors import ContractError
from yanshi.policies.contract import Contract, Term

Array = NDArray[np.float32]
READY_WALKER = "g1_walk_ppo"
"""What our walker begins as, and whose balance performers begin with."""


def copy_network(
    actor: nn.Sequential,
    terms: Sequence[Term],
    source: Contract,
    *,
    joints: Sequence[str],
    scales: Mapping[str, Sequence[float]],
) -> None:
    """Make `actor` answer as the source's network does that sees only some of its joints move.

    Args:
        actor: Layers of the same widths as the source's, but for its inputs and outputs.
        terms: What the actor sees.
        source: The policy to copy; its observations and actions begin with the same joints.
        joints: The joints whose places and actions are kept, the first of the source's.
        scales: By term, what its numbers are multiplied by on their way into the old network.

    Raises:
        ContractError: The networks are not alike.
    """
    if source.joint_names[: len(joints)] != tuple(joints):
        raise ContractError(
            f"{source.name} begins with the joints {list(source.joint_names[: len(joints)])}; "
            f"{list(joints)} would agree."
        )
    layers = [
        (layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in network_of(source)
        if isinstance(layer, nn.Linear)
    ]
    first, bias = layers[0]
    layers[0] = _first(first, terms, source, len(joints), scales), bias
    last, bias = layers[-1]
    layers[-1] = last[: len(joints)], bias[: len(joints)]
    ours = [layer for layer in actor if isinstance(layer, nn.Linear)]
    found = [tuple(weight.shape) for weight, _ in layers]
    wanted = [tuple(layer.weight.shape) for layer in ours]
    if found != wanted:
        raise ContractError(
            f"The network of {source.name} has layers {found}; {wanted} would agree."
        )
    with torch.no_grad():
        for layer, (weight, bias) in zip(ours, layers, strict=True):
            layer.weight.copy_(torch.from_numpy(weight.copy()))
            layer.bias.copy_(torch.from_numpy(bias.copy()))


def _first(
    weight: Array,
    terms: Sequence[Term],
    source: Contract,
    joints: int,
    scales: Mapping[str, Sequence[float]],
) -> Array:
    """Return the first layer's weights for the new observations."""
    new = {term.name: term for term in terms}
    result = np.zeros((len(weight), terms[-1].stop), np.float32)
    for term in source.observation:
        if term.name not in new:
            raise ContractError(
                f"{source.name} sees {term.name!r}, which the new network does not; "
                f"it sees: {', '.join(new)}."
            )
        ours = new[term.name]
        is_of_joints = term.width == len(source.joint_names)
        width = joints if is_of_joints else term.width
        scale = np.asarray(scales.get(term.name, np.ones(width)))
        scale = scale * term.scale / ours.scale
        for tick in range(min(term.history, ours.history)):
            here, there = ours.start + tick * ours.width, term.start + tick * term.width
            result[:, here : here + width] = scale * weight[:, there : there + width]
    return result


def network_of(contract: Contract) -> nn.Sequential:
    """Return the fully connected network of a contract, ELU between its layers.

    Raises:
        ContractError: It is another kind of network.
    """
    graph = onnx.load(contract.network).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    parts: list[nn.Module] = []
    for node in graph.node:
        if node.op_type == "Elu":
            parts.append(nn.ELU())
        if node.op_type != "Gemm":
            continue
        weight, bias = arrays[node.input[1]], arrays[node.input[2]]
        if not any(a.name == "transB" and a.i for a in node.attribute):
            weight = weight.T
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight.copy()))
            layer.bias.copy_(torch.from_numpy(bias.copy()))
        parts.append(layer)
    if not parts:
        kinds = sorted({node.op_type for node in graph.node})
        raise ContractError(
            f"The network of {contract.name} consists of {kinds}; fully connected layers (Gemm) "
            "with ELU between them can be copied."
        )
    return nn.Sequential(*parts)
