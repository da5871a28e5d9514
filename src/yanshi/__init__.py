"""Yanshi 偃师: an open brain for humanoid robots."""

import ctypes
import os
import sys


def _renderer() -> str:
    """Return the way of rendering, with or without a screen, that this machine has."""
    for name, library in (("egl", "libEGL.so.1"), ("osmesa", "libOSMesa.so.8")):
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        return name
    # Importing MuJoCo must not fail for want of a camera's picture; taking one then does.
    return "disable"


if sys.platform == "linux" and "MUJOCO_GL" not in os.environ:
    os.environ["MUJOCO_GL"] = _renderer()  # MuJoCo reads it when it is imported.
