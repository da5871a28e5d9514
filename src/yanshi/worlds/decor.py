"""How does a room look? Colours, textures and light from a seed."""

import colorsys
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.worlds.shapes import Rgba

TEXTURE_PX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Decor:
    """What the room's surfaces look like; material names are in the spec."""

    floor: str
    wood: str
    fabric: str
    wall: Rgba
    trim: Rgba
    shelf: Rgba
    door: Rgba
    sofa: Rgba
    pot: Rgba
    leaf: Rgba
    floor_style: str
    floor_rgb: tuple[float, float, float]
    wood_rgb: tuple[float, float, float]


WOODS = ((0.62, 0.44, 0.27), (0.48, 0.31, 0.18), (0.74, 0.60, 0.42), (0.82, 0.80, 0.76))
SOFAS = (
    (0.33, 0.38, 0.45),
    (0.58, 0.55, 0.50),
    (0.30, 0.42, 0.38),
    (0.55, 0.32, 0.28),
    (0.25, 0.27, 0.32),
    (0.70, 0.62, 0.50),
)


def choose_decor(rng: np.random.Generator) -> Decor:
    """Choose colours that a room might have."""

    def pale(saturation: float, value: float) -> Rgba:
        hue = float(rng.uniform(0.0, 1.0))
        amount = float(rng.uniform(0.0, saturation))
        return (*colorsys.hsv_to_rgb(hue, amount, float(rng.uniform(value, 0.97))), 1.0)

    def near(rgb: tuple[float, float, float]) -> tuple[float, float, float]:
        shade = np.clip(np.asarray(rgb) * rng.uniform(0.85, 1.1) + rng.normal(0, 0.02, 3), 0, 1)
        return (float(shade[0]), float(shade[1]), float(shade[2]))

    wood = near(WOODS[rng.integers(len(WOODS))])
    shelf = near(WOODS[rng.integers(len(WOODS))])
    style = str(rng.choice(["planks", "tiles", "carpet"], p=[0.55, 0.25, 0.2]))
    floor = near(WOODS[rng.integers(3)]) if style == "planks" else pale(0.15, 0.5)[:3]
    return Decor(
        floor="floor",
        wood="wood",
        fabric="fabric",
        wall=pale(0.12, 0.78),
        trim=(0.92, 0.91, 0.88, 1.0),
        shelf=(*shelf, 1.0),
        door=(*near(WOODS[rng.integers(len(WOODS))]), 1.0),
        sofa=(*near(SOFAS[rng.integers(len(SOFAS))]), 1.0),
        pot=pale(0.5, 0.35),
        leaf=(*near((0.16, 0.42, 0.14)), 1.0),
        floor_style=style,
        floor_rgb=floor,
        wood_rgb=wood,
    )


