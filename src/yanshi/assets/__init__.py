"""Where does a mesh, weight or voice that is not ours come from?"""

from yanshi.assets.store import fetch, locate

__all__ = ["fetch", "locate"]
