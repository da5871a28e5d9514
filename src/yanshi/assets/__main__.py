"""Bring every asset into place: `python -m yanshi.assets`, part of setting Yanshi up."""

import sys

from yanshi.assets.manifest import ASSETS
from yanshi.assets.store import fetch
from yanshi.core.errors import AssetError

try:
    for asset, path in zip(ASSETS, fetch(), strict=True):
        print(f"{asset.name:<18} {asset.licence:<20} {path}")
except AssetError as error:
    sys.exit(str(error))
