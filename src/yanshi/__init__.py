"""Yanshi 偃师: an open brain for humanoid robots."""

import os
import sys

if sys.platform == "linux":
    # MuJoCo reads this when it is imported. EGL renders with and without a screen.
    os.environ.setdefault("MUJOCO_GL", "egl")