def planks(rgb: tuple[float, float, float], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint floor boards: rows of planks, each of its own shade with a fine grain."""
    n, rows = TEXTURE_PX, 8
    shade = np.ones((n, n))
    height = n // rows
    for row in range(rows):
        cut = int(rng.integers(n))
        tone = rng.uniform(0.86, 1.06, size=2)
        column = (np.arange(n) + cut) % n
        band = np.where(column < n // 2, tone[0], tone[1])
        shade[row * height : (row + 1) * height] *= band
        shade[row * height] *= 0.62
        seam = (n // 2 - cut) % n
        shade[row * height : (row + 1) * height, [seam, (-cut) % n]] *= 0.7
    return paint(rgb, shade * grain(rng))


def grain(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the streaks of wood, about 1, shape (n, n), running along the second axis."""
    noise = rng.normal(0.0, 1.0, size=(TEXTURE_PX, TEXTURE_PX))
    spectrum = np.fft.rfft2(noise)
    fy = np.abs(np.fft.fftfreq(TEXTURE_PX))[:, None]
    fx = np.fft.rfftfreq(TEXTURE_PX)[None, :]
    smooth = np.fft.irfft2(spectrum * np.exp(-((fx / 0.012) ** 2) - (fy / 0.25) ** 2))
    return np.asarray(1.0 + 0.05 * smooth / smooth.std())


def tiles(rgb: tuple[float, float, float], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint square tiles with darker joints."""
    n, across = TEXTURE_PX, 4
    tone = np.kron(rng.uniform(0.94, 1.04, (across, across)), np.ones((n // across, n // across)))
    joint = np.minimum(np.arange(n) % (n // across), 2) < 2
    tone[joint, :] *= 0.72
    tone[:, joint] *= 0.72
    return paint(rgb, tone * rng.normal(1.0, 0.012, (n, n)))


def carpet(rgb: tuple[float, float, float], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint a woven surface."""
    return paint(rgb, rng.normal(1.0, 0.07, (TEXTURE_PX, TEXTURE_PX)))


def paint(rgb: tuple[float, float, float], shade: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Turn a shade per pixel into colours, shape (n, n, 3)."""
    colours = np.clip(shade[..., None] * np.asarray(rgb), 0.0, 1.0)
    return np.asarray(colours * 255.0, dtype=np.uint8)


FLOORS = {"planks": planks, "tiles": tiles, "carpet": carpet}


def add_material(
    spec: mujoco.MjSpec,
    name: str,
    pixels: NDArray[np.uint8],
    *,
    repeat: tuple[float, float],
    specular: float = 0.1,
    reflectance: float = 0.0,
) -> None:
    """Add a texture and a material of the same name that repeats it per metre."""
    texture = spec.add_texture(
        name=name,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=pixels.shape[1],
        height=pixels.shape[0],
        nchannel=3,
    )
    texture.data = pixels.tobytes()
    roles = [""] * mujoco.mjtTextureRole.mjNTEXROLE
    roles[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
    material = spec.add_material(
        name=name, texuniform=True, texrepeat=repeat, specular=specular, shininess=0.2
    )
    material.reflectance = reflectance
    material.textures = roles


def light_room(
    spec: mujoco.MjSpec, size: tuple[float, float], decor: Decor, rng: np.random.Generator
) -> None:
    """Add materials, sky, haze-free background and lamps."""
    spec.visual.global_.offwidth, spec.visual.global_.offheight = 1280, 720
    spec.visual.quality.shadowsize = 4096
    spec.visual.map.znear, spec.visual.map.zfar = 0.01, 30.0
    spec.stat.extent, spec.stat.center = 3.0, (0.0, 0.0, 0.8)
    spec.visual.headlight.ambient = np.full(3, rng.uniform(0.24, 0.36))
    spec.visual.headlight.diffuse = np.full(3, rng.uniform(0.15, 0.3))
    spec.visual.headlight.specular = np.full(3, 0.05)
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=(0.86, 0.90, 0.95),
        rgb2=(0.55, 0.62, 0.72),
        width=64,
        height=384,
    )
    floor = FLOORS[decor.floor_style](decor.floor_rgb, rng)
    add_material(spec, decor.floor, floor, repeat=(0.7, 0.7), reflectance=0.05)
    wood = paint(decor.wood_rgb, grain(rng))
    add_material(spec, decor.wood, wood, repeat=(1.0, 1.0), specular=0.25)
    add_material(spec, decor.fabric, carpet(decor.sofa[:3], rng), repeat=(3.0, 3.0))
    warmth = rng.uniform(-0.06, 0.06)
    for side in (-1.0, 1.0):
        x = side * size[0] * rng.uniform(0.1, 0.25)
        y = rng.uniform(-0.25, 0.25) * size[1]
        tint = np.array([1.0 + warmth, 1.0, 1.0 - warmth])
        spec.worldbody.add_light(
            name=f"lamp_{'left' if side < 0 else 'right'}",
            pos=(x, y, 3.2),
            dir=(-0.25 * x, -0.25 * y, -1.0),
            diffuse=np.clip(rng.uniform(0.25, 0.4) * tint, 0.0, 1.0),
            ambient=(0.05, 0.05, 0.05),
            specular=(0.15, 0.15, 0.15),
            cutoff=80.0,
            exponent=1.0,
            attenuation=(1.0, 0.0, 0.0),
            castshadow=True,
        )
