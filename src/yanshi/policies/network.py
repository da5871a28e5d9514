"""Run a policy's network without making garbage: every buffer exists before the first tick."""

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from yanshi.policies.contract import Contract, open_session


class Network:
    """A contract's network with its inputs and outputs bound to arrays that stay."""

    def __init__(self, contract: Contract) -> None:
        self._session = open_session(contract.network)
        self._binding = self._session.io_binding()
        self.inputs = {n: np.zeros((1, w), np.float32) for n, w in contract.inputs.items()}
        self.outputs = {n: np.zeros((1, w), np.float32) for n, w in contract.outputs.items()}
        self._held = []  # ONNX Runtime keeps the addresses only; this keeps the memory.
        for name, array in self.inputs.items():
            value = ort.OrtValue.ortvalue_from_numpy(array)
            self._held.append(value)
            self._binding.bind_ortvalue_input(name, value)
        for name, array in self.outputs.items():
            self._binding.bind_output(
                name, "cpu", 0, np.float32, list(array.shape), array.ctypes.data
            )
        self.observation: NDArray[np.float32] = next(iter(self.inputs.values()))[0]
        """Write here before `run`, shape (n_observations,)."""
        self.action: NDArray[np.float32] = next(iter(self.outputs.values()))[0]
        """Read here after `run`, shape (n_joints,)."""

    def run(self) -> None:
        """Compute all outputs from all inputs."""
        self._session.run_with_iobinding(self._binding)
