import mujoco
import pytest

from yanshi.bodies.mujoco_camera import MujocoCamera
from yanshi.bodies.renderer import MEND, check_renderer
from yanshi.core.errors import BodyError
from yanshi.robots.g1.spec import HEAD_CAMERA


def test_this_machine_renders():
    assert check_renderer() in ("egl", "osmesa", "glfw")


def test_a_machine_whose_driver_finds_no_device_is_told_what_to_install(monkeypatch):
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent")
    monkeypatch.setenv("MUJOCO_GL", "egl")
    with pytest.raises(BodyError, match="apt-get install"):
        check_renderer()


def test_a_camera_on_a_machine_without_a_renderer_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.delattr(mujoco, "GLContext")  # As it is when MuJoCo found no library.
    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><camera name='head'/></worldbody></mujoco>"
    )
    with pytest.raises(BodyError, match=MEND):
        MujocoCamera(model, HEAD_CAMERA)
