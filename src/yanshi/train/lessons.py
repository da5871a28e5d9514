"""The lessons of `yanshi train`."""

from dataclasses import replace
from functools import partial

from torch import nn

from yanshi.policies.contract import load_contract, policy_folder
from yanshi.robots.g1.spec import G1
from yanshi.train import walk
from yanshi.train.export import walker_settings
from yanshi.train.g1_fleet import JOINTS
from yanshi.train.lesson import Lesson, Origin
from yanshi.train.task import Task
from yanshi.train.walk import WalkConfig, WalkTask
from yanshi.train.warm_start import copy_network

_WALKER = "g1_walk_ppo"
"""The ready walker that ours begins with."""


def walk_lesson(config: WalkConfig | None = None, *, is_warm: bool = True) -> Lesson:
    """Return how to walk with free arms.

    Args:
        config: What the walker meets while it learns.
        is_warm: Whether it begins with a ready walker's network instead of with noise.
    """
    config = config or WalkConfig()
    return Lesson(
        name="walk",
        about="Walks after velocity and posture commands; the arms are somebody else's.",
        robot=G1,
        make=partial(_make_walk_task, config),
        tick_s=config.physics.tick_s,
        terms=walk.TERMS,
        joints=JOINTS,
        acts_on=JOINTS[: walk.OWN],
        action_scale=(walk.ACTION_SCALE,) * walk.OWN,
        action_offset=tuple(G1.default_position[G1.joint_indices(JOINTS[: walk.OWN])].tolist()),
        action_limit=walk.ACTION_LIMIT,
        robots=config.robots,
        begin=_begin_as_ready_walker if is_warm else None,
        settings=walker_settings(config),
    )


def _make_walk_task(config: WalkConfig, *, robots: int, threads: int, seed: int) -> Task:
    # Fewer robots meet fewer different bodies, so all shards together meet as many.
    models = max(1, round(config.variety.models * robots / config.robots))
    variety = replace(config.variety, models=models)
    return WalkTask(replace(config, robots=robots, threads=threads, variety=variety), seed)


def _begin_as_ready_walker(actor: nn.Sequential) -> Origin:
    contract = load_contract(policy_folder(_WALKER), G1)
    # It moved the arms; ours is told where they go.
    pieces = {"last_action": [("last_action", 0, walk.OWN), ("arm_goal", 0, walk.ARMS)]}
    copy_network(actor, walk.TERMS, contract, pieces=pieces, outputs=walk.OWN)
    return Origin.of(contract)
