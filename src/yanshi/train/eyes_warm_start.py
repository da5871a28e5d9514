"""Begin with eyes that see already, instead of with noise.

The exporter folds every normalisation into the convolution before it. Here it is unfolded: a
look at some crops tells mean and spread of what each convolution answers, and the
normalisation takes that off and puts it back on. A kind or colour that the old eyes do not
know begins with no answer of its own.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from yanshi.core.errors import ContractError
from yanshi.train.eyes_network import PLACE_CHANNELS, EyesNetwork

Array = NDArray[np.float32]


def begin_as(
    network: EyesNetwork, path: Path, kinds: list[str], colours: list[str], channels: Tensor
) -> None:
    """Make `network` answer as the eyes in a file do.

    Args:
        network: Of the same widths as the old one; changed in place.
        path: Eyes that `yanshi train eyes` made.
        kinds: What the new ones tell apart, in the order of their answers.
        colours: Likewise.
        channels: Crops as the network sees them, shape (n, 6, height, width).

    Raises:
        ContractError: The file holds another network.
    """
    model = onnx.load(str(path))
    folded = _convolutions(model)
    facts = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    names = [f"kind {kind}" for kind in kinds] + [f"colour {colour}" for colour in colours]
    known = [f"kind {kind}" for kind in facts.get("kinds", ())]
    known += [f"colour {colour}" for colour in facts.get("colours", ())]
    if folded and len(folded[-1][1]) == PLACE_CHANNELS + len(known):
        folded[-1] = _rearranged(*folded[-1], known, names)
    found = [weight.shape for weight, _ in folded]
    wanted = [tuple(layer.weight.shape) for layer in layers]
    if found != wanted:
        raise ContractError(
            f"{path} has convolutions of the shapes {found}; {wanted} would agree with these eyes."
        )
    normalisations = _normalisations(network)
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, folded, strict=True):
            layer.weight.copy_(torch.from_numpy(weight))
            if layer in normalisations:
                _fold(normalisations[layer], torch.from_numpy(bias))
            elif layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(bias))
        _unfold(network, list(normalisations.values()), channels)


def _convolutions(model: onnx.ModelProto) -> list[tuple[Array, Array]]:
    """Return weights and biases in the order in which they are used."""
    values = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type == "Conv"]
    return [(values[node.input[1]].copy(), values[node.input[2]].copy()) for node in nodes]


def _rearranged(
    weight: Array, bias: Array, known: list[str], names: list[str]
) -> tuple[Array, Array]:
    """Return the last layer with its answers in another order, new ones at zero."""
    rows = np.zeros((PLACE_CHANNELS + len(names), *weight.shape[1:]), np.float32)
    biases = np.zeros(len(rows), np.float32)
    rows[:PLACE_CHANNELS], biases[:PLACE_CHANNELS] = weight[:PLACE_CHANNELS], bias[:PLACE_CHANNELS]
    for index, name in enumerate(names):
        if name in known:
            old = PLACE_CHANNELS + known.index(name)
            rows[PLACE_CHANNELS + index], biases[PLACE_CHANNELS + index] = weight[old], bias[old]
    return rows, biases


def _normalisations(network: nn.Module) -> dict[nn.Module, nn.BatchNorm2d]:
    """Return the normalisation after each convolution that has one."""
    pairs: dict[nn.Module, nn.BatchNorm2d] = {}
    for part in network.modules():
        if isinstance(part, nn.Sequential):
            for first, second in zip(part, list(part)[1:], strict=False):
                if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                    pairs[first] = second
    return pairs


def _fold(layer: nn.BatchNorm2d, bias: Tensor) -> None:
    """Let a normalisation add the bias and do nothing else."""
    _set(layer, torch.zeros_like(bias), torch.ones_like(bias) - layer.eps, bias)


def _unfold(network: EyesNetwork, layers: list[nn.BatchNorm2d], channels: Tensor) -> None:
    """Let normalisations normalise, with unchanged answers while the network does not learn."""
    seen: dict[nn.Module, Tensor] = {}

    def remember(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[layer] = inputs[0]

    hooks = [layer.register_forward_pre_hook(remember) for layer in layers]
    was_training = network.training
    network.eval()(channels)
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    for layer in layers:
        mean, variance = seen[layer].mean((0, 2, 3)), seen[layer].var((0, 2, 3))
        _set(layer, mean, variance, layer.bias + mean)


def _set(layer: nn.BatchNorm2d, mean: Tensor, variance: Tensor, bias: Tensor) -> None:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(variance)
    layer.weight.copy_(torch.sqrt(variance + layer.eps))
    layer.bias.copy_(bias)
