"""Which worlds are there? Each one is built from a seed and found here by name."""

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from yanshi.core.errors import UnknownNameError
from yanshi.worlds import furniture
from yanshi.worlds.decor import choose_decor, light_room
from yanshi.worlds.floor_plan import FloorPlan
from yanshi.worlds.home import Home, build_home, build_visited_home
from yanshi.worlds.movers import build_movers
from yanshi.worlds.tidy import build_handover, build_tidy


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldKind:
    """One kind of world, for lists and for building."""

    name: str
    summary: tuple[str, str]
    """What it is, for people: one line in English, one in Chinese."""
    build: Callable[[int], Home]
    """Makes the world that belongs to a seed."""


def build_empty(seed: int) -> Home:
    """Build a bare floor of 8 by 8 m under a plain light; only its colours follow the seed."""
    rng = np.random.default_rng([seed, 0x656D70])
    size, decor = (8.0, 8.0), choose_decor(rng)
    spec = mujoco.MjSpec()
    spec.modelname = f"empty_{seed}"
    light_room(spec, size, decor, rng)
    furniture.add_floor(spec, size, decor)
    plan = FloorPlan(name="empty", size=size, places=(), start=(0.0, 0.0, 0.0))
    return Home(spec=spec, floor_plan=plan, things=(), person="")


WORLDS: dict[str, WorldKind] = {
    kind.name: kind
    for kind in (
        WorldKind(
            name="home",
            summary=(
                "A furnished room with a table, a shelf, a door, a sofa, a plant, a person "
                "and five to eight things",
                "布置好的房间：桌子、架子、门、沙发、植物、一个人和五到八件物品",
            ),
            build=build_home,
        ),
        WorldKind(
            name="visit",
            summary=(
                "The home, with a person who may walk about; `yanshi weigh` takes place in it",
                "同一个家，不过里面的人会走动；yanshi weigh 在此进行",
            ),
            build=build_visited_home,
        ),
        WorldKind(
            name="tidy",
            summary=(
                "A home to grasp in: things that touch and hide each other on two tables and "
                "three boards, a tray, a bowl and a bin",
                "练习抓取的家：两张桌子和三层架子上有互相挨着、遮挡的物品，还有托盘、碗和垃圾桶",
            ),
            build=build_tidy,
        ),
        WorldKind(
            name="movers",
            summary=(
                "The furniture of that home with nothing on it but one large box to carry",
                "同样的家具，上面只有一个要搬的大箱子",
            ),
            build=build_movers,
        ),
        WorldKind(
            name="handover",
            summary=(
                "The same, with a person who holds an open hand out",
                "同一个家，不过里面的人伸出一只张开的手",
            ),
            build=build_handover,
        ),
        WorldKind(
            name="empty",
            summary=("A bare floor, eight metres square", "八米见方的空地"),
            build=build_empty,
        ),
    )
}


def find_world(name: str) -> WorldKind:
    """Return the kind of world called `name`.

    Raises:
        UnknownNameError: There is no such world.
    """
    if name not in WORLDS:
        raise UnknownNameError("world", name, WORLDS)
    return WORLDS[name]


def build_world(name: str, seed: int) -> Home:
    """Build the world called `name` that belongs to a seed.

    Raises:
        UnknownNameError: There is no such world.
    """
    return find_world(name).build(seed)
