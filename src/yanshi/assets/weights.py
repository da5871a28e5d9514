"""Are the trained weights that come with Yanshi still those that were committed?

`weights.sha256` beside this file names each of them with its hash, as `sha256sum` writes it, from
the folder `src/yanshi`. Whoever loads one asks `check_weights` first, once, at set-up: a network
that has been changed does not fail, it falls. What lies elsewhere is its owner's own affair.

    python -m yanshi.assets.weights > weights.sha256

writes it anew after training, in one commit with the weights.
"""

import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from yanshi.core.errors import AssetError

HOME = Path(__file__).parents[1]
MANIFEST = Path(__file__).with_name("weights.sha256")
PATTERNS = ("*.onnx", "*.gguf", "*.bin", "motion.npz", "plan-guess.npz", "fall-watch.npz")
"""Names of files that hold what was trained, or what a trained policy follows."""


def check_weights(path: Path, *, home: Path = HOME, manifest: Path = MANIFEST) -> None:
    """Refuse weights of Yanshi's own that are not the committed ones; pass any others.

    Raises:
        AssetError: The file is not in the manifest, or its content is not what is pinned there.
    """
    try:
        name = path.resolve().relative_to(home.resolve()).as_posix()
    except ValueError:
        return
    pinned = read_manifest(manifest).get(name)
    found = sha256_of(path)
    if found == pinned:
        return
    mend = f"git checkout -- {path}" if pinned else f"{sys.executable} -m yanshi.assets.weights"
    raise AssetError(
        f"The weights {path} have SHA-256 {found}, {pinned or 'none'} is pinned in {manifest}. "
        f"They are not loaded. If nobody meant to change them, this mends it: {mend}  "
        f"If they were trained anew, write the manifest anew: "
        f"{sys.executable} -m yanshi.assets.weights > {manifest}",
        zh=f"权重文件 {path} 的 SHA-256 是 {found}，清单 {manifest} 中为 {pinned or '无'}，"
        f"因此没有加载。若非有意改动，请恢复：{mend}；若是重新训练的，请更新清单："
        f"{sys.executable} -m yanshi.assets.weights > {manifest}",
    )


@cache
def read_manifest(manifest: Path = MANIFEST) -> dict[str, str]:
    """Return the pinned hash of each file of weights, by its path from `src/yanshi`."""
    lines = manifest.read_text(encoding="utf8").splitlines()
    return {name: sha256 for sha256, _, name in (line.partition("  ") for line in lines)}


def own_weights(home: Path = HOME) -> Iterator[Path]:
    """Return every file of weights that lies in Yanshi's folders, sorted."""
    yield from sorted(path for pattern in PATTERNS for path in home.rglob(pattern))


def sha256_of(path: Path) -> str:
    """Return a file's hash."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    for own in own_weights():
        print(f"{sha256_of(own)}  {own.relative_to(HOME).as_posix()}")
