"""Begin with somebody's network instead of with noise.

The inputs of the old network find their places in the new one by the names of their terms; what
the old one never saw (commands of its own, the past, …) starts with no influence.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from yanshi.core.errors import ContractError
from yanshi.policies.contract import Contract, Term

Piece = tuple[str, int, int]
"""A term of the new observation, where in that term, and how many numbers."""


def copy_network(
    actor: nn.Sequential,
    terms: Sequence[Term],
    source: Contract,
    *,
    pieces: Mapping[str, Sequence[Piece]],
    outputs: int,
) -> None:
    """Make `actor` answer as the source's network does.

    Args:
        actor: Layers of the same widths as the source's, but for its inputs and outputs.
        terms: What the actor sees.
        source: The policy to copy.
        pieces: Where the numbers of a source's term go, in order, if not to the term of that name.
        outputs: How many of the source's first outputs are kept.

    Raises:
        ContractError: The networks are not alike.
    """
    layers = _layers(source)
    ours = [layer for layer in actor if isinstance(layer, nn.Linear)]
    new = {term.name: term for term in terms}
    weight, bias = layers[0]
    first = np.zeros((len(bias), terms[-1].stop), np.float32)
    for term in source.observation:
        at = term.start
        for name, offset, width in pieces.get(term.name, [(term.name, 0, term.width)]):
            if name not in new:
                raise ContractError(
                    f"{source.name} sees {term.name!r}, which the new network does not; "
                    f"it sees: {', '.join(new)}."
                )
            ratio = term.scale / new[name].scale
            start = new[name].start + offset
            first[:, start : start + width] = ratio * weight[:, at : at + width]
            at += width
    layers[0] = first, bias
    layers[-1] = layers[-1][0][:outputs], layers[-1][1][:outputs]
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


def _layers(source: Contract) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return weight and bias of each fully connected layer, from input to output."""
    graph = onnx.load(source.network).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    layers = []
    for node in graph.node:
        if node.op_type != "Gemm":
            continue
        weight, bias = arrays[node.input[1]], arrays[node.input[2]]
        is_transposed = any(a.name == "transB" and a.i for a in node.attribute)
        layers.append((weight if is_transposed else weight.T, bias))
    if not layers:
        raise ContractError(f"The network of {source.name} has no fully connected layers to copy.")
    return layers
