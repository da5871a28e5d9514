"""The lesson of `yanshi train land`."""

from dataclasses import replace
from functools import partial

from yanshi.robots.g1.spec import G1
from yanshi.train import land
from yanshi.train.falls import begun_falls
from yanshi.train.g1_fleet import JOINTS
from yanshi.train.land import LandConfig, LandTask
from yanshi.train.lesson import Lesson
from yanshi.train.ppo import Polish, PPOConfig
from yanshi.train.task import Task

_LANDING = PPOConfig(
    horizon=35,  # A whole fall.
    epochs=4,
    minibatches=6,
    discount=0.995,
    critic_first=0,
    kl_target=0.03,
    actor_rate=5e-4,
    actor_rate_range=(1e-5, 2e-3),
    entropy=0.0003,
    first_log_std=-0.7,
    log_std_min=-1.4,
    polish=Polish(share=0.5, log_std=-2.0, kl_target=0.01),
    actor_layers=(256, 128, 128),
    critic_layers=(256, 128, 128),
)


def land_lesson(config: LandConfig | None = None) -> Lesson:
    """Return how to fall well.

    Args:
        config: What the robot meets while it learns.
    """
    config = config or LandConfig()
    return Lesson(
        name="land",
        about="Takes a fall: spares head and torso.",
        robot=G1,
        make=partial(_make_task, config),
        tick_s=config.physics.tick_s,
        terms=land.TERMS,
        joints=JOINTS,
        acts_on=JOINTS,
        action_scale=tuple(land.ACTION_SCALE.tolist()),
        action_offset=(0.0,) * len(JOINTS),
        action_limit=land.ACTION_LIMIT,
        ppo=_LANDING,
        robots=config.robots,
        settings={"limp_after_s": land.LIMP_AFTER_S},
    )


def _make_task(config: LandConfig, *, robots: int, threads: int, seed: int) -> Task:
    # Fewer robots meet fewer bodies, so all shards together meet as many.
    models = max(2, round(config.variety.models * robots / config.robots))
    variety = replace(config.variety, models=models)
    task = replace(config, robots=robots, threads=threads, variety=variety)
    return LandTask(task, seed, begun_falls(config.pushes))
