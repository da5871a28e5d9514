"""The lessons of `yanshi train`."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from yanshi.policies.contract import load_contract, policy_folder
from yanshi.robots.g1.spec import G1
from yanshi.train import walk
from yanshi.train.export import walker_settings
from yanshi.train.g1_fleet import JOINTS
from yanshi.train.lesson import Lesson, Origin
from yanshi.train.ppo import Policy, Polish, PPOConfig
from yanshi.train.task import Task
from yanshi.train.walk import WalkConfig, WalkTask
from yanshi.train.warm_start import READY_WALKER, copy_network

_WALKING = PPOConfig(
    horizon=48,
    discount=0.98,
    trace=1.0,
    kl_target=0.005,
    polish=Polish(share=0.25, log_std=-2.0, kl_target=0.002),
    actor_rate=2e-6,
    actor_rate_range=(5e-7, 1e-3),
    critic_first=15,
    first_log_std=-1.0,
    log_std_min=-1.0,
)


def walk_lesson(config: WalkConfig | None = None, *, is_warm: bool = True) -> Lesson:
    """Return how to walk with free arms.

    Args:
        config: What the walker meets while it learns.
        is_warm: Whether it begins as a ready walker instead of with noise.
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
        ppo=_WALKING,
        robots=config.robots,
        begin=_copy_ready_walker if is_warm else None,
        settings=walker_settings(config),
    )


def _make_walk_task(config: WalkConfig, *, robots: int, threads: int, seed: int) -> Task:
    # Fewer robots meet fewer different bodies, so all shards together meet as many.
    models = max(1, round(config.variety.models * robots / config.robots))
    variety = replace(config.variety, models=models)
    return WalkTask(replace(config, robots=robots, threads=threads, variety=variety), seed)


def _copy_ready_walker(
    policy: Policy, *, seed: int, threads: int, say: Callable[[str], None]
) -> Origin:
    """Begin as a ready walker that sees nothing of its arms and follows its commands fully."""
    contract = load_contract(policy_folder(READY_WALKER), G1)
    gain = contract.numbers("command_gain", 3)
    copy_network(
        policy.actor,
        walk.TERMS,
        contract,
        joints=JOINTS[: walk.OWN],
        scales={"velocity_command": [1.0 / g for g in gain[:2]], "turn_command": [1.0 / gain[2]]},
    )
    return Origin.of(contract)
