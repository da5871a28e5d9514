"""The lesson of `yanshi train getup`."""

from dataclasses import asdict, replace
from functools import partial

from yanshi.robots.g1.spec import G1
from yanshi.train import getup
from yanshi.train.g1_fleet import INDICES, JOINTS
from yanshi.train.getup import GetupConfig, GetupTask
from yanshi.train.lesson import Lesson
from yanshi.train.ppo import Polish, PPOConfig
from yanshi.train.task import Task

_RISING = PPOConfig(
    critic_first=0,
    kl_target=0.015,
    actor_rate=5e-4,
    critic_rate=5e-4,
    entropy=0.0003,
    # Help and care follow the robots' success; noise has to be there until they rise, and to go.
    first_log_std=-0.5,
    log_std_min=-0.5,
    polish=Polish(share=0.7, log_std=-1.8, kl_target=0.006),
    actor_layers=(256, 256, 128),
)


def getup_lesson(config: GetupConfig | None = None) -> Lesson:
    """Return how to get up.

    Args:
        config: What the robot meets while it learns.
    """
    config = config or GetupConfig()
    return Lesson(
        name="getup",
        about="Gets up from the floor, whichever way the robot lies, and stands.",
        robot=G1,
        make=partial(_make_task, config),
        tick_s=config.physics.tick_s,
        terms=getup.TERMS,
        joints=JOINTS,
        acts_on=JOINTS,
        action_scale=tuple(getup.ACTION_SCALE.tolist()),
        action_offset=tuple(G1.default_position[INDICES].tolist()),
        action_limit=getup.ACTION_LIMIT,
        ppo=_RISING,
        robots=config.robots,
        settings=asdict(config.restraint),
    )


def _make_task(config: GetupConfig, *, robots: int, threads: int, seed: int) -> Task:
    # Fewer robots meet fewer bodies and floors, so all shards together meet as many.
    share = robots / config.robots
    models = max(2, round(config.variety.models * share))
    variety = replace(config.variety, models=models)
    ways = max(robots, round(config.ways_of_lying * share))
    task = replace(config, robots=robots, threads=threads, variety=variety, ways_of_lying=ways)
    return GetupTask(task, seed)
