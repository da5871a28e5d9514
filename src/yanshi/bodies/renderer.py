"""Can this machine render a camera's picture? `python -m yanshi.bodies.renderer` tries it.

MuJoCo opens the graphics driver while it is imported, so a machine without one is only found
out by trying, best in a process of its own.
"""

import os
import re
import subprocess
import sys

from yanshi.core.errors import BodyError

MEND = "apt-get install -y --no-install-recommends libegl1 libgl1-mesa-dri libgles2"
"""What makes rendering without a screen or a GPU possible on Debian, as root."""
_TIMEOUT_S = 60.0
_HERE = "here"
"""Argument that makes this module render in its own process."""


def check_renderer() -> str:
    """Return the renderer that MuJoCo found on this machine, for people to read.

    Raises:
        BodyError: Nothing can be rendered; the message says what was tried and what mends it.
    """
    command = [sys.executable, "-m", "yanshi.bodies.renderer", _HERE]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise cannot_render(f"one picture took over {_TIMEOUT_S:.0f} s") from error
    if result.returncode != 0:
        # The first error is the reason; others follow while MuJoCo cleans up after it.
        errors = re.findall(r"^[\w.]*Error: .*", result.stderr, re.MULTILINE)
        reason = errors[0] if errors else f"rendering ended with code {result.returncode}"
        raise cannot_render(reason)
    return result.stdout.strip()


def cannot_render(reason: str) -> BodyError:
    """Return the error of a machine without a renderer, with what mends it."""
    return BodyError(
        f"This machine cannot render a camera's picture: {reason.rstrip('.')}. "
        f"A software renderer is enough; as root: {MEND}",
        zh=f"这台机器无法渲染相机画面：{reason.rstrip('.')}。"
        f"装一个软件渲染器即可（以 root 身份）：{MEND}",
    )


def _render_once() -> str:
    import mujoco  # Here, so that a machine without a renderer can ask for the check.

    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><light pos='0 0 3'/><geom size='1'/></worldbody></mujoco>"
    )
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    with mujoco.Renderer(model, 16, 16) as renderer:
        renderer.update_scene(data)
        if renderer.render().max() == 0:
            raise BodyError("the picture came out black")
    return os.environ.get("MUJOCO_GL", "default")


if __name__ == "__main__":
    if sys.argv[1:] == [_HERE]:
        print(_render_once())
    else:
        try:
            print(check_renderer())
        except BodyError as error:
            sys.exit(str(error))
